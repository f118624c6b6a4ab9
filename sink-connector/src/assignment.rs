//! The topic-partitions a task holds, and everything that happens to them between two polls.
//!
//! In: records, upload events, the clock, assignments and revocations. Out: commits to make. It is shared between
//! the task's loop and the rebalance callback, which run on the same thread, one after the other.
//!
//! | module | what it is |
//! |---|---|
//! | `records` | a record through the pipeline into its open files |
//! | `closing` | what the clock, silence and memory close |
//! | `fetching` | what the consumer is to fetch nothing of for now |
//! | `gaps` | planned boundaries whose records are gone |
//! | `commits` | uploads that ended, commits that are due |

mod closing;
mod commits;
mod fetching;
mod gaps;
#[cfg(test)]
mod pressure_tests;
mod records;

pub(crate) use commits::TpCommit;
pub(crate) use fetching::Fetching;
pub(crate) use records::Taken;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, mpsc};

use crate::dead_letters::DeadLetters;
use crate::error::{Exception, RecordError, unrecoverable};
use crate::open_file::OpenObject;
use crate::pipeline::Pipeline;
use crate::plan::MAX_METADATA_BYTES;
use crate::progress::Progress;
use crate::topic_partition::{Tools, TopicPartition};
use crate::upload::{TpId, UploadEvent};

/// Why a task ends.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A record cannot be processed.
    Record(RecordError),
    /// Anything else, as its status shows it.
    Exception(Exception),
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

/// The topic-partitions of one task.
pub(crate) struct Assignment {
    tools: Arc<Tools>,
    pipeline: Pipeline,
    uploads: mpsc::Receiver<UploadEvent>,
    slots: Vec<Option<TopicPartition>>,
    index: HashMap<String, HashMap<i32, usize>>,
    by_id: HashMap<TpId, usize>,
    last: Option<usize>,
    /// Slots whose progress may call for a commit.
    dirty: BTreeSet<usize>,
    /// Slots with skipped records that no closing has covered yet.
    skipped: BTreeSet<usize>,
    next_schedule: Option<i64>,
    /// The clock, as it was told last, and when idle files are looked for again.
    now_ms: i64,
    next_idle_ms: i64,
    /// Topic-partitions to be read again from their committed offset.
    rewinds: Vec<(String, i32, i64)>,
    max_metadata_bytes: usize,
    /// Why a callback, which cannot answer, found that the task has to end.
    failure: Option<Failure>,
}

impl Assignment {
    /// No topic-partitions yet.
    pub(crate) fn new(
        tools: Arc<Tools>,
        pipeline: Pipeline,
        uploads: mpsc::Receiver<UploadEvent>,
    ) -> Self {
        Self {
            tools,
            pipeline,
            uploads,
            slots: Vec::new(),
            index: HashMap::new(),
            by_id: HashMap::new(),
            last: None,
            dirty: BTreeSet::new(),
            skipped: BTreeSet::new(),
            next_schedule: None,
            now_ms: 0,
            next_idle_ms: 0,
            rewinds: Vec::new(),
            max_metadata_bytes: MAX_METADATA_BYTES,
            failure: None,
        }
    }

    /// Takes over a topic-partition with what its last owner committed.
    pub(crate) fn add(
        &mut self,
        topic: &str,
        partition: i32,
        committed: Option<i64>,
        metadata: &str,
    ) {
        self.remove(topic, partition);
        let state = TopicPartition::new(
            topic,
            partition,
            Progress::recover(committed, metadata),
            &self.tools,
        );
        let slot = self
            .slots
            .iter()
            .position(Option::is_none)
            .unwrap_or(self.slots.len());
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        self.by_id.insert(state.id, slot);
        self.slots[slot] = Some(state);
        self.tools.uploader.divide(self.by_id.len());
        self.index
            .entry(topic.to_owned())
            .or_default()
            .insert(partition, slot);
    }

    /// Gives a topic-partition up: its open files and closings are gone when this returns.
    pub(crate) fn remove(&mut self, topic: &str, partition: i32) {
        let Some(slot) = self
            .index
            .get_mut(topic)
            .and_then(|partitions| partitions.remove(&partition))
        else {
            return;
        };
        if let Some(state) = self.slots[slot].take() {
            self.by_id.remove(&state.id);
            self.tools.uploader.divide(self.by_id.len());
            if let Some(letters) = &self.tools.dead_letters {
                letters.forget(state.id);
            }
        }
        self.last = None;
        self.dirty.remove(&slot);
        self.skipped.remove(&slot);
        self.rewinds
            .retain(|(t, p, _)| !(t == topic && *p == partition));
    }

    /// Topic-partitions held.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether none is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Committed offsets by topic and partition, for the lag.
    pub(crate) fn committed(&self) -> HashMap<String, Vec<(i32, Option<i64>)>> {
        let mut found: HashMap<String, Vec<(i32, Option<i64>)>> = HashMap::new();
        for state in self.slots.iter().flatten() {
            let offset = (state.partition, state.progress.committed());
            found.entry(state.topic.clone()).or_default().push(offset);
        }
        found
    }

    /// The open files as they are now.
    pub(crate) fn files_so_far(&self) -> impl Iterator<Item = OpenObject> {
        self.slots
            .iter()
            .flatten()
            .flat_map(TopicPartition::files_so_far)
    }

    fn slot(&mut self, topic: &str, partition: i32) -> Option<usize> {
        if let Some(slot) = self.last
            && let Some(state) = &self.slots[slot]
            && state.partition == partition
            && state.topic == topic
        {
            return Some(slot);
        }
        self.last = self
            .index
            .get(topic)
            .and_then(|partitions| partitions.get(&partition))
            .copied();
        self.last
    }

    /// Remembers why the task has to end.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    /// Why the task has to end, if a callback or the dead-letter topic found so.
    pub(crate) fn take_failure(&mut self) -> Option<Failure> {
        let letters = self.tools.dead_letters.as_ref();
        let refused = letters.and_then(DeadLetters::failure).map(unrecoverable);
        self.failure.take().or(refused.map(Failure::Exception))
    }
}
