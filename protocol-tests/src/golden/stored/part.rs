//! The sections of the recorded run that are replayed together, and what they left in Kafka.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::FILE;
use super::bytes::compare_record;
use crate::golden::words::Words;
use crate::golden::{Findings, Mismatch, load};
use crate::kafka::Record;

/// Sections that are replayed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// 01 to 06.
    Produce,
    /// 07 and 08, and what was there for the consumers to read.
    Consume,
    /// 09 to 12: API version 3.
    V3,
}

/// When sections 01 to 06 were recorded.
const PRODUCE_MS: RangeInclusive<i64> = 1_795_357_330_000..=1_795_357_358_000;
/// When sections 07 and 08 were.
const CONSUME_MS: RangeInclusive<i64> = 1_795_357_358_001..=1_795_357_500_000;

impl Part {
    /// The part that wrote a record. Only version 3 writes records with times of their own.
    #[must_use]
    pub fn of(record: &Value) -> Self {
        match record["timestamp"].as_i64() {
            Some(time) if PRODUCE_MS.contains(&time) => Self::Produce,
            Some(time) if CONSUME_MS.contains(&time) => Self::Consume,
            _ => Self::V3,
        }
    }
}

/// Records of calls that cannot be sent again, because what they sent in pieces was left out of the recording: end of the
/// topic's name, partition, offset (`stream-malformed-middle`).
const LEFT_OUT: [(&str, i32, i64); 1] = [("-multi", 0, 26)];

/// Topics into which the recorded run wrote past the proxy while it consumed: ends of their names.
const WRITTEN_PAST: [&str; 3] = ["-bin", "-pat1", "-pat2"];

/// A recorded record and its partition.
type Recorded = (i32, Value);

/// Compares every topic to which a part wrote; `read` reads a topic. Of topics with several partitions records with a key
/// have to lie in the recorded partition, in the recorded order; those without one lie anywhere in the topic.
///
/// # Errors
/// The recording is none, or a topic cannot be read.
pub fn compare_part(
    part: Part,
    replace: &[(&str, &str)],
    words: &Words,
    read: impl Fn(&str) -> Result<Vec<Record>>,
) -> Result<Vec<Mismatch>> {
    let recording = load(FILE, replace)?;
    let topics = recording["topics"].as_object().context("no topics")?;
    let mut all = Vec::new();
    for (topic, partitions) in topics {
        let partitions = partitions.as_object().context("no partitions")?;
        let past = WRITTEN_PAST.iter().any(|name| topic.ends_with(name));
        if part == Part::Consume && past {
            continue;
        }
        let mut recorded = records(part, partitions)?;
        recorded.retain(|(partition, record)| {
            let mut left_out = LEFT_OUT.iter();
            !left_out.any(|(name, number, offset)| {
                topic.ends_with(name) && partition == number && record["offset"] == *offset
            })
        });
        if !recorded.is_empty() {
            all.extend(compare_topic(
                topic,
                partitions.len(),
                &recorded,
                &read(topic)?,
                words,
            ));
        }
    }
    Ok(all)
}

fn records(part: Part, partitions: &serde_json::Map<String, Value>) -> Result<Vec<Recorded>> {
    let mut all = Vec::new();
    for (partition, content) in partitions {
        let number = partition.parse()?;
        let records = content["records"].as_array().into_iter().flatten();
        let records = records.filter(|record| Part::of(record) == part);
        all.extend(records.map(|record| (number, record.clone())));
    }
    Ok(all)
}

