//! All consumer instances of this proxy: making, finding, deleting, and ending those that nobody uses.
//!
//! With peers ([`Shared`]) each instance is a static member of its group ([`group_member`]).

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;

use super::error::ConsumerError;
use super::group_member;
use super::instance::Instance;
use super::metrics::ConsumerMetrics;
use super::options::Options;
use super::partition_read::{PartitionRead, PartitionReads, Wanted};
use super::places::Places;
use super::read::Want;
use super::readers::Readers;
use super::restore::Restored;
use crate::cluster_admin::ClusterAdmin;
use crate::config::ConsumersConfig;
use crate::events;

/// How often instances are looked through for those that nobody uses.
const SWEEP: Duration = Duration::from_secs(1);

/// Longest wait of a DELETE. A broker answers a member that leaves only after that member's request to join, which waits
/// for all others of the group when they rebalance (up to `max.poll.interval.ms`); the client gives up after some seconds.
const CLOSE_WAIT: Duration = Duration::from_secs(3);

/// What changes when replicas share instances.
pub struct Shared {
    /// Takes members out of groups.
    pub cluster: Arc<dyn ClusterAdmin>,
    /// Is told which instances expired: group and name.
    pub expired: mpsc::UnboundedSender<(String, String)>,
}

/// An instance, and its place among those of the process.
struct Placed {
    instance: Arc<Instance>,
    _place: OwnedSemaphorePermit,
}

/// All consumer instances of one identity of the proxy towards Kafka.
pub struct Consumers {
    shared: Option<Shared>,
    config: ConsumersConfig,
    readers: Readers,
    places: Arc<Places>,
    instances: Mutex<HashMap<(String, String), Placed>>,
    /// Readers of partitions without a group.
    pub partition_reads: Arc<PartitionReads>,
    /// What is counted.
    pub metrics: Arc<ConsumerMetrics>,
}

impl Consumers {
    /// None yet.
    #[must_use]
    pub fn new(
        config: ConsumersConfig,
        readers: Readers,
        (metrics, places): (Arc<ConsumerMetrics>, Arc<Places>),
        shared: Option<Shared>,
    ) -> Arc<Self> {
        let reads = Arc::clone(&places.reads);
        Arc::new(Self {
            shared,
            partition_reads: PartitionReads::new(reads, config.max_partition_reads),
            config,
            readers,
            places,
            instances: Mutex::default(),
            metrics,
        })
    }

    /// Room that all identities share.
    pub(crate) fn places(&self) -> Arc<Places> {
        Arc::clone(&self.places)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.instances.lock().len()
    }

    /// Makes one.
    ///
    /// # Errors
    /// The name is taken, there are too many, or the client refuses its settings.
    pub async fn create(
        &self,
        group: &str,
        options: Options,
    ) -> Result<Arc<Instance>, ConsumerError> {
        let name = match &options.name {
            Some(name) => name.clone(),
            None if self.config.id.is_empty() => format!("rest-consumer-{}", uuid::Uuid::new_v4()),
            None => format!("rest-consumer-{}-{}", self.config.id, uuid::Uuid::new_v4()),
        };
        self.start((group, &name), &options, None).await
    }

    /// Goes on with one of another replica.
    ///
    /// # Errors
    /// As [`Consumers::create`].
    pub(crate) async fn adopt(
        &self,
        group: &str,
        name: &str,
        options: &Options,
        restored: Restored,
        join: Duration,
    ) -> Result<(), ConsumerError> {
        let subscribed = restored.choice.is_subscription();
        let instance = self.start((group, name), options, Some(restored)).await?;
        if subscribed {
            instance.join(join).await?;
        }
        Ok(())
    }

