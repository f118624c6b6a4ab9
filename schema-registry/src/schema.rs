//! A schema: type, text, references, and its parsed form.
//!
//! In: what the registry answers or a client sends. Out: [`Schema`], parsed once. What fails: [`SchemaError`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{DataError, SchemaError};
use crate::{avro, json_schema, protobuf};

/// Longest schema text that is parsed, in bytes.
pub const MAX_TEXT: usize = 4 << 20;

/// The kinds of schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SchemaType {
    /// Apache Avro.
    #[default]
    Avro,
    /// JSON Schema.
    Json,
    /// Protocol Buffers.
    Protobuf,
}

impl SchemaType {
    /// The registry's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Json => "JSON",
            Self::Protobuf => "PROTOBUF",
        }
    }

    /// The type of a registry's `schemaType`.
    ///
    /// # Errors
    /// [`SchemaError::UnknownType`].
    pub fn from_name(name: &str) -> Result<Self, SchemaError> {
        match name {
            "AVRO" => Ok(Self::Avro),
            "JSON" => Ok(Self::Json),
            "PROTOBUF" => Ok(Self::Protobuf),
            other => Err(SchemaError::UnknownType(other.to_owned())),
        }
    }
}

impl fmt::Display for SchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A schema that another one uses by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// The name under which it is used: a full name (Avro), a `$ref` (JSON Schema), an import (Protobuf).
    pub name: String,
    /// Subject it is registered under.
    pub subject: String,
    /// Version in that subject.
    pub version: i32,
}

/// A schema as it is registered: nothing parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SchemaText {
    /// Its type.
    pub schema_type: SchemaType,
    /// Its text.
    pub text: String,
    /// The schemas it uses.
    pub references: Vec<Reference>,
}

impl SchemaText {
    /// A schema without references.
    #[must_use]
    pub fn new(schema_type: SchemaType, text: impl Into<String>) -> Self {
        Self {
            schema_type,
            text: text.into(),
            references: Vec::new(),
        }
    }
}

/// A reference with its text, its own references resolved before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The name under which it is used.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The parsed form of a schema.
#[derive(Debug)]
pub enum Parsed {
    /// Avro.
    Avro(avro::Schema),
    /// JSON Schema.
    Json(json_schema::Schema),
    /// Protobuf.
    Protobuf(protobuf::Schema),
}

impl Parsed {
    /// Appends the binary form of the JSON value that is all of `json`: Avro binary; Protobuf message indexes and
    /// message; the JSON text itself, validated. Magic byte and id are the caller's ([`crate::wire::write`]).
    ///
    /// # Errors
    /// When the value does not fit the schema. `out` may then hold a part of it.
    pub fn json_to_binary(&self, json: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
        match self {
            Self::Avro(schema) => schema.json_to_binary(json, out),
            Self::Json(schema) => schema.json_to_binary(json, out),
            Self::Protobuf(schema) => schema.json_to_binary(json, out),
        }
    }

    /// Appends the JSON form of `bytes`, which begin behind magic byte and id (for Protobuf: with the message indexes).
    ///
    /// # Errors
    /// When the bytes are no value of the schema. `out` may then hold a part of it.
    pub fn binary_to_json(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
        match self {
            Self::Avro(schema) => schema.binary_to_json(bytes, out),
            Self::Json(schema) => schema.binary_to_json(bytes, out),
            Self::Protobuf(schema) => schema.binary_to_json(bytes, out),
        }
    }
}

/// A schema, parsed.
#[derive(Debug)]
pub struct Schema {
    text: SchemaText,
    resolved: Vec<Resolved>,
    parsed: Parsed,
}

impl Schema {
    /// Parses `text`; `resolved` are all schemas that it uses, directly or not, each behind those it uses itself.
    ///
    /// # Errors
    /// When the text is no schema of its type, or too large.
    pub fn parse(text: SchemaText, resolved: Vec<Resolved>) -> Result<Self, SchemaError> {
        let size = text.text.len() + resolved.iter().map(|r| r.text.len()).sum::<usize>();
        if size > MAX_TEXT {
            return Err(SchemaError::TooLarge {
                what: "bytes",
                limit: MAX_TEXT,
            });
        }
        let parsed = match text.schema_type {
            SchemaType::Avro => Parsed::Avro(avro::Schema::parse(&text.text, &resolved)?),
            SchemaType::Json => Parsed::Json(json_schema::Schema::parse(&text.text, &resolved)?),
            SchemaType::Protobuf => {
                Parsed::Protobuf(protobuf::Schema::parse(&text.text, &resolved)?)
            }
        };
        Ok(Self {
            text,
            resolved,
            parsed,
        })
    }

    /// Its type.
    #[must_use]
    pub fn schema_type(&self) -> SchemaType {
        self.text.schema_type
    }

    /// Its text, as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text.text
    }

    /// The schemas it names.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.text.references
    }

    /// Type, text and references together, as they are registered.
    #[must_use]
    pub fn schema_text(&self) -> &SchemaText {
        &self.text
    }

    /// All schemas it uses, directly or not.
    #[must_use]
    pub fn resolved(&self) -> &[Resolved] {
        &self.resolved
    }

    /// Its parsed form.
    #[must_use]
    pub fn parsed(&self) -> &Parsed {
        &self.parsed
    }

    /// The name that subject name strategies use: full name (Avro record, Protobuf message), `title` (JSON Schema).
    /// As in the original no other Avro type has one, be it named or not.
    #[must_use]
    pub fn record_name(&self) -> Option<String> {
        match &self.parsed {
            Parsed::Avro(schema) => schema.record_name().map(str::to_owned),
            Parsed::Json(schema) => schema.title().map(str::to_owned),
            Parsed::Protobuf(schema) => Some(schema.message().full_name().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn of_avro_only_records_name_subjects() {
        for (text, name) in [
            (
                r#"{"type":"record","name":"R","namespace":"a","fields":[]}"#,
                Some("a.R"),
            ),
            (r#"{"type":"enum","name":"E","symbols":["A"]}"#, None),
            (r#"{"type":"fixed","name":"F","size":2}"#, None),
            (r#""string""#, None),
        ] {
            let schema = Schema::parse(SchemaText::new(SchemaType::Avro, text), Vec::new());
            assert_eq!(schema.unwrap().record_name().as_deref(), name, "{text}");
        }
    }
}
