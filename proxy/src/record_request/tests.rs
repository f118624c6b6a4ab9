//! Records as recorded, and what the original says of others.
#![allow(clippy::unwrap_used)]

use sluiceway_common::json::Options;

use super::*;
use crate::format::Format;

fn read(json: &str) -> Result<(RecordRequest, String), String> {
    let mut scanner = Scanner::new(json.as_bytes(), 0, &Options::STRICT);
    let mut out = Vec::new();
    let record = decode(json.as_bytes(), &mut scanner, &mut out, &STREAMED)
        .map_err(|mismatch| mismatch.to_string())?;
    Ok((record.unwrap_or_default(), String::from_utf8(out).unwrap()))
}

#[test]
fn a_record_with_everything() {
    let (record, json) = read(
        r#"{"partition_id":1,"headers":[{"name":"h1","value":"djE="},{"name":"hn","value":null}],
           "timestamp":"2021-02-05T19:14:42Z","key":{"type":"JSON","data":[ 1, 2 ]},
           "value":{"data":"x","type":"STRING"}}"#,
    )
    .unwrap();
    assert_eq!(record.partition, Some(1));
    assert_eq!(record.timestamp, Some(1_612_552_482_000));
    let headers: Vec<_> = record
        .headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.as_deref()))
        .collect();
    assert_eq!(headers, [("h1", Some(&b"v1"[..])), ("hn", None)]);
    let (key, value) = (record.key.unwrap(), record.value.unwrap());
    assert_eq!(
        (key.format, value.format),
        (Some(Format::Json), Some(Format::String))
    );
    assert_eq!(key.json.unwrap().of(json.as_bytes()), b"[1,2]");
    assert_eq!(value.json.unwrap().of(json.as_bytes()), b"\"x\"");
}

#[test]
fn numbers_are_seconds() {
    for (timestamp, millis) in [
        ("1600000000000", 1_600_000_000_000_000),
        ("1.5", 1500),
        ("\"12\"", 12_000),
        ("\"2021-02-05T19:14:42.123+0200\"", 1_612_545_282_123),
    ] {
        let (record, _) = read(&format!("{{\"timestamp\":{timestamp}}}")).unwrap();
        assert_eq!(record.timestamp, Some(millis), "{timestamp}");
    }
}

#[test]
fn refusals() {
    let data = "Cannot construct instance of `io.confluent.kafkarest.entities.v3.ProduceRequest$ProduceRequestData`, problem:";
    for (json, message) in [
        (
            r#"{"timestamp":"x"}"#,
            "Cannot deserialize value of type `java.time.Instant` from String \"x\": Failed to deserialize java.time.Instant: (java.time.format.DateTimeParseException) Text 'x' could not be parsed at index 0".to_owned(),
        ),
        (
            r#"{"value":{"type":"json","data":1}}"#,
            "Cannot deserialize value of type `io.confluent.kafkarest.entities.EmbeddedFormat` from String \"json\": not one of the values accepted for Enum class: [BINARY, AVRO, JSON, JSONSCHEMA, PROTOBUF, STRING]".to_owned(),
        ),
        (
            r#"{"headers":[{"name":"h","value":"!!"}]}"#,
            "Cannot deserialize value of type `byte[]` from String \"!\": Failed to decode VALUE_STRING as base64 (MIME-NO-LINEFEEDS): Illegal character '!' (code 0x21) in base64 content".to_owned(),
        ),
        (
            r#"{"zz":1,"value":{"type":"STRING","data":"x"}}"#,
            "Unrecognized field \"zz\" (class io.confluent.kafkarest.entities.v3.AutoValue_ProduceRequest$Builder), not marked as ignorable (6 known properties: \"value\", \"originalSize\", \"partitionId\", \"headers\", \"key\", \"timestamp\"])".to_owned(),
        ),
        (
            "[]",
            "Cannot deserialize value of type `io.confluent.kafkarest.entities.v3.ProduceRequest$Builder` from Array value (token `JsonToken.START_ARRAY`)".to_owned(),
        ),
        (
            r#"{"headers":{"h":"v"}}"#,
            "Cannot deserialize value of type `java.util.ArrayList<io.confluent.kafkarest.entities.v3.ProduceRequest$ProduceRequestHeader>` from Object value (token `JsonToken.START_OBJECT`)".to_owned(),
        ),
        (
            r#"{"value":{"type":"AVRO","schema_id":1,"data":1}}"#,
            format!("{data} 'schema_id=1' cannot be used with 'serializer'."),
        ),
        (
            r#"{"value":{"type":"AVRO","data":1}}"#,
            format!("{data} 'schema_version=latest' cannot be used with 'serializer'."),
        ),
        (
            r#"{"value":{"type":"JSON","schema":"x","data":1}}"#,
            format!("{data} 'type=JSON' cannot be used with 'schema'."),
        ),
        (r#"{"value":{"type":"JSON"}}"#, format!("{data} Null data")),
        (
            r#"{"value":{"schema_id":1,"schema_version":2,"data":1}}"#,
            format!("{data} Only one of 'schema_id', 'schema_version' or 'schema' can be used."),
        ),
        (
            r#"{"partition_id":"x"}"#,
            "Cannot deserialize value of type `java.lang.Integer` from String \"x\": not a valid `java.lang.Integer` value".to_owned(),
        ),
    ] {
        assert_eq!(read(json).map(|_| ()), Err(message), "{json}");
    }
}
