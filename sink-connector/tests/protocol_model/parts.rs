//! Kafka, S3 and a task that holds the partition, a few lines each.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::StdRng;
use sluiceway_sink::config::RotationConfig;
use sluiceway_sink::plan::MAX_METADATA_BYTES;
use sluiceway_sink::progress::{Arrival, ClosingId, Progress};
use sluiceway_sink::rotate::OpenSet;

/// Time of one folder.
pub(super) const BUCKET_MS: i64 = 10;

/// The rules of one run.
pub(super) fn rules(rng: &mut StdRng) -> RotationConfig {
    let mut maybe = |rare: f64, most: i64| rng.random_bool(rare).then(|| rng.random_range(1..most));
    RotationConfig {
        flush_size: maybe(0.5, 12).map_or(u64::MAX, |size| size as u64),
        flush_bytes: maybe(0.2, 40).map(|bytes| bytes as u64),
        interval_ms: maybe(0.3, 50),
        on_partition_change: maybe(0.5, 2).is_some(),
        on_schema_change: true,
        on_late_record: maybe(0.5, 2).is_some(),
        max_open_files: maybe(0.3, 4).map(|files| files as usize),
        idle_ms: maybe(0.3, 60),
        schedule: None,
    }
}

pub(super) fn bucket(clock: i64) -> i64 {
    clock / BUCKET_MS
}

/// An object's key: folder and first offset.
pub(super) type Key = (i64, i64);
/// The files of a closing.
pub(super) type Files = BTreeMap<i64, Vec<i64>>;

/// Kafka: who may commit, and what was committed. Offsets in `gaps` hold no record (transaction markers), those in `skips` one
/// that is skipped by rule.
#[derive(Clone, Debug)]
pub(super) struct Kafka {
    pub(super) generation: u32,
    pub(super) committed: Option<(i64, String)>,
    pub(super) end: i64,
    pub(super) gaps: Vec<i64>,
    pub(super) skips: Vec<i64>,
    /// The clock on the wall.
    pub(super) clock: i64,
}

/// S3: objects by folder and first offset, with the records in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Bucket(pub(super) BTreeMap<Key, Vec<i64>>);

impl Bucket {
    pub(super) fn put(&mut self, folder: i64, records: &[i64]) {
        let before = self.0.insert((folder, records[0]), records.to_vec());
        assert!(
            before.is_none_or(|before| before == records),
            "key {folder}/{} was written with other records",
            records[0]
        );
    }
}

/// A request to S3 that is under way: of which closing (none: its owner has started afresh since), folder, records.
pub(super) type Request = (Option<ClosingId>, i64, Vec<i64>);

/// A task that holds the partition, or thinks so.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) generation: u32,
    pub(super) progress: Progress,
    pub(super) rules: RotationConfig,
    pub(super) next: i64,
    pub(super) set: OpenSet,
    pub(super) open: Files,
    pub(super) closed: BTreeMap<ClosingId, Files>,
    pub(super) sent: Vec<Request>,
    pub(super) last_closing: ClosingId,
}

impl Owner {
    pub(super) fn take_over(kafka: &mut Kafka, rules: &RotationConfig) -> Self {
        kafka.generation += 1;
        let (offset, metadata) = kafka
            .committed
            .clone()
            .map_or((None, String::new()), |(o, m)| (Some(o), m));
        Self {
            generation: kafka.generation,
            progress: Progress::recover(offset, &metadata),
            next: offset.unwrap_or(0),
            rules: rules.clone(),
            set: OpenSet::default(),
            open: Files::new(),
            closed: BTreeMap::new(),
            sent: Vec::new(),
            last_closing: 0,
        }
    }

    /// Takes the next record, with the same steps as `Assignment::take`.
    pub(super) fn read(&mut self, kafka: &Kafka) {
        while self.next < kafka.end && kafka.gaps.contains(&self.next) {
            self.next += 1;
        }
        if self.next >= kafka.end {
            return;
        }
        let offset = self.next;
        self.next += 1;
        assert_eq!(self.progress.accept(offset), Arrival::Next);
        while let Some(boundary) = self
            .progress
            .replay_boundary()
            .filter(|boundary| *boundary <= offset)
        {
            self.close(boundary);
        }
        if !kafka.skips.contains(&offset) {
            self.write(
                offset,
                self.progress.clock(offset, kafka.clock),
                kafka.clock,
            );
        }
        self.progress.pass(offset);
        match self.progress.replay_boundary() {
            Some(boundary) if boundary == offset + 1 => self.close(boundary),
            Some(_) => {}
            None if self.set.after(&self.rules).is_some() || self.progress.clock_is_full() => {
                self.rotate();
            }
            None => {}
        }
    }

