//! What Kafka knows of one topic-partition, and what it is to be told next: the decisions of the commit protocol.
//!
//! In: records passed, files closed at a boundary, objects completed, commits acknowledged. Out: the next offset
//! commit (offset and plan) and which closings may complete their objects. Pure: no clock, no Kafka, no S3, so that
//! tests and a model can drive it through every order of events.
//!
//! ```text
//!   add_closing(B) ──▶ New ──(a commit with B in its plan is acknowledged)──▶ Planned: objects may be completed
//!                                                                                 │ file_done for each file
//!   next_commit: offset = end of the completed prefix  ◀─────────────────────── Done
//! ```
//!
//! The rules it keeps (numbers as in ARCHITECTURE.md, "The sink's commit protocol"):
//! 1. the committed offset never passes a record that is in no completed object;
//! 3. no object is completed unless its boundary stands in an acknowledged plan;
//!
//! After a recovery files close at the recovered plan's boundaries and nowhere else.

use std::collections::VecDeque;

use crate::plan::{self, ClockStep, Plan};

/// Steps of the clock that the files of one closing may hold: their plan has to fit into commit metadata.
pub const MAX_CLOCK_STEPS: usize = 100;

/// Names a closing within the process.
pub type ClosingId = u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Planned,
}

/// The files of a topic-partition that were closed together at one boundary.
#[derive(Clone, Debug)]
struct Closing {
    id: ClosingId,
    boundary: i64,
    files_left: usize,
    state: State,
}

/// How a record's offset fits to what was passed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It goes on from there (gaps are allowed: compaction and transactions leave them).
    Next,
    /// It was passed before and is in an open file or a closing: leave it out.
    Seen,
    /// It lies below the completed prefix: the offset was reset (the log was cut or the topic made anew), or the client
    /// library gives it a second time. The end of the log tells which, see [`Progress::is_behind`].
    Behind,
}

/// An offset commit to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The offset: everything below it is in completed objects or skipped by rule.
    pub offset: i64,
    /// The plan as commit metadata; empty when nothing is under way.
    pub metadata: String,
    planned: Vec<i64>,
}

/// The state of the protocol for one topic-partition.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Offset and plan as Kafka has them.
    told: Option<Commit>,
    /// Where reading began when nobody had committed before.
    start: Option<i64>,
    /// The completed prefix: everything below is safe.
    done: Option<i64>,
    /// Offset after the last record that was passed (written or skipped).
    passed: Option<i64>,
    closings: VecDeque<Closing>,
    /// Boundaries left to be kept to after a recovery.
    replay: VecDeque<i64>,
    /// With partitions by the wall clock: which time it showed, from the completed prefix on.
    clock: VecDeque<ClockStep>,
    /// Steps that the open files hold.
    open_steps: usize,
    /// The client reads what was completed before.
    behind: bool,
}

impl Progress {
    /// Starts from what the last owner committed: offset and metadata.
    pub fn recover(committed: Option<i64>, metadata: &str) -> Self {
        let plan = plan::decode(metadata).unwrap_or_default();
        let replay: VecDeque<i64> = plan
            .boundaries
            .iter()
            .copied()
            .filter(|boundary| committed.is_some_and(|offset| *boundary > offset))
            .collect();
        let told = committed.map(|offset| Commit {
            offset,
            metadata: metadata.to_owned(),
            planned: plan.boundaries,
        });
        let clock = if replay.is_empty() {
            VecDeque::new()
        } else {
            plan.clock.into()
        };
        Self {
            told,
            start: None,
            done: committed,
            passed: committed,
            closings: VecDeque::new(),
            replay,
            clock,
            open_steps: 0,
            behind: false,
        }
    }

