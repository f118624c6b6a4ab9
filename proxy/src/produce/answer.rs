//! The results of v3's records as JSON.

use std::fmt::Write;

use crate::error::codes;
use crate::format::Format;
use crate::instant;
use crate::kafka_error::{FaultClass, KafkaFault};
use crate::produce::RecordError;
use crate::record_request::name_of;

/// What an answer tells of a key or value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// How it was written.
    pub(crate) format: Format,
    /// Its bytes; -1 for a null.
    pub(crate) size: i64,
    /// Its schema: subject, id, version.
    pub(crate) schema: Option<(String, u32, i32)>,
}

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its partition.
    pub(crate) partition: i32,
    /// Its offset.
    pub(crate) offset: i64,
    /// Its time, in epoch milliseconds.
    pub(crate) timestamp: i64,
}

/// The fields that all answers of a request begin with, as JSON: `"cluster_id":…,"topic_name":…`.
pub(crate) fn common_fields(cluster: &str, topic: &str) -> String {
    let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
    format!(
        "\"cluster_id\":{},\"topic_name\":{}",
        text(cluster),
        text(topic)
    )
}

/// Appends the fields of a record that was written.
pub(crate) fn stored(
    out: &mut String,
    common: &str,
    place: Place,
    key: Option<&Shown>,
    value: Option<&Shown>,
) {
    out.push_str(common);
    out.push_str(",\"partition_id\":");
    number(out, place.partition.into());
    out.push_str(",\"offset\":");
    number(out, place.offset);
    out.push_str(",\"timestamp\":\"");
    instant::write(place.timestamp, out);
    out.push('"');
    for (name, shown) in [("key", key), ("value", value)] {
        if let Some(shown) = shown {
            data(out, name, shown);
        }
    }
}

/// Appends the stream's answer to a record that was written.
pub(crate) fn streamed_stored(
    out: &mut String,
    common: &str,
    place: Place,
    key: Option<&Shown>,
    value: Option<&Shown>,
) {
    out.push_str("{\"error_code\":200,");
    stored(out, common, place, key, value);
    out.push('}');
}

/// Appends the stream's answer to a record that was not.
pub(crate) fn streamed_failed(out: &mut String, error: &RecordError) {
    out.push('{');
    failed(out, error);
    out.push('}');
}

/// Every record's answer has up to six: without the generality of `write!`, for which half of an answer's time went.
fn number(out: &mut String, number: i64) {
    out.push_str(itoa::Buffer::new().format(number));
}

fn data(out: &mut String, name: &str, shown: &Shown) {
    for part in [",\"", name, "\":{\"type\":\"", name_of(shown.format), "\""] {
        out.push_str(part);
    }
    if let Some((subject, id, version)) = &shown.schema {
        let subject = serde_json::to_string(subject).unwrap_or_default();
        let _ = write!(
            out,
            ",\"subject\":{subject},\"schema_id\":{id},\"schema_version\":{version}"
        );
    }
    out.push_str(",\"size\":");
    number(out, shown.size);
    out.push('}');
}

/// Appends the fields of a failure. As in the original, only the first line of its message.
pub(crate) fn failed(out: &mut String, error: &RecordError) {
    let message = error.message.lines().next().unwrap_or_default();
    let message = serde_json::to_string(message).unwrap_or_default();
    let _ = write!(
        out,
        "\"error_code\":{},\"message\":{message}",
        error.code.number
    );
}

/// A failure of Kafka as v3 tells it of a record.
pub(crate) fn of_fault(fault: KafkaFault) -> RecordError {
    let absent = fault.message.contains("not present in metadata");
    let code = match fault.class {
        FaultClass::NoTopic | FaultClass::NoPartition => codes::TOPIC_NOT_FOUND,
        FaultClass::Retriable if absent => codes::TOPIC_NOT_FOUND,
        FaultClass::Fatal if fault.message.starts_with("Invalid topics") => {
            codes::KAFKA_BAD_REQUEST
        }
        _ => fault.code(),
    };
    RecordError::new(code, fault.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_recorded() {
        let common = common_fields("C", "t");
        let mut out = String::new();
        let place = Place {
            partition: 0,
            offset: 4,
            timestamp: 1_612_545_282_123,
        };
        let shown = |format, schema| Shown {
            format,
            size: 7,
            schema,
        };
        stored(
            &mut out,
            &common,
            place,
            Some(&shown(Format::String, None)),
            Some(&shown(Format::Avro, Some(("t-value".into(), 1, 2)))),
        );
        assert_eq!(
            out,
            r#""cluster_id":"C","topic_name":"t","partition_id":0,"offset":4,"timestamp":"2021-02-05T17:14:42.123Z","key":{"type":"STRING","size":7},"value":{"type":"AVRO","subject":"t-value","schema_id":1,"schema_version":2,"size":7}"#
        );
        out.clear();
        let error = RecordError::new(codes::BAD_REQUEST, "one\ntwo");
        failed(&mut out, &error);
        assert_eq!(out, r#""error_code":400,"message":"one""#);
    }
}
