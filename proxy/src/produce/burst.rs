//! v3 records that are handed over together: those that had arrived by then.
//!
//! ```text
//! Prepared, or an error ─▶ partition exists? size? ─▶ turn ─▶ producer ─▶ Tracker ─▶ a result per record, in order
//! ```

mod in_turn;

use std::sync::Arc;

use rdkafka::message::OwnedHeaders;
use rdkafka::types::RDKafkaErrorCode;

use crate::admission::Permit;
use crate::app::App;
use crate::envelope::Record;
use crate::error::codes;
use crate::kafka_error::{FaultClass, KafkaFault, fault};
use crate::produce::answer::{Place, Shown, of_fault};
use crate::produce::prepare::Prepared;
use crate::produce::{RECORD_OVERHEAD, RecordError, cause, oversize};
use crate::producer_pool::Outgoing;
use crate::tracker::{Delivery, Tracker};

/// Records under way, or with their results.
pub(crate) struct Burst {
    tracker: Arc<Tracker>,
    items: Vec<Item>,
    topic: Arc<str>,
}

/// A record under way, or its failure.
enum Item {
    Failed(RecordError),
    Sent(Box<Sent>),
}

struct Sent {
    timestamp: i64,
    key: Option<Shown>,
    value: Option<Shown>,
}

/// What became of a record.
pub(crate) enum Outcome<'b> {
    /// It lies there.
    Stored(Place, Option<&'b Shown>, Option<&'b Shown>),
    /// It does not.
    Failed(RecordError),
}

/// Bytes that a burst takes on its way, bookkeeping included.
pub(crate) fn cost(bytes: &[u8], records: usize) -> usize {
    bytes.len() + records * RECORD_OVERHEAD
}

/// Hands records over. Those that may go to any partition wait for their [turn](crate::produce::turn). `bytes` are what
/// their spans point into.
pub(crate) async fn send(
    app: &App,
    topic: &Arc<str>,
    records: Vec<Result<Prepared, RecordError>>,
    bytes: Vec<u8>,
    permit: Permit,
) -> Burst {
    let (partitions, records) = checked(app, topic, records).await;
    let mut good = records.iter().flatten().peekable();
    if app.turns.are_taken() && good.peek().is_some() && good.all(Prepared::is_loose) {
        return in_turn::send(app, topic, partitions, records, bytes, permit);
    }
    let handle = app.producer.current();
    let hand = |record: &Outgoing<'_>| app.producer.send(&handle, record);
    hand_over(app, topic, records, &bytes, permit, hand)
}

/// Hands records over at once, by another producer.
pub(crate) async fn send_by(
    app: &App,
    topic: &Arc<str>,
    records: Vec<Result<Prepared, RecordError>>,
    bytes: &[u8],
    permit: Permit,
    hand: impl Fn(&Outgoing<'_>) -> Result<(), RDKafkaErrorCode>,
) -> Burst {
    let (_, records) = checked(app, topic, records).await;
    hand_over(app, topic, records, bytes, permit, hand)
}

fn hand_over(
    app: &App,
    topic: &Arc<str>,
    records: Vec<Result<Prepared, RecordError>>,
    bytes: &[u8],
    permit: Permit,
    hand: impl Fn(&Outgoing<'_>) -> Result<(), RDKafkaErrorCode>,
) -> Burst {
    let registered = app.deliveries.register_eager(records.len(), permit);
    let mut items = Vec::with_capacity(records.len());
    for (index, record) in records.into_iter().enumerate() {
        let sent = record.and_then(|prepared| {
            let (headers, opaque) = (prepared.headers.as_ref(), registered.opaque(index));
            let record = &prepared.record;
            let outgoing = outgoing(topic, record, prepared.timestamp, headers, bytes, opaque);
            hand(&outgoing).map_err(|code| of_fault(fault(code, topic)))?;
            Ok(prepared)
        });
        if sent.is_err() {
            app.deliveries
                .refuse(&registered, index, RDKafkaErrorCode::Fail);
        }
        items.push(Item::of(app, sent));
    }
    app.deliveries.handed_over(&registered);
    Burst {
        tracker: registered.tracker,
        items,
        topic: Arc::clone(topic),
    }
}

/// A record as the client takes it.
fn outgoing<'a>(
    topic: &'a str,
    record: &Record,
    timestamp: i64,
    headers: Option<&'a OwnedHeaders>,
    bytes: &'a [u8],
    opaque: usize,
) -> Outgoing<'a> {
    Outgoing {
        topic,
        partition: record.partition,
        key: record.key.map(|span| span.of(bytes)),
        value: record.value.map(|span| span.of(bytes)),
        timestamp: Some(timestamp),
        headers,
        opaque,
    }
}

