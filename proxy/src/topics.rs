//! What is known of the topics that are written to: how many partitions they have.
//!
//! ```text
//! known and fresh ─▶ answer        known and old ─▶ answer, look up again in the background
//! unknown ─▶ look up ─┬─ exists ─▶ remember, answer
//!                     ├─ does not exist, brokers create topics ─▶ ask for its creation, wait until it is there
//!                     ├─ does not exist ─▶ fault, at once
//!                     └─ no broker answers ─▶ try again until max.block.ms
//! ```
//!
//! "Does not exist" is only ever said after a fresh look-up.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use crate::admin_client::{AdminClient, check_topic_name, partitions_of};
use crate::config::DeliveryConfig;
use crate::health::Health;
use crate::kafka_error::{FaultClass, KafkaFault};
use crate::producer_pool::ProducerPool;

/// Topics that were seen to exist.
pub struct Topics {
    admin: Arc<AdminClient>,
    producer: Arc<ProducerPool>,
    health: Arc<Health>,
    settings: DeliveryConfig,
    started: Instant,
    known: RwLock<HashMap<String, Arc<Known>>>,
    creation: Mutex<Option<(Instant, Option<bool>)>>,
}

struct Known {
    partitions: AtomicI32,
    /// Milliseconds from the start to the last look-up.
    checked: AtomicU64,
    refreshing: AtomicBool,
}

/// How long the brokers' word on creating topics is believed.
const CREATION_TTL: Duration = Duration::from_secs(60);
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
        health: Arc<Health>,
        settings: DeliveryConfig,
    ) -> Arc<Self> {
        Arc::new(Self {
            admin,
            producer,
            health,
            settings,
            started: Instant::now(),
            known: RwLock::default(),
            creation: Mutex::default(),
        })
    }

    /// How many partitions a topic has; it is created if the brokers do that.
    ///
    /// # Errors
    /// The fault that each record for it fails with.
    pub async fn partitions(self: &Arc<Self>, topic: &str) -> Result<i32, KafkaFault> {
        if let Some(known) = self.find(topic) {
            if self.age(&known) > self.settings.metadata_ttl {
                self.refresh(topic, &known);
            }
            return Ok(known.partitions.load(Ordering::Relaxed));
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
        if self.find(topic).is_some() {
            return self.partitions(topic).await;
        }
        let partitions = self.admin.partitions(topic).await?;
        Ok(self.remember(topic, partitions.len()).await)
    }

    /// A topic was removed: what was known of it no longer counts.
    pub fn forget(&self, topic: &str) {
        self.known.write().remove(topic);
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

    /// Notes how many partitions a topic has. The producer is told of new ones, or it would refuse records for them.
    async fn remember(self: &Arc<Self>, topic: &str, partitions: usize) -> i32 {
        let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
        let now = self.now();
        let Some(known) = self.find(topic) else {
            let known = Known {
                partitions: AtomicI32::new(partitions),
                checked: AtomicU64::new(now),
                refreshing: AtomicBool::new(false),
            };
            self.known.write().insert(topic.to_owned(), Arc::new(known));
            return partitions;
        };
        if partitions > known.partitions.load(Ordering::Relaxed) {
            let _seen_by_look_ups = self.ask_as_producer(topic).await;
        }
        known.partitions.store(partitions, Ordering::Relaxed);
        known.checked.store(now, Ordering::Relaxed);
        partitions
    }

    fn refresh(self: &Arc<Self>, topic: &str, known: &Arc<Known>) {
        if known.refreshing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (this, topic, known) = (Arc::clone(self), topic.to_owned(), Arc::clone(known));
        tokio::spawn(async move {
            match this.admin.partitions(&topic).await {
                Ok(partitions) => drop(this.remember(&topic, partitions.len()).await),
                Err(fault) if fault.class == FaultClass::UnknownTopicOrPartition => {
                    this.known.write().remove(&topic);
                }
                // Kafka is away, or forbids it: what was known stays known, and is asked for after another while.
                Err(_) => known.checked.store(this.now(), Ordering::Relaxed),
            }
            known.refreshing.store(false, Ordering::Relaxed);
        });
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
                    let since = match creating {
                        Some(since) => since,
                        None if self.brokers_create_topics().await == Some(false) => {
                            return Err(self.no_topic(topic, FaultClass::NoTopic));
                        }
                        None => Instant::now(),
                    };
                    creating = Some(since);
                    if since.elapsed() >= self.settings.topic_creation_wait {
                        return Err(self.no_topic(topic, FaultClass::NoTopic));
                    }
                    self.ask_as_producer(topic).await?;
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

    /// Asks for a topic's metadata as producers do, which makes brokers create it if they create topics at all.
    async fn ask_as_producer(self: &Arc<Self>, topic: &str) -> Result<(), KafkaFault> {
        let (this, name, timeout) = (Arc::clone(self), topic.to_owned(), self.admin.timeout());
        let asked = tokio::task::spawn_blocking(move || {
            let handle = this.producer.current();
            let metadata = handle.client().fetch_metadata(Some(&name), timeout).ok()?;
            partitions_of(&metadata, &name).err()
        });
        match asked.await {
            Ok(Some(fault)) if fault.class == FaultClass::BadRequest => {
                Err(KafkaFault::new(FaultClass::Fatal, fault.message))
            }
            Ok(Some(fault)) if fault.class == FaultClass::Authorization => Err(fault),
            _ => Ok(()),
        }
    }

    async fn brokers_create_topics(&self) -> Option<bool> {
        let believed = *self.creation.lock();
        if let Some((at, word)) = believed
            && at.elapsed() < CREATION_TTL
        {
            return word;
        }
        let word = self.admin.creates_topics().await;
        *self.creation.lock() = Some((Instant::now(), word));
        word
    }
}

fn is_absent(fault: &KafkaFault) -> bool {
    fault.class == FaultClass::UnknownTopicOrPartition
}
