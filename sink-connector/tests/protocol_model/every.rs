//! Every history of a small log, up to a depth.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use sluiceway_sink::config::RotationConfig;
use sluiceway_sink::plan::MAX_METADATA_BYTES;

use crate::parts::{BUCKET_MS, Bucket, Kafka, Owner};
use crate::{check, finish};

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
                    // One in a few; of those in full depth some are checked below.
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
