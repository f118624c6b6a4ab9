//! Which partition records go to that may go to any, and when: partitions take turns.
//!
//! ```text
//! submit ─▶ wait ─┬─ at most one partition of the topic has records of ours on its way ─┐
//!                 ├─ or a share's bytes wait, and a partition has none ────────────────┴▶ all that wait go to the next
//!                 │                                                                       partition that has none, in one batch
//!                 └─ waited long enough (brokers are slow) ─▶ handed over; the client chooses
//! ```
//!
//! What goes together is written as [one batch](super::batch), or handed to librdkafka.
//!
//! Nothing is lost by waiting. An idempotent librdkafka sends nothing for a partition while more than five of its records
//! are on their way, yet looks without a pause whether it may by now; records that are not in its queue cost nothing, and
//! go in one batch with those of other requests. Two small batches at once are enough to keep a broker busy: more of them
//! cost it, and everyone, a request each for fewer records. As with Kafka's own client, the records of a request go to one
//! partition together, partitions follow each other, and slow ones get fewer.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use rdkafka::types::RDKafkaErrorCode;

use super::batch::format::RecordBatch;
use super::batch::writer::BatchWriter;

/// Bytes that are handed over together at most, unless it is a single request or batches are smaller.
pub(crate) const GROUP_BYTES: usize = 900_000;

/// Partitions that small batches go to at once.
const SMALL_AT_ONCE: usize = 2;

/// Bytes that are worth a request of their own, though others are on their way.
const SHARE_BYTES: usize = 65_536;

/// Pause between two looks whether all batches have landed, at the end.
const DRAIN_PAUSE: Duration = Duration::from_millis(5);

/// Records of one request that may go to any partition.
pub(crate) trait Parcel: Send + Sync {
    /// Bytes of its records, what they take in a batch beside their contents included, roughly.
    fn bytes(&self) -> usize;

    /// How many records it has.
    fn records(&self) -> usize;

    /// Appends them to a batch.
    fn write(&self, batch: &mut RecordBatch);

    /// The batch has landed: the first of its records has this offset. `appended`: when, if the topic keeps that time.
    fn landed(self: Box<Self>, partition: i32, offset: i64, appended: Option<i64>);

    /// Nobody knows whether they were written, and nothing can be done about it any more.
    fn failed(self: Box<Self>, code: RDKafkaErrorCode);

    /// Hands them to the client, which chooses a partition if none is given. `turn` is to be held until each has its
    /// report.
    fn hand_over(self: Box<Self>, partition: Option<i32>, turn: Option<Arc<Turn>>);
}

/// The topics with records on their way whose partition was chosen here.
pub struct Turns {
    topics: Mutex<Topics>,
    longest_wait: Duration,
    group_bytes: usize,
    /// What writes batches; `None`: librdkafka writes all records.
    writer: Option<Arc<BatchWriter>>,
}

type Topics = HashMap<Arc<str>, Topic>;

#[derive(Default)]
struct Topic {
    /// Which partitions have records of ours on their way.
    busy: Vec<bool>,
    /// How many partitions there are, by the last request.
    partitions: usize,
    /// Where the search for a free one begins.
    next: usize,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Somebody looks after those who wait.
    watched: bool,
}

struct Waiting {
    since: Instant,
    parcel: Box<dyn Parcel>,
}

/// A partition's turn: records that were handed over together are on their way to it.
pub struct Turn {
    turns: Arc<Turns>,
    topic: Arc<str>,
    partition: usize,
}

impl Turns {
    /// Nothing on its way. No request waits longer than `longest_wait`; zero: partitions take no turns. Batches go to
    /// `writer`, if there is one.
    pub(crate) fn new(longest_wait: Duration, writer: Option<Arc<BatchWriter>>) -> Arc<Self> {
        let batch = writer.as_ref().map(|writer| writer.batch_bytes());
        Arc::new(Self {
            topics: Mutex::default(),
            longest_wait,
            group_bytes: batch.map_or(GROUP_BYTES, |bytes| bytes.min(GROUP_BYTES)),
            writer,
        })
    }

    /// Records on their way that librdkafka does not know of.
    #[must_use]
    pub fn records(&self) -> usize {
        self.writer.as_ref().map_or(0, |writer| writer.records())
    }

    /// Whether partitions are chosen here.
    #[must_use]
    pub fn are_taken(&self) -> bool {
        !self.longest_wait.is_zero()
    }

    /// Waits until librdkafka or Kafka has all records, but not longer than `limit`.
    pub async fn drained(&self, limit: Duration) {
        let until = Instant::now() + limit;
        while self.records() > 0 && Instant::now() < until {
            tokio::time::sleep(DRAIN_PAUSE).await;
        }
    }

