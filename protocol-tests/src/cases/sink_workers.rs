//! Distributed workers under harm: one is killed, one is told to end, one sleeps and wakes. The others go on with what
//! they have, take over what is left, and say so; in the end every record stands in exactly one object.
//!
//! Times are measured and printed, and compared with the session time-out only: a pause is one between two advances of
//! a partition's committed offset.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::SINK_LIMIT;
use crate::connector::Connector;
use crate::fight::session_timeout;
use crate::http::{Request, Response};
use crate::kafka::Kafka;
use crate::load::{Load, Pace};
use crate::s3::Bucket;
use crate::target::{Sink, SinkFiles};
use crate::{Session, eventually, tiling};

/// The list of these cases.
#[macro_export]
macro_rules! sink_workers_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_workers workers_end_in_every_way);
    };
}

const PARTITIONS: i32 = 6;
const TASKS: usize = 4;
const PACE: Pace = Pace {
    burst: 20,
    pause: Duration::from_millis(30),
    filling: 200,
};
/// On a loaded machine a shorter one ends by itself.
const SHORTEST_SESSION: Duration = Duration::from_secs(4);
/// Time without a longer pause than half of it, after which the tasks' group is taken to rest.
const REST: Duration = Duration::from_secs(2);
const REST_LIMIT: Duration = Duration::from_secs(20);
/// How often committed offsets are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Two workers; each in its turn is killed, told to end, stopped and woken, and comes back.
///
/// # Errors
/// The case fails.
pub async fn workers_end_in_every_way(session: &Session) -> Result<()> {
    let scene = Scene::new(session).await?;
    let (mut a, mut b) = (scene.start(0).await?, scene.start(1).await?);
    scene.create(&a).await?;
    scene.until_shared(&[&a, &b]).await?;
    let load = Load::start(&session.parts.kafka, &scene.topic, PARTITIONS, PACE, 7)?;
    let progress = Progress::watch(session, &scene)?;
    progress.settle().await?;

    progress.begin();
    b.program.kill()?;
    let told = scene.until_taken_over(&a, &b).await?;
    progress.all_advance().await?;
    progress.report("SIGKILL", &told);
    // Those of the dead worker's partitions wait for its session; no other waits at all.
    progress.some_went_on(scene.timeout)?;

    progress.settle().await?;
    progress.begin();
    b = scene.start(1).await?;
    scene.until_shared(&[&a, &b]).await?;
    progress.all_advance().await?;
    progress.report("started again", &Told::default());
    progress.all_went_on(scene.timeout)?;

    progress.settle().await?;
    progress.begin();
    let began = Instant::now();
    a.program.signal("TERM")?;
    let mut told = scene.until_taken_over(&b, &a).await?;
    let status = a.program.terminate(SINK_LIMIT).await;
    told.ended = status.is_ok().then(|| began.elapsed());
    progress.all_advance().await?;
    progress.report("SIGTERM", &told);
    // Nobody waits for a session to end.
    progress.all_went_on(scene.timeout)?;
    a = scene.start(0).await?;
    scene.until_shared(&[&a, &b]).await?;

    progress.settle().await?;
    progress.begin();
    a.program.signal("STOP")?;
    let told = scene.until_taken_over(&b, &a).await?;
    progress.all_advance().await?;
    progress.report("SIGSTOP", &told);
    progress.some_went_on(scene.timeout)?;
    progress.begin();
    a.program.signal("CONT")?;
    scene.until_shared(&[&a, &b]).await?;
    progress.all_advance().await?;
    progress.report("SIGCONT", &Told::default());

    load.stop().await?;
    scene.check().await?;
    progress.stop()?;
    scene.delete(&b).await?;
    a.stop().await?;
    b.stop().await
}

// === the scene ===

struct Scene<'a> {
    session: &'a Session,
    topic: String,
    bucket: Bucket,
    connector: Connector,
    timeout: Duration,
    files: Vec<SinkFiles>,
}

