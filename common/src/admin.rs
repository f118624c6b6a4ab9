//! The admin listener: `/metrics` (Prometheus text), `/livez`, `/readyz`, `/log-levels`, and [`crate::console`] at `/console`.
//!
//! It is a listener of its own so that probes and scrapes keep answering when the data port is saturated, and so
//! that it need not be reachable from where the clients are.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::{Encoder, Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

mod callers;
mod log_levels;

pub use callers::{AdminCallers, MayChange};

use crate::auth::guessing::Guessing;
use crate::auth::verifier::Caller;
use crate::console::{Body, Console};
use crate::listener::{ListenerError, ListenerSpec};
use crate::tls::opening::Opening;
use crate::tls::settings::TlsSettings;
use crate::tls::stream::Client;

/// Says whether the program can do its work now; `Err` says why not.
pub type Readiness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Connections served at once; further ones wait.
const MAX_CONNECTIONS: usize = 64;
/// A connection that sends no whole request header within this time is closed.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// A running admin listener; it ends when dropped.
pub struct AdminServer {
    addresses: Vec<SocketAddr>,
    stop: CancellationToken,
}

struct State {
    registry: Registry,
    ready: Readiness,
    guard: Guard,
    guessing: Option<Guessing>,
}

/// What protects the listener, and what else it shows; by default nothing.
#[derive(Clone, Default)]
pub struct Guard {
    /// TLS of listeners, by their names.
    pub tls: HashMap<String, TlsSettings>,
    /// Who may see the metrics and change log levels; `None`: anybody. Probes are always answered.
    pub callers: Option<Arc<AdminCallers>>,
    /// Wrong credentials that an address may show in a minute; 0: any number.
    pub failures_per_minute: f64,
    /// Whether only known callers may change log levels: where the program's API asks for credentials and this listener for none,
    /// that is whoever has a certificate.
    pub levels_closed: bool,
    /// The page at `/console`, if there is to be one.
    pub console: Option<Arc<Console>>,
}

impl AdminServer {
    /// Listens on every item of `listeners`; `option` is the setting an error names.
    ///
    /// # Errors
    /// When a listener is malformed or cannot be bound.
    pub async fn start(
        listeners: &[String],
        option: &str,
        registry: Registry,
        ready: Readiness,
    ) -> Result<Self, ListenerError> {
        Self::start_guarded(listeners, option, Guard::default(), registry, ready).await
    }

    /// The same, protected.
    ///
    /// # Errors
    /// Also when certificates cannot be used.
    pub async fn start_guarded(
        listeners: &[String],
        option: &str,
        guard: Guard,
        registry: Registry,
        ready: Readiness,
    ) -> Result<Self, ListenerError> {
        let state = Arc::new(State {
            registry,
            ready,
            guessing: Guessing::new(guard.failures_per_minute),
            guard,
        });
        let stop = CancellationToken::new();
        let mut addresses = Vec::new();
        for text in listeners {
            let spec = ListenerSpec::parse(text)?;
            let tls = state.guard.tls.get(&spec.scheme);
            let opening = Opening::load(tls, &["http/1.1"], text)?;
            opening.watch(&stop);
            let socket = spec.bind(option).await?;
            let bound = socket.local_addr();
            let bound = bound.map_err(|source| ListenerError::Bind {
                spec: text.clone(),
                option: option.into(),
                source,
            })?;
            addresses.push(bound);
            tokio::spawn(accept(socket, opening, Arc::clone(&state), stop.clone()));
        }
        Ok(Self { addresses, stop })
    }

