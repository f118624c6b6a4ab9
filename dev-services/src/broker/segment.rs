//! One file of a partition's log: whole record batches, one after the other, as producers sent them.
//! In: batches to append, offsets and times to look for; out: positions and bytes. A sparse index in memory (one
//! entry per 4 KiB of file) is built while appending and rebuilt by walking the batch headers at start.
//! A torn batch at the end (the process was killed while it wrote) is cut off at recovery.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::batch::{BatchHeader, HEADER_LEN};
use super::clock::{epoch_ms, now_ms};

/// Distance in bytes between index entries, as Kafka's `index.interval.bytes`.
const INDEX_INTERVAL: u64 = 4_096;

#[derive(Debug)]
struct IndexEntry {
    /// Base offset of the batch at `position`.
    offset: i64,
    position: u64,
    /// Latest timestamp between this entry and the next one.
    max_timestamp: i64,
}

/// A segment file and its index.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) base_offset: i64,
    /// Offset after the last record.
    pub(crate) next_offset: i64,
    pub(crate) size: u64,
    pub(crate) max_timestamp: i64,
    /// When the last batch was written, in ms since 1970; its records may be older.
    pub(crate) written_ms: i64,
    path: PathBuf,
    /// Open while the segment is appended to; closed segments are opened for each read.
    active: Option<Arc<File>>,
    index: Vec<IndexEntry>,
}

/// What a read needs after the log's lock is released.
#[derive(Debug)]
pub(crate) struct ReadPlan {
    file: Arc<File>,
    position: u64,
    end: u64,
}

impl Segment {
    /// Starts an empty segment in `dir`.
    pub(crate) fn create(dir: &Path, base_offset: i64) -> io::Result<Self> {
        let mut segment = Self::closed(dir.join(file_name(base_offset)), base_offset);
        segment.activate()?;
        Ok(segment)
    }

    fn closed(path: PathBuf, base_offset: i64) -> Self {
        Self {
            base_offset,
            next_offset: base_offset,
            size: 0,
            max_timestamp: -1,
            written_ms: now_ms(),
            path,
            active: None,
            index: Vec::new(),
        }
    }

    /// Reads a file left by an earlier run: hands each batch header to `seen`, and cuts off what does not hold
    /// together at the end. Checksums are verified when `verify` is set (the segment that was written last).
    pub(crate) fn recover(
        path: PathBuf,
        base_offset: i64,
        verify: bool,
        mut seen: impl FnMut(&BatchHeader),
    ) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let metadata = file.metadata()?;
        let length = metadata.len();
        let mut segment = Self::closed(path, base_offset);
        segment.written_ms = epoch_ms(metadata.modified()?);
        let mut batch = Vec::new();
        while let Some(header) = next_batch(&file, &segment, length, verify, &mut batch)? {
            seen(&header);
            segment.note(&header);
        }
        if segment.size < length {
            let (path, torn) = (segment.path.display(), length - segment.size);
            tracing::warn!(%path, torn, "cut off an incomplete batch at the end of the log");
            file.set_len(segment.size)?;
        }
        Ok(segment)
    }

    /// Opens the file for appending.
    pub(crate) fn activate(&mut self) -> io::Result<()> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(&self.path)?;
        self.active = Some(Arc::new(file));
        Ok(())
    }

    /// Ends appending; reads go on.
    pub(crate) fn close(&mut self) {
        self.active = None;
    }

    /// Writes a batch whose offset is set. After an error the file is as before.
    pub(crate) fn append(&mut self, batch: &[u8], header: &BatchHeader) -> io::Result<()> {
        let file = self.file()?;
        if let Err(error) = (&*file).write_all(batch) {
            file.set_len(self.size)?;
            return Err(error);
        }
        self.note(header);
        self.written_ms = now_ms();
        Ok(())
    }

    fn note(&mut self, header: &BatchHeader) {
        let due = self
            .index
            .last()
            .is_none_or(|last| self.size - last.position >= INDEX_INTERVAL);
        if due {
            let (offset, position) = (header.base_offset, self.size);
            self.index.push(IndexEntry {
                offset,
                position,
                max_timestamp: header.max_timestamp,
            });
        } else if let Some(last) = self.index.last_mut() {
            last.max_timestamp = last.max_timestamp.max(header.max_timestamp);
        }
        self.size += header.size as u64;
        self.next_offset = header.next_offset();
        self.max_timestamp = self.max_timestamp.max(header.max_timestamp);
    }

    fn file(&self) -> io::Result<Arc<File>> {
        match &self.active {
            Some(file) => Ok(Arc::clone(file)),
            None => File::open(&self.path).map(Arc::new),
        }
    }

    /// Where to start reading for `offset`, at most one index interval before its batch.
    pub(crate) fn plan_read(&self, offset: i64) -> io::Result<ReadPlan> {
        let after = self.index.partition_point(|entry| entry.offset <= offset);
        self.plan_from(after.saturating_sub(1))
    }

    /// Where to start looking for the first batch with a timestamp of at least `timestamp`, if there is one.
    pub(crate) fn plan_time(&self, timestamp: i64) -> io::Result<Option<ReadPlan>> {
        let found = self
            .index
            .iter()
            .position(|entry| entry.max_timestamp >= timestamp);
        found.map(|entry| self.plan_from(entry)).transpose()
    }

    fn plan_from(&self, entry: usize) -> io::Result<ReadPlan> {
        let position = self
            .index
            .get(entry)
            .map_or(self.size, |entry| entry.position);
        Ok(ReadPlan {
            file: self.file()?,
            position,
            end: self.size,
        })
    }

    /// Removes the file.
    pub(crate) fn delete(self) -> io::Result<()> {
        std::fs::remove_file(self.path)
    }
}

