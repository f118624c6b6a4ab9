//! Cross-origin requests of browsers, when `access.control.allow.origin` is set.
//!
//! A preflight of an allowed origin is answered here; other requests pass, and their answers say what is allowed.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::Either;
use http::{HeaderMap, HeaderValue, Method, header};
use tower::{Layer, Service};

use super::{Answer, AnsweredOr, Call, answered};
use crate::config::CorsConfig;
use crate::respond::Response;

/// See the module.
#[derive(Debug, Clone)]
pub struct CorsLayer(Arc<CorsConfig>);

impl CorsLayer {
    /// These rules.
    #[must_use]
    pub fn new(config: CorsConfig) -> Self {
        Self(Arc::new(config))
    }
}

impl<S> Layer<S> for CorsLayer {
    type Service = Cors<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Cors {
            inner,
            config: Arc::clone(&self.0),
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Cors<S> {
    inner: S,
    config: Arc<CorsConfig>,
}

impl<S> Service<Call> for Cors<S>
where
    S: Service<Call, Response = Response, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response;
    type Error = Infallible;
    type Future = AnsweredOr<Allowing<S::Future>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let headers = call.request.headers();
        let origin = headers
            .get(header::ORIGIN)
            .filter(|origin| self.config.allows(origin))
            .cloned();
        if let Some(origin) = &origin
            && call.request.method() == Method::OPTIONS
            && let Some(wanted) = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)
            && self
                .config
                .methods
                .iter()
                .any(|method| method.as_bytes() == wanted.as_bytes())
        {
            return answered(self.config.preflight(origin));
        }
        let exposed = HeaderValue::from_str(&self.config.exposed)
            .ok()
            .filter(|value| !value.is_empty());
        Either::Right(Allowing {
            inner: self.inner.call(call),
            origin,
            exposed,
        })
    }
}

impl CorsConfig {
    fn allows(&self, origin: &HeaderValue) -> bool {
        self.origins
            .iter()
            .any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes())
    }

    fn preflight(&self, origin: &HeaderValue) -> Response {
        let mut response = http::Response::default();
        allow(response.headers_mut(), origin.clone());
        for (name, items) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, &self.methods),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, &self.headers),
        ] {
            if let Ok(value) = HeaderValue::from_str(&items.join(",")) {
                response.headers_mut().insert(name, value);
            }
        }
        response.headers_mut().insert(
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static("1800"),
        );
        response
    }
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        HeaderValue::from_static("true"),
    );
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

/// The future of [`Cors`].
#[derive(Debug)]
pub struct Allowing<F> {
    inner: F,
    origin: Option<HeaderValue>,
    exposed: Option<HeaderValue>,
}

impl<F: Future<Output = Answer> + Unpin> Future for Allowing<F> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let Ok(mut response) = ready!(Pin::new(&mut self.inner).poll(context));
        if let Some(origin) = self.origin.take() {
            allow(response.headers_mut(), origin);
            if let Some(exposed) = self.exposed.take() {
                response
                    .headers_mut()
                    .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
            }
        }
        Poll::Ready(Ok(response))
    }
}
