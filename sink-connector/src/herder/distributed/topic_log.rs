//! An internal topic as a log: read from its begin and on, appended to.
//!
//! In: a topic. Out: each record once, in the order of its partition, to whoever reads ([`Reader`]); offsets of what
//! was appended ([`Appender`]). Reading goes on for ever and survives brokers that come and go.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::client::OAuthToken;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use sluiceway_kafka_tokens::{LoginContext, log_in};

use super::catch_up::CatchUp;
use super::config_record::Written;
use crate::herder::HerderError;

const POLL: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(500);
/// Longest wait for one answer about the topic while it is read for the first time: a client that gets none is replaced,
/// so there is no use in waiting as long for it as for the cluster.
const ANSWER: Duration = Duration::from_secs(3);

/// A record of an internal topic.
pub(super) struct LogRecord<'m> {
    pub(super) offset: i64,
    pub(super) key: &'m [u8],
    pub(super) value: Option<&'m [u8]>,
    /// Milliseconds since 1970.
    pub(super) timestamp: Option<i64>,
}

/// Who reads a log.
pub(super) trait Reader: Send + 'static {
    /// The topic has this many partitions; called once, first.
    fn begins(&mut self, partitions: usize);
    /// The next record.
    fn take(&mut self, record: &LogRecord<'_>);
    /// All that was there when reading began has been read; called once.
    fn caught_up(&mut self);
}

/// Librdkafka's log lines in this program's log.
struct LogContext;

impl ClientContext for LogContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn StdError>> {
        sluiceway_kafka_tokens::answer(config)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        crate::consume::log_client(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is asked for.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
            tracing::warn!(%error, reason, "Kafka client of the worker's topics");
        }
    }
}

impl ConsumerContext for LogContext {}

/// Starts a thread that reads `topic` until `stop` is set.
pub(super) fn read(
    mut client: ClientConfig,
    topic: String,
    stop: Arc<AtomicBool>,
    timeout: Duration,
    mut reader: impl Reader,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let timeout = timeout.min(ANSWER);
    for (key, value) in READER_SETTINGS {
        client.set(key, value);
    }
    std::thread::Builder::new()
        .name("internal-topic".to_owned())
        .spawn(move || {
            let Some((mut consumer, partitions)) = open(&client, &topic, &stop, timeout) else {
                return;
            };
            reader.begins(partitions);
            let mut log = CatchUp::new(partitions, Instant::now());
            while !stop.load(Ordering::Relaxed) {
                if log.is_time_to_ask(Instant::now()) {
                    ask_for_ends(&mut log, &consumer, &topic, timeout);
                }
                if log.is_just_done() {
                    reader.caught_up();
                }
                if log.is_silent(Instant::now()) {
                    begin_again(&mut consumer, &client, &log, (&topic, partitions));
                }
                match consumer.poll(POLL) {
                    None => {}
                    Some(Ok(message)) => {
                        log.read(message.partition(), message.offset(), Instant::now());
                        let Some(key) = message.key() else { continue };
                        reader.take(&LogRecord {
                            offset: message.offset(),
                            key,
                            value: message.payload(),
                            timestamp: message.timestamp().to_millis(),
                        });
                    }
                    Some(Err(KafkaError::PartitionEOF(partition))) => {
                        log.at_end(partition, Instant::now());
                    }
                    Some(Err(error)) => {
                        tracing::warn!(topic, %error, "reading the worker's topic, going on");
                    }
                }
            }
        })
}

/// Asks where the partitions end of which it is not known.
fn ask_for_ends(
    log: &mut CatchUp,
    consumer: &BaseConsumer<LogContext>,
    topic: &str,
    timeout: Duration,
) {
    let mut asked = TopicPartitionList::new();
    for partition in log.unknown() {
        // In a question for times this stands for the end.
        let _listed = asked.add_partition_offset(topic, partition, Offset::End);
    }
    let told = consumer.offsets_for_times(asked, timeout);
    let told = match &told {
        Ok(told) => told.elements(),
        Err(error) => {
            tracing::info!(topic, %error, "the end of the worker's topic is not told yet");
            return;
        }
    };
    for place in told {
        let partition = place.partition();
        match (place.error(), place.offset()) {
            (Ok(()), Offset::Offset(end)) => log.ends(partition, end),
            (Ok(()), _) => {}
            (Err(error), _) => {
                tracing::info!(topic, partition, %error, "the end of the worker's topic is not told yet");
            }
        }
    }
}

