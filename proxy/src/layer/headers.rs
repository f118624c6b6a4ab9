//! Headers of every answer: `response.http.headers.config`, `nosniff.prevention.enable`, `hsts.header.enable`.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tower::{Layer, Service};

use super::{Answer, Call};
use crate::config::ExtraHeader;
use crate::respond::Response;

/// See the module.
#[derive(Debug, Clone)]
pub struct HeadersLayer(Arc<[ExtraHeader]>);

impl HeadersLayer {
    /// These headers.
    #[must_use]
    pub fn new(headers: &[ExtraHeader]) -> Self {
        Self(headers.into())
    }
}

impl<S> Layer<S> for HeadersLayer {
    type Service = Headers<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Headers {
            inner,
            headers: Arc::clone(&self.0),
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Headers<S> {
    inner: S,
    headers: Arc<[ExtraHeader]>,
}

impl<S> Service<Call> for Headers<S>
where
    S: Service<Call, Response = Response, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response;
    type Error = Infallible;
    type Future = WithHeaders<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        WithHeaders {
            inner: self.inner.call(call),
            headers: Arc::clone(&self.headers),
        }
    }
}

/// The future of [`Headers`].
#[derive(Debug)]
pub struct WithHeaders<F> {
    inner: F,
    headers: Arc<[ExtraHeader]>,
}

impl<F: Future<Output = Answer> + Unpin> Future for WithHeaders<F> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let Ok(mut response) = ready!(Pin::new(&mut self.inner).poll(context));
        for header in self.headers.iter() {
            if header.append {
                response
                    .headers_mut()
                    .append(&header.name, header.value.clone());
            } else {
                response
                    .headers_mut()
                    .insert(&header.name, header.value.clone());
            }
        }
        Poll::Ready(Ok(response))
    }
}
