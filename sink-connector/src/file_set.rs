//! The files of one encoded partition that are open together: values, and beside them keys and headers.
//!
//! In: records of one topic-partition and one folder (topic and encoded partition), in offset order. Out: one [`ClosedFile`] a file, all
//! with the same records, closed at one boundary. A record goes into all of them or into none.

use std::borrow::Cow;
use std::sync::Arc;

use crate::encode::{Format, View};
use crate::error::{Exception, RecordError};
use crate::file_trace::FileTrace;
use crate::open_file::{ClosedFile, OpenFile, OpenObject};
use crate::record::{Datum, Headers, SinkRecord};
use crate::rotate::CloseReason;
use crate::schema_change::{Change, SchemaCompatibility};
use crate::upload::Uploader;
use crate::value::SchemaRef;

/// What a topic-partition's files hold, and in which format.
#[derive(Clone)]
pub(crate) struct Stored {
    /// Format of the value files.
    pub(crate) value: Arc<dyn Format>,
    /// Format of the key files, if there are any.
    pub(crate) key: Option<Arc<dyn Format>>,
    /// Format of the header files, if there are any.
    pub(crate) headers: Option<Arc<dyn Format>>,
}

impl Stored {
    /// The files that hold a record: a tombstone has no value.
    pub(crate) fn views(&self, tombstone: bool) -> impl Iterator<Item = (View, &Arc<dyn Format>)> {
        let value = (!tombstone).then_some((View::Value, &self.value));
        let key = self.key.as_ref().map(|format| (View::Key, format));
        let headers = self.headers.as_ref().map(|format| (View::Headers, format));
        [value, key, headers].into_iter().flatten()
    }
}

/// The open files of one encoded partition.
pub(crate) struct FileSet {
    /// Topic as the transforms left it, and the encoded partition: the folder, by which the files are found.
    topic: String,
    pub(crate) encoded_partition: String,
    /// Offset of the first record.
    pub(crate) first_offset: i64,
    /// Schema of the values in them.
    pub(crate) schema: Option<SchemaRef>,
    /// Whether they hold tombstones: keys without values.
    tombstones: bool,
    last_offset: i64,
    records: u64,
    files: Vec<(View, Arc<dyn Format>, OpenFile)>,
    /// The traces of the records in them, where there are any.
    trace: Option<Box<FileTrace>>,
}

impl FileSet {
    /// Files that begin with `record` (which is still to be written). `open` makes the file of a view.
    pub(crate) fn new(
        record: &SinkRecord<'_>,
        stored: &Stored,
        trace: Option<Box<FileTrace>>,
        mut open: impl FnMut(View, &Arc<dyn Format>) -> OpenFile,
    ) -> Self {
        let tombstones = record.value.payload.is_null();
        let file = |(view, format): (View, &Arc<dyn Format>)| {
            (view, Arc::clone(format), open(view, format))
        };
        Self {
            topic: record.topic.clone().into_owned(),
            encoded_partition: record.encoded_partition.to_owned(),
            first_offset: record.offset,
            schema: record.value.schema.clone(),
            tombstones,
            last_offset: record.offset,
            records: 0,
            files: stored.views(tombstones).map(file).collect(),
            trace,
        }
    }

    /// Whether a record lies in the folder of these files.
    pub(crate) fn holds_folder_of(&self, record: &SinkRecord<'_>) -> bool {
        self.encoded_partition == record.encoded_partition && self.topic == record.topic
    }

    /// Whether a record's schema fits these files: tombstones have files of their own.
    ///
    /// # Errors
    /// The schemas cannot be compared.
    pub(crate) fn change(
        &self,
        record: &SinkRecord<'_>,
        mode: SchemaCompatibility,
    ) -> Result<Change, Exception> {
        match (self.tombstones, record.value.payload.is_null()) {
            (true, true) => Ok(Change::Same),
            (false, false) => mode.change(record.value.schema.as_ref(), self.schema.as_ref()),
            _ => Ok(Change::NewFile),
        }
    }

    /// Writes a record; full parts of `part_size` bytes go out. `value` is its value as the files' schema wants it.
    ///
    /// # Errors
    /// The record cannot be written in one of the formats; all files are as before.
    pub(crate) fn write(
        &mut self,
        record: &SinkRecord<'_>,
        value: &Datum<'_>,
        part_size: usize,
        uploader: &Arc<Uploader>,
    ) -> Result<(), RecordError> {
        if let [(View::Value, _, file)] = self.files.as_mut_slice() {
            file.write(value, record.offset, part_size, uploader)?;
        } else {
            self.write_all(record, value, part_size, uploader)?;
        }
        self.last_offset = record.offset;
        self.records += 1;
        Ok(())
    }

    fn write_all(
        &mut self,
        record: &SinkRecord<'_>,
        value: &Datum<'_>,
        part_size: usize,
        uploader: &Arc<Uploader>,
    ) -> Result<(), RecordError> {
        let mut data = Vec::with_capacity(self.files.len());
        // Of several faults that one is told which the original finds first: no key, no headers, then what cannot be written.
        self.files
            .iter()
            .try_for_each(|(view, ..)| view.require(record))?;
        for (view, format, file) in &mut self.files {
            let datum = match view {
                View::Value => Cow::Borrowed(value),
                view => view.of(record, format.as_ref())?,
            };
            file.check(&datum)?;
            data.push(datum);
        }
        for ((_, _, file), datum) in self.files.iter_mut().zip(&data) {
            file.write(datum, record.offset, part_size, uploader)?;
        }
        Ok(())
    }

    /// The record that was just written has these headers.
    pub(crate) fn belongs_to(&mut self, headers: &dyn Headers) {
        if let Some(trace) = &mut self.trace {
            trace.add(headers);
        }
    }

    /// Whether nothing was written yet: its first record was refused.
    pub(crate) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Offset of the last record in the files.
    pub(crate) fn last_offset(&self) -> i64 {
        self.last_offset
    }

    /// Keys of the objects.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(_, _, file)| file.key.as_str())
    }

    /// The files as they are now.
    pub(crate) fn so_far(&self) -> impl Iterator<Item = OpenObject> {
        self.files.iter().map(|(_, _, file)| file.so_far())
    }

    /// Bytes of the files so far, encoded.
    pub(crate) fn encoded_bytes(&self) -> u64 {
        self.files
            .iter()
            .map(|(_, _, file)| file.encoded_bytes())
            .sum()
    }

    /// Under memory pressure: sends what S3 takes as parts. Key and bytes of each.
    pub(crate) fn send_early(
        &mut self,
        uploader: &Arc<Uploader>,
    ) -> impl Iterator<Item = (&str, usize)> {
        let files = self.files.iter_mut();
        files.filter_map(|(_, _, file)| {
            let bytes = file.send_early(uploader)?;
            Some((file.key.as_str(), bytes))
        })
    }

    /// Ends the files.
    ///
    /// # Errors
    /// A format cannot be ended.
    pub(crate) fn close(
        self,
        reason: CloseReason,
        uploader: &Arc<Uploader>,
    ) -> Result<Vec<ClosedFile>, RecordError> {
        let trace = self.trace.map(FileTrace::closed);
        self.files
            .into_iter()
            .map(|(_, _, file)| file.close(reason, uploader, trace.clone()))
            .collect()
    }
}
