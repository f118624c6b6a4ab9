//! The commit protocol under every kind of bad luck, simulated: crashes at any step, commits whose answer is lost,
//! owners that go on as zombies, completions that arrive late, uploads that vanish, records that are skipped, a clock that
//! decides folders and may go back: thousands of random histories, and every history of a small log up to a depth
//! ([`every`]). The decisions are the program's own ([`sluiceway_sink::progress::Progress`],
//! [`sluiceway_sink::rotate::OpenSet`]); Kafka and S3 are a few lines each ([`parts`]).
//!
//! What must hold: an object's key is only ever written with the same records, and in the end every record is in
//! exactly one object.
#![allow(clippy::unwrap_used)]

mod every;
mod parts;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sluiceway_sink::plan::MAX_METADATA_BYTES;

use parts::{Bucket, Kafka, Owner, rules};

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
