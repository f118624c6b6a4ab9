//! Who writes batches, and how many records each partition has been sent: a broker appends the same number only once, so
//! that a batch which may have been appended can be sent again.
//!
//! A partition has one batch on its way at most (its [turn](crate::produce::turn)), so its next number is known when the
//! batch before has landed. When it has not, or nobody knows, a new producer id begins at 0: a broker that has a batch of the
//! same numbers takes another for its repetition, and answers with the place of the first.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::format::Identity;

/// Partitions whose numbers are kept; past it a new producer begins.
const PARTITIONS: usize = 100_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct ProducerIds {
    current: Mutex<Option<Current>>,
}

#[derive(Debug)]
struct Current {
    producer: i64,
    epoch: i16,
    next: HashMap<(Arc<str>, i32), i32>,
}

impl ProducerIds {
    /// The identity of a partition's next batch, if there is a producer id.
    pub(crate) fn next(&self, topic: &Arc<str>, partition: i32) -> Option<Identity> {
        let current = self.current.lock();
        let current = current.as_ref()?;
        let next = current.next.get(&(Arc::clone(topic), partition));
        Some(Identity {
            producer: current.producer,
            epoch: current.epoch,
            sequence: next.copied().unwrap_or(0),
        })
    }

    /// A broker has given a producer id.
    pub(crate) fn begin(&self, (producer, epoch): (i64, i16)) {
        *self.current.lock() = Some(Current {
            producer,
            epoch,
            next: HashMap::new(),
        });
    }

    /// A batch of so many records has landed.
    pub(crate) fn landed(&self, topic: &Arc<str>, partition: i32, batch: Identity, records: i32) {
        let mut current = self.current.lock();
        let Some(known) = current.as_mut() else {
            return;
        };
        if (known.producer, known.epoch) != (batch.producer, batch.epoch) {
            return;
        }
        if known.next.len() >= PARTITIONS {
            *current = None;
            return;
        }
        let next = after(batch.sequence, records);
        known.next.insert((Arc::clone(topic), partition), next);
    }

    /// Nobody knows whether a batch has landed, or its number was refused: a new producer has to begin.
    pub(crate) fn end(&self, batch: Identity) {
        let mut current = self.current.lock();
        let same = |known: &Current| (known.producer, known.epoch) == (batch.producer, batch.epoch);
        if current.as_ref().is_some_and(same) {
            *current = None;
        }
    }
}

/// Numbers go on at 0 behind the highest.
fn after(sequence: i32, records: i32) -> i32 {
    let next = (i64::from(sequence) + i64::from(records)) % (i64::from(i32::MAX) + 1);
    i32::try_from(next).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_follow_each_other_by_partition() {
        let (ids, topic) = (ProducerIds::default(), Arc::from("t"));
        assert_eq!(ids.next(&topic, 0), None);
        ids.begin((7, 0));
        let first = ids.next(&topic, 0).unwrap();
        assert_eq!((first.producer, first.sequence), (7, 0));
        ids.landed(&topic, 0, first, 10);
        assert_eq!(ids.next(&topic, 0).unwrap().sequence, 10);
        assert_eq!(ids.next(&topic, 1).unwrap().sequence, 0);
        assert_eq!(ids.next(&Arc::from("u"), 0).unwrap().sequence, 0);
    }

    #[test]
    fn a_batch_that_is_lost_ends_its_producer_and_no_other() {
        let (ids, topic) = (ProducerIds::default(), Arc::from("t"));
        ids.begin((7, 0));
        let lost = ids.next(&topic, 0).unwrap();
        ids.end(lost);
        assert_eq!(ids.next(&topic, 0), None);
        ids.begin((8, 0));
        ids.landed(&topic, 0, lost, 5);
        ids.end(lost);
        assert_eq!(ids.next(&topic, 0).unwrap().sequence, 0);
        assert_eq!(ids.next(&topic, 0).unwrap().producer, 8);
    }

    #[test]
    fn numbers_wrap_as_kafkas() {
        assert_eq!(after(i32::MAX - 1, 1), i32::MAX);
        assert_eq!(after(i32::MAX, 1), 0);
        assert_eq!(after(i32::MAX - 1, 3), 1);
    }
}
