//! A sink at work while a test does harm to it: a topic, a bucket, a connector, workers, a load; and what has to be true in the
//! end: every record in exactly one object, the committed offsets right, no upload left open.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::cases::soak;
use crate::connector::Connector;
use crate::load::{Load, Pace, numbered};
use crate::parts::Kind;
use crate::program::Program;
use crate::s3::Bucket;
use crate::target::SinkFiles;
use crate::tiling::{self, Census};
use crate::{Session, eventually};

/// What the sink may take to write everything once nobody disturbs it any more.
const DRAIN_LIMIT: Duration = Duration::from_secs(120);
/// Progress may take this long: session time-out, join, and the work itself.
const PROGRESS_LIMIT: Duration = Duration::from_secs(60);

/// One way of rotating, and how many workers share the work.
pub struct Scenario {
    /// Base of the names of topic, bucket and connector.
    pub name: &'static str,
    /// Partitions of the topic.
    pub partitions: i32,
    /// `flush.size`.
    pub flush_size: i64,
    /// Whether tails are closed by a rule; else they are filled up to a multiple of `flush.size`.
    pub tails_close: bool,
    /// Whether the partitioner is the default one, so that objects tile the partitions.
    pub default_layout: bool,
    /// Further properties of the connector.
    pub settings: Vec<(&'static str, String)>,
    /// Further properties of each worker.
    pub worker: Vec<(&'static str, &'static str)>,
    /// Processes in the consumer group.
    pub workers: usize,
    /// The load.
    pub pace: Pace,
}

impl Scenario {
    /// Rotation by `flush.size` 150 and a schedule of 300 ms, one worker, some thousand records a second.
    #[must_use]
    pub fn scheduled(name: &'static str) -> Self {
        Self {
            name,
            partitions: 4,
            flush_size: 150,
            tails_close: true,
            default_layout: true,
            settings: vec![
                ("rotate.schedule.interval.ms", "300".to_owned()),
                ("timezone", "UTC".to_owned()),
            ],
            worker: Vec::new(),
            workers: 1,
            pace: pace(30, 30),
        }
    }

    /// Rotation by `flush.size` alone.
    #[must_use]
    pub fn flushed(name: &'static str, flush_size: i64) -> Self {
        Self {
            flush_size,
            tails_close: false,
            settings: Vec::new(),
            ..Self::scheduled(name)
        }
    }

    /// With one more connector property.
    #[must_use]
    pub fn set(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((key, value.into()));
        self
    }
}

/// Up to `burst` records a partition and round, a pause of up to `pause_ms`, small records.
#[must_use]
pub const fn pace(burst: u32, pause_ms: u64) -> Pace {
    Pace {
        burst,
        pause: Duration::from_millis(pause_ms),
        filling: 200,
    }
}

/// The shortest session time-out that the broker allows, but long enough for a loaded machine.
///
/// # Errors
/// The broker does not answer.
pub async fn session_timeout(session: &Session) -> Result<Duration> {
    let shortest = session
        .kafka
        .broker_setting("group.min.session.timeout.ms")
        .await?;
    let shortest: u64 = shortest.as_deref().unwrap_or("6000").parse()?;
    Ok(Duration::from_millis(shortest.max(1500)))
}

/// The connector with this session time-out, and heartbeats that fit.
#[must_use]
pub fn with_session_timeout(connector: Connector, timeout: Duration) -> Connector {
    let millis = timeout.as_millis();
    connector
        .set("consumer.override.session.timeout.ms", &millis.to_string())
        .set(
            "consumer.override.heartbeat.interval.ms",
            &(millis / 5).to_string(),
        )
}

/// What a run is about.
pub struct Fight<'a> {
    /// Its surroundings.
    pub session: &'a Session,
    /// What was asked for.
    pub scenario: Scenario,
    /// The topic that is written and drained.
    pub topic: String,
    /// Where the objects go.
    pub bucket: Bucket,
    /// The connector.
    pub connector: Connector,
    /// How each worker is started.
    pub files: Vec<SinkFiles>,
    /// The session time-out of the group.
    pub timeout: Duration,
}

impl<'a> Fight<'a> {
    /// Makes topic, bucket and files; nothing runs yet.
    ///
    /// # Errors
    /// The parts refuse or do not answer.
    pub async fn prepare(session: &'a Session, scenario: Scenario) -> Result<Self> {
        let topic = session.topic(scenario.name, scenario.partitions).await?;
        let bucket = session.bucket(scenario.name).await?;
        let timeout = session_timeout(session).await?;
        let mut connector = Connector::json(session, scenario.name, &topic, &bucket)
            .set("flush.size", &scenario.flush_size.to_string());
        connector = with_session_timeout(connector, timeout);
        for (key, value) in &scenario.settings {
            connector = connector.set(key, value);
        }
        let files = (0..scenario.workers)
            .map(|_| SinkFiles::write(session, &scenario.worker, std::slice::from_ref(&connector)));
        Ok(Self {
            files: files.collect::<Result<_>>()?,
            session,
            scenario,
            topic,
            bucket,
            connector,
            timeout,
        })
    }

    /// Starts the load.
    ///
    /// # Errors
    /// The client can't be built.
    pub fn load(&self, seed: u64) -> Result<Load> {
        let kafka = &self.session.parts.kafka;
        let scenario = &self.scenario;
        Load::start(kafka, &self.topic, scenario.partitions, scenario.pace, seed)
    }

    /// Starts every worker.
    ///
    /// # Errors
    /// One can't be started.
    pub fn spawn(&self) -> Result<Vec<Program>> {
        self.files.iter().map(SinkFiles::spawn).collect()
    }

