//! A request as a span: begun before anybody looks at it, ended with the head of its answer. Names and attributes are
//! OpenTelemetry's for HTTP servers; the name has the route, never the path, so that there are few of them.

use http::Version;
use sluiceway_common::traces::{Begin, Span, SpanKind};

use crate::app::App;
use crate::layer::Call;
use crate::respond::Response;
use crate::router::Target;
use crate::trace_context;

/// Begins the span of a request, where there are spans.
pub(crate) fn begin(app: &App, call: &Call) -> Option<Span> {
    if !app.traces.is_on() {
        return None;
    }
    let request = &call.request;
    let method = request.method().as_str();
    let route = match call.matched.target {
        Target::Route(index) => app.router.routes().get(index).map(|route| route.template),
        _ => None,
    };
    let mut span = app.traces.begin(|| {
        let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        let parent = trace_context::parent(request.headers());
        Begin::new(SpanKind::Server, name, parent)
    })?;
    if !span.is_recording() {
        return Some(span);
    }
    span.set("http.request.method", method);
    if let Some(route) = route {
        span.set("http.route", route);
    }
    span.set("url.path", request.uri().path());
    let scheme = if call.peer.client.secure {
        "https"
    } else {
        "http"
    };
    span.set("url.scheme", scheme);
    span.set("client.address", call.peer.address.ip().to_string());
    span.set("network.protocol.version", version(request.version()));
    Some(span)
}

/// Ends it. Only what failed inside is an error of a server.
pub(crate) fn end(mut span: Span, response: &Response) {
    let status = response.status();
    span.set("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.set("error.type", status.as_str());
        span.fail(status.canonical_reason().unwrap_or_default());
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}
