//! v3 records that are handed over together: those that had arrived by then.
//!
//! ```text
//! Prepared, or an error ─▶ partition exists? size? ─▶ turn ─▶ producer ─▶ Tracker ─▶ a result per record, in order
//! ```

mod in_turn;

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode;

use crate::admission::Permit;
use crate::app::App;
use crate::error::codes;
use crate::kafka_error::{FaultClass, KafkaFault, fault};
use crate::produce::answer::{Place, Shown, of_fault};
use crate::produce::prepare::Prepared;
use crate::produce::records::Records;
use crate::produce::size::{MAX_OVERHEAD, oversize};
use crate::produce::{RECORD_OVERHEAD, RecordError, cause};
use crate::producer_pool::Outgoing;
use crate::tracker::{Delivery, Tracker};

/// Records under way, or with their results.
pub(crate) struct Burst {
    tracker: Arc<Tracker>,
    /// What was handed over, or failed before that.
    records: Arc<Records>,
    topic: Arc<str>,
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
    mut records: Records,
    bytes: Vec<u8>,
    permit: Permit,
) -> Burst {
    let partitions = check(app, topic, &mut records, bytes.len()).await;
    if app.turns.are_taken() && records.are_loose() {
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
    mut records: Records,
    bytes: &[u8],
    permit: Permit,
    hand: impl Fn(&Outgoing<'_>) -> Result<(), RDKafkaErrorCode>,
) -> Burst {
    check(app, topic, &mut records, bytes.len()).await;
    hand_over(app, topic, records, bytes, permit, hand)
}

fn hand_over(
    app: &App,
    topic: &Arc<str>,
    mut records: Records,
    bytes: &[u8],
    permit: Permit,
    hand: impl Fn(&Outgoing<'_>) -> Result<(), RDKafkaErrorCode>,
) -> Burst {
    let registered = app.deliveries.register_eager(records.len(), permit);
    let mut refused = BTreeMap::new();
    for (index, prepared) in records.good() {
        let partition = prepared.record.partition;
        let opaque = registered.opaque(index);
        if let Err(code) = hand(&outgoing(topic, prepared, partition, bytes, opaque)) {
            refused.insert(index, code);
        }
    }
    if !refused.is_empty() {
        let error = |code: &RDKafkaErrorCode| of_fault(fault(*code, topic));
        records.refuse(|index, _| refused.get(&index).map(error));
    }
    for index in records.failed() {
        app.deliveries
            .refuse(&registered, index, RDKafkaErrorCode::Fail);
    }
    records.count_bytes(app);
    app.deliveries.handed_over(&registered);
    Burst {
        tracker: registered.tracker,
        records: Arc::new(records),
        topic: Arc::clone(topic),
    }
}

/// A record as the client takes it.
fn outgoing<'a>(
    topic: &'a str,
    prepared: &'a Prepared,
    partition: Option<i32>,
    bytes: &'a [u8],
    opaque: usize,
) -> Outgoing<'a> {
    let record = &prepared.record;
    Outgoing {
        topic,
        partition,
        key: record.key.map(|span| span.of(bytes)),
        value: record.value.map(|span| span.of(bytes)),
        timestamp: Some(prepared.timestamp),
        headers: prepared.headers.as_ref(),
        opaque,
    }
}

/// Refuses the records that need not be handed over. How many partitions the topic has.
async fn check(app: &App, topic: &str, records: &mut Records, bytes: usize) -> i32 {
    if records.count_good() == 0 {
        return 0;
    }
    let partitions = partitions(app, topic, records.partitions()).await;
    let known = partitions.as_ref().copied().unwrap_or_default();
    // One record is not larger than all of them.
    let largest = bytes + records.header_bytes() + MAX_OVERHEAD;
    let fits = largest <= app.config.delivery.max_record_bytes;
    if partitions.is_err() || records.partitions() > known || !fits {
        records.refuse(|_, prepared| refusal(app, topic, prepared, &partitions));
    }
    known
}

async fn partitions(app: &App, topic: &str, needed: i32) -> Result<i32, KafkaFault> {
    match app.topics.partitions(topic).await {
        Ok(known) if needed > known => app.topics.partitions_now(topic).await,
        result => result,
    }
}

fn refusal(
    app: &App,
    topic: &str,
    prepared: &Prepared,
    partitions: &Result<i32, KafkaFault>,
) -> Option<RecordError> {
    let partitions = match partitions {
        Ok(partitions) => *partitions,
        Err(fault) => return Some(of_fault(fault.clone())),
    };
    if let Some(partition) = prepared.record.partition
        && partition >= partitions
    {
        return Some(of_fault(
            app.topics.no_partition(topic, partition, partitions),
        ));
    }
    let limit = app.config.delivery.max_record_bytes;
    let error = oversize(&prepared.record, prepared.header_bytes, limit)?;
    Some(RecordError {
        code: codes::PAYLOAD_TOO_LARGE,
        ..error
    })
}

impl Burst {
    /// How many records Kafka took, and why one that was handed over was not taken.
    pub(crate) fn totals(&self) -> (usize, Option<RecordError>) {
        let (mut stored, mut failed) = (0, Vec::new());
        for index in self.records.good_indexes() {
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
        self.records.len()
    }

    /// Counts the records that were written. To be called when all have a result.
    pub(crate) fn count_stored(&self, app: &App) {
        let good = self.records.good_indexes();
        let lost = good.filter(|index| !self.tracker.is_stored(*index));
        let walked = match self.tracker.are_stored() {
            true => 0,
            false => usize::MAX,
        };
        self.records.count_stored(app, lost.take(walked));
    }

    /// What became of a record; `None`: nothing yet.
    pub(crate) fn outcome(&self, index: usize) -> Option<Outcome<'_>> {
        let sent = match self.records.get(index)? {
            Err(error) => return Some(Outcome::Failed(error.clone())),
            Ok(sent) => sent,
        };
        match self.tracker.get(index) {
            Delivery::Pending => None,
            Delivery::Failed(code) => Some(Outcome::Failed(of_fault(fault(code, &self.topic)))),
            Delivery::Stored {
                partition,
                offset,
                appended,
            } => {
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
        if let Some(Ok(_)) = self.records.get(index) {
            self.tracker.record(index).await;
        }
    }

    /// Waits until a record has a result, and gives it; what failed is told and counted.
    pub(crate) async fn ended(&self, app: &App, index: usize) -> Outcome<'_> {
        self.record(index).await;
        let outcome = self
            .outcome(index)
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
