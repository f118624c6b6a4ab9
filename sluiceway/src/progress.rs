//! How far the records have come: what lies in Kafka, and what the sink has put into S3.
//!
//! Asked of the broker, not of the programs: the end offset of a partition counts the records in
//! Kafka, the sink's committed offset those in completed objects (it never passes a record that is
//! not in one). Both hold for the embedded broker and for a real one, and over restarts.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use tokio_util::sync::CancellationToken;

use crate::verify::TopicPartition;

const INTERVAL: Duration = Duration::from_millis(500);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// Offsets of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    /// Offset after the last record in Kafka.
    pub(crate) end: i64,
    /// Offset after the last record in a completed object; 0 when nothing was committed yet.
    pub(crate) committed: i64,
}

/// The positions at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Snapshot {
    pub(crate) partitions: BTreeMap<TopicPartition, Position>,
}

/// Asks the broker again and again.
#[derive(Debug)]
pub(crate) struct Progress {
    latest: Arc<Mutex<Snapshot>>,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

// === impl Snapshot ===

impl Snapshot {
    /// Records in Kafka.
    pub(crate) fn in_kafka(&self) -> i64 {
        self.partitions.values().map(|position| position.end).sum()
    }

    /// Records in S3.
    pub(crate) fn in_s3(&self) -> i64 {
        let stored = |position: &Position| position.committed.min(position.end);
        self.partitions.values().map(stored).sum()
    }

    /// True when everything below `targets` is in S3.
    pub(crate) fn reached(&self, targets: &BTreeMap<TopicPartition, i64>) -> bool {
        targets.iter().all(|(at, target)| {
            let position = self.partitions.get(at);
            position.is_some_and(|position| position.committed >= *target)
        })
    }

    /// The end of every partition: what must be in S3 for nothing to be left.
    pub(crate) fn ends(&self) -> BTreeMap<TopicPartition, i64> {
        let filled = self
            .partitions
            .iter()
            .filter(|(_, position)| position.end > 0);
        filled
            .map(|(at, position)| (at.clone(), position.end))
            .collect()
    }
}

// === impl Progress ===

impl Progress {
    /// Reads the positions once and goes on in a thread of its own, for `topics` and the consumer
    /// group of the sink.
    ///
    /// # Errors
    /// When Kafka cannot be asked.
    pub(crate) async fn start(
        bootstrap: &str,
        topics: Vec<String>,
        group: &str,
    ) -> anyhow::Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", group)
            .set("client.id", "sluiceway-quick-start")
            .set("enable.auto.commit", "false")
            .create()
            .context("cannot make a Kafka client")?;
        let first = move || read(&consumer, &topics).map(|snapshot| (consumer, topics, snapshot));
        let (consumer, topics, snapshot) = tokio::task::spawn_blocking(first)
            .await?
            .context("cannot read the topics' offsets")?;
        let latest = Arc::new(Mutex::new(snapshot));
        let stop = CancellationToken::new();
        let (shared, stopped) = (Arc::clone(&latest), stop.clone());
        let thread = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || watch(&consumer, &topics, &shared, &stopped))
            .context("cannot start a thread")?;
        Ok(Self {
            latest,
            stop,
            thread: Some(thread),
        })
    }

    /// The latest positions.
    pub(crate) fn snapshot(&self) -> Snapshot {
        lock(&self.latest).clone()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been printed by the panic hook already.
            let _ = thread.join();
        }
    }
}

fn watch(
    consumer: &BaseConsumer,
    topics: &[String],
    latest: &Mutex<Snapshot>,
    stop: &CancellationToken,
) {
    while !stop.is_cancelled() {
        // A broker that is away for a moment leaves the display where it was.
        match read(consumer, topics) {
            Ok(snapshot) => *lock(latest) = snapshot,
            Err(error) => tracing::debug!(%error, "cannot read the topics' offsets"),
        }
        std::thread::sleep(INTERVAL);
    }
}

fn read(consumer: &BaseConsumer, topics: &[String]) -> rdkafka::error::KafkaResult<Snapshot> {
    let mut list = TopicPartitionList::new();
    for topic in topics {
        let metadata = consumer.fetch_metadata(Some(topic), REQUEST_TIMEOUT)?;
        let found = metadata
            .topics()
            .iter()
            .flat_map(|topic| topic.partitions());
        for partition in found {
            list.add_partition(topic, partition.id());
        }
    }
    let mut partitions = BTreeMap::new();
    for element in consumer
        .committed_offsets(list, REQUEST_TIMEOUT)?
        .elements()
    {
        let at = TopicPartition {
            topic: element.topic().to_owned(),
            partition: element.partition(),
        };
        let (_, end) = consumer.fetch_watermarks(&at.topic, at.partition, REQUEST_TIMEOUT)?;
        let committed = match element.offset() {
            Offset::Offset(offset) => offset,
            _ => 0,
        };
        partitions.insert(at, Position { end, committed });
    }
    Ok(Snapshot { partitions })
}

fn lock(latest: &Mutex<Snapshot>) -> MutexGuard<'_, Snapshot> {
    latest.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(positions: &[(i32, i64, i64)]) -> Snapshot {
        let entry = |(partition, end, committed): &(i32, i64, i64)| {
            let topic = "u.pin".to_owned();
            let partition = *partition;
            let (end, committed) = (*end, *committed);
            (
                TopicPartition { topic, partition },
                Position { end, committed },
            )
        };
        Snapshot {
            partitions: positions.iter().map(entry).collect(),
        }
    }

    #[test]
    fn records_are_counted_over_the_partitions() {
        let snapshot = snapshot(&[(0, 10, 7), (1, 5, 0), (2, 0, 0)]);
        assert_eq!((snapshot.in_kafka(), snapshot.in_s3()), (15, 7));
        assert_eq!(
            snapshot.ends().len(),
            2,
            "an empty partition has nothing to wait for"
        );
    }

    #[test]
    fn targets_are_reached_when_all_are_committed() {
        let targets = snapshot(&[(0, 10, 0), (1, 5, 0)]).ends();
        assert!(!snapshot(&[(0, 12, 10), (1, 5, 4)]).reached(&targets));
        assert!(
            !snapshot(&[(0, 12, 10)]).reached(&targets),
            "a partition is unknown"
        );
        assert!(snapshot(&[(0, 12, 10), (1, 5, 5)]).reached(&targets));
    }
}
