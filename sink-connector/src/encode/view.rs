//! What of a record a file holds: its value, its key or its headers.
//!
//! In: a record and the file's format. Out: what the encoder is to write, keys and headers wrapped where the format wants
//! a record. Fails as the original does: a missing key, no headers, a header without a value.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use super::Format;
use crate::error::{Exception, RecordError, SCHEMA_BUILDER_EXCEPTION};
use crate::record::{Datum, Header, Payload, SinkRecord};
use crate::value::text::to_text;
use crate::value::{Field, Schema, SchemaRef, Struct, Type, Value};

/// The part of a record that a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// The value: the file that everyone reads.
    Value,
    /// The key (`store.kafka.keys`).
    Key,
    /// The headers (`store.kafka.headers`).
    Headers,
}

/// One header: key and value, both text.
static HEADER: LazyLock<SchemaRef> = LazyLock::new(|| {
    Schema::of(Type::Struct)
        .field("key", Schema::of(Type::String))
        .field("value", Schema::of(Type::String))
        .build()
});

/// A record's headers.
static HEADERS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Schema {
        element: Some(Arc::clone(&HEADER)),
        ..Schema::of(Type::Array)
    }
    .build()
});

impl View {
    /// What stands before the extension in the object's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Value => "",
            Self::Key => ".keys",
            Self::Headers => ".headers",
        }
    }

    /// Whether `record` has what a file of this view holds.
    ///
    /// # Errors
    /// A null key, or no headers.
    pub fn require(self, record: &SinkRecord<'_>) -> Result<(), RecordError> {
        match self {
            Self::Key if record.key.payload.is_null() => Err(missing("Key", record)),
            Self::Headers if record.headers.is_empty() => Err(missing("Headers", record)),
            _ => Ok(()),
        }
    }

    /// What of `record` a file of this view and `format` holds.
    ///
    /// # Errors
    /// As [`View::require`], or a header without a value.
    pub fn of<'r>(
        self,
        record: &'r SinkRecord<'_>,
        format: &dyn Format,
    ) -> Result<Cow<'r, Datum<'r>>, RecordError> {
        self.require(record)?;
        let enclose = format.encloses(self);
        match self {
            Self::Value => Ok(Cow::Borrowed(&record.value)),
            Self::Key if enclose => enclosed_key(&record.key).map(Cow::Owned),
            Self::Key => Ok(Cow::Borrowed(&record.key)),
            Self::Headers => headers(&record.headers, enclose).map(Cow::Owned),
        }
    }
}

#[cold]
fn missing(what: &str, record: &SinkRecord<'_>) -> RecordError {
    let message = format!(
        "{what} cannot be null for SinkRecord: SinkRecord{{kafkaOffset={}, topic='{}', kafkaPartition={}}} ",
        record.offset, record.topic, record.partition
    );
    RecordError::put(Exception::data(message))
}

/// A record `RecordKey` of one field.
fn enclosed_key<'r>(key: &Datum<'r>) -> Result<Datum<'r>, RecordError> {
    let Some(schema) = &key.schema else {
        let message = "fieldSchema for field key cannot be null.";
        return Err(RecordError::put(Exception::new(
            SCHEMA_BUILDER_EXCEPTION,
            message,
        )));
    };
    let value = match &key.payload {
        Payload::Tree(value) => value.clone(),
        Payload::Text(text) => Value::String(text.clone().into_owned()),
        Payload::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        // A schema comes with a tree, text or bytes.
        Payload::Null | Payload::Json(_) => Value::Null,
    };
    Ok(enclosed("RecordKey", "key", Arc::clone(schema), value))
}

fn headers<'r>(headers: &[Header], enclose: bool) -> Result<Datum<'r>, RecordError> {
    let items: Result<Vec<Value>, RecordError> = headers.iter().map(header).collect();
    let (schema, value) = (Arc::clone(&HEADERS), Value::Array(items?));
    Ok(match enclose {
        true => enclosed("RecordHeaders", "headers", schema, value),
        false => Datum {
            schema: Some(schema),
            payload: Payload::Tree(value),
        },
    })
}

fn header(header: &Header) -> Result<Value, RecordError> {
    let Some(text) = to_text(&header.value) else {
        let message = "Invalid value: null used for required field: \"value\", schema type: STRING";
        return Err(RecordError::put(Exception::data(message)));
    };
    Ok(Value::Struct(Struct {
        schema: Arc::clone(&HEADER),
        values: vec![Value::String(header.key.clone()), Value::String(text)],
    }))
}

fn enclosed<'r>(name: &str, field: &str, schema: SchemaRef, value: Value) -> Datum<'r> {
    let schema = Schema {
        fields: vec![Field {
            name: field.to_owned(),
            schema,
        }],
        ..Schema::of(Type::Struct).named(name)
    }
    .build();
    Datum {
        schema: Some(Arc::clone(&schema)),
        payload: Payload::Tree(Value::Struct(Struct {
            schema,
            values: vec![value],
        })),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_record_is_made_of_a_key_without_schema() {
        let key = Datum {
            schema: None,
            payload: Payload::Tree(Value::Map(Vec::new())),
        };
        let error = enclosed_key(&key).unwrap_err();
        assert!(error.reportable);
        assert_eq!(
            error.exception.to_string(),
            "org.apache.kafka.connect.errors.SchemaBuilderException: fieldSchema for field key cannot be null."
        );
    }
}
