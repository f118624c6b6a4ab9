//! Workers that die, sleep, come and go, and whose clock jumps, while the store misbehaves as well.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::s3_faults::{in_parts, through};
use super::{Rounds, report};
use crate::Session;
use crate::cases::sink_kill::{kill_one, seed};
use crate::fault_proxy::{Fault, FaultProxy, Rule};
use crate::fight::{Fight, Scenario};

/// A store that is a little bad all the time.
fn bad_weather() -> Vec<Rule> {
    vec![
        Rule::of_writes(Fault::Answer(503, "SlowDown"), 0.05),
        Rule::of_writes(Fault::LostAnswer, 0.05),
        Rule::of_writes(Fault::Reset, 0.03),
        Rule::of_writes(Fault::Slow(Duration::from_millis(120)), 0.2),
    ]
}

/// `kill -9` of one of two workers at random moments, with a store that is bad as well.
///
/// # Errors
/// The case fails.
pub async fn kills_under_s3_faults(session: &Session) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed()?);
    let proxy = FaultProxy::start(&session.parts.s3.endpoint).await?;
    let scenario = Scenario {
        workers: 2,
        ..through(&proxy, Scenario::scheduled("killed"))
    };
    let fight = Fight::prepare(session, scenario).await?;
    let load = fight.load(random.random())?;
    let mut workers = fight.spawn()?;
    proxy.set(bad_weather());
    let (mut rounds, mut plans) = (Rounds::start(3)?, 0);
    while rounds.another() {
        plans += u32::from(kill_one(&fight, &mut random, &mut workers).await?);
    }
    proxy.set(Vec::new());
    let census = fight.finish(load, &mut workers).await?;
    let note = format!("{plans} left a plan behind, {} S3 faults", proxy.times());
    let times = u64::from(rounds.done());
    report("kill -9 of a worker, S3 bad as well", times, &census, &note);
    Ok(())
}

/// A worker sleeps (SIGSTOP) past its session and wakes with everything it held; the others have gone on meanwhile.
///
/// # Errors
/// The case fails.
pub async fn zombies_under_s3_faults(session: &Session) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed()?);
    let proxy = FaultProxy::start(&session.parts.s3.endpoint).await?;
    let scenario = Scenario {
        workers: 2,
        ..through(&proxy, Scenario::scheduled("zombie"))
    };
    let fight = Fight::prepare(session, scenario).await?;
    let load = fight.load(random.random())?;
    let mut workers = fight.spawn()?;
    fight.wait_for_progress(&mut workers).await?;
    proxy.set(bad_weather());
    let mut rounds = Rounds::start(2)?;
    while rounds.another() {
        let sleeper = random.random_range(0..workers.len());
        tokio::time::sleep(Duration::from_millis(random.random_range(0..700))).await;
        workers[sleeper].signal("STOP")?;
        let sleep = random.random_range(Duration::ZERO..fight.timeout);
        tokio::time::sleep(fight.timeout + sleep).await;
        workers[sleeper].signal("CONT")?;
        fight.wait_for_progress(&mut workers).await?;
    }
    proxy.set(Vec::new());
    let census = fight.finish(load, &mut workers).await?;
    let note = format!("{} S3 faults", proxy.times());
    let times = u64::from(rounds.done());
    report("SIGSTOP past the session, SIGCONT", times, &census, &note);
    Ok(())
}

/// A second worker joins and leaves while parts are on their way, slowly.
///
/// # Errors
/// The case fails.
pub async fn rebalances_in_uploads(session: &Session) -> Result<()> {
    let proxy = FaultProxy::start(&session.parts.s3.endpoint).await?;
    let scenario = Scenario {
        workers: 2,
        ..through(&proxy, in_parts("rebalance", 2))
    };
    let fight = Fight::prepare(session, scenario).await?;
    let load = fight.load(4)?;
    let mut workers = fight.spawn()?;
    fight.wait_for_progress(&mut workers).await?;
    proxy.set(vec![Rule::of_writes(
        Fault::Slow(Duration::from_millis(400)),
        0.7,
    )]);
    let mut rounds = Rounds::start(2)?;
    while rounds.another() {
        let leaver = rounds.done() as usize % 2;
        workers[leaver].terminate(Duration::from_secs(40)).await?;
        let other = &mut workers[1 - leaver];
        fight.wait_for_progress(std::slice::from_mut(other)).await?;
        workers[leaver] = fight.files[leaver].spawn()?;
        fight.wait_for_progress(&mut workers).await?;
    }
    proxy.set(Vec::new());
    let census = fight.finish(load, &mut workers).await?;
    let times = u64::from(rounds.done()) * 2;
    report("rebalance in mid-upload", times, &census, "");
    Ok(())
}

/// The clock of a worker jumps ahead and back, by minutes and by hours: schedules and wall-clock folders go by it. Needs
/// libfaketime (`SLUICEWAY_TEST_FAKETIME`), so it runs with `xtask soak` only.
///
/// # Errors
/// The case fails.
pub async fn clock_jumps(session: &Session) -> Result<()> {
    let library = std::env::var("SLUICEWAY_TEST_FAKETIME");
    let library = library.context("SLUICEWAY_TEST_FAKETIME names no libfaketime")?;
    ensure!(Path::new(&library).exists(), "{library} is not there");
    let mut random = StdRng::seed_from_u64(seed()?);
    let scenario = Scenario {
        default_layout: false,
        ..Scenario::scheduled("jumps")
    };
    let scenario = scenario
        .set(
            "partitioner.class",
            "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
        )
        .set("timestamp.extractor", "Wallclock")
        .set("partition.duration.ms", "60000")
        .set("path.format", "'hour'=HH/'minute'=mm")
        .set("locale", "en");
    let mut fight = Fight::prepare(session, scenario).await?;
    let clock = session.file("faketime");
    std::fs::write(&clock, "+0s")?;
    let clock_path = clock.to_str().context("a path that is no text")?;
    fight.files = vec![
        fight.files[0]
            .clone()
            .environment("LD_PRELOAD", &library)
            .environment("FAKETIME_TIMESTAMP_FILE", clock_path)
            .environment("FAKETIME_NO_CACHE", "1")
            .environment("DONT_FAKE_MONOTONIC", "1"),
    ];
    let load = fight.load(random.random())?;
    let mut workers = fight.spawn()?;
    fight.wait_for_progress(&mut workers).await?;
    let mut rounds = Rounds::start(6)?;
    while rounds.another() {
        // S3 refuses signatures that are more than a quarter of an hour off; most jumps stay below that.
        let far = rounds.done().is_multiple_of(5);
        let most = if far { 7_200 } else { 800 };
        let seconds = random.random_range(-most..most);
        std::fs::write(&clock, format!("{seconds:+}s"))?;
        tokio::time::sleep(Duration::from_millis(random.random_range(200..1500))).await;
        if random.random_bool(0.3) {
            kill_one(&fight, &mut random, &mut workers).await?;
        }
        std::fs::write(&clock, "+0s")?;
        fight.wait_for_progress(&mut workers).await?;
    }
    let census = fight.finish(load, &mut workers).await?;
    let times = u64::from(rounds.done()) * 2;
    report("clock jumps by minutes and hours", times, &census, "");
    Ok(())
}
