//! What is too large by its own account is refused before it is read.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{Request, header};
use tower::{Layer, Service};

use super::{AnsweredOr, Call, answered};
use crate::error::Error;
use crate::events;
use crate::metrics::Metrics;
use crate::respond::{self, Response};
use crate::router::Target;

/// See the module. (Bodies that do not tell their size are bounded while they are read.)
#[derive(Debug, Clone)]
pub struct SizeLimitLayer {
    /// Bytes of request line and headers.
    pub max_header: usize,
    /// Bytes of the body.
    pub max_body: usize,
    /// The route whose bodies are streams, which have no end that counts.
    pub streamed: Option<usize>,
    /// Where refusals are counted.
    pub metrics: Arc<Metrics>,
}

impl SizeLimitLayer {
    fn check<B>(&self, target: Target, request: &Request<B>) -> Result<(), Error> {
        // Name, colon, space, value, end of line; the line itself has a method and a version besides the path.
        let headers = request.headers().iter();
        let size: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len() + 4)
            .sum();
        let path = request
            .uri()
            .path_and_query()
            .map_or(1, |path| path.as_str().len());
        if size + path + 16 > self.max_header {
            return Err(Error::HeaderTooLarge);
        }
        if self
            .streamed
            .is_some_and(|route| target == Target::Route(route))
        {
            return Ok(());
        }
        let length = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: u64| length > self.max_body as u64) {
            return Err(Error::BodyTooLarge(self.max_body));
        }
        Ok(())
    }
}

impl<S> Layer<S> for SizeLimitLayer {
    type Service = SizeLimit<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SizeLimit {
            inner,
            settings: self.clone(),
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct SizeLimit<S> {
    inner: S,
    settings: SizeLimitLayer,
}

impl<S> Service<Call> for SizeLimit<S>
where
    S: Service<Call, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = AnsweredOr<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        match self.settings.check(call.matched.target, &call.request) {
            Ok(()) => Either::Right(self.inner.call(call)),
            Err(error) => {
                events::refused(&self.settings.metrics, &error);
                answered(respond::error(&error, None))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sizes_are_bounded() {
        let metrics = Arc::new(Metrics::new(&prometheus::Registry::new()).unwrap());
        let layer = SizeLimitLayer {
            max_header: 256,
            max_body: 10,
            streamed: Some(3),
            metrics,
        };
        let request = |path: &str, length: &str| {
            Request::builder()
                .uri(path)
                .header(header::CONTENT_LENGTH, length)
                .body(())
                .unwrap()
        };
        assert!(
            layer
                .check(Target::NoPath, &request("/topics/a", "10"))
                .is_ok()
        );
        assert!(
            layer
                .check(Target::Route(3), &request("/topics/a", "11"))
                .is_ok()
        );
        assert!(matches!(
            layer.check(Target::NoPath, &request("/topics/a", "11")),
            Err(Error::BodyTooLarge(10))
        ));
        assert!(matches!(
            layer.check(
                Target::NoPath,
                &request(&format!("/{}", "x".repeat(300)), "1")
            ),
            Err(Error::HeaderTooLarge)
        ));
        assert!(
            layer
                .check(Target::NoPath, &request("/", "nonsense"))
                .is_ok()
        );
    }
}
