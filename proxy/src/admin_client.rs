//! Cluster metadata, topic settings and offsets, free of API versions.
//!
//! In: names. Out: what Kafka knows of them. What fails: [`KafkaFault`], as the Java client would put it.
//! librdkafka's look-ups block, so they run on the runtime's blocking threads, a bounded number at once.
//! This client never creates topics.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient as Native, AdminOptions, ConfigResource, ResourceSpecifier};
use rdkafka::client::Client;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::metadata::{Metadata, MetadataTopic};
use rdkafka::producer::{Producer, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use sluiceway_kafka_tokens::by_tokens;
use tokio::sync::Semaphore;

use crate::client_context::Context;
use crate::cluster_admin::{ClusterAdmin, Config, ConfigResource as WireResource};
use crate::health::Health;
use crate::kafka_error::{FaultClass, KafkaFault, fault};

/// A partition and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionInfo {
    /// Its number.
    pub id: i32,
    /// The leader's broker id, -1 for none.
    pub leader: i32,
    /// Brokers that hold it, in order.
    pub replicas: Vec<i32>,
    /// Those of them that are in sync.
    pub in_sync: Vec<i32>,
}

/// A setting of a topic; sensitive ones have no value.
pub type TopicConfig = (String, Option<String>);

/// Looks things up.
pub struct AdminClient {
    asked: Asked,
    health: Arc<Health>,
    slots: Semaphore,
    timeout: Duration,
}

/// The client that is asked.
enum Asked {
    /// librdkafka's for this.
    Admin(Native<Context>),
    /// One that is polled: only such a client is given the tokens by which it logs in. It cannot describe resources; the
    /// proxy's own connection does.
    Polled(ThreadedProducer<Context>, OnceLock<Arc<dyn ClusterAdmin>>),
}

impl Asked {
    fn client(&self) -> &Client<Context> {
        match self {
            Self::Admin(admin) => admin.inner(),
            Self::Polled(producer, _) => producer.client(),
        }
    }
}

/// Topics that brokers keep for themselves, which Kafka's own listing leaves out.
const INTERNAL_TOPICS: [&str; 3] = [
    "__consumer_offsets",
    "__transaction_state",
    "__share_group_state",
];

impl AdminClient {
    /// Starts a client. It connects in the background.
    ///
    /// # Errors
    /// The settings contradict one another, or this build lacks what they need.
    pub fn new(
        mut config: ClientConfig,
        context: Context,
        concurrency: usize,
        timeout: Duration,
    ) -> KafkaResult<Arc<Self>> {
        // Nobody takes this client's log lines from its queue; the producer logs the same of the same brokers.
        config.set_log_level(RDKafkaLogLevel::Emerg);
        let health = Arc::clone(&context.health);
        let asked = if by_tokens(&config) {
            let producer = ThreadedProducer::from_config_and_context(&config, context)?;
            Asked::Polled(producer, OnceLock::new())
        } else {
            Asked::Admin(Native::from_config_and_context(&config, context)?)
        };
        Ok(Arc::new(Self {
            asked,
            health,
            slots: Semaphore::new(concurrency),
            timeout,
        }))
    }

    /// Names the connection that describes resources where this client cannot.
    pub fn describe_through(&self, wire: &Arc<dyn ClusterAdmin>) {
        if let Asked::Polled(_, place) = &self.asked {
            place.get_or_init(|| Arc::clone(wire));
        }
    }

