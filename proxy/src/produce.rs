//! Records of one request: checked, counted, handed to the producer, and their results collected.
//!
//! ```text
//! Batch ─▶ admission (bytes) ─▶ partitions exist? sizes? ─▶ turn ─▶ producer ─▶ Tracker ─▶ Produced (a result per record)
//!              └── refused records have their result already; the others are written
//! ```
//!
//! What fails as a whole: a negative partition, and too much on its way. Everything else is a record's own result.

pub(crate) mod answer;
pub(crate) mod burst;
pub(crate) mod prepare;
pub mod turn;

use std::borrow::Cow;
use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode;

use crate::admission::Permit;
use crate::app::App;
use crate::envelope::Record;
use crate::error::{Code, Error, codes};
use crate::events;
use crate::format::{Batch, Format};
use crate::idempotency::Hand;
use crate::kafka_error::{KafkaFault, fault};
use crate::producer_pool::{Outgoing, ProducerPool};
use crate::tracker::{Deliveries, Delivery, Registered, Tracker};
use turn::{Parcel, Turn};

/// Bytes that a record's bookkeeping takes in the client, roughly.
const RECORD_OVERHEAD: usize = 256;

/// Why a record was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    /// Confluent's code.
    pub code: Code,
    /// What the client is told.
    pub message: Cow<'static, str>,
    /// The code for clients that ask for the [strict](crate::prefer) truth.
    pub strict: Code,
}

impl RecordError {
    /// A failure whose code tells all.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            strict: code,
        }
    }
}

impl From<KafkaFault> for RecordError {
    fn from(fault: KafkaFault) -> Self {
        Self {
            code: fault.record_code(),
            strict: fault.strict_code(),
            message: fault.message,
        }
    }
}

/// The results of a request's records.
#[derive(Debug)]
pub struct Produced {
    tracker: Arc<Tracker>,
    /// Records that were not handed over, by index, in order.
    refused: Vec<(usize, RecordError)>,
    /// How many records there are.
    pub records: usize,
    topic: String,
}

impl Produced {
    /// The results, in the records' order.
    pub fn results(&self) -> impl Iterator<Item = Result<(i32, i64), RecordError>> {
        let mut refused = self.refused.iter().peekable();
        (0..self.records).map(move |index| {
            if let Some((_, error)) = refused.next_if(|(at, _)| *at == index) {
                return Err(error.clone());
            }
            match self.tracker.get(index) {
                Delivery::Stored {
                    partition, offset, ..
                } => Ok((partition, offset)),
                Delivery::Failed(code) => Err(fault(code, &self.topic).into()),
                Delivery::Pending => Err(KafkaFault::new(
                    crate::kafka_error::FaultClass::Retriable,
                    "The record's delivery was not reported.",
                )
                .into()),
            }
        })
    }
}

impl Produced {
    /// How many records Kafka took, and why one that was handed over was not taken.
    pub(crate) fn outcome(&self) -> (usize, Option<RecordError>) {
        let results = || (0..self.records).map(|index| self.tracker.get(index));
        let refused = |index: usize| self.refused.iter().any(|(at, _)| *at == index);
        let stored = results().filter(|result| matches!(result, Delivery::Stored { .. }));
        let lost = results()
            .enumerate()
            .filter_map(|(index, result)| match result {
                Delivery::Failed(code) if !refused(index) => Some(code),
                _ => None,
            });
        let lost = cause(lost).map(|code| fault(code, &self.topic).into());
        (stored.count(), lost)
    }
}

/// Of the codes that records failed with the one that tells why: those that were dropped because of another say nothing.
pub(crate) fn cause(codes: impl Iterator<Item = RDKafkaErrorCode>) -> Option<RDKafkaErrorCode> {
    let dropped = |code: &RDKafkaErrorCode| {
        matches!(
            code,
            RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight
        )
    };
    codes.min_by_key(dropped)
}

/// What a batch counts for while it is on its way.
pub(crate) fn cost(batch: &Batch) -> usize {
    batch.bytes.len() + batch.records.len() * RECORD_OVERHEAD
}

/// Writes a batch and waits for the result of every record. `partition` is the one of the path.
///
/// # Errors
/// See the module.
pub async fn produce(
    app: &App,
    topic: &str,
    partition: Option<i32>,
    format: Format,
    batch: Batch,
    permit: Permit,
) -> Result<Produced, Error> {
    let limit = app.config.delivery.max_record_bytes;
    produce_within(app, topic, partition, format, batch, permit, limit).await
}

