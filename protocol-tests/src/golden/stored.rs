//! What lay in Kafka after the recorded calls (`rest/99-stored-bytes.json`), compared with what lies there now: same
//! key, same value (as JSON where it is JSON), same headers, same order in each partition, the times that requests named.
//!
//! The recorded run wrote all sections into the same topics, a replay does some of them at a time: a [`Part`]. Records
//! that a request places (by partition or by how many the answer moved) are compared one by one ([`compare`]); where
//! answers were left out of the recording, records without key are compared as a set ([`compare_part`]).

mod bytes;
mod part;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::rest::Moves;
use super::words::Words;
use super::{Findings, Mismatch, load};
use crate::kafka::Record;

pub use part::{Part, compare_part};

/// The recording.
pub const FILE: &str = "rest/99-stored-bytes.json";

fn is_replayed(record: &Value) -> bool {
    Part::of(record) == Part::Produce
}

/// Compares one topic. `moves` says where records without key went, `now` is what lies in the topic.
///
/// # Errors
/// The recording has no such topic.
pub fn compare(
    topic: &str,
    replace: &[(&str, &str)],
    moves: &Moves,
    now: &[Record],
) -> Result<Vec<Mismatch>> {
    let recording = load(FILE, replace)?;
    let partitions = recording["topics"][topic].as_object();
    let partitions = partitions.with_context(|| format!("{topic} was not recorded"))?;
    let mut all = Vec::new();
    for (partition, recorded) in partitions {
        let number: i32 = partition.parse()?;
        let recorded: Vec<&Value> = recorded["records"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        let recorded = recorded.into_iter().filter(|record| is_replayed(record));
        let recorded: Vec<&Value> = recorded.collect();
        let now: Vec<&Record> = now
            .iter()
            .filter(|record| record.partition == number)
            .collect();
        all.extend(compare_partition(topic, partition, &recorded, &now, moves));
    }
    Ok(all)
}

/// Records that went elsewhere than in the recording are taken out of both sides and compared for themselves.
fn compare_partition(
    topic: &str,
    partition: &str,
    recorded: &[&Value],
    now: &[&Record],
    moves: &Moves,
) -> Vec<Mismatch> {
    let number: i64 = partition.parse().unwrap_or(-1);
    let moved = moves
        .iter()
        .filter(|((of, from, _), (to, _))| of == topic && from != to);
    let (mut left, mut came) = (BTreeSet::new(), BTreeSet::new());
    for ((_, from, offset), (to, at)) in moved {
        if *from == number {
            left.insert(*offset);
        }
        if *to == number {
            came.insert(*at);
        }
    }
    let recorded = recorded
        .iter()
        .filter(|record| !left.contains(&record["offset"].as_i64().unwrap_or(-1)));
    let recorded: Vec<&&Value> = recorded.collect();
    let now: Vec<&&Record> = now
        .iter()
        .filter(|record| !came.contains(&record.offset))
        .collect();
    let mut all = Vec::new();
    let mut findings = Findings::new(FILE, &format!("{topic}/{partition}"));
    // The recording keeps the first records of a long partition only.
    if now.len() < recorded.len() || recorded.len() < 100 && now.len() > recorded.len() {
        findings.add("count", recorded.len(), now.len());
    }
    all.extend(findings.list);
    for (recorded, now) in recorded.iter().zip(&now) {
        let offset = recorded["offset"].as_i64().unwrap_or(-1);
        let mut findings = Findings::new(FILE, &format!("{topic}/{partition}/{offset}"));
        bytes::compare_record(recorded, now, &Words::default(), &mut findings);
        all.extend(findings.list);
    }
    all
}

/// What the recorded run had written to a topic before its first call.
///
/// # Errors
/// There is no such recording.
pub fn seed(topic: &str, replace: &[(&str, &str)]) -> Result<Vec<Record>> {
    let recording = load(FILE, replace)?;
    let mut seed = Vec::new();
    for (partition, content) in recording["topics"][topic]
        .as_object()
        .context("no such topic")?
    {
        for record in content["records"].as_array().into_iter().flatten() {
            let text = |name: &str| record[name].as_str().map(|text| text.as_bytes().to_vec());
            seed.push(Record {
                key: text("key"),
                ..Record::value(partition.parse()?, text("value").unwrap_or_default())
            });
        }
    }
    Ok(seed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;

    use super::{FILE, Moves, Record, compare, is_replayed, load};

    fn bytes(value: &Value) -> Option<Vec<u8>> {
        match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone().into_bytes()),
            other => Some(match other["base64"].as_str() {
                Some(base64) => STANDARD.decode(base64).unwrap(),
                None => vec![b'y'; usize::try_from(other["length"].as_u64().unwrap()).unwrap()],
            }),
        }
    }

    fn recorded(topic: &str) -> Vec<Record> {
        let recording = load(FILE, &[]).unwrap();
        let mut records = Vec::new();
        for (partition, content) in recording["topics"][topic].as_object().unwrap() {
            for record in content["records"].as_array().unwrap() {
                if is_replayed(record) {
                    records.push(Record {
                        partition: partition.parse().unwrap(),
                        offset: record["offset"].as_i64().unwrap(),
                        timestamp: None,
                        key: bytes(&record["key"]),
                        value: bytes(&record["value"]),
                        headers: vec![],
                    });
                }
            }
        }
        records
    }

    fn facts(topic: &str, moves: &Moves, now: &[Record]) -> Vec<(String, String)> {
        let all = compare(topic, &[], moves, now).unwrap();
        all.into_iter().map(|one| (one.at, one.fact)).collect()
    }

    #[test]
    fn a_recording_is_equal_to_itself() {
        for topic in [
            "gt-cfa-json",
            "gt-cfa-multi",
            "gt-cfa-bin",
            "gt-cfa-auto",
            "gt-cfa-autop",
        ] {
            assert_eq!(facts(topic, &Moves::new(), &recorded(topic)), [], "{topic}");
        }
    }

    #[test]
    fn every_record_is_compared() {
        for topic in ["gt-cfa-json", "gt-cfa-multi", "gt-cfa-bin"] {
            let mut now = recorded(topic);
            for record in &mut now {
                record.value = Some(b"\"changed\" ".to_vec());
                record.key = Some(b"changed".to_vec());
            }
            let keys_and_values = facts(topic, &Moves::new(), &now).len();
            assert_eq!(keys_and_values, 2 * now.len(), "{topic}");
        }
    }

    #[test]
    fn missing_and_additional_records_are_found() {
        let mut now = recorded("gt-cfa-bin");
        let last = now.pop().unwrap();
        assert_eq!(
            facts("gt-cfa-bin", &Moves::new(), &now),
            [("gt-cfa-bin/0".into(), "count".into())]
        );
        now.extend([last.clone(), last]);
        assert_eq!(
            facts("gt-cfa-bin", &Moves::new(), &now),
            [("gt-cfa-bin/0".into(), "count".into())]
        );
    }

    #[test]
    fn a_record_without_key_may_lie_in_another_partition() {
        let mut now = recorded("gt-cfa-multi");
        let at = now
            .iter()
            .position(|record| record.partition == 0 && record.offset == 2)
            .unwrap();
        now[at].partition = 1;
        now[at].offset = 99;
        let moves = Moves::from([(("gt-cfa-multi".to_owned(), 0, 2), (1, 99))]);
        assert_eq!(facts("gt-cfa-multi", &moves, &now), []);
        assert!(!facts("gt-cfa-multi", &Moves::new(), &now).is_empty());
    }
}
