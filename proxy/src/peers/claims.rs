//! The compacted topic of claims, as this replica has read it.
//!
//! ```text
//! write: producer (acks=all) ─▶ topic ─▶ tail ─▶ state        a write counts when the tail has read it and it held
//! look:  end of the topic ─▶ wait for the tail ─▶ state       nobody is told "not found" from an old state
//! ```
//!
//! The log decides between replicas: the tail applies each record by [`Claim::yields_to`], in the log's order. What
//! fails: Kafka does not answer in time.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::message::OwnedHeaders;
use tokio::sync::{mpsc, watch};

use super::claim::{Author, Claim, Entry, Key};
use super::config::PeersConfig;
use super::tail;
use crate::admin_client::AdminClient;
use crate::admission::Admission;
use crate::cluster_admin::{ClusterAdmin, NewTopic, OffsetSpec};
use crate::kafka_error::{FaultClass, KafkaFault, fault};
use crate::producer_pool::{Outgoing, ProducerPool};
use crate::tracker::{Deliveries, Delivery};

/// Pause before the topic is looked for again.
const PAUSE: Duration = Duration::from_millis(500);

/// What the tail tells of instances of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// Another replica has this one now.
    Lost(Key),
    /// A record that did not hold is the last of its key: compaction would keep it instead of ours.
    Contested(Key),
}

/// How claims are written: with the proxy's own producer.
pub(crate) struct Pen {
    pub(crate) producer: Arc<ProducerPool>,
    pub(crate) deliveries: Arc<Deliveries>,
    pub(crate) admission: Arc<Admission>,
}

/// See the module.
pub(crate) struct Claims {
    own: String,
    config: PeersConfig,
    pen: Pen,
    cluster: Arc<dyn ClusterAdmin>,
    admin: Arc<AdminClient>,
    state: Mutex<State>,
    progress: watch::Sender<u64>,
    events: mpsc::UnboundedSender<Event>,
    /// Look-ups of the topic's end, one at a time: how many were begun, and the last that was begun and is done.
    syncs: tokio::sync::Mutex<()>,
    begun: watch::Sender<(u64, u64)>,
}

#[derive(Default)]
struct State {
    claims: HashMap<Key, Claim>,
    /// By partition: the offset before which everything was read. Empty: the topic is not known yet.
    read: Vec<i64>,
}

