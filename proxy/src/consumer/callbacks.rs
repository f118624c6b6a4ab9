//! What an instance's client calls back with: log lines, errors, rebalances.
//!
//! Rebalances happen inside of polls, that is, inside of reads. The assignment they leave is noted here, with a count, so
//! that the reader can see that it changed.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rdkafka::TopicPartitionList;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};

use super::java_order::TopicPartition;
use crate::client_context::Context;

/// The callbacks of an instance's client.
#[derive(Debug)]
pub(crate) struct Callbacks {
    inner: Context,
    changes: AtomicU64,
    assigned: Mutex<Vec<TopicPartition>>,
}

impl Callbacks {
    pub(crate) fn new(inner: Context) -> Self {
        Self {
            inner,
            changes: AtomicU64::new(0),
            assigned: Mutex::default(),
        }
    }

    /// How often the assignment has changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
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
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Error(error) = rebalance {
            tracing::debug!(%error, "a rebalance failed");
        }
        let list = consumer.assignment().unwrap_or_default();
        *self.assigned.lock() = names(&list);
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
