//! Partitions that are unlike the others of their task: one whose store is slow, and one that has far more records. The others
//! go on.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::s3_faults::through;
use super::{Rounds, report};
use crate::fault_proxy::{Fault, FaultProxy, Rule};
use crate::fight::{Fight, Scenario, pace};
use crate::kafka::Record;
use crate::load::numbered;
use crate::program::Program;
use crate::{Session, eventually};

/// How long the store takes with the slow partition's objects.
const SLOW: Duration = Duration::from_secs(12);

/// The store takes for ever with one partition's objects, and that partition has most of the records: the others go on as if
/// nothing were. When the store has recovered, it catches up.
///
/// # Errors
/// The case fails.
pub async fn one_slow_partition(session: &Session) -> Result<()> {
    let proxy = FaultProxy::start(&session.parts.s3.endpoint).await?;
    let scenario = Scenario {
        pace: pace(6, 50),
        ..Scenario::flushed("slow", 5)
    };
    let scenario = through(&proxy, scenario);
    let fight = Fight::prepare(session, scenario).await?;
    let load = fight.load(5)?;
    let mut workers = fight.spawn()?;
    fight.wait_for_progress(&mut workers).await?;
    proxy.set(vec![
        Rule::of_writes(Fault::Slow(SLOW), 1.0).under("/partition=0/"),
    ]);
    let mut slowest = Duration::ZERO;
    let mut rounds = Rounds::start(4)?;
    while rounds.another() {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let since = Instant::now();
        others_get_on(&fight, &mut workers).await?;
        slowest = slowest.max(since.elapsed());
    }
    proxy.set(Vec::new());
    let census = fight.finish(load, &mut workers).await?;
    let note = format!("the others go on within {:.1} s", slowest.as_secs_f64());
    report(
        "one partition's store is slow",
        proxy.times(),
        &census,
        &note,
    );
    Ok(())
}

/// Waits until the partitions whose store is well have written what they have now.
async fn others_get_on(fight: &Fight<'_>, workers: &mut [Program]) -> Result<()> {
    let ends = fight.session.kafka.ends(&fight.topic)?;
    eventually(
        "waiting for the other partitions",
        SLOW * 5 / 6,
        async || {
            workers.iter_mut().try_for_each(Program::ensure_runs)?;
            let committed = fight
                .session
                .kafka
                .committed(&fight.connector.group(), &fight.topic)?;
            let on = ends.iter().skip(1).all(|(partition, (_, end))| {
                // The last one may wait for its second record.
                committed
                    .get(partition)
                    .is_some_and(|found| found.offset >= end - 1)
            });
            Ok(on.then_some(()))
        },
    )
    .await
}

/// Records of the hot partition and bytes of each, and the budget of the worker, which they fill many times over.
const HOT_RECORDS: i64 = 3_000;
const HOT_BYTES: usize = 20_000;
const HOT_BUDGET: &str = "16000000";
/// How long the store takes with the hot partition's objects.
const HOT_SLOW: Duration = Duration::from_millis(600);

/// One partition has 60 MB to be read, and its objects are slow, so that it alone would fill the worker's memory again and again;
/// the others have a few records at a time: they go on as if nothing were.
///
/// # Errors
/// The case fails.
pub async fn one_hot_partition(session: &Session) -> Result<()> {
    let proxy = FaultProxy::start(&session.parts.s3.endpoint).await?;
    let scenario = Scenario {
        worker: vec![("sluiceway.memory.budget.bytes", HOT_BUDGET)],
        ..through(&proxy, Scenario::scheduled("hot"))
    };
    let fight = Fight::prepare(session, scenario).await?;
    for start in (0..HOT_RECORDS).step_by(100) {
        let records = (start..start + 100).map(|n| numbered(0, n, HOT_BYTES));
        let records: Vec<Record> = records.collect();
        session.kafka.write(&fight.topic, &records).await?;
    }
    proxy.set(vec![
        Rule::of_writes(Fault::Slow(HOT_SLOW), 1.0).under("/partition=0/"),
    ]);
    let mut workers = fight.spawn()?;
    fight.wait_for_progress(&mut workers).await?;
    let mut next = vec![0; usize::try_from(fight.scenario.partitions)?];
    let (mut slowest, mut rounds) = (Duration::ZERO, 0);
    // As long as the hot one is behind.
    while committed(&fight, 0)? < HOT_RECORDS {
        for (partition, next) in (0..).zip(&mut next).skip(1) {
            let records = (*next..*next + 5).map(|n| numbered(partition, n, 200));
            let records: Vec<Record> = records.collect();
            session.kafka.write(&fight.topic, &records).await?;
            *next += 5;
        }
        let since = Instant::now();
        others_get_on(&fight, &mut workers).await?;
        slowest = slowest.max(since.elapsed());
        rounds += 1;
    }
    ensure!(rounds >= 3, "the hot partition was done in {rounds} rounds");
    proxy.set(Vec::new());
    let census = fight.drain(&mut workers).await?;
    let note = format!("the others go on within {:.1} s", slowest.as_secs_f64());
    let name = "one partition is hot, its store slow";
    report(name, proxy.times(), &census, &note);
    Ok(())
}

/// What is committed of a partition.
fn committed(fight: &Fight<'_>, partition: i32) -> Result<i64> {
    let group = fight.connector.group();
    let committed = fight.session.kafka.committed(&group, &fight.topic)?;
    let found = committed.get(&partition);
    Ok(found.map_or(0, |found| found.offset))
}
