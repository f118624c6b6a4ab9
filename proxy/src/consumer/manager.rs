//! All consumer instances of this proxy: making, finding, deleting, and ending those that nobody uses.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use sluiceway_common::kafka_config::KafkaConfig;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::callbacks::Callbacks;
use super::error::ConsumerError;
use super::instance::Instance;
use super::metrics::ConsumerMetrics;
use super::options::Options;
use super::read::Want;
use super::reader::Reader;
use crate::admin_client::AdminClient;
use crate::client_context::Context;
use crate::config::ConsumersConfig;
use crate::events;
use crate::format::Format;
use crate::format::deserialize::{Deserializer, without_schemas};

/// How often instances are looked through for those that nobody uses.
const SWEEP: Duration = Duration::from_secs(1);

/// Makes the deserializer of a format with schemas.
pub type SchemaFormats = Box<dyn Fn(Format) -> Option<Arc<dyn Deserializer>> + Send + Sync>;

/// All consumer instances.
pub struct Consumers {
    config: ConsumersConfig,
    kafka: KafkaConfig,
    context: Context,
    admin: Arc<AdminClient>,
    schemas: SchemaFormats,
    calls: Option<Arc<Semaphore>>,
    instances: Mutex<HashMap<(String, String), Arc<Instance>>>,
    /// What is counted.
    pub metrics: ConsumerMetrics,
}

impl Consumers {
    /// None yet.
    #[must_use]
    pub fn new(
        config: ConsumersConfig,
        kafka: KafkaConfig,
        context: Context,
        admin: Arc<AdminClient>,
        schemas: SchemaFormats,
        metrics: ConsumerMetrics,
    ) -> Arc<Self> {
        let calls = config
            .threads
            .map(|threads| Arc::new(Semaphore::new(threads.max(1))));
        Arc::new(Self {
            config,
            kafka,
            context,
            admin,
            schemas,
            calls,
            instances: Mutex::default(),
            metrics,
        })
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
        let instance = Arc::new(self.instance((group, &name), &options));
        // Held until the client is there: others that find the instance meanwhile wait for it.
        let mut guard = Arc::clone(&instance.reader).lock_owned().await;
        self.insert(&instance)?;
        let made = self.reader(group, &options).await;
        match made {
            Ok(reader) => *guard = Some(reader),
            Err(error) => {
                self.remove(group, &name);
                return Err(error);
            }
        }
        drop(guard);
        events::consumer_created(&self.metrics, group, &name);
        Ok(instance)
    }

    fn insert(&self, instance: &Arc<Instance>) -> Result<(), ConsumerError> {
        let mut instances = self.instances.lock();
        let key = (instance.group.clone(), instance.name.clone());
        if instances.contains_key(&key) {
            return Err(ConsumerError::AlreadyExists);
        }
        if instances.len() >= self.config.max_instances {
            return Err(ConsumerError::TooMany(self.config.max_instances));
        }
        instances.insert(key, Arc::clone(instance));
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
        Instance::new(name, options.format, wait, min_bytes, self.calls.clone())
    }

    async fn reader(&self, group: &str, options: &Options) -> Result<Reader, ConsumerError> {
        let deserializer = without_schemas(options.format)
            .or_else(|| (self.schemas)(options.format))
            .ok_or(ConsumerError::Unforeseen(
                "schema.registry.url is not set, which this format needs",
            ))?;
        let config = self.client_config(group, options);
        let (callbacks, admin) = (
            Callbacks::new(self.context.clone()),
            Arc::clone(&self.admin),
        );
        let make = move || Reader::new(&config, callbacks, deserializer, admin);
        match tokio::task::spawn_blocking(make).await {
            Ok(Ok(reader)) => Ok(reader),
            Ok(Err(error)) => Err(ConsumerError::Config(error.to_string())),
            Err(_) => Err(ConsumerError::Unforeseen("making a client panicked")),
        }
    }

    fn client_config(&self, group: &str, options: &Options) -> ClientConfig {
        let mut config = self.kafka.client_config();
        config.set("group.id", group);
        if let Some(reset) = options.offset_reset.as_deref() {
            config.set(
                "auto.offset.reset",
                if reset == "none" { "error" } else { reset },
            );
        }
        if let Some(auto_commit) = options.auto_commit {
            config.set("enable.auto.commit", auto_commit.to_string());
        }
        // Its log lines wait in its queue, which only reads empty.
        config.set_log_level(RDKafkaLogLevel::Error);
        config
    }

    /// The instance of this name. Its end is put off.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, group: &str, name: &str) -> Result<Arc<Instance>, ConsumerError> {
        let key = (group.to_owned(), name.to_owned());
        let instance = self.instances.lock().get(&key).cloned();
        let instance = instance.ok_or(ConsumerError::NotFound)?;
        instance.touch();
        Ok(instance)
    }

    fn remove(&self, group: &str, name: &str) -> Option<Arc<Instance>> {
        let key = (group.to_owned(), name.to_owned());
        self.instances.lock().remove(&key)
    }

    /// Closes and forgets one.
    ///
    /// # Errors
    /// There is none.
    pub async fn delete(&self, group: &str, name: &str) -> Result<(), ConsumerError> {
        let instance = self.remove(group, name).ok_or(ConsumerError::NotFound)?;
        // In a task of its own: closing goes on when the client goes away.
        let closing = tokio::spawn(async move { instance.close().await });
        let _closed = closing.await;
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
        }
    }

    /// Ends instances that nobody uses, until the proxy ends.
    pub async fn sweep(consumers: Weak<Self>) {
        loop {
            tokio::time::sleep(SWEEP).await;
            let Some(consumers) = consumers.upgrade() else {
                return;
            };
            for instance in consumers.take_idle() {
                events::consumer_expired(&consumers.metrics, &instance.group, &instance.name);
                tokio::spawn(async move { instance.close().await });
            }
        }
    }

    fn take_idle(&self) -> Vec<Arc<Instance>> {
        let timeout = self.config.instance_timeout;
        let mut instances = self.instances.lock();
        let idle = instances.extract_if(|_, instance| instance.is_idle(timeout));
        idle.map(|(_, instance)| instance).collect()
    }

    /// Closes all, so that their groups need not wait for them; at most for so long.
    pub async fn close_all(&self, grace: Duration) {
        let all: Vec<_> = self.instances.lock().drain().map(|(_, one)| one).collect();
        let mut closing = JoinSet::new();
        for instance in all {
            self.metrics.shut_down.inc();
            closing.spawn(async move { instance.close().await });
        }
        let closed = async { while closing.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, closed).await.is_err() {
            tracing::warn!("not all consumer instances could leave their groups in time");
        }
    }
}
