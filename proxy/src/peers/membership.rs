//! Which replicas live.
//!
//! ```text
//! names ─ DNS, again and again ─▶ addresses ─ probes ─▶ replicas: id, draining
//! ```
//!
//! A replica has an id of its own from each start: one that was started again is another one. Addresses are asked for
//! their id; the one that answers with ours is ourselves. An address that DNS no longer tells is kept for as long as it
//! answers: a replica that drains is taken out of DNS first.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::client::{PeerClient, PeerError};
use super::config::PeersConfig;
use super::metrics::PeerMetrics;
use super::names::Names;
use super::rendezvous;
use crate::events;

/// Where a replica says who it is.
pub(crate) const PROBE_PATH: &str = "/sluiceway/peer";
/// Bytes that the answer to a probe may have.
const MAX_ANSWER: usize = 4096;

/// The answer to a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) draining: bool,
}

/// Another replica that lives.
#[derive(Debug, Clone)]
pub(crate) struct Replica {
    pub(crate) id: String,
    pub(crate) address: SocketAddr,
    draining: bool,
    failures: u32,
    /// Cancelled when it counts as dead.
    pub(crate) gone: CancellationToken,
}

/// Where a key belongs.
#[derive(Debug, Clone)]
pub(crate) enum Chosen {
    Here,
    There(Replica),
}

/// See the module.
pub(crate) struct Membership {
    /// Our id.
    pub(crate) own: String,
    config: PeersConfig,
    client: Arc<PeerClient>,
    metrics: Arc<PeerMetrics>,
    draining: AtomicBool,
    replicas: RwLock<HashMap<SocketAddr, Replica>>,
    names: Names,
    rounds: watch::Sender<u64>,
}

impl Membership {
    pub(crate) fn new(
        config: PeersConfig,
        client: Arc<PeerClient>,
        metrics: Arc<PeerMetrics>,
    ) -> Self {
        Self {
            own: uuid::Uuid::new_v4().to_string(),
            names: Names::new(&config),
            config,
            client,
            metrics,
            draining: AtomicBool::new(false),
            replicas: RwLock::default(),
            rounds: watch::Sender::new(0),
        }
    }

    /// What we answer to a probe.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            id: self.own.clone(),
            draining: self.is_draining(),
        }
    }

    /// Nothing new is for us from now on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Waits until everyone was asked once.
    pub(crate) async fn known(&self, limit: Duration) {
        let mut rounds = self.rounds.subscribe();
        let first = rounds.wait_for(|rounds| *rounds > 0);
        let _known = tokio::time::timeout(limit, first).await;
    }

    /// The other replica of this id, if it lives.
    pub(crate) fn find(&self, id: &str) -> Option<Replica> {
        let replicas = self.replicas.read();
        replicas.values().find(|replica| replica.id == id).cloned()
    }

    /// The replica that a key belongs to. We ourselves if there is nobody else.
    pub(crate) fn choose(&self, key: &[&[u8]]) -> Chosen {
        let replicas = self.replicas.read();
        let others = replicas.values().filter(|replica| !replica.draining);
        let others = others.map(|replica| replica.id.as_str());
        let own = (!self.is_draining()).then_some(self.own.as_str());
        let chosen = rendezvous::choose(others.chain(own), key);
        let found = chosen.and_then(|id| replicas.values().find(|replica| replica.id == id));
        found.cloned().map_or(Chosen::Here, Chosen::There)
    }

    /// A replica could not be reached: it counts as dead until it answers a probe.
    pub(crate) fn suspect(&self, replica: &Replica, reason: &PeerError) {
        let mut replicas = self.replicas.write();
        let same = replicas
            .get(&replica.address)
            .is_some_and(|known| known.id == replica.id);
        if same && let Some(dead) = replicas.remove(&replica.address) {
            self.bury(&dead, &reason.to_string());
            self.metrics.live(replicas.len() + 1);
        }
    }

    /// A replica has said that it drains.
    pub(crate) fn drains(&self, replica: &Replica) {
        if let Some(known) = self.replicas.write().get_mut(&replica.address)
            && known.id == replica.id
        {
            known.draining = true;
        }
    }

    fn bury(&self, replica: &Replica, reason: &str) {
        replica.gone.cancel();
        events::peer_lost(&self.metrics, &replica.address, &replica.id, reason);
    }

    /// Looks everyone up and asks them, for ever.
    pub(crate) async fn watch(self: Arc<Self>) {
        loop {
            self.round().await;
            self.rounds.send_modify(|rounds| *rounds += 1);
            tokio::time::sleep(self.config.probe_interval).await;
        }
    }

    async fn round(&self) {
        let mut addresses = self.names.addresses().await;
        addresses.extend(self.replicas.read().keys());
        let probes = addresses
            .into_iter()
            .map(async |address| (address, self.probe(address).await));
        for (address, answer) in join_all(probes).await {
            self.note(address, answer);
        }
        self.metrics.live(self.replicas.read().len() + 1);
    }

    async fn probe(&self, address: SocketAddr) -> Result<Option<Identity>, PeerError> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = http::Uri::from_static(PROBE_PATH);
        let limit = self.config.probe_timeout;
        let response = self.client.call(address, request, limit).await?;
        let status = response.status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            // It has too much to do, and lives.
            return Ok(None);
        }
        let broken = |text: String| PeerError::Broken(text);
        if status != StatusCode::OK {
            return Err(broken(format!("it answers a probe with {status}")));
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect();
        let body: Bytes = match tokio::time::timeout(limit, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) => return Err(broken(error.to_string())),
            Err(_) => return Err(PeerError::Timeout),
        };
        let identity = serde_json::from_slice(&body).map_err(|error| broken(error.to_string()))?;
        Ok(Some(identity))
    }

    fn note(&self, address: SocketAddr, answer: Result<Option<Identity>, PeerError>) {
        let mut replicas = self.replicas.write();
        match answer {
            Ok(None) => {}
            Ok(Some(identity)) if identity.id == self.own => {}
            Ok(Some(identity)) => {
                if let Some(known) = replicas.get_mut(&address) {
                    if known.id == identity.id {
                        (known.draining, known.failures) = (identity.draining, 0);
                        return;
                    }
                    self.bury(known, "it was started again");
                }
                events::peer_found(&address, &identity.id);
                let replica = Replica {
                    id: identity.id,
                    address,
                    draining: identity.draining,
                    failures: 0,
                    gone: CancellationToken::new(),
                };
                replicas.insert(address, replica);
            }
            Err(error) => {
                let Some(known) = replicas.get_mut(&address) else {
                    tracing::debug!(%address, %error, "no replica answers here");
                    return;
                };
                known.failures += 1;
                let closed = matches!(error, PeerError::Connect(_));
                if closed || known.failures >= self.config.probe_failures {
                    let dead = replicas.remove(&address);
                    dead.iter()
                        .for_each(|dead| self.bury(dead, &error.to_string()));
                }
            }
        }
    }
}
