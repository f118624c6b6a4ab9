//! One topic-partition while this task holds it: its open files, its closings, its progress.
//!
//! In: processed records and decisions to rotate. Out: files closed at a boundary that wait for their plan, and
//! objects completed once it is acknowledged. Dropping it drops the open files: their records are read again.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sluiceway_common::traces::Traces;

use crate::budget::{Account, Budget};
use crate::config::ConnectorConfig;
use crate::dead_letters::DeadLetters;
use crate::error::RecordError;
use crate::events;
use crate::file_set::{FileSet, Stored};
use crate::file_trace::FileTrace;
use crate::metrics::SinkMetrics;
use crate::open_file::{ClosedFile, Completing, NewFile, OpenFile, OpenObject};
use crate::path::FileName;
use crate::progress::{ClosingId, Commit, Progress};
use crate::record::{Datum, Headers, Payload, SinkRecord};
use crate::rotate::{CloseReason, OpenSet};
use crate::schema_change::{self, Change, SchemaCompatibility};
use crate::upload::{FileId, TpId, Uploader};

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

fn next_id() -> u64 {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

/// What all topic-partitions of a task use.
pub(crate) struct Tools {
    pub(crate) config: Arc<ConnectorConfig>,
    pub(crate) stored: Stored,
    pub(crate) budget: Arc<Budget>,
    pub(crate) metrics: Arc<SinkMetrics>,
    pub(crate) uploader: Arc<Uploader>,
    pub(crate) dead_letters: Option<DeadLetters>,
    pub(crate) traces: Traces,
}

impl Tools {
    fn dropped(&self, files: &FileSet) {
        for key in files.keys() {
            events::file_closed(&self.metrics, &self.config.name, key, None);
        }
    }
}

/// The record's value as the files' schema wants it.
fn projected<'r>(
    record: &'r SinkRecord<'_>,
    files: &FileSet,
    mode: SchemaCompatibility,
) -> Result<Cow<'r, Datum<'r>>, RecordError> {
    let (Some(own), Some(wanted), Payload::Tree(value)) =
        (&record.value.schema, &files.schema, &record.value.payload)
    else {
        return Ok(Cow::Borrowed(&record.value));
    };
    if mode == SchemaCompatibility::None || Arc::ptr_eq(own, wanted) || own == wanted {
        return Ok(Cow::Borrowed(&record.value));
    }
    let value = schema_change::project(own, value, wanted).map_err(RecordError::put)?;
    Ok(Cow::Owned(Datum {
        schema: Some(Arc::clone(wanted)),
        payload: value.into(),
    }))
}

/// Where a record is written.
enum Place {
    /// Into these open files.
    In(usize),
    /// Into new files, after all open ones are closed.
    AfterClosing,
    /// Into new files beside the open ones.
    Beside,
}

/// A topic-partition of a task.
pub(crate) struct TopicPartition {
    pub(crate) id: TpId,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) progress: Progress,
    /// Whether the consumer was told to fetch nothing of it for now.
    pub(crate) paused: bool,
    /// When the last record came, or the assignment, by the clock in milliseconds; 0: not told yet.
    pub(crate) active_ms: i64,
    tools: Arc<Tools>,
    account: Arc<Account>,
    files: Vec<FileSet>,
    /// Where in `files` an encoded partition is.
    places: HashMap<String, Vec<usize>>,
    /// Where in `files` the last record went: the next one often goes there, too.
    last_place: usize,
    open: OpenSet,
    waiting: HashMap<ClosingId, Vec<ClosedFile>>,
    completing: HashMap<u64, (ClosingId, Completing)>,
}

impl TopicPartition {
    /// A topic-partition just assigned, with what its last owner committed.
    pub(crate) fn new(topic: &str, partition: i32, progress: Progress, tools: &Arc<Tools>) -> Self {
        Self {
            id: next_id(),
            topic: topic.to_owned(),
            partition,
            progress,
            paused: false,
            active_ms: 0,
            tools: Arc::clone(tools),
            account: tools.budget.account(),
            files: Vec::new(),
            places: HashMap::new(),
            last_place: 0,
            open: OpenSet::default(),
            waiting: HashMap::new(),
            completing: HashMap::new(),
        }
    }

    /// Writes a record into the open files of its folder at `clock_ms`, after closing what a rule wants
    /// closed before it.
    ///
    /// # Errors
    /// The format cannot hold the record; nothing was written.
    pub(crate) fn write(
        &mut self,
        record: &SinkRecord<'_>,
        clock_ms: i64,
    ) -> Result<(), RecordError> {
        let rules = &self.tools.config.rotation;
        let reason = self
            .open
            .before(rules, record.time, record.encoded_partition);
        if let Some(reason) = reason.filter(|_| self.may_rotate()) {
            self.close(reason)?;
        }
        self.open.begin(&self.tools.config.rotation, record.time);
        let part_size = self.tools.config.s3.part_size;
        let at = self.files_for(record)?;
        let mode = self.tools.config.schema_compatibility;
        let files = &mut self.files[at];
        let before = files.encoded_bytes();
        let written = match projected(record, files, mode) {
            Ok(value) => files.write(record, &value, part_size, &self.tools.uploader),
            Err(error) => Err(error),
        };
        let grown = files.encoded_bytes().saturating_sub(before);
        if written.is_err() && files.is_empty() {
            // The next record begins the file, and gives it its name.
            self.drop_files(at);
        }
        written?;
        let rules = &self.tools.config.rotation;
        self.open.add(
            rules,
            record.time,
            record.encoded_partition,
            grown,
            clock_ms,
        );
        Ok(())
    }

