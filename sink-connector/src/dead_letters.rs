//! The dead-letter topic: bad records as they were read, with headers that say what happened.
//!
//! In: a record and why it was refused. Out: a record in the topic of `errors.deadletterqueue.topic.name`, which is made
//! where it is missing. Sending does not wait; which letters Kafka has not acknowledged yet is known by
//! topic-partition, so that no offset is committed past one of them. A letter that Kafka refuses fails the task.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{DefaultClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use sluiceway_common::kafka_config::{KafkaConfig, Role};
use sluiceway_common::props::with_prefix;
use sluiceway_kafka_tokens::never_by_admin_clients;

use crate::config::{ConnectorConfig, DeadLetterConfig};
use crate::error::{CONNECT_EXCEPTION, Exception, RecordError};
use crate::record::RawRecord;
use crate::upload::TpId;
use crate::worker::WorkerConfig;

/// How long asking for and making the topic may take.
const ADMIN_WAIT: Duration = Duration::from_secs(30);
/// How long a full queue may stay full.
const QUEUE_WAIT: Duration = Duration::from_secs(60);
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Librdkafka's settings for the producer, as Connect has them: nothing lost, nothing reordered.
const FORCED: [(&str, &str); 2] = [("acks", "all"), ("enable.idempotence", "false")];
const DEFAULTS: [(&str, &str); 3] = [
    ("max.in.flight.requests.per.connection", "1"),
    ("delivery.timeout.ms", "2147483647"),
    ("queue.buffering.max.kbytes", "16384"),
];

/// A letter: the assignment of its topic-partition, and its offset.
type Letter = (TpId, i64);

#[derive(Default)]
struct Pending {
    letters: BTreeSet<Letter>,
    failure: Option<String>,
}

/// Letters on their way, shared with the producer's thread.
#[derive(Default)]
struct Tracker {
    pending: Mutex<Pending>,
    changed: Condvar,
}

struct DeliveryContext(Arc<Tracker>);

impl ClientContext for DeliveryContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn StdError>> {
        sluiceway_kafka_tokens::answer(config)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        crate::consume::log_client(level, facility, message);
    }
}

impl ProducerContext for DeliveryContext {
    type DeliveryOpaque = Box<Letter>;

    fn delivery(&self, result: &DeliveryResult<'_>, letter: Self::DeliveryOpaque) {
        let mut pending = self.0.pending.lock();
        match result {
            Ok(_) => drop(pending.letters.remove(&letter)),
            // It stays pending: no offset is committed past it.
            Err((error, _)) => drop(pending.failure.get_or_insert(error.to_string())),
        }
        self.0.changed.notify_all();
    }
}

/// A task's dead letters.
pub(crate) struct DeadLetters {
    config: DeadLetterConfig,
    connector: String,
    task: String,
    producer: ThreadedProducer<DeliveryContext>,
    tracker: Arc<Tracker>,
}

