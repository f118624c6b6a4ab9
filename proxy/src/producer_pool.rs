//! The shared producer: idempotent, acks=all, Java's key placement.
//!
//! In: records with their opaques. Out: delivery reports, through [`Context`]. What fails: a record that the client
//! does not take. A producer that failed for good (an idempotent one may) is replaced by a new one; the old one is
//! polled until its last report.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode;

use crate::client_context::Context;
use crate::events;
use crate::metrics::Metrics;

/// How long a poll waits for a report; also how long ending a producer may take.
const POLL: Duration = Duration::from_millis(100);

/// The producer in use.
pub struct ProducerPool {
    config: ClientConfig,
    context: Context,
    metrics: Arc<Metrics>,
    current: RwLock<Arc<Handle>>,
}

/// One producer and the thread that polls it.
pub struct Handle {
    producer: BaseProducer<Context>,
    ended: AtomicBool,
}

/// A record to send.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its partition; `None`: by its key.
    pub partition: Option<i32>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Its time in epoch milliseconds; `None`: now.
    pub timestamp: Option<i64>,
    /// Its headers.
    pub headers: Option<&'a OwnedHeaders>,
    /// What comes back with its report.
    pub opaque: usize,
}

impl ProducerPool {
    /// Starts a producer. It connects in the background.
    ///
    /// # Errors
    /// The settings contradict one another, or this build lacks what they need.
    pub fn new(config: ClientConfig, context: Context, metrics: Arc<Metrics>) -> KafkaResult<Self> {
        let current = RwLock::new(Handle::start(&config, context.clone())?);
        Ok(Self {
            config,
            context,
            metrics,
            current,
        })
    }

    /// The producer in use.
    #[must_use]
    pub fn current(&self) -> Arc<Handle> {
        Arc::clone(&self.current.read())
    }

    /// Hands a record to the client, which copies it.
    ///
    /// # Errors
    /// The client does not take it; there will be no report.
    pub fn send(&self, handle: &Handle, record: &Outgoing<'_>) -> Result<(), RDKafkaErrorCode> {
        match handle.send(record) {
            Err(RDKafkaErrorCode::Fatal) => self.replace(handle)?.send(record),
            result => result,
        }
    }

    /// Replaces a producer that failed for good, unless that was done before.
    fn replace(&self, failed: &Handle) -> Result<Arc<Handle>, RDKafkaErrorCode> {
        let mut current = self.current.write();
        if std::ptr::eq(Arc::as_ptr(&current), failed) {
            let reason = failed.producer.client().fatal_error();
            events::producer_replaced(&self.metrics, reason.as_ref().map_or("", |(_, text)| text));
            *current = Handle::start(&self.config, self.context.clone())
                .map_err(|_| RDKafkaErrorCode::Fatal)?;
            failed.ended.store(true, Ordering::Relaxed);
        }
        Ok(Arc::clone(&current))
    }

    /// Records in the client's queues and under way.
    #[must_use]
    pub fn queued(&self) -> usize {
        let count = self.current.read().producer.in_flight_count();
        usize::try_from(count).unwrap_or_default()
    }

    /// Waits until everything is delivered. Blocks.
    pub fn flush(&self, timeout: Duration) {
        let handle = self.current();
        if handle.producer.flush(timeout).is_err() {
            let left = handle.producer.in_flight_count();
            tracing::warn!(records = left, "not everything could be delivered in time");
        }
    }
}

impl Drop for ProducerPool {
    fn drop(&mut self) {
        self.current.read().ended.store(true, Ordering::Relaxed);
    }
}

impl Handle {
    /// Starts a producer and its thread.
    ///
    /// # Errors
    /// The settings contradict one another.
    pub(crate) fn start(config: &ClientConfig, context: Context) -> KafkaResult<Arc<Self>> {
        let producer = BaseProducer::from_config_and_context(config, context)?;
        let handle = Arc::new(Self {
            producer,
            ended: AtomicBool::new(false),
        });
        let polled = Arc::clone(&handle);
        let thread = std::thread::Builder::new().name("producer-poll".to_owned());
        let started = thread.spawn(move || {
            while !(polled.ended.load(Ordering::Relaxed) && polled.producer.in_flight_count() == 0)
            {
                polled.producer.poll(POLL);
            }
        });
        started
            .map(|_| handle)
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))
    }

    /// The client, for look-ups.
    #[must_use]
    pub fn client(&self) -> &rdkafka::client::Client<Context> {
        self.producer.client()
    }

    /// The producer itself, for transactions.
    pub(crate) fn producer(&self) -> &BaseProducer<Context> {
        &self.producer
    }

    /// Gives up what is not delivered, and ends the thread with the last report.
    pub(crate) fn end(&self) {
        self.producer
            .purge(PurgeConfig::default().queue().inflight());
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Hands a record over.
    ///
    /// # Errors
    /// The client does not take it; there will be no report.
    pub(crate) fn send(&self, record: &Outgoing<'_>) -> Result<(), RDKafkaErrorCode> {
        let record: BaseRecord<'_, [u8], [u8], usize> = BaseRecord {
            topic: record.topic,
            partition: record.partition,
            payload: record.value,
            key: record.key,
            timestamp: record.timestamp,
            headers: record.headers.cloned(),
            delivery_opaque: record.opaque,
        };
        self.producer
            .send(record)
            .map_err(|(error, _)| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail))
    }
}
