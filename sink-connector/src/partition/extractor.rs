//! Timestamp extractors: what time a record has.
//!
//! In: `timestamp.extractor` by its short or class name, `timestamp.field`. Out: milliseconds of the epoch. Fails as the
//! original does: a field that is missing or of a wrong type ends the task, with or without a dead-letter queue; a
//! record without a timestamp is [`None`], which the partitioner refuses.

use crate::config::PartitionerConfig;
use crate::error::{CONFIG_EXCEPTION, Exception, PARTITION_EXCEPTION, RecordError};
use crate::joda::parse_iso;
use crate::partition::path::{FieldPath, Found};
use crate::record::{Payload, SinkRecord};
use crate::value::{Type, Value, logical};

/// An exception that a task shows as it is when it fails at its start.
pub(crate) type FailedAtStart = Exception;

const CLASSES: &str = "io.confluent.connect.storage.partitioner.TimeBasedPartitioner$";

/// `timestamp.extractor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Extractor {
    /// The time of processing.
    Wallclock,
    /// The record's Kafka timestamp.
    Record,
    /// A field of its value.
    RecordField(FieldPath),
}

impl Extractor {
    /// The configured one; names are case-sensitive.
    pub(super) fn new(config: &PartitionerConfig) -> Result<Self, FailedAtStart> {
        let name = config.extractor.as_str();
        let short = name
            .strip_prefix(CLASSES)
            .and_then(|class| class.strip_suffix("TimestampExtractor"));
        match short.unwrap_or(name) {
            "Wallclock" => Ok(Self::Wallclock),
            "Record" => Ok(Self::Record),
            "RecordField" => Ok(Self::RecordField(FieldPath::new(&config.timestamp_field))),
            _ => {
                let cause = Exception::new("java.lang.ClassNotFoundException", name);
                let text = format!("Invalid timestamp extractor: {name}");
                Err(Exception::new(CONFIG_EXCEPTION, text).caused_by(cause))
            }
        }
    }

    /// The Java class, as error texts name it.
    pub(super) fn class(&self) -> String {
        let short = match self {
            Self::Wallclock => "Wallclock",
            Self::Record => "Record",
            Self::RecordField(_) => "RecordField",
        };
        format!("{CLASSES}{short}TimestampExtractor")
    }

    /// The record's time.
    pub(super) fn extract(
        &self,
        record: &SinkRecord<'_>,
        clock_ms: i64,
    ) -> Result<Option<i64>, RecordError> {
        match self {
            Self::Wallclock => Ok(Some(clock_ms)),
            Self::Record => Ok(record.timestamp),
            Self::RecordField(path) => field_time(path, record).map(Some),
        }
    }
}

fn field_time(path: &FieldPath, record: &SinkRecord<'_>) -> Result<i64, RecordError> {
    let Payload::Tree(value @ (Value::Struct(_) | Value::Map(_))) = &record.value.payload else {
        return Err(partition_error("Error encoding partition."));
    };
    let found = path.require(value).map_err(RecordError::fatal)?;
    time_of(path, &found)
}

fn time_of(path: &FieldPath, found: &Found<'_>) -> Result<i64, RecordError> {
    let in_map = found.schema.is_none();
    match found.value {
        Value::Timestamp(millis) => Ok(*millis),
        Value::Int64(millis) => Ok(*millis),
        Value::Int32(millis) => Ok(i64::from(*millis)),
        Value::Number(number) => Ok(number.as_i64()),
        Value::Date(days) if in_map => Ok(i64::from(*days) * 86_400_000),
        Value::Time(millis) if in_map => Ok(i64::from(*millis)),
        Value::Int8(millis) if in_map => Ok(i64::from(*millis)),
        Value::Int16(millis) if in_map => Ok(i64::from(*millis)),
        // A cast to `long` cuts and saturates, in Java as here.
        Value::Float64(millis) if in_map => Ok(*millis as i64),
        Value::Float32(millis) if in_map => Ok(*millis as i64),
        Value::Date(_) | Value::Time(_) => Err(RecordError::fatal(date_is_no_number())),
        Value::String(text) => text_time(text),
        _ => Err(partition_error(format!(
            "Error extracting timestamp from record field: {}",
            path.name
        ))),
    }
}

/// Up to 19 digits are milliseconds, everything else is ISO 8601.
fn text_time(text: &str) -> Result<i64, RecordError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let numeric =
        (1..=19).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(millis) = numeric.then(|| text.parse().ok()).flatten() {
        return Ok(millis);
    }
    parse_iso(text).map_err(|error| {
        let (class, message) = error.exception(text);
        RecordError::fatal(Exception::new(class, message))
    })
}

/// What Java says when a `Date` is taken for a number.
pub(super) fn date_is_no_number() -> Exception {
    Exception::new(
        "java.lang.ClassCastException",
        "class java.util.Date cannot be cast to class java.lang.Number (java.util.Date and java.lang.Number are in \
         module java.base of loader 'bootstrap')",
    )
}

fn partition_error(text: impl Into<String>) -> RecordError {
    RecordError::fatal(Exception::new(PARTITION_EXCEPTION, text))
}

/// Whether a field of this schema is one of Connect's logical types over an integer.
pub(super) fn is_date(kind: Type, name: Option<&str>) -> bool {
    matches!(kind, Type::Int32 | Type::Int64)
        && matches!(
            name,
            Some(logical::DATE | logical::TIME | logical::TIMESTAMP)
        )
}

#[cfg(test)]
#[path = "extractor_tests.rs"]
mod tests;