    /// The state as a new owner would recover it, for reading again what was lost. `None` before the first record.
    pub fn again(&self) -> Option<Self> {
        match (&self.told, self.start) {
            (Some(told), _) => Some(Self::recover(Some(told.offset), &told.metadata)),
            (None, Some(start)) => Some(Self {
                told: None,
                start: Some(start),
                done: Some(start),
                passed: Some(start),
                closings: VecDeque::new(),
                replay: VecDeque::new(),
                clock: VecDeque::new(),
                open_steps: 0,
                behind: false,
            }),
            (None, None) => None,
        }
    }

    /// The offset as Kafka has it.
    pub fn committed(&self) -> Option<i64> {
        self.told.as_ref().map(|told| told.offset)
    }

    /// Offset of the next record to be passed; `None` before the first record of a partition nobody committed.
    pub fn position(&self) -> Option<i64> {
        self.passed
    }

    /// The next boundary of a recovered plan. While there is one, files close there and nowhere else.
    pub fn replay_boundary(&self) -> Option<i64> {
        self.replay.front().copied()
    }

    /// The time by which the record at `offset` finds its encoded partition, where the clock decides that: now, or in
    /// a recovered plan what the clock showed when the record was first processed.
    pub fn clock(&self, offset: i64, now_ms: i64) -> i64 {
        if self.replay.is_empty() {
            return now_ms;
        }
        let step = self.clock.iter().rev().find(|step| step.offset <= offset);
        step.map_or(now_ms, |step| step.time_ms)
    }

    /// The record at `offset` was written under the time that [`Progress::clock`] gave. `same` says whether two times
    /// lead to one encoded partition.
    pub fn wrote_by_clock(&mut self, offset: i64, time_ms: i64, same: impl Fn(i64, i64) -> bool) {
        let last = self.clock.back();
        if !self.replay.is_empty() || last.is_some_and(|step| same(step.time_ms, time_ms)) {
            return;
        }
        self.clock.push_back(ClockStep { offset, time_ms });
        self.open_steps += 1;
    }

    /// Whether the open files hold as many steps of the clock as a plan may: they are to be closed.
    pub fn clock_is_full(&self) -> bool {
        self.open_steps >= MAX_CLOCK_STEPS
    }

    /// The log reaches beyond the completed prefix: records below it are there by the client's mistake, and are left out until
    /// it has come to the next one.
    pub fn is_behind(&mut self) {
        self.behind = true;
    }

    /// End of the completed prefix; what lies below it is in objects.
    pub fn completed(&self) -> Option<i64> {
        self.done
    }

    /// A record at `offset` arrives: is it the next one?
    pub fn accept(&mut self, offset: i64) -> Arrival {
        match (self.passed, self.done) {
            (Some(next), Some(done)) if offset < done && offset < next && !self.behind => {
                Arrival::Behind
            }
            (Some(next), _) if offset < next => Arrival::Seen,
            (None, _) => {
                (self.start, self.done, self.passed) = (Some(offset), Some(offset), Some(offset));
                Arrival::Next
            }
            _ => Arrival::Next,
        }
    }

    /// The record at `offset` was written or skipped.
    pub fn pass(&mut self, offset: i64) {
        self.behind = false;
        self.passed = Some(offset + 1);
    }

    /// Files were closed at `boundary`; their objects wait for the plan. `files` may be 0 when all records up to
    /// the boundary were skipped.
    pub fn add_closing(&mut self, id: ClosingId, boundary: i64, files: usize) {
        while self
            .replay
            .front()
            .is_some_and(|planned| *planned <= boundary)
        {
            self.replay.pop_front();
        }
        let state = if self.is_told(boundary) {
            State::Planned
        } else {
            State::New
        };
        self.open_steps = 0;
        self.closings.push_back(Closing {
            id,
            boundary,
            files_left: files,
            state,
        });
        self.settle();
    }

    /// Whether the closing's objects may be completed: its boundary stands in an acknowledged plan.
    pub fn may_complete(&self, id: ClosingId) -> bool {
        self.closings
            .iter()
            .any(|closing| closing.id == id && closing.state == State::Planned)
    }