    async fn start(
        &self,
        (group, name): (&str, &str),
        options: &Options,
        restored: Option<Restored>,
    ) -> Result<Arc<Instance>, ConsumerError> {
        let instance = Arc::new(self.instance((group, name), options));
        // Held until it is known to be good: others that find the instance meanwhile wait for it.
        let mut guard = Arc::clone(&instance.reader).lock_owned().await;
        self.insert(&instance)?;
        let member = self.shared.as_ref().map(|_| group_member::name(name));
        let made = self.readers.make(group, member, options).await;
        let made = made.and_then(|mut reader| match &restored {
            Some(restored) => reader.restore(restored).map(|()| reader),
            None => Ok(reader),
        });
        match made {
            Ok(reader) => *guard = Some(reader),
            Err(error) => {
                self.remove(group, name);
                return Err(error);
            }
        }
        drop(guard);
        if restored.is_none() {
            events::consumer_created(&self.metrics, group, name);
        }
        Ok(instance)
    }

    fn insert(&self, instance: &Arc<Instance>) -> Result<(), ConsumerError> {
        let mut instances = self.instances.lock();
        let key = (instance.group.clone(), instance.name.clone());
        if instances.contains_key(&key) {
            return Err(ConsumerError::AlreadyExists);
        }
        let Some(place) = self.places.instance() else {
            let timeout = self.config.instance_timeout;
            let ends = instances.values();
            let ends = ends.map(|one| one.instance.ends_in(timeout));
            return Err(ConsumerError::TooMany {
                limit: self.config.max_instances,
                next_end: ends.min().unwrap_or_default() + SWEEP,
            });
        };
        let instance = Arc::clone(instance);
        let placed = Placed {
            instance,
            _place: place,
        };
        instances.insert(key, placed);
        Ok(())
    }

