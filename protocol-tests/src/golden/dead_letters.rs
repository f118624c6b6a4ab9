//! The records of a dead-letter topic, compared with recorded ones, by the records they stand for: key, value and
//! timestamp exactly, headers in their order; of a stack trace its first line and causes are compared (some recordings
//! have the first line only), the frames are the Java program's own.

use anyhow::Result;
use serde_json::Value;

use super::Findings;
use super::case::bytes;
use super::schemas::Ids;
use crate::kafka::{Record, RecordHeader};

const OWNER: &str = "__connect.errors.connector.name";
const TRACE: &str = "__connect.errors.exception.stacktrace";

/// Compares what lies in the topic with `dlq` of a recorded case.
///
/// # Errors
/// The recording is none.
pub fn compare(
    recorded: &Value,
    case: &str,
    ids: &Ids,
    found: &[Record],
    findings: &mut Findings,
) -> Result<()> {
    let recorded = recorded
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| record(one, ids));
    let recorded: Vec<Record> = recorded.collect::<Result<_>>()?;
    // Two recorded cases share a topic.
    let ours = |records: &[Record]| -> Vec<Record> {
        let of_case = |record: &&Record| {
            let owner = record.headers.iter().find(|(name, _)| name == OWNER);
            owner.is_none_or(|(_, value)| value.as_deref() == Some(case.as_bytes()))
        };
        records.iter().filter(of_case).cloned().collect()
    };
    let (mut recorded, mut found) = (ours(&recorded), ours(found));
    // The original converts a whole poll before it puts the first record: letters of one stage come before those of
    // another. They are compared by the records they stand for, where headers name these.
    if recorded
        .iter()
        .chain(&found)
        .all(|letter| place(letter).is_some())
    {
        recorded.sort_by_key(place);
        found.sort_by_key(place);
    }
    findings.compare("dead letters", &recorded.len(), &found.len());
    for (number, (recorded, found)) in recorded.iter().zip(&found).enumerate() {
        one(number, recorded, found, findings);
    }
    Ok(())
}

/// Topic, partition and offset of the record that a letter stands for.
fn place(letter: &Record) -> Option<(String, i64, i64)> {
    let header = |name: &str| {
        let found = letter.headers.iter().find(|(known, _)| known == name);
        String::from_utf8(found?.1.clone()?).ok()
    };
    Some((
        header("__connect.errors.topic")?,
        header("__connect.errors.partition")?.parse().ok()?,
        header("__connect.errors.offset")?.parse().ok()?,
    ))
}

fn one(number: usize, recorded: &Record, found: &Record, findings: &mut Findings) {
    let text = |bytes: &Option<Vec<u8>>| {
        bytes
            .as_ref()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    let fact = |name: &str| format!("dead letter {number} {name}");
    if recorded.key != found.key {
        findings.add(
            fact("key"),
            format!("{:?}", text(&recorded.key)),
            format!("{:?}", text(&found.key)),
        );
    }
    if recorded.value != found.value {
        findings.add(
            fact("value"),
            format!("{:?}", text(&recorded.value)),
            format!("{:?}", text(&found.value)),
        );
    }
    findings.compare(fact("timestamp"), &recorded.timestamp, &found.timestamp);
    let names = |record: &Record| -> Vec<String> {
        record
            .headers
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    };
    findings.compare(fact("headers"), &names(recorded), &names(found));
    for (recorded, found) in recorded.headers.iter().zip(&found.headers) {
        let (left, mut right) = (header(recorded), header(found));
        if is_cut(recorded) {
            right = right.and_then(|text| text.lines().next().map(str::to_owned));
        }
        if left != right {
            findings.add(fact(&recorded.0), format!("{left:?}"), format!("{right:?}"));
        }
    }
}

/// Whether the recording has the first line of a trace only.
fn is_cut((name, value): &RecordHeader) -> bool {
    let text = value.as_deref().map(String::from_utf8_lossy);
    name == TRACE && text.is_some_and(|text| !text.contains("\tat "))
}

fn header((name, value): &RecordHeader) -> Option<String> {
    let value = value
        .as_ref()
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())?;
    if name != TRACE {
        return Some(value);
    }
    let frame = |line: &&str| !line.starts_with("\tat ") && !line.starts_with("\t... ");
    Some(value.lines().filter(frame).collect::<Vec<_>>().join("\n"))
}

fn record(recorded: &Value, ids: &Ids) -> Result<Record> {
    let patched =
        |value: &Value| Ok::<_, anyhow::Error>(bytes(value, 0)?.map(|bytes| ids.patched(bytes)));
    let headers = recorded["headers"].as_array().into_iter().flatten();
    let header = |header: &Value| {
        let value = bytes(&header[1], 0)?;
        let worded = value.map(|bytes| match String::from_utf8(bytes) {
            Ok(text) => ids.worded(&text).into_bytes(),
            Err(error) => error.into_bytes(),
        });
        Ok((header[0].as_str().unwrap_or_default().to_owned(), worded))
    };
    Ok(Record {
        partition: 0,
        offset: recorded["offset"].as_i64().unwrap_or_default(),
        timestamp: recorded["timestamp"].as_i64(),
        key: patched(&recorded["key"])?,
        value: patched(&recorded["value"])?,
        headers: headers.map(header).collect::<Result<_>>()?,
    })
}
