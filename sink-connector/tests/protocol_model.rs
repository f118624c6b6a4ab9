//! The commit protocol under every kind of bad luck, simulated: crashes at any step, commits whose answer is lost,
//! owners that go on as zombies, completions that arrive late, uploads that vanish, records that are skipped, a clock that
//! decides folders and may go back: thousands of random histories, and every history of a small log up to a depth. The decisions are the program's own ([`sluiceway_sink::progress::Progress`], [`sluiceway_sink::rotate::OpenSet`]); Kafka
//! and S3 are a few lines each.
//!
//! What must hold: an object's key is only ever written with the same records, and in the end every record is in
//! exactly one object.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

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

/// Kafka: who may commit, and what was committed. Offsets in `gaps` hold no record (transaction markers), those in `skips` one
/// that is skipped by rule.
#[derive(Clone, Debug)]
struct Kafka {
    generation: u32,
    committed: Option<(i64, String)>,
    end: i64,
    gaps: Vec<i64>,
    skips: Vec<i64>,
    /// The clock on the wall.
    clock: i64,
}

/// S3: objects by folder and first offset, with the records in them.
#[derive(Clone, Debug, Default)]
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

/// A request to S3 that is under way: of which closing (none: its owner has started afresh since), folder, records.
type Request = (Option<ClosingId>, i64, Vec<i64>);

