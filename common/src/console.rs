//! The console: a page at `/console` of the admin listener, the APIs it needs, and a stream of live figures.
//!
//! ```text
//! browser ─▶ admin listener ─▶ /console                   the page (built files, in the binary)
//!                              /console/info              which programs this console shows
//!                              /console/live              figures of the metrics registry, as events
//!                              /console/api/<program>/…   passed on ─▶ this program's own API, in the process
//!                              /console/live/<program>                ─▶ the other program's console, over HTTP
//! ```
//!
//! What is passed on goes over a connection in memory to the same HTTP server, with the same gate, limits and counters, as what
//! comes in by the program's own listeners: the console has no rights of its own. The page and the figures are given to whom
//! the APIs let in: each API is asked for its root with the request's credentials, and its refusal is the answer.
//!
//! A change must come from the page itself or from no page at all: other sites' pages are refused (`Sec-Fetch-Site`, `Origin`).

mod config;
mod figures;
mod files;
mod live;
mod relay;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use prometheus::Registry;
use serde_json::json;
use tokio::io::DuplexStream;

use crate::tls::stream::Client;
use live::Live;
pub use relay::{Other, OtherError};

/// The body of an answer: whole, or as it comes.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// Someone who comes in by a connection in memory.
pub struct Visitor {
    /// The server's end of the connection.
    pub stream: DuplexStream,
    /// Where the client that stands behind it connects from.
    pub address: SocketAddr,
    /// What its own connection told.
    pub client: Client,
}

/// Takes visitors in: the server of a program's API.
pub type Entrance = Arc<dyn Fn(Visitor) + Send + Sync>;

/// Settings of the console.
#[derive(Debug, Clone, Default)]
pub struct ConsoleConfig {
    /// Whether there is one.
    pub enable: bool,
    /// The console of the other program, if this one is to show it, too.
    pub other: Option<Other>,
}

/// A program whose API the console uses.
struct Program {
    name: &'static str,
    entrance: Entrance,
}

/// The console of an admin listener.
pub struct Console {
    programs: OnceLock<Vec<Program>>,
    other: Option<(&'static str, Other)>,
    live: Arc<Live>,
}

/// Name of the proxy in paths.
pub const PROXY: &str = "proxy";
/// Name of the sink in paths.
pub const SINK: &str = "sink";

impl Console {
    /// A console that shows the figures of `registry`. `own` is the program's name; the other one's console may be far away. Programs move in with [`Console::open`].
    #[must_use]
    pub fn start(
        config: &ConsoleConfig,
        own: &'static str,
        registry: Registry,
    ) -> Option<Arc<Self>> {
        if !config.enable {
            return None;
        }
        let far = if own == PROXY { SINK } else { PROXY };
        Some(Arc::new(Self {
            programs: OnceLock::new(),
            other: config.other.clone().map(|other| (far, other)),
            live: Live::start(registry),
        }))
    }

    /// Opens the programs' APIs; only the first call counts.
    pub fn open(&self, programs: impl IntoIterator<Item = (&'static str, Entrance)>) {
        let programs = programs.into_iter();
        let programs = programs.map(|(name, entrance)| Program { name, entrance });
        let _later = self.programs.set(programs.collect());
    }

    fn programs(&self) -> &[Program] {
        self.programs.get().map_or(&[], Vec::as_slice)
    }

    /// Answers what lies below `/console`; `from` is the client.
    pub async fn answer(
        &self,
        request: Request<Incoming>,
        from: (SocketAddr, Client),
    ) -> Response<Body> {
        let path = request.uri().path().to_owned();
        if let Some(rest) = path.strip_prefix("/console/api/") {
            return self.api(rest, request, from).await;
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET and HEAD are known here",
            );
        }
        if let Some(refused) = self.gate(request.headers(), &from).await {
            return refused;
        }
        match path.as_str() {
            "/console/info" => self.info(),
            "/console/live" => live::stream(&self.live),
            _ => match path.strip_prefix("/console/live/") {
                Some(name) => self.far_live(name, request).await,
                None => files::serve(&path, request.headers()),
            },
        }
    }

    /// Passes `rest` (`<program>/<path>`) on.
    async fn api(
        &self,
        rest: &str,
        request: Request<Incoming>,
        from: (SocketAddr, Client),
    ) -> Response<Body> {
        if let Some(reason) = foreign(request.method(), request.headers()) {
            return refusal(StatusCode::FORBIDDEN, reason);
        }
        let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
        if let Some(program) = self.programs().iter().find(|program| program.name == name) {
            let path = format!("/{path}");
            return relay::inside(&program.entrance, request, &path, from).await;
        }
        match &self.other {
            Some((far, other)) if *far == name => {
                let path = request.uri().path().to_owned();
                other.pass_on(request, &path).await
            }
            _ => refusal(StatusCode::NOT_FOUND, UNKNOWN),
        }
    }

    async fn far_live(&self, name: &str, request: Request<Incoming>) -> Response<Body> {
        match &self.other {
            Some((far, other)) if *far == name => other.pass_on(request, "/console/live").await,
            _ => refusal(StatusCode::NOT_FOUND, UNKNOWN),
        }
    }

    /// The refusal of the first API that does not let this caller in.
    async fn gate(
        &self,
        headers: &HeaderMap,
        from: &(SocketAddr, Client),
    ) -> Option<Response<Body>> {
        for program in self.programs() {
            let answer = relay::ask_root(&program.entrance, headers, from.clone()).await;
            if matches!(
                answer.status(),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
            ) {
                return Some(answer);
            }
        }
        None
    }

    fn info(&self) -> Response<Body> {
        let near = self.programs().iter().map(|program| {
            let name = program.name;
            json!({ "name": name, "api": format!("/console/api/{name}"), "live": "/console/live", "url": null })
        });
        let far = self.other.iter().map(|(name, other)| {
            json!({
                "name": name,
                "api": format!("/console/api/{name}"),
                "live": format!("/console/live/{name}"),
                "url": other.url(),
            })
        });
        let programs: Vec<_> = near.chain(far).collect();
        let info = json!({ "version": env!("CARGO_PKG_VERSION"), "programs": programs });
        with_headers(whole(StatusCode::OK, "application/json", info.to_string()))
    }
}

const UNKNOWN: &str = "this console does not show that program; sluiceway.console.other.url names the other one's admin listener";

/// Why a request that changes something is not taken: it comes from another site's page.
fn foreign(method: &Method, headers: &HeaderMap) -> Option<&'static str> {
    const REASON: &str = "a page of another site may change nothing here";
    if matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return (!matches!(site, "same-origin" | "none")).then_some(REASON);
    }
    let origin = text(header::ORIGIN)?;
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    (authority.is_none() || authority != text(header::HOST)).then_some(REASON)
}

/// An error as the APIs have them.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    let body = json!({ "error_code": status.as_u16(), "message": message });
    with_headers(whole(status, "application/json", body.to_string()))
}

pub(crate) fn whole(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let body = Full::new(body.into()).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// Nothing from elsewhere, no frame round it, no guessing of types.
const HEADERS: [(header::HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        header::HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

pub(crate) fn with_headers(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
