//! `FieldPartitioner`: a folder a field, `name=value`, in the configured order.
//!
//! Values are not escaped: a `/` in one makes another level, as in the original. With `partition.field.extended` names
//! may also lead into maps without a schema, the record's key (`key:id`, or `key:` for the whole key) and its headers
//! (`header:tenant`); what is not there is `null`.

use std::fmt::Write as _;

use super::Partitioner;
use super::extractor::{date_is_no_number, is_date};
use super::path::FieldPath;
use crate::config::PartitionerConfig;
use crate::error::{Exception, PARTITION_EXCEPTION, RecordError};
use crate::record::{Payload, SinkRecord};
use crate::value::{SchemaRef, Type, Value};

/// Where a field is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Value(FieldPath),
    Key(FieldPath),
    WholeKey,
    Header(String),
}

/// One level of the encoded partition.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Level {
    name: String,
    place: Place,
}

/// `name=value` for each of some fields.
#[derive(Debug)]
pub(super) struct FieldPartitioner {
    levels: Vec<Level>,
    delim: String,
    extended: bool,
}

impl FieldPartitioner {
    pub(super) fn new(config: &PartitionerConfig) -> Self {
        let levels = config.fields.iter();
        Self {
            levels: levels.map(|name| level(name, config.extended)).collect(),
            delim: config.delim.clone(),
            extended: config.extended,
        }
    }

    fn level(
        &self,
        level: &Level,
        record: &SinkRecord<'_>,
        out: &mut String,
    ) -> Result<(), RecordError> {
        match &level.place {
            Place::Value(path) if self.extended => {
                write_found(lenient(path, &record.value.payload), out)
            }
            Place::Value(path) => write_strict(path, &record.value.payload, out),
            Place::Key(path) => write_found(lenient(path, &record.key.payload), out),
            Place::WholeKey => write_payload(&record.key.payload, out),
            Place::Header(name) => {
                let last = record
                    .headers
                    .iter()
                    .rev()
                    .find(|header| header.key == *name);
                write_found(last.map(|header| &header.value), out)
            }
        }
    }
}

fn level(name: &str, extended: bool) -> Level {
    let level = |name: &str, place| Level {
        name: name.to_owned(),
        place,
    };
    match name.split_once(':') {
        Some(("key", "")) if extended => level("key", Place::WholeKey),
        Some(("key", path)) if extended => level(path, Place::Key(FieldPath::new(path))),
        Some(("header", header)) if extended => level(header, Place::Header(header.to_owned())),
        _ => level(name, Place::Value(FieldPath::new(name))),
    }
}

impl Partitioner for FieldPartitioner {
    fn encode(&mut self, record: &SinkRecord<'_>, out: &mut String) -> Result<(), RecordError> {
        for (index, level) in self.levels.iter().enumerate() {
            if index > 0 {
                out.push_str(&self.delim);
            }
            out.push_str(&level.name);
            out.push('=');
            self.level(level, record, out)?;
        }
        Ok(())
    }
}

/// As the original has it: a field of a struct, of a type that it knows.
fn write_strict(
    path: &FieldPath,
    payload: &Payload<'_>,
    out: &mut String,
) -> Result<(), RecordError> {
    let Payload::Tree(value @ Value::Struct(_)) = payload else {
        return Err(not_encodable());
    };
    let Some(found) = path.find(value) else {
        let text = format!("Field '{}' is not present in the schema.", path.name);
        return Err(RecordError::fatal(Exception::data(text)));
    };
    if let Some(schema) = found.schema {
        check_type(schema, found.value)?;
    }
    write_found(Some(found.value), out)
}

/// A null of a type that has a place in a path is `null`, also one of a date, which is none itself.
fn check_type(schema: &SchemaRef, value: &Value) -> Result<(), RecordError> {
    match schema.kind {
        kind if is_date(kind, schema.name.as_deref()) && !value.is_null() => {
            Err(RecordError::fatal(date_is_no_number()))
        }
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 | Type::String | Type::Boolean => {
            Ok(())
        }
        _ => Err(not_encodable()),
    }
}

fn lenient<'a>(path: &FieldPath, payload: &'a Payload<'_>) -> Option<&'a Value> {
    match payload {
        Payload::Tree(value) => path.find(value).map(|found| found.value),
        _ => None,
    }
}

fn write_payload(payload: &Payload<'_>, out: &mut String) -> Result<(), RecordError> {
    match payload {
        Payload::Null => write_found(None, out),
        Payload::Text(text) => {
            out.push_str(text);
            Ok(())
        }
        Payload::Tree(value) => write_found(Some(value), out),
        Payload::Json(_) | Payload::Bytes(_) => Err(not_encodable()),
    }
}

fn write_found(value: Option<&Value>, out: &mut String) -> Result<(), RecordError> {
    // Writing to a String does not fail.
    let _ = match value {
        None | Some(Value::Null) => out.write_str("null"),
        Some(Value::String(text)) => out.write_str(text),
        Some(Value::Boolean(value)) => write!(out, "{value}"),
        Some(Value::Int8(value)) => write!(out, "{value}"),
        Some(Value::Int16(value)) => write!(out, "{value}"),
        Some(Value::Int32(value)) => write!(out, "{value}"),
        Some(Value::Int64(value)) => write!(out, "{value}"),
        Some(Value::Number(number)) if number.is_integer() => out.write_str(number.as_str()),
        Some(_) => return Err(not_encodable()),
    };
    Ok(())
}

fn not_encodable() -> RecordError {
    RecordError::put(Exception::new(
        PARTITION_EXCEPTION,
        "Error encoding partition.",
    ))
}

#[cfg(test)]
#[path = "field_tests.rs"]
mod tests;
