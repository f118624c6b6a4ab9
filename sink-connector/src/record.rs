//! Records on their way from Kafka to an object.
//!
//! In: a [`RawRecord`], bytes as the consumer delivers them. Out: a [`SinkRecord`], converted, transformed and with
//! its encoded partition. Both borrow; nothing here allocates.

use std::borrow::Cow;
use std::fmt;

use rdkafka::message::OwnedHeaders;

use crate::value::{SchemaRef, Value};

/// A record as it was read from Kafka.
#[derive(Clone, Copy)]
pub struct RawRecord<'a> {
    /// Topic it was read from.
    pub topic: &'a str,
    /// Partition it was read from.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp in milliseconds of the epoch; `None` when Kafka has none (-1).
    pub timestamp: Option<i64>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers; `None` when it has none.
    pub headers: Option<&'a dyn Headers>,
}

impl fmt::Debug for RawRecord<'_> {
    /// Position and sizes only: what a record holds does not belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRecord")
            .field("topic", &self.topic)
            .field("partition", &self.partition)
            .field("offset", &self.offset)
            .field("timestamp", &self.timestamp)
            .field("key_bytes", &self.key.map(<[u8]>::len))
            .field("value_bytes", &self.value.map(<[u8]>::len))
            .field("headers", &self.headers.map_or(0, Headers::count))
            .finish()
    }
}

/// Headers of a record, read where the consumer keeps them.
pub trait Headers {
    /// How many there are.
    fn count(&self) -> usize;
    /// The header at `index`, in the record's order; `None` also when its name is not UTF-8.
    fn get(&self, index: usize) -> Option<RawHeader<'_>>;
    /// All of them, for another record.
    fn copied(&self) -> OwnedHeaders;
}

/// One header of a [`RawRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawHeader<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its value.
    pub value: Option<&'a [u8]>,
}

impl Headers for Vec<RawHeader<'_>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> Option<RawHeader<'_>> {
        self.as_slice().get(index).copied()
    }

    fn copied(&self) -> OwnedHeaders {
        let empty = OwnedHeaders::new();
        self.iter().fold(empty, |headers, header| {
            headers.insert(rdkafka::message::Header {
                key: header.key,
                value: header.value,
            })
        })
    }
}

/// A key or value after conversion: Connect's `SchemaAndValue`.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum<'a> {
    /// What Connect would hold as schema; `None` is schemaless.
    pub schema: Option<SchemaRef>,
    /// The value.
    pub payload: Payload<'a>,
}

/// A header after conversion, as transforms see it and header files hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Its key; a record may have several headers of one key.
    pub key: String,
    /// What Connect would hold as schema.
    pub schema: Option<SchemaRef>,
    /// Its value; [`Value::Null`] for a header without one.
    pub value: Value,
}

impl Datum<'_> {
    /// A schemaless null.
    pub const NULL: Self = Datum {
        schema: None,
        payload: Payload::Null,
    };

    /// The value as a tree, taken out; null is left in its place.
    pub fn take(&mut self) -> Value {
        std::mem::replace(&mut self.payload, Payload::Null).into_value()
    }

    /// Puts a schema and a value in.
    pub fn put(&mut self, schema: Option<SchemaRef>, value: Value) {
        self.schema = schema;
        self.payload = value.into();
    }
}

/// A converted value, as a tree only where something needs one.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload<'a> {
    /// Null: a tombstone, an empty or blank JSON text, JSON's `null`.
    Null,
    /// One schemaless JSON value: validated, without insignificant whitespace, in one line.
    Json(&'a [u8]),
    /// Text of the string converter.
    Text(Cow<'a, str>),
    /// Bytes of the byte array converter.
    Bytes(&'a [u8]),
    /// Connect's data model. Never [`Value::Null`]; that is [`Payload::Null`].
    Tree(Value),
}

impl Payload<'_> {
    /// Whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value as a tree.
    pub fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Json(text) => crate::convert::parse_json(text),
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Self::Tree(value) => value,
        }
    }

    /// The Java class Connect's value would have, as error texts name it.
    pub fn java_class(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Text(_) => "java.lang.String",
            Self::Bytes(_) => "[B",
            Self::Tree(value) => value.java_class(),
            Self::Json(text) => match text.first() {
                Some(b'{') => "java.util.HashMap",
                Some(b'[') => "java.util.ArrayList",
                Some(b'"') => "java.lang.String",
                Some(b't' | b'f') => "java.lang.Boolean",
                _ if text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => {
                    "java.lang.Double"
                }
                _ => "java.lang.Long",
            },
        }
    }
}

impl From<Value> for Payload<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            value => Self::Tree(value),
        }
    }
}

/// A record ready to be written.
#[derive(Clone, Debug)]
pub struct SinkRecord<'a> {
    /// Topic as the transforms left it: it names the object's folder and file.
    pub topic: Cow<'a, str>,
    /// Topic it was read from: open files, offsets and commits go by it.
    pub source_topic: &'a str,
    /// Partition it was read from.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp in milliseconds of the epoch.
    pub timestamp: Option<i64>,
    /// Its key. Null when nothing reads it: no key file, no transform.
    pub key: Datum<'a>,
    /// Its value.
    pub value: Datum<'a>,
    /// Its headers in order. Empty also when nothing reads them: no header file, no transform.
    pub headers: Vec<Header>,
    /// Its time as the partitioner's timestamp extractor has it, in milliseconds of the epoch.
    pub time: Option<i64>,
    /// What the partitioner made of it (`partition=0`).
    pub encoded_partition: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_of_a_raw_json_value_is_that_of_its_tree() {
        for (text, class) in [
            ("{}", "java.util.HashMap"),
            ("[]", "java.util.ArrayList"),
            ("\"s\"", "java.lang.String"),
            ("true", "java.lang.Boolean"),
            ("1", "java.lang.Long"),
            ("-1.0", "java.lang.Double"),
            ("1e3", "java.lang.Double"),
        ] {
            assert_eq!(Payload::Json(text.as_bytes()).java_class(), class, "{text}");
        }
    }

    #[test]
    fn debug_shows_sizes_and_no_content() {
        let headers = vec![RawHeader {
            key: "h",
            value: Some(b"secret"),
        }];
        let record = RawRecord {
            topic: "t",
            partition: 1,
            offset: 2,
            timestamp: None,
            key: Some(b"secret"),
            value: None,
            headers: Some(&headers),
        };
        let text = format!("{record:?}");
        assert!(
            text.contains("key_bytes: Some(6)")
                && text.contains("headers: 1")
                && !text.contains("secret"),
            "{text}"
        );
    }
}
