//! The embedded broker as librdkafka sees it, and on the wire where librdkafka cannot be made to misbehave.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod admin;
mod groups;
mod produce;
mod recovery;
mod wire;

use std::time::{Duration, Instant};

use dev_services::broker::{Broker, BrokerOptions};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// How long a test waits for what should happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A broker on a folder of its own.
pub(crate) struct Bench {
    pub(crate) broker: Broker,
    pub(crate) dir: tempfile::TempDir,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut BrokerOptions)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut options = BrokerOptions::new(dir.path());
        change(&mut options);
        Self {
            broker: Broker::start(options).await.unwrap(),
            dir,
        }
    }

    pub(crate) async fn restart(self) -> Self {
        self.broker.stop().await;
        let broker = Broker::start(BrokerOptions::new(self.dir.path()))
            .await
            .unwrap();
        Self {
            broker,
            dir: self.dir,
        }
    }

    pub(crate) fn bootstrap(&self) -> String {
        self.broker.bootstrap()
    }
}

/// What became of each record, in the order of the answers: offset, or error.
#[derive(Default)]
pub(crate) struct Deliveries(std::sync::Mutex<Vec<Result<i64, String>>>);

impl rdkafka::ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let result = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, _)) => Err(error.to_string()),
        };
        self.0.lock().unwrap().push(result);
    }
}

/// Produces values to partition 0 and waits for the answers.
pub(crate) fn produce(
    bootstrap: &str,
    topic: &str,
    values: &[String],
    settings: &[(&str, &str)],
) -> Vec<Result<i64, String>> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("message.timeout.ms", "15000");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    // Not a threaded one: its thread and `flush` would hand over answers side by side, in no order.
    let producer: BaseProducer<Deliveries> =
        config.create_with_context(Deliveries::default()).unwrap();
    for value in values {
        let record = BaseRecord::<(), _>::to(topic).payload(value).partition(0);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(SOON).unwrap();
    let answers = producer.context().0.lock().unwrap();
    answers.clone()
}

/// A consumer that commits only when it is told to.
pub(crate) fn consumer(bootstrap: &str, group: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest")
        .set("topic.metadata.refresh.interval.ms", "500")
        .create()
        .unwrap()
}

/// Reads partition 0 of a topic from an offset on until `count` records are there.
pub(crate) fn read(bootstrap: &str, topic: &str, offset: i64, count: usize) -> Vec<OwnedMessage> {
    let consumer = consumer(bootstrap, "reader");
    let mut partitions = TopicPartitionList::new();
    partitions
        .add_partition_offset(topic, 0, Offset::Offset(offset))
        .unwrap();
    consumer.assign(&partitions).unwrap();
    let until = Instant::now() + SOON;
    let mut records = Vec::new();
    while records.len() < count {
        assert!(
            Instant::now() < until,
            "{} of {count} records",
            records.len()
        );
        if let Some(record) = consumer.poll(Duration::from_millis(100)) {
            records.push(record.unwrap().detach());
        }
    }
    records
}

pub(crate) fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("value {number}")).collect()
}

pub(crate) fn text(record: &OwnedMessage) -> &str {
    std::str::from_utf8(record.payload().unwrap()).unwrap()
}
