//! A partition's log: segments in order, the offsets at both ends, and the producers that wrote to it.
//! In: one batch at a time, checked by the caller; out: its offset, stored batches, offsets for times. A batch is
//! in the file (though not synced) before `append` returns, which is what acknowledgements rest on.

mod recovery;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::records::RecordBatchDecoder;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::batch::{self, BatchHeader};
use super::files;
use super::producers::{Producers, Verdict};
use super::segment::{self, Segment};

const START_OFFSET_FILE: &str = "start-offset";

/// The log of one partition.
#[derive(Debug)]
pub(crate) struct Log {
    dir: PathBuf,
    state: Mutex<State>,
    waiting: Mutex<Vec<Arc<Notify>>>,
}

#[derive(Debug)]
struct State {
    /// Never empty; the last one is appended to.
    segments: VecDeque<Segment>,
    start_offset: i64,
    producers: Producers,
    /// Set when the topic is deleted; nothing may be appended or read any more.
    deleted: bool,
}

/// The topic's settings that decide how a batch is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AppendRules {
    /// `message.timestamp.type=LogAppendTime`: the time now in ms since 1970; `None` keeps the producer's times.
    pub(crate) append_time: Option<i64>,
    /// Size at which a new segment is started, in bytes.
    pub(crate) segment_bytes: u64,
}

/// Where a batch is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    /// Time of append in ms when the topic's times are the broker's, else -1.
    pub(crate) append_time: i64,
    pub(crate) start_offset: i64,
}

/// Stored batches and the offsets around them.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) records: Bytes,
    pub(crate) start_offset: i64,
    pub(crate) end_offset: i64,
}

