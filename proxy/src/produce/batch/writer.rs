//! Writes the batches of [turns](crate::produce::turn).
//!
//! ```text
//! send ─┬─ landed ─▶ results
//!       ├─ refused for good ─▶ each request's records in a batch of their own; then failed
//!       ├─ surely not appended ─▶ librdkafka takes the records over
//!       └─ nobody knows ─▶ the same batch again, until delivery.timeout.ms ─▶ failed, and a new producer id
//! ```
//!
//! With idempotence a batch that is sent again is appended once; without it, perhaps twice, as by Kafka's own client. That
//! one request's records are refused does not fail those of others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rdkafka::types::RDKafkaErrorCode;
use tokio::runtime::Handle;

use super::format::{Identity, RecordBatch};
use super::ids::ProducerIds;
use super::outcome::{Outcome, is_of_a_record};
use super::settings::WriterSettings;
use super::spare;
use crate::events;
use crate::kafka_wire::{NotLanded, WireProducer};
use crate::metrics::Metrics;
use crate::produce::turn::{Parcel, Turn};

/// After a leader could not be reached, librdkafka writes for so long.
const REST: Duration = Duration::from_secs(1);
/// Why a batch is librdkafka's, when many are on their way: it sends those of many partitions in one request.
const BUSY: &str = "all connections are in use (sluiceway.produce.batch.connections)";
/// Bytes in front of a batch's first record, and to spare.
const HEAD_ROOM: usize = 4096;

/// See the module.
pub(crate) struct BatchWriter {
    wire: WireProducer,
    ids: ProducerIds,
    /// Only one asks for an id.
    asking: tokio::sync::Mutex<()>,
    idempotent: bool,
    batch_bytes: usize,
    delivery_timeout: Duration,
    backoff: Duration,
    rests_until: Mutex<Option<Instant>>,
    records: AtomicUsize,
    metrics: Arc<Metrics>,
    /// Turns end in threads of librdkafka, too.
    runtime: Handle,
}

/// A batch to be sent.
struct Frame {
    bytes: Vec<u8>,
    /// Where the batch begins.
    start: usize,
    identity: Identity,
    records: i32,
}