    /// The addresses it listens on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(socket: TcpListener, opening: Opening, state: Arc<State>, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let (stream, address) = tokio::select! {
            () = stop.cancelled() => return,
            accepted = socket.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "admin listener: cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (state, opening, stop) = (Arc::clone(&state), opening.clone(), stop.clone());
        tokio::spawn(async move {
            let (stream, client) = match opening.open(stream, HEADER_TIMEOUT).await {
                Ok(opened) => opened,
                Err(error) => {
                    tracing::warn!(%error, "admin listener: a TLS handshake failed");
                    return;
                }
            };
            let service = service_fn(|request| {
                let (state, from) = (Arc::clone(&state), (address, client.clone()));
                async move { Ok::<_, Infallible>(answer(&state, request, from).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                () = stop.cancelled() => {}
                result = connection => if let Err(error) = result {
                    tracing::debug!(%error, "admin listener: connection ended");
                },
            }
            drop(slot);
        });
    }
}

async fn answer(
    state: &State,
    request: Request<Incoming>,
    from: (SocketAddr, Client),
) -> Response<Body> {
    let path = request.uri().path();
    if let Some(console) = &state.guard.console
        && (path == "/console" || path.starts_with("/console/"))
    {
        return console.answer(request, from).await;
    }
    let answer = probe(state, request, &from).await;
    answer.map(|body| body.map_err(|never| match never {}).boxed_unsync())
}

async fn probe(
    state: &State,
    request: Request<Incoming>,
    (address, client): &(SocketAddr, Client),
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let mut caller = None;
    if matches!(path, "/log-levels" | "/metrics")
        && let Some(callers) = &state.guard.callers
    {
        let (guessing, from) = (state.guessing.as_ref(), (address.ip(), client));
        match callers.identify(guessing, request.headers(), from).await {
            Ok(known) => caller = Some(known),
            Err(refusal) => return *refusal,
        }
    }
    if path == "/log-levels" {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if !reads && let Err(reason) = may_change(&state.guard, caller.as_ref(), client) {
            return text(StatusCode::FORBIDDEN, reason);
        }
        let (head, body) = request.into_parts();
        let (status, told) = log_levels::answer(&head.method, body).await;
        return text(status, told);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
    }
    match path {
        "/metrics" => metrics(&state.registry),
        "/livez" => text(StatusCode::OK, "ok\n"),
        "/readyz" => match (state.ready)() {
            Ok(()) => text(StatusCode::OK, "ok\n"),
            Err(reason) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
        },
        _ => {
            let console = state.guard.console.as_ref().map_or("", |_| "/console, ");
            let here =
                format!("not found: {console}/metrics, /livez, /readyz and /log-levels are here\n");
            text(StatusCode::NOT_FOUND, here)
        }
    }
}

const LEVELS_CLOSED: &str = "the API asks for credentials, so nobody unknown changes log levels: set \
    sluiceway.admin.authentication.enable=true (it needs users), or give the admin listener https with certificates of clients\n";

const NO_RIGHT: &str =
    "the rules of sluiceway.authorization.rules do not let you change log levels\n";

/// Whether a request, which may see the log levels, may also change them.
fn may_change(guard: &Guard, caller: Option<&Caller>, client: &Client) -> Result<(), &'static str> {
    match (&guard.callers, caller) {
        (Some(callers), Some(caller)) if callers.may_change(caller) => Ok(()),
        (Some(_), _) => Err(NO_RIGHT),
        (None, _) if client.principal.is_some() || !guard.levels_closed => Ok(()),
        (None, _) => Err(LEVELS_CLOSED),
    }
}

fn metrics(registry: &Registry) -> Response<Full<Bytes>> {
    let encoder = TextEncoder::new();
    let mut body = Vec::with_capacity(16 * 1024);
    if let Err(error) = encoder.encode(&registry.gather(), &mut body) {
        return text(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("cannot render the metrics: {error}\n"),
        );
    }
    respond(StatusCode::OK, encoder.format_type().to_owned(), body)
}

fn text(status: StatusCode, body: impl Into<Vec<u8>>) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8".to_owned(), body.into())
}

fn respond(status: StatusCode, content_type: String, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    if let Ok(value) = content_type.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::auth::method::Method;
    use crate::auth::verifier::Verifier;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[test]
    fn who_may_change_log_levels() {
        let may = |levels_closed: bool, known: Option<bool>, certificate: bool| {
            let callers = known.map(|right| {
                let callers = AdminCallers::new(Verifier::default(), Box::new(move |_| right));
                Arc::new(callers)
            });
            let guard = Guard {
                callers,
                levels_closed,
                ..Guard::default()
            };
            let client = Client {
                secure: certificate,
                principal: certificate.then(|| "CN=ops".into()),
            };
            let caller = known.map(|_| Caller {
                name: "ops".into(),
                roles: Vec::new(),
                method: Method::Basic,
                plan: None,
            });
            may_change(&guard, caller.as_ref(), &client).is_ok()
        };
        assert!(may(false, None, false), "nobody is asked");
        assert!(!may(true, None, false) && may(true, None, true));
        assert!(may(true, Some(true), false) && !may(true, Some(false), false));
        assert!(!may(true, Some(false), true), "a certificate is no right");
    }

    #[tokio::test]
    async fn metrics_liveness_and_readiness() {
        let registry = Registry::new();
        let counter = prometheus::IntCounter::new("sluiceway_test_total", "A test.").unwrap();
        registry.register(Box::new(counter.clone())).unwrap();
        counter.inc();
        let ready = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ready);
        let readiness: Readiness = Arc::new(move || {
            if flag.load(Ordering::Relaxed) {
                Ok(())
            } else {
                Err("still starting".into())
            }
        });
        let server =
            AdminServer::start(&["http://127.0.0.1:0".into()], "admin", registry, readiness)
                .await
                .unwrap();
        let address = server.addresses()[0];
        assert!(
            get(address, "/metrics")
                .await
                .contains("\nsluiceway_test_total 1\n")
        );
        assert!(get(address, "/livez").await.starts_with("HTTP/1.1 200"));
        let not_ready = get(address, "/readyz").await;
        assert!(not_ready.starts_with("HTTP/1.1 503") && not_ready.ends_with("still starting\n"));
        ready.store(true, Ordering::Relaxed);
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/x").await.starts_with("HTTP/1.1 404"));
    }
}
