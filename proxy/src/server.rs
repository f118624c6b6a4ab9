//! Accepting connections, speaking HTTP on them, and letting them go.
//!
//! ```text
//! listener ─▶ accept (bounded) ─▶ TLS, if it is one of https ─▶ HTTP/1.1 or HTTP/2, told apart by the first bytes ─▶ stack
//! ```
//!
//! A connection without a request under way is closed after `idle.timeout.ms`; since a request counts only once its
//! header is whole, this also ends clients that never finish one. The check is one timer per connection and none per
//! request. When all connections that there may be are taken, those that have been idle for longest go at once, so that nobody
//! can lock others out by holding connections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::Service as HyperService;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use sluiceway_common::console::{Entrance, Visitor};
use sluiceway_common::listener::ListenerError;
use sluiceway_common::tls::opening::Opening;
use sluiceway_common::tls::stream::{Client, Stream};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::app::App;
use crate::connections::{Active, Activity, Connections, Place};
use crate::events;
use crate::layer::{Answer, Call};
use crate::respond::Response;
use crate::stack::stack;
use crate::stage;

/// Longest TLS handshake; `idle.timeout.ms` when that is shorter.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a connection that has not brought a request yet is waited for when the proxy stops.
const NEWCOMERS: Duration = Duration::from_millis(250);

/// Bytes that a connection reads ahead at most; a header that does not fit is answered with 431.
const MAX_BUFFER: usize = 64 * 1024;

/// Listeners at work.
pub struct Server {
    addresses: Vec<SocketAddr>,
    stop: CancellationToken,
    tasks: TaskTracker,
    connections: Arc<Connections>,
    grace: Duration,
}

