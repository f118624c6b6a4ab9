//! The connections to all brokers, and where in the cluster things are.
//!
//! In: a request and who is to answer it (any broker, the controller, a group's coordinator, a broker by its id).
//! Out: the answer. A few connections are kept open for the next request; one that has been idle for long, or was
//! closed by its broker, is replaced. What fails: [`WireError`].

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kafka_protocol::messages::{FindCoordinatorRequest, MetadataRequest, MetadataResponse};
use kafka_protocol::protocol::{Request, StrBytes, VersionRange};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::connection::Connection;
use super::error::{Unanswered, WireError};
use super::fault::check_moved;
use super::settings::Settings;

/// A connection that nobody used for so long is not used again: brokers close theirs after ten minutes.
const IDLE: Duration = Duration::from_secs(60);
/// Pause before a request is sent again, when something is moving in the cluster.
const BACKOFF: Duration = Duration::from_millis(100);

/// Newest versions of requests whose later versions have another shape than is sent and read here.
const METADATA: i16 = 12;
const FIND_COORDINATOR: i16 = 3;

/// Who is to answer a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum To<'a> {
    /// Whoever can be reached.
    Any,
    /// The controller.
    Controller,
    /// The coordinator of this group.
    Coordinator(&'a str),
    /// The broker of this id.
    Broker(i32),
}

/// Brokers and controller as the metadata last told them.
#[derive(Debug, Default, Clone)]
struct View {
    controller: i32,
    /// Broker id → address.
    brokers: HashMap<i32, String>,
}

/// See the module.
pub(crate) struct Pool {
    settings: Settings,
    view: Mutex<Arc<View>>,
    idle: Mutex<HashMap<String, Vec<(Connection, Instant)>>>,
    places: Semaphore,
    turn: AtomicUsize,
}

impl Pool {
    /// A pool without connections.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            places: Semaphore::new(settings.connections),
            settings,
            view: Mutex::default(),
            idle: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Why the settings exclude any connection.
    pub(crate) fn impossible(&self) -> Option<&str> {
        self.settings.impossible.as_deref()
    }

    /// The name in requests.
    pub(crate) fn client_id(&self) -> &str {
        &self.settings.client_id
    }

    /// The limit on one request.
    pub(crate) fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// Sends a request in a version up to `newest`. `name` is the Java client's name of the call, for errors.
    pub(crate) async fn call<R: Request>(
        &self,
        to: To<'_>,
        request: &R,
        newest: i16,
        name: &'static str,
    ) -> Result<R::Response, WireError> {
        match to {
            To::Any => self.call_any(request, newest, name).await,
            To::Controller => {
                let id = self.controller(name).await?;
                self.call_broker(id, request, newest, name).await
            }
            To::Coordinator(group) => {
                let id = self.coordinator(group).await?;
                self.call_broker(id, request, newest, name).await
            }
            To::Broker(id) => self.call_broker(id, request, newest, name).await,
        }
    }

    /// Repeats `attempt` while its failure may pass and there is time, with fresh metadata each time.
    pub(crate) async fn retried<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, WireError>
    where
        F: Future<Output = Result<T, WireError>>,
    {
        let deadline = Instant::now() + self.settings.timeout;
        loop {
            match attempt().await {
                Err(error) if error.may_pass() && Instant::now() + BACKOFF < deadline => {
                    self.forget();
                    tokio::time::sleep(BACKOFF).await;
                }
                result => return result,
            }
        }
    }

    /// Asks for metadata, and remembers where brokers and controller are.
    pub(crate) async fn metadata(
        &self,
        request: &MetadataRequest,
    ) -> Result<MetadataResponse, WireError> {
        let answer = self.call_any(request, METADATA, "metadata").await?;
        let address =
            |broker: &kafka_protocol::messages::metadata_response::MetadataResponseBroker| {
                (broker.node_id.0, address(&broker.host, broker.port))
            };
        *self.view.lock() = Arc::new(View {
            controller: answer.controller_id.0,
            brokers: answer.brokers.iter().map(address).collect(),
        });
        Ok(answer)
    }

    /// The id of the broker that coordinates a group.
    pub(crate) async fn coordinator(&self, group: &str) -> Result<i32, WireError> {
        let request = FindCoordinatorRequest::default()
            .with_key(StrBytes::from_string(group.to_owned()))
            .with_key_type(0);
        let answer = self
            .call_any(&request, FIND_COORDINATOR, "findCoordinator")
            .await?;
        check_moved(answer.error_code, None)?;
        Ok(answer.node_id.0)
    }

    /// Ids of the brokers that are there.
    pub(crate) async fn broker_ids(&self) -> Result<Vec<i32>, WireError> {
        let mut ids: Vec<i32> = self.fresh_view().await?.brokers.keys().copied().collect();
        ids.sort_unstable();
        Ok(ids)
    }