/// When what was told of a worker's end.
#[derive(Default)]
struct Told {
    /// Nothing is said to run on it any more.
    truth: Option<Duration>,
    /// All runs on the other.
    taken_over: Option<Duration>,
    /// Its process has ended.
    ended: Option<Duration>,
}

impl<'a> Scene<'a> {
    async fn new(session: &'a Session) -> Result<Self> {
        let name = "workers";
        let topic = session.topic(name, PARTITIONS).await?;
        let bucket = session.bucket(name).await?;
        let connector = Connector::json(session, name, &topic, &bucket)
            .set("tasks.max", &TASKS.to_string())
            .set("flush.size", "500")
            .set("rotate.schedule.interval.ms", "300")
            .set("timezone", "UTC");
        let timeout = session_timeout(session).await?.max(SHORTEST_SESSION);
        let cluster = session.name("cluster");
        let topics = ["config", "offset", "status"].map(|kind| format!("{cluster}-{kind}"));
        let millis = |duration: Duration| duration.as_millis().to_string();
        let (session_ms, heartbeat_ms) = (millis(timeout), millis(timeout / 12));
        let properties = [
            ("group.id", &*cluster),
            ("config.storage.topic", &topics[0]),
            ("config.storage.replication.factor", "1"),
            ("offset.storage.topic", &topics[1]),
            ("offset.storage.replication.factor", "1"),
            ("offset.storage.partitions", "1"),
            ("status.storage.topic", &topics[2]),
            ("status.storage.replication.factor", "1"),
            ("status.storage.partitions", "2"),
            ("sluiceway.slots", "32"),
            ("session.timeout.ms", &*session_ms),
            ("heartbeat.interval.ms", &*heartbeat_ms),
        ];
        let files = (0..2).map(|_| Ok(SinkFiles::write(session, &properties, &[])?.distributed()));
        Ok(Self {
            files: files.collect::<Result<_>>()?,
            session,
            topic,
            bucket,
            connector,
            timeout,
        })
    }

    async fn start(&self, worker: usize) -> Result<Sink> {
        let file = self.files.get(worker).context("no such worker")?;
        let sink = file.start().await?;
        eventually("waiting for the worker", SINK_LIMIT, async || {
            let health = sink.http.get("/health", None).await?;
            Ok((health.status == 200).then_some(()))
        })
        .await?;
        Ok(sink)
    }

    async fn create(&self, sink: &Sink) -> Result<()> {
        let body = json!({"name": self.connector.name, "config": self.connector.properties});
        let request = Request::new("POST", "/connectors")
            .header("Content-Type", "application/json")
            .body(body.to_string());
        expect(&sink.http.call(&request).await?, 201)
    }

    async fn delete(&self, sink: &Sink) -> Result<()> {
        let path = format!("/connectors/{}", self.connector.name);
        expect(&sink.http.call(&Request::new("DELETE", &path)).await?, 204)
    }

