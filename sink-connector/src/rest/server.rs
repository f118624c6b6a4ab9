//! Connections: accepted, read, answered, drained.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, HeaderMap, ORIGIN};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use sluiceway_common::console::{Entrance, Visitor};
use sluiceway_common::listener::{ListenerError, ListenerSpec};
use sluiceway_common::tls::opening::Opening;
use sluiceway_common::tls::settings::TlsSettings;
use sluiceway_common::tls::stream::{Client, Stream};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::events::Events;
use super::gate::{Gate, Visit};
use super::introduce::Signed;
use super::need::{Need, Principal};
use super::refused::Refused;
use super::respond::{self, ApiError, Reply};
use super::router::Route;
use super::{
    Api, Part, audit, body, connectors, cors, explain, forward, loggers, objects, offsets, plugins,
    root,
};
use crate::worker::Operation;

/// A connection that sends no whole request header within this time is closed.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// A request whose body has not come within this time is refused.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests under way may take when the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// A running REST API; it ends when stopped or dropped.
pub(crate) struct RestServer {
    addresses: Vec<SocketAddr>,
    stop: CancellationToken,
    connections: TaskTracker,
    service: Service,
    slots: Arc<Semaphore>,
}

/// Sockets that are bound and not yet served.
pub(crate) struct BoundSockets(Vec<(TcpListener, Opening, Part)>);

/// A request with its body, as the handlers take it.
pub(super) struct Call {
    pub(super) method: Method,
    /// As the client wrote it.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Who sent it; `None`: nobody has to be known.
    pub(super) principal: Option<Arc<Principal>>,
}

impl Call {
    /// Whether its sender may read this connector.
    pub(super) fn may_read(&self, connector: &str) -> bool {
        let principal = self.principal.as_ref();
        principal.is_none_or(|who| who.rights.allow(Operation::Read, connector))
    }

    /// The host that the request was sent to, as its client wrote it.
    pub(super) fn host(&self) -> Option<&str> {
        self.headers
            .get(http::header::HOST)
            .and_then(|host| host.to_str().ok())
    }
}

impl BoundSockets {
    /// Binds `specs`; `option` is the setting that an error names, `tls` is for those of https.
    pub(crate) async fn bind(
        mut self,
        specs: &[ListenerSpec],
        option: &str,
        tls: Option<&TlsSettings>,
        part: Part,
    ) -> Result<Self, ListenerError> {
        for spec in specs {
            let tls = tls.filter(|_| spec.scheme == "https");
            let opening = Opening::load(tls, &["http/1.1"], &spec.to_string())?;
            self.0.push((spec.bind(option).await?, opening, part));
        }
        Ok(self)
    }

    /// No sockets.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// The addresses they are bound to.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.0
            .iter()
            .filter_map(|(socket, ..)| socket.local_addr().ok())
            .collect()
    }
}

impl RestServer {
    /// Serves `api` on `sockets`.
    pub(crate) fn start(sockets: BoundSockets, api: Arc<Api>, events: Events) -> Self {
        let server = Self {
            addresses: sockets.addresses(),
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
            slots: Arc::new(Semaphore::new(api.config.max_connections)),
            service: Service {
                api,
                events: Arc::new(events),
                part: Part::WithoutAdmin,
            },
        };
        for (socket, opening, part) in sockets.0 {
            opening.watch(&server.stop);
            let service = Service {
                part,
                ..server.service.clone()
            };
            server.connections.spawn(accept(
                socket,
                opening,
                service,
                Arc::clone(&server.slots),
                server.stop.clone(),
            ));
        }
        server
    }

    /// The addresses it listens on, in the order of the listeners.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Lets visitors of the console in, like connections of listeners; not to `/admin/…`.
    pub(crate) fn entrance(&self) -> Entrance {
        let (service, slots) = (self.service.clone(), Arc::clone(&self.slots));
        let (stop, connections) = (self.stop.clone(), self.connections.clone());
        Arc::new(move |visitor: Visitor| {
            let (service, slots, stop) = (service.clone(), Arc::clone(&slots), stop.clone());
            connections.spawn(async move {
                let Ok(_slot) = slots.acquire_owned().await else {
                    return;
                };
                let from = (visitor.address, visitor.client);
                let stream = Stream::Memory(visitor.stream);
                let mut connection = pin!(connection(stream, service, from));
                let ended = tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = stop.cancelled() => {
                        connection.as_mut().graceful_shutdown();
                        connection.await
                    }
                };
                if let Err(error) = ended {
                    tracing::debug!(%error, "a REST connection ended");
                }
            });
        })
    }

    /// Takes no more connections and waits for the requests under way, for a bounded time.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.connections.close();
        if tokio::time::timeout(DRAIN, self.connections.wait())
            .await
            .is_err()
        {
            tracing::warn!("REST requests under way were cut off when the worker stopped");
        }
    }
}