    async fn controller(&self, name: &'static str) -> Result<i32, WireError> {
        let known = self.view.lock().controller;
        let known_brokers = self.view.lock().brokers.contains_key(&known);
        let id = if known_brokers {
            known
        } else {
            self.fresh_view().await?.controller
        };
        if id < 0 {
            return Err(WireError::TimedOut(name));
        }
        Ok(id)
    }

    async fn fresh_view(&self) -> Result<Arc<View>, WireError> {
        let none = MetadataRequest::default()
            .with_topics(Some(vec![]))
            .with_allow_auto_topic_creation(false);
        self.metadata(&none).await?;
        Ok(Arc::clone(&self.view.lock()))
    }

    async fn call_broker<R: Request>(
        &self,
        id: i32,
        request: &R,
        newest: i16,
        name: &'static str,
    ) -> Result<R::Response, WireError> {
        let address = self.address(id, name).await?;
        self.call_address(&address, request, newest, name).await
    }

    /// Where a broker is.
    async fn address(&self, id: i32, call: &'static str) -> Result<String, WireError> {
        let known = self.view.lock().brokers.get(&id).cloned();
        if let Some(address) = known {
            return Ok(address);
        }
        let view = self.fresh_view().await?;
        let address = view.brokers.get(&id).cloned();
        address.ok_or(WireError::NoSuchBroker { id, call })
    }

    /// Forgets where brokers are.
    pub(crate) fn forget(&self) {
        *self.view.lock() = Arc::default();
    }

    /// Any broker that is known and can be reached, then the first ones of the settings.
    async fn call_any<R: Request>(
        &self,
        request: &R,
        newest: i16,
        name: &'static str,
    ) -> Result<R::Response, WireError> {
        let mut addresses: Vec<String> = self.view.lock().brokers.values().cloned().collect();
        addresses.sort_unstable();
        if !addresses.is_empty() {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % addresses.len();
            addresses.rotate_left(turn);
        }
        addresses.extend(self.settings.bootstrap.iter().cloned());
        let mut last = WireError::TimedOut(name);
        for address in addresses {
            match self.call_address(&address, request, newest, name).await {
                Err(error @ WireError::Disconnected { .. }) => last = error,
                result => return result,
            }
        }
        Err(last)
    }

    async fn call_address<R: Request>(
        &self,
        address: &str,
        request: &R,
        newest: i16,
        name: &'static str,
    ) -> Result<R::Response, WireError> {
        let _place = self.place(name).await?;
        let mut connection = self.connection(address).await?;
        let answer = connection.call(request, newest, name).await;
        if matches!(answer, Ok(_) | Err(WireError::Unsupported(_))) {
            self.keep(address, connection);
        }
        answer
    }

    /// The right to one more connection, if there is one just now.
    pub(crate) fn free_place(&self) -> Option<SemaphorePermit<'_>> {
        self.places.try_acquire().ok()
    }

    /// Sends a request that was encoded elsewhere to a broker; see [`Connection::call_encoded`].
    pub(crate) async fn call_encoded<R: Request>(
        &self,
        _place: SemaphorePermit<'_>,
        broker: i32,
        frame: &mut [u8],
        shapes: VersionRange,
        limit: Duration,
        name: &'static str,
    ) -> Result<R::Response, Unanswered> {
        let unsent = |error| Unanswered { error, sent: false };
        let address = self.address(broker, name).await.map_err(unsent)?;
        let mut connection = self.connection(&address).await.map_err(unsent)?;
        let answer = connection
            .call_encoded::<R>(frame, shapes, limit, name)
            .await;
        if answer.is_ok() {
            self.keep(&address, connection);
        }
        answer.map_err(|error| Unanswered {
            sent: !matches!(error, WireError::Unsupported(_)),
            error,
        })
    }

    async fn place(&self, name: &'static str) -> Result<SemaphorePermit<'_>, WireError> {
        match tokio::time::timeout(self.settings.timeout, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(WireError::TimedOut(name)),
        }
    }

    async fn connection(&self, address: &str) -> Result<Connection, WireError> {
        match self.take(address) {
            Some(connection) => Ok(connection),
            None => Connection::open(address, &self.settings).await,
        }
    }

    fn take(&self, address: &str) -> Option<Connection> {
        let mut idle = self.idle.lock();
        let kept = idle.get_mut(address)?;
        while let Some((mut connection, since)) = kept.pop() {
            if since.elapsed() < IDLE && connection.is_usable() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, address: &str, connection: Connection) {
        let mut idle = self.idle.lock();
        idle.retain(|_, kept| {
            kept.retain(|(_, since)| since.elapsed() < IDLE);
            !kept.is_empty()
        });
        let kept = idle.entry(address.to_owned()).or_default();
        if kept.len() < self.settings.kept {
            kept.push((connection, Instant::now()));
        }
    }
}

fn address(host: &str, port: i32) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
