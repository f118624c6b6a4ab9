//! Who lives and who holds which slot, as the slot topic tells it.
//!
//! A worker that is given a slot by the group writes a *claim* into the slot's partition; the claim's offset is the
//! slot's *generation*: whoever claimed last holds it, and what was said under an earlier claim no longer counts. A
//! worker that gives a slot up writes that nobody holds it. Besides, each worker shows every
//! `heartbeat.interval.ms` that it lives; one that was silent for longer than [`SILENCE`] intervals runs nothing that
//! could be relied on, also while the group still waits for its session to end.
//!
//! In: the topic's records, the time. Out: the holder of each slot.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::config_record::Written;

/// Heartbeats that may be missing before a worker is not relied on.
pub(super) const SILENCE: u32 = 4;
/// Heartbeats older than this when they are read are of workers that ended without a word.
const STALE: Duration = Duration::from_secs(60);

/// One process of a worker. The id is the same after a restart, the run is not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct WorkerRun {
    pub(super) worker_id: String,
    pub(super) run: String,
    /// Whether other workers reach it over TLS; unless it says so, they do not.
    pub(super) https: bool,
}

/// One entry of the slot topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MemberRecord {
    /// A worker holds the slot, or with `None` nobody does.
    Claim { slot: u32, by: Option<WorkerRun> },
    /// A worker lives; with `None` the one of this id has left.
    Alive {
        worker_id: String,
        run: Option<WorkerRun>,
    },
}

/// A claim that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) by: WorkerRun,
    /// Offset of the claim.
    pub(super) generation: i64,
}

/// Claims and signs of life.
#[derive(Debug)]
pub(super) struct Members {
    claims: HashMap<u32, Claim>,
    /// Offset of the last claim or release of each slot.
    read: HashMap<u32, i64>,
    seen: HashMap<WorkerRun, Instant>,
    silence: Duration,
}

impl MemberRecord {
    /// Reads a record.
    pub(super) fn read(key: &[u8], value: Option<&[u8]>) -> Option<Self> {
        let key = std::str::from_utf8(key).ok()?;
        let value: Option<Value> = match value {
            None => None,
            Some(bytes) => Some(serde_json::from_slice(bytes).ok()?),
        };
        let run = value.and_then(|value| {
            let text = |field: &str| Some(value.get(field)?.as_str()?.to_owned());
            Some(WorkerRun {
                worker_id: text("worker_id")?,
                run: text("run")?,
                https: value.get("scheme").and_then(Value::as_str) == Some("https"),
            })
        });
        if let Some(slot) = key.strip_prefix("slot-") {
            let slot = slot.parse().ok()?;
            return Some(Self::Claim { slot, by: run });
        }
        let worker_id = key.strip_prefix("worker-")?.to_owned();
        Some(Self::Alive { worker_id, run })
    }

    /// Whether it says that this worker lives.
    pub(super) fn is_sign_of(&self, worker: &WorkerRun) -> bool {
        matches!(self, Self::Alive { run: Some(run), .. } if run == worker)
    }

    /// How the record is written.
    pub(super) fn write(&self) -> Written {
        let value = |run: &WorkerRun| {
            let mut value = json!({ "worker_id": run.worker_id, "run": run.run });
            if run.https {
                value["scheme"] = json!("https");
            }
            value.to_string()
        };
        match self {
            Self::Claim { slot, by } => (format!("slot-{slot}"), by.as_ref().map(value)),
            Self::Alive { worker_id, run } => {
                (format!("worker-{worker_id}"), run.as_ref().map(value))
            }
        }
    }
}

impl Members {
    /// Nobody. Workers that are silent for `silence` are not relied on.
    pub(super) fn new(silence: Duration) -> Self {
        Self {
            claims: HashMap::new(),
            read: HashMap::new(),
            seen: HashMap::new(),
            silence,
        }
    }

    /// Takes the next record of the topic, written `age` ago.
    pub(super) fn apply(&mut self, record: MemberRecord, offset: i64, age: Duration, now: Instant) {
        if let MemberRecord::Claim { slot, .. } = &record {
            self.read.insert(*slot, offset);
        }
        match record {
            MemberRecord::Claim { slot, by: Some(by) } => {
                let generation = offset;
                self.see(by.clone(), age, now);
                self.claims.insert(slot, Claim { by, generation });
            }
            MemberRecord::Claim { slot, by: None } => drop(self.claims.remove(&slot)),
            MemberRecord::Alive { run: Some(run), .. } => self.see(run, age, now),
            MemberRecord::Alive {
                worker_id,
                run: None,
            } => self.seen.retain(|run, _| run.worker_id != worker_id),
        }
    }

    fn see(&mut self, run: WorkerRun, age: Duration, now: Instant) {
        if let Some(at) = now.checked_sub(age).filter(|_| age < STALE) {
            self.seen.insert(run, at);
        }
    }

    /// The claim on a slot, of a worker that lives.
    pub(super) fn holder(&self, slot: u32, now: Instant) -> Option<&Claim> {
        let claim = self.claims.get(&slot)?;
        self.lives(&claim.by, now).then_some(claim)
    }