/// Another consumer goes on where reading has stopped.
fn begin_again(
    consumer: &mut BaseConsumer<LogContext>,
    client: &ClientConfig,
    log: &CatchUp,
    (topic, partitions): (&str, usize),
) {
    tracing::warn!(
        topic,
        "nothing comes of the worker's topic; another consumer goes on there"
    );
    let places = log.places(topic, partitions);
    match places.and_then(|places| reading(client, &places)) {
        Ok(another) => *consumer = another,
        Err(error) => tracing::warn!(topic, %error, "cannot read the worker's topic yet"),
    }
}

const READER_SETTINGS: [(&str, &str); 8] = [
    ("enable.partition.eof", "true"),
    ("enable.auto.commit", "false"),
    ("auto.offset.reset", "earliest"),
    ("isolation.level", "read_committed"),
    ("allow.auto.create.topics", "false"),
    ("fetch.wait.max.ms", "500"),
    ("queued.max.messages.kbytes", "4096"),
    // A leader that moved is found soon.
    ("topic.metadata.refresh.interval.ms", "10000"),
];

/// A consumer of all partitions from their begin; `None` when told to stop before the topic was there.
fn open(
    client: &ClientConfig,
    topic: &str,
    stop: &AtomicBool,
    timeout: Duration,
) -> Option<(BaseConsumer<LogContext>, usize)> {
    while !stop.load(Ordering::Relaxed) {
        match assign(client, topic, timeout) {
            Ok(Some(opened)) => return Some(opened),
            Ok(None) => tracing::warn!(topic, "the worker's topic is not there yet"),
            Err(error) => tracing::warn!(topic, %error, "cannot read the worker's topic yet"),
        }
        std::thread::sleep(PAUSE);
    }
    None
}

fn assign(
    client: &ClientConfig,
    topic: &str,
    timeout: Duration,
) -> Result<Option<(BaseConsumer<LogContext>, usize)>, KafkaError> {
    let consumer: BaseConsumer<LogContext> = client.create_with_context(LogContext)?;
    log_in(client, &consumer);
    let metadata = consumer.fetch_metadata(Some(topic), timeout)?;
    let partitions = metadata
        .topics()
        .first()
        .map_or(0, |topic| topic.partitions().len());
    if partitions == 0 {
        return Ok(None);
    }
    let places = CatchUp::new(partitions, Instant::now()).places(topic, partitions)?;
    consumer.assign(&places)?;
    Ok(Some((consumer, partitions)))
}

fn reading(
    client: &ClientConfig,
    places: &TopicPartitionList,
) -> Result<BaseConsumer<LogContext>, KafkaError> {
    let consumer: BaseConsumer<LogContext> = client.create_with_context(LogContext)?;
    log_in(client, &consumer);
    consumer.assign(places)?;
    Ok(consumer)
}

/// Appends to internal topics.
#[derive(Clone)]
pub(super) struct Appender {
    producer: FutureProducer<LoginContext>,
}

impl Appender {
    /// A producer for internal topics. What is not acknowledged within `timeout` is an error.
    pub(super) fn new(mut client: ClientConfig, timeout: Duration) -> Result<Self, KafkaError> {
        for (key, value) in APPENDER_SETTINGS {
            client.set(key, value);
        }
        client.set("message.timeout.ms", timeout.as_millis().to_string());
        Ok(Self {
            producer: client.create_with_context(LoginContext)?,
        })
    }

    /// Appends records in this order and waits until all are acknowledged. `partition` is Java's choice by key when it
    /// is not given. Out: the offset of the last one.
    pub(super) async fn append(
        &self,
        topic: &str,
        partition: Option<i32>,
        records: &[Written],
    ) -> Result<i64, HerderError> {
        let failed = |error: &dyn std::fmt::Display| {
            HerderError::Internal(format!(
                "Kafka has not taken a record for the worker's topic {topic}: {error}"
            ))
        };
        let mut deliveries = Vec::with_capacity(records.len());
        for (key, value) in records {
            let mut record: FutureRecord<'_, str, str> = FutureRecord::to(topic).key(key);
            record.partition = partition;
            record.payload = value.as_deref();
            let sent = self.producer.send_result(record);
            deliveries.push(sent.map_err(|(error, _)| failed(&error))?);
        }
        let mut last = -1;
        for delivery in deliveries {
            let delivered = delivery.await.map_err(|error| failed(&error))?;
            last = delivered.map_err(|(error, _)| failed(&error))?.offset;
        }
        Ok(last)
    }
}

const APPENDER_SETTINGS: [(&str, &str); 5] = [
    ("acks", "all"),
    // The order of one key's records is kept without asking for rights that Connect does not ask for.
    ("enable.idempotence", "false"),
    ("max.in.flight.requests.per.connection", "1"),
    ("linger.ms", "1"),
    // Where Java puts a key, so that compaction keeps one record of it.
    ("partitioner", "murmur2_random"),
];
