//! Reading a partition without a group: no instance, no commit, nothing to delete.
//!
//! ```text
//! a client that waits for work ─┐                                  ┌─▶ waits for the next reader
//!                               ├─▶ assigned, from an offset ─ read ─┤
//! a new one ────────────────────┘                                  └─▶ closed: too many wait, or for too long
//! ```
//!
//! In: partition, format, an offset that exists. Out: a [`PartitionRead`]. What fails: more readers at once than
//! `sluiceway.partition.reads.max`, or what Kafka says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::Offset;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::ConsumerError;
use super::include::Include;
use super::pending::Taken;
use super::read::Want;
use super::reader::Reader;
use crate::format::Format;
use crate::format::deserialize::Deserializer;

/// The group in the clients' settings: they never join it or commit.
pub(super) const GROUP: &str = "sluiceway-partition-reads";
/// Clients that wait for work.
const KEPT: usize = 4;
/// How long they wait.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At this offset.
    Offset(i64),
    /// At the first record of this time (epoch milliseconds) or later; at the end if there is none.
    Time(i64),
}

/// What a reader reads.
pub(crate) struct Wanted {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) start: Start,
    pub(crate) format: Format,
    pub(crate) include: Include,
}

/// Places for readers, and clients that wait for work.
pub struct PartitionReads {
    slots: Arc<Semaphore>,
    limit: usize,
    idle: Mutex<Vec<(Instant, Reader)>>,
}

impl PartitionReads {
    /// As many at once as there is room for; `limit` is how much that is.
    #[must_use]
    pub fn new(slots: Arc<Semaphore>, limit: usize) -> Arc<Self> {
        Arc::new(Self {
            slots,
            limit,
            idle: Mutex::default(),
        })
    }

    /// Readers at work.
    #[must_use]
    pub fn open(&self) -> usize {
        self.limit.saturating_sub(self.slots.available_permits())
    }

    pub(super) fn enter(&self) -> Result<OwnedSemaphorePermit, ConsumerError> {
        let place = Arc::clone(&self.slots).try_acquire_owned();
        place.map_err(|_| ConsumerError::TooManyReads(self.limit))
    }

    pub(super) fn idle(&self) -> Option<Reader> {
        self.idle.lock().pop().map(|(_, reader)| reader)
    }

    /// Closes clients that have waited for too long.
    pub(super) fn expire(&self) {
        let old = |(since, _): &mut (Instant, Reader)| since.elapsed() >= KEPT_FOR;
        let expired: Vec<_> = self.idle.lock().extract_if(.., old).collect();
        close(expired);
    }

    fn give_back(&self, reader: Reader) {
        let mut idle = self.idle.lock();
        if idle.len() < KEPT {
            idle.push((Instant::now(), reader));
        } else {
            close(vec![(Instant::now(), reader)]);
        }
    }
}

/// Closing a client blocks.
fn close(readers: Vec<(Instant, Reader)>) {
    if readers.is_empty() {
        return;
    }
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(move || drop(readers))),
        Err(_) => drop(readers),
    }
}

/// A reader of one partition. Dropping it gives its client back.
pub(crate) struct PartitionRead {
    reader: Option<Reader>,
    format: Format,
    reads: Arc<PartitionReads>,
    _place: OwnedSemaphorePermit,
}

impl PartitionRead {
    /// Starts to read. Blocks while Kafka is asked for the offset of a time.
    pub(super) fn new(
        reader: Reader,
        wanted: Wanted,
        deserializer: Arc<dyn Deserializer>,
        reads: Arc<PartitionReads>,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, ConsumerError> {
        let Wanted {
            topic,
            partition,
            start,
            format,
            include,
        } = wanted;
        let mut read = Self {
            reader: Some(reader),
            format,
            reads,
            _place: place,
        };
        if let Some(reader) = &mut read.reader {
            let start = match start {
                Start::Offset(offset) => Offset::Offset(offset),
                Start::Time(millis) => reader.offset_at(&topic, partition, millis)?,
            };
            reader.begin((topic, partition), start, deserializer, include)?;
        }
        Ok(read)
    }

    /// The format of its records.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Reads on.
    ///
    /// # Errors
    /// A record cannot be decoded, its offset is gone, or Kafka refuses.
    pub(crate) async fn read(&mut self, want: Want) -> Result<Taken, ConsumerError> {
        match &mut self.reader {
            Some(reader) => reader.read(want).await,
            None => Err(ConsumerError::NotFound),
        }
    }
}

impl Drop for PartitionRead {
    fn drop(&mut self) {
        if let Some(mut reader) = self.reader.take() {
            reader.unsubscribe();
            self.reads.give_back(reader);
        }
    }
}
