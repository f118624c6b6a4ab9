#![allow(clippy::unwrap_used)]
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sluiceway_common::props::{self, Properties};

use super::*;

const BASE: &str = "name=c\nconnector.class=S3Sink\ntopics=t\ns3.bucket.name=b\nflush.size=3\nstorage.class=S3Storage\n\
    format.class=JsonFormat\nkey.converter=StringConverter\nvalue.converter=JsonConverter\n\
    value.converter.schemas.enable=false\n";

fn explained(more: &str, sample: &str) -> Result<Explanation, Exception> {
    let properties = props::parse(&format!("{BASE}{more}")).unwrap();
    let config = ConnectorConfig::parse(&properties, &Properties::new()).unwrap();
    let records = Sample::parse(sample)
        .unwrap()
        .records(&config.topics)
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    explain(config, &records, 1_700_000_000_000, runtime.handle())
}

/// Name without its folder of all, first and last offset, count, reason.
fn files(explanation: &Explanation) -> Vec<(String, i64, i64, u64, &'static str)> {
    let all = explanation.objects.iter().chain(&explanation.open);
    all.map(|file| {
        let key = file.key.strip_prefix("topics/").unwrap_or(&file.key);
        let reason = file.reason.unwrap_or("open");
        (
            key.to_owned(),
            file.first_offset,
            file.last_offset,
            file.records,
            reason,
        )
    })
    .collect()
}

fn file(
    key: &str,
    first: i64,
    last: i64,
    records: u64,
    reason: &'static str,
) -> (String, i64, i64, u64, &'static str) {
    (key.to_owned(), first, last, records, reason)
}

#[test]
fn full_files_become_objects_and_the_tail_stays_open() {
    let found = explained(
        "",
        r#"{"value":1}{"value":2}{"value":3}{"value":4}{"partition":1,"value":5}"#,
    )
    .unwrap();
    assert_eq!(
        files(&found),
        [
            file("t/partition=0/t+0+0000000000.json", 0, 2, 3, "flush_size"),
            file("t/partition=0/t+0+0000000003.json", 3, 3, 1, "open"),
            file("t/partition=1/t+1+0000000000.json", 0, 0, 1, "open"),
        ]
    );
    assert_eq!((found.objects[0].bytes, found.written), (6, 5));
    assert_eq!(found.committed, BTreeMap::from([("t-0".to_owned(), 3)]));
    let text = found.to_string();
    assert!(
        text.contains("t+0+0000000000.json\n    offsets 0 to 2, 3 records, 6 bytes, flush_size"),
        "{text}"
    );
    assert!(
        text.contains("committed: t-0 3\n1 objects, 2 open files, 5 records written"),
        "{text}"
    );
}

#[test]
fn bad_records_are_told_and_good_ones_before_them_written() {
    let sample = r#"{"value":1}{"value":"{"}{"value":3}{"value":null}{"value":4}"#;
    let tolerant = "errors.tolerance=all\nbehavior.on.null.values=ignore\n";
    let found = explained(tolerant, sample).unwrap();
    assert_eq!(found.refused[0].record, "t-0@1");
    assert!(
        found.refused[0].reason.contains("VALUE_CONVERTER"),
        "{found}"
    );
    assert_eq!(
        (
            found.skipped[0].record.as_str(),
            found.skipped[0].reason.as_str()
        ),
        ("t-0@3", "null_value")
    );
    assert_eq!(
        files(&found),
        [file(
            "t/partition=0/t+0+0000000000.json",
            0,
            4,
            3,
            "flush_size"
        )]
    );
    let found = explained("flush.size=1\n", sample).unwrap();
    assert_eq!(
        files(&found),
        [file(
            "t/partition=0/t+0+0000000000.json",
            0,
            0,
            1,
            "flush_size"
        )]
    );
    let failure = found.failure.unwrap();
    assert_eq!(failure.record, "t-0@1");
    assert!(
        failure
            .reason
            .contains("Tolerance exceeded in error handler")
    );
    let failed = explained("filename.offset.zero.pad.width=0\n", sample).unwrap_err();
    assert!(
        failed
            .stacktrace()
            .contains("DuplicateFormatFlagsException")
    );
}