impl Log {
    /// Opens the partition in `dir`, which is created when missing, and recovers what it holds.
    pub(crate) fn open(dir: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&dir)?;
        let marked = recovery::read_start_offset(&dir)?;
        let mut producers = Producers::default();
        let mut segments = recovery::recover_segments(&dir, &mut producers)?;
        match segments.back_mut() {
            Some(last) => last.activate()?,
            None => segments.push_back(Segment::create(&dir, marked)?),
        }
        let first = segments.front().map_or(0, |segment| segment.base_offset);
        let state = State {
            segments,
            start_offset: marked.max(first),
            producers,
            deleted: false,
        };
        Ok(Self {
            dir,
            state: Mutex::new(state),
            waiting: Mutex::default(),
        })
    }

    /// Appends the batch of a producer, or finds it in the log already.
    ///
    /// # Errors
    /// What the idempotent producer's rules say, `UNKNOWN_TOPIC_OR_PARTITION` after a deletion, and
    /// `KAFKA_STORAGE_ERROR` when the file cannot be written.
    pub(crate) fn append(
        &self,
        batch: &[u8],
        header: &BatchHeader,
        rules: AppendRules,
    ) -> Result<Appended, ResponseError> {
        let appended = self.state.lock().append(&self.dir, batch, header, rules)?;
        self.wake();
        Ok(appended)
    }

    /// Reads from `offset` on: whole batches of up to `max_bytes`, or one larger batch when `oversized`.
    ///
    /// # Errors
    /// `OFFSET_OUT_OF_RANGE` outside the log, `UNKNOWN_TOPIC_OR_PARTITION` after a deletion,
    /// `KAFKA_STORAGE_ERROR` when the file cannot be read.
    pub(crate) fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        oversized: bool,
    ) -> Result<Fetched, ResponseError> {
        let (plan, start_offset, end_offset) = self.state.lock().plan_read(offset)?;
        let records = match plan {
            Some(plan) => plan
                .read(offset, max_bytes, oversized)
                .map_err(|error| self.storage(&error))?,
            None => Bytes::new(),
        };
        Ok(Fetched {
            records,
            start_offset,
            end_offset,
        })
    }

    /// First offset, and the one after the last record.
    pub(crate) fn offsets(&self) -> (i64, i64) {
        let state = self.state.lock();
        (state.start_offset, state.end_offset())
    }

    /// Offset and time of the first record with a time of at least `timestamp` (ms since 1970).
    pub(crate) fn offset_for_time(
        &self,
        timestamp: i64,
    ) -> Result<Option<(i64, i64)>, ResponseError> {
        let (plans, start) = self
            .state
            .lock()
            .plans_for_time(timestamp)
            .map_err(|e| self.storage(&e))?;
        let wanted = |header: &BatchHeader| {
            header.max_timestamp >= timestamp && header.next_offset() > start
        };
        for plan in plans {
            let pick = |batch| first_record(batch, timestamp, start);
            if let Some(found) = plan
                .find(wanted, pick)
                .map_err(|error| self.storage(&error))?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Offset and time of the first record with the latest time in the log.
    pub(crate) fn offset_of_latest_time(&self) -> Result<Option<(i64, i64)>, ResponseError> {
        let latest = self
            .state
            .lock()
            .segments
            .iter()
            .map(|segment| segment.max_timestamp)
            .max();
        latest.map_or(Ok(None), |latest| self.offset_for_time(latest))
    }

    /// Gives up the records before `offset` and the segments that hold nothing else; -1 means all. Returns the
    /// new first offset.
    ///
    /// # Errors
    /// `OFFSET_OUT_OF_RANGE` beyond the end of the log.
    pub(crate) fn delete_before(&self, offset: i64) -> Result<i64, ResponseError> {
        let mut state = self.state.lock();
        let end = state.end_offset();
        let wanted = if offset == -1 { end } else { offset };
        if !(0..=end).contains(&wanted) {
            return Err(ResponseError::OffsetOutOfRange);
        }
        if wanted > state.start_offset {
            let content = wanted.to_string();
            files::replace(&self.dir.join(START_OFFSET_FILE), content.as_bytes())
                .map_err(|error| self.storage(&error))?;
            state.start_offset = wanted;
            state.drop_segments(|segment, _| segment.next_offset <= wanted);
        }
        Ok(state.start_offset)
    }

    /// Removes closed segments that are too much or were written too long ago: `bytes` and `ms` as in `retention.*`,
    /// -1 for no limit. The age is that of the writing, so that records with old times of their own stay.
    pub(crate) fn apply_retention(&self, bytes: i64, ms: i64, now_ms: i64) {
        let mut state = self.state.lock();
        state.drop_segments(|segment, total| {
            (ms >= 0 && segment.written_ms < now_ms.saturating_sub(ms))
                || (bytes >= 0 && total - segment.size >= bytes as u64)
        });
        let first = state
            .segments
            .front()
            .map_or(0, |segment| segment.base_offset);
        state.start_offset = state.start_offset.max(first);
    }

    /// Marks the log as gone, and ends the fetches that wait for it.
    pub(crate) fn mark_deleted(&self) {
        self.state.lock().deleted = true;
        self.wake();
    }

    /// Has `notify` told of the next append (and of those after it, until [`Log::forget`]).
    pub(crate) fn watch(&self, notify: &Arc<Notify>) {
        self.waiting.lock().push(Arc::clone(notify));
    }

    /// Ends a [`Log::watch`].
    pub(crate) fn forget(&self, notify: &Arc<Notify>) {
        self.waiting
            .lock()
            .retain(|waiting| !Arc::ptr_eq(waiting, notify));
    }

    fn wake(&self) {
        for waiting in self.waiting.lock().iter() {
            waiting.notify_one();
        }
    }

    fn storage(&self, error: &io::Error) -> ResponseError {
        storage_error(&self.dir, error)
    }
}

impl State {
    fn end_offset(&self) -> i64 {
        self.segments.back().map_or(0, |active| active.next_offset)
    }

    fn append(
        &mut self,
        dir: &Path,
        batch: &[u8],
        header: &BatchHeader,
        rules: AppendRules,
    ) -> Result<Appended, ResponseError> {
        if self.deleted {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        let start_offset = self.start_offset;
        if let Verdict::Duplicate {
            base_offset,
            timestamp,
        } = self.producers.judge(header)?
        {
            let append_time = rules.append_time.map_or(-1, |_| timestamp);
            return Ok(Appended {
                base_offset,
                append_time,
                start_offset,
            });
        }
        let base_offset = self.end_offset();
        self.write(dir, batch, header, rules)
            .map_err(|error| storage_error(dir, &error))?;
        Ok(Appended {
            base_offset,
            append_time: rules.append_time.unwrap_or(-1),
            start_offset,
        })
    }

    fn write(
        &mut self,
        dir: &Path,
        batch: &[u8],
        header: &BatchHeader,
        rules: AppendRules,
    ) -> io::Result<()> {
        let mut stored = batch.to_vec();
        batch::assign_offset(&mut stored, self.end_offset());
        if let Some(now) = rules.append_time {
            batch::stamp_append_time(&mut stored, header, now);
        }
        let header = BatchHeader::parse(&stored).map_err(io::Error::other)?;
        let active = self.active(dir, header.size as u64, rules.segment_bytes)?;
        active.append(&stored, &header)?;
        self.producers.note(&header);
        Ok(())
    }

    /// The segment to append to; a new one when the current one is full.
    fn active(&mut self, dir: &Path, more: u64, limit: u64) -> io::Result<&mut Segment> {
        let end = self.end_offset();
        if self
            .segments
            .back()
            .is_none_or(|active| active.size > 0 && active.size + more > limit)
        {
            let fresh = Segment::create(dir, end)?;
            if let Some(full) = self.segments.back_mut() {
                full.close();
            }
            self.segments.push_back(fresh);
        }
        self.segments
            .back_mut()
            .ok_or_else(|| io::Error::other("a log without segments"))
    }

    fn plan_read(
        &self,
        offset: i64,
    ) -> Result<(Option<segment::ReadPlan>, i64, i64), ResponseError> {
        if self.deleted {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        let (start, end) = (self.start_offset, self.end_offset());
        if !(start..=end).contains(&offset) {
            return Err(ResponseError::OffsetOutOfRange);
        }
        if offset == end {
            return Ok((None, start, end));
        }
        let holds = |segment: &&Segment| segment.next_offset > offset;
        let plan = self
            .segments
            .iter()
            .find(holds)
            .map(|segment| segment.plan_read(offset))
            .transpose();
        Ok((
            plan.map_err(|_| ResponseError::KafkaStorageError)?,
            start,
            end,
        ))
    }

    fn plans_for_time(&self, timestamp: i64) -> io::Result<(Vec<segment::ReadPlan>, i64)> {
        let plans = self
            .segments
            .iter()
            .filter_map(|segment| segment.plan_time(timestamp).transpose());
        Ok((plans.collect::<io::Result<_>>()?, self.start_offset))
    }

    /// Removes closed segments from the front while `gone(segment, bytes of the log)` holds.
    fn drop_segments(&mut self, gone: impl Fn(&Segment, u64) -> bool) {
        let mut total: u64 = self.segments.iter().map(|segment| segment.size).sum();
        while self.segments.len() > 1
            && let Some(first) = self.segments.pop_front_if(|first| gone(first, total))
        {
            total -= first.size;
            if let Err(error) = first.delete() {
                tracing::warn!(%error, "cannot remove a segment");
            }
        }
    }
}

fn storage_error(dir: &Path, error: &io::Error) -> ResponseError {
    tracing::error!(log = %dir.display(), %error, "a partition's log cannot be written or read");
    ResponseError::KafkaStorageError
}

/// The first record of a batch that is late enough and not deleted.
fn first_record(mut batch: Bytes, timestamp: i64, start_offset: i64) -> Option<(i64, i64)> {
    let header = BatchHeader::parse(&batch).ok()?;
    if header.has_append_time() {
        return Some((header.base_offset.max(start_offset), header.max_timestamp));
    }
    let records = RecordBatchDecoder::decode(&mut batch).ok()?.records;
    let late = |record: &&kafka_protocol::records::Record| {
        record.timestamp >= timestamp && record.offset >= start_offset
    };
    records
        .iter()
        .find(late)
        .map(|record| (record.offset, record.timestamp))
}

#[cfg(test)]
mod tests;
