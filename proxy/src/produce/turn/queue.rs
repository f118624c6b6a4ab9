//! Who waits for the partitions of one topic, and which of them have records of ours on their way.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Parcel;

/// Partitions that small batches go to at once.
const SMALL_AT_ONCE: usize = 2;

/// Bytes that are worth a request of their own, though others are on their way.
pub(super) const SHARE_BYTES: usize = 65_536;

/// Who waits for a topic's partitions.
#[derive(Default)]
pub(super) struct Topic {
    /// Which partitions have records of ours on their way.
    pub(super) busy: Vec<bool>,
    /// How many partitions there are, by the last request.
    pub(super) partitions: usize,
    /// Where the search for a free one begins.
    next: usize,
    pub(super) waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Somebody looks after those who wait.
    pub(super) watched: bool,
}

pub(super) struct Waiting {
    since: Instant,
    parcel: Box<dyn Parcel>,
}

impl Topic {
    pub(super) fn wait(&mut self, parcel: Box<dyn Parcel>) {
        self.waiting_bytes += parcel.bytes();
        let since = Instant::now();
        self.waiting.push_back(Waiting { since, parcel });
    }

    /// The next batch and its partition, if it is time.
    pub(super) fn take_due(&mut self, group_bytes: usize) -> Option<(usize, Vec<Box<dyn Parcel>>)> {
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

    pub(super) fn take_late(&mut self, longest_wait: Duration) -> Vec<Box<dyn Parcel>> {
        let is_late = |waiting: &&Waiting| waiting.since.elapsed() >= longest_wait;
        let count = self.waiting.iter().take_while(is_late).count();
        let late = self.waiting.drain(..count);
        let late: Vec<_> = late.map(|waiting| waiting.parcel).collect();
        self.waiting_bytes -= late.iter().map(|parcel| parcel.bytes()).sum::<usize>();
        late
    }

    /// Nothing to remember.
    pub(super) fn is_idle(&self) -> bool {
        !self.watched && self.waiting.is_empty() && !self.busy.contains(&true)
    }
}
