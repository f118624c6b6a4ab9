//! Records of a stream that may go to any partition: those that arrived together wait for their
//! [turn](crate::produce::turn), and go to one partition together. So a batch has the records of several streams, and the
//! client is not asked again and again whether it may send.

use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode;

use super::{Burst, outgoing};
use crate::admission::Permit;
use crate::app::App;
use crate::produce::batch::format::{self, Fields, RecordBatch};
use crate::produce::loose::hand;
use crate::produce::records::Records;
use crate::produce::turn::{GROUP_BYTES, Parcel, Turn};
use crate::producer_pool::ProducerPool;
use crate::tracker::{Deliveries, Delivery, Registered};

/// Hands the records over that did not fail, when it is their turn.
pub(super) fn send(
    app: &App,
    topic: &Arc<str>,
    partitions: i32,
    records: Records,
    bytes: Vec<u8>,
    permit: Permit,
) -> Burst {
    // Records of one batch are reported together, and the last one wakes whoever waits; those of several are not.
    let registered = match bytes.len() > GROUP_BYTES {
        true => app.deliveries.register_eager(records.len(), permit),
        false => app.deliveries.register(records.len(), permit),
    };
    let tracker = Arc::clone(&registered.tracker);
    for index in records.failed() {
        app.deliveries
            .refuse(&registered, index, RDKafkaErrorCode::Fail);
    }
    records.count_bytes(app);
    let records = Arc::new(records);
    let loose = Loose {
        producer: Arc::clone(&app.producer),
        deliveries: Arc::clone(&app.deliveries),
        topic: Arc::clone(topic),
        records: Arc::clone(&records),
        bytes,
        registered,
    };
    let partitions = usize::try_from(partitions).unwrap_or_default();
    app.turns.submit(topic, partitions, Box::new(loose));
    Burst {
        tracker,
        records,
        topic: Arc::clone(topic),
    }
}

/// Records that wait for their turn.
struct Loose {
    producer: Arc<ProducerPool>,
    deliveries: Arc<Deliveries>,
    topic: Arc<str>,
    records: Arc<Records>,
    /// What the records' spans point into.
    bytes: Vec<u8>,
    registered: Registered,
}

impl Parcel for Loose {
    fn bytes(&self) -> usize {
        self.bytes.len() + self.records() * format::RECORD_OVERHEAD
    }

    fn records(&self) -> usize {
        self.records.count_good()
    }

    fn write(&self, batch: &mut RecordBatch) {
        for (_, prepared) in self.records.good() {
            batch.push(&Fields {
                key: None,
                value: prepared.record.value.map(|span| span.of(&self.bytes)),
                timestamp: Some(prepared.timestamp),
                headers: prepared.headers.as_ref(),
            });
        }
    }

    fn landed(self: Box<Self>, partition: i32, offset: i64, appended: Option<i64>) {
        let first = Delivery::Stored {
            partition,
            offset,
            appended,
        };
        let indexes = self.records.good_indexes();
        self.deliveries.landed(&self.registered, indexes, first);
    }

    fn failed(self: Box<Self>, code: RDKafkaErrorCode) {
        for index in self.records.good_indexes() {
            self.deliveries.refuse(&self.registered, index, code);
        }
        self.deliveries.handed_over(&self.registered);
    }

    fn hand_over(self: Box<Self>, partition: Option<i32>, turn: Option<Arc<Turn>>) {
        let tracker = &self.registered.tracker;
        match turn {
            Some(turn) => tracker.hold(turn),
            // They go to several partitions, some of which may be slow.
            None => tracker.wake_with_each(),
        }
        let handle = self.producer.current();
        for (index, prepared) in self.records.good() {
            let opaque = self.registered.opaque(index);
            let outgoing = outgoing(&self.topic, prepared, partition, &self.bytes, opaque);
            if let Err(code) = hand(&self.producer, &handle, &outgoing) {
                self.deliveries.refuse(&self.registered, index, code);
            }
        }
        self.deliveries.handed_over(&self.registered);
    }
}
