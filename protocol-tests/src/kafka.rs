//! What the tests do with a broker behind the programs' backs: create topics, write records exactly
//! (partition, timestamp, headers, null or empty key and value), read everything back, look at
//! committed offsets with their metadata. librdkafka is the client, as any other client would be.

mod offsets;
mod read;
mod record;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};

pub use offsets::Committed;
pub use record::{Record, RecordHeader};

/// What one question to the broker may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(20);

/// Access to one cluster.
pub struct Kafka {
    bootstrap: String,
    producer: FutureProducer,
    admin: AdminClient<DefaultClientContext>,
    replicas: i32,
    /// A consumer a group, which asks for its commits and never joins.
    askers: Mutex<HashMap<String, Arc<BaseConsumer>>>,
}

impl Kafka {
    /// # Errors
    /// The client can't be built; an unreachable broker shows with the first question.
    pub fn new(bootstrap: &str) -> Result<Self> {
        let config = base_config(bootstrap);
        let mut producer = config.clone();
        producer
            .set("enable.idempotence", "true")
            .set("linger.ms", "2")
            .set("message.max.bytes", "5000000");
        Ok(Self {
            bootstrap: bootstrap.to_owned(),
            producer: producer.create()?,
            admin: config.create()?,
            replicas: 1,
            askers: Mutex::default(),
        })
    }

    /// New topics have so many replicas.
    #[must_use]
    pub fn with_replicas(mut self, replicas: i32) -> Self {
        self.replicas = replicas;
        self
    }

    /// Creates a topic and waits until every partition has a leader.
    ///
    /// # Errors
    /// It exists, the name is refused, the broker does not answer.
    pub async fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> Result<()> {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(self.replicas));
        for (key, value) in configs {
            topic = topic.set(key, value);
        }
        let options = AdminOptions::new().operation_timeout(Some(ASK_TIMEOUT));
        for result in self.admin.create_topics([&topic], &options).await? {
            result.map_err(|(name, code)| anyhow::anyhow!("creating {name}: {code}"))?;
        }
        let wanted = usize::try_from(partitions)?;
        let until = Instant::now() + ASK_TIMEOUT;
        while self.partitions(name)?.len() != wanted {
            ensure!(Instant::now() < until, "{name} does not come up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Deletes a topic.
    ///
    /// # Errors
    /// It does not exist, the broker does not answer.
    pub async fn delete_topic(&self, name: &str) -> Result<()> {
        let options = AdminOptions::new().operation_timeout(Some(ASK_TIMEOUT));
        for result in self.admin.delete_topics(&[name], &options).await? {
            result.map_err(|(name, code)| anyhow::anyhow!("deleting {name}: {code}"))?;
        }
        Ok(())
    }

    /// Deletes the records of a partition below `offset`.
    ///
    /// # Errors
    /// The broker refuses or does not answer.
    pub async fn delete_records(&self, topic: &str, partition: i32, offset: i64) -> Result<()> {
        let mut below = TopicPartitionList::new();
        below.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        let options = AdminOptions::new().operation_timeout(Some(ASK_TIMEOUT));
        let done = self.admin.delete_records(&below, &options).await?;
        for element in done.elements() {
            element.error()?;
        }
        Ok(())
    }

    /// Numbers of the partitions of a topic that have a leader; none if it does not exist.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn partitions(&self, topic: &str) -> Result<Vec<i32>> {
        let client = self.admin.inner();
        let metadata =
            tokio::task::block_in_place(|| client.fetch_metadata(Some(topic), ASK_TIMEOUT))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let partitions = found.map(|found| found.partitions()).unwrap_or_default();
        Ok(partitions
            .iter()
            .filter(|partition| partition.leader() >= 0 && partition.error().is_none())
            .map(|partition| partition.id())
            .collect())
    }

    /// Ids of the brokers.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn broker_ids(&self) -> Result<Vec<i32>> {
        let client = self.admin.inner();
        let metadata = tokio::task::block_in_place(|| client.fetch_metadata(None, ASK_TIMEOUT))?;
        Ok(metadata
            .brokers()
            .iter()
            .map(|broker| broker.id())
            .collect())
    }

    /// Id of the cluster.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn cluster_id(&self) -> Result<String> {
        let client = self.admin.inner();
        let id = tokio::task::block_in_place(|| client.fetch_cluster_id(ASK_TIMEOUT));
        id.context("no cluster id")
    }

    /// A setting of the first broker, if it has it.
    ///
    /// # Errors
    /// The broker does not answer.
    pub async fn broker_setting(&self, name: &str) -> Result<Option<String>> {
        let id = *self.broker_ids()?.first().context("no broker")?;
        let options = AdminOptions::new().request_timeout(Some(ASK_TIMEOUT));
        let resources = [&ResourceSpecifier::Broker(id)];
        for resource in self.admin.describe_configs(resources, &options).await? {
            let resource = resource.map_err(|code| anyhow::anyhow!("broker settings: {code}"))?;
            if let Some(entry) = resource.get(name) {
                return Ok(entry.value.clone());
            }
        }
        Ok(None)
    }

    /// Writes records in their order and checks where they landed.
    ///
    /// # Errors
    /// One was refused, or landed at another offset than it asked for.
    pub async fn write(&self, topic: &str, records: &[Record]) -> Result<Vec<(i32, i64)>> {
        let futures = records.iter().map(|record| self.enqueue(topic, record));
        let mut places = Vec::with_capacity(records.len());
        for (future, record) in futures
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .zip(records)
        {
            let delivery = future.await?.map_err(|(error, _)| error)?;
            ensure!(
                record.offset < 0 || record.offset == delivery.offset,
                "{topic}-{}: offset {} instead of {}",
                record.partition,
                delivery.offset,
                record.offset
            );
            places.push((delivery.partition, delivery.offset));
        }
        Ok(places)
    }

    fn enqueue(&self, topic: &str, record: &Record) -> Result<DeliveryFuture> {
        let mut message = FutureRecord::<[u8], [u8]>::to(topic).partition(record.partition);
        message.key = record.key.as_deref();
        message.payload = record.value.as_deref();
        message.timestamp = record.timestamp;
        if !record.headers.is_empty() {
            let headers =
                record
                    .headers
                    .iter()
                    .fold(OwnedHeaders::new(), |headers, (key, value)| {
                        headers.insert(Header {
                            key,
                            value: value.as_ref(),
                        })
                    });
            message = message.headers(headers);
        }
        let sent = self.producer.send_result(message);
        sent.map_err(|(error, _)| anyhow::Error::new(error).context("enqueueing a record"))
    }

    /// A consumer that belongs to nobody until it is told to subscribe or assign.
    ///
    /// # Errors
    /// The client can't be built.
    pub fn consumer(&self, group: &str) -> Result<BaseConsumer> {
        self.consumer_named(group, "rdkafka")
    }

    /// A consumer with a client id.
    ///
    /// # Errors
    /// The client can't be built.
    pub fn consumer_named(&self, group: &str, client: &str) -> Result<BaseConsumer> {
        let mut config = base_config(&self.bootstrap);
        config
            .set("client.id", client)
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "50");
        Ok(config.create()?)
    }
}

fn base_config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("topic.metadata.refresh.interval.ms", "5000")
        .set("allow.auto.create.topics", "false");
    config
}
