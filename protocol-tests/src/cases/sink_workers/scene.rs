//! A cluster of workers, a connector on it, a topic and a bucket.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cases::{SINK_LIMIT, expect_status, soak};
use crate::connector::Connector;
use crate::group;
use crate::http::Request;
use crate::load::{Load, Pace};
use crate::s3::Bucket;
use crate::target::{Sink, SinkFiles};
use crate::tiling::{self, Census};
use crate::{Session, eventually};

/// How often members of both groups are heard: a rebalance is told to them by the answers.
const HEARTBEAT: Duration = Duration::from_millis(333);
const PACE: Pace = Pace {
    burst: 20,
    pause: Duration::from_millis(30),
    filling: 200,
};
/// How often a status is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How large a scene is.
pub(in crate::cases) struct Shape {
    /// Workers that can be started.
    pub(in crate::cases) workers: usize,
    /// Partitions of the topic.
    pub(in crate::cases) partitions: i32,
    /// Tasks of the connector.
    pub(in crate::cases) tasks: usize,
    /// The session time-out of workers and tasks: far above what a rebalance takes on a loaded machine, so that a
    /// pause as long is one that waited for a session to end.
    pub(in crate::cases) session: Duration,
}

/// See the module.
pub(in crate::cases) struct Scene<'a> {
    pub(in crate::cases) shape: Shape,
    session: &'a Session,
    pub(in crate::cases) topic: String,
    bucket: Bucket,
    pub(in crate::cases) connector: Connector,
    files: Vec<SinkFiles>,
    /// Who holds which slot.
    slots_topic: String,
}

/// When what was told of a worker's end.
#[derive(Default)]
pub(super) struct Told {
    /// Nothing is said to run on it any more.
    pub(super) truth: Option<Duration>,
    /// All runs on the other.
    pub(super) taken_over: Option<Duration>,
    /// Its process has ended.
    pub(super) ended: Option<Duration>,
}

/// Where a task runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The worker, by its own and the others' word.
    pub(super) worker: String,
    /// Its member of the tasks' group: another one if it was started anew.
    pub(super) member: String,
    /// Partitions that Kafka has given to that member.
    pub(super) partitions: BTreeSet<i32>,
}

