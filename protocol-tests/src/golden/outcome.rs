//! What a connector has done, compared with what the recorded one did: objects (keys, bodies, types, parts), committed
//! offsets, states. JSON bodies are compared line by line by their meaning, other bodies byte by byte.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::avro_file::AvroFile;
use super::parquet_file::ParquetFile;
use super::schemas::Ids;
use super::{Findings, dead_letters};
use crate::json;
use crate::kafka::Record;
use crate::s3::Object;

/// The first bytes of gzip as the recorded program writes it: no time, no flags, unknown system.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// What became of one connector.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Status of its creation.
    pub status: u16,
    /// The message, if it was refused.
    pub message: String,
    /// Its objects.
    pub objects: Vec<Object>,
    /// Sizes of the parts of each object, where the store can tell.
    pub parts: BTreeMap<String, Vec<i64>>,
    /// Committed offset by topic and partition.
    pub committed: BTreeMap<(String, i64), i64>,
    /// State and trace of each task.
    pub tasks: Vec<(String, String)>,
    /// Uploads still open, where the store can tell.
    pub open_uploads: Option<usize>,
    /// Tags by key, where they are compared.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// The answer of `GET /connectors/<name>/offsets`.
    pub rest_offsets: Value,
    /// What lies in the dead-letter topic.
    pub dead_letters: Vec<Record>,
}

/// Compares an outcome with a recorded case.
pub fn compare(recorded: &Value, ids: &Ids, found: &Outcome, findings: &mut Findings) {
    let status = recorded["create_status"].as_u64().unwrap_or_default();
    findings.compare("status of creation", &status, &u64::from(found.status));
    let message = recorded["create_response"]["message"]
        .as_str()
        .unwrap_or_default();
    findings.compare("message of creation", &message, &found.message.as_str());
    if status != 201 || found.status != 201 {
        return;
    }
    objects(recorded, found, findings);
    committed(recorded, found, findings);
    let offsets = |answer: &Value| rest_offsets(answer);
    findings.compare(
        "offsets over REST",
        &offsets(&recorded["rest_offsets"]),
        &offsets(&found.rest_offsets),
    );
    tasks(recorded, ids, found, findings);
    let case = recorded["case"].as_str().unwrap_or_default();
    if let Err(error) =
        dead_letters::compare(&recorded["dlq"], case, ids, &found.dead_letters, findings)
    {
        findings.add("dead letters", &recorded["dlq"], error);
    }
    if let Some(open) = found.open_uploads {
        let recorded = recorded["open_multipart_uploads"]
            .as_u64()
            .unwrap_or_default();
        findings.compare("open uploads", &recorded, &(open as u64));
    }
}

fn objects(recorded: &Value, found: &Outcome, findings: &mut Findings) {
    let by_clock = encoded_by_clock(&recorded["config"]);
    let name = |key: &str| {
        if by_clock {
            without_time(key)
        } else {
            key.to_owned()
        }
    };
    let recorded_objects = recorded["objects"].as_array().cloned().unwrap_or_default();
    let key = |object: &Value| object["key"].as_str().unwrap_or_default().to_owned();
    for object in &found.objects {
        if !recorded_objects
            .iter()
            .any(|recorded| name(&key(recorded)) == name(&object.key))
        {
            findings.add(
                format!("object {}", short(&object.key)),
                "absent",
                format!("there: {}", object.key),
            );
        }
    }
    for recorded_object in &recorded_objects {
        let key = key(recorded_object);
        let Some(object) = found
            .objects
            .iter()
            .find(|object| name(&object.key) == name(&key))
        else {
            findings.add(
                format!("object {}", short(&key)),
                format!("there: {key}"),
                "absent",
            );
            continue;
        };
        attributes(recorded_object, object, findings);
        if let Err(error) = body(recorded_object, object, findings) {
            findings.add(
                format!("body {}", short(&key)),
                recorded_object,
                format!("{error:#}"),
            );
        }
        if let (Some(recorded), Some(found)) = (recorded["parts"].get(&key), found.parts.get(&key))
        {
            let recorded: Vec<i64> = serde_json::from_value(recorded.clone()).unwrap_or_default();
            findings.compare(format!("parts {}", short(&key)), &recorded, found);
        }
        if let (Some(tags), Some(found)) = (recorded_object.get("tags"), found.tags.get(&key)) {
            let recorded = serde_json::from_value(tags.clone()).unwrap_or_default();
            findings.compare(format!("tags {}", short(&key)), &recorded, found);
        }
    }
}