    /// The limit on one look-up.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Names of all topics but the brokers' own.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub async fn topics(self: &Arc<Self>) -> Result<Vec<String>, KafkaFault> {
        self.metadata(None, self.timeout, |metadata| {
            let names = metadata
                .topics()
                .iter()
                .filter(|topic| topic.error().is_none())
                .map(MetadataTopic::name);
            Ok(names
                .filter(|name| !INTERNAL_TOPICS.contains(name))
                .map(str::to_owned)
                .collect())
        })
        .await
    }

    /// Ids of the brokers, in order.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub async fn brokers(self: &Arc<Self>) -> Result<Vec<i32>, KafkaFault> {
        self.hopeful()?;
        self.look_for_brokers().await
    }

    /// The same, also while the brokers refuse the proxy: they may have changed their mind.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub async fn look_for_brokers(self: &Arc<Self>) -> Result<Vec<i32>, KafkaFault> {
        // Metadata of a topic of no consequence: asking for all topics would be dear on a large cluster.
        let topic = INTERNAL_TOPICS[0];
        let call =
            move |client: &Client<Context>, timeout| client.fetch_metadata(Some(topic), timeout);
        let metadata = self.blocking(topic, self.timeout, call).await?;
        let mut ids: Vec<i32> = metadata.brokers().iter().map(|b| b.id()).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// The partitions of a topic, in order.
    ///
    /// # Errors
    /// Kafka does not answer, or does not know the topic.
    pub async fn partitions(
        self: &Arc<Self>,
        topic: &str,
    ) -> Result<Vec<PartitionInfo>, KafkaFault> {
        self.partitions_within(topic, self.timeout).await
    }

    /// The same, with a limit of its own on the time it may take.
    ///
    /// # Errors
    /// As [`AdminClient::partitions`].
    pub async fn partitions_within(
        self: &Arc<Self>,
        topic: &str,
        timeout: Duration,
    ) -> Result<Vec<PartitionInfo>, KafkaFault> {
        check_topic_name(topic)?;
        let name = topic.to_owned();
        let read = move |metadata: &Metadata| partitions_of(metadata, &name);
        self.metadata(Some(topic), timeout, read).await
    }

    /// The settings of a topic that exists, defaults included.
    ///
    /// # Errors
    /// Kafka does not answer, or forbids it.
    pub async fn topic_configs(&self, topic: &str) -> Result<Vec<TopicConfig>, KafkaFault> {
        if let Some(wire) = self.wire() {
            let found = describe(wire, WireResource::Topic(topic.to_owned())).await?;
            return Ok(found.into_iter().map(|one| (one.name, one.value)).collect());
        }
        let resource = self
            .describe(ResourceSpecifier::Topic(topic), topic)
            .await?;
        Ok(resource
            .entries
            .into_iter()
            .map(|entry| (entry.name, entry.value))
            .collect())
    }

    /// Whether brokers create topics on first use; `None` when they don't tell.
    pub async fn creates_topics(self: &Arc<Self>) -> Option<bool> {
        let broker = *self.brokers().await.ok()?.first()?;
        if let Some(wire) = self.wire() {
            let found = describe(wire, WireResource::Broker(broker)).await.ok()?;
            let named = |one: &Config| one.name == "auto.create.topics.enable";
            return Some(found.into_iter().find(named)?.value.as_deref() == Some("true"));
        }
        let resource = self
            .describe(ResourceSpecifier::Broker(broker), "")
            .await
            .ok()?;
        let value = resource
            .get("auto.create.topics.enable")?
            .value
            .as_deref()?;
        Some(value == "true")
    }

    /// First and next offset of a partition that exists.
    ///
    /// # Errors
    /// Kafka does not answer, or the partition has no leader.
    pub async fn offsets(
        self: &Arc<Self>,
        topic: &str,
        partition: i32,
    ) -> Result<(i64, i64), KafkaFault> {
        self.hopeful()?;
        let name = topic.to_owned();
        self.blocking(topic, self.timeout, move |client, timeout| {
            client.fetch_watermarks(&name, partition, timeout)
        })
        .await
    }

    async fn metadata<T: Send + 'static>(
        self: &Arc<Self>,
        topic: Option<&str>,
        timeout: Duration,
        read: impl FnOnce(&Metadata) -> Result<T, KafkaFault> + Send + 'static,
    ) -> Result<T, KafkaFault> {
        self.hopeful()?;
        let name = topic.map(str::to_owned);
        let metadata = self.blocking(
            topic.unwrap_or_default(),
            timeout,
            move |client, timeout| client.fetch_metadata(name.as_deref(), timeout),
        );
        read(&metadata.await?)
    }

    /// The connection that describes resources in the place of this client.
    fn wire(&self) -> Option<&Arc<dyn ClusterAdmin>> {
        match &self.asked {
            Asked::Admin(_) => None,
            Asked::Polled(_, wire) => wire.get(),
        }
    }

    /// # Errors
    /// The brokers refuse the proxy: waiting for them is of no use.
    fn hopeful(&self) -> Result<(), KafkaFault> {
        self.health.hopeless().map_or(Ok(()), Err)
    }

    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        topic: &str,
        timeout: Duration,
        call: impl FnOnce(&Client<Context>, Duration) -> KafkaResult<T> + Send + 'static,
    ) -> Result<T, KafkaFault> {
        // Waiting for a slot is part of the time the look-up may take.
        let slot = tokio::time::timeout(timeout, self.slots.acquire());
        let busy = |_| fault(RDKafkaErrorCode::OperationTimedOut, topic);
        let _slot = slot.await.map_err(busy)?.map_err(|_| closed())?;
        let this = Arc::clone(self);
        let result = tokio::task::spawn_blocking(move || call(this.asked.client(), timeout)).await;
        result
            .map_err(|_| closed())?
            .inspect(|_| self.health.up())
            .map_err(|error| kafka_fault(&error, topic))
    }

    async fn describe(
        &self,
        resource: ResourceSpecifier<'_>,
        topic: &str,
    ) -> Result<ConfigResource, KafkaFault> {
        let Asked::Admin(admin) = &self.asked else {
            return Err(closed());
        };
        let options = AdminOptions::new().request_timeout(Some(self.timeout));
        let results = admin.describe_configs([&resource], &options).await;
        match results.map_err(|error| kafka_fault(&error, topic))?.pop() {
            Some(Ok(found)) => Ok(found),
            Some(Err(code)) => Err(fault(code, topic)),
            None => Err(KafkaFault::new(
                FaultClass::Fatal,
                "Kafka answered without the resource asked for.",
            )),
        }
    }
}

