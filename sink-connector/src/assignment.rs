//! The topic-partitions a task holds, and everything that happens to them between two polls.
//!
//! In: records, upload events, the clock, assignments and revocations. Out: commits to make. It is shared between
//! the task's loop and the rebalance callback, which run on the same thread, one after the other.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::budget::Pressure;
use crate::dead_letters::DeadLetters;
use crate::error::{Exception, RecordError, unrecoverable};
use crate::events;
use crate::pipeline::{Outcome, Pipeline};
use crate::plan::MAX_METADATA_BYTES;
use crate::progress::{Arrival, Commit, Progress};
use crate::record::RawRecord;
use crate::rotate::{CloseReason, next_scheduled};
use crate::topic_partition::{Tools, TopicPartition};
use crate::upload::{TpId, UploadEvent};

/// Closings of a task above which it takes no more records, and below which it goes on.
const CLOSINGS_HIGH: usize = 4_000;
const CLOSINGS_LOW: usize = 1_000;

/// How long a commit waits for dead letters before it is put off.
const LETTERS_WAIT: Duration = Duration::from_secs(1);

/// Share of the byte budget that open files may hold under pressure, and what is left after closing some, percent.
/// Both lie below the soft mark, so that a task that was held back always goes on.
const OPEN_FILES_HIGH_PERCENT: usize = 50;
const OPEN_FILES_LOW_PERCENT: usize = 30;

/// How often idle files are looked for, in milliseconds.
const IDLE_CHECK_MS: i64 = 50;

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

