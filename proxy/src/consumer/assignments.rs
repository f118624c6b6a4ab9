//! What the group has said that an instance reads, as its client's callbacks note it.
//!
//! Rebalances happen inside of polls, that is, inside of reads. The assignment they leave is noted here, with a count, so
//! that the reader can see that it changed. Positions told by a former owner of the instance are used with the first one.
//! They are there before the client is.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;
use rdkafka::{Offset, TopicPartitionList};

use super::java_order::TopicPartition;
use super::restore::Position;
use crate::stream::now;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Assignments {
    changes: AtomicU64,
    count: AtomicU64,
    /// When the group last said what is read, in epoch milliseconds.
    at: AtomicI64,
    current: Mutex<Vec<TopicPartition>>,
    /// Where the partitions of the first assignment are read from, if not from what is committed.
    starts: Mutex<Vec<Position>>,
}

impl Assignments {
    /// How often the assignment has changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// How often the group has said what this instance reads.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// When it last did, in epoch milliseconds.
    pub(crate) fn at(&self) -> i64 {
        self.at.load(Ordering::Acquire)
    }

    /// The partitions that the group gave to this instance.
    pub(crate) fn current(&self) -> Vec<TopicPartition> {
        self.current.lock().clone()
    }

    /// The next assignment begins at these positions.
    pub(crate) fn begin_at(&self, positions: &[Position]) {
        *self.starts.lock() = positions.to_vec();
    }

    /// Writes the positions to begin at into an assignment.
    pub(super) fn set_starts(&self, list: &mut TopicPartitionList) {
        for (topic, partition, offset) in self.starts.lock().drain(..) {
            if let Some(mut element) = list.find_partition(&topic, partition) {
                let _number = element.set_offset(Offset::Offset(offset));
            }
        }
    }

    /// Notes what a rebalance changed; `given`: the group gave something, or the word that it is nothing.
    pub(super) fn note(&self, change: Change, given: bool) {
        change.apply(&mut self.current.lock());
        if given {
            self.at.store(now(), Ordering::Release);
            self.count.fetch_add(1, Ordering::Release);
        }
        self.changes.fetch_add(1, Ordering::Release);
    }
}

/// What a rebalance does to the partitions that an instance reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// These are all of them.
    All(Vec<TopicPartition>),
    /// These come to them.
    More(Vec<TopicPartition>),
    /// These are taken away.
    Less(Vec<TopicPartition>),
}

impl Change {
    fn apply(self, current: &mut Vec<TopicPartition>) {
        match self {
            Self::All(all) => *current = all,
            Self::More(more) => {
                current.retain(|one| !more.contains(one));
                current.extend(more);
            }
            Self::Less(less) => current.retain(|one| !less.contains(one)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rebalances_add_up() {
        let names = |numbers: &[i32]| -> Vec<TopicPartition> {
            numbers.iter().map(|n| ("t".to_owned(), *n)).collect()
        };
        let assignments = Assignments::default();
        for (change, given, after) in [
            (Change::More(names(&[0, 1])), true, &[0, 1][..]),
            (Change::More(names(&[1, 2])), true, &[0, 1, 2]),
            (Change::Less(names(&[0, 3])), false, &[1, 2]),
            (Change::All(names(&[5])), true, &[5]),
            (Change::All(Vec::new()), false, &[]),
        ] {
            assignments.note(change, given);
            assert_eq!(assignments.current(), names(after));
        }
        assert_eq!((assignments.changes(), assignments.count()), (5, 3));
    }
}