    /// With the same steps as `TopicPartition::write`.
    pub(super) fn write(&mut self, offset: i64, time: i64, now: i64) {
        let folder = bucket(time);
        let partition = folder.to_string();
        if self
            .set
            .before(&self.rules, Some(time), &partition)
            .is_some()
        {
            self.rotate();
        }
        if !self.open.contains_key(&folder)
            && OpenSet::before_file(&self.rules, self.open.len()).is_some()
        {
            self.rotate();
        }
        self.open.entry(folder).or_default().push(offset);
        self.set.add(&self.rules, Some(time), &partition, 3, now);
        self.progress
            .wrote_by_clock(offset, time, |a, b| bucket(a) == bucket(b));
    }

    /// Rotates for a rule, or for a reason nobody could foresee (schedule, memory).
    pub(super) fn rotate(&mut self) {
        let last = self.open.values().flatten().max().copied();
        if self.progress.replay_boundary().is_none()
            && let Some(last) = last
        {
            self.close(last + 1);
        }
    }

    pub(super) fn rotate_idle(&mut self, now: i64) {
        if self.set.idle(&self.rules, now).is_some() {
            self.rotate();
        }
    }

    pub(super) fn close(&mut self, boundary: i64) {
        self.last_closing += 1;
        let files = self.open.len();
        self.progress
            .add_closing(self.last_closing, boundary, files);
        self.set.clear();
        if files > 0 {
            self.closed
                .insert(self.last_closing, std::mem::take(&mut self.open));
        }
        if self.progress.may_complete(self.last_closing) {
            self.send(self.last_closing);
        }
    }

    pub(super) fn send(&mut self, closing: ClosingId) {
        let files = self.closed.remove(&closing).unwrap_or_default();
        let files = files.into_iter();
        self.sent
            .extend(files.map(|(folder, records)| (Some(closing), folder, records)));
    }

    /// Commits what is due, with a plan of `limit` bytes at most; the answer may be lost. False when nothing is due.
    pub(super) fn commit(&mut self, kafka: &mut Kafka, limit: usize, answered: bool) -> bool {
        let Some(commit) = self.progress.next_commit(limit) else {
            return false;
        };
        if self.generation != kafka.generation {
            return false;
        }
        kafka.committed = Some((commit.offset, commit.metadata.clone()));
        if answered {
            for closing in self.progress.acknowledged(commit) {
                self.send(closing);
            }
        }
        true
    }

    /// The same with random luck; the request itself may be lost, too.
    pub(super) fn commit_somehow(&mut self, kafka: &mut Kafka, rng: &mut StdRng) {
        let limit = if rng.random_bool(0.2) {
            60
        } else {
            MAX_METADATA_BYTES
        };
        if rng.random_bool(0.9) {
            self.commit(kafka, limit, rng.random_bool(0.9));
        }
    }

    /// One of the requests under way reaches S3; with `heard` its owner hears of it.
    pub(super) fn complete(&mut self, at: usize, bucket: &mut Bucket, heard: bool) {
        let (closing, folder, records) = self.sent[at].clone();
        bucket.put(folder, &records);
        if heard {
            self.sent.swap_remove(at);
            if let Some(closing) = closing {
                self.progress.file_done(closing);
            }
        }
    }

    pub(super) fn complete_one(&mut self, bucket: &mut Bucket, rng: &mut StdRng) {
        if !self.sent.is_empty() {
            let at = rng.random_range(0..self.sent.len());
            // Unheard, it is sent again.
            self.complete(at, bucket, rng.random_bool(0.9));
        }
    }

    /// An upload vanished: everything is read again from what Kafka has, as `Assignment::rewind` does. What was sent before may
    /// still arrive.
    pub(super) fn rewind(&mut self) {
        let Some(progress) = self.progress.again() else {
            return;
        };
        self.next = progress.position().unwrap_or(0);
        self.progress = progress;
        self.set.clear();
        self.open.clear();
        self.closed.clear();
        for (closing, ..) in &mut self.sent {
            *closing = None;
        }
    }

    /// Skipped records move the offset where nothing earlier is open.
    pub(super) fn settle_skipped(&mut self) {
        self.progress.settle_skipped(self.open.len());
    }
}