/// A commit of one topic-partition, with the assignment it was made for.
#[derive(Debug)]
pub(crate) struct TpCommit {
    pub(crate) slot: usize,
    pub(crate) id: TpId,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) commit: Commit,
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

    // --- assignment ------------------------------------------------------------------------------------------

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

    /// Topic and partition of each one held.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = (&str, i32)> {
        self.slots
            .iter()
            .flatten()
            .map(|state| (state.topic.as_str(), state.partition))
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

    // --- records ---------------------------------------------------------------------------------------------

    /// Takes one record. Answers false when it belongs to no topic-partition of ours (any more).
    ///
    /// # Errors
    /// The record cannot be processed and may not be skipped.
    pub(crate) fn take(&mut self, raw: &RawRecord<'_>) -> Result<bool, Failure> {
        let Some(slot) = self.slot(raw.topic, raw.partition) else {
            return Ok(false);
        };
        let Some(state) = self.slots[slot].as_mut() else {
            return Ok(false);
        };
        match state.progress.accept(raw.offset) {
            Arrival::Next => {}
            Arrival::Seen => return Ok(true),
            Arrival::Reset => {
                let expected = state.progress.position().unwrap_or(-1);
                events::offset_reset(
                    &self.tools.config.name,
                    raw.topic,
                    raw.partition,
                    raw.offset,
                    expected,
                );
                self.by_id.remove(&state.id);
                state.restart(Progress::recover(None, ""));
                self.by_id.insert(state.id, slot);
                state.progress.accept(raw.offset);
            }
        }
        // A boundary inside a gap of the log: what came before it is complete.
        while let Some(boundary) = state
            .progress
            .replay_boundary()
            .filter(|boundary| *boundary <= raw.offset)
        {
            state.close_at(boundary, CloseReason::Plan)?;
            self.dirty.insert(slot);
        }
        let clock_ms = state.progress.clock(raw.offset, self.now_ms);
        self.pipeline.set_clock(clock_ms);
        let result = match self.pipeline.process(raw) {
            Ok(Outcome::Write(record)) => state
                .write(&record, self.now_ms)
                .map(|()| wrote_by_clock(state, &self.pipeline, raw.offset, clock_ms)),
            Ok(Outcome::Skip(reason)) => {
                events::record_skipped(&self.tools.metrics, &self.tools.config.name, reason.name());
                self.skipped.insert(slot);
                Ok(())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            let tolerated = self.tools.config.errors.tolerates(&error);
            let place = (raw.topic, raw.partition, raw.offset);
            events::record_failed(
                &self.tools.metrics,
                &self.tools.config,
                place,
                &error,
                tolerated,
            );
            if error.reportable
                && let Some(letters) = &self.tools.dead_letters
            {
                let sent = letters.send(state.id, raw, &error);
                sent.map_err(|cause| Failure::Exception(unrecoverable(cause)))?;
                events::dead_letter(&self.tools.metrics, &self.tools.config.name, &error);
            }
            if !tolerated {
                return Err(error.into());
            }
            self.skipped.insert(slot);
        }
        state.progress.pass(raw.offset);
        if rotate_after(state, raw.offset)? || state.unfinished() {
            self.dirty.insert(slot);
        }
        Ok(true)
    }

    /// Tells the time: milliseconds since 1970.
    pub(crate) fn set_now(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
    }

    // --- the clock and memory --------------------------------------------------------------------------------

    /// Closes what has had no record for long, and what the schedule wants closed by now (milliseconds since 1970).
    ///
    /// # Errors
    /// A format cannot be ended.
    pub(crate) fn on_clock(&mut self, now_ms: i64) -> Result<(), Failure> {
        self.now_ms = now_ms;
        self.close_idle(now_ms)?;
        let Some(schedule) = &self.tools.config.rotation.schedule else {
            return Ok(());
        };
        match self.next_schedule {
            Some(next) if now_ms < next => return Ok(()),
            Some(_) => {
                for (slot, state) in self.slots.iter_mut().enumerate() {
                    let Some(state) = state else { continue };
                    if state.open_records() > 0 && state.progress.replay_boundary().is_none() {
                        state.close(CloseReason::Schedule)?;
                        self.dirty.insert(slot);
                    }
                }
            }
            None => {}
        }
        self.next_schedule = Some(next_scheduled(schedule, now_ms));
        Ok(())
    }

    fn close_idle(&mut self, now_ms: i64) -> Result<(), Failure> {
        if self.tools.config.rotation.idle_ms.is_none() || now_ms < self.next_idle_ms {
            return Ok(());
        }
        self.next_idle_ms = now_ms + IDLE_CHECK_MS;
        for (slot, state) in self.slots.iter_mut().enumerate() {
            let Some(state) = state else { continue };
            if state.close_idle(now_ms)? {
                self.dirty.insert(slot);
            }
        }
        Ok(())
    }

    /// Eases the byte budget: full enough parts go out early. Above the hard mark, when the open files themselves
    /// (not uploads on their way) hold most of it, those that hold most are closed.
    ///
    /// # Errors
    /// A format cannot be ended.
    pub(crate) fn on_pressure(&mut self) -> Result<(), Failure> {
        let pressure = self.tools.budget.pressure();
        if pressure == Pressure::None {
            return Ok(());
        }
        self.slots
            .iter_mut()
            .flatten()
            .for_each(TopicPartition::send_early);
        if pressure == Pressure::Soft {
            return Ok(());
        }
        let percent = self.tools.budget.total() / 100;
        let mut held: usize = self.slots.iter().flatten().map(|tp| tp.held_bytes()).sum();
        if held < percent * OPEN_FILES_HIGH_PERCENT {
            return Ok(());
        }
        while held > percent * OPEN_FILES_LOW_PERCENT
            && let Some((bytes, slot)) = self.heaviest()
        {
            held = held.saturating_sub(bytes);
            if let Some(state) = self.slots[slot].as_mut() {
                state.close(CloseReason::Memory)?;
                self.dirty.insert(slot);
            }
        }
        Ok(())
    }

    /// The topic-partition whose open files hold most bytes and may be closed.
    fn heaviest(&self) -> Option<(usize, usize)> {
        let slots = self.slots.iter().enumerate();
        let closable = slots.filter_map(|(slot, state)| {
            let state = state.as_ref()?;
            let free = state.open_records() > 0 && state.progress.replay_boundary().is_none();
            free.then(|| (state.held_bytes(), slot))
        });
        closable.max()
    }

    /// Whether the task should take no more records for now; `held` is what it was told last.
    pub(crate) fn hold_back(&self, held: bool) -> bool {
        let closings: usize = self
            .slots
            .iter()
            .flatten()
            .map(|state| state.progress.closings_under_way())
            .sum();
        let limit = if held { CLOSINGS_LOW } else { CLOSINGS_HIGH };
        let pressure = self.tools.budget.pressure();
        closings > limit || pressure == Pressure::Hard || (held && pressure >= Pressure::Soft)
    }

    // --- uploads and commits ---------------------------------------------------------------------------------

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

/// Remembers the time by which a record found its encoded partition, where the clock decides that.
fn wrote_by_clock(state: &mut TopicPartition, pipeline: &Pipeline, offset: i64, clock_ms: i64) {
    let Some(bucket) = pipeline.clock_bucket(clock_ms) else {
        return;
    };
    let same = |before, _| pipeline.clock_bucket(before) == Some(bucket);
    state.progress.wrote_by_clock(offset, clock_ms, same);
}

/// Closes files after the record at `offset`: at a recovered plan's boundary (true), or as the rules want.
fn rotate_after(state: &mut TopicPartition, offset: i64) -> Result<bool, RecordError> {
    match state.progress.replay_boundary() {
        Some(boundary) if boundary == offset + 1 => {
            state.close_at(boundary, CloseReason::Plan).map(|()| true)
        }
        Some(_) => Ok(false),
        None => state.rotate_after().map(|()| false),
    }
}