impl Server {
    /// Binds all listeners and starts to accept.
    ///
    /// # Errors
    /// A listener cannot be bound; the error names the port and the setting.
    pub async fn start(app: &Arc<App>) -> Result<Self, ListenerError> {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let connections = Connections::new(app.config.http.max_connections);
        let (mut addresses, mut listeners) = (Vec::new(), Vec::new());
        let alpn = if app.config.http.http2 {
            &["h2", "http/1.1"][..]
        } else {
            &["http/1.1"][..]
        };
        for spec in &app.config.listeners {
            let option = &app.config.listeners_option;
            let tls = app.config.tls.get(&spec.scheme);
            let opening = Opening::load(tls, alpn, &spec.to_string())?;
            let listener = spec.bind(option).await?;
            let bound = listener
                .local_addr()
                .map_err(|source| ListenerError::Bind {
                    spec: spec.to_string(),
                    option: option.clone(),
                    source,
                })?;
            addresses.push(bound);
            listeners.push((listener, opening));
        }
        for (listener, opening) in listeners {
            opening.watch(&stop);
            let (app, connections) = (Arc::clone(app), Arc::clone(&connections));
            let at = (listener, opening);
            tasks.spawn(accept(app, at, connections, stop.clone(), tasks.clone()));
        }
        Ok(Self {
            addresses,
            stop,
            tasks,
            connections,
            grace: app.config.http.shutdown_grace,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Lets visitors of the console in, like connections of listeners.
    #[must_use]
    pub fn entrance(&self, app: &Arc<App>) -> Entrance {
        let (stack, http) = (stack(app), Arc::new(protocols(app)));
        let (app, connections) = (Arc::downgrade(app), Arc::clone(&self.connections));
        let (stop, tasks) = (self.stop.clone(), self.tasks.clone());
        Arc::new(move |visitor| {
            let Visitor {
                stream,
                address,
                client,
            } = visitor;
            let Some(app) = app.upgrade() else { return };
            let (stack, http, stop) = (stack.clone(), Arc::clone(&http), stop.clone());
            let connections = Arc::clone(&connections);
            tasks.spawn(async move {
                let Some(place) = connections.enter().await else {
                    return;
                };
                let peer = Peer { address, client };
                serve(
                    app,
                    stack,
                    &http,
                    (Stream::Memory(stream), peer, place),
                    stop,
                )
                .await;
            });
        })
    }

    /// Stops to accept, lets requests under way finish, and ends.
    pub async fn drain(self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                connections = self.tasks.len(),
                "not all requests could finish in time"
            );
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(
    app: Arc<App>,
    (listener, opening): (TcpListener, Opening),
    connections: Arc<Connections>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let (stack, http) = (stack(&app), Arc::new(protocols(&app)));
    let receive = |stream: TcpStream, peer: SocketAddr, place: Place| {
        let (app, stack) = (Arc::clone(&app), stack.clone());
        let (http, stop) = (Arc::clone(&http), stop.clone());
        let opening = opening.clone();
        tasks.spawn(async move {
            if let Some((stream, client)) = open(&app, &opening, stream, peer).await {
                let peer = Peer {
                    address: peer,
                    client,
                };
                serve(app, stack, &http, (stream, peer, place), stop).await;
            }
        });
    };
    loop {
        let next = async {
            let accepted = listener.accept().await;
            // Beyond the limit one waits here, and the others in the system's queue.
            Some((connections.enter().await?, accepted))
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        match accepted {
            Some((place, Ok((stream, peer)))) => receive(stream, peer, place),
            Some((_, Err(error))) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            None => return,
        }
    }
    // Whoever is connected already, as far as the system is concerned, is not to be turned away by a closed socket.
    let Ok(listener) = listener.into_std() else {
        return;
    };
    while let Some(place) = connections.enter_now() {
        let Ok((stream, peer)) = listener.accept() else {
            return;
        };
        let stream = stream.set_nonblocking(true).map(|()| stream);
        match stream.and_then(TcpStream::from_std) {
            Ok(stream) => receive(stream, peer, place),
            Err(error) => tracing::warn!(%error, "cannot accept a connection"),
        }
    }
}

/// The connection, encrypted when its listener is one of https.
async fn open(
    app: &App,
    opening: &Opening,
    stream: TcpStream,
    peer: SocketAddr,
) -> Option<(Stream, Client)> {
    let _unsupported = stream.set_nodelay(true);
    app.config.http.keep_alive.probe(&stream);
    let limit = HANDSHAKE.min(app.config.http.idle_timeout);
    match opening.open(stream, limit).await {
        Ok(opened) => Some(opened),
        Err(error) => {
            events::handshake_failed(&app.metrics, peer, &error);
            None
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Where it connects from.
    pub address: SocketAddr,
    /// What the handshake told.
    pub client: Client,
}

fn protocols(app: &App) -> Builder<TokioExecutor> {
    let settings = &app.config.http;
    let mut builder = Builder::new(TokioExecutor::new());
    // Idle connections and endless headers are ended by `Activity`, without a timer per request.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(100)
        // What a connection may make the proxy hold before a header is whole.
        .max_buf_size(MAX_BUFFER.max(2 * settings.max_header_bytes));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.http2_max_streams)
        .max_header_list_size(u32::try_from(settings.max_header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(settings.keep_alive.http2_interval)
        .keep_alive_timeout(settings.keep_alive.http2_timeout)
        .initial_stream_window_size(1024 * 1024)
        .initial_connection_window_size(4 * 1024 * 1024);
    if settings.http2 {
        builder
    } else {
        builder.http1_only()
    }
}

async fn serve<S>(
    app: Arc<App>,
    stack: S,
    http: &Builder<TokioExecutor>,
    (stream, peer, place): (Stream, Peer, Place),
    stop: CancellationToken,
) where
    S: Service<Call, Response = Response, Error = Infallible> + Clone,
    S::Future: Future<Output = Answer> + Send + 'static,
{
    let keep_alive = app.config.http.keep_alive;
    let metrics = Arc::clone(&app.metrics);
    metrics.accepted.inc();
    metrics.connections.inc();
    let (activity, idle_timeout) = (Arc::clone(place.activity()), app.config.http.idle_timeout);
    let address = peer.address;
    let requests = Requests {
        app,
        stack,
        peer: Arc::new(peer),
        activity: Arc::clone(&activity),
    };
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), requests));
    let mut idle = pin!(activity.idle(idle_timeout));
    let mut aged = pin!(keep_alive.aged());
    // Who has just come has a request on its way: a connection that is closed before it cannot tell why.
    let mut stopped = pin!(async {
        stop.cancelled().await;
        activity.used(NEWCOMERS).await;
    });
    let mut stopping = false;
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(peer = %address, error, "connection ended");
                }
                break;
            }
            () = stopped.as_mut(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = aged.as_mut(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = idle.as_mut() => break,
            () = activity.evicted() => break,
        }
    }
    metrics.connections.dec();
}

// === impl Requests ===

/// A connection's requests, on their way to the stack.
struct Requests<S> {
    app: Arc<App>,
    stack: S,
    peer: Arc<Peer>,
    activity: Arc<Activity>,
}

impl<S> HyperService<Request<Incoming>> for Requests<S>
where
    S: Service<Call, Response = Response, Error = Infallible> + Clone,
    S::Future: Future<Output = Answer>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = S::Future;

    fn call(&self, request: Request<Incoming>) -> S::Future {
        let mut request = request;
        let stage = stage::split(&self.app.config.stages, request.uri_mut());
        let kinesis = self.app.kinesis.as_ref();
        let call = Call {
            matched: kinesis
                .and_then(|kinesis| kinesis.matched(&request))
                .unwrap_or_else(|| self.app.router.find(request.method(), request.uri().path())),
            request,
            peer: Arc::clone(&self.peer),
            active: Active::new(&self.activity),
            principal: None,
            account: None,
            trace: None,
            stage,
            place: None,
        };
        // The stack is always ready; its clone shares everything.
        self.stack.clone().call(call)
    }
}