/// Whether object names carry the time at which the recording was made.
fn encoded_by_clock(config: &Value) -> bool {
    let text = |key: &str| config[key].as_str().unwrap_or_default();
    let partitioner = text("partitioner.class")
        .rsplit('.')
        .next()
        .unwrap_or_default();
    let by_time = [
        "TimeBasedPartitioner",
        "HourlyPartitioner",
        "DailyPartitioner",
    ]
    .contains(&partitioner);
    let extractor = text("timestamp.extractor")
        .rsplit('.')
        .next()
        .unwrap_or_default();
    by_time && matches!(extractor, "" | "Wallclock" | "WallclockTimestampExtractor")
}

/// A key with `#` for every digit of its folders.
fn without_time(key: &str) -> String {
    let (folders, file) = key.rsplit_once('/').unwrap_or(("", key));
    let masked: String = folders
        .chars()
        .map(|c| if c.is_ascii_digit() { '#' } else { c })
        .collect();
    format!("{masked}/{file}")
}

/// `+<partition>+<offset>…`, without the run's own topic before it, so that a difference can be listed. Another
/// file.delim is `-` in the recordings.
fn short(key: &str) -> &str {
    let name = key.rsplit('/').next().unwrap_or(key);
    let at = name
        .find('+')
        .or_else(|| name.rmatch_indices('-').nth(1).map(|(at, _)| at));
    &name[at.unwrap_or_default()..]
}

fn attributes(recorded: &Value, found: &Object, findings: &mut Findings) {
    let short = short(&found.key);
    let text = |name: &str| recorded[name].as_str().unwrap_or("absent").to_owned();
    let given = |value: &Option<String>| value.as_deref().unwrap_or("absent").to_owned();
    findings.compare(
        format!("type {short}"),
        &text("content_type"),
        &given(&found.content_type),
    );
    findings.compare(
        format!("encoding {short}"),
        &text("content_encoding"),
        &given(&found.content_encoding),
    );
    findings.compare(format!("metadata {short}"), &0, &found.metadata);
    let parts = |etag: &str| {
        etag.trim_matches('"')
            .split_once('-')
            .map(|(_, parts)| parts.to_owned())
    };
    let etag = recorded["etag"].as_str().unwrap_or_default();
    findings.compare(
        format!("uploaded in parts {short}"),
        &parts(etag),
        &parts(&found.etag),
    );
}

fn body(recorded: &Value, found: &Object, findings: &mut Findings) -> Result<()> {
    let fact = format!("body {}", short(&found.key));
    let zipped = found.key.ends_with(".gz");
    if zipped && !found.body.starts_with(&GZIP_HEAD) {
        findings.add(
            format!("gzip head {}", short(&found.key)),
            format!("{GZIP_HEAD:?}"),
            format!("{:?}", found.body.get(..10)),
        );
    }
    let Some(expected) = recorded_body(recorded, zipped)? else {
        let size = recorded["size"]
            .as_u64()
            .context("neither a body nor a size")?;
        findings.compare(fact, &size, &(found.body.len() as u64));
        return Ok(());
    };
    if found.key.ends_with(".avro") {
        return avro(&fact, &expected, &found.body, findings);
    }
    if found.key.ends_with(".parquet") {
        return parquet(&fact, &expected, &found.body, findings);
    }
    let plain = found.plain()?;
    let as_json = found.key.contains(".json");
    let same = if as_json {
        same_lines(&expected, &plain)
    } else {
        expected == plain
    };
    if !same {
        findings.add(
            fact,
            String::from_utf8_lossy(&expected),
            String::from_utf8_lossy(&plain),
        );
    }
    Ok(())
}

