//! Replays of the recordings; see [`crate::golden`].

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::Session;
use crate::golden::answer::Context;
use crate::golden::differences::{judge, load};
use crate::golden::pending::Pending;
use crate::golden::places::Places;
use crate::golden::rest::{Moves, Section};
use crate::golden::{Mismatch, outcome, sink, stored};
use crate::target::{Proxy, Sink};

/// The list of these cases.
#[macro_export]
macro_rules! golden_cases {
    ($kind:ident) => {
        $crate::tests!($kind golden
            rest_recordings rest_recordings_without_auto_creation rest_extra_recordings
            sink_recordings connect_rest_recordings);
    };
}

/// Topics that the recorded run had created, with their partitions.
const TOPICS: [(&str, i32); 9] = [
    ("json", 1),
    ("multi", 3),
    ("bin", 1),
    ("avro", 1),
    ("cons", 1),
    ("jsc", 1),
    ("proto", 1),
    ("pat1", 1),
    ("pat2", 1),
];

fn context(session: &Session, topics: &[(String, i32)]) -> Result<Context> {
    let mut places = Places::default();
    for (name, partitions) in topics {
        places.topic(name, i64::from(*partitions));
    }
    Ok(Context {
        kind: session.parts.kind,
        brokers: session
            .kafka
            .broker_ids()?
            .into_iter()
            .map(i64::from)
            .collect(),
        topics: topics
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<BTreeSet<_>>(),
        places,
    })
}

/// Sections 01 to 06 in one sequence, and what lies in Kafka after them.
///
/// # Errors
/// The case fails.
pub async fn rest_recordings(session: &Session) -> Result<()> {
    let files = [
        "01-root-and-http",
        "02-accept",
        "03-metadata",
        "04-produce-json",
        "05-produce-binary",
        "06-content-type",
    ];
    let files = files.map(|name| format!("rest/{name}.json"));
    let run = format!("-{}", session.run());
    let replace = [("-cfa", run.as_str())];
    let topics: Vec<(String, i32)> = TOPICS
        .iter()
        .map(|(name, partitions)| (format!("gt{run}-{name}"), *partitions))
        .collect();
    for (name, partitions) in &topics {
        session.kafka.create_topic(name, *partitions, &[]).await?;
    }
    let mut context = context(session, &topics)?;
    let proxy = Proxy::start(session, &[("producer.max.block.ms", "4000")]).await?;
    let (mut found, mut moves) = (Vec::new(), Moves::new());
    for file in &files {
        found.extend(
            Section::load(file, &replace)?
                .replay(&proxy.http, &mut context, &mut moves)
                .await?,
        );
    }
    for topic in ["json", "multi", "bin", "auto", "autop"] {
        let topic = format!("gt{run}-{topic}");
        found.extend(stored::compare(
            &topic,
            &replace,
            &moves,
            &session.kafka.read_all(&topic)?,
        )?);
    }
    let mut replayed: Vec<&str> = files.iter().map(String::as_str).collect();
    replayed.push(stored::FILE);
    finish(session, &replayed, found, &run, "-cfa")
}

/// Section 13: a broker that does not create topics.
///
/// # Errors
/// The case fails.
pub async fn rest_recordings_without_auto_creation(session: &Session) -> Result<()> {
    let proxy = Proxy::start_on(
        session,
        &session.parts.kafka_noauto,
        &[("producer.max.block.ms", "6000")],
    )
    .await?;
    one_section(
        session,
        &proxy,
        "rest/13-noauto-unknown-topic.json",
        "-na1",
        &[],
    )
    .await
}

/// Section 14.
///
/// # Errors
/// The case fails.
pub async fn rest_extra_recordings(session: &Session) -> Result<()> {
    let topic = format!("gt-{}-multi", session.run());
    session.kafka.create_topic(&topic, 3, &[]).await?;
    let proxy = Proxy::start(session, &[("producer.max.block.ms", "4000")]).await?;
    one_section(
        session,
        &proxy,
        "rest/14-extras.json",
        "-cfd",
        &[(topic, 3)],
    )
    .await
}

async fn one_section(
    session: &Session,
    proxy: &Proxy,
    file: &str,
    recorded_run: &str,
    topics: &[(String, i32)],
) -> Result<()> {
    let run = format!("-{}", session.run());
    let mut context = context(session, topics)?;
    let section = Section::load(file, &[(recorded_run, run.as_str())])?;
    let found = section
        .replay(&proxy.http, &mut context, &mut Moves::new())
        .await?;
    finish(session, &[file], found, &run, recorded_run)
}

/// Judges; places are named as in the recording, so that they can be listed.
fn finish(
    session: &Session,
    replayed: &[&str],
    mut found: Vec<Mismatch>,
    run: &str,
    recorded_run: &str,
) -> Result<()> {
    for mismatch in &mut found {
        mismatch.at = mismatch.at.replace(run, recorded_run);
        mismatch.fact = mismatch.fact.replace(run, recorded_run);
    }
    judge(&load()?, session.parts.kind, replayed, &found)
}

/// The recorded cases of the sink; `SLUICEWAY_GOLDEN` names some of them.
///
/// # Errors
/// The case fails.
pub async fn sink_recordings(session: &Session) -> Result<()> {
    let table = load()?;
    let found = sink::replay(session, &sink::chosen()?, &table).await?;
    sink::verdict(session, &found, &table, &Pending::load()?)
}

/// The recorded beginning of a session with Connect's REST API: shapes of `/` and `/connectors`.
///
/// # Errors
/// The case fails.
pub async fn connect_rest_recordings(session: &Session) -> Result<()> {
    const FILE: &str = "sink/connect-rest.json";
    let recording = crate::golden::load(FILE, &[])?;
    let sink = Sink::start(session, &[]).await?;
    for call in recording
        .as_array()
        .into_iter()
        .flatten()
        .filter(|call| call["method"] == "GET")
    {
        let path = call["path"].as_str().unwrap_or_default();
        let answer = sink.http.get(path, None).await?;
        ensure!(
            u64::from(answer.status) == call["status"].as_u64().unwrap_or_default(),
            "{path}: {}",
            answer.status
        );
        ensure!(
            answer.header("content-type") == call["content_type"].as_str(),
            "{path}: {:?}",
            answer.headers
        );
        let (found, recorded) = (answer.json()?, &call["response"]);
        let same = outcome::same_shape(recorded, &found);
        ensure!(same, "{path}: {found} instead of {recorded}");
    }
    Ok(())
}