/// How many partitions the topic has, and the records without those that need not be handed over.
async fn checked(
    app: &App,
    topic: &str,
    records: Vec<Result<Prepared, RecordError>>,
) -> (i32, Vec<Result<Prepared, RecordError>>) {
    let good = || records.iter().flatten();
    if good().next().is_none() {
        return (0, records);
    }
    let highest = good().filter_map(|prepared| prepared.record.partition);
    let partitions = partitions(app, topic, highest.max().unwrap_or(-1)).await;
    let check = |prepared| check(app, topic, prepared, &partitions);
    let records = records.into_iter().map(|record| record.and_then(check));
    let records = records.collect();
    (partitions.unwrap_or_default(), records)
}

async fn partitions(app: &App, topic: &str, highest: i32) -> Result<i32, KafkaFault> {
    match app.topics.partitions(topic).await {
        Ok(known) if highest >= known => app.topics.partitions_now(topic).await,
        result => result,
    }
}

fn check(
    app: &App,
    topic: &str,
    prepared: Prepared,
    partitions: &Result<i32, KafkaFault>,
) -> Result<Prepared, RecordError> {
    let partitions = match partitions {
        Ok(partitions) => *partitions,
        Err(fault) => return Err(of_fault(fault.clone())),
    };
    if let Some(partition) = prepared.record.partition
        && partition >= partitions
    {
        return Err(of_fault(
            app.topics.no_partition(topic, partition, partitions),
        ));
    }
    let limit = app.config.delivery.max_record_bytes;
    match oversize(&prepared.record, prepared.header_bytes, limit) {
        Some(error) => Err(RecordError {
            code: codes::PAYLOAD_TOO_LARGE,
            ..error
        }),
        None => Ok(prepared),
    }
}

impl Item {
    /// What a record that was handed over is answered with, and counts.
    fn of(app: &App, record: Result<Prepared, RecordError>) -> Self {
        let prepared = match record {
            Ok(prepared) => prepared,
            Err(error) => return Self::Failed(error),
        };
        for shown in [&prepared.key, &prepared.value].into_iter().flatten() {
            let bytes = u64::try_from(shown.size).unwrap_or(0);
            app.produced(shown.format).bytes.inc_by(bytes);
        }
        Self::Sent(Box::new(Sent {
            timestamp: prepared.timestamp,
            key: prepared.key,
            value: prepared.value,
        }))
    }
}

impl Burst {
    /// How many records Kafka took, and why one that was handed over was not taken.
    pub(crate) fn totals(&self) -> (usize, Option<RecordError>) {
        let sent = self.items.iter().enumerate();
        let sent = sent.filter(|(_, item)| matches!(item, Item::Sent(_)));
        let (mut stored, mut failed) = (0, Vec::new());
        for (index, _) in sent {
            match self.tracker.get(index) {
                Delivery::Stored { .. } => stored += 1,
                Delivery::Failed(code) => failed.push(code),
                Delivery::Pending => {}
            }
        }
        let lost = cause(failed.into_iter()).map(|code| of_fault(fault(code, &self.topic)));
        (stored, lost)
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// What became of a record; `None`: nothing yet.
    pub(crate) fn outcome(&self, app: &App, index: usize) -> Option<Outcome<'_>> {
        let sent = match self.items.get(index)? {
            Item::Failed(error) => return Some(Outcome::Failed(error.clone())),
            Item::Sent(sent) => sent,
        };
        match self.tracker.get(index) {
            Delivery::Pending => None,
            Delivery::Failed(code) => Some(Outcome::Failed(of_fault(fault(code, &self.topic)))),
            Delivery::Stored {
                partition,
                offset,
                appended,
            } => {
                if let Some(shown) = sent.value.as_ref().or(sent.key.as_ref()) {
                    app.produced(shown.format).records.inc();
                }
                let place = Place {
                    partition,
                    offset,
                    timestamp: appended.unwrap_or(sent.timestamp),
                };
                Some(Outcome::Stored(
                    place,
                    sent.key.as_ref(),
                    sent.value.as_ref(),
                ))
            }
        }
    }

    /// Waits until a record has a result.
    pub(crate) async fn record(&self, index: usize) {
        if let Some(Item::Sent(_)) = self.items.get(index) {
            self.tracker.record(index).await;
        }
    }

    /// Waits until a record has a result, and gives it; what failed is told and counted.
    pub(crate) async fn ended(&self, app: &App, index: usize) -> Outcome<'_> {
        self.record(index).await;
        let outcome = self
            .outcome(app, index)
            .unwrap_or_else(|| Outcome::Failed(unreported()));
        if let Outcome::Failed(error) = &outcome {
            super::failed(app, &self.topic, std::slice::from_ref(error));
        }
        outcome
    }
}

/// The failure of a record that will have no result.
fn unreported() -> RecordError {
    of_fault(KafkaFault::new(
        FaultClass::Retriable,
        "The record's delivery was not reported.",
    ))
}
