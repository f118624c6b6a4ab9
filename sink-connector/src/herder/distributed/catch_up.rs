//! How far an internal topic has been read, and whether to the end that it had.
//!
//! The client library tells that the end of a partition is reached by an event, once. Workers were seen to wait for one that did
//! not come: on a busy broker, right after their topics had been made. So after a moment in which nothing is heard of the partitions
//! whose end is missing (others go on being written, by this worker, too) the broker is asked where they end, and what is not being
//! read although there is more is begun again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

/// Silence after which the broker is asked.
const QUIET: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct CatchUp {
    /// Partitions whose end has not been reached yet.
    behind: BTreeSet<i32>,
    /// The offset that comes next, of partitions of which something was read.
    next: BTreeMap<i32, i64>,
    /// When something was last heard of one of those behind.
    heard: Instant,
}

impl CatchUp {
    /// Nothing of so many partitions is read.
    pub(super) fn new(partitions: usize, now: Instant) -> Self {
        Self {
            behind: (0..).take(partitions).collect(),
            next: BTreeMap::new(),
            heard: now,
        }
    }

    /// A record was read.
    pub(super) fn read(&mut self, partition: i32, offset: i64, now: Instant) {
        self.next.insert(partition, offset + 1);
        if self.behind.contains(&partition) {
            self.heard = now;
        }
    }

    /// The end of a partition is reached. True if that was the last one that was missing.
    pub(super) fn at_end(&mut self, partition: i32, now: Instant) -> bool {
        let was_behind = self.behind.remove(&partition);
        if was_behind {
            self.heard = now;
        }
        was_behind && self.behind.is_empty()
    }

    /// Whether to ask where partitions end. Not again before another silence.
    pub(super) fn is_time_to_ask(&mut self, now: Instant) -> bool {
        let ask = !self.behind.is_empty() && now.duration_since(self.heard) >= QUIET;
        if ask {
            self.heard = now;
        }
        ask
    }

    /// Asks where those partitions end whose end is missing (`None`: no answer). True if all ends are reached after all.
    pub(super) fn ask(&mut self, mut end: impl FnMut(i32) -> Option<i64>) -> bool {
        let next = &self.next;
        self.behind.retain(|partition| {
            let next = next.get(partition).copied().unwrap_or_default();
            end(*partition).is_none_or(|end| next < end)
        });
        self.behind.is_empty()
    }

    /// Where to read on: all partitions of the topic.
    ///
    /// # Errors
    /// The client library takes no such offset.
    pub(super) fn places(
        &self,
        topic: &str,
        partitions: usize,
    ) -> Result<TopicPartitionList, KafkaError> {
        let mut places = TopicPartitionList::new();
        for partition in (0..).take(partitions) {
            let next = self.next.get(&partition);
            let offset = next.map_or(Offset::Beginning, |next| Offset::Offset(*next));
            places.add_partition_offset(topic, partition, offset)?;
        }
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ends_that_are_not_told_are_asked_for() {
        let began = Instant::now();
        let later = |seconds| began + Duration::from_secs(seconds);
        let mut log = CatchUp::new(3, began);
        log.read(1, 6, later(1));
        assert!(!log.at_end(0, later(1)));
        assert!(!log.is_time_to_ask(later(2)));
        assert!(log.is_time_to_ask(later(3)));
        assert!(!log.is_time_to_ask(later(4)));
        // One of them is at its end, of the other the broker does not answer, or has more.
        assert!(!log.ask(|partition| (partition == 1).then_some(7)));
        assert!(!log.ask(|_| Some(1)));
        assert!(!log.at_end(1, later(5)));
        assert!(log.is_time_to_ask(later(7)));
        // The empty one.
        assert!(log.ask(|_| Some(0)));
        assert!(!log.is_time_to_ask(later(60)));
    }

    #[test]
    fn partitions_that_are_written_meanwhile_do_not_hide_a_silent_one() {
        let began = Instant::now();
        let mut log = CatchUp::new(2, began);
        assert!(!log.at_end(0, began));
        for seconds in 1..10 {
            let now = began + Duration::from_secs(seconds);
            log.read(0, i64::try_from(seconds).unwrap(), now);
            log.at_end(0, now);
            // The other one is silent: asked for again and again.
            assert_eq!(log.is_time_to_ask(now), seconds % 2 == 0);
        }
    }

    #[test]
    fn it_is_read_on_where_reading_stopped() {
        let now = Instant::now();
        let mut log = CatchUp::new(2, now);
        log.read(1, 41, now);
        let places = log.places("t", 2).unwrap();
        let offset = |partition| places.find_partition("t", partition).unwrap().offset();
        assert_eq!(offset(0), Offset::Beginning);
        assert_eq!(offset(1), Offset::Offset(42));
        assert!(log.at_end(1, now) != log.at_end(0, now));
    }
}