/// An envelope of schema and payload; the schema has the fields that the payload has.
fn envelope(value: &Value, version: i64) -> String {
    let fields: Vec<Value> = value
        .as_object()
        .unwrap()
        .keys()
        .map(|name| serde_json::json!({"field": name, "type": "int32"}))
        .collect();
    serde_json::json!({"value": {"schema": {"type": "struct", "name": "R", "version": version, "fields": fields}, "payload": value}})
        .to_string()
}

#[test]
fn interleaved_schemas_fill_a_file_each_where_they_do_not_close_files() {
    let with_schemas = "value.converter.schemas.enable=true\nflush.size=6\n";
    let (one, two) = (
        serde_json::json!({"a": 1}),
        serde_json::json!({"a": 1, "b": 2}),
    );
    let sample: String = [
        (&one, 1),
        (&two, 2),
        (&one, 1),
        (&two, 2),
        (&one, 1),
        (&two, 2),
    ]
    .map(|(value, version)| envelope(value, version))
    .concat();
    let cut = explained(with_schemas, &sample).unwrap();
    assert_eq!((cut.objects.len(), cut.open.len()), (5, 1));
    let beside = explained(
        &format!("{with_schemas}rotate.file.on.schema.change=false\n"),
        &sample,
    )
    .unwrap();
    assert_eq!(
        files(&beside),
        [
            file("t/partition=0/t+0+0000000000.json", 0, 4, 3, "flush_size"),
            file("t/partition=0/t+0+0000000001.json", 1, 5, 3, "flush_size"),
        ]
    );
    assert_eq!(beside.committed["t-0"], 6);
}

#[test]
fn late_records_fill_their_own_file_where_they_do_not_close_files() {
    let hourly = "flush.size=100\npartitioner.class=HourlyPartitioner\nlocale=en\ntimezone=UTC\n\
        timestamp.extractor=Record\nrotate.interval.ms=3600000\n";
    let hour = |hour: f64| (hour * 3_600_000.0) as i64 + 1_699_992_000_000;
    let sample: String = [20.0, 20.5, 21.0, 20.6, 21.1, 20.7, 21.2, 22.0]
        .map(|at| format!("{{\"value\":1,\"timestamp\":{}}}", hour(at)))
        .concat();
    let cut = explained(hourly, &sample).unwrap();
    assert_eq!((cut.objects.len(), cut.open.len()), (6, 1));
    let whole = explained(
        &format!("{hourly}rotate.file.on.late.record=false\n"),
        &sample,
    )
    .unwrap();
    let shape: Vec<_> = files(&whole)
        .into_iter()
        .map(|(_, first, last, records, reason)| (first, last, records, reason))
        .collect();
    assert_eq!(
        shape,
        [
            (0, 1, 2, "rotate_interval"),
            (2, 6, 3, "rotate_interval"),
            (3, 5, 2, "rotate_interval"),
            (7, 7, 1, "open"),
        ]
    );
}

