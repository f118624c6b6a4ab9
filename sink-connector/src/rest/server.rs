//! Connections: accepted, served, drained.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
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
use super::respond::Reply;
use super::service::Service;
use super::{Api, Part};

/// A connection that sends no whole request header within this time is closed.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
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