    fn instance(&self, name: (&str, &str), options: &Options) -> Instance {
        let wait = options
            .wait_millis
            .map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or_default()));
        let min_bytes = match options.min_bytes {
            Some(bytes) => usize::try_from(bytes).ok(),
            None => self.config.min_bytes,
        };
        let wait = wait.unwrap_or(self.config.request_timeout);
        Instance::new(name, options, wait, min_bytes, self.places.calls.clone())
    }

    /// Reads a partition without a group.
    ///
    /// # Errors
    /// There are too many such readers, or the client refuses its settings.
    pub(crate) async fn read_partition(
        &self,
        wanted: Wanted,
    ) -> Result<PartitionRead, ConsumerError> {
        let place = self.partition_reads.enter()?;
        let deserializer = self.readers.deserializer(wanted.format)?;
        let reader = match self.partition_reads.idle() {
            Some(reader) => reader,
            None => self.readers.of_a_partition(&wanted)?,
        };
        let reads = Arc::clone(&self.partition_reads);
        let begin = move || PartitionRead::new(reader, wanted, deserializer, reads, place);
        let begun = tokio::task::spawn_blocking(begin).await;
        begun.unwrap_or(Err(ConsumerError::Unforeseen(
            "beginning to read a partition panicked",
        )))
    }

    /// The instance of this name. Its end is put off.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, group: &str, name: &str) -> Result<Arc<Instance>, ConsumerError> {
        let key = (group.to_owned(), name.to_owned());
        let instances = self.instances.lock();
        let placed = instances.get(&key).ok_or(ConsumerError::NotFound)?;
        let instance = Arc::clone(&placed.instance);
        drop(instances);
        instance.touch();
        Ok(instance)
    }

    /// Whether this one is here.
    pub(crate) fn contains(&self, group: &str, name: &str) -> bool {
        let key = (group.to_owned(), name.to_owned());
        self.instances.lock().contains_key(&key)
    }

    /// Time without a request after which an instance is closed.
    pub(crate) fn instance_timeout(&self) -> Duration {
        self.config.instance_timeout
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<Instance>> {
        let instances = self.instances.lock();
        let all = instances.values();
        all.map(|one| Arc::clone(&one.instance)).collect()
    }

    /// Groups and names of all.
    pub(crate) fn names(&self) -> Vec<(String, String)> {
        self.instances.lock().keys().cloned().collect()
    }

    /// Forgets one that another replica has now. Requests under way fail.
    pub(crate) async fn abandon(&self, group: &str, name: &str) -> bool {
        let Some(instance) = self.remove(group, name) else {
            return false;
        };
        instance.close().await;
        true
    }

    /// The same, closed in a task of its own: a client that its group has fenced takes its time, and nobody waits for it.
    pub(crate) fn give_up(&self, group: &str, name: &str) -> bool {
        let Some(instance) = self.remove(group, name) else {
            return false;
        };
        tokio::spawn(async move { instance.close().await });
        true
    }

    /// Ends one so that another replica can go on with it. A read under way fails: it goes on there, too.
    pub(crate) async fn hand_over(&self, group: &str, name: &str) -> Option<Restored> {
        let instance = self.remove(group, name)?;
        Some(instance.hand_over().await)
    }

    /// Takes an instance's member out of its group, if it would stay otherwise.
    pub(crate) async fn leave(&self, group: &str, name: &str) {
        let cluster = self.shared.as_ref().map(|shared| &shared.cluster);
        group_member::leave(cluster, group, name).await;
    }

    fn remove(&self, group: &str, name: &str) -> Option<Arc<Instance>> {
        let key = (group.to_owned(), name.to_owned());
        Some(self.instances.lock().remove(&key)?.instance)
    }

    /// Closes and forgets one.
    ///
    /// # Errors
    /// There is none.
    pub async fn delete(&self, group: &str, name: &str) -> Result<(), ConsumerError> {
        let instance = self.remove(group, name).ok_or(ConsumerError::NotFound)?;
        // In a task of its own: closing goes on when the client goes away, or does not want to wait so long.
        let cluster = self.shared.as_ref();
        let cluster = cluster.map(|shared| Arc::clone(&shared.cluster));
        let closing = tokio::spawn(async move {
            instance.close().await;
            group_member::leave(cluster.as_ref(), &instance.group, &instance.name).await;
        });
        if tokio::time::timeout(CLOSE_WAIT, closing).await.is_err() {
            events::consumer_still_leaving(group, name);
        }
        events::consumer_deleted(&self.metrics, group, name);
        Ok(())
    }

    /// What a read of this instance asks for; `timeout` and `max_bytes` as the request has them.
    #[must_use]
    pub(crate) fn want(&self, instance: &Instance, timeout: i64, max_bytes: i64) -> Want {
        let positive = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
        let wait = positive(timeout).map_or(instance.wait, |millis| {
            instance.wait.min(Duration::from_millis(millis))
        });
        let limit = self.config.max_bytes;
        let max_bytes = positive(max_bytes).map_or(limit, |bytes| {
            limit.min(usize::try_from(bytes).unwrap_or(usize::MAX))
        });
        Want {
            wait,
            max_bytes,
            min_bytes: instance.min_bytes,
            linger: self.config.linger,
            join: self.config.join_wait,
            max_records: usize::MAX,
            until_end: false,
            events: false,
        }
    }

    /// Ends instances that nobody uses, until the proxy ends.
    pub async fn sweep(consumers: Weak<Self>) {
        loop {
            tokio::time::sleep(SWEEP).await;
            let Some(consumers) = consumers.upgrade() else {
                return;
            };
            consumers.partition_reads.expire();
            for instance in consumers.take_idle() {
                events::consumer_expired(&consumers.metrics, &instance.group, &instance.name);
                let cluster = consumers.shared.as_ref().map(|shared| {
                    let _told = shared
                        .expired
                        .send((instance.group.clone(), instance.name.clone()));
                    Arc::clone(&shared.cluster)
                });
                tokio::spawn(async move {
                    instance.close().await;
                    group_member::leave(cluster.as_ref(), &instance.group, &instance.name).await;
                });
            }
        }
    }

    fn take_idle(&self) -> Vec<Arc<Instance>> {
        let timeout = self.config.instance_timeout;
        let mut instances = self.instances.lock();
        let idle = instances.extract_if(|_, one| one.instance.is_idle(timeout));
        idle.map(|(_, one)| one.instance).collect()
    }

    /// Closes all, so that their groups need not wait for them; at most for so long.
    pub async fn close_all(&self, grace: Duration) {
        let all: Vec<_> = self.instances.lock().drain().collect();
        let mut closing = JoinSet::new();
        for (_, one) in all {
            self.metrics.shut_down.inc();
            closing.spawn(async move { one.instance.close().await });
        }
        let closed = async { while closing.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, closed).await.is_err() {
            tracing::warn!("not all consumer instances could leave their groups in time");
        }
    }
}
