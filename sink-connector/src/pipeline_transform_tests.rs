//! Transforms, predicates and header converters, driven through the pipeline with inputs and results recorded from the
//! genuine ones, and with random inputs that were given to Apache Kafka's own classes (3.9.1). `~` stands for the package
//! of the transforms, a schema's name for its text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::{Map, Value as Json, json};
use sluiceway_common::props::Properties;

use super::*;
use crate::record::{Header, RawHeader};
use crate::value::text::to_text;

const CASES: &str = include_str!("../tests/data/transform-cases.json");
/// Chains of random transforms with random options, on random records.
const RANDOM: &str = include_str!("../tests/data/transform-cases-random.json");

struct Recorded {
    schemas: Map<String, Json>,
    cases: Vec<Json>,
}

fn recorded(cases: &str) -> Recorded {
    let text = cases.replace('~', "org.apache.kafka.connect.transforms.");
    let mut json: Json = serde_json::from_str(&text).unwrap();
    Recorded {
        schemas: json["schemas"].take().as_object().unwrap().clone(),
        cases: json["cases"].take().as_array().unwrap().clone(),
    }
}

fn properties(case: &Json) -> Properties {
    let fixed = [
        ("name", "c"),
        ("connector.class", "S3SinkConnector"),
        ("storage.class", "io.confluent.connect.s3.storage.S3Storage"),
        (
            "format.class",
            "io.confluent.connect.s3.format.json.JsonFormat",
        ),
        ("s3.bucket.name", "b"),
        ("flush.size", "1"),
        ("store.kafka.keys", "true"),
        ("keys.format.class", "JsonFormat"),
    ];
    let fixed = fixed.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let given = case["config"].as_object().unwrap().iter();
    let given = given.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()));
    fixed.into_iter().chain(given).collect()
}

impl Recorded {
    fn bytes(&self, json: &Json) -> Option<Vec<u8>> {
        Some(match json {
            Json::Null => return None,
            Json::String(text) => text.clone().into_bytes(),
            envelope => {
                let schema = &self.schemas[envelope["schema"].as_str().unwrap()];
                let (schema, payload) = (schema.as_str(), envelope["payload"].as_str());
                let text = format!(
                    "{{\"schema\":{},\"payload\":{}}}",
                    schema.unwrap(),
                    payload.unwrap()
                );
                text.into_bytes()
            }
        })
    }
}

/// What the record became: the texts of its files, or the error in the recording's form.
fn outcome(pipeline: &mut Pipeline, raw: &RawRecord<'_>, case: &str) -> Result<Json, RecordError> {
    let format = Arc::clone(pipeline.format());
    let record = match pipeline.process(raw)? {
        Outcome::Skip(_) => return Ok(Json::Null),
        Outcome::Write(record) => record,
    };
    let write = |datum: &Datum<'_>| {
        let mut out = Vec::new();
        format.encoder("").write(datum, &mut out)?;
        let text = String::from_utf8(out).unwrap();
        let parsed = serde_json::from_str(&text);
        Ok(parsed.unwrap_or_else(|error| panic!("{case}: {text}: {error}")))
    };
    let value: Result<Json, RecordError> = write(&record.value);
    let keys: Result<Json, RecordError> = write(&record.key);
    let headers = headers(&record.headers);
    Ok(json!({"value": value?, "keys": keys?, "headers": headers}))
}

fn headers(headers: &[Header]) -> Json {
    let one = |header: &Header| json!({"key": header.key, "value": to_text(&header.value)});
    json!({"headers": headers.iter().map(one).collect::<Vec<_>>()})
}

