//! One count, one duration and (when someone listens) one log line and one span per request.
//!
//! The access log is the log target `sluiceway_proxy::access`: at `info` every request, at `warn` those that failed
//! inside. A target that nobody listens to costs a comparison.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{Method, Uri};
use sluiceway_common::traces::Span;
use tower::{Layer, Service};
use tracing::Level;

use super::{Answer, Call};
use crate::app::App;
use crate::request_span;
use crate::respond::Response;
use crate::router::Target;

/// The access log.
pub const ACCESS_LOG: &str = "sluiceway_proxy::access";

/// See the module.
#[derive(Clone)]
pub struct ObserveLayer(pub Arc<App>);

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Observe {
            inner,
            app: Arc::clone(&self.0),
        }
    }
}

/// See the module.
#[derive(Clone)]
pub struct Observe<S> {
    inner: S,
    app: Arc<App>,
}

impl<S> Service<Call> for Observe<S>
where
    S: Service<Call, Response = Response, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Observed<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        let span = request_span::begin(&self.app, &call).map(Box::new);
        call.trace = span.as_ref().map(|span| span.context());
        Observed {
            span,
            started: Instant::now(),
            target: call.matched.target,
            line: tracing::enabled!(target: ACCESS_LOG, Level::WARN)
                .then(|| Box::new(Line::new(&call))),
            app: Arc::clone(&self.app),
            inner: self.inner.call(call),
        }
    }
}

/// The future of [`Observe`].
pub struct Observed<F> {
    inner: F,
    app: Arc<App>,
    target: Target,
    started: Instant,
    line: Option<Box<Line>>,
    span: Option<Box<Span>>,
}

impl<F: Future<Output = Answer> + Unpin> Future for Observed<F> {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let Ok(response) = ready!(Pin::new(&mut self.inner).poll(context));
        let seconds = self.started.elapsed().as_secs_f64();
        if let Some(observed) = self.app.observed(self.target) {
            observed.observe(response.status().as_u16(), seconds);
        }
        if let Some(line) = self.line.take() {
            line.write(&response, seconds);
        }
        if let Some(span) = self.span.take() {
            request_span::end(*span, &response);
        }
        Poll::Ready(Ok(response))
    }
}

/// What the log shows of a request.
struct Line {
    peer: SocketAddr,
    method: Method,
    uri: Uri,
    /// The client's own name for the request.
    id: Option<String>,
}

impl Line {
    fn new(call: &Call) -> Self {
        let id = call
            .request
            .headers()
            .get("x-request-id")
            .and_then(|id| id.to_str().ok());
        Self {
            peer: call.peer.address,
            method: call.request.method().clone(),
            uri: call.request.uri().clone(),
            id: id.map(str::to_owned),
        }
    }

    fn write(self, response: &Response, seconds: f64) {
        let Self {
            peer,
            method,
            uri,
            id,
        } = self;
        let (status, bytes) = (response.status().as_u16(), response.body().len());
        if status < 500 && !tracing::enabled!(target: ACCESS_LOG, Level::INFO) {
            return;
        }
        let id = id.unwrap_or_else(next_id);
        let (path, millis) = (uri.path(), seconds * 1000.0);
        if status >= 500 {
            tracing::warn!(target: ACCESS_LOG, %peer, %method, path, status, bytes, millis, id, "request failed");
        } else {
            tracing::info!(target: ACCESS_LOG, %peer, %method, path, status, bytes, millis, id, "request");
        }
    }
}

/// A name for a request whose client gave it none, different for every request of every start of the proxy.
fn next_id() -> String {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static START: LazyLock<u64> = LazyLock::new(|| uuid::Uuid::new_v4().as_u64_pair().0);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{:016x}-{}", *START, COUNT.fetch_add(1, Ordering::Relaxed))
}