impl DeadLetters {
    /// Makes the topic where it is missing, and a producer. `None` without a dead-letter topic.
    ///
    /// # Errors
    /// The clients' settings are bad, or the topic cannot be made.
    pub(crate) fn open(
        connector: &ConnectorConfig,
        worker: &WorkerConfig,
        task: u32,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Option<Self>, Exception> {
        let Some(config) = connector.errors.dead_letters.clone() else {
            return Ok(None);
        };
        let admin = client_config(connector, worker, Role::Admin, "admin", task)?;
        let made = runtime.block_on(make_topic(&admin, &config));
        made.map_err(|error| cannot_open(&config, &error.to_string()))?;
        let mut settings = client_config(connector, worker, Role::Producer, "dlq-producer", task)?;
        for (key, value) in FORCED {
            settings.force(key, value);
        }
        for (key, value) in DEFAULTS {
            settings.default_to(key, value);
        }
        let tracker = Arc::new(Tracker::default());
        let context = DeliveryContext(Arc::clone(&tracker));
        let producer = settings.client_config().create_with_context(context);
        let producer =
            producer.map_err(|error: KafkaError| cannot_open(&config, &error.to_string()))?;
        Ok(Some(Self {
            config,
            connector: connector.name.clone(),
            task: task.to_string(),
            producer,
            tracker,
        }))
    }

    /// Sends a record that was refused, as it was read. Its topic-partition's assignment is `tp`.
    ///
    /// # Errors
    /// The record cannot be sent.
    pub(crate) fn send(
        &self,
        tp: TpId,
        raw: &RawRecord<'_>,
        error: &RecordError,
    ) -> Result<(), Exception> {
        let mut headers = raw
            .headers
            .map_or_else(OwnedHeaders::new, |headers| headers.copied());
        if self.config.context_headers {
            headers = self.context(headers, raw, error);
        }
        let letter = (tp, raw.offset);
        let mut record: BaseRecord<'_, [u8], [u8], Box<Letter>> =
            BaseRecord::with_opaque_to(&self.config.topic, Box::new(letter)).headers(headers);
        record.key = raw.key;
        record.payload = raw.value;
        record.timestamp = raw.timestamp;
        self.tracker.pending.lock().letters.insert(letter);
        let until = Instant::now() + QUEUE_WAIT;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if Instant::now() < until =>
                {
                    record = back;
                    std::thread::sleep(QUEUE_PAUSE);
                }
                Err((error, _)) => return Err(self.not_sent(&error.to_string())),
            }
        }
    }

    /// The headers that say what happened, behind the record's own.
    fn context(
        &self,
        headers: OwnedHeaders,
        raw: &RawRecord<'_>,
        error: &RecordError,
    ) -> OwnedHeaders {
        let exception = &error.exception;
        let message = Some(exception.message.clone()).filter(|message| !message.is_empty());
        let trace = format!("{}\n", exception.stacktrace());
        let context = [
            ("topic", Some(raw.topic.to_owned())),
            ("partition", Some(raw.partition.to_string())),
            ("offset", Some(raw.offset.to_string())),
            ("connector.name", Some(self.connector.clone())),
            ("task.id", Some(self.task.clone())),
            ("stage", Some(error.stage.name().to_owned())),
            ("class.name", Some(error.executor.to_owned())),
            ("exception.class.name", Some(exception.class.to_owned())),
            ("exception.message", message),
            ("exception.stacktrace", Some(trace)),
        ];
        context.iter().fold(headers, |headers, (name, value)| {
            headers.insert(Header {
                key: &format!("__connect.errors.{name}"),
                value: value.as_deref(),
            })
        })
    }

    /// Waits until every letter is acknowledged; false when some are not after `wait`.
    pub(crate) fn settled(&self, wait: Duration) -> bool {
        let until = Instant::now() + wait;
        let mut pending = self.tracker.pending.lock();
        while !pending.letters.is_empty() && pending.failure.is_none() {
            if self
                .tracker
                .changed
                .wait_until(&mut pending, until)
                .timed_out()
            {
                break;
            }
        }
        pending.letters.is_empty()
    }

    /// Whether an offset of the assignment `tp` would pass a letter that is not acknowledged.
    pub(crate) fn holds(&self, tp: TpId, offset: i64) -> bool {
        let pending = self.tracker.pending.lock();
        pending
            .letters
            .range((tp, i64::MIN)..(tp, offset))
            .next()
            .is_some()
    }

    /// A topic-partition was given up: its letters no longer concern us.
    pub(crate) fn forget(&self, tp: TpId) {
        let mut pending = self.tracker.pending.lock();
        pending.letters.retain(|(of, _)| *of != tp);
    }

    /// Why a letter was refused.
    pub(crate) fn failure(&self) -> Option<Exception> {
        let failure = self.tracker.pending.lock().failure.clone();
        failure.map(|reason| self.not_sent(&reason))
    }

    fn not_sent(&self, reason: &str) -> Exception {
        let message = format!(
            "Could not produce message to dead letter queue. topic={}",
            self.config.topic
        );
        let cause = Exception::new("org.apache.kafka.common.KafkaException", reason);
        Exception::new(CONNECT_EXCEPTION, message).caused_by(cause)
    }
}

fn cannot_open(config: &DeadLetterConfig, reason: &str) -> Exception {
    let message = format!(
        "Could not initialize dead letter queue with topic={}",
        config.topic
    );
    let cause = Exception::new("org.apache.kafka.common.KafkaException", reason);
    Exception::new(CONNECT_EXCEPTION, message).caused_by(cause)
}

/// The worker's settings for the role, and over them the connector's.
fn client_config(
    connector: &ConnectorConfig,
    worker: &WorkerConfig,
    role: Role,
    name: &str,
    task: u32,
) -> Result<KafkaConfig, Exception> {
    let prefix = match role {
        Role::Admin => "admin.override.",
        _ => "producer.override.",
    };
    let mut java = worker.client_settings(role);
    java.extend(with_prefix(&connector.properties, prefix));
    let translated = KafkaConfig::translate(role, &java);
    let mut config =
        translated.map_err(|errors| Exception::new(CONNECT_EXCEPTION, errors.to_string()))?;
    let client_id = format!("connector-{name}-{}-{task}", connector.name);
    config.default_to("client.id", client_id);
    Ok(config)
}

async fn make_topic(settings: &KafkaConfig, config: &DeadLetterConfig) -> Result<(), KafkaError> {
    let settings = settings.client_config();
    if never_by_admin_clients(&settings) {
        tracing::info!(
            topic = config.topic,
            "with AWS_MSK_IAM and OAUTHBEARER the dead-letter topic is not made here: it has to be there"
        );
        return Ok(());
    }
    let admin: AdminClient<DefaultClientContext> = settings.create()?;
    let topic = config.topic.clone();
    let admin = Arc::new(admin);
    let asking = Arc::clone(&admin);
    let asked = tokio::task::spawn_blocking(move || {
        let metadata = asking.inner().fetch_metadata(None, ADMIN_WAIT)?;
        Ok::<bool, KafkaError>(metadata.topics().iter().any(|found| found.name() == topic))
    });
    // The blocking task neither panics nor is cancelled.
    if asked.await.unwrap_or(Ok(false))? {
        return Ok(());
    }
    let replication = TopicReplication::Fixed(config.replication_factor.into());
    let topic = NewTopic::new(&config.topic, 1, replication);
    let options = AdminOptions::new().request_timeout(Some(ADMIN_WAIT));
    for result in admin.create_topics([&topic], &options).await? {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(KafkaError::AdminOp(code)),
        }
    }
    Ok(())
}