/// The same with a limit of its own on a record's bytes, as the Java client counts them.
///
/// # Errors
/// See the module.
pub(crate) async fn produce_within(
    app: &App,
    topic: &str,
    partition: Option<i32>,
    format: Format,
    batch: Batch,
    mut permit: Permit,
    limit: usize,
) -> Result<Produced, Error> {
    let target = |record: &Record| record.partition.or(partition);
    if batch
        .records
        .iter()
        .any(|record| target(record).is_some_and(i32::is_negative))
    {
        return Err(Error::NegativePartition);
    }
    if !permit.resize(cost(&batch)) {
        return Err(permit.refused());
    }
    let (partitions, refused) = refusals(app, topic, &batch, target, limit).await;
    count(app, format, &batch);
    let loose = |record: &Record| record.key.is_none() && target(record).is_none();
    let produced = if app.turns.are_taken() && refused.is_empty() && batch.records.iter().all(loose)
    {
        send_in_turn(app, topic, partitions, batch, permit)
    } else {
        let handle = app.producer.current();
        let hand = |record: &Outgoing<'_>| app.producer.send(&handle, record);
        send(app, (topic, &batch), target, permit, refused, hand)
    };
    produced.tracker.done().await;
    settle(app, format, &produced);
    Ok(produced)
}

/// The same in a transaction: records are handed over by `hand`, and the batch may be needed again.
///
/// # Errors
/// A negative partition.
pub(crate) async fn produce_in(
    app: &App,
    topic: &str,
    partition: Option<i32>,
    format: Format,
    batch: &Batch,
    hand: Hand<'_>,
) -> Result<Produced, Error> {
    let target = |record: &Record| record.partition.or(partition);
    let mut targets = batch.records.iter().map(target);
    if targets.any(|partition| partition.is_some_and(i32::is_negative)) {
        return Err(Error::NegativePartition);
    }
    let limit = app.config.delivery.max_record_bytes;
    let (_, refused) = refusals(app, topic, batch, target, limit).await;
    // The request's bytes are counted already.
    let permit = app.admission.empty();
    let produced = send(app, (topic, batch), target, permit, refused, hand);
    count(app, format, batch);
    produced.tracker.done().await;
    settle(app, format, &produced);
    Ok(produced)
}

/// How many partitions there are, and the records that need not be handed over because their result is known.
async fn refusals(
    app: &App,
    topic: &str,
    batch: &Batch,
    target: impl Fn(&Record) -> Option<i32>,
    limit: usize,
) -> (i32, Vec<(usize, RecordError)>) {
    let highest = batch.records.iter().filter_map(&target).max().unwrap_or(-1);
    let partitions = match app.topics.partitions(topic).await {
        Ok(known) if highest >= known => app.topics.partitions_now(topic).await,
        result => result,
    };
    let all = |error: RecordError| {
        (0..batch.records.len())
            .map(|index| (index, error.clone()))
            .collect()
    };
    let partitions = match partitions {
        Ok(partitions) => partitions,
        Err(fault) => return (0, all(fault.into())),
    };
    let check = |index: usize, record: &Record| match target(record) {
        Some(partition) if partition >= partitions => {
            Some(app.topics.no_partition(topic, partition, partitions).into())
        }
        _ => match batch.extras(index) {
            Some(extras) => oversize(record, extras.kafka_headers().1, limit),
            None => too_large(record, limit),
        },
    };
    let results = batch
        .records
        .iter()
        .enumerate()
        .filter_map(|(index, record)| Some((index, check(index, record)?)));
    (partitions, results.collect())
}

/// Hands over the records of a request that may go to any partition.
fn send_in_turn(app: &App, topic: &str, partitions: i32, batch: Batch, permit: Permit) -> Produced {
    let records = batch.records.len();
    let registered = app.deliveries.register(records, permit);
    let tracker = Arc::clone(&registered.tracker);
    let loose = Loose {
        producer: Arc::clone(&app.producer),
        deliveries: Arc::clone(&app.deliveries),
        topic: topic.to_owned(),
        batch,
        registered,
    };
    let partitions = usize::try_from(partitions).unwrap_or_default();
    app.turns.submit(topic, partitions, Box::new(loose));
    Produced {
        tracker,
        refused: Vec::new(),
        records,
        topic: topic.to_owned(),
    }
}

/// The records of a request that may go to any partition.
struct Loose {
    producer: Arc<ProducerPool>,
    deliveries: Arc<Deliveries>,
    topic: String,
    batch: Batch,
    registered: Registered,
}

impl Parcel for Loose {
    fn bytes(&self) -> usize {
        self.batch.bytes.len()
    }

    fn hand_over(self: Box<Self>, partition: Option<i32>, turn: Option<Arc<Turn>>) {
        if let Some(turn) = turn {
            self.registered.tracker.hold(turn);
        }
        let handle = self.producer.current();
        let hand = |record: &Outgoing<'_>| match self.producer.send(&handle, record) {
            // The topic was made anew with fewer.
            Err(RDKafkaErrorCode::UnknownPartition) => {
                let anywhere = Outgoing {
                    partition: None,
                    ..*record
                };
                self.producer.send(&handle, &anywhere)
            }
            result => result,
        };
        let target = |_: &Record| partition;
        let (topic, batch) = (self.topic.as_str(), &self.batch);
        hand_over(
            &self.deliveries,
            &self.registered,
            (topic, batch),
            target,
            &[],
            hand,
        );
    }
}