    /// The record that was written last has these headers.
    pub(crate) fn belongs_to(&mut self, headers: &dyn Headers) {
        if let Some(files) = self.files.get_mut(self.last_place) {
            files.belongs_to(headers);
        }
    }

    /// Drops files that nothing was written into.
    fn drop_files(&mut self, at: usize) {
        let dropped = self.files.swap_remove(at);
        self.places.clear();
        for (at, files) in self.files.iter().enumerate() {
            let place = self.places.entry(files.encoded_partition.clone());
            place.or_default().push(at);
        }
        self.tools.dropped(&dropped);
    }

    /// The files of a record's folder: those that the last record went into first.
    fn places_of(&self, record: &SinkRecord<'_>) -> impl Iterator<Item = usize> {
        let holds = |at: &usize| {
            let files = self.files.get(*at);
            files.is_some_and(|files| files.holds_folder_of(record))
        };
        let last = Some(self.last_place).filter(holds);
        // Looked up only where the last ones are not enough.
        let all = std::iter::once_with(|| self.places.get(record.encoded_partition))
            .flatten()
            .flatten()
            .copied()
            .filter(move |at| holds(at) && last != Some(*at));
        last.into_iter().chain(all)
    }

    /// The files that `record` goes into; a rule may close all open ones first.
    fn files_for(&mut self, record: &SinkRecord<'_>) -> Result<usize, RecordError> {
        match self.place(record)? {
            Place::In(at) => {
                self.last_place = at;
                return Ok(at);
            }
            Place::AfterClosing => self.close(CloseReason::SchemaChange)?,
            Place::Beside => {}
        }
        let rules = &self.tools.config.rotation;
        let reason = OpenSet::before_file(rules, self.files.len());
        if let Some(reason) = reason.filter(|_| self.may_rotate()) {
            self.close(reason)?;
        }
        self.open_file(record);
        self.last_place = self.files.len() - 1;
        let place = self.places.entry(record.encoded_partition.to_owned());
        place.or_default().push(self.last_place);
        Ok(self.last_place)
    }

    fn place(&self, record: &SinkRecord<'_>) -> Result<Place, RecordError> {
        if !self.tools.config.rotation.on_schema_change {
            return Ok(self.place_by_schema(record));
        }
        let Some(at) = self.places_of(record).next() else {
            return Ok(Place::Beside);
        };
        if !self.may_rotate() {
            return Ok(Place::In(at));
        }
        let mode = self.tools.config.schema_compatibility;
        let change = self.files[at].change(record, mode);
        Ok(match change.map_err(RecordError::put)? {
            Change::NewFile => Place::AfterClosing,
            Change::Same | Change::Project => Place::In(at),
        })
    }

    /// Files of the record's own schema, else the first ones whose schema it can be made to fit. A function of the
    /// records since the last closing, so that a replay finds the same.
    fn place_by_schema(&self, record: &SinkRecord<'_>) -> Place {
        let mode = self.tools.config.schema_compatibility;
        let fitting = self.places_of(record).filter_map(|at| {
            let files = &self.files[at];
            let change = files.change(record, mode).ok()?;
            (change != Change::NewFile).then_some((change != Change::Same, files.first_offset, at))
        });
        fitting
            .min()
            .map_or(Place::Beside, |(_, _, at)| Place::In(at))
    }

    fn open_file(&mut self, record: &SinkRecord<'_>) {
        let (tools, tp) = (&self.tools, self.id);
        let trace = FileTrace::new(&tools.traces);
        let files = FileSet::new(record, &tools.stored, trace, |view, format| {
            let key = tools.config.path.key(&FileName {
                folder_topic: &record.topic,
                encoded_partition: record.encoded_partition,
                topic: &self.topic,
                partition: self.partition,
                first_offset: record.offset,
                extension: &format!("{}{}", view.suffix(), format.extension()),
            });
            events::file_opened(&tools.metrics, &tools.config.name, &key);
            let file = next_id();
            OpenFile::new(NewFile {
                id: FileId { tp, file },
                encoder: format.encoder(&key),
                key,
                first_offset: record.offset,
                sidecar: !view.suffix().is_empty(),
                account: &self.account,
            })
        });
        self.files.push(files);
    }

    /// Whether rules may close files: not while a recovered plan says where.
    fn may_rotate(&self) -> bool {
        self.progress.replay_boundary().is_none()
    }

