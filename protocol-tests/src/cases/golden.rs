//! Replays of the recordings; see [`crate::golden`].

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use dev_services::registry::{Registry, RegistryOptions};

use crate::Session;
use crate::golden::answer::Context;
use crate::golden::differences::{explained, judge, load};
use crate::golden::pending::{Pending, settle};
use crate::golden::places::Places;
use crate::golden::rest::{Moves, Section};
use crate::golden::stored::Part;
use crate::golden::words::Words;
use crate::golden::{Mismatch, outcome, sink, stored};
use crate::kafka::Kafka;
use crate::member::Member;
use crate::replicas::Replicas;
use crate::target::{Proxy, Sink};

/// The list of these cases.
#[macro_export]
macro_rules! golden_cases {
    ($kind:ident) => {
        $crate::tests!($kind golden
            rest_recordings rest_recordings_without_auto_creation rest_extra_recordings
            rest_consumer_recordings rest_consumer_recordings_through_replicas rest_v3_recordings rest_v3_recordings_without_auto_creation
            sink_recordings connect_rest_recordings);
    };
}

/// Topics that the recorded run had created, with their partitions.
const TOPICS: [(&str, i32); 9] = [
    ("json", 1),
    ("multi", 3),
    ("bin", 1),
    ("avro", 1),
    ("cons", 2),
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
        prefix: session.run().to_owned(),
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
    let mut words = Words::default();
    let mut sections = Vec::new();
    for file in &files {
        let section = Section::load(file, &replace)?;
        know(&mut words, &section, &proxy, &session.kafka)?;
        found.extend(
            section
                .replay(&proxy.http, &mut context, &mut moves, &mut words)
                .await?,
        );
        sections.push(section);
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
    finish(session, &sections, &[stored::FILE], found, &run, "-cfa")
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

/// Sections 07 and 08: values with schemas, and consumers of API version 2, which read them.
///
/// # Errors
/// The case fails.
pub async fn rest_consumer_recordings(session: &Session) -> Result<()> {
    let files = ["07-produce-schemas", "08-consumers"];
    Box::pin(whole_api(session, &files, "-cfa", 1)).await
}

/// The same through three proxies behind a round-robin balancer.
///
/// # Errors
/// The case fails.
pub async fn rest_consumer_recordings_through_replicas(session: &Session) -> Result<()> {
    let files = ["07-produce-schemas", "08-consumers"];
    Box::pin(whole_api(session, &files, "-cfa", 3)).await
}

/// Sections 09 to 12: API version 3.
///
/// # Errors
/// The case fails.
pub async fn rest_v3_recordings(session: &Session) -> Result<()> {
    let files = [
        "09-v3-cluster",
        "10-v3-topics",
        "11-v3-records",
        "12-v3-groups-acls",
    ];
    Box::pin(whole_api(session, &files, "-cfa", 1)).await
}

/// Section 12 on a broker that does not create topics and has an authorizer.
///
/// # Errors
/// The case fails.
pub async fn rest_v3_recordings_without_auto_creation(session: &Session) -> Result<()> {
    Box::pin(whole_api(session, &["12-v3-groups-acls-noauto"], "-na1", 1)).await
}

/// The part of the recorded run that some sections are, if their records were recorded.
fn part_of(names: &[&str]) -> Option<Part> {
    match names.first()?.get(..2)? {
        "07" => Some(Part::Consume),
        "09" => Some(Part::V3),
        _ => None,
    }
}

/// Sections on a proxy of their own with a registry, and what they left in Kafka.
async fn whole_api(
    session: &Session,
    names: &[&str],
    recorded_run: &str,
    replicas: usize,
) -> Result<()> {
    let run = format!("-{}", session.run());
    let noauto = recorded_run == "-na1";
    let parts = &session.parts;
    let bootstrap = if noauto {
        &parts.kafka_noauto
    } else {
        &parts.kafka
    };
    let kafka = Kafka::new(bootstrap)?;
    let topics: Vec<(String, i32)> = TOPICS
        .iter()
        .map(|(name, partitions)| (format!("gt{run}-{name}"), *partitions))
        .collect();
    for (name, partitions) in &topics {
        kafka.create_topic(name, *partitions, &[]).await?;
    }
    let cons = format!("gt{run}-cons");
    let seed = stored::seed(&cons, &[("-cfa", run.as_str())])?;
    if !noauto {
        kafka.write(&cons, &seed).await?;
    }
    let mut context = context(session, &topics)?;
    // Answers hold the registry's words: the development one has those of the recorded one, the real one has its own.
    let registry = Registry::start(RegistryOptions::default()).await?;
    let properties = [
        ("producer.max.block.ms", "4000"),
        ("schema.registry.url", &*registry.url()),
    ];
    let (proxy, _replicas) = if replicas > 1 {
        let all = Replicas::start_on(session, bootstrap, replicas, &properties).await?;
        (all.balanced()?, Some(all))
    } else {
        (
            Proxy::start_on(session, bootstrap, &properties).await?,
            None,
        )
    };
    let member = names.iter().any(|name| name.starts_with("12"));
    let mut member = if member {
        Some(Member::join(&kafka, &format!("gt{run}-lag"), &format!("gt{run}-cons")).await?)
    } else {
        None
    };
    let (mut found, mut words, mut sections) = (Vec::new(), Words::default(), Vec::new());
    for name in names {
        let replace = [(recorded_run, run.as_str())];
        let mut section = Section::load(&format!("rest/{name}.json"), &replace)?;
        know(&mut words, &section, &proxy, &kafka)?;
        if let (Some(recorded), Some(member)) = (section.vars["consumer_id"].as_str(), &member) {
            words.know(recorded, &member.id);
        }
        let (mut moves, rest) = (Moves::new(), section.split_off("group-delete"));
        found.extend(
            section
                .replay(&proxy.http, &mut context, &mut moves, &mut words)
                .await?,
        );
        sections.push(section);
        if let Some(rest) = rest {
            // The group was empty by then.
            drop(member.take());
            let replayed = rest.replay(&proxy.http, &mut context, &mut moves, &mut words);
            found.extend(replayed.await?);
            sections.push(rest);
        }
    }
    if let Some(part) = part_of(names) {
        let replace = [("-cfa", run.as_str())];
        let read = |topic: &str| kafka.read_all(topic);
        found.extend(stored::compare_part(part, &replace, &words, read)?);
    }
    finish(session, &sections, &[], found, &run, recorded_run)
}

/// What a section calls otherwise than this run.
fn know(words: &mut Words, section: &Section, proxy: &Proxy, kafka: &Kafka) -> Result<()> {
    let var = |name: &str| section.vars[name].as_str().unwrap_or_default().to_owned();
    words.know(&var("base"), &proxy.http.base());
    words.know(&var("cluster_id"), &kafka.cluster_id()?);
    Ok(())
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
    let kafka = if recorded_run == "-na1" {
        &Kafka::new(&session.parts.kafka_noauto)?
    } else {
        &session.kafka
    };
    let mut words = Words::default();
    know(&mut words, &section, proxy, kafka)?;
    let found = section
        .replay(&proxy.http, &mut context, &mut Moves::new(), &mut words)
        .await?;
    finish(session, &[section], &[], found, &run, recorded_run)
}

/// Prints and judges; places are named as in the recording, so that they can be listed.
fn finish(
    session: &Session,
    sections: &[Section],
    others: &[&str],
    mut found: Vec<Mismatch>,
    run: &str,
    recorded_run: &str,
) -> Result<()> {
    for mismatch in &mut found {
        mismatch.at = mismatch.at.replace(run, recorded_run);
        mismatch.fact = mismatch.fact.replace(run, recorded_run);
    }
    let (table, pending, kind) = (load()?, Pending::load()?, session.parts.kind);
    let unexplained: Vec<_> = found
        .iter()
        .filter(|one| !explained(&table, kind, one))
        .collect();
    let place = |one: &Mismatch| format!("{} {}", one.file, one.at);
    let mut all = BTreeMap::new();
    for section in sections {
        let results = section.results(&unexplained);
        let count = |wanted: bool| {
            results
                .values()
                .filter(|differs| **differs == wanted)
                .count()
        };
        println!(
            "{}: {} calls equal or explained, {} not",
            section.file,
            count(false),
            count(true)
        );
        all.extend(results);
    }
    unexplained.iter().for_each(|one| {
        println!(
            "{}{one}",
            if pending.holds(&place(one)) {
                "pending "
            } else {
                "UNEXPLAINED "
            }
        )
    });
    settle(&pending, &all)?;
    let due: Vec<Mismatch> = found
        .into_iter()
        .filter(|one| !pending.holds(&place(one)))
        .collect();
    let mut replayed: Vec<&str> = sections
        .iter()
        .map(|section| section.file.as_str())
        .collect();
    replayed.extend(others);
    judge(&table, kind, &replayed, &due)
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
