//! How far an internal topic has been read, and whether to the end that it had when reading began.
//!
//! Where a partition ends is asked of the broker, and a record that reaches that end says that it is read. An event of the client
//! library tells the end as well, but only between two records: a partition to which workers write their heartbeats more often than a
//! fetch waits is never told to be at its end. The event is needed where the last offsets hold no record (compacted away, or the
//! mark of a transaction). What is silent although its end is not reached is begun again with another consumer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

/// Silence after which reading is begun again; also the time between two questions where the topic ends.
const QUIET: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct CatchUp {
    /// Partitions whose end has not been reached yet, and where that is, once it is told.
    behind: BTreeMap<i32, Option<i64>>,
    /// The offset that comes next, of partitions of which something was read.
    next: BTreeMap<i32, i64>,
    /// When something was last heard of one of those behind.
    heard: Instant,
    /// When it was last asked where partitions end.
    asked: Option<Instant>,
    /// That all is read was said.
    said: bool,
}

impl CatchUp {
    /// Nothing of so many partitions is read.
    pub(super) fn new(partitions: usize, now: Instant) -> Self {
        Self {
            behind: (0..)
                .take(partitions)
                .map(|number| (number, None))
                .collect(),
            next: BTreeMap::new(),
            heard: now,
            asked: None,
            said: false,
        }
    }

    /// A record was read.
    pub(super) fn read(&mut self, partition: i32, offset: i64, now: Instant) {
        self.next.insert(partition, offset + 1);
        if let Some(end) = self.behind.get(&partition) {
            self.heard = now;
            if end.is_some_and(|end| offset + 1 >= end) {
                self.behind.remove(&partition);
            }
        }
    }

    /// The client library says that the end of a partition is reached.
    pub(super) fn at_end(&mut self, partition: i32, now: Instant) {
        if self.behind.remove(&partition).is_some() {
            self.heard = now;
        }
    }

    /// The broker says where a partition ends.
    pub(super) fn ends(&mut self, partition: i32, end: i64) {
        let next = self.next.get(&partition).copied().unwrap_or_default();
        if next >= end {
            self.behind.remove(&partition);
        } else if let Some(known) = self.behind.get_mut(&partition) {
            known.get_or_insert(end);
        }
    }

    /// Whether to ask where partitions end: at once, and after a while again while it is not known of all.
    pub(super) fn is_time_to_ask(&mut self, now: Instant) -> bool {
        let long_ago = |asked| now.duration_since(asked) >= QUIET;
        let ask = self.behind.values().any(Option::is_none) && self.asked.is_none_or(long_ago);
        if ask {
            self.asked = Some(now);
        }
        ask
    }

    /// Whether nothing comes of those behind. Not again before another silence.
    pub(super) fn is_silent(&mut self, now: Instant) -> bool {
        let silent = !self.behind.is_empty() && now.duration_since(self.heard) >= QUIET;
        if silent {
            self.heard = now;
        }
        silent
    }

    /// True once, when all is read that was there.
    pub(super) fn is_just_done(&mut self) -> bool {
        self.behind.is_empty() && !std::mem::replace(&mut self.said, true)
    }

    /// The partitions of which it is not known where they end.
    pub(super) fn unknown(&self) -> impl Iterator<Item = i32> {
        let unknown = self.behind.iter().filter(|(_, end)| end.is_none());
        unknown.map(|(partition, _)| *partition)
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
    fn it_is_asked_at_once_and_again_until_all_ends_are_known() {
        let began = Instant::now();
        let later = |seconds| began + Duration::from_secs(seconds);
        let mut log = CatchUp::new(3, began);
        assert!(log.is_time_to_ask(began));
        log.ends(0, 0);
        log.ends(1, 7);
        assert_eq!(log.unknown().collect::<Vec<_>>(), [2]);
        assert!(!log.is_time_to_ask(later(1)));
        assert!(log.is_time_to_ask(later(2)));
        log.ends(2, 1);
        // What is known is not asked for again, however long it takes.
        assert!(!log.is_time_to_ask(later(60)));
        log.read(1, 6, later(61));
        assert!(!log.is_just_done());
        log.read(2, 0, later(61));
        assert!(log.is_just_done());
        assert!(!log.is_just_done());
        assert!(!log.is_silent(later(100)));
    }

    #[test]
    fn a_partition_that_is_written_without_a_pause_ends_where_it_ended_first() {
        let began = Instant::now();
        let mut log = CatchUp::new(1, began);
        log.read(0, 0, began);
        log.ends(0, 3);
        // A later answer does not move the end.
        log.ends(0, 30);
        log.read(0, 1, began);
        assert!(!log.is_just_done());
        log.read(0, 2, began);
        assert!(log.is_just_done());
    }

    #[test]
    fn an_end_without_a_record_is_told_by_the_client() {
        let began = Instant::now();
        let mut log = CatchUp::new(1, began);
        // Compacted: of 10 offsets the last one holds no record.
        log.ends(0, 10);
        log.read(0, 8, began);
        assert!(!log.is_just_done());
        log.at_end(0, began);
        assert!(log.is_just_done());
        log.at_end(0, began);
        assert!(!log.is_just_done());
    }

    #[test]
    fn partitions_that_are_written_meanwhile_do_not_hide_a_silent_one() {
        let began = Instant::now();
        let mut log = CatchUp::new(2, began);
        log.ends(0, 1);
        log.ends(1, 1);
        for seconds in 1..10 {
            let now = began + Duration::from_secs(seconds);
            log.read(0, i64::try_from(seconds).unwrap(), now);
            assert_eq!(
                log.is_silent(now),
                seconds > 1 && seconds % 2 == 1,
                "{seconds}"
            );
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
    }
}
