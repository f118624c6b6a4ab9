//! The commit protocol under every kind of bad luck, simulated: crashes at any step, commits whose answer is lost,
//! owners that go on as zombies, completions that arrive late. The decisions are the program's own
//! ([`sluiceway_sink::progress::Progress`]); Kafka and S3 are a few lines each.
//!
//! What must hold: an object's key is only ever written with the same records, and in the end every record is in
//! exactly one object.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sluiceway_sink::plan::MAX_METADATA_BYTES;
use sluiceway_sink::progress::{Arrival, ClosingId, Progress};

/// Kafka: who may commit, and what was committed. Offsets in `gaps` hold no record (transaction markers).
struct Kafka {
    generation: u32,
    committed: Option<(i64, String)>,
    end: i64,
    gaps: Vec<i64>,
}

/// S3: objects by first offset, with the records in them.
#[derive(Default)]
struct Bucket(BTreeMap<i64, Vec<i64>>);

impl Bucket {
    fn put(&mut self, records: &[i64]) {
        let before = self.0.insert(records[0], records.to_vec());
        assert!(
            before.is_none_or(|before| before == records),
            "key {} was written with other records",
            records[0]
        );
    }
}

/// A task that holds the partition, or thinks so.
struct Owner {
    generation: u32,
    progress: Progress,
    next: i64,
    open: Vec<i64>,
    closed: HashMap<ClosingId, Vec<i64>>,
    sent: Vec<(ClosingId, Vec<i64>)>,
    last_closing: ClosingId,
}

impl Owner {
    fn take_over(kafka: &mut Kafka) -> Self {
        kafka.generation += 1;
        let (offset, metadata) = kafka
            .committed
            .clone()
            .map_or((None, String::new()), |(o, m)| (Some(o), m));
        Self {
            generation: kafka.generation,
            progress: Progress::recover(offset, &metadata),
            next: offset.unwrap_or(0),
            open: Vec::new(),
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
        self.open.push(offset);
        self.progress.pass(offset);
        if self.progress.replay_boundary() == Some(offset + 1) {
            self.close(offset + 1);
        }
    }

    /// Rotates for a reason nobody could foresee (schedule, memory).
    fn rotate(&mut self) {
        if self.progress.replay_boundary().is_none()
            && let Some(last) = self.open.last()
        {
            self.close(last + 1);
        }
    }

    fn close(&mut self, boundary: i64) {
        self.last_closing += 1;
        let files = usize::from(!self.open.is_empty());
        self.progress
            .add_closing(self.last_closing, boundary, files);
        if files > 0 {
            self.closed
                .insert(self.last_closing, std::mem::take(&mut self.open));
        }
        if self.progress.may_complete(self.last_closing) {
            self.send(self.last_closing);
        }
    }

    fn send(&mut self, closing: ClosingId) {
        self.sent.extend(
            self.closed
                .remove(&closing)
                .map(|records| (closing, records)),
        );
    }

    /// Commits what is due; the request or its answer may be lost.
    fn commit(&mut self, kafka: &mut Kafka, rng: &mut StdRng) {
        let limit = if rng.random_bool(0.2) {
            24
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
        let (closing, records) = self.sent.swap_remove(rng.random_range(0..self.sent.len()));
        bucket.put(&records);
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
    };
    let mut bucket = Bucket::default();
    let mut zombies: Vec<Owner> = Vec::new();
    let mut owner = Owner::take_over(&mut kafka);
    for _ in 0..600 {
        match rng.random_range(0..100) {
            0..40 => owner.read(&kafka),
            40..50 => owner.rotate(),
            50..65 => owner.commit(&mut kafka, &mut rng),
            65..80 => owner.complete_one(&mut bucket, &mut rng),
            80..85 => kafka.end = (kafka.end + rng.random_range(1..6)).min(200),
            85..89 => zombies.push(std::mem::replace(&mut owner, Owner::take_over(&mut kafka))),
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
    let written: Vec<i64> = bucket.0.values().flatten().copied().collect();
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
