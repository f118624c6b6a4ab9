//! Only so many requests at once: one more is answered with 503 at once, instead of waiting where nobody sees it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::future::Either;
use tower::{Layer, Service};

use super::{AnsweredOr, Call, answered};
use crate::admission::Admission;
use crate::error::Error;
use crate::events;
use crate::metrics::Metrics;
use crate::respond::{self, Response};

/// See the module.
#[derive(Debug, Clone)]
pub struct ShedLayer {
    served: Arc<AtomicUsize>,
    limit: usize,
    metrics: Arc<Metrics>,
    admission: Arc<Admission>,
}

impl ShedLayer {
    /// At most `limit` requests at once. `admission` knows when it is worth trying again.
    #[must_use]
    pub fn new(limit: usize, metrics: Arc<Metrics>, admission: Arc<Admission>) -> Self {
        Self {
            served: Arc::default(),
            limit,
            metrics,
            admission,
        }
    }

    fn enter(&self) -> Option<Place> {
        let served = self.served.fetch_add(1, Ordering::Relaxed);
        self.metrics.in_flight.inc();
        let place = Place {
            served: Arc::clone(&self.served),
            metrics: Arc::clone(&self.metrics),
        };
        (served < self.limit).then_some(place)
    }
}

/// A request's place among those served at once.
#[derive(Debug)]
pub struct Place {
    served: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.served.fetch_sub(1, Ordering::Relaxed);
        self.metrics.in_flight.dec();
    }
}

impl<S> Layer<S> for ShedLayer {
    type Service = Shed<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Shed {
            inner,
            settings: self.clone(),
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Shed<S> {
    inner: S,
    settings: ShedLayer,
}

impl<S> Service<Call> for Shed<S>
where
    S: Service<Call, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = AnsweredOr<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        call.place = self.settings.enter();
        if call.place.is_some() {
            return Either::Right(self.inner.call(call));
        }
        let refused = Error::Overloaded {
            retry_after: self.settings.admission.retry_after(),
        };
        events::refused(&self.settings.metrics, &refused);
        answered(respond::error(&refused, None))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn places_are_limited_and_given_back() {
        let metrics = Arc::new(Metrics::new(&prometheus::Registry::new()).unwrap());
        let layer = ShedLayer::new(2, Arc::clone(&metrics), Admission::new(1));
        let (first, second) = (layer.enter().unwrap(), layer.enter().unwrap());
        assert!(layer.enter().is_none());
        assert_eq!(metrics.in_flight.get(), 2);
        drop(first);
        let third = layer.enter();
        assert!(third.is_some());
        drop((second, third));
        assert_eq!(
            (
                layer.served.load(Ordering::Relaxed),
                metrics.in_flight.get()
            ),
            (0, 0)
        );
    }
}