    /// State and worker of the connector and each task.
    async fn states(&self, sink: &Sink) -> Result<Vec<(String, String)>> {
        let status = sink.status(&self.connector).await?.unwrap_or_default();
        let tasks = status["tasks"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(std::iter::once(&status["connector"])
            .chain(tasks)
            .map(|item| (text(&item["state"]), text(&item["worker_id"])))
            .collect())
    }

    /// Waits until all tasks run, some of them on each worker, and each worker says so.
    async fn until_shared(&self, sinks: &[&Sink]) -> Result<()> {
        let wanted: BTreeSet<&str> = sinks.iter().map(|sink| sink.http.authority()).collect();
        for sink in sinks {
            let what = format!("waiting for {} to show shared tasks", sink.http.authority());
            eventually(&what, SINK_LIMIT, async || {
                let states = self.states(sink).await?;
                let workers: BTreeSet<&str> =
                    states.iter().skip(1).map(|(_, worker)| &**worker).collect();
                let all_run =
                    states.len() == TASKS + 1 && states.iter().all(|(state, _)| state == "RUNNING");
                Ok((all_run && workers == wanted).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// Waits until all runs on `stays`, and says when what was told of it.
    async fn until_taken_over(&self, stays: &Sink, gone: &Sink) -> Result<Told> {
        let began = Instant::now();
        let mut told = Told::default();
        let gone = gone.http.authority();
        while told.taken_over.is_none() {
            let states = self.states(stays).await?;
            let runs_on_it = states
                .iter()
                .any(|(state, worker)| state != "UNASSIGNED" && worker == gone);
            if !runs_on_it && told.truth.is_none() {
                told.truth = Some(began.elapsed());
            }
            let all = states
                .iter()
                .all(|(state, worker)| state == "RUNNING" && worker == stays.http.authority());
            if all && states.len() == TASKS + 1 {
                told.taken_over = Some(began.elapsed());
            }
            ensure!(began.elapsed() < SINK_LIMIT, "not taken over: {states:?}");
            tokio::time::sleep(LOOK).await;
        }
        Ok(told)
    }

    async fn check(&self) -> Result<()> {
        let ends: i64 = self
            .session
            .kafka
            .ends(&self.topic)?
            .values()
            .map(|(_, end)| end)
            .sum();
        eventually("waiting for the rest", SINK_LIMIT, async || {
            let committed = self
                .session
                .kafka
                .committed(&self.connector.group(), &self.topic)?;
            let sum: i64 = committed.values().map(|committed| committed.offset).sum();
            Ok((sum == ends).then_some(()))
        })
        .await?;
        let records = self.session.kafka.read_all(&self.topic)?;
        let objects = self.bucket.objects("").await?;
        tiling::check_complete(&self.topic, &records, &objects)?;
        if let Some(open) = self.bucket.open_uploads().await? {
            ensure!(open.is_empty(), "uploads left open: {open:?}");
        }
        eprintln!(
            "{} records, each in exactly one of {} objects",
            records.len(),
            objects.len()
        );
        Ok(())
    }
}

fn expect(answer: &Response, status: u16) -> Result<()> {
    super::expect_status(answer, status)
}

// === progress ===

/// Watches the committed offsets of all partitions.
struct Progress {
    seen: Arc<Mutex<Vec<Seen>>>,
    watching: JoinHandle<()>,
}

#[derive(Clone, Copy)]
struct Seen {
    offset: i64,
    at: Instant,
    longest: Duration,
    advances: u32,
}

impl Progress {
    fn watch(session: &Session, scene: &Scene<'_>) -> Result<Self> {
        let start = Seen {
            offset: 0,
            at: Instant::now(),
            longest: Duration::ZERO,
            advances: 0,
        };
        let seen = Arc::new(Mutex::new(vec![start; usize::try_from(PARTITIONS)?]));
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
    fn begin(&self) {
        if let Ok(mut seen) = self.seen.lock() {
            seen.iter_mut().for_each(|seen| {
                (seen.longest, seen.advances) = (Duration::ZERO, 0);
            });
        }
    }

    /// Waits until every partition has got on by two files from now.
    async fn all_advance(&self) -> Result<()> {
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
    async fn settle(&self) -> Result<()> {
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

    fn report(&self, harm: &str, told: &Told) {
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

    /// Some partitions did not wait for the session time-out.
    fn some_went_on(&self, timeout: Duration) -> Result<()> {
        match self.longest().first() {
            Some(shortest) if *shortest < timeout => Ok(()),
            shortest => bail!("every partition stood still, for {shortest:?} at least"),
        }
    }

    /// No partition waited for the session time-out.
    fn all_went_on(&self, timeout: Duration) -> Result<()> {
        match self.longest().last() {
            Some(longest) if *longest < timeout => Ok(()),
            longest => bail!("a partition stood still for {longest:?}"),
        }
    }

    fn stop(self) -> Result<()> {
        self.watching.abort();
        ensure!(!self.now().is_empty(), "nobody watched");
        Ok(())
    }
}