fn send(
    app: &App,
    (topic, batch): (&str, &Batch),
    target: impl Fn(&Record) -> Option<i32>,
    permit: Permit,
    refused: Vec<(usize, RecordError)>,
    hand: impl Fn(&Outgoing<'_>) -> Result<(), RDKafkaErrorCode>,
) -> Produced {
    let registered = app.deliveries.register(batch.records.len(), permit);
    hand_over(
        &app.deliveries,
        &registered,
        (topic, batch),
        target,
        &refused,
        hand,
    );
    let records = batch.records.len();
    Produced {
        tracker: registered.tracker,
        refused,
        records,
        topic: topic.to_owned(),
    }
}

/// Hands over the records that are not refused.
fn hand_over(
    deliveries: &Deliveries,
    registered: &Registered,
    (topic, batch): (&str, &Batch),
    target: impl Fn(&Record) -> Option<i32>,
    refused: &[(usize, RecordError)],
    hand: impl Fn(&Outgoing<'_>) -> Result<(), RDKafkaErrorCode>,
) {
    let mut skipped = refused.iter().map(|(index, _)| *index).peekable();
    for (index, record) in batch.records.iter().enumerate() {
        let extras = batch.extras(index);
        let headers = extras.and_then(|extras| extras.kafka_headers().0);
        let result = match skipped.next_if_eq(&index) {
            Some(_) => Err(RDKafkaErrorCode::Fail),
            None => hand(&Outgoing {
                topic,
                partition: target(record),
                key: batch.key(record),
                value: batch.value(record),
                timestamp: extras.and_then(|extras| extras.timestamp),
                headers: headers.as_ref(),
                opaque: registered.opaque(index),
            }),
        };
        if let Err(code) = result {
            deliveries.refuse(registered, index, code);
        }
    }
    deliveries.handed_over(registered);
}

fn count(app: &App, format: Format, batch: &Batch) {
    app.produced(format).bytes.inc_by(batch.bytes.len() as u64);
}

fn settle(app: &App, format: Format, produced: &Produced) {
    let errors: Vec<RecordError> = produced.results().filter_map(Result::err).collect();
    app.produced(format)
        .records
        .inc_by((produced.records - errors.len()) as u64);
    if !errors.is_empty() {
        events::records_failed(&app.metrics, &produced.topic, &errors);
    }
}

/// A record that is larger than the limit, by the Java client's upper bound of its size in a batch of its own.
fn too_large(record: &Record, limit: usize) -> Option<RecordError> {
    oversize(record, varint_len(0), limit)
}

/// The same for a record with headers of so many bytes, their number included.
fn oversize(record: &Record, headers: usize, limit: usize) -> Option<RecordError> {
    const BATCH_OVERHEAD: usize = 61;
    const MAX_RECORD_OVERHEAD: usize = 21;
    let field = |span: Option<crate::envelope::Span>| {
        span.map_or(1, |span| varint_len(span.len()) + span.len())
    };
    let size =
        BATCH_OVERHEAD + MAX_RECORD_OVERHEAD + field(record.key) + field(record.value) + headers;
    (size > limit).then(|| RecordError {
        code: codes::KAFKA,
        strict: codes::PAYLOAD_TOO_LARGE,
        message: format!(
            "The message is {size} bytes when serialized which is larger than {limit}, which is the value of the \
             max.request.size configuration."
        )
        .into(),
    })
}

/// Bytes of a length as Kafka writes it: zigzag, seven bits a byte.
fn varint_len(length: usize) -> usize {
    let bits = usize::BITS - (length << 1).leading_zeros();
    (bits.max(1) as usize).div_ceil(7)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::envelope::Span;

    fn record(value: usize) -> Record {
        Record {
            value: Some(Span::since(0, &vec![0; value])),
            ..Record::default()
        }
    }

    #[test]
    fn sizes_are_those_of_the_java_client() {
        let error = too_large(&record(1_200_002), 1_048_576).unwrap();
        assert!(
            error
                .message
                .starts_with("The message is 1200090 bytes when serialized"),
            "{}",
            error.message
        );
        assert_eq!(error.code.number, 50002);
        let overhead = 61 + 21 + 1 + 3 + 1;
        assert!(too_large(&record(1_048_576 - overhead - 1), 1_048_576).is_none());
        assert!(too_large(&record(1_048_576 - overhead + 1), 1_048_576).is_some());
    }

    #[test]
    fn lengths_of_varints() {
        for (length, bytes) in [
            (0, 1),
            (63, 1),
            (64, 2),
            (8191, 2),
            (8192, 3),
            (1_048_575, 3),
            (1_048_576, 4),
        ] {
            assert_eq!(varint_len(length), bytes, "{length}");
        }
    }
}
