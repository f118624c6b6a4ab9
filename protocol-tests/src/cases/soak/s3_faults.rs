//! A store that refuses, breaks off, loses its answers, and one that says no.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Rounds, report};
use crate::fault_proxy::{Fault, FaultProxy, Operation, Rule};
use crate::fight::{Fight, Scenario, pace};
use crate::http::Request;
use crate::load::Pace;
use crate::target::Sink;
use crate::{Session, eventually};

/// How long the store misbehaves in a round.
const STORM: Duration = Duration::from_millis(1200);

/// What has to go wrong in it, at least.
const FAULTS: u64 = 3;

/// A connector that goes through `proxy` and does not wait long after an error.
pub(super) fn through(proxy: &FaultProxy, scenario: Scenario) -> Scenario {
    scenario
        .set("store.url", proxy.endpoint.clone())
        .set("s3.retry.backoff.ms", "20")
        .set("retry.backoff.ms", "50")
}

/// Objects of several parts: a few large records a second in so many partitions, closed by a schedule.
pub(super) fn in_parts(name: &'static str, partitions: i32) -> Scenario {
    Scenario {
        partitions,
        flush_size: 40,
        settings: vec![
            ("rotate.schedule.interval.ms", "2000".to_owned()),
            ("timezone", "UTC".to_owned()),
        ],
        pace: Pace {
            filling: 700_000,
            ..pace(1, 120)
        },
        ..Scenario::scheduled(name)
    }
}

/// The store is busy, has internal errors, or conflicts of its own.
///
/// # Errors
/// The case fails.
pub async fn s3_refusals(session: &Session) -> Result<()> {
    let rules = vec![
        Rule::of_writes(Fault::Answer(503, "SlowDown"), 0.3),
        Rule::of_writes(Fault::Answer(500, "InternalError"), 0.2),
        Rule::of_writes(Fault::Answer(409, "OperationAborted"), 0.1),
        Rule::of_writes(Fault::Answer(409, "ConditionalRequestConflict"), 0.1),
        Rule::of_writes(Fault::Answer(400, "RequestTimeout"), 0.1),
    ];
    let name = "S3 answers 503, 500, 409, time-out";
    storm(session, name, Scenario::scheduled("refuse"), rules, &[]).await
}

/// Connections break in the middle of parts, or nothing comes at all.
///
/// # Errors
/// The case fails.
pub async fn s3_broken_connections(session: &Session) -> Result<()> {
    let rules = vec![
        Rule::of_writes(Fault::Reset, 0.3),
        Rule::of_writes(Fault::Silence(Duration::from_millis(700)), 0.2),
    ];
    let name = "S3 breaks off in mid-part, is silent";
    storm(session, name, in_parts("broken", 1), rules, &[]).await
}

/// The store has done it, and nobody heard: creates, parts, completes and puts.
///
/// # Errors
/// The case fails.
pub async fn s3_lost_answers(session: &Session) -> Result<()> {
    let rules = vec![
        Rule::of_writes(Fault::LostAnswer, 0.5).only(Operation::Complete),
        Rule::of_writes(Fault::LostAnswer, 0.4).only(Operation::Create),
        Rule::of_writes(Fault::LostAnswer, 0.3),
    ];
    let name = "S3's answers are lost (create, part, complete, put)";
    let all = [Operation::Create, Operation::Part, Operation::Complete];
    storm(session, name, in_parts("unheard", 1), rules, &all).await
}

/// Storms and calm in turns; in the last storm something goes wrong with each of `with`.
async fn storm(
    session: &Session,
    name: &str,
    scenario: Scenario,
    rules: Vec<Rule>,
    with: &[Operation],
) -> Result<()> {
    let proxy = FaultProxy::start(&session.parts.s3.endpoint).await?;
    let fight = Fight::prepare(session, through(&proxy, scenario)).await?;
    let load = fight.load(1)?;
    let mut workers = fight.spawn()?;
    fight.wait_for_progress(&mut workers).await?;
    let mut rounds = Rounds::start(2)?;
    while rounds.another() {
        weather(&proxy, rules.clone()).await?;
        fight.wait_for_progress(&mut workers).await?;
    }
    proxy.set(rules.clone());
    let limit = Duration::from_secs(60);
    eventually("waiting for a fault of each kind", limit, async || {
        let met = with.iter().all(|operation| proxy.faults(*operation) > 0);
        Ok(met.then_some(()))
    })
    .await?;
    weather(&proxy, rules).await?;
    let census = fight.finish(load, &mut workers).await?;
    report(name, proxy.times(), &census, "");
    Ok(())
}

