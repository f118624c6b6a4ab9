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

mod parcel;
mod queue;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use super::batch::writer::BatchWriter;
pub(crate) use parcel::Parcel;
use queue::Topic;

/// Bytes that are handed over together at most, unless it is a single request or batches are smaller.
pub(crate) const GROUP_BYTES: usize = 900_000;

/// Pause between two looks whether all batches have landed, at the end.
const DRAIN_PAUSE: Duration = Duration::from_millis(5);

/// The topics with records on their way whose partition was chosen here.
pub struct Turns {
    topics: Mutex<Topics>,
    longest_wait: Duration,
    group_bytes: usize,
    /// What writes batches; `None`: librdkafka writes all records.
    writer: Option<Arc<BatchWriter>>,
}

type Topics = HashMap<Arc<str>, Topic>;

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
#[path = "turn/tests.rs"]
mod tests;
