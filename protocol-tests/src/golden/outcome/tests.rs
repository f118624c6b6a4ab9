#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::{Findings, Ids, Object, Outcome, Record, compare};
use crate::golden::case::bytes;
use crate::golden::objects::{GZIP_HEAD, recorded_body};
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
