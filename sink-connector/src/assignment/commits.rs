//! Uploads that ended, and the commits that they make due.

use std::time::Duration;

use super::{Assignment, Failure};
use crate::error::unrecoverable;
use crate::events;
use crate::progress::Commit;
use crate::topic_partition::TopicPartition;
use crate::upload::{TpId, UploadEvent};

/// How long a commit waits for dead letters before it is put off.
const LETTERS_WAIT: Duration = Duration::from_secs(1);

/// A commit of one topic-partition, with the assignment it was made for.
#[derive(Debug)]
pub(crate) struct TpCommit {
    pub(crate) slot: usize,
    pub(crate) id: TpId,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) commit: Commit,
}

impl Assignment {
    /// Takes in what uploads have reported; `wait` bounds the wait for a first report.
    ///
    /// # Errors
    /// S3 refused an upload for good.
    pub(crate) fn absorb_uploads(&mut self, wait: std::time::Duration) -> Result<(), Failure> {
        let first = if wait.is_zero() {
            self.uploads.try_recv().ok()
        } else {
            self.uploads.recv_timeout(wait).ok()
        };
        let mut next = first;
        while let Some(event) = next {
            self.absorb(event)?;
            next = self.uploads.try_recv().ok();
        }
        Ok(())
    }

    fn absorb(&mut self, event: UploadEvent) -> Result<(), Failure> {
        match event {
            UploadEvent::Completed(file) => {
                if let Some(slot) = self.by_id.get(&file.tp).copied()
                    && let Some(state) = self.slots[slot].as_mut()
                {
                    state.completed(file);
                    self.dirty.insert(slot);
                }
                Ok(())
            }
            UploadEvent::Lost(file) => {
                if let Some(slot) = self.by_id.get(&file.tp).copied() {
                    self.rewind(slot);
                }
                Ok(())
            }
            UploadEvent::Failed(error) => Err(Failure::Exception(unrecoverable(error.exception()))),
        }
    }

    /// The topic-partition's state is dropped and built anew from what Kafka has of it.
    fn rewind(&mut self, slot: usize) {
        let Some(state) = self.slots[slot].as_mut() else {
            return;
        };
        events::upload_lost(
            &self.tools.metrics,
            &self.tools.config.name,
            &state.topic,
            state.partition,
        );
        let Some(progress) = state.progress.again() else {
            return;
        };
        let from = progress.position();
        self.by_id.remove(&state.id);
        state.restart(progress);
        self.by_id.insert(state.id, slot);
        if let Some(offset) = from {
            self.rewinds
                .push((state.topic.clone(), state.partition, offset));
        }
    }

    /// Where reading has to start again: topic, partition, offset.
    pub(crate) fn take_rewinds(&mut self) -> Vec<(String, i32, i64)> {
        std::mem::take(&mut self.rewinds)
    }

    /// Whether any object is on its way or waits for its plan.
    pub(crate) fn unfinished(&self) -> bool {
        self.slots.iter().flatten().any(TopicPartition::unfinished)
    }

    /// Whether objects of these topic-partitions are on their way whose plan is acknowledged.
    pub(crate) fn completing(&self, partitions: &[(String, i32)]) -> bool {
        partitions.iter().any(|(topic, partition)| {
            let slot = self.index.get(topic).and_then(|found| found.get(partition));
            slot.and_then(|slot| self.slots[*slot].as_ref())
                .is_some_and(TopicPartition::only_completing)
        })
    }

    /// The commits that are due. One that would pass a dead letter on its way waits for it.
    pub(crate) fn commits_due(&mut self) -> Vec<TpCommit> {
        let max = self.max_metadata_bytes;
        let mut due = Vec::new();
        let letters = self.tools.dead_letters.as_ref();
        if let Some(letters) = letters.filter(|_| !self.dirty.is_empty()) {
            letters.settled(LETTERS_WAIT);
        }
        for slot in std::mem::take(&mut self.dirty) {
            let Some(state) = self.slots[slot].as_ref() else {
                continue;
            };
            if let Some(commit) = state.progress.next_commit(max) {
                if letters.is_some_and(|letters| letters.holds(state.id, commit.offset)) {
                    self.dirty.insert(slot);
                    continue;
                }
                let (topic, partition) = (state.topic.clone(), state.partition);
                due.push(TpCommit {
                    slot,
                    id: state.id,
                    topic,
                    partition,
                    commit,
                });
            }
        }
        due
    }

    /// Moves offsets over skipped records where nothing earlier is open.
    pub(crate) fn settle_skipped(&mut self) {
        let slots = &mut self.slots;
        let dirty = &mut self.dirty;
        self.skipped.retain(|slot| {
            let Some(state) = slots[*slot].as_mut() else {
                return false;
            };
            let open_files = state.open_files();
            let moved = state.progress.settle_skipped(open_files);
            if moved {
                dirty.insert(*slot);
            }
            !moved
        });
    }

    /// Kafka acknowledged the commit.
    pub(crate) fn acknowledged(&mut self, commit: TpCommit) {
        if let Some(state) = self.slots[commit.slot]
            .as_mut()
            .filter(|state| state.id == commit.id)
        {
            state.acknowledged(commit.commit);
            // What did not fit into this plan is due next.
            if state.unfinished() {
                self.dirty.insert(commit.slot);
            }
        }
    }

    /// Kafka did not take the commit; it is due again.
    pub(crate) fn refused(&mut self, commits: Vec<TpCommit>) {
        self.dirty.extend(commits.iter().map(|commit| commit.slot));
    }

    /// The broker's `offset.metadata.max.bytes` is smaller than thought.
    pub(crate) fn shrink_metadata(&mut self) {
        self.max_metadata_bytes = (self.max_metadata_bytes / 2).max(64);
    }
}