impl Claims {
    pub(crate) fn new(
        own: &str,
        config: PeersConfig,
        pen: Pen,
        cluster: Arc<dyn ClusterAdmin>,
        admin: Arc<AdminClient>,
    ) -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (events, told) = mpsc::unbounded_channel();
        let claims = Self {
            own: own.to_owned(),
            config,
            pen,
            cluster,
            admin,
            state: Mutex::default(),
            progress: watch::Sender::new(0),
            events,
            syncs: tokio::sync::Mutex::default(),
            begun: watch::Sender::new((0, 0)),
        };
        (claims, told)
    }

    /// Finds the topic or makes it, and starts to read it; until that is done.
    pub(crate) async fn open(self: Arc<Self>, consumer: rdkafka::ClientConfig) {
        let topic = self.config.topic.clone();
        let partitions = loop {
            match self.admin.partitions(&topic).await {
                Ok(partitions) => break partitions.len(),
                Err(fault) if fault.class == FaultClass::UnknownTopicOrPartition => {
                    self.make(&topic).await;
                }
                Err(fault) => {
                    tracing::debug!(%fault, "the topic of consumer instances is not reachable")
                }
            }
            tokio::time::sleep(PAUSE).await;
        };
        self.check_compaction(&topic).await;
        let weak = Arc::downgrade(&self);
        if let Err(error) = tail::start(weak, consumer, &topic, partitions) {
            tracing::error!(%error, "consumer instances of other replicas cannot be read: requests for them fail");
        }
    }

    async fn make(&self, topic: &str) {
        let new = NewTopic {
            name: topic.to_owned(),
            partitions: Some(1),
            replication_factor: Some(self.config.replication_factor.unwrap_or(-1)),
            configs: vec![("cleanup.policy".to_owned(), Some("compact".to_owned()))],
            ..NewTopic::default()
        };
        match self.cluster.create_topic(new).await {
            Ok(_) => tracing::info!(topic, "the topic of consumer instances was created"),
            // Most likely another replica was quicker.
            Err(fault) => {
                tracing::debug!(topic, %fault, "the topic of consumer instances was not created")
            }
        }
    }

    async fn check_compaction(&self, topic: &str) {
        let configs = self.admin.topic_configs(topic).await.unwrap_or_default();
        let policy = configs
            .into_iter()
            .find(|(name, _)| name == "cleanup.policy");
        if let Some((_, Some(policy))) = policy
            && !policy.contains("compact")
        {
            tracing::warn!(
                topic,
                policy,
                "the topic of consumer instances is not compacted: instances that are older than its retention are forgotten"
            );
        }
    }

    /// The tail begins to read so many partitions.
    pub(super) fn opened(&self, partitions: usize) {
        self.state.lock().read = vec![0; partitions];
        self.progress.send_modify(|steps| *steps += 1);
    }

    /// The tail has read everything before this offset.
    pub(super) fn reached(&self, partition: usize, next: i64) {
        if let Some(read) = self.state.lock().read.get_mut(partition) {
            *read = (*read).max(next);
        }
        self.progress.send_modify(|steps| *steps += 1);
    }

    /// The tail has read a record.
    pub(super) fn apply(&self, entry: Entry) {
        let Entry { key, author, claim } = entry;
        let mut state = self.state.lock();
        let before = state.claims.get(&key);
        let ours = before.is_some_and(|before| self.is_own(before));
        if before.is_some_and(|before| !before.yields_to(&author)) {
            if ours {
                let _open = self.events.send(Event::Contested(key));
            }
            return;
        }
        let stays = claim.as_ref().is_some_and(|claim| self.is_own(claim));
        match claim {
            Some(claim) => drop(state.claims.insert(key.clone(), claim)),
            None => drop(state.claims.remove(&key)),
        }
        drop(state);
        if ours && !stays && author.owner.as_deref() != Some(&*self.own) {
            let _open = self.events.send(Event::Lost(key));
        }
    }

    fn is_own(&self, claim: &Claim) -> bool {
        claim.owner.as_deref() == Some(&*self.own)
    }

    /// The claim on an instance, as far as the tail has come.
    pub(crate) fn get(&self, key: &Key) -> Option<Claim> {
        self.state.lock().claims.get(key).cloned()
    }

    /// All claims for which this holds.
    pub(crate) fn filter(&self, wanted: impl Fn(&Key, &Claim) -> bool) -> Vec<(Key, Claim)> {
        let state = self.state.lock();
        let found = state
            .claims
            .iter()
            .filter(|(key, claim)| wanted(key, claim));
        found
            .map(|(key, claim)| (key.clone(), claim.clone()))
            .collect()
    }

    /// Writes a claim. `false`: another replica was quicker.
    ///
    /// # Errors
    /// Kafka does not take it in time.
    pub(crate) async fn write(&self, key: &Key, claim: &Claim) -> Result<bool, KafkaFault> {
        let value = serde_json::to_vec(claim).unwrap_or_default();
        self.append(key, Some(&value), None).await?;
        let held = self.get(key);
        Ok(held.is_some_and(|held| held.author() == claim.author()))
    }

    /// Writes that an instance is gone. `false`: another replica has it.
    ///
    /// # Errors
    /// Kafka does not take it in time.
    pub(crate) async fn erase(&self, key: &Key, author: &Author) -> Result<bool, KafkaFault> {
        self.append(key, None, Some(&author.headers())).await?;
        Ok(self.get(key).is_none())
    }

    /// Appends a record and waits until the tail has read it.
    async fn append(
        &self,
        key: &Key,
        value: Option<&[u8]>,
        headers: Option<&OwnedHeaders>,
    ) -> Result<(), KafkaFault> {
        let topic = &self.config.topic;
        let key = serde_json::to_vec(key).unwrap_or_default();
        let Pen {
            producer,
            deliveries,
            admission,
        } = &self.pen;
        let registered = deliveries.register(1, admission.empty());
        let outgoing = Outgoing {
            topic,
            partition: None,
            key: Some(&key),
            value,
            timestamp: None,
            headers,
            opaque: registered.opaque(0),
        };
        if let Err(code) = producer.send(&producer.current(), &outgoing) {
            deliveries.refuse(&registered, 0, code);
        }
        deliveries.handed_over(&registered);
        let limit = self.config.takeover_timeout;
        let done = tokio::time::timeout(limit, registered.tracker.done()).await;
        let (partition, offset) = match (done, registered.tracker.get(0)) {
            (
                Ok(()),
                Delivery::Stored {
                    partition, offset, ..
                },
            ) => (partition, offset),
            (Ok(()), Delivery::Failed(code)) => return Err(fault(code, topic)),
            _ => return Err(too_slow()),
        };
        let partition = usize::try_from(partition).unwrap_or_default();
        self.until(|read| read.get(partition).is_some_and(|read| *read > offset))
            .await
    }

    /// Waits until everything is read that was in the topic when this was called.
    ///
    /// # Errors
    /// Kafka does not answer in time.
    pub(crate) async fn sync(&self) -> Result<(), KafkaFault> {
        let asked = self.begun.borrow().0;
        let _turn = self.syncs.lock().await;
        // Somebody else's look-up that was begun after we asked will do.
        if self.begun.borrow().1 > asked {
            return Ok(());
        }
        let mut number = 0;
        self.begun.send_modify(|(begun, _)| {
            *begun += 1;
            number = *begun;
        });
        self.until(|read| !read.is_empty()).await?;
        let partitions = self.state.lock().read.len();
        let numbers = (0..partitions).filter_map(|number| i32::try_from(number).ok());
        let all = numbers.map(|number| (self.config.topic.clone(), number));
        let ends = self
            .cluster
            .offsets(all.collect(), OffsetSpec::Latest)
            .await?;
        self.until(|read| {
            let mut both = read.iter().zip(&ends);
            both.all(|(read, end)| *read >= end.offset)
        })
        .await?;
        self.begun.send_modify(|(_, done)| *done = number);
        Ok(())
    }

    async fn until(&self, reached: impl Fn(&[i64]) -> bool) -> Result<(), KafkaFault> {
        let mut progress = self.progress.subscribe();
        let far = progress.wait_for(|_| reached(&self.state.lock().read));
        match tokio::time::timeout(self.config.takeover_timeout, far).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(too_slow()),
        }
    }
}

fn too_slow() -> KafkaFault {
    KafkaFault::new(
        FaultClass::Retriable,
        "Kafka does not answer in time about the proxy's consumer instances.",
    )
}

/// Whether the proxy still has them.
pub(super) type Reading = Weak<Claims>;
