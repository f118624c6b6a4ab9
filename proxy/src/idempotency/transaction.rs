//! One transactional producer, and reading what such producers have committed to a partition of the topic of notes.
//!
//! What fails: [`Failure::Again`] says nothing of whether a transaction was committed: that is found out by initialising
//! again, which fences, completes or aborts what was under way, and reading on. [`Failure::Refused`] is for good.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message;
use rdkafka::producer::Producer;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::note::Note;
use crate::app::App;
use crate::client_context::Context;
use crate::producer_pool::{Handle, Outgoing};
use sluiceway_kafka_tokens::LoginContext;

/// How long one poll waits.
const POLL: Duration = Duration::from_millis(100);

/// Why a transaction did not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Initialise, read on, look again.
    Again(String),
    /// This broker has no transactions, or not for us.
    Refused(String),
}

impl From<KafkaError> for Failure {
    fn from(error: KafkaError) -> Self {
        let code = match &error {
            KafkaError::Transaction(error) => Some(error.code()),
            other => other.rdkafka_error_code(),
        };
        match code {
            Some(
                RDKafkaErrorCode::TransactionalIdAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
                | RDKafkaErrorCode::UnsupportedFeature
                | RDKafkaErrorCode::UnsupportedVersion,
            ) => Self::Refused(error.to_string()),
            _ => Self::Again(error.to_string()),
        }
    }
}

/// See the module. Dropping it ends the client; an open transaction is left to whoever initialises next.
pub(super) struct Transactions {
    handle: Arc<Handle>,
    timeout: Duration,
}

impl Transactions {
    /// Makes a client and initialises it: whoever had its name before is fenced, and has no transaction open any more.
    pub(super) async fn open(app: &App, name: &str, timeout: Duration) -> Result<Self, Failure> {
        let millis = timeout.as_millis().to_string();
        let mut config = app.config.producer.client_config();
        config
            .set("transactional.id", name)
            .set("transaction.timeout.ms", &millis)
            .set("enable.idempotence", "true")
            .set("acks", "all");
        for name in ["delivery.timeout.ms", "message.timeout.ms"] {
            config.remove(name);
        }
        config.set("message.timeout.ms", &millis);
        let context = Context {
            client: "transactional producer",
            deliveries: Arc::clone(&app.deliveries),
            health: Arc::clone(&app.health),
            token: None,
        };
        let this = Self {
            handle: Handle::start(&config, context)?,
            timeout,
        };
        app.producer.teach(&this.handle);
        this.blocking(|handle, timeout| handle.producer().init_transactions(timeout))
            .await?;
        Ok(this)
    }

    /// Begins a transaction.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        Ok(self.handle.producer().begin_transaction()?)
    }

    /// Hands a record over, as part of the transaction.
    pub(super) fn send(&self, record: &Outgoing<'_>) -> Result<(), RDKafkaErrorCode> {
        self.handle.send(record)
    }

    /// Whether it failed for good: it was fenced, most likely.
    pub(super) fn is_lost(&self) -> Option<String> {
        let (code, reason) = self.handle.producer().client().fatal_error()?;
        Some(format!("{code}: {reason}"))
    }

    pub(super) async fn commit(&self) -> Result<(), Failure> {
        self.blocking(|handle, timeout| handle.producer().commit_transaction(timeout))
            .await
    }

    pub(super) async fn abort(&self) -> Result<(), Failure> {
        self.blocking(|handle, timeout| handle.producer().abort_transaction(timeout))
            .await
    }

    async fn blocking(
        &self,
        call: impl FnOnce(&Handle, Duration) -> KafkaResult<()> + Send + 'static,
    ) -> Result<(), Failure> {
        let (handle, timeout) = (Arc::clone(&self.handle), self.timeout);
        let called = tokio::task::spawn_blocking(move || call(&handle, timeout)).await;
        let called = called.map_err(|_| Failure::Again("a call on a producer panicked".into()))?;
        Ok(called?)
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        self.handle.end();
    }
}

/// Reads committed notes from an offset to the end, and tells where that is. Blocks.
pub(super) fn read_committed(
    mut config: ClientConfig,
    topic: &str,
    partition: i32,
    from: i64,
    limit: Duration,
) -> Result<(Vec<(String, Note)>, i64), Failure> {
    config
        .set("group.id", format!("{topic}-reader"))
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("allow.auto.create.topics", "false")
        // The end of an empty partition is told only after this time.
        .set("fetch.wait.max.ms", "10")
        .set_log_level(RDKafkaLogLevel::Error);
    let consumer: BaseConsumer<LoginContext> = config.create_with_context(LoginContext)?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(from))?;
    consumer.assign(&list)?;
    let (mut notes, mut next, started) = (Vec::new(), from, Instant::now());
    while started.elapsed() < limit {
        match consumer.poll(POLL) {
            None => {}
            Some(Ok(message)) => {
                next = message.offset() + 1;
                notes.extend(Note::read(&message));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok((notes, next)),
            Some(Err(error)) => {
                tracing::debug!(topic, partition, %error, "reading idempotency keys")
            }
        }
    }
    Err(Failure::Again(format!(
        "partition {partition} of {topic} could not be read in time"
    )))
}
