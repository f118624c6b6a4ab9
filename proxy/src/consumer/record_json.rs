//! A record as the JSON of an answer: `{"topic":…,"key":…,"value":…,"partition":…,"offset":…}`, appended to what is
//! [pending](super::pending), or held until its schema is there.

use rdkafka::message::{BorrowedMessage, Message};

use super::partitions::{Mark, Part, Partitions};
use super::pending::Pending;
use crate::format::Side;
use crate::format::deserialize::{DeserializeError, Deserializer};

/// A record that waits for its schema.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) part: usize,
    pub(super) schema: u32,
    pub(super) offset: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    extras: Vec<u8>,
}

impl Held {
    /// Tries again to append its JSON.
    ///
    /// # Errors
    /// It still cannot be decoded: then nothing is appended.
    pub(super) fn write(
        &self,
        pending: &mut Pending,
        parts: &Partitions,
        deserializer: &dyn Deserializer,
    ) -> Result<(), DeserializeError> {
        let record = Record {
            offset: self.offset,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            extras: &self.extras,
        };
        write(pending, parts, deserializer, self.part, &record)
    }
}

struct Record<'m> {
    offset: i64,
    key: Option<&'m [u8]>,
    value: Option<&'m [u8]>,
    /// Further members of its JSON, each with a comma in front.
    extras: &'m [u8],
}

/// Appends a record's JSON. Records of partitions that were given up meanwhile are left out.
pub(super) fn append(
    pending: &mut Pending,
    parts: &mut Partitions,
    deserializer: &dyn Deserializer,
    message: &BorrowedMessage<'_>,
    extras: Vec<u8>,
) -> Option<Held> {
    let index = parts.index(message.topic(), message.partition());
    let part = parts.get_mut(index).filter(|part| part.rank.is_some())?;
    part.mark = Mark::Open;
    let record = Record {
        offset: message.offset(),
        key: message.key(),
        value: message.payload(),
        extras: &extras,
    };
    let start = pending.json().len();
    match write(pending, parts, deserializer, index, &record) {
        Ok(()) => None,
        Err(DeserializeError::Undecodable(reason)) => {
            let size = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
            pending.push(index, record.offset, start, size, Some(reason));
            None
        }
        Err(DeserializeError::NeedsSchema(schema)) => {
            pending.json().truncate(start);
            Some(Held {
                part: index,
                schema,
                offset: record.offset,
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                extras,
            })
        }
    }
}

/// Writes a record's JSON into the buffer, or nothing at all.
fn write(
    pending: &mut Pending,
    parts: &Partitions,
    deserializer: &dyn Deserializer,
    index: usize,
    record: &Record<'_>,
) -> Result<(), DeserializeError> {
    let Some(part) = parts.get(index) else {
        return Ok(());
    };
    let out = pending.json();
    let start = out.len();
    let mut written = || -> Result<usize, DeserializeError> {
        out.extend_from_slice(&part.prefix);
        let told = |side, error| told(deserializer, side, part, record.offset, error);
        let key = side(deserializer, Side::Key, record.key, out)
            .map_err(|error| told(Side::Key, error))?;
        out.extend_from_slice(b",\"value\":");
        let value = side(deserializer, Side::Value, record.value, out)
            .map_err(|error| told(Side::Value, error))?;
        out.extend_from_slice(b",\"partition\":");
        crate::decimal::append(out, i64::from(part.partition));
        out.extend_from_slice(b",\"offset\":");
        crate::decimal::append(out, record.offset);
        out.extend_from_slice(record.extras);
        out.push(b'}');
        Ok(key + value)
    };
    match written() {
        Ok(size) => {
            pending.push(index, record.offset, start, size, None);
            Ok(())
        }
        Err(error) => {
            pending.json().truncate(start);
            Err(error)
        }
    }
}

/// With schemas, Java's client decodes and says only where the record is; why stands in the log.
fn told(
    deserializer: &dyn Deserializer,
    side: Side,
    part: &Part,
    offset: i64,
    error: DeserializeError,
) -> DeserializeError {
    let DeserializeError::Undecodable(reason) = error else {
        return error;
    };
    if !deserializer.uses_schemas() {
        return DeserializeError::Undecodable(reason);
    }
    let (topic, partition) = (&part.topic, part.partition);
    tracing::warn!(
        topic,
        partition,
        offset,
        reason,
        "a record cannot be decoded"
    );
    let side = match side {
        Side::Key => "KEY",
        Side::Value => "VALUE",
    };
    DeserializeError::Undecodable(format!(
        "Error deserializing {side} for partition {topic}-{partition} at offset {offset}. If needed, please seek past \
         the record to continue consumption."
    ))
}

fn side(
    deserializer: &dyn Deserializer,
    side: Side,
    bytes: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<usize, DeserializeError> {
    match bytes {
        Some(bytes) => deserializer.deserialize(side, bytes, out),
        None => {
            out.extend_from_slice(b"null");
            Ok(0)
        }
    }
}
