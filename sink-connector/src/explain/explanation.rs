//! What `explain` found, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::SampleRecord;
use crate::assignment::Failure;
use crate::error::RecordError;
use crate::events::ClosedObject;
use crate::open_file::OpenObject;

/// What becomes of some records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Objects in the order in which they become visible.
    pub objects: Vec<FileExplained>,
    /// Files that are still open after the last record.
    pub open: Vec<FileExplained>,
    /// Records in objects and open files.
    pub written: u64,
    /// Records passed over by rule.
    pub skipped: Vec<RecordExplained>,
    /// Records that are refused and passed over (`errors.tolerance=all`).
    pub refused: Vec<RecordExplained>,
    /// Offsets that are committed at the end, by `topic-partition`.
    pub committed: BTreeMap<String, i64>,
    /// Why the task fails, if it does: the trace that its status shows, after the record's place.
    pub failure: Option<RecordExplained>,
}

/// An object, or an open file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileExplained {
    /// The object's key.
    pub key: String,
    /// Offset of its first record.
    pub first_offset: i64,
    /// Offset of its last record.
    pub last_offset: i64,
    /// Its records.
    pub records: u64,
    /// Its bytes; of an open file what is encoded so far.
    pub bytes: u64,
    /// Why it was closed, as in metrics; none for an open file.
    pub reason: Option<&'static str>,
}

/// A record, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordExplained {
    /// `topic-partition@offset`.
    pub record: String,
    /// Why.
    pub reason: String,
}

impl FileExplained {
    pub(super) fn closed(object: ClosedObject) -> Self {
        Self {
            key: object.key,
            first_offset: object.first_offset,
            last_offset: object.last_offset,
            records: object.records,
            bytes: object.bytes,
            reason: Some(object.reason.name()),
        }
    }

    pub(super) fn open(file: OpenObject) -> Self {
        Self {
            key: file.key,
            first_offset: file.first_offset,
            last_offset: file.last_offset,
            records: file.records,
            bytes: file.bytes,
            reason: None,
        }
    }
}

impl Explanation {
    pub(super) fn skip(&mut self, record: &SampleRecord, reason: &str) {
        self.skipped.push(at(record, reason));
    }

    pub(super) fn refuse(&mut self, record: &SampleRecord, error: &RecordError) {
        self.refused.push(at(record, error));
    }

    pub(super) fn failed_at(&mut self, record: &SampleRecord, failure: &Failure) {
        self.failure = Some(at(record, trace(failure)));
    }

    pub(super) fn fail(&mut self, failure: &Failure) {
        self.failure.get_or_insert_with(|| RecordExplained {
            record: String::new(),
            reason: trace(failure),
        });
    }
}

fn at(record: &SampleRecord, reason: impl fmt::Display) -> RecordExplained {
    let SampleRecord {
        topic,
        partition,
        offset,
        ..
    } = record;
    RecordExplained {
        record: format!("{topic}-{partition}@{offset}"),
        reason: reason.to_string(),
    }
}

fn trace(failure: &Failure) -> String {
    match failure {
        Failure::Record(error) => error.task_trace(),
        Failure::Exception(exception) => exception.stacktrace(),
    }
}

impl fmt::Display for FileExplained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            first_offset,
            last_offset,
            records,
            bytes,
            reason,
        } = self;
        let plural = if *records == 1 { "" } else { "s" };
        write!(
            f,
            "{key}\n    offsets {first_offset} to {last_offset}, {records} record{plural}, {bytes} bytes, {}",
            reason.unwrap_or("still open")
        )
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in self.objects.iter().chain(&self.open) {
            writeln!(f, "{file}")?;
        }
        for (what, records) in [("passed over", &self.skipped), ("refused", &self.refused)] {
            for RecordExplained { record, reason } in records {
                writeln!(f, "{what}: {record}: {reason}")?;
            }
        }
        for (partition, offset) in &self.committed {
            writeln!(f, "committed: {partition} {offset}")?;
        }
        write!(
            f,
            "{} objects, {} open files, {} records written, {} passed over, {} refused",
            self.objects.len(),
            self.open.len(),
            self.written,
            self.skipped.len(),
            self.refused.len()
        )?;
        match &self.failure {
            Some(RecordExplained { record, reason }) => {
                write!(f, "\nthe task FAILS at {record}:\n{reason}")
            }
            None => Ok(()),
        }
    }
}
