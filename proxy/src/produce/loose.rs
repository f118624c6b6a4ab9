//! Requests whose records may go to any partition: they wait for their [turn](super::turn), and go to one together.

use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode;

use super::batch::format::{self, Fields, RecordBatch};
use super::produced::Produced;
use super::turn::{Parcel, Turn};
use crate::admission::Permit;
use crate::app::App;
use crate::envelope::Record;
use crate::format::Batch;
use crate::producer_pool::{Handle, Outgoing, ProducerPool};
use crate::tracker::{Deliveries, Delivery, Registered};

/// Hands over the records of a request that may go to any partition.
pub(super) fn send_in_turn(
    app: &App,
    topic: &str,
    partitions: i32,
    batch: Batch,
    permit: Permit,
) -> Produced {
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
        self.batch.bytes.len() + self.records() * format::RECORD_OVERHEAD
    }

    fn records(&self) -> usize {
        self.batch.records.len()
    }

    fn write(&self, batch: &mut RecordBatch) {
        for (index, record) in self.batch.records.iter().enumerate() {
            let extras = self.batch.extras(index);
            let headers = extras.and_then(|extras| extras.kafka_headers().0);
            batch.push(&Fields {
                key: None,
                value: self.batch.value(record),
                timestamp: extras.and_then(|extras| extras.timestamp),
                headers: headers.as_ref(),
            });
        }
    }

    fn landed(self: Box<Self>, partition: i32, offset: i64, appended: Option<i64>) {
        let first = Delivery::Stored {
            partition,
            offset,
            appended,
        };
        self.deliveries
            .landed(&self.registered, 0..self.records(), first);
    }

    fn failed(self: Box<Self>, code: RDKafkaErrorCode) {
        for index in 0..self.records() {
            self.deliveries.refuse(&self.registered, index, code);
        }
        self.deliveries.handed_over(&self.registered);
    }

    fn hand_over(self: Box<Self>, partition: Option<i32>, turn: Option<Arc<Turn>>) {
        if let Some(turn) = turn {
            self.registered.tracker.hold(turn);
        }
        let handle = self.producer.current();
        let hand = |record: &Outgoing<'_>| hand(&self.producer, &handle, record);
        let target = |_: &Record| partition;
        let (topic, batch) = (self.topic.as_str(), &self.batch);
        super::hand_over(
            &self.deliveries,
            &self.registered,
            (topic, batch),
            target,
            &[],
            hand,
        );
    }
}

/// Hands a record to its partition, or to any if the topic was made anew with fewer.
pub(super) fn hand(
    producer: &ProducerPool,
    handle: &Handle,
    record: &Outgoing<'_>,
) -> Result<(), RDKafkaErrorCode> {
    match producer.send(handle, record) {
        Err(RDKafkaErrorCode::UnknownPartition) => {
            let anywhere = Outgoing {
                partition: None,
                ..*record
            };
            producer.send(handle, &anywhere)
        }
        result => result,
    }
}