/// A storm: for a while, and until something went wrong a few times.
async fn weather(proxy: &FaultProxy, rules: Vec<Rule>) -> Result<()> {
    let before = proxy.times();
    proxy.set(rules);
    tokio::time::sleep(STORM).await;
    let limit = Duration::from_secs(30);
    eventually("waiting for faults", limit, async || {
        Ok((proxy.times() >= before + FAULTS).then_some(()))
    })
    .await?;
    proxy.set(Vec::new());
    Ok(())
}

/// Refusals that time does not heal: the task fails and says why; after the cause is gone and a restart it goes on, with
/// nothing lost or written twice.
///
/// # Errors
/// The case fails.
pub async fn s3_says_no(session: &Session) -> Result<()> {
    let proxy = FaultProxy::start(&session.parts.s3.endpoint).await?;
    let scenario = through(&proxy, Scenario::scheduled("refused"));
    let fight = Fight::prepare(session, scenario).await?;
    let load = fight.load(2)?;
    let mut sink = fight.files[0].start().await?;
    let mut times = 0;
    let mut rounds = Rounds::start(1)?;
    while rounds.another() {
        for (status, code) in [
            (403, "AccessDenied"),
            (404, "NoSuchBucket"),
            (400, "ExpiredToken"),
            (412, "PreconditionFailed"),
        ] {
            fight
                .wait_for_progress(std::slice::from_mut(&mut sink.program))
                .await?;
            proxy.set(vec![Rule::of_writes(Fault::Answer(status, code), 1.0)]);
            failed(&fight, &sink, code).await?;
            proxy.set(Vec::new());
            restart(&fight, &sink).await?;
            times += 1;
        }
        fight
            .wait_for_progress(std::slice::from_mut(&mut sink.program))
            .await?;
        bucket_is_away(&fight, &sink, &proxy).await?;
        times += 1;
    }
    let census = fight
        .finish(load, std::slice::from_mut(&mut sink.program))
        .await?;
    let note = "FAILED with the reason, on after a restart";
    report(
        "S3 says no, expired credentials, bucket away",
        times,
        &census,
        note,
    );
    Ok(())
}

/// The bucket does not exist for a while, also when the task starts.
async fn bucket_is_away(fight: &Fight<'_>, sink: &Sink, proxy: &FaultProxy) -> Result<()> {
    let away = Rule {
        operations: Vec::new(),
        ..Rule::of_writes(Fault::Answer(404, "NoSuchBucket"), 1.0)
    };
    proxy.set(vec![away]);
    failed(fight, sink, "NoSuchBucket").await?;
    restart(fight, sink).await?;
    failed(fight, sink, fight.bucket.name()).await?;
    proxy.set(Vec::new());
    restart(fight, sink).await
}

/// Waits until the task has failed and its trace names `reason`.
async fn failed(fight: &Fight<'_>, sink: &Sink, reason: &str) -> Result<()> {
    let mut last = String::new();
    let limit = Duration::from_secs(60);
    let waiting = eventually("waiting for the task to fail", limit, async || {
        let status = sink.status(&fight.connector).await?.unwrap_or_default();
        let task = &status["tasks"][0];
        last = task.to_string();
        let told = task["trace"]
            .as_str()
            .is_some_and(|trace| trace.contains(reason));
        Ok((task["state"] == "FAILED" && told).then_some(()))
    });
    let result = waiting.await;
    result.with_context(|| format!("{reason} is not told in {last}"))
}

async fn restart(fight: &Fight<'_>, sink: &Sink) -> Result<()> {
    let path = format!("/connectors/{}/tasks/0/restart", fight.connector.name);
    let answer = sink.http.call(&Request::new("POST", &path)).await?;
    ensure!(matches!(answer.status, 200 | 204), "{answer:?}");
    let limit = Duration::from_secs(30);
    // It may fail again at once; then that is seen.
    eventually("waiting for the restart", limit, async || {
        let states = sink.task_states(&fight.connector).await?;
        Ok((states.len() == 1).then_some(()))
    })
    .await
    .context("after a restart")
}