/// A task that holds the partition, or thinks so.
#[derive(Clone, Debug)]
struct Owner {
    generation: u32,
    progress: Progress,
    rules: RotationConfig,
    next: i64,
    set: OpenSet,
    open: Files,
    closed: BTreeMap<ClosingId, Files>,
    sent: Vec<Request>,
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
            closed: BTreeMap::new(),
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
            .extend(files.map(|(folder, records)| (Some(closing), folder, records)));
    }

    /// Commits what is due, with a plan of `limit` bytes at most; the answer may be lost. False when nothing is due.
    fn commit(&mut self, kafka: &mut Kafka, limit: usize, answered: bool) -> bool {
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
    fn commit_somehow(&mut self, kafka: &mut Kafka, rng: &mut StdRng) {
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
    fn complete(&mut self, at: usize, bucket: &mut Bucket, heard: bool) {
        let (closing, folder, records) = self.sent[at].clone();
        bucket.put(folder, &records);
        if heard {
            self.sent.swap_remove(at);
            if let Some(closing) = closing {
                self.progress.file_done(closing);
            }
        }
    }

    fn complete_one(&mut self, bucket: &mut Bucket, rng: &mut StdRng) {
        if !self.sent.is_empty() {
            let at = rng.random_range(0..self.sent.len());
            // Unheard, it is sent again.
            self.complete(at, bucket, rng.random_bool(0.9));
        }
    }

    /// An upload vanished: everything is read again from what Kafka has, as `Assignment::rewind` does. What was sent before may
    /// still arrive.
    fn rewind(&mut self) {
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
    fn settle_skipped(&mut self) {
        self.progress.settle_skipped(self.open.len());
    }
}

fn run(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let gaps: Vec<i64> = (0..200).filter(|_| rng.random_bool(0.1)).collect();
    let skipping = if rng.random_bool(0.3) { 0.3 } else { 0.0 };
    let skips: Vec<i64> = (0..200).filter(|_| rng.random_bool(skipping)).collect();
    let mut kafka = Kafka {
        generation: 0,
        committed: None,
        end: 5,
        gaps,
        skips,
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
            50..64 => owner.commit_somehow(&mut kafka, &mut rng),
            64 => owner.settle_skipped(),
            65..80 => owner.complete_one(&mut bucket, &mut rng),
            80..85 => kafka.end = (kafka.end + rng.random_range(1..6)).min(200),
            85 => owner.rewind(),
            86..89 => zombies.push(std::mem::replace(
                &mut owner,
                Owner::take_over(&mut kafka, &rules),
            )),
            // A zombie does not know yet that it is one.
            choice => {
                if let Some(zombie) = zombies.last_mut() {
                    match choice {
                        89..93 => zombie.read(&kafka),
                        93..95 => zombie.rotate(),
                        95..97 => zombie.commit_somehow(&mut kafka, &mut rng),
                        _ => zombie.complete_one(&mut bucket, &mut rng),
                    }
                }
            }
        }
    }
    finish(&mut owner, &mut kafka, &mut bucket);
    for zombie in &mut zombies {
        while !zombie.sent.is_empty() {
            zombie.complete_one(&mut bucket, &mut rng);
        }
    }
    check(&kafka, &bucket, &format!("seed {seed}"));
}

/// Every record that is not skipped is in exactly one object, and the offset is right.
fn check(kafka: &Kafka, bucket: &Bucket, history: &str) {
    let mut written: Vec<i64> = bucket.0.values().flatten().copied().collect();
    written.sort_unstable();
    let there = |offset: &i64| !kafka.gaps.contains(offset);
    let kept = |offset: &i64| there(offset) && !kafka.skips.contains(offset);
    let expected: Vec<i64> = (0..kafka.end).filter(kept).collect();
    assert_eq!(written, expected, "{history}");
    assert_eq!(
        kafka.committed.as_ref().map(|(offset, _)| *offset),
        (0..kafka.end).rfind(there).map(|last| last + 1),
        "{history}"
    );
}

/// Calm weather: everything is read, closed and committed. The log gets a last record, so that boundaries in a
/// trailing gap are met.
fn finish(owner: &mut Owner, kafka: &mut Kafka, bucket: &mut Bucket) {
    kafka.gaps.retain(|gap| *gap < kafka.end);
    kafka.end += 1;
    for _ in 0..2_000 {
        owner.read(kafka);
        if owner.next >= kafka.end {
            owner.rotate();
            owner.settle_skipped();
        }
        let committed = owner.commit(kafka, MAX_METADATA_BYTES, true);
        let quiet = !committed && owner.sent.is_empty();
        while !owner.sent.is_empty() {
            owner.complete(0, bucket, true);
        }
        if owner.next >= kafka.end && quiet && owner.progress.closings_under_way() == 0 {
            return;
        }
    }
}

#[test]
fn every_record_is_in_exactly_one_object_whatever_happens() {
    for seed in 0..3_000 {
        run(seed);
    }
}

// --- every history of a small log ------------------------------------------------------------------------------------------------

/// Kafka, S3, the owner, and the owners before it, which do not know yet.
#[derive(Clone, Debug)]
struct World {
    kafka: Kafka,
    bucket: Bucket,
    owner: Owner,
    zombies: Vec<Owner>,
}

/// What may happen next; the number is which owner it concerns (0: the one that owns it, then the zombies).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Read(usize),
    Rotate(usize),
    Commit { owner: usize, answered: bool },
    Complete { owner: usize, heard: bool },
    Rewind,
    SettleSkipped,
    TakeOver,
    Tick,
}

impl World {
    fn new(rules: &RotationConfig) -> Self {
        let mut kafka = Kafka {
            generation: 0,
            committed: None,
            end: 4,
            gaps: vec![2],
            skips: vec![1],
            clock: 1_700_000_000_000,
        };
        Self {
            owner: Owner::take_over(&mut kafka, rules),
            kafka,
            bucket: Bucket::default(),
            zombies: Vec::new(),
        }
    }

    fn owner(&mut self, number: usize) -> &mut Owner {
        match number {
            0 => &mut self.owner,
            zombie => &mut self.zombies[zombie - 1],
        }
    }