impl ReadPlan {
    /// Whole batches from the one that holds `offset` on, up to `max_bytes`; if the first is larger, it alone
    /// (`oversized`) or nothing.
    pub(crate) fn read(&self, offset: i64, max_bytes: usize, oversized: bool) -> io::Result<Bytes> {
        let want = (self.end - self.position).min(max_bytes as u64 + INDEX_INTERVAL);
        let mut buffer = BytesMut::zeroed(want as usize);
        self.file.read_exact_at(&mut buffer, self.position)?;
        let start = skip_to(&buffer, offset);
        let whole = whole_batches(&buffer[start..], max_bytes);
        if whole > 0 || !oversized {
            return Ok(buffer.freeze().slice(start..start + whole));
        }
        self.read_one(self.position + start as u64)
    }

    fn read_one(&self, position: u64) -> io::Result<Bytes> {
        let Some(header) = read_header(&self.file, position, self.end)? else {
            return Ok(Bytes::new());
        };
        let mut batch = BytesMut::zeroed(header.size);
        self.file.read_exact_at(&mut batch, position)?;
        Ok(batch.freeze())
    }

    /// What `pick` makes of the first batch that it and `wanted` accept.
    pub(crate) fn find<T>(
        &self,
        wanted: impl Fn(&BatchHeader) -> bool,
        pick: impl Fn(Bytes) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let mut position = self.position;
        while let Some(header) = read_header(&self.file, position, self.end)? {
            if wanted(&header)
                && let Some(found) = pick(self.read_one(position)?)
            {
                return Ok(Some(found));
            }
            position += header.size as u64;
        }
        Ok(None)
    }
}

/// `00000000000000000042.log`, as Kafka names its segments.
fn file_name(base_offset: i64) -> String {
    format!("{base_offset:020}.log")
}

/// The base offset in a segment's file name; `None` for other files.
pub(crate) fn base_offset_of(name: &str) -> Option<i64> {
    name.strip_suffix(".log")
        .filter(|digits| digits.len() == 20)?
        .parse()
        .ok()
}

/// The header at `position`, if a whole batch lies between it and `end`.
fn read_header(file: &File, position: u64, end: u64) -> io::Result<Option<BatchHeader>> {
    if end - position < HEADER_LEN as u64 {
        return Ok(None);
    }
    let mut bytes = [0; HEADER_LEN];
    file.read_exact_at(&mut bytes, position)?;
    Ok(BatchHeader::parse(&bytes)
        .ok()
        .filter(|header| header.size as u64 <= end - position))
}

/// The next sound batch of a segment that is being recovered.
fn next_batch(
    file: &File,
    segment: &Segment,
    length: u64,
    verify: bool,
    batch: &mut Vec<u8>,
) -> io::Result<Option<BatchHeader>> {
    let Some(header) = read_header(file, segment.size, length)? else {
        return Ok(None);
    };
    if header.base_offset < segment.next_offset || header.last_offset_delta < 0 {
        return Ok(None);
    }
    if verify {
        batch.resize(header.size, 0);
        file.read_exact_at(batch, segment.size)?;
    }
    Ok(Some(header).filter(|header| !verify || header.checksum_matches(batch)))
}

/// Bytes before the batch that holds `offset` (or a later one).
fn skip_to(buffer: &[u8], offset: i64) -> usize {
    let mut at = 0;
    while let Ok(header) = BatchHeader::parse(&buffer[at..]) {
        if header.next_offset() > offset || at + header.size > buffer.len() {
            break;
        }
        at += header.size;
    }
    at
}

/// Length of the whole batches at the start of `buffer` that fit into `max_bytes`.
fn whole_batches(buffer: &[u8], max_bytes: usize) -> usize {
    let limit = buffer.len().min(max_bytes);
    let mut at = 0;
    while let Ok(header) = BatchHeader::parse(&buffer[at..]) {
        if at + header.size > limit {
            break;
        }
        at += header.size;
    }
    at
}
