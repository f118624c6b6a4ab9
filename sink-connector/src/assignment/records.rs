//! Records: each through the pipeline into its open files, or why not.

use std::collections::HashMap;

use super::{Assignment, Failure};
use crate::error::{
    CONNECT_EXCEPTION, Exception, RecordError, Stage, tolerance_exceeded, unrecoverable,
};
use crate::events;
use crate::pipeline::{Outcome, Pipeline, SkipReason};
use crate::progress::{Arrival, Progress};
use crate::record::RawRecord;
use crate::rotate::CloseReason;
use crate::topic_partition::{Tools, TopicPartition};

/// What became of a record.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It belongs to no topic-partition of ours (any more).
    NotOurs,
    /// It was taken before.
    Seen,
    /// It lies below the completed prefix, which ends at this offset; nothing was done with it. Either the log was cut
    /// ([`Assignment::take_afresh`]) or the client is wrong ([`Assignment::is_behind`]).
    Behind(i64),
    /// It is in the open files.
    Written,
    /// It was passed over by rule.
    Skipped(SkipReason),
    /// It was refused, and is passed over.
    Refused(Box<RecordError>),
}

impl Assignment {
    /// Takes one record.
    ///
    /// # Errors
    /// The record cannot be processed and may not be skipped.
    pub(crate) fn take(&mut self, raw: &RawRecord<'_>) -> Result<Taken, Failure> {
        let Some(slot) = self.slot(raw.topic, raw.partition) else {
            return Ok(Taken::NotOurs);
        };
        let Some(state) = self.slots[slot].as_mut() else {
            return Ok(Taken::NotOurs);
        };
        state.active_ms = self.now_ms;
        match state.progress.accept(raw.offset) {
            Arrival::Next => {}
            Arrival::Seen => return Ok(Taken::Seen),
            Arrival::Behind => {
                return Ok(Taken::Behind(state.progress.completed().unwrap_or(-1)));
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
            Ok(Outcome::Write(record)) if record.topic.is_empty() => Err(nameless(&self.index)),
            Ok(Outcome::Write(record)) => state.write(&record, self.now_ms).map(|()| {
                wrote_by_clock(state, &self.pipeline, raw.offset, clock_ms);
                if let Some(headers) = raw.headers.filter(|_| self.tools.traces.is_on()) {
                    state.belongs_to(headers);
                }
                Taken::Written
            }),
            Ok(Outcome::Skip(reason)) => {
                events::record_skipped(&self.tools.metrics, &self.tools.config.name, reason.name());
                Ok(Taken::Skipped(reason))
            }
            Err(error) => Err(error),
        };
        let taken = match result {
            Ok(taken) => taken,
            Err(error) => refused(&self.tools, state, raw, error)?,
        };
        if !matches!(taken, Taken::Written) {
            self.skipped.insert(slot);
        }
        state.progress.pass(raw.offset);
        if rotate_after(state, raw.offset)? || state.unfinished() {
            self.dirty.insert(slot);
        }
        Ok(taken)
    }

    /// Takes a record whose log was cut below the completed prefix, or whose topic was made anew: reading starts afresh
    /// with it, as in the original.
    ///
    /// # Errors
    /// As [`Assignment::take`].
    pub(crate) fn take_afresh(&mut self, raw: &RawRecord<'_>) -> Result<Taken, Failure> {
        if let Some(slot) = self.slot(raw.topic, raw.partition)
            && let Some(state) = self.slots[slot].as_mut()
        {
            let expected = state.progress.position().unwrap_or(-1);
            let name = &self.tools.config.name;
            events::offset_reset(name, raw.topic, raw.partition, raw.offset, expected);
            self.by_id.remove(&state.id);
            state.restart(Progress::recover(None, ""));
            self.by_id.insert(state.id, slot);
        }
        self.take(raw)
    }

    /// The record's log is whole: it was completed long ago, and so was what follows it up to the completed prefix's end.
    pub(crate) fn is_behind(&mut self, raw: &RawRecord<'_>) {
        if let Some(slot) = self.slot(raw.topic, raw.partition)
            && let Some(state) = self.slots[slot].as_mut()
        {
            let expected = state.progress.position().unwrap_or(-1);
            let name = &self.tools.config.name;
            events::read_again(name, raw.topic, raw.partition, raw.offset, expected);
            state.progress.is_behind();
        }
    }

    /// Tells the time: milliseconds since 1970.
    pub(crate) fn set_now(&mut self, now_ms: i64) {
        self.now_ms = now_ms;
    }
}

/// A transform left the topic without a name: no folder can be called so. The words are those that the original has for
/// any other topic than the one that was read.
fn nameless(index: &HashMap<String, HashMap<i32, usize>>) -> RecordError {
    let mut assigned: Vec<String> = index
        .iter()
        .flat_map(|(topic, partitions)| partitions.keys().map(move |one| format!("{topic}-{one}")))
        .collect();
    assigned.sort_unstable();
    let text = format!(
        "No writer found for topic partition -0. The record's topic-partition does not match any assigned partitions. \
         Assigned partitions: [{}]",
        assigned.join(", ")
    );
    RecordError::fatal(Exception::new(CONNECT_EXCEPTION, text))
}

/// Tells of a record that was refused, and sends it to the dead-letter topic.
fn refused(
    tools: &Tools,
    state: &TopicPartition,
    raw: &RawRecord<'_>,
    error: RecordError,
) -> Result<Taken, Failure> {
    let tolerated = tools.config.errors.tolerates(&error);
    let place = (raw.topic, raw.partition, raw.offset);
    events::record_failed(&tools.metrics, &tools.config, place, &error, tolerated);
    if error.reportable
        && let Some(letters) = &tools.dead_letters
    {
        let sent = letters.send(state.id, raw, &error);
        sent.map_err(|cause| Failure::Exception(unrecoverable(cause)))?;
        events::dead_letter(&tools.metrics, &tools.config.name, &error);
    }
    if tolerated {
        return Ok(Taken::Refused(Box::new(error)));
    }
    let reported = error.stage == Stage::TaskPut && tools.config.errors.has_reporter();
    Err(match error.reportable && reported {
        // The reporter itself ends the task then.
        true => Failure::Exception(unrecoverable(tolerance_exceeded(error.exception))),
        false => error.into(),
    })
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
