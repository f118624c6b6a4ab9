//! Records of one request: checked, counted, handed to the producer, and their results collected.
//!
//! ```text
//! Batch ─▶ admission (bytes) ─▶ partitions exist? sizes? ─▶ turn ─▶ producer ─▶ Tracker ─▶ Produced (a result per record)
//!              └── refused records have their result already; the others are written
//! ```
//!
//! What fails as a whole: a negative partition, and too much on its way. Everything else is a record's own result.

pub(crate) mod answer;
pub(crate) mod batch;
pub(crate) mod burst;
mod loose;
pub(crate) mod prepare;
mod produced;
pub(crate) mod records;
mod size;
pub mod turn;

use rdkafka::types::RDKafkaErrorCode;

use crate::admission::Permit;
use crate::app::App;
use crate::envelope::Record;
use crate::error::{Error, codes};
use crate::events;
use crate::format::{Batch, Format};
use crate::idempotency::Hand;
use crate::producer_pool::Outgoing;
use crate::tracker::{Deliveries, Registered};

pub(crate) use produced::cause;
pub use produced::{Produced, RecordError};
pub(crate) use size::varint_len;

use loose::send_in_turn;
use size::{oversize, too_large};

/// Bytes that a record's bookkeeping takes in the client, roughly.
const RECORD_OVERHEAD: usize = 256;

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
        failed(app, &produced.topic, &errors);
    }
}

/// Tells of records that failed. If the topic was not there, it is looked up before the next ones are handed over.
pub(crate) fn failed(app: &App, topic: &str, errors: &[RecordError]) {
    events::records_failed(&app.metrics, topic, errors);
    let absent = [codes::TOPIC_NOT_FOUND, codes::UNKNOWN_TOPIC_OR_PARTITION];
    if errors.iter().any(|error| absent.contains(&error.strict)) {
        app.topics.forget(topic);
    }
}
