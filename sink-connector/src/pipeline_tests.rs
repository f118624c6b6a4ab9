//! The pipeline, an encoder and the names, driven with inputs and objects recorded from the genuine connector.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use sluiceway_common::props::Properties;

use super::*;
use crate::encode::Encoder;
use crate::path::FileName;

const CASES: &str = include_str!("../tests/data/recorded-cases.json");

/// Lines that differ on purpose: schemaless numbers and escapes are kept as they were written.
const KEPT_AS_WRITTEN: [(i64, &str); 10] = [
    (0, r#"{"n":12345678901234567890}"#),
    (2, r#"{"n":9223372036854775808}"#),
    (3, r#"{"n":-9223372036854775809}"#),
    (6, r#"{"n":1e400}"#),
    (7, r#"{"n":-1e400}"#),
    (9, r#"{"n":-0}"#),
    (10, r#"{"n":-0.0}"#),
    (12, r#"{"n":100000000000000000000.0}"#),
    (15, r#"{"n":123456789012345678.123456789}"#),
    (39, r#"{"lone":"\ud83d"}"#),
];

struct Case {
    name: String,
    properties: Properties,
    input: Vec<Json>,
    objects: BTreeMap<String, Vec<u8>>,
    trace: Vec<String>,
}

fn cases() -> Vec<Case> {
    let cases: Vec<Json> = serde_json::from_str(CASES).unwrap();
    cases.into_iter().map(case).collect()
}

fn case(json: Json) -> Case {
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    let list = |name: &str| json[name].as_array().unwrap().clone();
    Case {
        name: text(&json["case"]),
        properties: json["config"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| (key.clone(), text(value)))
            .collect(),
        input: list("input"),
        objects: list("objects")
            .iter()
            .map(|object| {
                (
                    text(&object["key"]),
                    STANDARD.decode(text(&object["body"])).unwrap(),
                )
            })
            .collect(),
        trace: list("trace").iter().map(text).collect(),
    }
}

fn bytes(json: &Json) -> Option<Vec<u8>> {
    match (&json["utf8"], &json["base64"]) {
        (Json::String(text), _) => Some(text.clone().into_bytes()),
        (_, Json::String(text)) => Some(STANDARD.decode(text).unwrap()),
        _ => None,
    }
}

/// What a task would leave behind: closed objects by key, or the trace that it failed with.
#[derive(Default)]
struct Ran {
    objects: BTreeMap<String, Vec<u8>>,
    trace: Option<String>,
    skipped: Vec<i64>,
}

struct OpenFile {
    key: String,
    encoder: Box<dyn Encoder>,
    body: Vec<u8>,
    records: u64,
}

fn run(case: &Case) -> Ran {
    let config = ConnectorConfig::parse(&case.properties, &Properties::new()).unwrap();
    let mut ran = Ran::default();
    let mut pipeline = match Pipeline::new(&config) {
        Ok(pipeline) => pipeline,
        Err(exception) => {
            ran.trace = Some(exception.stacktrace());
            return ran;
        }
    };
    let mut open = BTreeMap::new();
    for record in &case.input {
        if let Err(error) = put(&config, &mut pipeline, record, &mut open, &mut ran) {
            if config.errors.tolerates(&error) {
                ran.skipped.push(record["offset"].as_i64().unwrap());
                continue;
            }
            return Ran {
                trace: Some(error.task_trace()),
                ..ran
            };
        }
    }
    ran
}

fn put(
    config: &ConnectorConfig,
    pipeline: &mut Pipeline,
    record: &Json,
    open: &mut BTreeMap<(String, i32), OpenFile>,
    ran: &mut Ran,
) -> Result<(), RecordError> {
    let (key, value) = (bytes(&record["key"]), bytes(&record["value"]));
    let raw = RawRecord {
        topic: record["topic"].as_str().unwrap(),
        partition: i32::try_from(record["partition"].as_i64().unwrap()).unwrap(),
        offset: record["offset"].as_i64().unwrap(),
        timestamp: record["timestamp"].as_i64(),
        key: key.as_deref(),
        value: value.as_deref(),
        headers: None,
    };
    let format = Arc::clone(pipeline.format());
    let record = match pipeline.process(&raw)? {
        Outcome::Write(record) => record,
        Outcome::Skip(reason) => {
            assert_eq!(reason, SkipReason::NullValue);
            ran.skipped.push(raw.offset);
            return Ok(());
        }
    };
    let place = (raw.topic.to_owned(), raw.partition);
    let file = open.entry(place.clone()).or_insert_with(|| OpenFile {
        key: config.path.key(&FileName {
            folder_topic: &record.topic,
            encoded_partition: record.encoded_partition,
            topic: record.source_topic,
            partition: record.partition,
            first_offset: record.offset,
            extension: format.extension(),
        }),
        encoder: format.encoder(""),
        body: Vec::new(),
        records: 0,
    });
    file.encoder.write(&record.value, &mut file.body)?;
    file.records += 1;
    if file.records == config.rotation.flush_size {
        let mut file = open.remove(&place).unwrap();
        file.encoder.finish(&mut file.body)?;
        ran.objects.insert(file.key, file.body);
    }
    Ok(())
}

fn plain(key: &str, body: &[u8]) -> Vec<u8> {
    if !key.ends_with(".gz") {
        return body.to_vec();
    }
    assert_eq!(body[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff], "{key}");
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(body)
        .read_to_end(&mut out)
        .unwrap();
    out
}

fn compare_lines(case: &str, key: &str, ours: &[u8], theirs: &[u8]) {
    let lines = |bytes: &[u8]| {
        assert!(bytes.ends_with(b"\n"), "{case} {key}");
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (ours, theirs) = (lines(ours), lines(theirs));
    assert_eq!(ours.len(), theirs.len(), "{case} {key}");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let json = |line: &str| {
            serde_json::from_str::<Json>(line)
                .unwrap_or_else(|error| panic!("{case}: {line}: {error}"))
        };
        assert_eq!(json(ours), json(theirs), "{case} {key}");
    }
}

fn compare_object(case: &str, key: &str, ours: &[u8], theirs: &[u8]) {
    let (ours, theirs) = (plain(key, ours), plain(key, theirs));
    if case == "json_edge_schemaless" {
        let offset: i64 = key
            .trim_end_matches(".json")
            .rsplit('+')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        if let Some((_, line)) = KEPT_AS_WRITTEN.iter().find(|(kept, _)| *kept == offset) {
            assert_eq!(String::from_utf8_lossy(&ours), format!("{line}\n"));
            return;
        }
    }
    if key.contains(".json") {
        compare_lines(case, key, &ours, &theirs);
    } else {
        assert_eq!(ours, theirs, "{case} {key}");
    }
}

#[test]
fn objects_are_those_of_the_genuine_connector() {
    let cases = cases();
    assert!(cases.len() > 25);
    for case in &cases {
        let ran = run(case);
        let keys =
            |objects: &BTreeMap<String, Vec<u8>>| objects.keys().cloned().collect::<Vec<_>>();
        // Where the genuine task failed, its first poll lost the good records before the bad one, too.
        if case.trace.is_empty() {
            assert_eq!(keys(&ran.objects), keys(&case.objects), "{}", case.name);
        }
        for (key, theirs) in &case.objects {
            compare_object(&case.name, key, &ran.objects[key], theirs);
        }
    }
}

#[test]
fn traces_are_those_of_the_genuine_connector() {
    let mut failed = 0;
    for case in &cases() {
        let trace = run(case).trace.unwrap_or_default();
        failed += u32::from(!trace.is_empty());
        assert_eq!(trace, case.trace.join("\n"), "{}", case.name);
    }
    assert_eq!(failed, 7);
}

#[test]
fn bad_records_are_passed_over_where_connect_does() {
    let cases = cases();
    let case = cases
        .iter()
        .find(|case| case.name == "json_malformed_dlq")
        .unwrap();
    // What the genuine connector put into its dead-letter topic.
    let dead_letters = [1, 3, 7, 9, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39];
    assert_eq!(run(case).skipped, dead_letters);
}
