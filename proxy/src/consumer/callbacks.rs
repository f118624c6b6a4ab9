//! What an instance's client calls back with: log lines, errors, rebalances.
//!
//! Rebalances happen inside of polls, that is, inside of reads. The assignment they leave is noted here, with a count, so
//! that the reader can see that it changed. Positions told by a former owner of the instance are used with the first one.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};

use super::java_order::TopicPartition;
use super::restore::Position;
use crate::client_context::Context;
use crate::stream::now;

/// The callbacks of an instance's client.
#[derive(Debug)]
pub(crate) struct Callbacks {
    inner: Context,
    changes: AtomicU64,
    assignments: AtomicU64,
    /// When the group last said what is read, in epoch milliseconds.
    assigned_at: AtomicI64,
    assigned: Mutex<Vec<TopicPartition>>,
    /// Where the partitions of the first assignment are read from, if not from what is committed.
    starts: Mutex<Vec<Position>>,
}

impl Callbacks {
    pub(crate) fn new(inner: Context) -> Self {
        Self {
            inner,
            changes: AtomicU64::new(0),
            assignments: AtomicU64::new(0),
            assigned_at: AtomicI64::new(0),
            assigned: Mutex::default(),
            starts: Mutex::default(),
        }
    }

    /// How often the assignment has changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// How often the group has said what this instance reads.
    pub(crate) fn assignments(&self) -> u64 {
        self.assignments.load(Ordering::Acquire)
    }

    /// When it last did, in epoch milliseconds.
    pub(crate) fn assigned_at(&self) -> i64 {
        self.assigned_at.load(Ordering::Acquire)
    }

    /// The next assignment begins at these positions.
    pub(crate) fn begin_at(&self, positions: &[Position]) {
        *self.starts.lock() = positions.to_vec();
    }

    fn set_starts(&self, list: &mut TopicPartitionList) {
        for (topic, partition, offset) in self.starts.lock().drain(..) {
            if let Some(mut element) = list.find_partition(&topic, partition) {
                let _number = element.set_offset(Offset::Offset(offset));
            }
        }
    }

    /// The partitions that the group gave to this instance.
    pub(crate) fn assigned(&self) -> Vec<TopicPartition> {
        self.assigned.lock().clone()
    }
}

impl ClientContext for Callbacks {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.inner.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.inner.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn StdError>> {
        self.inner.generate_oauth_token(config)
    }
}

impl ConsumerContext for Callbacks {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let assigned = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let revoked = event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS;
        if assigned {
            self.set_starts(list);
        }
        let step_by_step = matches!(
            consumer.rebalance_protocol(),
            RebalanceProtocol::Cooperative
        );
        let result = match (assigned, step_by_step) {
            (true, true) => consumer.incremental_assign(list),
            (true, false) => consumer.assign(list),
            (false, true) => consumer.incremental_unassign(list),
            (false, false) => consumer.unassign(),
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a consumer instance's client refuses an assignment");
        }
        let rebalance = match (assigned, revoked) {
            (true, _) => Rebalance::Assign(list),
            (_, true) => Rebalance::Revoke(list),
            _ => Rebalance::Error(KafkaError::Rebalance(RDKafkaErrorCode::from(event))),
        };
        self.post_rebalance(consumer, &rebalance);
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Error(error) = rebalance {
            tracing::debug!(%error, "a rebalance failed");
        }
        let list = consumer.assignment().unwrap_or_default();
        *self.assigned.lock() = names(&list);
        if matches!(rebalance, Rebalance::Assign(_)) {
            self.assigned_at.store(now(), Ordering::Release);
            self.assignments.fetch_add(1, Ordering::Release);
        }
        self.changes.fetch_add(1, Ordering::Release);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::debug!(%error, "offsets of a consumer instance were not committed");
        }
    }
}

/// Topics and partitions of a list.
pub(crate) fn names(list: &TopicPartitionList) -> Vec<TopicPartition> {
    let name = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        (element.topic().to_owned(), element.partition())
    };
    list.elements().iter().map(name).collect()
}