fn check_record(recorded: &Recorded, case: &str, pipeline: &mut Pipeline, record: &Json) {
    let (key, value) = (
        recorded.bytes(&record["key"]),
        recorded.bytes(&record["value"]),
    );
    let headers: Vec<(String, Option<String>)> =
        serde_json::from_value(record["headers"].clone()).unwrap_or_default();
    let raw_headers: Vec<RawHeader<'_>> = headers
        .iter()
        .map(|(key, value)| RawHeader {
            key,
            value: value.as_deref().map(str::as_bytes),
        })
        .collect();
    let offset = record["offset"].as_i64().unwrap();
    let topic = record["topic"].as_str();
    let topic = topic.map_or_else(|| format!("t_{case}"), str::to_owned);
    let raw = RawRecord {
        topic: &topic,
        partition: 0,
        offset,
        timestamp: record["timestamp"].as_i64(),
        key: key.as_deref(),
        value: value.as_deref(),
        headers: Some(&raw_headers),
    };
    let place = format!("{case}, offset {offset}");
    match (
        outcome(pipeline, &raw, &place),
        record.get("error"),
        record.get("out"),
    ) {
        (Ok(found), None, Some(expected)) => {
            for (file, text) in expected.as_object().unwrap() {
                let expected: Json = serde_json::from_str(text.as_str().unwrap()).unwrap();
                assert!(
                    same(&found[file], &expected),
                    "{place} {file}: {} is not {expected}",
                    found[file]
                );
            }
        }
        (Ok(found), None, None) => assert_eq!(found, Json::Null, "{place}"),
        (Err(error), Some(expected), _) => check_error(&place, &error, expected),
        // The files of keys and headers refuse nulls; that is not the pipeline's work.
        (Ok(found), Some(expected), _) => {
            let nulls = [
                "Headers cannot be null",
                "Key cannot be null",
                "null used for required field: \"value\"",
            ];
            let message = expected["message"].as_str().unwrap();
            assert!(
                nulls.iter().any(|text| message.contains(text)),
                "{place}: {found} is not {expected}"
            );
        }
        // Without a dead-letter topic nothing was recorded of it.
        (Err(_), None, None) if record["unreported"] == true => {}
        (Err(error), ..) => panic!("{place}: {error}"),
    }
}

fn check_error(place: &str, error: &RecordError, expected: &Json) {
    let trace: Vec<&str> = expected["trace"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert_eq!(error.stage.name(), expected["stage"], "{place}");
    assert_eq!(error.executor, expected["class"], "{place}");
    assert_eq!(error.exception.stacktrace(), trace.join("\n"), "{place}");
}

/// Equal as JSON. Numbers are compared as numbers: fractions that a transform did not touch keep their text, and the
/// recorded Java prints floats with a digit too many.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Number(a), Json::Number(b)) => {
            let single = |number: &serde_json::Number| number.as_f64().map(|number| number as f32);
            a == b || a.as_f64() == b.as_f64() || (a.is_f64() && single(a) == single(b))
        }
        (a, b) => a == b,
    }
}

#[test]
fn records_become_what_the_genuine_transforms_make_of_them() {
    let (cases, records) = check_all(&recorded(CASES));
    assert!(cases > 190 && records > 800, "{records}");
}

#[test]
fn random_records_become_what_kafkas_own_classes_make_of_them() {
    let (cases, records) = check_all(&recorded(RANDOM));
    assert!(cases > 50 && records > 150, "{records}");
}

/// Checks every case; how many there are, and how many records.
fn check_all(recorded: &Recorded) -> (usize, usize) {
    let mut records = 0;
    for case in &recorded.cases {
        let name = case["case"].as_str().unwrap();
        let parsed = ConnectorConfig::parse(&properties(case), &Properties::new());
        if let Some(refused) = case.get("refused") {
            let messages: Vec<String> = match parsed {
                Ok(_) => panic!("{name} is not refused"),
                Err(errors) => errors.0.into_iter().map(|error| error.message).collect(),
            };
            assert_eq!(messages.join("\n"), refused.as_str().unwrap(), "{name}");
            continue;
        }
        let config = parsed.unwrap_or_else(|errors| panic!("{name}: {errors}"));
        let built = Pipeline::new(&config);
        if let Some(trace) = case.get("trace") {
            check_trace(recorded, case, built, trace);
            continue;
        }
        let mut pipeline = built.unwrap_or_else(|error| panic!("{name}: {error}"));
        for record in case["records"].as_array().unwrap() {
            check_record(recorded, name, &mut pipeline, record);
            records += 1;
        }
    }
    (recorded.cases.len(), records)
}

fn check_trace(recorded: &Recorded, case: &Json, built: Result<Pipeline, Exception>, trace: &Json) {
    let found = match built {
        Err(exception) => exception.stacktrace(),
        Ok(mut pipeline) => {
            let topic = format!("t_{}", case["case"].as_str().unwrap());
            let mut records = case["records"].as_array().unwrap().iter();
            records
                .find_map(|record| {
                    let (key, value) = (
                        recorded.bytes(&record["key"]),
                        recorded.bytes(&record["value"]),
                    );
                    let raw = RawRecord {
                        topic: &topic,
                        partition: 0,
                        offset: 0,
                        timestamp: Some(0),
                        key: key.as_deref(),
                        value: value.as_deref(),
                        headers: None,
                    };
                    outcome(&mut pipeline, &raw, "")
                        .err()
                        .map(|error| error.task_trace())
                })
                .unwrap_or_default()
        }
    };
    let lines: Vec<&str> = trace
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert_eq!(found, lines.join("\n"), "{}", case["case"]);
}
