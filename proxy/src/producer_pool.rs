//! The shared producer: idempotent, acks=all, Java's key placement.
//!
//! In: records with their opaques. Out: delivery reports, through [`Context`]. What fails: a record that the client
//! does not take. A producer that failed for good (an idempotent one may) is replaced by a new one; the old one is
//! polled until its last report.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use parking_lot::{Mutex, RwLock};
use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode;

use crate::admin_client::partitions_of;
use crate::client_context::Context;
use crate::events;
use crate::metrics::Metrics;

/// How long a poll waits for a report; also how long ending a producer may take.
const POLL: Duration = Duration::from_millis(100);
/// Time in which a producer sees a topic that is there.
const LEARN: Duration = Duration::from_secs(1);
/// Pause between two look-ups of a topic that should be there.
const LEARN_PAUSE: Duration = Duration::from_millis(50);

/// The producer in use.
pub struct ProducerPool {
    config: ClientConfig,
    context: Context,
    metrics: Arc<Metrics>,
    current: RwLock<Arc<Handle>>,
    /// Producers beside the shared one.
    others: Mutex<Vec<Weak<Handle>>>,
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
            others: Mutex::default(),
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

    /// Has a producer beside the shared one learn what that does, while it lives.
    pub(crate) fn teach(&self, other: &Arc<Handle>) {
        let mut others = self.others.lock();
        others.retain(|other| other.strong_count() > 0);
        others.push(Arc::downgrade(other));
    }

    /// Has all producers look a topic up, until they see it or the time is over.
    pub(crate) async fn learn(&self, topic: &str) {
        let learnt = self.all().into_iter().map(|handle| {
            let topic = topic.to_owned();
            tokio::task::spawn_blocking(move || handle.learn(&topic, LEARN))
        });
        join_all(learnt).await;
    }

    fn all(&self) -> Vec<Arc<Handle>> {
        let others = self.others.lock();
        let others = others.iter().filter_map(Weak::upgrade);
        others.chain([self.current()]).collect()
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

    /// Looks a topic up until it is seen, for at most so long: what the client holds to be missing it refuses at once. Blocks.
    fn learn(&self, topic: &str, limit: Duration) {
        let until = Instant::now() + limit;
        loop {
            let client = self.producer.client();
            let metadata = client.fetch_metadata(Some(topic), limit);
            if metadata.is_ok_and(|metadata| partitions_of(&metadata, topic).is_ok())
                || Instant::now() + LEARN_PAUSE > until
            {
                return;
            }
            std::thread::sleep(LEARN_PAUSE);
        }
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
