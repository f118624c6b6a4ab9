//! `request.timeout.ms`: no answer by then is a 504. Off by default, as in the original, and then it costs nothing.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::Either;
use tower::{Layer, Service};

use super::{Answer, Call};
use crate::error::Error;
use crate::respond::{self, Response};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct DeadlineLayer(pub Option<Duration>);

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Deadline {
            inner,
            limit: self.0,
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Deadline<S> {
    inner: S,
    limit: Option<Duration>,
}

impl<S> Service<Call> for Deadline<S>
where
    S: Service<Call, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Pin<Box<dyn Future<Output = Answer> + Send>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let inner = self.inner.call(call);
        let Some(limit) = self.limit else {
            return Either::Left(inner);
        };
        Either::Right(Box::pin(async move {
            let late = Error::Deadline(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
            tokio::time::timeout(limit, inner)
                .await
                .unwrap_or_else(|_| Ok(respond::error(&late, None)))
        }))
    }
}
