//! Replicas that serve consumer instances together: an instance works through any of them.
//!
//! ```text
//! request on an instance ─▶ forward ─┬─ here ───────────────▶ handler ─▶ claim, if what is read changed
//!                                    ├─ there ──────────────▶ client ──▶ its owner (marked: one hop)
//!                                    └─ its owner is dead ──▶ take over ─▶ handler
//!
//! membership  who lives: names ─ DNS ─▶ addresses ─ probes ─▶ ids
//! claims      who has which instance, and with what subscription: a compacted topic, whose order decides
//! rendezvous  who gets an instance that nobody has
//! ```
//!
//! An instance stays with its owner while that lives; rendezvous hashing over the living replicas says who makes a new
//! one and who takes over one whose owner is dead or drains. Two replicas that see the others differently may both want
//! an instance: the first claim in the topic holds, the other replica reads that and gives up, and until then Kafka
//! fences it, since both are the same static member of the group. What fails: nobody can be reached in time (503).

mod claim;
mod claims;
mod client;
pub mod config;
mod elsewhere;
mod forward;
mod forwarded;
mod introduce;
mod membership;
mod metrics;
mod names;
mod ownership;
mod pass_on;
mod post;
pub(crate) mod rendezvous;
mod tail;
mod tasks;
mod tries;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use prometheus::Registry;
use rdkafka::ClientConfig;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::admin_client::AdminClient;
use crate::body::Body;
use crate::cluster_admin::ClusterAdmin;
use crate::consumer::Consumers;
use crate::error::Error;
use crate::respond::{self, Response};
use claim::Key;
use claims::{Claims, Event};
use client::PeerClient;
use config::PeersConfig;
use membership::Membership;
pub(crate) use metrics::PeerMetrics;

pub(crate) use claims::Pen;
pub use client::MARK;
pub(crate) use forward::{answer, is_of_instance};
pub use forwarded::Forwarded;
pub(crate) use introduce::{Passed, PassedPrincipal, introduce, introduced};
pub(crate) use membership::PROBE_PATH;
pub(crate) use post::{Created, create, relay};

/// Locks of instances: two with the same one only wait for one another.
const LOCKS: usize = 64;

/// See the module.
pub struct Peers {
    config: PeersConfig,
    client: Arc<PeerClient>,
    membership: Arc<Membership>,
    claims: Arc<Claims>,
    consumers: Arc<Consumers>,
    pub(crate) metrics: Arc<PeerMetrics>,
    /// Held while an instance changes its owner.
    locks: Vec<tokio::sync::Mutex<()>>,
    told: Mutex<Option<Told>>,
    reader: ClientConfig,
    tasks: Mutex<Vec<AbortHandle>>,
}

/// What the tasks are told of.
struct Told {
    events: mpsc::UnboundedReceiver<Event>,
    expired: mpsc::UnboundedReceiver<Key>,
}

/// What of the proxy the replicas work with.
pub(crate) struct Parts {
    pub(crate) pen: Pen,
    pub(crate) cluster: Arc<dyn ClusterAdmin>,
    pub(crate) admin: Arc<AdminClient>,
    pub(crate) consumers: Arc<Consumers>,
    /// Settings of the client that reads claims.
    pub(crate) reader: ClientConfig,
    /// Instances that expired.
    pub(crate) expired: mpsc::UnboundedReceiver<Key>,
}

impl Peers {
    /// Knows nobody yet; [`Peers::start`] begins to ask.
    ///
    /// # Errors
    /// Metrics cannot be registered.
    pub(crate) fn new(
        config: PeersConfig,
        parts: Parts,
        registry: &Registry,
    ) -> prometheus::Result<Arc<Self>> {
        let metrics = Arc::new(PeerMetrics::new(registry)?);
        let client = Arc::new(PeerClient::new(&config));
        let membership = Membership::new(config.clone(), Arc::clone(&client), Arc::clone(&metrics));
        let (claims, events) = Claims::new(
            &membership.own,
            config.clone(),
            parts.pen,
            parts.cluster,
            parts.admin,
        );
        let expired = parts.expired;
        Ok(Arc::new(Self {
            config,
            client,
            membership: Arc::new(membership),
            claims: Arc::new(claims),
            consumers: parts.consumers,
            metrics,
            locks: std::iter::repeat_with(Default::default)
                .take(LOCKS)
                .collect(),
            told: Mutex::new(Some(Told { events, expired })),
            reader: parts.reader,
            tasks: Mutex::default(),
        }))
    }

    /// Whether a request says that a replica sent it, and can prove it.
    #[must_use]
    pub fn is_marked(&self, headers: &HeaderMap) -> bool {
        self.client.mark_of(headers) == Some(true)
    }

    /// Answers what only replicas ask, and whoever only pretends to be one.
    #[must_use]
    pub(crate) fn greet(&self, path: &str, headers: &HeaderMap) -> Option<Response> {
        match self.client.mark_of(headers)? {
            false => Some(respond::error(&Error::NotAPeer, None)),
            true if path == PROBE_PATH => {
                let body = serde_json::to_vec(&self.membership.identity()).unwrap_or_default();
                let mut response = http::Response::new(Body::Sized(body.into()));
                *response.status_mut() = StatusCode::OK;
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                Some(response)
            }
            true => None,
        }
    }

    fn lock(&self, (group, name): &Key) -> Option<&tokio::sync::Mutex<()>> {
        let hash = rendezvous::hash(&[group.as_bytes(), name.as_bytes()]);
        let number = usize::try_from(hash % LOCKS as u64).unwrap_or_default();
        self.locks.get(number)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        self.tasks.lock().iter().for_each(AbortHandle::abort);
    }
}
