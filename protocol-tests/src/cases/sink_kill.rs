//! Exactly once under fire: the worker's process is killed with SIGKILL at random moments while records keep coming,
//! and started again. In the end every record stands in exactly one object, the committed offsets are the ends of the
//! partitions, and no upload is left open.
//!
//! On real parts a case kills 30 times (with large objects 15 times), on the embedded ones a few times.
//! `SLUICEWAY_TEST_SEED` repeats a run's choices, `SLUICEWAY_TEST_KILLS` changes the number.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::connector::Connector;
use crate::load::{Load, Pace, numbered};
use crate::parts::Kind;
use crate::program::Program;
use crate::s3::Bucket;
use crate::target::SinkFiles;
use crate::{Session, eventually, tiling};

/// The list of these cases.
#[macro_export]
macro_rules! sink_kill_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_kill
            kills_with_scheduled_rotation kills_with_flush_size_only kills_with_flush_size_one
            kills_with_uploads_in_parts kills_of_one_of_two_workers);
    };
}

const PARTITIONS: i32 = 4;
/// What the sink may take to write everything once nobody disturbs it any more.
const DRAIN_LIMIT: Duration = Duration::from_secs(120);
/// A moment may wait for progress as long as this: session time-out, join, and the work itself.
const PROGRESS_LIMIT: Duration = Duration::from_secs(30);

/// One way of rotating, and how many workers share the work.
struct Scenario {
    name: &'static str,
    flush_size: i64,
    schedule_ms: Option<u32>,
    workers: usize,
    pace: Pace,
    /// The number of kills is divided by this where each takes long.
    kill_share: u32,
}

/// When to kill.
#[derive(PartialEq, Eq)]
enum Moment {
    Any,
    Progress,
    Plan,
}

const fn pace(burst: u32, pause_ms: u64) -> Pace {
    Pace {
        burst,
        pause: Duration::from_millis(pause_ms),
        filling: 200,
    }
}

/// The hard one: where a file ends depends on the clock, so only the plan can say where it ended before the kill.
///
/// # Errors
/// The case fails.
pub async fn kills_with_scheduled_rotation(session: &Session) -> Result<()> {
    let scenario = Scenario {
        name: "sched",
        flush_size: 150,
        schedule_ms: Some(300),
        workers: 1,
        pace: pace(30, 30),
        kill_share: 1,
    };
    run(session, &scenario).await
}

/// Boundaries are multiples of flush.size.
///
/// # Errors
/// The case fails.
pub async fn kills_with_flush_size_only(session: &Session) -> Result<()> {
    let scenario = Scenario {
        name: "flush",
        flush_size: 40,
        schedule_ms: None,
        workers: 1,
        pace: pace(30, 30),
        kill_share: 1,
    };
    run(session, &scenario).await
}

/// Many boundaries in one plan.
///
/// # Errors
/// The case fails.
pub async fn kills_with_flush_size_one(session: &Session) -> Result<()> {
    let scenario = Scenario {
        name: "ones",
        flush_size: 1,
        schedule_ms: None,
        workers: 1,
        pace: pace(2, 40),
        kill_share: 1,
    };
    run(session, &scenario).await
}

/// Objects of more than one part: what a killed process had uploaded of them is aborted by the next one.
///
/// # Errors
/// The case fails.
pub async fn kills_with_uploads_in_parts(session: &Session) -> Result<()> {
    let scenario = Scenario {
        name: "parts",
        flush_size: 40,
        schedule_ms: Some(6000),
        workers: 1,
        pace: Pace {
            filling: 300_000,
            ..pace(1, 80)
        },
        kill_share: 2,
    };
    run(session, &scenario).await
}

/// Two processes in one consumer group: one is killed, the other takes over, the first comes back.
///
/// # Errors
/// The case fails.
pub async fn kills_of_one_of_two_workers(session: &Session) -> Result<()> {
    let scenario = Scenario {
        name: "two",
        flush_size: 150,
        schedule_ms: Some(300),
        workers: 2,
        pace: pace(30, 30),
        kill_share: 1,
    };
    run(session, &scenario).await
}

/// Number of kills of a run.
fn kills(kind: Kind) -> Result<u32> {
    match std::env::var("SLUICEWAY_TEST_KILLS") {
        Ok(kills) => kills.parse().context("SLUICEWAY_TEST_KILLS"),
        Err(_) if kind == Kind::Real => Ok(30),
        Err(_) => Ok(5),
    }
}

/// The seed of a run, printed so that its choices can be repeated.
pub(super) fn seed() -> Result<u64> {
    let seed = match std::env::var("SLUICEWAY_TEST_SEED") {
        Ok(seed) => seed.parse().context("SLUICEWAY_TEST_SEED")?,
        Err(_) => rand::random(),
    };
    eprintln!("SLUICEWAY_TEST_SEED={seed}");
    Ok(seed)
}

/// The shortest session time-out that the broker allows, but long enough for a loaded machine.
pub(super) async fn session_timeout(session: &Session) -> Result<Duration> {
    let shortest = session
        .kafka
        .broker_setting("group.min.session.timeout.ms")
        .await?;
    let shortest: u64 = shortest.as_deref().unwrap_or("6000").parse()?;
    Ok(Duration::from_millis(shortest.max(1500)))
}

