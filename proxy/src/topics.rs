//! What is known of the topics that are written to: how many partitions they have.
//!
//! ```text
//! known and fresh ─▶ answer        known and old ─▶ answer, look up again in the background
//! known, but nobody asked for a while ─▶ look up again, answer
//! unknown ─▶ look up ─┬─ exists ─▶ remember, answer
//!                     ├─ does not exist, brokers create topics ─▶ ask for its creation, wait until it is there
//!                     ├─ does not exist ─▶ fault, at once
//!                     └─ no broker answers ─▶ try again until max.block.ms
//! ```
//!
//! "Does not exist" is only ever said after a fresh look-up. Creation is asked for here and nowhere else: the producers themselves
//! must not, since they go on asking for every topic that they ever wrote to, and would bring back what was removed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use tokio::task::JoinHandle;

use crate::admin_client::{AdminClient, check_topic_name};
use crate::config::DeliveryConfig;
use crate::health::Health;
use crate::kafka_error::{FaultClass, KafkaFault};
use crate::producer_pool::ProducerPool;
use crate::topic_creation::TopicCreation;

/// Topics that were seen to exist.
pub struct Topics {
    admin: Arc<AdminClient>,
    producer: Arc<ProducerPool>,
    creation: TopicCreation,
    health: Arc<Health>,
    settings: DeliveryConfig,
    started: Instant,
    known: RwLock<HashMap<String, Arc<Known>>>,
    /// Those that were known and have gone. Producers have to learn that one is there again.
    gone: Mutex<HashSet<String>>,
}

struct Known {
    partitions: AtomicI32,
    /// Milliseconds from the start to the last look-up.
    checked: AtomicU64,
    refreshing: AtomicBool,
}

/// So many times `sluiceway.metadata.ttl.ms` without anybody asking, and what is known of a topic is not answered with unseen.
const IDLE: u32 = 2;
/// Longest wait for that look-up: while Kafka is away, what was known will do.
const IDLE_LOOK_UP: Duration = Duration::from_secs(1);
/// Time that a look-up has at least, however little is left of `max.block.ms`.
const LEAST_LOOK_UP: Duration = Duration::from_millis(50);
/// First and longest pause between look-ups.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

impl Topics {
    /// Nothing known yet.
    #[must_use]
    pub fn new(
        admin: Arc<AdminClient>,
        producer: Arc<ProducerPool>,
        creation: TopicCreation,
        health: Arc<Health>,
        settings: DeliveryConfig,
    ) -> Arc<Self> {
        Arc::new(Self {
            admin,
            producer,
            creation,
            health,
            settings,
            started: Instant::now(),
            known: RwLock::default(),
            gone: Mutex::default(),
        })
    }

    /// How many partitions a topic has; it is created if the brokers do that.
    ///
    /// # Errors
    /// The fault that each record for it fails with.
    pub async fn partitions(self: &Arc<Self>, topic: &str) -> Result<i32, KafkaFault> {
        if let Some(partitions) = self.remembered(topic).await {
            return Ok(partitions);
        }
        if check_topic_name(topic).is_err() {
            return Err(KafkaFault::new(
                FaultClass::Fatal,
                format!("Invalid topics: [{topic}]"),
            ));
        }
        self.look_up(topic).await
    }

    /// The same of a topic that has to be there: it is not created.
    ///
    /// # Errors
    /// Kafka does not know it, or does not answer.
    pub async fn existing(self: &Arc<Self>, topic: &str) -> Result<i32, KafkaFault> {
        if let Some(partitions) = self.remembered(topic).await {
            return Ok(partitions);
        }
        let partitions = self.admin.partitions(topic).await?;
        Ok(self.remember(topic, partitions.len()).await)
    }

    /// A topic was removed, or a record failed because it is not there: what was known of it no longer counts.
    pub fn forget(&self, topic: &str) {
        if self.find(topic).is_some() && self.known.write().remove(topic).is_some() {
            self.gone.lock().insert(topic.to_owned());
        }
    }

    /// The same, freshly looked up: for a partition that is not among those known.
    ///
    /// # Errors
    /// As [`Topics::partitions`].
    pub async fn partitions_now(self: &Arc<Self>, topic: &str) -> Result<i32, KafkaFault> {
        self.look_up(topic).await
    }

    /// The fault of records for a partition that does not exist.
    #[must_use]
    pub fn no_partition(&self, topic: &str, partition: i32, partitions: i32) -> KafkaFault {
        let wait = self.settings.max_block.as_millis();
        KafkaFault::new(
            FaultClass::NoPartition,
            format!(
                "Partition {partition} of topic {topic} with partition count {partitions} is not present in metadata \
                 after {wait} ms."
            ),
        )
    }

    fn no_topic(&self, topic: &str, class: FaultClass) -> KafkaFault {
        let wait = self.settings.max_block.as_millis();
        let text = format!("Topic {topic} not present in metadata after {wait} ms.");
        KafkaFault::new(class, text)
    }