    /// Hands a request's records over, now or later. The topic has `partitions` partitions. Has to be called in a
    /// runtime.
    pub(crate) fn submit(
        self: &Arc<Self>,
        topic: &str,
        partitions: usize,
        parcel: Box<dyn Parcel>,
    ) {
        let mut topics = self.topics.lock();
        let name = match topics.get_key_value(topic) {
            Some((name, _)) => Arc::clone(name),
            None => Arc::from(topic),
        };
        let state = topics.entry(Arc::clone(&name)).or_default();
        state.partitions = partitions;
        if state.busy.len() < partitions {
            state.busy.resize(partitions, false);
        }
        state.wait(parcel);
        topics = self.send_due(&name, topics);
        if let Some(state) = topics.get_mut(&name)
            && !state.waiting.is_empty()
            && !std::mem::replace(&mut state.watched, true)
        {
            tokio::spawn(Arc::clone(self).watch(name));
        }
    }

    /// Hands over what is due.
    fn send_due<'a>(
        self: &'a Arc<Self>,
        topic: &Arc<str>,
        mut topics: MutexGuard<'a, Topics>,
    ) -> MutexGuard<'a, Topics> {
        while let Some((partition, group)) = topics
            .get_mut(topic)
            .and_then(|topic| topic.take_due(self.group_bytes))
        {
            drop(topics);
            self.go(topic, partition, group);
            topics = self.topics.lock();
        }
        topics
    }

    fn go(self: &Arc<Self>, topic: &Arc<str>, partition: usize, parcels: Vec<Box<dyn Parcel>>) {
        let turn = Arc::new(Turn {
            turns: Arc::clone(self),
            topic: Arc::clone(topic),
            partition,
        });
        let number = i32::try_from(partition).unwrap_or(i32::MAX);
        if let Some(writer) = self.writer.as_ref().filter(|writer| writer.is_ready()) {
            writer.start(topic, number, parcels, turn);
            return;
        }
        for parcel in parcels {
            parcel.hand_over(Some(number), Some(Arc::clone(&turn)));
        }
    }

    /// Everything that was handed over to a partition has landed.
    fn landed(self: &Arc<Self>, topic: &Arc<str>, partition: usize) {
        let mut topics = self.topics.lock();
        let Some(state) = topics.get_mut(topic) else {
            return;
        };
        if let Some(busy) = state.busy.get_mut(partition) {
            *busy = false;
        }
        let mut topics = self.send_due(topic, topics);
        if topics.get(topic).is_some_and(Topic::is_idle) {
            topics.remove(topic);
        }
    }

    /// Sends off those who have waited for too long, until nobody waits.
    async fn watch(self: Arc<Self>, topic: Arc<str>) {
        loop {
            tokio::time::sleep(self.longest_wait).await;
            let late = {
                let mut topics = self.topics.lock();
                let Some(state) = topics.get_mut(&topic) else {
                    return;
                };
                if state.waiting.is_empty() {
                    state.watched = false;
                    if state.is_idle() {
                        topics.remove(&topic);
                    }
                    return;
                }
                state.take_late(self.longest_wait)
            };
            for parcel in late {
                parcel.hand_over(None, None);
            }
        }
    }
}

impl Topic {
    fn wait(&mut self, parcel: Box<dyn Parcel>) {
        self.waiting_bytes += parcel.bytes();
        let since = Instant::now();
        self.waiting.push_back(Waiting { since, parcel });
    }

    /// The next batch and its partition, if it is time.
    fn take_due(&mut self, group_bytes: usize) -> Option<(usize, Vec<Box<dyn Parcel>>)> {
        let under_way = self.busy.iter().filter(|busy| **busy).count();
        let due = under_way < SMALL_AT_ONCE || self.waiting_bytes >= SHARE_BYTES;
        if self.waiting.is_empty() || !due {
            return None;
        }
        let partition = self.take_free()?;
        Some((partition, self.take_group(group_bytes)))
    }

    fn take_free(&mut self) -> Option<usize> {
        let (from, partitions) = (self.next, self.partitions);
        let free = (0..partitions)
            .map(|step| (from + step) % partitions)
            .find(|partition| self.busy.get(*partition) == Some(&false))?;
        if let Some(busy) = self.busy.get_mut(free) {
            *busy = true;
        }
        self.next = free + 1;
        Some(free)
    }

    /// The first of those who wait, as many as make a batch.
    fn take_group(&mut self, most: usize) -> Vec<Box<dyn Parcel>> {
        let (mut group, mut bytes) = (Vec::new(), 0);
        while let Some(first) = self.waiting.front() {
            let of_first = first.parcel.bytes();
            bytes += of_first;
            if bytes > most && !group.is_empty() {
                break;
            }
            self.waiting_bytes -= of_first;
            group.extend(self.waiting.pop_front().map(|waiting| waiting.parcel));
        }
        group
    }

    fn take_late(&mut self, longest_wait: Duration) -> Vec<Box<dyn Parcel>> {
        let is_late = |waiting: &&Waiting| waiting.since.elapsed() >= longest_wait;
        let count = self.waiting.iter().take_while(is_late).count();
        let late = self.waiting.drain(..count);
        let late: Vec<_> = late.map(|waiting| waiting.parcel).collect();
        self.waiting_bytes -= late.iter().map(|parcel| parcel.bytes()).sum::<usize>();
        late
    }