    /// Waits until more is committed than now.
    ///
    /// # Errors
    /// A worker has ended, or nothing gets on within a minute.
    pub async fn wait_for_progress(&self, workers: &mut [Program]) -> Result<()> {
        let before = self.committed()?;
        eventually(
            "waiting for the sink to get on",
            PROGRESS_LIMIT,
            async || {
                workers.iter_mut().try_for_each(Program::ensure_runs)?;
                Ok((self.committed()? > before).then_some(()))
            },
        )
        .await
    }

    /// Sum of the committed offsets.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn committed(&self) -> Result<i64> {
        let committed = self
            .session
            .kafka
            .committed(&self.connector.group(), &self.topic)?;
        Ok(committed.values().map(|committed| committed.offset).sum())
    }

    /// Whether the last commit of a partition carries something for the next owner to keep to.
    ///
    /// # Errors
    /// The broker does not answer.
    pub fn has_open_plans(&self) -> Result<bool> {
        let committed = self
            .session
            .kafka
            .committed(&self.connector.group(), &self.topic)?;
        Ok(committed
            .values()
            .any(|committed| !committed.metadata.is_empty()))
    }

    /// Ends the load, waits until everything is written, ends the workers, and checks.
    ///
    /// # Errors
    /// A record was refused, the sink does not get there, or what it wrote is wrong.
    pub async fn finish(&self, load: Load, workers: &mut [Program]) -> Result<Census> {
        load.stop().await?;
        self.drain(workers).await
    }

    /// The same when nobody writes any more.
    ///
    /// # Errors
    /// See [`Fight::finish`].
    pub async fn drain(&self, workers: &mut [Program]) -> Result<Census> {
        self.fill_up().await?;
        self.wait_until_drained(workers).await?;
        self.all_run().await?;
        for worker in workers {
            worker.terminate(Duration::from_secs(30)).await?;
        }
        self.check().await
    }

    /// Where no rule closes tails they would stay: adds what is missing to a multiple of flush.size.
    async fn fill_up(&self) -> Result<()> {
        if self.scenario.tails_close {
            return Ok(());
        }
        let mut records = Vec::new();
        for (partition, (_, end)) in self.session.kafka.ends(&self.topic)? {
            let missing = (-end).rem_euclid(self.scenario.flush_size);
            records.extend((end..end + missing).map(|n| numbered(partition, n, 0)));
        }
        self.session.kafka.write(&self.topic, &records).await?;
        Ok(())
    }

    async fn wait_until_drained(&self, workers: &mut [Program]) -> Result<()> {
        let ends = self.session.kafka.ends(&self.topic)?;
        let ends: i64 = ends.values().map(|(_, end)| end).sum();
        let start = Instant::now();
        let drained = eventually(
            "waiting for the sink to write everything",
            DRAIN_LIMIT,
            async || {
                workers.iter_mut().try_for_each(Program::ensure_runs)?;
                let committed = self.committed()?;
                ensure!(
                    committed <= ends,
                    "{committed} is committed of {ends} records"
                );
                Ok((committed == ends).then_some(()))
            },
        );
        let result = drained.await;
        let committed = self
            .session
            .kafka
            .committed(&self.connector.group(), &self.topic)?;
        result.with_context(|| format!("{committed:?} of {ends} after {:?}", start.elapsed()))
    }

    /// Whatever was done to them, in the end every worker says that its tasks run.
    async fn all_run(&self) -> Result<()> {
        for files in &self.files {
            let http = files.http()?;
            let path = format!("/connectors/{}/status", self.connector.name);
            let limit = Duration::from_secs(60);
            let told = eventually("waiting for a clear status", limit, async || {
                let status = http.get(&path, None).await?.json()?;
                let tasks = status["tasks"].as_array().map_or(&[][..], Vec::as_slice);
                let states = tasks.iter().chain([&status["connector"]]);
                let all = states
                    .map(|one| &one["state"])
                    .all(|state| *state == "RUNNING");
                Ok((all && !tasks.is_empty()).then_some(()))
            });
            told.await
                .with_context(|| format!("of {}", self.connector.name))?;
        }
        Ok(())
    }

    /// Every record in exactly one object, committed offsets at the ends, no open upload.
    ///
    /// # Errors
    /// Anything else; the message says what.
    pub async fn check(&self) -> Result<Census> {
        let records = self.session.kafka.read_all(&self.topic)?;
        let objects = self.bucket.objects("").await?;
        let open = self.bucket.open_uploads().await?;
        ensure!(
            open.is_some() || self.session.parts.kind != Kind::Real,
            "the store does not list its uploads"
        );
        let open = open.unwrap_or_default();
        let census = Census {
            orphaned: open.len(),
            ..tiling::census(&self.topic, &records, &objects)?
        };
        soak::judge(&census).with_context(|| format!("uploads left open: {open:?}"))?;
        if self.scenario.default_layout {
            let tiles = tiling::check_complete(&self.topic, &records, &objects)
                .with_context(|| census.to_string())?;
            let size = self.scenario.flush_size;
            let exact = tiles.values().flatten().all(|tile| tile.count == size);
            ensure!(
                self.scenario.tails_close || exact,
                "an object of another size: {tiles:?}"
            );
        }
        let ends = self.session.kafka.ends(&self.topic)?;
        let group = self.connector.group();
        for (partition, committed) in self.session.kafka.committed(&group, &self.topic)? {
            let end = ends.get(&partition).map_or(0, |(_, end)| *end);
            ensure!(
                committed.offset == end,
                "{partition}: {committed:?} is committed, the log ends at {end}"
            );
        }
        eprintln!("{}: {census}", self.scenario.name);
        Ok(census)
    }
}