    /// Closes what a rule wants closed after the last record.
    ///
    /// # Errors
    /// A format cannot be ended.
    pub(crate) fn rotate_after(&mut self) -> Result<(), RecordError> {
        let full = self.progress.clock_is_full();
        let reason = self.open.after(&self.tools.config.rotation);
        let reason = reason.or(full.then_some(CloseReason::ClockChanges));
        reason.map_or(Ok(()), |reason| self.close(reason))
    }

    /// Closes files that have had no record for long. True when it did.
    ///
    /// # Errors
    /// A format cannot be ended.
    pub(crate) fn close_idle(&mut self, clock_ms: i64) -> Result<bool, RecordError> {
        match self.open.idle(&self.tools.config.rotation, clock_ms) {
            Some(reason) if self.may_rotate() => self.close(reason).map(|()| true),
            _ => Ok(false),
        }
    }

    /// Records in open files.
    pub(crate) fn open_records(&self) -> u64 {
        self.open.records()
    }

    /// The open files as they are now.
    pub(crate) fn files_so_far(&self) -> impl Iterator<Item = OpenObject> {
        self.files.iter().flat_map(FileSet::so_far)
    }

    /// Encoded partitions with open files.
    pub(crate) fn open_files(&self) -> usize {
        self.files.len()
    }

    /// Bytes that the open files hold in memory.
    pub(crate) fn held_bytes(&self) -> usize {
        self.account.open()
    }

    /// Bytes on their way to S3, or waiting for their plan: they go by themselves.
    pub(crate) fn bytes_on_their_way(&self) -> usize {
        self.account.closed()
    }

    /// Closes all open files after the last record written, as one closing that waits for its plan.
    ///
    /// # Errors
    /// A format cannot be ended.
    pub(crate) fn close(&mut self, reason: CloseReason) -> Result<(), RecordError> {
        let Some(last) = self.files.iter().map(FileSet::last_offset).max() else {
            return Ok(());
        };
        self.close_at(last + 1, reason)
    }

    /// Closes all open files at a recovered plan's boundary; there may be none when its records were skipped.
    ///
    /// # Errors
    /// A format cannot be ended.
    pub(crate) fn close_at(
        &mut self,
        boundary: i64,
        reason: CloseReason,
    ) -> Result<(), RecordError> {
        let tools = Arc::clone(&self.tools);
        let mut closed = Vec::with_capacity(self.files.len());
        self.places.clear();
        for files in self.files.drain(..) {
            for key in files.keys() {
                events::file_closed(&tools.metrics, &tools.config.name, key, Some(reason));
            }
            closed.extend(files.close(reason, &tools.uploader)?);
        }
        self.open.clear();
        let id = next_id();
        self.progress.add_closing(id, boundary, closed.len());
        self.waiting.insert(id, closed);
        if self.progress.may_complete(id) {
            self.complete(id);
        }
        Ok(())
    }

    /// Kafka acknowledged `commit`: the objects of the closings in its plan are completed.
    pub(crate) fn acknowledged(&mut self, commit: Commit) {
        for closing in self.progress.acknowledged(commit) {
            self.complete(closing);
        }
    }

    fn complete(&mut self, closing: ClosingId) {
        for file in self.waiting.remove(&closing).unwrap_or_default() {
            let completing = file.complete(&self.tools.uploader);
            let file = completing.id.file;
            self.completing.insert(file, (closing, completing));
        }
    }

    /// An object is visible.
    pub(crate) fn completed(&mut self, file: FileId) {
        if let Some((closing, completing)) = self.completing.remove(&file.file) {
            let object = completing.object;
            events::object_completed(&self.tools.metrics, &self.tools.config.name, &object);
            if let Some(trace) = completing.trace {
                trace.completed(&self.tools, (&self.topic, self.partition), &object);
            }
            self.progress.file_done(closing);
        }
    }

    /// Objects on their way, or waiting for their plan.
    pub(crate) fn unfinished(&self) -> bool {
        self.progress.closings_under_way() > 0
    }

    /// Whether every closing that is left may complete by itself: its plan is acknowledged.
    pub(crate) fn only_completing(&self) -> bool {
        self.waiting.is_empty() && !self.completing.is_empty()
    }

    /// Under memory pressure: sends what S3 takes as parts.
    pub(crate) fn send_early(&mut self) {
        let tools = &self.tools;
        for files in &mut self.files {
            for (key, bytes) in files.send_early(&tools.uploader) {
                events::part_sent_early(&tools.metrics, &tools.config.name, key, bytes);
            }
        }
    }

    /// Starts afresh with `progress`: open files and closings are dropped and their records read again.
    pub(crate) fn restart(&mut self, progress: Progress) {
        let mut fresh = Self::new(&self.topic, self.partition, progress, &self.tools);
        fresh.paused = self.paused;
        drop(std::mem::replace(self, fresh));
    }
}

impl Drop for TopicPartition {
    fn drop(&mut self) {
        self.files
            .iter()
            .for_each(|files| self.tools.dropped(files));
    }
}
