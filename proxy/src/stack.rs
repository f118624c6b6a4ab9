//! The layers round every request, in order, each with the reason for its place.
//!
//! ```text
//! hyper ─▶ router (pure look-up) ─▶ [ layers, top to bottom ] ─▶ dispatch ─▶ handler
//! ```
//!
//! The router stands before the layers because a look-up costs little and the counters of the outermost layer need its
//! result. Request ids are part of the outermost layer, too: they are made only for a log line that is written.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::util::option_layer;
use tower::{Service, ServiceBuilder};

use crate::app::App;
use crate::dispatch::dispatch;
use crate::layer::catch_panic::CatchPanicLayer;
use crate::layer::compress::CompressLayer;
use crate::layer::cors::CorsLayer;
use crate::layer::deadline::DeadlineLayer;
use crate::layer::guard::GuardLayer;
use crate::layer::headers::HeadersLayer;
use crate::layer::observe::ObserveLayer;
use crate::layer::shed::ShedLayer;
use crate::layer::size_limit::SizeLimitLayer;
use crate::layer::{Answer, Call};
use crate::respond::Response;
use crate::router::Endpoint;

/// Builds the stack. It is always ready: what cannot be served is answered, never queued.
pub fn stack(
    app: &Arc<App>,
) -> impl Service<Call, Response = Response, Error = Infallible, Future: Send + Unpin>
+ Clone
+ Send
+ Sync
+ use<> {
    let (http, metrics) = (&app.config.http, &app.metrics);
    ServiceBuilder::new()
        // Outermost: counts, times and logs whatever the others make of a request.
        .layer(ObserveLayer(Arc::clone(app)))
        // On every answer, also those of the layers below.
        .layer(option_layer(
            (!http.extra_headers.is_empty()).then(|| HeadersLayer::new(&http.extra_headers)),
        ))
        // Above all that could panic, below what counts the 500 that comes of it.
        .layer(CatchPanicLayer)
        // A preflight is no work: it is answered even when the proxy is full. Refusals below can be read by browsers.
        .layer(option_layer(http.cors.clone().map(CorsLayer::new)))
        // Who may not pass costs no place. Made only when a setting asks for it.
        .layer(option_layer(app.gate.clone().map(|gate| GuardLayer {
            gate,
            metrics: Arc::clone(metrics),
            peers: app.peers.clone(),
        })))
        // The limit on requests at once: beyond it, 503 now instead of an answer too late.
        .layer(ShedLayer::new(
            http.max_requests,
            Arc::clone(metrics),
            Arc::clone(&app.admission),
        ))
        // The clock runs while the handler does; what was shed has no need of it.
        .layer(DeadlineLayer(http.request_timeout))
        // Nearest to the bodies it compresses.
        .layer(CompressLayer(http.compression))
        // Last: what is too large by its own account is refused before anyone reads it.
        .layer(SizeLimitLayer {
            max_header: http.max_header_bytes,
            max_body: http.max_body_bytes,
            streamed: app.router.route_of(Endpoint::V3Records),
            metrics: Arc::clone(metrics),
        })
        .service(Dispatch(Arc::clone(app)))
}

/// The bottom: the handler, boxed.
#[derive(Clone)]
struct Dispatch(Arc<App>);

impl Service<Call> for Dispatch {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let app = Arc::clone(&self.0);
        Box::pin(async move { Ok(dispatch(&app, call).await) })
    }
}