/// The settings of one resource, by the proxy's own connection.
async fn describe(
    wire: &Arc<dyn ClusterAdmin>,
    resource: WireResource,
) -> Result<Vec<Config>, KafkaFault> {
    let found = wire.configs(vec![resource]).await?;
    Ok(found.into_iter().next().unwrap_or_default())
}

/// The partitions of the one topic that was asked for.
pub(crate) fn partitions_of(
    metadata: &Metadata,
    topic: &str,
) -> Result<Vec<PartitionInfo>, KafkaFault> {
    let found = metadata
        .topics()
        .iter()
        .find(|found| found.name() == topic)
        .ok_or_else(KafkaFault::unknown_topic)?;
    if let Some(code) = found.error() {
        return Err(fault(code.into(), topic));
    }
    let mut partitions: Vec<PartitionInfo> = found
        .partitions()
        .iter()
        .map(|partition| PartitionInfo {
            id: partition.id(),
            leader: partition.leader(),
            replicas: partition.replicas().to_vec(),
            in_sync: partition.isr().to_vec(),
        })
        .collect();
    if partitions.is_empty() {
        return Err(KafkaFault::unknown_topic());
    }
    partitions.sort_unstable_by_key(|partition| partition.id);
    Ok(partitions)
}

/// The fault of a failed call.
pub(crate) fn kafka_fault(error: &KafkaError, topic: &str) -> KafkaFault {
    let code = match error {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    };
    match code {
        Some(RDKafkaErrorCode::Fail) | None => {
            KafkaFault::new(FaultClass::Fatal, error.to_string())
        }
        Some(code) => fault(code, topic),
    }
}

fn closed() -> KafkaFault {
    KafkaFault::new(FaultClass::Retriable, "The proxy is shutting down.")
}

/// Kafka's rule for topic names.
///
/// # Errors
/// The name breaks it.
pub fn check_topic_name(topic: &str) -> Result<(), KafkaFault> {
    let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    let valid = !topic.is_empty()
        && topic.len() <= 249
        && topic != "."
        && topic != ".."
        && topic.bytes().all(legal);
    if valid {
        Ok(())
    } else {
        Err(KafkaFault::invalid_topic())
    }
}

#[cfg(test)]
mod tests {
    use super::check_topic_name;

    #[test]
    fn topic_names() {
        for good in ["a", "a.b_c-D9", "...", &"x".repeat(249)] {
            assert!(check_topic_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "bad name",
            "é",
            "a/b",
            "a\0b",
            &"x".repeat(250),
        ] {
            assert!(check_topic_name(bad).is_err(), "{bad}");
        }
    }
}
