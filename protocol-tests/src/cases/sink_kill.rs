//! Exactly once under fire: the worker's process is killed with SIGKILL at random moments while records keep coming,
//! and started again. In the end every record stands in exactly one object, the committed offsets are the ends of the
//! partitions, and no upload is left open.
//!
//! On real parts a case kills 30 times (with large objects 15 times), on the embedded ones a few times.
//! `SLUICEWAY_TEST_SEED` repeats a run's choices, `SLUICEWAY_TEST_KILLS` changes the number.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::Session;
use crate::fight::{Fight, Scenario, pace};
use crate::load::Pace;
use crate::parts::Kind;
use crate::program::Program;

/// The list of these cases.
#[macro_export]
macro_rules! sink_kill_cases {
    ($kind:ident) => {
        $crate::tests!($kind sink_kill
            kills_with_scheduled_rotation kills_with_flush_size_only kills_with_flush_size_one
            kills_with_uploads_in_parts kills_of_one_of_two_workers kills_with_other_rotations
            kills_with_folders_by_the_wall_clock);
    };
}

/// When to kill.
#[derive(PartialEq, Eq)]
enum Moment {
    Any,
    Progress,
    Plan,
}

/// The hard one: where a file ends depends on the clock, so only the plan can say where it ended before the kill.
///
/// # Errors
/// The case fails.
pub async fn kills_with_scheduled_rotation(session: &Session) -> Result<()> {
    run(session, Scenario::scheduled("sched"), 1).await
}

/// Boundaries are multiples of flush.size.
///
/// # Errors
/// The case fails.
pub async fn kills_with_flush_size_only(session: &Session) -> Result<()> {
    run(session, Scenario::flushed("flush", 40), 1).await
}

/// Many boundaries in one plan.
///
/// # Errors
/// The case fails.
pub async fn kills_with_flush_size_one(session: &Session) -> Result<()> {
    let scenario = Scenario {
        pace: pace(2, 40),
        ..Scenario::flushed("ones", 1)
    };
    run(session, scenario, 1).await
}

/// Objects of more than one part: what a killed process had uploaded of them is aborted by the next one.
///
/// # Errors
/// The case fails.
pub async fn kills_with_uploads_in_parts(session: &Session) -> Result<()> {
    let scenario = Scenario {
        flush_size: 40,
        settings: vec![
            ("rotate.schedule.interval.ms", "6000".to_owned()),
            ("timezone", "UTC".to_owned()),
        ],
        pace: Pace {
            filling: 300_000,
            ..pace(1, 80)
        },
        ..Scenario::scheduled("parts")
    };
    run(session, scenario, 2).await
}

/// Two processes in one consumer group: one is killed, the other takes over, the first comes back.
///
/// # Errors
/// The case fails.
pub async fn kills_of_one_of_two_workers(session: &Session) -> Result<()> {
    let scenario = Scenario {
        workers: 2,
        ..Scenario::scheduled("two")
    };
    run(session, scenario, 1).await
}

/// Files closed by encoded bytes, by silence, and by the memory budget: nothing that a second reading would repeat by itself.
///
/// # Errors
/// The case fails.
pub async fn kills_with_other_rotations(session: &Session) -> Result<()> {
    run(session, by_size("bytes").set("flush.bytes", "9000"), 10).await?;
    let idle = Scenario {
        pace: pace(30, 900),
        ..by_size("idle")
    };
    run(session, idle, 10).await?;
    let memory = Scenario {
        // Less than a second's records: memory closes most of the files.
        worker: vec![("sluiceway.memory.budget.bytes", "400000")],
        pace: Pace {
            filling: 2_000,
            ..pace(20, 40)
        },
        ..by_size("memory")
    };
    run(session, memory, 10).await
}

/// Folders by the second of processing: a second reading finds the same ones, because the plan holds the times.
///
/// # Errors
/// The case fails.
pub async fn kills_with_folders_by_the_wall_clock(session: &Session) -> Result<()> {
    let scenario = Scenario {
        default_layout: false,
        ..Scenario::scheduled("clock")
    };
    let scenario = scenario
        .set(
            "partitioner.class",
            "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
        )
        .set("timestamp.extractor", "Wallclock")
        .set("partition.duration.ms", "100")
        .set("path.format", "'second'=ss/'tenth'=S")
        .set("locale", "en");
    run(session, scenario, 5).await
}

/// What no record closes: only bytes, silence or memory do.
fn by_size(name: &'static str) -> Scenario {
    Scenario {
        settings: vec![("rotate.idle.interval.ms", "200".to_owned())],
        flush_size: 1_000_000,
        ..Scenario::scheduled(name)
    }
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

async fn run(session: &Session, scenario: Scenario, kill_share: u32) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed()?);
    let name = scenario.name;
    let fight = Fight::prepare(session, scenario).await?;
    let load = fight.load(random.random())?;
    let mut workers = fight.spawn()?;
    let (kills, mut unfinished) = (kills(session.parts.kind)?.div_ceil(kill_share), 0);
    for _ in 0..kills {
        unfinished += usize::from(kill_one(&fight, &mut random, &mut workers).await?);
    }
    let census = fight.finish(load, &mut workers).await?;
    // A third of the moments are chosen for it.
    anyhow::ensure!(
        kills < 30 || unfinished > 0,
        "none of {kills} kills met a plan whose objects were on their way"
    );
    let note = format!("{unfinished} left a plan behind");
    super::soak::report(
        &format!("kill -9, {name}"),
        u64::from(kills),
        &census,
        &note,
    );
    Ok(())
}

/// `kill -9` of one worker at some moment, and its next start. True when a plan was left behind.
pub(super) async fn kill_one(
    fight: &Fight<'_>,
    random: &mut StdRng,
    workers: &mut [Program],
) -> Result<bool> {
    wait_for_a_moment(fight, random, workers).await?;
    let victim = random.random_range(0..workers.len());
    workers[victim].kill()?;
    let unfinished = fight.has_open_plans()?;
    if random.random_bool(0.3) {
        tokio::time::sleep(random.random_range(Duration::ZERO..fight.timeout)).await;
    }
    workers[victim] = fight.files[victim].spawn()?;
    Ok(unfinished)
}

/// A third of the moments is when a plan has just been committed and its objects are on their way; a third some
/// milliseconds after the sink got on; the rest any moment, also while it joins the group.
async fn wait_for_a_moment(
    fight: &Fight<'_>,
    random: &mut StdRng,
    workers: &mut [Program],
) -> Result<()> {
    let (choice, most) = match random.random_range(0..3) {
        0 => (Moment::Any, fight.timeout * 2),
        1 => (Moment::Progress, Duration::from_millis(700)),
        _ => (Moment::Plan, Duration::from_millis(4)),
    };
    let pause = random.random_range(Duration::ZERO..most);
    if choice != Moment::Any {
        fight.wait_for_progress(workers).await?;
    }
    let until = Instant::now() + Duration::from_secs(5);
    while choice == Moment::Plan && !fight.has_open_plans()? && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(pause).await;
    Ok(())
}