    /// Nothing to remember.
    fn is_idle(&self) -> bool {
        !self.watched && self.waiting.is_empty() && !self.busy.contains(&true)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.landed(&self.topic, self.partition);
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("topic", &self.topic)
            .field("partition", &self.partition)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    type Log = Arc<Mutex<Vec<Handed>>>;

    /// What was handed over: name, partition, and the turn while it is not dropped.
    struct Handed(&'static str, Option<i32>, Option<Arc<Turn>>);

    struct Named(&'static str, usize, Log);

    impl Parcel for Named {
        fn bytes(&self) -> usize {
            self.1
        }

        fn records(&self) -> usize {
            1
        }

        fn write(&self, _: &mut RecordBatch) {}

        fn landed(self: Box<Self>, _: i32, _: i64, _: Option<i64>) {}

        fn failed(self: Box<Self>, _: RDKafkaErrorCode) {}

        fn hand_over(self: Box<Self>, partition: Option<i32>, turn: Option<Arc<Turn>>) {
            self.2.lock().push(Handed(self.0, partition, turn));
        }
    }

    struct Test {
        turns: Arc<Turns>,
        log: Log,
    }

    impl Test {
        fn new(wait_ms: u64) -> Self {
            Self {
                turns: Turns::new(Duration::from_millis(wait_ms), None),
                log: Log::default(),
            }
        }

        fn submit(&self, partitions: usize, name: &'static str, bytes: usize) {
            let parcel = Box::new(Named(name, bytes, Arc::clone(&self.log)));
            self.turns.submit("t", partitions, parcel);
        }

        fn handed(&self) -> Vec<(&'static str, Option<i32>)> {
            self.log.lock().iter().map(|one| (one.0, one.1)).collect()
        }

        /// Reports every record of those that were handed over under this name.
        fn report(&self, name: &str) {
            let at = self.log.lock().iter().position(|one| one.0 == name);
            let turn = self.log.lock()[at.unwrap()].2.take();
            drop(turn);
        }
    }

    #[tokio::test]
    async fn free_partitions_in_turn_and_then_all_that_wait_to_the_first_that_is_free_again() {
        let test = Test::new(3_600_000);
        for name in ["a", "b", "c", "d", "e"] {
            test.submit(2, name, 10);
        }
        assert_eq!(test.handed(), [("a", Some(0)), ("b", Some(1))]);
        test.report("b");
        let together = [("c", Some(1)), ("d", Some(1)), ("e", Some(1))];
        assert_eq!(test.handed()[2..], together);
        test.submit(2, "f", 10);
        test.report("c");
        test.report("d");
        assert_eq!(test.handed().len(), 5, "one of the group is on its way");
        test.report("e");
        assert_eq!(test.handed()[5..], [("f", Some(1))]);
        test.report("a");
        test.submit(2, "g", 10);
        assert_eq!(test.handed()[6..], [("g", Some(0))]);
    }

    #[tokio::test]
    async fn small_batches_go_to_two_partitions_at_once_and_more_when_a_share_waits() {
        let test = Test::new(3_600_000);
        for name in ["a", "b", "c"] {
            test.submit(4, name, 10);
        }
        assert_eq!(test.handed(), [("a", Some(0)), ("b", Some(1))]);
        test.submit(4, "d", SHARE_BYTES);
        assert_eq!(test.handed()[2..], [("c", Some(2)), ("d", Some(2))]);
        test.submit(4, "e", 10);
        test.report("a");
        assert_eq!(test.handed().len(), 4, "two others are on their way");
        test.report("b");
        assert_eq!(
            test.handed()[4..],
            [("e", Some(3))],
            "partitions follow each other"
        );
    }

    #[tokio::test]
    async fn a_group_is_a_batch_at_most() {
        let test = Test::new(3_600_000);
        for name in ["a", "b", "c"] {
            test.submit(1, name, GROUP_BYTES / 2 + 1);
        }
        test.report("a");
        assert_eq!(test.handed(), [("a", Some(0)), ("b", Some(0))]);
        test.submit(1, "large", 10 * GROUP_BYTES);
        test.report("b");
        test.report("c");
        assert_eq!(test.handed()[2..], [("c", Some(0)), ("large", Some(0))]);
        test.report("large");
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_and_nothing_is_kept() {
        let test = Test::new(5);
        test.submit(1, "stuck", 10);
        test.submit(1, "late", 10);
        let limit = Instant::now() + Duration::from_secs(30);
        while test.handed().len() < 2 && Instant::now() < limit {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(test.handed(), [("stuck", Some(0)), ("late", None)]);
        test.report("stuck");
        while !test.turns.topics.lock().is_empty() && Instant::now() < limit {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(test.turns.topics.lock().is_empty());
    }

    #[tokio::test]
    async fn fewer_partitions_than_before() {
        let test = Test::new(3_600_000);
        for name in ["a", "b", "c"] {
            test.submit(3, name, SHARE_BYTES);
        }
        test.report("b");
        test.report("c");
        test.submit(1, "d", 10);
        assert_eq!(test.handed().len(), 3, "the only one is busy");
        test.report("a");
        assert_eq!(test.handed()[3..], [("d", Some(0))]);
    }
}