    /// One object of the closing is completed. False when the closing is not known (any more).
    pub fn file_done(&mut self, id: ClosingId) -> bool {
        let Some(closing) = self.closings.iter_mut().find(|closing| closing.id == id) else {
            return false;
        };
        closing.files_left = closing.files_left.saturating_sub(1);
        self.settle();
        true
    }

    /// Closings whose objects are not all completed.
    pub fn closings_under_way(&self) -> usize {
        self.closings.len()
    }

    /// The offset moves over the completed prefix. A closing without files needs no plan: it completes nothing.
    fn settle(&mut self) {
        while self
            .closings
            .front()
            .is_some_and(|closing| closing.files_left == 0)
        {
            self.done = self.closings.pop_front().map(|closing| closing.boundary);
        }
        // What held at the end of the completed prefix goes on holding.
        while let (Some(done), Some(second)) = (self.done, self.clock.get(1))
            && second.offset <= done
        {
            self.clock.pop_front();
        }
    }

    fn is_told(&self, boundary: i64) -> bool {
        self.told
            .as_ref()
            .is_some_and(|told| told.planned.binary_search(&boundary).is_ok())
    }

    /// How many of `boundaries` (rising) Kafka was told.
    fn told_of(&self, boundaries: &[i64]) -> usize {
        let planned = self.told.as_ref().map_or(&[][..], |told| &told.planned);
        let mut planned = planned.iter().peekable();
        let is_told = |boundary: &&i64| {
            while planned.next_if(|planned| *planned < *boundary).is_some() {}
            planned.peek() == Some(boundary)
        };
        boundaries.iter().filter(is_told).count()
    }

    /// The commit that would tell Kafka what is new, if anything is: closings without a plan, or a longer prefix.
    pub fn next_commit(&self, max_metadata_bytes: usize) -> Option<Commit> {
        let offset = self.done?;
        // Boundaries of a recovered plan that were not reached yet stay in it: another owner may have completed
        // their objects already.
        let mut boundaries: Vec<i64> = self
            .closings
            .iter()
            .map(|closing| closing.boundary)
            .collect();
        boundaries.extend(self.replay.iter());
        // What Kafka was told stays told until it is completed, even where it now needs a byte more: objects at those
        // boundaries may be there already.
        let told = self.told_of(&boundaries);
        let mut plan = Plan {
            boundaries,
            clock: self.clock.iter().copied().collect(),
        };
        let (mut metadata, mut fitting) = plan::encode(&plan, max_metadata_bytes);
        if fitting < told {
            plan.boundaries.truncate(told);
            (metadata, fitting) = plan::encode(&plan, usize::MAX);
        }
        let mut boundaries = plan.boundaries;
        boundaries.truncate(fitting);
        let untold = self.told_of(&boundaries) < boundaries.len();
        let moved = self.committed().or(self.start) != Some(offset);
        (moved || untold).then_some(Commit {
            offset,
            metadata,
            planned: boundaries,
        })
    }

    /// Kafka acknowledged `commit`. Answers the closings that may now complete their objects.
    pub fn acknowledged(&mut self, commit: Commit) -> Vec<ClosingId> {
        let mut ready = Vec::new();
        for closing in &mut self.closings {
            if closing.state == State::New
                && commit.planned.binary_search(&closing.boundary).is_ok()
            {
                closing.state = State::Planned;
                ready.push(closing.id);
            }
        }
        self.told = Some(commit);
        ready
    }

    /// Moves the completed prefix over records that were skipped by rule, when no open file (`open_files`) and no
    /// closing holds an earlier one. True when it moved.
    pub fn settle_skipped(&mut self, open_files: usize) -> bool {
        let moves = open_files == 0
            && self.closings.is_empty()
            && self.replay.is_empty()
            && self.passed > self.done;
        if moves {
            self.done = self.passed;
        }
        moves
    }
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