fn avro(fact: &str, recorded: &[u8], found: &[u8], findings: &mut Findings) -> Result<()> {
    let (recorded, found) = (
        AvroFile::read(recorded).context("as recorded")?,
        AvroFile::read(found)?,
    );
    if recorded.schema != found.schema {
        findings.add(format!("schema of {fact}"), &recorded.schema, &found.schema);
    }
    findings.compare(format!("codec of {fact}"), &recorded.codec, &found.codec);
    findings.compare(
        format!("metadata of {fact}"),
        &recorded.metadata,
        &found.metadata,
    );
    findings.compare(format!("rows of {fact}"), &recorded.rows, &found.rows);
    Ok(())
}

fn parquet(fact: &str, recorded: &[u8], found: &[u8], findings: &mut Findings) -> Result<()> {
    let (recorded, found) = (
        ParquetFile::read(recorded).context("as recorded")?,
        ParquetFile::read(found)?,
    );
    if recorded.schema != found.schema {
        findings.add(format!("schema of {fact}"), &recorded.schema, &found.schema);
    }
    if recorded.avro_schema != found.avro_schema {
        findings.add(
            format!("Avro schema of {fact}"),
            &recorded.avro_schema,
            &found.avro_schema,
        );
    }
    findings.compare(
        format!("compression of {fact}"),
        &recorded.compression,
        &found.compression,
    );
    findings.compare(
        format!("row groups of {fact}"),
        &recorded.groups,
        &found.groups,
    );
    findings.compare(
        format!("metadata of {fact}"),
        &recorded.metadata,
        &found.metadata,
    );
    findings.compare(format!("rows of {fact}"), &recorded.rows, &found.rows);
    Ok(())
}

fn recorded_body(recorded: &Value, zipped: bool) -> Result<Option<Vec<u8>>> {
    let (text, base64) = if zipped {
        (
            &recorded["gunzipped"]["utf8"],
            &recorded["gunzipped"]["base64"],
        )
    } else {
        (&recorded["body_utf8"], &recorded["body_base64"])
    };
    if let Some(base64) = base64.as_str() {
        return Ok(Some(STANDARD.decode(base64)?));
    }
    Ok(text.as_str().map(|text| text.as_bytes().to_vec()))
}

/// The same number of lines, each of the same meaning, each ended.
fn same_lines(recorded: &[u8], found: &[u8]) -> bool {
    let (Ok(recorded), Ok(found)) = (std::str::from_utf8(recorded), std::str::from_utf8(found))
    else {
        return false;
    };
    let (recorded, found): (Vec<_>, Vec<_>) =
        (recorded.split('\n').collect(), found.split('\n').collect());
    recorded.len() == found.len()
        && recorded
            .iter()
            .zip(&found)
            .all(|(recorded, found)| recorded == found || json::same_text(recorded, found))
}

fn committed(recorded: &Value, found: &Outcome, findings: &mut Findings) {
    let mut expected = BTreeMap::new();
    for entry in recorded["committed_offsets"]
        .as_array()
        .into_iter()
        .flatten()
    {
        if let (Some(topic), Some(partition), Some(offset)) =
            (entry[0].as_str(), entry[1].as_i64(), entry[2].as_i64())
        {
            expected.insert((topic.to_owned(), partition), offset);
        }
    }
    // "Nothing committed" and "committed where it began" are the same to whoever reads on.
    let moved = found
        .committed
        .iter()
        .filter(|(place, offset)| **offset > 0 || expected.contains_key(*place));
    let moved: BTreeMap<_, _> = moved
        .map(|(place, offset)| (place.clone(), *offset))
        .collect();
    findings.compare("committed", &expected, &moved);
}

/// `topic partition` → offset. Where nothing was committed and where reading began are the same.
fn rest_offsets(answer: &Value) -> Option<BTreeMap<String, i64>> {
    let entries = answer["offsets"].as_array()?;
    let entry = |entry: &Value| {
        let partition = &entry["partition"];
        let place = format!(
            "{} {}",
            partition["kafka_topic"], partition["kafka_partition"]
        );
        (
            place,
            entry["offset"]["kafka_offset"].as_i64().unwrap_or(-1),
        )
    };
    Some(
        entries
            .iter()
            .map(entry)
            .filter(|(_, offset)| *offset != 0)
            .collect(),
    )
}