    /// What can happen and changes something.
    fn events(&self) -> Vec<Event> {
        let mut events = vec![Event::Tick];
        let owners = [&self.owner].into_iter().chain(&self.zombies);
        for (number, owner) in owners.enumerate() {
            if owner.next < self.kafka.end {
                events.push(Event::Read(number));
            }
            if !owner.open.is_empty() && owner.progress.replay_boundary().is_none() {
                events.push(Event::Rotate(number));
            }
            if !owner.sent.is_empty() {
                events.push(Event::Complete {
                    owner: number,
                    heard: true,
                });
            }
            // A zombie's commit is refused: it changes nothing.
            if number == 0 && owner.progress.next_commit(MAX_METADATA_BYTES).is_some() {
                events.push(Event::Commit {
                    owner: number,
                    answered: true,
                });
                events.push(Event::Commit {
                    owner: number,
                    answered: false,
                });
            }
        }
        if !self.owner.sent.is_empty() {
            events.push(Event::Complete {
                owner: 0,
                heard: false,
            });
            events.push(Event::Rewind);
        }
        if self.owner.open.is_empty() {
            events.push(Event::SettleSkipped);
        }
        if self.zombies.len() < 2 {
            events.push(Event::TakeOver);
        }
        events
    }

    fn apply(&mut self, event: Event, rules: &RotationConfig) {
        let Self { kafka, bucket, .. } = self;
        match event {
            Event::Tick => kafka.clock += BUCKET_MS,
            Event::Rewind => self.owner.rewind(),
            Event::SettleSkipped => self.owner.settle_skipped(),
            Event::TakeOver => {
                let next = Owner::take_over(kafka, rules);
                let before = std::mem::replace(&mut self.owner, next);
                self.zombies.push(before);
            }
            Event::Commit { answered, .. } => {
                self.owner.commit(kafka, MAX_METADATA_BYTES, answered);
            }
            Event::Read(number) => {
                let kafka = kafka.clone();
                self.owner(number).read(&kafka);
            }
            Event::Rotate(number) => self.owner(number).rotate(),
            Event::Complete { owner, heard } => {
                let mut bucket = std::mem::take(bucket);
                self.owner(owner).complete(0, &mut bucket, heard);
                self.bucket = bucket;
            }
        }
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        format!("{self:?}").hash(&mut hasher);
        hasher.finish()
    }

    /// From here on the weather is calm.
    fn ends_well(mut self, history: &[Event]) {
        finish(&mut self.owner, &mut self.kafka, &mut self.bucket);
        for zombie in &mut self.zombies {
            while !zombie.sent.is_empty() {
                zombie.complete(0, &mut self.bucket, true);
            }
        }
        check(&self.kafka, &self.bucket, &format!("{history:?}"));
    }
}

/// Breadth first, each state once. Says how many states there were.
fn explore(rules: &RotationConfig, depth: usize) -> usize {
    let mut seen = HashSet::new();
    let mut level = vec![(World::new(rules), Vec::new())];
    for _ in 0..depth {
        let mut next = Vec::new();
        for (world, history) in &level {
            for event in world.events() {
                let mut after = world.clone();
                after.apply(event, rules);
                if seen.insert(after.fingerprint()) {
                    let mut longer = history.clone();
                    longer.push(event);
                    // One in a few, and every history in full depth is checked below.
                    if seen.len() % 7 == 0 {
                        after.clone().ends_well(&longer);
                    }
                    next.push((after, longer));
                }
            }
        }
        level = next;
    }
    for (world, history) in level.into_iter().step_by(11) {
        world.ends_well(&history);
    }
    seen.len()
}

#[test]
fn every_short_history_ends_well() {
    let rules = |flush_size| RotationConfig {
        flush_size,
        flush_bytes: None,
        interval_ms: None,
        on_partition_change: true,
        max_open_files: None,
        idle_ms: None,
        schedule: None,
        on_late_record: true,
        on_schema_change: true,
    };
    // By the clock and by hand only, and with every record.
    for flush_size in [u64::MAX, 1] {
        let states = explore(&rules(flush_size), 9);
        println!("flush.size {flush_size}: {states} states");
        assert!(states > 2_000, "only {states} states were seen");
    }
}
