//! What the tests do with a broker behind the programs' backs: create topics, write records exactly
//! (partition, timestamp, headers, null or empty key and value), read everything back, look at
//! committed offsets with their metadata. librdkafka is the client, as any other client would be.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};

/// What one question to the broker may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(20);
/// What reading a whole topic may take.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// A record header: name and value.
pub type RecordHeader = (String, Option<Vec<u8>>);

/// A record as it lies in a partition. `partition` and `offset` of a record to be written say where
/// it goes and are checked afterwards; offset -1 is "wherever it lands".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Partition number.
    pub partition: i32,
    /// Offset, or -1.
    pub offset: i64,
    /// Milliseconds since the epoch; none is the broker's or the client's choice.
    pub timestamp: Option<i64>,
    /// Null is none.
    pub key: Option<Vec<u8>>,
    /// Null is none.
    pub value: Option<Vec<u8>>,
    /// In their order.
    pub headers: Vec<RecordHeader>,
}

impl Record {
    /// A record without key to be written to a partition.
    #[must_use]
    pub fn value(partition: i32, value: impl Into<Vec<u8>>) -> Self {
        Self {
            partition,
            offset: -1,
            timestamp: None,
            key: None,
            value: Some(value.into()),
            headers: Vec::new(),
        }
    }

    /// The value as text, or `null`.
    #[must_use]
    pub fn text(&self) -> String {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        self.value.as_ref().map_or_else(|| "null".into(), text)
    }

    fn read(message: &BorrowedMessage<'_>) -> Self {
        let header =
            |header: Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(Vec::from));
        Self {
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            key: message.key().map(Vec::from),
            value: message.payload().map(Vec::from),
            headers: message
                .headers()
                .map(|headers| headers.iter().map(header).collect())
                .unwrap_or_default(),
        }
    }
}

/// Committed offset of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to read.
    pub offset: i64,
    /// What the committer wrote beside it.
    pub metadata: String,
}

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

    /// Every record of a topic up to the ends of its partitions at the time of the call, ordered by
    /// partition and offset.
    ///
    /// # Errors
    /// The topic does not exist, the broker does not answer, or reading takes too long.
    pub fn read_all(&self, topic: &str) -> Result<Vec<Record>> {
        tokio::task::block_in_place(|| self.read_blocking(topic))
    }

    fn read_blocking(&self, topic: &str) -> Result<Vec<Record>> {
        let consumer = self.consumer("protocol-tests-reader")?;
        let mut open = self.ends(topic)?;
        let mut assignment = TopicPartitionList::new();
        for (partition, (low, _)) in &open {
            assignment.add_partition_offset(topic, *partition, Offset::Offset(*low))?;
        }
        open.retain(|_, (low, end)| low < end);
        consumer.assign(&assignment)?;
        let mut records = Vec::new();
        let until = Instant::now() + READ_TIMEOUT;
        while !open.is_empty() {
            ensure!(Instant::now() < until, "{topic}: {open:?} are not reached");
            let Some(message) = consumer.poll(Duration::from_millis(200)) else {
                continue;
            };
            let record = Record::read(&message?);
            if let Some((_, end)) = open.get(&record.partition) {
                if record.offset + 1 >= *end {
                    open.remove(&record.partition);
                }
                records.push(record);
            }
        }
        records.sort_by_key(|record| (record.partition, record.offset));
        Ok(records)
    }

    /// Every committed record of a topic, as a consumer with `read_committed` is given them, by partition and offset.
    ///
    /// # Errors
    /// As [`Kafka::read_all`].
    pub fn read_committed(&self, topic: &str) -> Result<Vec<Record>> {
        tokio::task::block_in_place(|| {
            let mut open = self.partitions(topic)?;
            let mut config = base_config(&self.bootstrap);
            config
                .set("group.id", "protocol-tests-reader")
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true")
                .set("isolation.level", "read_committed");
            let consumer: BaseConsumer = config.create()?;
            let mut assignment = TopicPartitionList::new();
            for partition in &open {
                assignment.add_partition_offset(topic, *partition, Offset::Beginning)?;
            }
            consumer.assign(&assignment)?;
            let (mut records, until) = (Vec::new(), Instant::now() + READ_TIMEOUT);
            while !open.is_empty() {
                ensure!(
                    Instant::now() < until,
                    "{topic}: {open:?} are not read to their ends"
                );
                match consumer.poll(Duration::from_millis(200)) {
                    None => {}
                    Some(Ok(message)) => records.push(Record::read(&message)),
                    Some(Err(KafkaError::PartitionEOF(at))) => open.retain(|one| *one != at),
                    Some(Err(error)) => return Err(error.into()),
                }
            }
            records.sort_by_key(|record| (record.partition, record.offset));
            Ok(records)
        })
    }

    /// First and next offset of every partition of a topic.
    ///
    /// # Errors
    /// The topic does not exist, the broker does not answer.
    pub fn ends(&self, topic: &str) -> Result<BTreeMap<i32, (i64, i64)>> {
        let partitions = self.partitions(topic)?;
        if partitions.is_empty() {
            bail!("no topic {topic}");
        }
        let client = self.admin.inner();
        let end = |partition| {
            let ends = client.fetch_watermarks(topic, partition, ASK_TIMEOUT);
            ends.with_context(|| format!("ends of {topic}-{partition}"))
        };
        let ends = || {
            partitions
                .iter()
                .map(|&partition| Ok((partition, end(partition)?)))
                .collect()
        };
        tokio::task::block_in_place(ends)
    }

    /// What a group has committed of a topic, by partition; partitions without are left out.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, Committed>> {
        let mut asked = TopicPartitionList::new();
        for partition in self.partitions(topic)? {
            asked.add_partition(topic, partition);
        }
        let consumer = self.asker(group)?;
        let list = tokio::task::block_in_place(|| committed_offsets(&consumer, &asked))?;
        let mut committed = BTreeMap::new();
        for element in list.elements() {
            element.error()?;
            if let Offset::Offset(offset) = element.offset() {
                let metadata = element.metadata().to_owned();
                committed.insert(element.partition(), Committed { offset, metadata });
            }
        }
        Ok(committed)
    }

    fn asker(&self, group: &str) -> Result<Arc<BaseConsumer>> {
        let mut askers = self
            .askers
            .lock()
            .map_err(|_| anyhow::anyhow!("a test panicked"))?;
        if let Some(asker) = askers.get(group) {
            return Ok(Arc::clone(asker));
        }
        let asker = Arc::new(self.consumer(group)?);
        askers.insert(group.to_owned(), Arc::clone(&asker));
        Ok(asker)
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

/// Asks again while the coordinator is being found: a broker that has just started moves groups.
fn committed_offsets(
    consumer: &BaseConsumer,
    asked: &TopicPartitionList,
) -> KafkaResult<TopicPartitionList> {
    let until = Instant::now() + ASK_TIMEOUT;
    loop {
        match consumer.committed_offsets(asked.clone(), ASK_TIMEOUT) {
            Err(error) if moves(&error) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(200));
            }
            answer => return answer,
        }
    }
}

fn moves(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotCoordinator
                | RDKafkaErrorCode::CoordinatorNotAvailable
                | RDKafkaErrorCode::CoordinatorLoadInProgress
        )
    )
}

fn base_config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("topic.metadata.refresh.interval.ms", "5000")
        .set("allow.auto.create.topics", "false");
    config
}
