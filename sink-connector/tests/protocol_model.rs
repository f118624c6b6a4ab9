//! The commit protocol under every kind of bad luck, simulated: crashes at any step, commits whose answer is lost,
//! owners that go on as zombies, completions that arrive late, a clock that decides folders and may go back. The
//! decisions are the program's own ([`sluiceway_sink::progress::Progress`], [`sluiceway_sink::rotate::OpenSet`]); Kafka
//! and S3 are a few lines each.
//!
//! What must hold: an object's key is only ever written with the same records, and in the end every record is in
//! exactly one object.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sluiceway_sink::config::RotationConfig;
use sluiceway_sink::plan::MAX_METADATA_BYTES;
use sluiceway_sink::progress::{Arrival, ClosingId, Progress};
use sluiceway_sink::rotate::OpenSet;

/// Time of one folder.
const BUCKET_MS: i64 = 10;

/// The rules of one run.
fn rules(rng: &mut StdRng) -> RotationConfig {
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

fn bucket(clock: i64) -> i64 {
    clock / BUCKET_MS
}

/// An object's key: folder and first offset.
type Key = (i64, i64);
/// The files of a closing.
type Files = BTreeMap<i64, Vec<i64>>;

/// Kafka: who may commit, and what was committed. Offsets in `gaps` hold no record (transaction markers).
struct Kafka {
    generation: u32,
    committed: Option<(i64, String)>,
    end: i64,
    gaps: Vec<i64>,
    /// The clock on the wall.
    clock: i64,
}

/// S3: objects by folder and first offset, with the records in them.
#[derive(Default)]
struct Bucket(BTreeMap<Key, Vec<i64>>);

impl Bucket {
    fn put(&mut self, folder: i64, records: &[i64]) {
        let before = self.0.insert((folder, records[0]), records.to_vec());
        assert!(
            before.is_none_or(|before| before == records),
            "key {folder}/{} was written with other records",
            records[0]
        );
    }
}

/// A task that holds the partition, or thinks so.
struct Owner {
    generation: u32,
    progress: Progress,
    rules: RotationConfig,
    next: i64,
    set: OpenSet,
    open: Files,
    closed: HashMap<ClosingId, Files>,
    sent: Vec<(ClosingId, i64, Vec<i64>)>,
    last_closing: ClosingId,
}

impl Owner {
    fn take_over(kafka: &mut Kafka, rules: &RotationConfig) -> Self {
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
            closed: HashMap::new(),
            sent: Vec::new(),
            last_closing: 0,
        }
    }

    /// Takes the next record, with the same steps as `Assignment::take`.
    fn read(&mut self, kafka: &Kafka) {
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
        self.write(
            offset,
            self.progress.clock(offset, kafka.clock),
            kafka.clock,
        );
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
    fn write(&mut self, offset: i64, time: i64, now: i64) {
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
    fn rotate(&mut self) {
        let last = self.open.values().flatten().max().copied();
        if self.progress.replay_boundary().is_none()
            && let Some(last) = last
        {
            self.close(last + 1);
        }
    }

    fn rotate_idle(&mut self, now: i64) {
        if self.set.idle(&self.rules, now).is_some() {
            self.rotate();
        }
    }

    fn close(&mut self, boundary: i64) {
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

    fn send(&mut self, closing: ClosingId) {
        let files = self.closed.remove(&closing).unwrap_or_default();
        let files = files.into_iter();
        self.sent
            .extend(files.map(|(folder, records)| (closing, folder, records)));
    }

    /// Commits what is due; the request or its answer may be lost.
    fn commit(&mut self, kafka: &mut Kafka, rng: &mut StdRng) {
        let limit = if rng.random_bool(0.2) {
            60
        } else {
            MAX_METADATA_BYTES
        };
        let Some(commit) = self.progress.next_commit(limit) else {
            return;
        };
        let arrives = rng.random_bool(0.9);
        if !arrives || self.generation != kafka.generation {
            return;
        }
        kafka.committed = Some((commit.offset, commit.metadata.clone()));
        if rng.random_bool(0.9) {
            for closing in self.progress.acknowledged(commit) {
                self.send(closing);
            }
        }
    }

    /// One of the requests under way reaches S3; its answer may be lost with the owner.
    fn complete_one(&mut self, bucket: &mut Bucket, rng: &mut StdRng) {
        if self.sent.is_empty() {
            return;
        }
        let (closing, folder, records) =
            self.sent.swap_remove(rng.random_range(0..self.sent.len()));
        bucket.put(folder, &records);
        self.progress.file_done(closing);
    }
}

fn run(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let gaps: Vec<i64> = (0..200).filter(|_| rng.random_bool(0.1)).collect();
    let mut kafka = Kafka {
        generation: 0,
        committed: None,
        end: 5,
        gaps,
        clock: 1_700_000_000_000,
    };
    let rules = rules(&mut rng);
    let mut bucket = Bucket::default();
    let mut zombies: Vec<Owner> = Vec::new();
    let mut owner = Owner::take_over(&mut kafka, &rules);
    for _ in 0..600 {
        // Now and then the clock jumps, and sometimes it is set back.
        kafka.clock += match rng.random_range(0..20) {
            0 => rng.random_range(-30..60),
            1..10 => rng.random_range(0..4),
            _ => 0,
        };
        match rng.random_range(0..100) {
            0..40 => owner.read(&kafka),
            40..46 => owner.rotate(),
            46..50 => owner.rotate_idle(kafka.clock),
            50..65 => owner.commit(&mut kafka, &mut rng),
            65..80 => owner.complete_one(&mut bucket, &mut rng),
            80..85 => kafka.end = (kafka.end + rng.random_range(1..6)).min(200),
            85..89 => zombies.push(std::mem::replace(
                &mut owner,
                Owner::take_over(&mut kafka, &rules),
            )),
            // A zombie does not know yet that it is one.
            choice => {
                if let Some(zombie) = zombies.last_mut() {
                    match choice {
                        89..93 => zombie.read(&kafka),
                        93..95 => zombie.rotate(),
                        95..97 => zombie.commit(&mut kafka, &mut rng),
                        _ => zombie.complete_one(&mut bucket, &mut rng),
                    }
                }
            }
        }
    }
    finish(&mut owner, &mut kafka, &mut bucket, &mut rng);
    for zombie in &mut zombies {
        while !zombie.sent.is_empty() {
            zombie.complete_one(&mut bucket, &mut rng);
        }
    }
    let mut written: Vec<i64> = bucket.0.values().flatten().copied().collect();
    written.sort_unstable();
    let expected: Vec<i64> = (0..kafka.end)
        .filter(|offset| !kafka.gaps.contains(offset))
        .collect();
    assert_eq!(written, expected, "seed {seed}");
    assert_eq!(
        kafka.committed.map(|(offset, _)| offset),
        expected.last().map(|last| last + 1),
        "seed {seed}"
    );
}

/// Calm weather: everything is read, closed and committed. The log gets a last record, so that boundaries in a
/// trailing gap are met.
fn finish(owner: &mut Owner, kafka: &mut Kafka, bucket: &mut Bucket, rng: &mut StdRng) {
    kafka.gaps.retain(|gap| *gap < kafka.end);
    kafka.end += 1;
    for _ in 0..2_000 {
        owner.read(kafka);
        if owner.next >= kafka.end {
            owner.rotate();
        }
        owner.commit(kafka, rng);
        owner.complete_one(bucket, rng);
    }
}

#[test]
fn every_record_is_in_exactly_one_object_whatever_happens() {
    for seed in 0..3_000 {
        run(seed);
    }
}
