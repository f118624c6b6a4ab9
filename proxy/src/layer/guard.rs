//! Lets pass who may, when a setting asks for that; see [`crate::auth::gate`].

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::HeaderValue;
use tower::{Layer, Service};

use super::{Answer, Call};
use crate::auth::gate::{Denied, Gate};
use crate::events;
use crate::kinesis;
use crate::metrics::Metrics;
use crate::peers::Peers;
use crate::respond::{self, Response};

/// See the module.
#[derive(Clone)]
pub struct GuardLayer {
    /// The checks.
    pub gate: Arc<Gate>,
    /// Where refusals are counted.
    pub metrics: Arc<Metrics>,
    /// Other replicas, whose requests are let in for their proof.
    pub peers: Option<Arc<Peers>>,
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guard {
            inner,
            layer: self.clone(),
        }
    }
}

/// See the module.
#[derive(Clone)]
pub struct Guard<S> {
    inner: S,
    layer: GuardLayer,
}

impl<S> Service<Call> for Guard<S>
where
    S: Service<Call, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut call: Call) -> Self::Future {
        let (mut inner, layer) = (self.inner.clone(), self.layer.clone());
        Box::pin(async move {
            let GuardLayer {
                gate,
                metrics,
                peers,
            } = layer;
            let passed = match gate.admit(peers.as_deref(), &mut call).await {
                Ok(passed) => passed,
                Err(Denied { error, negotiated }) => {
                    events::refused(&metrics, &error);
                    let response = if gate.is_kinesis(call.matched.target) {
                        kinesis::denied(&error)
                    } else {
                        respond::error(&error, negotiated.as_ref())
                    };
                    if gate.audits_denials() {
                        events::denied(&call, response.status(), &error);
                    }
                    return Ok(response);
                }
            };
            let audited = passed.audited.then(|| events::Audited::of(&call));
            let mut response = inner.call(call).await?;
            if let Some(mark) = passed.mark {
                let mark = HeaderValue::from_static(mark);
                response.headers_mut().insert("dosfilter", mark);
            }
            if let Some(audited) = audited {
                audited.done(response.status());
            }
            Ok(response)
        })
    }
}
