//! Reads the topic of claims from its beginning, and goes on reading: a thread and a client of its own, in no group.

use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use sluiceway_kafka_tokens::{LoginContext, log_in};

use super::claim::Entry;
use super::claims::{Claims, Reading};

/// How long a poll waits; also how long the thread outlives the proxy.
const POLL: Duration = Duration::from_millis(100);
/// How long the broker may take to tell where the topic ends.
const ASK: Duration = Duration::from_secs(10);

/// Starts to read.
///
/// # Errors
/// The client refuses its settings, or there is no thread.
pub(super) fn start(
    claims: Reading,
    mut config: ClientConfig,
    topic: &str,
    partitions: usize,
) -> KafkaResult<()> {
    // A client that is to be told partitions needs the name of a group, which it never joins.
    config
        .set("group.id", format!("{topic}-reader"))
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_uncommitted")
        .set("allow.auto.create.topics", "false")
        .set("fetch.wait.max.ms", "500")
        .set_log_level(RDKafkaLogLevel::Error);
    let consumer: BaseConsumer<LoginContext> = config.create_with_context(LoginContext)?;
    let topic = topic.to_owned();
    let thread = std::thread::Builder::new().name("peers-claims".to_owned());
    let read = move || {
        let log_in = || log_in(&config, &consumer);
        read(&claims, (&consumer, &log_in), &topic, partitions);
    };
    let started = thread.spawn(read).map(drop);
    started.map_err(|error| KafkaError::ClientCreation(error.to_string()))
}

fn read(
    claims: &Reading,
    (consumer, log_in): (&BaseConsumer<LoginContext>, &dyn Fn()),
    topic: &str,
    partitions: usize,
) {
    let numbers = || (0..partitions).filter_map(|number| i32::try_from(number).ok());
    // Compaction may have taken the last records: then the first end of a partition stands for them.
    let ends: Vec<i64> = numbers()
        .map(|partition| {
            loop {
                log_in();
                match consumer.fetch_watermarks(topic, partition, ASK) {
                    Ok((_, end)) => break end,
                    Err(error) => {
                        tracing::debug!(topic, %error, "the end of the topic is not known yet")
                    }
                }
                if claims.strong_count() == 0 {
                    break 0;
                }
                std::thread::sleep(POLL);
            }
        })
        .collect();
    let mut list = TopicPartitionList::new();
    for partition in numbers() {
        let _listed = list.add_partition_offset(topic, partition, Offset::Beginning);
    }
    if let Err(error) = consumer.assign(&list) {
        tracing::error!(topic, %error, "the topic of consumer instances cannot be read");
        return;
    }
    if let Some(claims) = claims.upgrade() {
        claims.opened(partitions);
    }
    while claims.strong_count() > 0 {
        let Some(polled) = consumer.poll(POLL) else {
            continue;
        };
        let Some(claims) = claims.upgrade() else {
            return;
        };
        match polled {
            Ok(message) => take(&claims, &message),
            Err(KafkaError::PartitionEOF(partition)) => {
                let partition = usize::try_from(partition).unwrap_or_default();
                claims.reached(partition, ends.get(partition).copied().unwrap_or_default());
            }
            Err(error) => tracing::debug!(topic, %error, "reading the topic of consumer instances"),
        }
    }
}

fn take(claims: &Claims, message: &rdkafka::message::BorrowedMessage<'_>) {
    if let Some(entry) = Entry::read(message) {
        claims.apply(entry);
    }
    let partition = usize::try_from(message.partition()).unwrap_or_default();
    claims.reached(partition, message.offset() + 1);
}