/// As Connect's error handler has it: with a reporter, it is what ends the task.
#[test]
fn what_the_sink_refuses_without_tolerance_is_told_by_its_reporter() {
    let trace = |more: &str| {
        let keys = format!("store.kafka.keys=true\n{more}");
        let found = explained(&keys, r#"{"value":1}"#).unwrap();
        found.failure.unwrap().reason
    };
    let (connect, data) = (
        "Caused by: org.apache.kafka.connect.errors.ConnectException: ",
        "org.apache.kafka.connect.errors.DataException: Key cannot be null",
    );
    let alone = trace("");
    assert!(alone.contains(&format!("{connect}{data}")), "{alone}");
    let reported = trace("errors.log.enable=true\n");
    let told = format!("{connect}Tolerance exceeded in error handler\nCaused by: {data}");
    assert!(reported.contains(&told), "{reported}");
    let nulls = "errors.log.enable=true\nbehavior.on.null.values=ignore\n";
    let found = explained(nulls, r#"{"value":null}"#).unwrap();
    let reason = found.failure.unwrap().reason;
    assert!(
        reason.contains(
            "error handler\nCaused by: org.apache.kafka.connect.errors.DataException: Skipping null"
        ),
        "{reason}"
    );
}

#[test]
fn of_several_faults_the_originals_first_is_told() {
    let stored = "errors.tolerance=all\nerrors.log.enable=true\nstore.kafka.keys=true\nstore.kafka.headers=true\n";
    let faults = |more: &str, sample: &str| {
        let found = explained(&format!("{stored}{more}"), sample).unwrap();
        let reasons = found.refused.into_iter().map(|refused| refused.reason);
        reasons.collect::<Vec<_>>()
    };
    let bare = faults("", r#"{"value":1}{"value":1,"key":"k"}"#);
    assert!(bare[0].contains("Key cannot be null"), "{bare:?}");
    assert!(bare[1].contains("Headers cannot be null"), "{bare:?}");
    let whole = r#"{"value":1,"key":"k","headers":[{"key":"h","value":null}]}"#;
    // The value's file comes before those of keys and headers.
    let bytes = "ByteArrayFormat\n";
    let value = faults(
        &format!("format.class={bytes}headers.format.class={bytes}"),
        whole,
    );
    assert!(value[0].contains("ByteArrayConverter is not"), "{value:?}");
    let headers = faults(
        &format!("headers.format.class={bytes}"),
        &whole.replace(r#""value":null"#, r#""value":"x""#),
    );
    assert!(
        headers[0].contains("Invalid schema type for ByteArrayConverter: ARRAY"),
        "{headers:?}"
    );
}

/// The original finds the times through the partitioners that it puts before the configured one; those of tombstones are
/// the records' own.
#[test]
fn an_interval_counts_behind_an_affix_and_written_tombstones() {
    let hourly = "flush.size=100\npartitioner.class=HourlyPartitioner\nlocale=en\ntimezone=UTC\n\
        timestamp.extractor=Record\nrotate.interval.ms=3600000\n";
    let record = |value: &str, hour: i64| {
        let time = hour * 3_600_000;
        format!("{{\"key\":1,\"value\":{value},\"timestamp\":{time}}}")
    };
    let sample = [20, 21, 20, 22].map(|hour| record("1", hour)).concat();
    let keys =
        "behavior.on.null.values=write\nstore.kafka.keys=true\nkeys.format.class=JsonFormat\n";
    let closed = |more: &str, sample: &str| {
        let found = explained(&format!("{hourly}{more}"), sample).unwrap();
        found.objects.len()
    };
    assert_eq!(closed("", &sample), 3);
    assert_eq!(
        closed("s3.schema.partition.affix.type=SUFFIX\n", &sample),
        3
    );
    assert_eq!(closed(keys, &sample), 6, "a file of keys beside each");
    let change = [record("1", 20), record("null", 20), record("null", 20)].concat();
    assert_eq!(closed(keys, &change), 2, "another folder");
    let late = [record("null", 20), record("null", 21), record("null", 21)].concat();
    assert_eq!(closed(keys, &late), 1, "an hour later");
}

#[test]
fn renamed_topics_have_files_of_their_own() {
    let by_day = "transforms=r\ntransforms.r.type=org.apache.kafka.connect.transforms.TimestampRouter\n\
        transforms.r.topic.format=${topic}-${timestamp}\ntransforms.r.timestamp.format=yyyyMMdd\nflush.size=4\n";
    let sample: String = [0, 86_400_000, 1, 86_400_001]
        .map(|after| {
            format!(
                "{{\"value\":1,\"timestamp\":{}}}",
                1_700_000_000_000_i64 + after
            )
        })
        .concat();
    let found = explained(by_day, &sample).unwrap();
    assert_eq!(
        files(&found),
        [
            file(
                "t-20231114/partition=0/t+0+0000000000.json",
                0,
                2,
                2,
                "flush_size"
            ),
            file(
                "t-20231115/partition=0/t+0+0000000001.json",
                1,
                3,
                2,
                "flush_size"
            ),
        ]
    );
}

#[test]
fn the_example_is_explained() {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/");
    let properties = props::read_file(format!("{examples}s3-sink.properties")).unwrap();
    let config = ConnectorConfig::parse(&properties, &Properties::new()).unwrap();
    let sample = std::fs::read_to_string(format!("{examples}s3-sink-sample.json")).unwrap();
    let records = Sample::parse(&sample)
        .unwrap()
        .records(&config.topics)
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let found = explain(config, &records, 0, runtime.handle()).unwrap();
    let reasons: Vec<_> = found
        .objects
        .iter()
        .map(|object| (object.records, object.reason.unwrap()))
        .collect();
    assert_eq!(reasons, [(1, "schedule"), (2, "schedule")]);
    assert_eq!(found.open.len(), 2);
    assert_eq!(found.committed["0a1b2c3d4e5f.pin-0"], 2);
}

// --- recordings ------------------------------------------------------------------------------------------------------

fn bytes(value: &Value, base64: &Value) -> Option<Vec<u8>> {
    let exact = base64.as_str().or_else(|| value["base64"].as_str());
    match exact {
        Some(text) => Some(STANDARD.decode(text).unwrap()),
        None => value["utf8"].as_str().map(|text| text.as_bytes().to_vec()),
    }
}

fn recorded_records(case: &Value) -> Vec<SampleRecord> {
    let mut next: BTreeMap<(String, i64), i64> = BTreeMap::new();
    let records = case["input"].as_array().unwrap().iter();
    records
        .map(|one| {
            let (topic, partition) = (
                one["topic"].as_str().unwrap(),
                one["partition"].as_i64().unwrap(),
            );
            let offset = next.entry((topic.to_owned(), partition)).or_insert(0);
            *offset += 1;
            let headers = one["headers"].as_array().cloned().unwrap_or_default();
            SampleRecord {
                topic: topic.to_owned(),
                partition: i32::try_from(partition).unwrap(),
                offset: *offset - 1,
                timestamp: one["timestamp"].as_i64(),
                key: bytes(&one["key"], &one["key_base64"]),
                value: bytes(&one["value"], &one["value_base64"]),
                headers: headers
                    .iter()
                    .map(|header| {
                        (
                            header[0].as_str().unwrap().to_owned(),
                            bytes(&header[1], &Value::Null),
                        )
                    })
                    .collect(),
            }
        })
        .collect()
}

/// Cases that time, S3, a registry or Connect's batches decide, or that differ on purpose.
fn explains_names(file: &str, case: &Value) -> bool {
    let config = case["config"].as_object().unwrap();
    let text = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
    let tasks = case["task_states"].as_array().cloned().unwrap_or_default();
    let running = !tasks.is_empty() && tasks.iter().all(|task| task["state"] == "RUNNING");
    let clock = !text("rotate.schedule.interval.ms").is_empty()
        || (text("partitioner.class").contains("Partitioner")
            && !text("partitioner.class").contains("Default")
            && !text("partitioner.class").contains("FieldP")
            && !text("timestamp.extractor").starts_with("Record"));
    let options = !text("max.write.duration.ms").is_empty();
    // Long values that are told by a rule.
    let by_rule = case["input"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|one| one["value"]["bytes"].is_u64());
    case["create_status"] == 201
        && !by_rule
        && running
        && !clock
        && !options
        && !config.values().any(|value| {
            value
                .as_str()
                .is_some_and(|text| text.contains("18081") || text.contains("18082"))
        })
        && case.get("input_later").is_none()
        && !file.starts_with("bucket")
}

/// What `explain` says is what the genuine connector wrote.
#[test]
fn recorded_names_are_explained() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut compared = 0;
    for part in ["sink", "sink2"] {
        let folder = format!(
            "{}/../protocol-tests/golden/{part}",
            env!("CARGO_MANIFEST_DIR")
        );
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let file = entry.file_name().into_string().unwrap();
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let case: Value = serde_json::from_str(&text).unwrap();
            if case["config"].as_object().is_none() || !explains_names(&file, &case) {
                continue;
            }
            let properties: Properties = case["config"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(key, value)| {
                    (
                        key.clone(),
                        value
                            .as_str()
                            .map_or_else(|| value.to_string(), str::to_owned),
                    )
                })
                .chain([("name".to_owned(), "c".to_owned())])
                .collect();
            let Ok(config) = ConnectorConfig::parse(&properties, &Properties::new()) else {
                continue;
            };
            let records = recorded_records(&case);
            let Ok(found) = explain(config, &records, 1_700_000_000_000, runtime.handle()) else {
                panic!("{file}: the task fails at its start");
            };
            let names: BTreeSet<&str> = found
                .objects
                .iter()
                .map(|object| object.key.as_str())
                .collect();
            let objects = case["objects"].as_array().unwrap();
            let recorded: BTreeSet<&str> = objects
                .iter()
                .map(|object| object["key"].as_str().unwrap())
                .collect();
            assert_eq!(names, recorded, "{file}");
            compared += 1;
        }
    }
    assert!(compared > 200, "only {compared} recordings were compared");
}