impl Drop for RestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[derive(Clone)]
struct Service {
    api: Arc<Api>,
    events: Arc<Events>,
    part: Part,
}

async fn accept(
    socket: TcpListener,
    opening: Opening,
    service: Service,
    slots: Arc<Semaphore>,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            break;
        };
        let (stream, address) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = socket.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a REST connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (service, opening, watcher) = (service.clone(), opening.clone(), graceful.watcher());
        tokio::spawn(async move {
            let (stream, client) = match opening.open(stream, HEADER_TIMEOUT).await {
                Ok(opened) => opened,
                Err(error) => {
                    service.events.handshake_failed(&error);
                    return;
                }
            };
            let connection = watcher.watch(connection(stream, service, (address, client)));
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a REST connection ended");
            }
            drop(slot);
        });
    }
    drop(socket);
    graceful.shutdown().await;
}

type Connection<S> = hyper::server::conn::http1::Connection<TokioIo<Stream>, S>;

fn connection(
    stream: Stream,
    service: Service,
    from: (SocketAddr, Client),
) -> Connection<
    impl hyper::service::Service<Request<Incoming>, Response = Reply, Error = Infallible, Future: Send>
    + Send,
> {
    let serve = service_fn(move |request| {
        let (service, from) = (service.clone(), from.clone());
        async move { Ok(service.answer(request, from).await) }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), serve)
}

impl Service {
    async fn answer(self, request: Request<Incoming>, from: (SocketAddr, Client)) -> Reply {
        let started = Instant::now();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let origin = request.headers().get(ORIGIN).cloned();
        let route = Route::find(&path, self.part);
        let name = route.as_ref().map_or("none", Route::name);
        let changes = audit::changes(&method, route.as_ref());
        // Before anything else: nobody learns what is there without being let in.
        let admitted = self.admit((request.method(), request.uri(), request.headers()), &from);
        let (principal, mut reply) = match admitted.await {
            Err(refused) => (None, refused.reply()),
            Ok(visit) => {
                let principal = visit.principal.clone();
                let answered = self.route(route, request, visit).await;
                (principal, answered.unwrap_or_else(|error| error.reply()))
            }
        };
        if self.api.gate.as_ref().is_some_and(Gate::asks) {
            let audited = audit::Audited {
                peer: from.0,
                principal: principal.as_ref().map(|principal| &*principal.name),
                method: &method,
                path: &path,
                changes,
            };
            audited.done(self.api.config.audit, reply.status());
        }
        cors::apply(&self.api.config, origin.as_ref(), reply.headers_mut());
        self.api
            .config
            .response_headers
            .iter()
            .for_each(|header| header.apply(reply.headers_mut()));
        if method == Method::HEAD {
            *reply.body_mut() = Full::default();
        }
        self.events
            .answered(&method, &path, name, reply.status(), started.elapsed());
        reply
    }

    async fn admit(
        &self,
        (method, uri, headers): (&Method, &Uri, &HeaderMap),
        (peer, client): &(SocketAddr, Client),
    ) -> Result<Visit, Refused> {
        let Some(gate) = &self.api.gate else {
            return Ok(Visit::default());
        };
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        let signed = Signed { method, target };
        gate.admit(&signed, headers, (peer.ip(), client)).await
    }

    async fn route(
        &self,
        route: Option<Route>,
        request: Request<Incoming>,
        visit: Visit,
    ) -> Result<Reply, ApiError> {
        let route = route.ok_or_else(|| ApiError::plain(StatusCode::NOT_FOUND))?;
        if request.method() == Method::OPTIONS {
            let reply = respond::with_allow(respond::empty(StatusCode::OK), &route.allow());
            return Ok(cors::preflight(&self.api.config, request.headers(), reply));
        }
        // HEAD is answered as GET; hyper sends no body then.
        let method = if request.method() == Method::HEAD {
            Method::GET
        } else {
            request.method().clone()
        };
        if !route.methods().contains(&method) {
            let error = ApiError::plain(StatusCode::METHOD_NOT_ALLOWED);
            return Ok(respond::with_allow(error.reply(), &route.allow()));
        }
        if let Some(principal) = &visit.principal {
            Need::of(&route, &method).check(principal)?;
        }
        let reading = tokio::time::timeout(BODY_TIMEOUT, self.read(method, request, visit)).await;
        let call = reading.map_err(|_| ApiError::plain(StatusCode::REQUEST_TIMEOUT))??;
        if let (Some(principal), Some(name)) = (&call.principal, created(&route, &call)) {
            principal.check(Operation::Write, &name)?;
        }
        self.carry_out(route, call).await
    }