impl BatchWriter {
    /// A writer that connects with its first batch. Has to be called in a runtime, in which batches are then sent.
    pub(crate) fn new(settings: WriterSettings, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            wire: WireProducer::new(settings.wire, settings.acks, settings.request_timeout),
            ids: ProducerIds::default(),
            asking: tokio::sync::Mutex::default(),
            idempotent: settings.idempotent,
            batch_bytes: settings.batch_bytes,
            delivery_timeout: settings.delivery_timeout,
            backoff: settings.backoff,
            rests_until: Mutex::default(),
            records: AtomicUsize::new(0),
            metrics,
            runtime: Handle::current(),
        })
    }

    /// Bytes of the largest batch.
    pub(crate) fn batch_bytes(&self) -> usize {
        self.batch_bytes
    }

    /// Records on their way.
    pub(crate) fn records(&self) -> usize {
        self.records.load(Ordering::Relaxed)
    }

    /// Whether leaders could be reached of late.
    pub(crate) fn is_ready(&self) -> bool {
        self.rests_until
            .lock()
            .is_none_or(|until| Instant::now() >= until)
    }

    /// Writes the parcels of a turn as one batch, in the background.
    pub(crate) fn start(
        self: &Arc<Self>,
        topic: &Arc<str>,
        partition: i32,
        parcels: Vec<Box<dyn Parcel>>,
        turn: Arc<Turn>,
    ) {
        let (this, topic) = (Arc::clone(self), Arc::clone(topic));
        let records = parcels.iter().map(|parcel| parcel.records()).sum();
        self.records.fetch_add(records, Ordering::Relaxed);
        self.runtime.spawn(async move {
            let outcome = this.deliver(&topic, partition, &parcels).await;
            match outcome {
                Outcome::Failed(code) if parcels.len() > 1 && is_of_a_record(code) => {
                    for parcel in parcels {
                        let alone = vec![parcel];
                        let outcome = this.deliver(&topic, partition, &alone).await;
                        outcome.settle(partition, alone, Arc::clone(&turn));
                    }
                }
                outcome => outcome.settle(partition, parcels, turn),
            }
            this.records.fetch_sub(records, Ordering::Relaxed);
        });
    }

    async fn deliver(
        &self,
        topic: &Arc<str>,
        partition: i32,
        parcels: &[Box<dyn Parcel>],
    ) -> Outcome {
        let until = Instant::now() + self.delivery_timeout;
        let Some(mut frame) = self.frame(topic, partition, parcels).await else {
            return Outcome::Elsewhere;
        };
        let outcome = self.send(topic, partition, &mut frame, until).await;
        if let Outcome::Landed(_) = outcome {
            self.ids
                .landed(topic, partition, frame.identity, frame.records);
        }
        spare::keep(frame.bytes);
        outcome
    }

    /// The records as they are sent; `None`: they do not make a batch, or there is no producer id.
    async fn frame(
        &self,
        topic: &Arc<str>,
        partition: i32,
        parcels: &[Box<dyn Parcel>],
    ) -> Option<Frame> {
        let room: usize = parcels.iter().map(|parcel| parcel.bytes()).sum();
        if room > 2 * self.batch_bytes {
            // A large request: not worth being written out to see how large exactly.
            return None;
        }
        let identity = self.identity(topic, partition).await?;
        let mut bytes = spare::take(room + HEAD_ROOM);
        self.wire.head(topic, partition, &mut bytes).ok()?;
        let mut batch = RecordBatch::behind(bytes, now_ms());
        for parcel in parcels {
            parcel.write(&mut batch);
        }
        let (records, length) = (batch.records(), batch.len());
        let (bytes, start) = batch.finish(identity);
        if records == 0 || length > self.batch_bytes {
            spare::keep(bytes);
            return None;
        }
        Some(Frame {
            bytes,
            start,
            identity,
            records,
        })
    }

    async fn identity(&self, topic: &Arc<str>, partition: i32) -> Option<Identity> {
        if !self.idempotent {
            return Some(Identity::NONE);
        }
        if let Some(identity) = self.ids.next(topic, partition) {
            return Some(identity);
        }
        let _one = self.asking.lock().await;
        if self.ids.next(topic, partition).is_none() {
            match self.wire.new_id().await {
                Ok(id) => self.ids.begin(id),
                Err(error) => {
                    self.rest(&error.to_string());
                    return None;
                }
            }
        }
        self.ids.next(topic, partition)
    }

    async fn send(
        &self,
        topic: &Arc<str>,
        partition: i32,
        frame: &mut Frame,
        until: Instant,
    ) -> Outcome {
        let mut unclear = false;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let place = (&mut frame.bytes[..], frame.start);
            let reason = match self.wire.write(topic, partition, place, left).await {
                Ok(landed) => {
                    self.metrics.batches("landed");
                    return Outcome::Landed(landed);
                }
                Err(NotLanded::Unclear(reason)) => {
                    unclear = true;
                    reason
                }
                Err(NotLanded::Refused(code)) if !unclear => {
                    return self.refused(topic, partition, code);
                }
                Err(NotLanded::Refused(code)) => {
                    return self.lost(topic, partition, frame, &code.to_string());
                }
                Err(NotLanded::Numbering(reason)) if unclear => {
                    return self.lost(topic, partition, frame, &reason);
                }
                // Another batch must not have the numbers of one that a broker has seen.
                Err(NotLanded::Numbering(reason)) => {
                    self.ids.end(frame.identity);
                    return self.elsewhere(topic, partition, &reason);
                }
                Err(NotLanded::Busy) if !unclear => {
                    return self.elsewhere(topic, partition, BUSY);
                }
                Err(NotLanded::NotNow(reason)) if !unclear => {
                    self.ids.end(frame.identity);
                    return self.elsewhere(topic, partition, &reason);
                }
                Err(NotLanded::Unsent(reason)) if !unclear => {
                    self.rest(&reason);
                    return self.elsewhere(topic, partition, &reason);
                }
                Err(NotLanded::NotNow(reason) | NotLanded::Unsent(reason)) => reason,
                Err(NotLanded::Busy) => BUSY.to_owned(),
            };
            if Instant::now() + self.backoff >= until {
                return self.lost(topic, partition, frame, &reason);
            }
            events::batch_repeated(&self.metrics, topic, partition, &reason);
            tokio::time::sleep(self.backoff).await;
        }
    }

    fn refused(&self, topic: &str, partition: i32, code: RDKafkaErrorCode) -> Outcome {
        events::batch_refused(&self.metrics, topic, partition, code);
        Outcome::Failed(code)
    }

    /// Nobody knows whether it was appended.
    fn lost(&self, topic: &str, partition: i32, frame: &Frame, reason: &str) -> Outcome {
        self.ids.end(frame.identity);
        events::batch_lost(&self.metrics, topic, partition, frame.records, reason);
        Outcome::Failed(RDKafkaErrorCode::MessageTimedOut)
    }

    fn elsewhere(&self, topic: &str, partition: i32, reason: &str) -> Outcome {
        events::batch_handed_over(&self.metrics, topic, partition, reason);
        Outcome::Elsewhere
    }

    fn rest(&self, reason: &str) {
        tracing::debug!(reason, "librdkafka writes all batches for a second");
        *self.rests_until.lock() = Some(Instant::now() + REST);
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