    /// The last claim on a slot, whoever made it.
    pub(super) fn claim(&self, slot: u32) -> Option<&Claim> {
        self.claims.get(&slot)
    }

    /// Whether somebody else has claimed or released a slot after the claim at `generation`.
    pub(super) fn is_disputed(&self, slot: u32, generation: i64) -> bool {
        self.read.get(&slot).is_some_and(|last| *last > generation)
    }

    /// Whether a worker has shown lately that it lives.
    pub(super) fn lives(&self, run: &WorkerRun, now: Instant) -> bool {
        let seen = self.seen.get(run);
        seen.is_some_and(|seen| now.saturating_duration_since(*seen) < self.silence)
    }

    /// Ids of the workers that live, sorted.
    pub(super) fn living(&self, now: Instant) -> Vec<String> {
        let mut ids: Vec<String> = self
            .seen
            .keys()
            .filter(|run| self.lives(run, now))
            .map(|run| run.worker_id.clone())
            .collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// Another process that lives under the same id.
    pub(super) fn namesake(&self, own: &WorkerRun, now: Instant) -> Option<&WorkerRun> {
        let same = |run: &&WorkerRun| run.worker_id == own.worker_id && *run != own;
        self.seen
            .keys()
            .filter(same)
            .find(|run| self.lives(run, now))
    }

    /// Forgets who has been silent for long.
    pub(super) fn tidy(&mut self, now: Instant) {
        self.seen
            .retain(|_, seen| now.saturating_duration_since(*seen) < STALE);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NEW: Duration = Duration::ZERO;

    fn run(worker_id: &str, run: &str) -> WorkerRun {
        WorkerRun {
            worker_id: worker_id.into(),
            run: run.into(),
            https: false,
        }
    }

    fn claim(slot: u32, by: &WorkerRun) -> MemberRecord {
        MemberRecord::Claim {
            slot,
            by: Some(by.clone()),
        }
    }

    fn alive(run: &WorkerRun) -> MemberRecord {
        MemberRecord::Alive {
            worker_id: run.worker_id.clone(),
            run: Some(run.clone()),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let a = run("h:1", "x");
        let secured = WorkerRun {
            https: true,
            ..a.clone()
        };
        let records = [
            claim(3, &a),
            claim(4, &secured),
            MemberRecord::Claim { slot: 3, by: None },
            alive(&a),
            MemberRecord::Alive {
                worker_id: "h:1".into(),
                run: None,
            },
        ];
        for record in records {
            let (key, value) = record.write();
            let again = MemberRecord::read(key.as_bytes(), value.as_deref().map(str::as_bytes));
            assert_eq!(again, Some(record), "{key}");
        }
    }

    #[test]
    fn the_last_claim_holds_while_its_worker_lives() {
        let start = Instant::now();
        let later = |millis| start + Duration::from_millis(millis);
        let mut members = Members::new(Duration::from_secs(2));
        let (a, b) = (run("a", "1"), run("b", "1"));
        members.apply(claim(0, &a), 5, NEW, start);
        members.apply(claim(0, &b), 6, NEW, later(100));
        assert_eq!(members.holder(0, later(200)).unwrap().generation, 6);
        assert_eq!(members.holder(0, later(2_000)).unwrap().by, b);
        assert_eq!(members.holder(0, later(2_200)), None);
        members.apply(alive(&b), 7, NEW, later(2_200));
        assert_eq!(members.holder(0, later(2_300)).unwrap().by, b);
        assert!(members.is_disputed(0, 5) && !members.is_disputed(0, 6));
        members.apply(
            MemberRecord::Claim { slot: 0, by: None },
            8,
            NEW,
            later(2_400),
        );
        assert!(members.is_disputed(0, 6));
        assert_eq!(members.holder(0, later(2_400)), None);
    }

    #[test]
    fn a_restarted_worker_does_not_hold_what_it_held() {
        let now = Instant::now();
        let mut members = Members::new(Duration::from_secs(2));
        let (old, new) = (run("a", "1"), run("a", "2"));
        members.apply(claim(0, &old), 1, STALE, now);
        members.apply(alive(&new), 2, NEW, now);
        assert_eq!(members.holder(0, now), None);
        assert_eq!(members.living(now), ["a"]);
        assert_eq!(members.namesake(&new, now), None);
        members.apply(alive(&old), 3, NEW, now);
        assert_eq!(members.namesake(&new, now), Some(&old));
    }

    #[test]
    fn who_leaves_is_gone_at_once() {
        let now = Instant::now();
        let mut members = Members::new(Duration::from_secs(2));
        let a = run("a", "1");
        members.apply(claim(0, &a), 1, NEW, now);
        let left = MemberRecord::Alive {
            worker_id: "a".into(),
            run: None,
        };
        members.apply(left, 2, NEW, now);
        assert_eq!(members.holder(0, now), None);
        assert!(members.living(now).is_empty());
        members.tidy(now + STALE);
    }
}
