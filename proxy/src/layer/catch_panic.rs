//! A handler that panics costs its own request a 500, and nothing else.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{CatchUnwind, Map};
use tower::{Layer, Service};

use super::{Answer, Call};
use crate::error::Error;
use crate::respond::{self, Response};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct CatchPanicLayer;

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CatchPanic { inner }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct CatchPanic<S> {
    inner: S,
}

type Caught = Result<Answer, Box<dyn Any + Send>>;

impl<S> Service<Call> for CatchPanic<S>
where
    S: Service<Call, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Map<CatchUnwind<AssertUnwindSafe<S::Future>>, fn(Caught) -> Answer>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        AssertUnwindSafe(self.inner.call(call))
            .catch_unwind()
            .map(answer)
    }
}

fn answer(caught: Caught) -> Answer {
    caught.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        tracing::error!(panic = text, "a handler panicked");
        Ok(respond::error(&Error::Internal, None))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::SocketAddr;
    use std::sync::Arc;

    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto::Builder;
    use sluiceway_common::tls::stream::Client;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::connections::{Active, Activity};
    use crate::router::Matched;
    use crate::server::Peer;

    /// Panics with a text, with one that is made, with something else, and not at all.
    async fn handler(call: Call) -> Answer {
        match call.request.uri().path() {
            "/text" => panic!("told"),
            "/made" => panic!("{} told", call.request.uri()),
            "/other" => std::panic::panic_any(7),
            _ => Ok(respond::no_content()),
        }
    }

    /// What these paths are answered with, one after the other on a connection.
    async fn answers(paths: &[&str]) -> String {
        let (mut client, server) = tokio::io::duplex(64 * 1024);
        let peer = Arc::new(Peer {
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
            client: Client::default(),
        });
        let activity = Arc::<Activity>::default();
        let layer = CatchPanicLayer.layer(tower::service_fn(handler));
        let service = hyper::service::service_fn(move |request| {
            layer.clone().call(Call {
                request,
                matched: Matched::route(0),
                peer: Arc::clone(&peer),
                active: Active::new(&activity),
                principal: None,
                account: None,
                trace: None,
                stage: None,
                place: None,
            })
        });
        let builder = Builder::new(TokioExecutor::new());
        let serving = builder.serve_connection(TokioIo::new(server), service);
        let asking = async {
            for (number, path) in paths.iter().enumerate() {
                let last = number + 1 == paths.len();
                let close = if last { "Connection: close\r\n" } else { "" };
                let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{close}\r\n");
                client.write_all(request.as_bytes()).await.unwrap();
            }
            let mut text = String::new();
            client.read_to_string(&mut text).await.unwrap();
            text
        };
        let (served, text) = tokio::join!(serving, asking);
        served.unwrap();
        text
    }

    #[tokio::test]
    async fn a_panic_costs_its_own_request_a_500() {
        let text = answers(&["/text", "/well", "/made", "/other", "/well"]).await;
        let statuses: Vec<&str> = text
            .split("HTTP/1.1 ")
            .skip(1)
            .filter_map(|answer| answer.get(..3))
            .collect();
        assert_eq!(statuses, ["500", "204", "500", "500", "204"], "{text}");
        let body = r#"{"error_code":500,"message":"Internal Server Error"}"#;
        assert_eq!(text.matches(body).count(), 3, "{text}");
        assert!(!text.contains("told"), "{text}");
    }
}
