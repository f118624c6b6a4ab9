//! Where partitions end, and what groups have committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::{ASK_TIMEOUT, Kafka};

/// Committed offset of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to read.
    pub offset: i64,
    /// What the committer wrote beside it.
    pub metadata: String,
}

impl Kafka {
    /// First and next offset of every partition of a topic.
    ///
    /// # Errors
    /// The topic does not exist, the broker does not answer.
    pub fn ends(&self, topic: &str) -> Result<BTreeMap<i32, (i64, i64)>> {
        let partitions = self.partitions(topic)?;
        if partitions.is_empty() {
            bail!("no topic {topic}");
        }
        let client = self.admin.inner();
        let end = |partition| {
            let ends = client.fetch_watermarks(topic, partition, ASK_TIMEOUT);
            ends.with_context(|| format!("ends of {topic}-{partition}"))
        };
        let ends = || {
            partitions
                .iter()
                .map(|&partition| Ok((partition, end(partition)?)))
                .collect()
        };
        tokio::task::block_in_place(ends)
    }

    /// What a group has committed of a topic, by partition; partitions without are left out.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn committed(&self, group: &str, topic: &str) -> Result<BTreeMap<i32, Committed>> {
        let mut asked = TopicPartitionList::new();
        for partition in self.partitions(topic)? {
            asked.add_partition(topic, partition);
        }
        let consumer = self.asker(group)?;
        let list = tokio::task::block_in_place(|| committed_offsets(&consumer, &asked))?;
        let mut committed = BTreeMap::new();
        for element in list.elements() {
            element.error()?;
            if let Offset::Offset(offset) = element.offset() {
                let metadata = element.metadata().to_owned();
                committed.insert(element.partition(), Committed { offset, metadata });
            }
        }
        Ok(committed)
    }

    /// A consumer of this group that asks and never joins.
    pub(crate) fn asker(&self, group: &str) -> Result<Arc<BaseConsumer>> {
        let mut askers = self
            .askers
            .lock()
            .map_err(|_| anyhow::anyhow!("a test panicked"))?;
        if let Some(asker) = askers.get(group) {
            return Ok(Arc::clone(asker));
        }
        let asker = Arc::new(self.consumer(group)?);
        askers.insert(group.to_owned(), Arc::clone(&asker));
        Ok(asker)
    }
}

/// Asks again while the coordinator is being found: a broker that has just started moves groups.
fn committed_offsets(
    consumer: &BaseConsumer,
    asked: &TopicPartitionList,
) -> KafkaResult<TopicPartitionList> {
    let until = Instant::now() + ASK_TIMEOUT;
    loop {
        match consumer.committed_offsets(asked.clone(), ASK_TIMEOUT) {
            Err(error) if moves(&error) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(200));
            }
            answer => return answer,
        }
    }
}

fn moves(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotCoordinator
                | RDKafkaErrorCode::CoordinatorNotAvailable
                | RDKafkaErrorCode::CoordinatorLoadInProgress
        )
    )
}
