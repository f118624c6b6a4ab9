//! Records of a stream that may go to any partition: those that arrived together wait for their
//! [turn](crate::produce::turn), and go to one partition together. So a batch has the records of several streams, and the
//! client is not asked again and again whether it may send.

use std::sync::Arc;

use rdkafka::message::OwnedHeaders;
use rdkafka::types::RDKafkaErrorCode;

use super::{Burst, Item, outgoing};
use crate::admission::Permit;
use crate::app::App;
use crate::envelope::Record;
use crate::produce::RecordError;
use crate::produce::batch::format::{self, Fields, RecordBatch};
use crate::produce::loose::hand;
use crate::produce::prepare::Prepared;
use crate::produce::turn::{GROUP_BYTES, Parcel, Turn};
use crate::producer_pool::ProducerPool;
use crate::tracker::{Deliveries, Delivery, Registered};

/// Hands the records over that did not fail, when it is their turn.
pub(super) fn send(
    app: &App,
    topic: &Arc<str>,
    partitions: i32,
    records: Vec<Result<Prepared, RecordError>>,
    bytes: Vec<u8>,
    permit: Permit,
) -> Burst {
    // Records of one batch are reported together, and the last one wakes whoever waits; those of several are not.
    let registered = match bytes.len() > GROUP_BYTES {
        true => app.deliveries.register_eager(records.len(), permit),
        false => app.deliveries.register(records.len(), permit),
    };
    let tracker = Arc::clone(&registered.tracker);
    let mut items = Vec::with_capacity(records.len());
    let mut ready = Vec::with_capacity(records.len());
    for (index, mut record) in records.into_iter().enumerate() {
        match &mut record {
            Ok(prepared) => ready.push(Ready {
                index,
                record: prepared.record,
                timestamp: prepared.timestamp,
                headers: prepared.headers.take(),
            }),
            Err(_) => app
                .deliveries
                .refuse(&registered, index, RDKafkaErrorCode::Fail),
        }
        items.push(Item::of(app, record));
    }
    let loose = Loose {
        producer: Arc::clone(&app.producer),
        deliveries: Arc::clone(&app.deliveries),
        topic: Arc::clone(topic),
        records: ready,
        bytes,
        registered,
    };
    let partitions = usize::try_from(partitions).unwrap_or_default();
    app.turns.submit(topic, partitions, Box::new(loose));
    Burst {
        tracker,
        items,
        topic: Arc::clone(topic),
    }
}

/// Records that wait for their turn.
struct Loose {
    producer: Arc<ProducerPool>,
    deliveries: Arc<Deliveries>,
    topic: Arc<str>,
    records: Vec<Ready>,
    /// What the records' spans point into.
    bytes: Vec<u8>,
    registered: Registered,
}

struct Ready {
    index: usize,
    record: Record,
    timestamp: i64,
    headers: Option<OwnedHeaders>,
}

impl Parcel for Loose {
    fn bytes(&self) -> usize {
        self.bytes.len() + self.records() * format::RECORD_OVERHEAD
    }

    fn records(&self) -> usize {
        self.records.len()
    }

    fn write(&self, batch: &mut RecordBatch) {
        for ready in &self.records {
            batch.push(&Fields {
                key: None,
                value: ready.record.value.map(|span| span.of(&self.bytes)),
                timestamp: Some(ready.timestamp),
                headers: ready.headers.as_ref(),
            });
        }
    }

    fn landed(self: Box<Self>, partition: i32, offset: i64, appended: Option<i64>) {
        let first = Delivery::Stored {
            partition,
            offset,
            appended,
        };
        let indexes = self.records.iter().map(|ready| ready.index);
        self.deliveries.landed(&self.registered, indexes, first);
    }

    fn failed(self: Box<Self>, code: RDKafkaErrorCode) {
        for ready in &self.records {
            self.deliveries.refuse(&self.registered, ready.index, code);
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
        for ready in &self.records {
            let record = Record {
                partition,
                ..ready.record
            };
            let (headers, opaque) = (ready.headers.as_ref(), self.registered.opaque(ready.index));
            let outgoing = outgoing(
                &self.topic,
                &record,
                ready.timestamp,
                headers,
                &self.bytes,
                opaque,
            );
            if let Err(code) = hand(&self.producer, &handle, &outgoing) {
                self.deliveries.refuse(&self.registered, ready.index, code);
            }
        }
        self.deliveries.handed_over(&self.registered);
    }
}
