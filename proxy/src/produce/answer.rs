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
    /// Its schema. Most have none, and every record under way has this: so it lies elsewhere.
    pub(crate) schema: Option<Box<ShownSchema>>,
}

/// What an answer tells of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownSchema {
    /// Its subject.
    pub(crate) subject: String,
    /// Its id.
    pub(crate) id: u32,
    /// Its version in the subject.
    pub(crate) version: i32,
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

/// What the answers of one request have in common. Those of neighbours mostly share a partition and an instant, too: what
/// was written of the last ones is kept.
#[derive(Debug)]
pub(crate) struct Common {
    /// The fields that all begin with, up to the partition's number.
    fields: String,
    /// The fields that those of this partition begin with, up to the offset.
    opening: (Option<i32>, String),
    /// An instant in epoch milliseconds, and as a field.
    instant: (Option<i64>, String),
}

impl Common {
    /// Of records to this topic.
    pub(crate) fn new(cluster: &str, topic: &str) -> Self {
        let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let fields = format!(
            "\"cluster_id\":{},\"topic_name\":{},\"partition_id\":",
            text(cluster),
            text(topic)
        );
        Self {
            fields,
            opening: (None, String::new()),
            instant: (None, String::new()),
        }
    }

    /// Appends the fields of a record that was written.
    pub(crate) fn stored(
        &mut self,
        out: &mut String,
        place: Place,
        key: Option<&Shown>,
        value: Option<&Shown>,
    ) {
        out.push_str(self.opening(place.partition));
        number(out, place.offset);
        out.push_str(self.instant(place.timestamp));
        if let Some(shown) = key {
            out.push_str(",\"key\":{\"type\":\"");
            data(out, shown);
        }
        if let Some(shown) = value {
            out.push_str(",\"value\":{\"type\":\"");
            data(out, shown);
        }
    }

    /// Appends the stream's answer to a record that was written.
    pub(crate) fn streamed_stored(
        &mut self,
        out: &mut String,
        place: Place,
        key: Option<&Shown>,
        value: Option<&Shown>,
    ) {
        out.push_str("{\"error_code\":200,");
        self.stored(out, place, key, value);
        out.push('}');
    }

    fn opening(&mut self, partition: i32) -> &str {
        let (written, text) = &mut self.opening;
        if written.replace(partition) != Some(partition) {
            text.clear();
            text.push_str(&self.fields);
            number(text, partition.into());
            text.push_str(",\"offset\":");
        }
        text
    }

    fn instant(&mut self, millis: i64) -> &str {
        let (written, text) = &mut self.instant;
        if written.replace(millis) != Some(millis) {
            text.clear();
            text.push_str(",\"timestamp\":\"");
            instant::write(millis, text);
            text.push('"');
        }
        text
    }
}

/// Appends the stream's answer to a record that was not.
pub(crate) fn streamed_failed(out: &mut String, error: &RecordError) {
    out.push('{');
    failed(out, error);
    out.push('}');
}

/// Every record's answer has some: without the generality of `write!`, for which half of an answer's time went.
fn number(out: &mut String, number: i64) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// What follows the opening of a key or value.
fn data(out: &mut String, shown: &Shown) {
    out.push_str(name_of(shown.format));
    out.push('"');
    if let Some(schema) = &shown.schema {
        let subject = serde_json::to_string(&schema.subject).unwrap_or_default();
        let _ = write!(
            out,
            ",\"subject\":{subject},\"schema_id\":{},\"schema_version\":{}",
            schema.id, schema.version
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
        let mut common = Common::new("C", "t");
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
        common.stored(
            &mut out,
            place,
            Some(&shown(Format::String, None)),
            Some(&shown(
                Format::Avro,
                Some(Box::new(ShownSchema {
                    subject: "t-value".into(),
                    id: 1,
                    version: 2,
                })),
            )),
        );
        assert_eq!(
            out,
            r#""cluster_id":"C","topic_name":"t","partition_id":0,"offset":4,"timestamp":"2021-02-05T17:14:42.123Z","key":{"type":"STRING","size":7},"value":{"type":"AVRO","subject":"t-value","schema_id":1,"schema_version":2,"size":7}"#
        );
        out.clear();
        // Nothing of a neighbour's stays.
        let place = Place {
            partition: 1,
            offset: 5,
            timestamp: 1_612_545_282_124,
        };
        common.stored(&mut out, place, None, None);
        assert_eq!(
            out,
            r#""cluster_id":"C","topic_name":"t","partition_id":1,"offset":5,"timestamp":"2021-02-05T17:14:42.124Z""#
        );
        out.clear();
        let error = RecordError::new(codes::BAD_REQUEST, "one\ntwo");
        failed(&mut out, &error);
        assert_eq!(out, r#""error_code":400,"message":"one""#);
    }
}