    async fn read(
        &self,
        method: Method,
        request: Request<Incoming>,
        visit: Visit,
    ) -> Result<Call, ApiError> {
        let (parts, body) = request.into_parts();
        let limited = Limited::new(body, self.api.config.max_body_bytes);
        let body = match limited.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Err(ApiError::plain(StatusCode::PAYLOAD_TOO_LARGE));
            }
            Err(error) => {
                return Err(ApiError::bad_request(format!(
                    "The request body ended early: {error}"
                )));
            }
        };
        if visit.introduced.is_some_and(|told| !told.has_body(&body)) {
            let message = "The body is not the one that the worker signed";
            return Err(ApiError::forbidden(message));
        }
        body::check_content_type(&parts.headers, &body)?;
        if !accepts_json(&parts.headers) {
            return Err(ApiError::plain(StatusCode::NOT_ACCEPTABLE));
        }
        let query = parts.uri.query().map(str::to_owned);
        Ok(Call {
            method,
            path: parts.uri.path().to_owned(),
            query,
            headers: parts.headers,
            body,
            principal: visit.principal,
        })
    }

    /// Runs the handler to its end, whatever happens to the connection, and waits for it for a bounded time.
    async fn carry_out(&self, route: Route, call: Call) -> Result<Reply, ApiError> {
        let api = Arc::clone(&self.api);
        let handler = tokio::spawn(async move { forward::serve(&api, route, &call).await });
        match tokio::time::timeout(self.api.config.request_timeout, handler).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                tracing::error!(%error, "a REST handler ended abnormally");
                Err(ApiError::plain(StatusCode::INTERNAL_SERVER_ERROR))
            }
            Err(_) => Err(ApiError::timed_out()),
        }
    }
}

/// The connector that a request makes, where its body names it. What cannot be read is refused by its handler.
fn created(route: &Route, call: &Call) -> Option<String> {
    let creates = *route == Route::Connectors && call.method == Method::POST;
    let request = creates.then(|| body::create(&call.body))?;
    Some(request.ok()?.name)
}

/// Answers a request that this worker carries out.
pub(super) async fn handle(api: &Api, route: Route, call: &Call) -> Result<Reply, ApiError> {
    match route {
        Route::Root => root::info(api).await,
        Route::Health => Ok(root::health(api)),
        Route::Plugins => Ok(plugins::list(call)),
        Route::PluginConfig(class) => plugins::config(&class),
        Route::Validate(class) => plugins::validate(api, &class, call).await,
        Route::Explain(class) => explain::explained(api, &class, call).await,
        Route::Objects(name) => objects::list(api, &name, call).await,
        Route::ObjectPreview(name) => objects::preview(api, &name, call).await,
        Route::ObjectLink(name) => objects::link(api, &name, call).await,
        Route::Loggers => Ok(loggers::all(api)),
        Route::Logger(name) => loggers::one(api, &name, call).await,
        Route::Offsets(name) => offsets::serve(api, &name, call).await,
        other => connectors::serve(api, other, call).await,
    }
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let mut accepted = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .peekable();
    if accepted.peek().is_none() {
        return true;
    }
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let essence = range
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase();
        let refused = range
            .split(';')
            .skip(1)
            .any(|parameter| parameter.trim() == "q=0");
        !refused && ["application/json", "application/*", "*/*", "*"].contains(&essence.as_str())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn accept_headers() {
        let accepts = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, value.parse().unwrap());
            accepts_json(&headers)
        };
        assert!(accepts_json(&HeaderMap::new()));
        assert!(
            accepts("application/json")
                && accepts("text/html, */*;q=0.1")
                && accepts("application/*")
        );
        assert!(!accepts("text/html") && !accepts("application/json;q=0"));
    }
}