impl<'a> Scene<'a> {
    /// Makes topic, bucket and files; nothing runs yet.
    pub(in crate::cases) async fn new(session: &'a Session, shape: Shape) -> Result<Self> {
        let name = "workers";
        let topic = session.topic(name, shape.partitions).await?;
        let bucket = session.bucket(name).await?;
        let connector = Connector::json(session, name, &topic, &bucket)
            .set("tasks.max", &shape.tasks.to_string())
            .set("flush.size", "500")
            .set("rotate.schedule.interval.ms", "300")
            .set("timezone", "UTC");
        let cluster = session.name("cluster");
        let topics = ["config", "offset", "status"].map(|kind| format!("{cluster}-{kind}"));
        let millis = |duration: Duration| duration.as_millis().to_string();
        let (session_ms, heartbeat_ms) = (millis(shape.session), millis(HEARTBEAT));
        let slots = shape.tasks.to_string();
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
            // With more of them than tasks a worker may hold only those that no task lies in.
            ("sluiceway.slots", &*slots),
            ("session.timeout.ms", &*session_ms),
            ("heartbeat.interval.ms", &*heartbeat_ms),
        ];
        let files = (0..shape.workers)
            .map(|_| Ok(SinkFiles::write(session, &properties, &[])?.distributed()));
        Ok(Self {
            files: files.collect::<Result<_>>()?,
            shape,
            session,
            topic,
            bucket,
            connector,
            slots_topic: format!("{cluster}-slots"),
        })
    }

    /// A worker is started with this property.
    pub(super) fn set(&self, worker: usize, key: &str, value: &str) -> Result<()> {
        let file = self.files.get(worker).context("no such worker")?;
        file.set(key, value)
    }

    /// Starts to write.
    pub(in crate::cases) fn load(&self, seed: u64) -> Result<Load> {
        let kafka = &self.session.parts.kafka;
        Load::start(kafka, &self.topic, self.shape.partitions, PACE, seed)
    }

    /// Starts a worker; it may be no member yet.
    pub(in crate::cases) async fn begin(&self, worker: usize) -> Result<Sink> {
        let file = self.files.get(worker).context("no such worker")?;
        file.start().await
    }

    /// Starts a worker and waits until it is a member.
    pub(in crate::cases) async fn start(&self, worker: usize) -> Result<Sink> {
        let sink = self.begin(worker).await?;
        eventually("waiting for the worker", SINK_LIMIT, async || {
            let health = sink.http.get("/health", None).await?;
            Ok((health.status == 200).then_some(()))
        })
        .await?;
        Ok(sink)
    }

    /// Makes the connector.
    pub(in crate::cases) async fn create(&self, sink: &Sink) -> Result<()> {
        self.create_as(sink, &self.connector.name).await
    }

    /// Makes one like it under another name.
    pub(super) async fn create_as(&self, sink: &Sink, name: &str) -> Result<()> {
        let body = json!({"name": name, "config": self.connector.properties});
        let request = Request::new("POST", "/connectors")
            .header("Content-Type", "application/json")
            .body(body.to_string());
        expect_status(&sink.http.call(&request).await?, 201)
    }

    /// Deletes the connector.
    pub(in crate::cases) async fn delete(&self, sink: &Sink) -> Result<()> {
        let path = format!("/connectors/{}", self.connector.name);
        expect_status(&sink.http.call(&Request::new("DELETE", &path)).await?, 204)
    }

    /// State and worker of the connector and each task.
    pub(super) async fn states(&self, sink: &Sink) -> Result<Vec<(String, String)>> {
        let status = sink.status(&self.connector).await?.unwrap_or_default();
        let tasks = status["tasks"].as_array().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(std::iter::once(&status["connector"])
            .chain(tasks)
            .map(|item| (text(&item["state"]), text(&item["worker_id"])))
            .collect())
    }

    /// Waits until all tasks run, some of them on each worker, and each worker says so.
    pub(in crate::cases) async fn until_shared(&self, sinks: &[&Sink]) -> Result<()> {
        self.until_on(sinks, true).await
    }

    /// Waits until all tasks run on these workers, and each worker says so.
    pub(in crate::cases) async fn until_run(&self, sinks: &[&Sink]) -> Result<()> {
        self.until_on(sinks, false).await
    }

    /// `each`: some on each of them.
    async fn until_on(&self, sinks: &[&Sink], each: bool) -> Result<()> {
        let wanted: BTreeSet<&str> = sinks.iter().map(|sink| sink.http.authority()).collect();
        for sink in sinks {
            let what = format!("waiting for {} to show all tasks", sink.http.authority());
            eventually(&what, SINK_LIMIT, async || {
                let states = self.states(sink).await?;
                let workers: BTreeSet<&str> =
                    states.iter().skip(1).map(|(_, worker)| &**worker).collect();
                let all_run = states.len() == self.shape.tasks + 1
                    && states.iter().all(|(state, _)| state == "RUNNING");
                let where_wanted = workers.is_subset(&wanted) && (!each || workers == wanted);
                Ok((all_run && where_wanted).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// Waits until all runs on the others, and says when what was told of it.
    pub(super) async fn until_taken_over(&self, others: &[&Sink], gone: &Sink) -> Result<Told> {
        let began = Instant::now();
        let mut told = Told::default();
        let gone = gone.http.authority();
        let asked = others.first().context("nobody is left")?;
        let names: BTreeSet<&str> = others.iter().map(|sink| sink.http.authority()).collect();
        while told.taken_over.is_none() {
            let states = self.states(asked).await?;
            let runs_on_it = states
                .iter()
                .any(|(state, worker)| state != "UNASSIGNED" && worker == gone);
            if !runs_on_it && told.truth.is_none() {
                told.truth = Some(began.elapsed());
            }
            let all = states
                .iter()
                .all(|(state, worker)| state == "RUNNING" && names.contains(&**worker));
            if all && states.len() == self.shape.tasks + 1 {
                told.taken_over = Some(began.elapsed());
            }
            ensure!(began.elapsed() < SINK_LIMIT, "not taken over: {states:?}");
            tokio::time::sleep(LOOK).await;
        }
        Ok(told)
    }

    /// Where each task runs, once the tasks' group is at rest with all partitions given to all tasks.
    pub(super) async fn placement(&self, sink: &Sink) -> Result<BTreeMap<usize, Place>> {
        let group = self.connector.group();
        let client = |task: usize| format!("connector-consumer-{}-{task}", self.connector.name);
        eventually("waiting for the tasks' group", SINK_LIMIT, async || {
            let states = self.states(sink).await?;
            let members = group::members(&self.session.kafka, &group)?;
            let given: usize = members.iter().map(|member| member.partitions.len()).sum();
            let at_rest = members.len() == self.shape.tasks
                && i32::try_from(given)? == self.shape.partitions
                && states.len() == self.shape.tasks + 1;
            if !at_rest {
                return Ok(None);
            }
            let mut places = BTreeMap::new();
            for (task, (_, worker)) in states.into_iter().skip(1).enumerate() {
                let member = members.iter().find(|member| member.client == client(task));
                let member = member.with_context(|| format!("no member for task {task}"))?;
                let (member, partitions) = (member.id.clone(), member.partitions.clone());
                places.insert(
                    task,
                    Place {
                        worker,
                        member,
                        partitions,
                    },
                );
            }
            Ok(Some(places))
        })
        .await
    }

    /// When a worker, by its own clock, first claimed a slot from a moment on.
    pub(super) fn first_claim(&self, sink: &Sink, from: Timestamp) -> Result<Timestamp> {
        let name = sink.http.authority();
        let records = self.session.kafka.read_all(&self.slots_topic)?;
        let claims = records.iter().filter(|record| {
            let key = record.key.as_deref().unwrap_or_default();
            let claim: Value = serde_json::from_str(&record.text()).unwrap_or_default();
            key.starts_with(b"slot-") && claim["worker_id"] == name
        });
        claims
            .filter_map(|claim| Timestamp::from_millisecond(claim.timestamp?).ok())
            .filter(|at| *at >= from)
            .min()
            .with_context(|| format!("{name} has claimed nothing"))
    }

    /// Waits until everything is written, and checks that it is there once.
    pub(in crate::cases) async fn check(&self) -> Result<Census> {
        let kafka = &self.session.kafka;
        let ends = kafka.ends(&self.topic)?;
        let ends: i64 = ends.values().map(|(_, end)| end).sum();
        eventually("waiting for the rest", SINK_LIMIT, async || {
            let committed = kafka.committed(&self.connector.group(), &self.topic)?;
            let sum: i64 = committed.values().map(|committed| committed.offset).sum();
            Ok((sum == ends).then_some(()))
        })
        .await?;
        let records = kafka.read_all(&self.topic)?;
        let objects = self.bucket.objects("").await?;
        let open = self.bucket.open_uploads().await?.unwrap_or_default();
        let census = Census {
            orphaned: open.len(),
            ..tiling::census(&self.topic, &records, &objects)?
        };
        eprintln!("{census}");
        soak::judge(&census)?;
        tiling::check_complete(&self.topic, &records, &objects)?;
        Ok(census)
    }
}