fn compare_topic(
    topic: &str,
    partitions: usize,
    recorded: &[Recorded],
    now: &[Record],
    words: &Words,
) -> Vec<Mismatch> {
    let is_placed = |keyed: bool| keyed || partitions == 1;
    let (mut places, mut free) = (
        BTreeMap::<i32, (Vec<&Value>, Vec<&Record>)>::new(),
        Vec::new(),
    );
    for (partition, record) in recorded {
        match is_placed(!record["key"].is_null()) {
            true => places.entry(*partition).or_default().0.push(record),
            false => free.push((*partition, record)),
        }
    }
    let mut left = Vec::new();
    for record in now {
        match is_placed(record.key.is_some()) {
            true => places.entry(record.partition).or_default().1.push(record),
            false => left.push(record),
        }
    }
    let mut all = Vec::new();
    for (partition, (recorded, now)) in &places {
        let mut findings = Findings::new(FILE, &format!("{topic}/{partition}"));
        findings.compare("count", &recorded.len(), &now.len());
        all.extend(findings.list);
        for (recorded, now) in recorded.iter().zip(now) {
            all.extend(compare_at(topic, *partition, recorded, now, words));
        }
    }
    for (partition, record) in free {
        let same = |now: &&Record| compare_at(topic, partition, record, now, words).is_empty();
        match left.iter().position(same) {
            Some(at) => drop(left.swap_remove(at)),
            None => all.push(place(
                topic,
                partition,
                record,
                "missing",
                record,
                "nothing like it",
            )),
        }
    }
    let more = left.iter().map(|record| {
        let mut findings = Findings::new(FILE, topic);
        findings.add("additional", "nothing like it", record.text());
        findings.list
    });
    all.extend(more.flatten());
    all
}

fn compare_at(
    topic: &str,
    partition: i32,
    recorded: &Value,
    now: &Record,
    words: &Words,
) -> Vec<Mismatch> {
    let mut findings = Findings::new(FILE, &at(topic, partition, recorded));
    compare_record(recorded, now, words, &mut findings);
    findings.list
}

fn at(topic: &str, partition: i32, recorded: &Value) -> String {
    format!("{topic}/{partition}/{}", recorded["offset"])
}

fn place(
    topic: &str,
    partition: i32,
    record: &Value,
    fact: &str,
    recorded: &Value,
    found: &str,
) -> Mismatch {
    Mismatch {
        file: FILE.to_owned(),
        at: at(topic, partition, record),
        fact: fact.to_owned(),
        recorded: recorded.to_string(),
        found: found.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn recorded() -> Vec<Recorded> {
        let record = |key: Value, value: &str| json!({"offset": 0, "key": key, "value": value, "headers": [], "timestamp": 1_795_357_530_000_i64});
        vec![
            (0, record(json!("k"), "1")),
            (0, record(json!("k"), "2")),
            (1, record(Value::Null, "3")),
            (0, record(Value::Null, "4")),
        ]
    }

    fn now(records: &[(i32, Option<&str>, &str)]) -> Vec<Record> {
        let record = |(partition, key, value): &(i32, Option<&str>, &str)| Record {
            key: key.map(|key| key.as_bytes().to_vec()),
            ..Record::value(*partition, *value)
        };
        records.iter().map(record).collect()
    }

    fn facts(records: &[(i32, Option<&str>, &str)]) -> Vec<String> {
        let found = compare_topic("t", 2, &recorded(), &now(records), &Words::default());
        found.into_iter().map(|one| one.fact).collect()
    }

    #[test]
    fn keys_keep_their_place_and_others_may_move() {
        let key = Some("k");
        assert_eq!(
            facts(&[(0, key, "1"), (0, key, "2"), (0, None, "3"), (1, None, "4")]),
            [""; 0]
        );
        assert_eq!(
            facts(&[(0, key, "2"), (0, key, "1"), (0, None, "3"), (1, None, "4")]),
            ["value", "value"]
        );
        assert_eq!(
            facts(&[(0, key, "1"), (1, key, "2"), (0, None, "3"), (1, None, "4")]),
            ["count", "count"]
        );
        assert_eq!(
            facts(&[(0, key, "1"), (0, key, "2"), (0, None, "3"), (1, None, "5")]),
            ["missing", "additional"]
        );
    }

    #[test]
    fn every_recorded_record_belongs_to_a_part() {
        let recording = load(FILE, &[]).unwrap();
        let count = |part| {
            let topics = recording["topics"].as_object().unwrap().values();
            let all = topics.map(|topic| records(part, topic.as_object().unwrap()).unwrap().len());
            all.sum::<usize>()
        };
        assert!(count(Part::Produce) > 100);
        assert!(count(Part::Consume) > 20);
        assert!(count(Part::V3) > 35);
    }
}
