//! Embedded formats: how the JSON of a key or value becomes the bytes in Kafka.
//!
//! ```text
//! Envelope (minified JSON) ──▶ Serializer: json as it is │ binary from base64 │ schema formats ──▶ Batch (bytes)
//! ```
//!
//! All records of a request are serialized before the first is sent, so a bad one fails the request as a whole.

pub mod binary;
pub mod deserialize;
pub mod registered;
pub mod schema;
pub mod string;

use thiserror::Error;

use crate::envelope::extras::{self, Extras, Indexed};
use crate::envelope::{Envelope, Record, Span};
use crate::media::MediaType;

/// The formats a request can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Bytes, written in JSON as base64.
    Binary,
    /// Any JSON, stored as such.
    Json,
    /// Avro with a registered schema.
    Avro,
    /// JSON with a registered JSON Schema.
    JsonSchema,
    /// Protobuf with a registered schema.
    Protobuf,
    /// Text (v3 only).
    String,
}

impl Format {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Binary,
        Self::Json,
        Self::Avro,
        Self::JsonSchema,
        Self::Protobuf,
        Self::String,
    ];

    /// The format that a produce request's media type selects.
    #[must_use]
    pub fn of_media(media: MediaType) -> Option<Self> {
        Some(match media {
            MediaType::V2Binary | MediaType::V1Binary => Self::Binary,
            // Only where older clients are served: what they did not name was binary.
            MediaType::V1 | MediaType::Unversioned | MediaType::Json | MediaType::Bytes => {
                Self::Binary
            }
            MediaType::V2Json | MediaType::V1Json => Self::Json,
            MediaType::V2Avro | MediaType::V1Avro => Self::Avro,
            MediaType::V2JsonSchema => Self::JsonSchema,
            MediaType::V2Protobuf => Self::Protobuf,
            MediaType::V2 => return None,
        })
    }

    /// The format of this name, in upper or lower case, as consumers are created with.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name))
    }

    /// Its name, as in metrics and consumer requests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Json => "json",
            Self::Avro => "avro",
            Self::JsonSchema => "jsonschema",
            Self::Protobuf => "protobuf",
            Self::String => "string",
        }
    }

    /// The original's name of the operation that produces in it, which its errors show.
    #[must_use]
    pub fn produce_method(self) -> &'static str {
        match self {
            Self::Binary => "produceBinary",
            Self::Json => "produceJson",
            Self::Avro => "produceAvro",
            Self::JsonSchema => "produceJsonSchema",
            Self::Protobuf => "produceProtobuf",
            Self::String => "produceString",
        }
    }

    /// Whether keys and values need a schema.
    #[must_use]
    pub fn requires_schema(self) -> bool {
        matches!(self, Self::Avro | Self::JsonSchema | Self::Protobuf)
    }
}

/// Which part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// Why a key or value cannot be written in its format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Bad Request: {0}")]
pub struct SerializeError(pub String);

/// Longest piece of the offending JSON that an error repeats, in bytes.
const QUOTED_BYTES: usize = 1024;

/// The offending JSON as an error repeats it.
fn quoted(json: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&json[..json.len().min(QUOTED_BYTES)]);
    let cut = if json.len() > QUOTED_BYTES { "..." } else { "" };
    format!("{shown}{cut}")
}

/// What became of a key or value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Bytes were appended (perhaps none: an empty value is not a null one).
    Bytes,
    /// A null key or value.
    Null,
}

/// Turns the JSON of a key or value into the bytes that Kafka stores.
pub trait Serializer: Send + Sync {
    /// Appends the bytes for `json` (minified; `None` is absent or `null`) to `out`.
    ///
    /// # Errors
    /// When the JSON does not fit the format. `out` may then hold a part.
    fn serialize(
        &self,
        side: Side,
        json: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<Written, SerializeError>;
}

/// Serialized records: spans of one buffer.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// All keys and values.
    pub bytes: Vec<u8>,
    /// The records, in order.
    pub records: Vec<Record>,
    /// Headers and times of those records that have them, by index, in order.
    pub extras: Vec<Indexed>,
}

impl Batch {
    /// The records of an envelope whose JSON is what Kafka stores.
    #[must_use]
    pub fn of_json(envelope: Envelope) -> Self {
        Self {
            bytes: envelope.json,
            records: envelope.records,
            extras: envelope.extras,
        }
    }

    /// The records of an envelope, key and value each passed through `serializer`.
    ///
    /// # Errors
    /// The first key or value that does not fit.
    pub fn serialize(
        envelope: &Envelope,
        serializer: &dyn Serializer,
    ) -> Result<Self, SerializeError> {
        let mut bytes = Vec::with_capacity(envelope.json.len());
        let mut write = |side, span: Option<Span>| {
            let start = bytes.len();
            let json = span.map(|span| span.of(&envelope.json));
            let written = serializer.serialize(side, json, &mut bytes)?;
            Ok((written == Written::Bytes).then(|| Span::since(start, &bytes)))
        };
        let records = envelope.records.iter().map(|record| {
            Ok(Record {
                key: write(Side::Key, record.key)?,
                value: write(Side::Value, record.value)?,
                partition: record.partition,
            })
        });
        let records = records.collect::<Result<_, SerializeError>>()?;
        Ok(Self {
            bytes,
            records,
            extras: envelope.extras.clone(),
        })
    }

    /// Headers and time of the record of this index, if it has them.
    #[must_use]
    pub fn extras(&self, index: usize) -> Option<&Extras> {
        extras::find(&self.extras, index)
    }

    /// The record's key.
    #[must_use]
    pub fn key(&self, record: &Record) -> Option<&[u8]> {
        record.key.map(|span| span.of(&self.bytes))
    }

    /// The record's value.
    #[must_use]
    pub fn value(&self, record: &Record) -> Option<&[u8]> {
        record.value.map(|span| span.of(&self.bytes))
    }
}