/// States, the first line of the trace, and the causes in it.
fn tasks(recorded: &Value, ids: &Ids, found: &Outcome, findings: &mut Findings) {
    let recorded = recorded["task_states"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    findings.compare("tasks", &recorded.len(), &found.tasks.len());
    for (recorded, (state, trace)) in recorded.iter().zip(&found.tasks) {
        let id = &recorded["id"];
        findings.compare(
            format!("task {id} state"),
            &recorded["state"].as_str(),
            &Some(state.as_str()),
        );
        let errors = recorded["errors"].as_array().cloned().unwrap_or_default();
        let mut lines = errors
            .iter()
            .filter_map(Value::as_str)
            .map(|line| ids.worded(line));
        let first = lines.next().unwrap_or_default();
        findings.compare(
            format!("task {id} error"),
            &request_free(&first),
            &request_free(trace.lines().next().unwrap_or_default()),
        );
        if let Some(cause) = lines.find(|line| line.starts_with("Caused by: "))
            && !trace
                .lines()
                .any(|line| request_free(line) == request_free(&cause))
        {
            findings.add(format!("task {id} cause"), cause, trace);
        }
    }
}

/// Whether two JSON values have the same members in the same order with values of the same types. Versions and ids are
/// the program's and the cluster's own.
#[must_use]
pub fn same_shape(recorded: &Value, found: &Value) -> bool {
    match (recorded, found) {
        (Value::Object(recorded), Value::Object(found)) => {
            recorded.keys().eq(found.keys())
                && recorded
                    .values()
                    .zip(found.values())
                    .all(|(l, r)| same_shape(l, r))
        }
        (Value::Array(recorded), Value::Array(found)) => {
            recorded.len() == found.len()
                && recorded.iter().zip(found).all(|(l, r)| same_shape(l, r))
        }
        _ => std::mem::discriminant(recorded) == std::mem::discriminant(found),
    }
}

/// A store's error text without the ids of the request and its last full stop.
fn request_free(line: &str) -> &str {
    let text = line.split(" (Service: S3").next().unwrap_or(line);
    text.trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::Value;

    use super::{Findings, GZIP_HEAD, Ids, Object, Outcome, Record, compare, recorded_body};
    use crate::golden::case::bytes;
    use crate::golden::sink::all;

    /// The outcome that a recording tells.
    fn recorded(case: &Value) -> Outcome {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let object = |object: &Value| {
            let key = text(&object["key"]).unwrap();
            let size = usize::try_from(object["size"].as_u64().unwrap()).unwrap();
            let zipped = key.ends_with(".gz");
            let body = recorded_body(object, zipped)
                .unwrap()
                .unwrap_or_else(|| vec![b'x'; size]);
            Object {
                body: if zipped { gzip(&body) } else { body },
                content_type: text(&object["content_type"]),
                content_encoding: None,
                etag: text(&object["etag"]).unwrap(),
                metadata: 0,
                key,
            }
        };
        let list = |name: &str| case[name].as_array().cloned().unwrap_or_default();
        let task = |task: &Value| {
            let errors = task["errors"].as_array().cloned().unwrap_or_default();
            let trace: Vec<_> = errors.iter().map(|line| text(line).unwrap()).collect();
            (text(&task["state"]).unwrap(), trace.join("\n"))
        };
        let committed = |entry: &Value| {
            (
                (text(&entry[0]).unwrap(), entry[1].as_i64().unwrap()),
                entry[2].as_i64().unwrap(),
            )
        };
        Outcome {
            status: u16::try_from(case["create_status"].as_u64().unwrap()).unwrap(),
            message: text(&case["create_response"]["message"]).unwrap_or_default(),
            objects: list("objects").iter().map(object).collect(),
            parts: serde_json::from_value(
                case.get("parts")
                    .cloned()
                    .unwrap_or_else(|| serde_json::json!({})),
            )
            .unwrap(),
            committed: list("committed_offsets").iter().map(committed).collect(),
            tasks: list("task_states").iter().map(task).collect(),
            open_uploads: case["open_multipart_uploads"]
                .as_u64()
                .map(|open| usize::try_from(open).unwrap()),
            tags: list("objects").iter().filter_map(tags).collect(),
            rest_offsets: case["rest_offsets"].clone(),
            dead_letters: list("dlq").iter().map(dead_letter).collect(),
        }
    }

    fn tags(object: &Value) -> Option<(String, BTreeMap<String, String>)> {
        let tags = serde_json::from_value(object.get("tags")?.clone()).unwrap();
        Some((object["key"].as_str().unwrap().to_owned(), tags))
    }

    fn dead_letter(record: &Value) -> Record {
        let headers = record["headers"].as_array().unwrap().iter();
        Record {
            partition: 0,
            offset: record["offset"].as_i64().unwrap(),
            timestamp: record["timestamp"].as_i64(),
            key: bytes(&record["key"], 0).unwrap(),
            value: bytes(&record["value"], 0).unwrap(),
            headers: headers
                .map(|header| {
                    (
                        header[0].as_str().unwrap().to_owned(),
                        bytes(&header[1], 0).unwrap(),
                    )
                })
                .collect(),
        }
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        std::io::Write::write_all(&mut encoder, body).unwrap();
        let mut zipped = encoder.finish().unwrap();
        zipped[..10].copy_from_slice(&GZIP_HEAD);
        zipped
    }

    fn facts(file: &str, change: impl Fn(&mut Outcome)) -> Vec<String> {
        let case = crate::golden::load(file, &[]).unwrap();
        let mut found = recorded(&case);
        change(&mut found);
        let mut findings = Findings::new(file, "case");
        compare(&case, &Ids::default(), &found, &mut findings);
        findings.list.into_iter().map(|one| one.fact).collect()
    }

    #[test]
    fn a_recording_is_equal_to_itself() {
        for file in &all().unwrap() {
            assert_eq!(facts(file, |_| {}), [""; 0], "{file}");
        }
    }

    #[test]
    fn every_case_notices_how_it_was_created() {
        for file in &all().unwrap() {
            let status = facts(file, |outcome| outcome.status = 500);
            assert_eq!(status, ["status of creation"], "{file}");
            let message = facts(file, |outcome| outcome.message += "x");
            assert_eq!(message, ["message of creation"], "{file}");
        }
    }

    #[test]
    fn every_object_is_compared() {
        for file in &all().unwrap() {
            let case = crate::golden::load(file, &[]).unwrap();
            let count = case["objects"].as_array().map_or(0, Vec::len);
            assert_eq!(
                facts(file, |outcome| outcome.objects.clear()).len(),
                count,
                "{file}"
            );
            let bodies = facts(file, |outcome| {
                outcome.objects.iter_mut().for_each(|object| {
                    object.body.pop();
                })
            });
            assert_eq!(bodies.len(), count, "{file}: {bodies:?}");
            let renamed = facts(file, |outcome| {
                outcome
                    .objects
                    .iter_mut()
                    .for_each(|object| object.key += "x")
            });
            assert_eq!(renamed.len(), 2 * count, "{file}: {renamed:?}");
            let typed = facts(file, |outcome| {
                outcome.objects.iter_mut().for_each(|object| {
                    object.content_type = Some("application/json".into());
                })
            });
            assert_eq!(typed.len(), count, "{file}: {typed:?}");
        }
    }

    #[test]
    fn offsets_and_states_are_compared() {
        let file = "sink/json_default_flush3.json";
        assert_eq!(
            facts(file, |outcome| outcome.committed.clear()),
            ["committed"]
        );
        assert_eq!(
            facts(file, |outcome| outcome.tasks[0].0 = "FAILED".into()),
            ["task 0 state"]
        );
        assert_eq!(facts(file, |outcome| outcome.tasks.clear()), ["tasks"]);
        assert_eq!(
            facts(file, |outcome| outcome.open_uploads = Some(1)),
            ["open uploads"]
        );
        let failed = "sink/null_fail.json";
        assert_eq!(
            facts(failed, |outcome| outcome.tasks[0].1.clear()),
            ["task 0 error", "task 0 cause"]
        );
        let trace =
            |outcome: &mut Outcome| outcome.tasks[0].1 = outcome.tasks[0].1.replace("Null", "Full");
        assert_eq!(facts(failed, trace), ["task 0 cause"]);
        let parts = |outcome: &mut Outcome| {
            outcome.parts =
                BTreeMap::from_iter(outcome.parts.clone().into_keys().map(|key| (key, vec![1])))
        };
        assert_eq!(facts("sink2/partsize_5m.json", parts).len(), 1);
    }
}
