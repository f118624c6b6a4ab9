//! How a topic's committed offsets get on: the longest pause of each partition.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use tokio::task::JoinHandle;

use super::scene::{Scene, Told};
use crate::cases::SINK_LIMIT;
use crate::kafka::Kafka;
use crate::{Session, eventually};

/// Time without a longer pause than half of it, after which the tasks' group is taken to rest.
const REST: Duration = Duration::from_secs(2);
const REST_LIMIT: Duration = Duration::from_secs(20);
/// How often committed offsets are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Watches the committed offsets of all partitions.
pub(super) struct Progress {
    seen: Arc<Mutex<Vec<Seen>>>,
    watching: JoinHandle<()>,
}

#[derive(Clone, Copy)]
struct Seen {
    offset: i64,
    at: Instant,
    longest: Duration,
    advances: u32,
    /// Ever since the watch began.
    went_back: bool,
}

impl Progress {
    /// Begins to watch.
    pub(super) fn watch(session: &Session, scene: &Scene<'_>) -> Result<Self> {
        let start = Seen {
            offset: 0,
            at: Instant::now(),
            longest: Duration::ZERO,
            advances: 0,
            went_back: false,
        };
        let seen = Arc::new(Mutex::new(vec![
            start;
            usize::try_from(scene.shape.partitions)?
        ]));
        let kafka = Kafka::new(&session.parts.kafka)?;
        let (group, topic) = (scene.connector.group(), scene.topic.clone());
        let into = Arc::clone(&seen);
        let watching = tokio::spawn(async move {
            loop {
                if let Ok(committed) = kafka.committed(&group, &topic)
                    && let Ok(mut seen) = into.lock()
                {
                    for (partition, seen) in (0..).zip(seen.iter_mut()) {
                        let offset = committed.get(&partition).map_or(0, |found| found.offset);
                        let pause = seen.at.elapsed();
                        seen.longest = seen.longest.max(pause);
                        seen.went_back |= offset < seen.offset;
                        if offset > seen.offset {
                            (seen.offset, seen.at) = (offset, Instant::now());
                            seen.advances += 1;
                        }
                    }
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        Ok(Self { seen, watching })
    }

    fn now(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .map_or_else(|_| Vec::new(), |seen| seen.clone())
    }

    /// From here on.
    pub(super) fn begin(&self) {
        if let Ok(mut seen) = self.seen.lock() {
            seen.iter_mut().for_each(|seen| {
                (seen.longest, seen.advances) = (Duration::ZERO, 0);
            });
        }
    }

    /// Waits until every partition has got on by two files from now.
    pub(super) async fn all_advance(&self) -> Result<()> {
        let before = self.now();
        eventually("waiting for every partition", SINK_LIMIT, async || {
            let now = self.now();
            let all = now
                .iter()
                .zip(&before)
                .all(|(now, before)| now.advances >= before.advances + 2);
            Ok(all.then_some(()))
        })
        .await
    }

    /// Waits until the tasks' group has come to rest, as long as a busy machine may need for that: harm in the middle of
    /// a rebalance waits for its end besides.
    pub(super) async fn settle(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            self.begin();
            tokio::time::sleep(REST).await;
            let rests = self
                .longest()
                .last()
                .is_some_and(|longest| *longest < REST / 2);
            if rests || began.elapsed() > REST_LIMIT {
                return self.all_advance().await;
            }
        }
    }

    fn longest(&self) -> Vec<Duration> {
        let mut longest: Vec<Duration> = self.now().iter().map(|seen| seen.longest).collect();
        longest.sort();
        longest
    }

    /// Prints the pauses since [`Progress::begin`], and what was told meanwhile.
    pub(super) fn report(&self, harm: &str, told: &Told) {
        let seconds = |time: &Duration| format!("{:.1}", time.as_secs_f64());
        let pauses: Vec<String> = self.longest().iter().map(seconds).collect();
        let told = [
            ("status true after", told.truth),
            ("all runs elsewhere after", told.taken_over),
            ("process ended after", told.ended),
        ];
        let told: String = told
            .iter()
            .filter_map(|(what, time)| Some(format!(", {what} {} s", seconds(time.as_ref()?))))
            .collect();
        eprintln!(
            "{harm}: longest pause a partition {} s{told}",
            pauses.join(" ")
        );
    }

    /// None of these partitions waited for the session time-out.
    pub(super) fn these_went_on(&self, these: &BTreeSet<i32>, timeout: Duration) -> Result<()> {
        ensure!(!these.is_empty(), "no partition to look at");
        for (partition, seen) in (0..).zip(self.now()) {
            ensure!(
                !these.contains(&partition) || seen.longest < timeout,
                "{partition} of {these:?} stood still for {:?}",
                seen.longest
            );
        }
        Ok(())
    }

    /// No partition waited for the session time-out.
    pub(super) fn all_went_on(&self, timeout: Duration) -> Result<()> {
        match self.longest().last() {
            Some(longest) if *longest < timeout => Ok(()),
            longest => bail!("a partition stood still for {longest:?}"),
        }
    }

    /// Ends watching. What was committed never went back: nobody commits what another has committed before.
    ///
    /// # Errors
    /// It did.
    pub(super) fn stop(self) -> Result<()> {
        self.watching.abort();
        let seen = self.now();
        ensure!(!seen.is_empty(), "nobody watched");
        let back: Vec<usize> = (0..seen.len()).filter(|at| seen[*at].went_back).collect();
        ensure!(back.is_empty(), "committed offsets went back: {back:?}");
        Ok(())
    }
}