pub(super) fn with_session_timeout(connector: Connector, timeout: Duration) -> Connector {
    let millis = timeout.as_millis();
    connector
        .set("consumer.override.session.timeout.ms", &millis.to_string())
        .set(
            "consumer.override.heartbeat.interval.ms",
            &(millis / 5).to_string(),
        )
}

async fn run(session: &Session, scenario: &Scenario) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed()?);
    let fight = Fight::prepare(session, scenario).await?;
    let load = Load::start(
        &session.parts.kafka,
        &fight.topic,
        PARTITIONS,
        scenario.pace,
        random.random(),
    )?;
    let mut workers: Vec<Program> = fight
        .files
        .iter()
        .map(SinkFiles::spawn)
        .collect::<Result<_>>()?;
    let mut unfinished = 0;
    for _ in 0..kills(session.parts.kind)? / scenario.kill_share {
        fight.wait_for_a_moment(&mut random, &mut workers).await?;
        let victim = random.random_range(0..workers.len());
        workers[victim].kill()?;
        unfinished += usize::from(fight.has_open_plans()?);
        if random.random_bool(0.3) {
            tokio::time::sleep(random.random_range(Duration::ZERO..fight.timeout)).await;
        }
        workers[victim] = fight.files[victim].spawn()?;
    }
    load.stop().await?;
    fight.fill_up().await?;
    fight.wait_until_drained(&mut workers).await?;
    for worker in &mut workers {
        worker.terminate(Duration::from_secs(30)).await?;
    }
    eprintln!("{}: {unfinished} kills left a plan behind", scenario.name);
    fight.check().await
}

/// What a run is about.
struct Fight<'a> {
    session: &'a Session,
    scenario: &'a Scenario,
    topic: String,
    bucket: Bucket,
    connector: Connector,
    files: Vec<SinkFiles>,
    timeout: Duration,
}

// === impl Fight ===

impl<'a> Fight<'a> {
    async fn prepare(session: &'a Session, scenario: &'a Scenario) -> Result<Self> {
        let topic = session.topic(scenario.name, PARTITIONS).await?;
        let bucket = session.bucket(scenario.name).await?;
        let timeout = session_timeout(session).await?;
        let mut connector = Connector::json(session, scenario.name, &topic, &bucket)
            .set("flush.size", &scenario.flush_size.to_string());
        connector = with_session_timeout(connector, timeout);
        if let Some(schedule) = scenario.schedule_ms {
            connector = connector
                .set("rotate.schedule.interval.ms", &schedule.to_string())
                .set("timezone", "UTC");
        }
        let files = (0..scenario.workers)
            .map(|_| SinkFiles::write(session, &[], std::slice::from_ref(&connector)));
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

    /// A third of the moments is when a plan has just been committed and its objects are on their way; a third some
    /// milliseconds after the sink got on; the rest any moment, also while it joins the group.
    async fn wait_for_a_moment(&self, random: &mut StdRng, workers: &mut [Program]) -> Result<()> {
        let (choice, most) = match random.random_range(0..3) {
            0 => (Moment::Any, self.timeout * 2),
            1 => (Moment::Progress, Duration::from_millis(700)),
            _ => (Moment::Plan, Duration::from_millis(4)),
        };
        let pause = random.random_range(Duration::ZERO..most);
        if choice != Moment::Any {
            self.wait_for_progress(workers).await?;
        }
        let until = Instant::now() + Duration::from_secs(5);
        while choice == Moment::Plan && !self.has_open_plans()? && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }

    async fn wait_for_progress(&self, workers: &mut [Program]) -> Result<()> {
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
    fn committed(&self) -> Result<i64> {
        let committed = self
            .session
            .kafka
            .committed(&self.connector.group(), &self.topic)?;
        Ok(committed.values().map(|committed| committed.offset).sum())
    }

    /// Whether the last commit of a partition carries something for the next owner to keep to.
    fn has_open_plans(&self) -> Result<bool> {
        let committed = self
            .session
            .kafka
            .committed(&self.connector.group(), &self.topic)?;
        Ok(committed
            .values()
            .any(|committed| !committed.metadata.is_empty()))
    }

    /// Without a schedule the tail would stay: adds what is missing to a multiple of flush.size.
    async fn fill_up(&self) -> Result<()> {
        if self.scenario.schedule_ms.is_some() {
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
        let ends: i64 = self
            .session
            .kafka
            .ends(&self.topic)?
            .values()
            .map(|(_, end)| end)
            .sum();
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

    async fn check(&self) -> Result<()> {
        let records = self.session.kafka.read_all(&self.topic)?;
        let objects = self.bucket.objects("").await?;
        let tiles = tiling::check_complete(&self.topic, &records, &objects)?;
        if self.scenario.schedule_ms.is_none() {
            let exact = tiles
                .values()
                .flatten()
                .all(|tile| tile.count == self.scenario.flush_size);
            ensure!(exact, "an object of another size: {tiles:?}");
        }
        for (partition, committed) in self
            .session
            .kafka
            .committed(&self.connector.group(), &self.topic)?
        {
            let end = tiling::end_of(&tiles, partition);
            ensure!(
                committed.offset == end,
                "{partition}: {committed:?} is committed, objects end at {end}"
            );
        }
        if let Some(open) = self.bucket.open_uploads().await? {
            ensure!(open.is_empty(), "uploads left open: {open:?}");
        }
        eprintln!(
            "{}: {} records in {} objects",
            self.scenario.name,
            records.len(),
            objects.len()
        );
        Ok(())
    }
}