    /// What is known, seen to be so not long ago.
    async fn remembered(self: &Arc<Self>, topic: &str) -> Option<i32> {
        let mut known = self.find(topic)?;
        let age = self.age(&known);
        if age > self.settings.metadata_ttl {
            let looking = self.refresh(topic, &known);
            if let Some(looking) = looking
                && age > self.settings.metadata_ttl * IDLE
            {
                let _seen_or_away = tokio::time::timeout(IDLE_LOOK_UP, looking).await;
                known = self.find(topic)?;
            }
        }
        Some(known.partitions.load(Ordering::Relaxed))
    }

    fn find(&self, topic: &str) -> Option<Arc<Known>> {
        self.known.read().get(topic).cloned()
    }

    fn age(&self, known: &Known) -> Duration {
        Duration::from_millis(
            self.now()
                .saturating_sub(known.checked.load(Ordering::Relaxed)),
        )
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Notes how many partitions a topic has. Producers learn of new ones, and of a topic that is there again, or they would refuse
    /// records for them.
    async fn remember(self: &Arc<Self>, topic: &str, partitions: usize) -> i32 {
        let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
        let now = self.now();
        let Some(known) = self.find(topic) else {
            if self.gone.lock().contains(topic) {
                self.producer.learn(topic).await;
                self.gone.lock().remove(topic);
            }
            let known = Known {
                partitions: AtomicI32::new(partitions),
                checked: AtomicU64::new(now),
                refreshing: AtomicBool::new(false),
            };
            self.known.write().insert(topic.to_owned(), Arc::new(known));
            return partitions;
        };
        if partitions > known.partitions.load(Ordering::Relaxed) {
            self.producer.learn(topic).await;
        }
        known.partitions.store(partitions, Ordering::Relaxed);
        known.checked.store(now, Ordering::Relaxed);
        partitions
    }

    /// Looks a known topic up again in the background, unless that is being done.
    fn refresh(self: &Arc<Self>, topic: &str, known: &Arc<Known>) -> Option<JoinHandle<()>> {
        if known.refreshing.swap(true, Ordering::Relaxed) {
            return None;
        }
        let (this, topic, known) = (Arc::clone(self), topic.to_owned(), Arc::clone(known));
        Some(tokio::spawn(async move {
            match this.admin.partitions(&topic).await {
                Ok(partitions) => drop(this.remember(&topic, partitions.len()).await),
                Err(fault) if is_absent(&fault) => this.forget(&topic),
                // Kafka is away, or forbids it: what was known stays known, and is asked for after another while.
                Err(_) => known.checked.store(this.now(), Ordering::Relaxed),
            }
            known.refreshing.store(false, Ordering::Relaxed);
        }))
    }

    /// Looks a topic up, for at most `max.block.ms`: a request to a broker that is away may itself take longer.
    async fn look_up(self: &Arc<Self>, topic: &str) -> Result<i32, KafkaFault> {
        match tokio::time::timeout(self.settings.max_block, self.try_look_up(topic)).await {
            Ok(found) => found,
            Err(_elapsed) => Err(self.no_topic(topic, FaultClass::Retriable)),
        }
    }

    async fn try_look_up(self: &Arc<Self>, topic: &str) -> Result<i32, KafkaFault> {
        let started = Instant::now();
        let (mut pause, longest) = PAUSES;
        let mut creating: Option<Instant> = None;
        loop {
            if let Some(fault) = self.health.hopeless() {
                return Err(fault);
            }
            let left = self.settings.max_block.saturating_sub(started.elapsed());
            let timeout = left.clamp(LEAST_LOOK_UP, self.admin.timeout().max(LEAST_LOOK_UP));
            match self.admin.partitions_within(topic, timeout).await {
                Ok(partitions) => return Ok(self.remember(topic, partitions.len()).await),
                Err(fault) if is_absent(&fault) => {
                    self.forget(topic);
                    let since = match creating {
                        Some(since) => since,
                        None if self.creation.is_on().await == Some(false) => {
                            return Err(self.no_topic(topic, FaultClass::NoTopic));
                        }
                        None => Instant::now(),
                    };
                    creating = Some(since);
                    if since.elapsed() >= self.settings.topic_creation_wait {
                        return Err(self.no_topic(topic, FaultClass::NoTopic));
                    }
                    self.creation.ask(topic).await?;
                }
                Err(fault) if fault.class != FaultClass::Retriable => return Err(fault),
                Err(_) if started.elapsed() >= self.settings.max_block => {
                    return Err(self.no_topic(topic, FaultClass::Retriable));
                }
                Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause = longest.min(pause * 2);
        }
    }
}

fn is_absent(fault: &KafkaFault) -> bool {
    fault.class == FaultClass::UnknownTopicOrPartition
}
