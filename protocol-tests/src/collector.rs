//! A stand-in for an OpenTelemetry collector: it takes spans by OTLP over HTTP (protobuf, read by the protocol's own types), checks
//! its key, and can be told to be out of order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::stand_in::StandIn;

/// The header that it wants, and its value.
pub const KEY: (&str, &str) = ("x-collector-key", "planted-key-of-the-collector");

/// A span, and whose it is.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `service.name`.
    pub service: String,
    /// The span itself.
    pub span: Span,
}

impl Seen {
    /// An attribute as text.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<String> {
        attribute(&self.span.attributes, name)
    }

    /// Trace and span as in a `traceparent`.
    #[must_use]
    pub fn context(&self) -> String {
        format!(
            "00-{}-{}-01",
            hex(&self.span.trace_id),
            hex(&self.span.span_id)
        )
    }

    /// The trace and the parent's span in the same form.
    #[must_use]
    pub fn parent(&self) -> String {
        format!(
            "00-{}-{}-01",
            hex(&self.span.trace_id),
            hex(&self.span.parent_span_id)
        )
    }

    /// The spans that it is linked to.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        let links = self.span.links.iter();
        links
            .map(|link| format!("00-{}-{}-01", hex(&link.trace_id), hex(&link.span_id)))
            .collect()
    }
}

fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|pair| pair.key == name)?;
    let AnyValue { value, .. } = found.value.as_ref()?;
    Some(match value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    /// Requests that are still to be refused with 503.
    refusing: usize,
    refused: usize,
    wrong: Vec<String>,
}

/// A stand-in that listens; it ends when dropped.
pub struct Collector {
    server: StandIn,
    state: Arc<Mutex<State>>,
}

impl Collector {
    /// Listens on a free port.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start() -> Result<Self> {
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let server = StandIn::start(move |request| answer(request, Arc::clone(&shared))).await?;
        Ok(Self { server, state })
    }

    /// Its address, without the protocol's path.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Answers so many requests with 503.
    pub fn refuse(&self, requests: usize) {
        self.locked().refusing = requests;
    }

    /// Requests that it refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.locked().refused
    }

    /// All spans so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.locked().seen.clone()
    }

    /// Requests that were not as the protocol wants them.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        self.locked().wrong.clone()
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(request: Request<Incoming>, state: Arc<Mutex<State>>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let read = read(&head, &body.unwrap_or_default());
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let status = match read {
        _ if state.refusing > 0 => {
            state.refusing -= 1;
            state.refused += 1;
            StatusCode::SERVICE_UNAVAILABLE
        }
        Ok(spans) => {
            state.seen.extend(spans);
            StatusCode::OK
        }
        Err(reason) => {
            state.wrong.push(reason);
            StatusCode::BAD_REQUEST
        }
    };
    let empty = ExportTraceServiceResponse::default().encode_to_vec();
    let mut response = Response::new(Full::from(empty));
    *response.status_mut() = status;
    let protobuf = http::HeaderValue::from_static("application/x-protobuf");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, protobuf);
    response
}

fn read(head: &http::request::Parts, body: &[u8]) -> Result<Vec<Seen>, String> {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    if head.method != "POST" || head.uri.path() != "/v1/traces" {
        return Err(format!("{} {}", head.method, head.uri));
    }
    if header("content-type") != Some("application/x-protobuf") {
        return Err(format!("Content-Type {:?}", header("content-type")));
    }
    if header(KEY.0) != Some(KEY.1) {
        return Err(format!("{} {:?}", KEY.0, header(KEY.0)));
    }
    let request = ExportTraceServiceRequest::decode(body).map_err(|error| error.to_string())?;
    let mut seen = Vec::new();
    for of_service in request.resource_spans {
        let resource = of_service.resource.unwrap_or_default();
        let service = attribute(&resource.attributes, "service.name").unwrap_or_default();
        for span in of_service
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans)
        {
            let service = service.clone();
            seen.push(Seen { service, span });
        }
    }
    Ok(seen)
}
