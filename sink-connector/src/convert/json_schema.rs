//! Confluent's `JsonSchemaConverter`: magic byte, schema id, JSON text → Connect data.
//!
//! In: framed JSON, and the registry's schema of its id. Out: a tree under the translated schema; members that the schema
//! does not name are left out, those that are missing are null. What fails: the registry, a text that is no JSON,
//! containers of the wrong kind.
//!
//! | module | what it is |
//! |---|---|
//! | [`translate`] | JSON Schema → Connect schema |
//! | [`beside`] | keywords that stand side by side |
//! | [`decorate`] | title, version, description, default |
//! | [`order`] | the order of a STRUCT's fields |
//! | [`read`] | JSON → value |

mod beside;
mod decorate;
mod order;
mod read;
#[cfg(test)]
mod tests;
mod translate;

use std::sync::Arc;

use sluiceway_common::json::{JsonError, JsonErrorKind, Options};
use sluiceway_schemas::{Parsed, Schema, SchemaType};

use super::json::{jackson, node};
use super::schema_converter::{Language, ReadError, SchemaConverter};
use crate::config::JsonSchemaConverterConfig;
use crate::error::{Exception, Stage};
use crate::record::{Datum, Payload};

use translate::Translation;

/// Confluent's `JsonSchemaConverter`.
pub(super) type JsonSchemaConverter = SchemaConverter<JsonSchema>;

/// JSON Schema with the converter's options.
pub(super) struct JsonSchema(JsonSchemaConverterConfig);

impl JsonSchemaConverter {
    /// # Errors
    /// `schema.registry.url` is missing, or another setting of the registry cannot be used.
    pub(super) fn new(config: &JsonSchemaConverterConfig, stage: Stage) -> Result<Self, Exception> {
        Self::of(JsonSchema(config.clone()), &config.common, stage)
    }
}

impl Language for JsonSchema {
    const CLASS: &'static str = "io.confluent.connect.json.JsonSchemaConverter";
    const TYPE: SchemaType = SchemaType::Json;
    type Translation = Translation;

    fn failed(topic: &str, cause: Exception) -> Exception {
        Exception::data(format!(
            "Converting byte[] to Kafka Connect data failed due to serialization error of topic {topic}: "
        ))
        .caused_by(cause)
    }

    fn translate(&self, schema: &Schema, version: Option<i32>) -> Result<Translation, Exception> {
        match schema.parsed() {
            Parsed::Json(json) => translate::translate(json, version, &self.0),
            _ => Err(Exception::data("not a JSON Schema")),
        }
    }

    fn read(
        &self,
        schema: &Schema,
        translation: &Translation,
        body: &[u8],
    ) -> Result<Datum<'static>, ReadError> {
        if self.0.fail_invalid_schema {
            validate(schema, body).map_err(ReadError::Body)?;
        }
        let node = node::parse_as(body, 0, &Options::NON_NUMBERS)
            .map_err(|error| ReadError::Body(no_json(&error, body)))?;
        let value = read::root(translation, node)?;
        Ok(Datum {
            schema: Some(Arc::clone(&translation.schema)),
            payload: Payload::from(value),
        })
    }
}

fn validate(schema: &Schema, body: &[u8]) -> Result<(), Exception> {
    schema
        .parsed()
        .json_to_binary(body, &mut Vec::new())
        .map_err(|error| {
            Exception::new(
                "org.everit.json.schema.ValidationException",
                error.to_string(),
            )
        })
}

/// This deserializer's JSON library also takes NaN and infinities, and says so.
fn no_json(error: &JsonError, body: &[u8]) -> Exception {
    let followed = match &error.kind {
        JsonErrorKind::UnrecognizedToken(word) => error.offset + word.len() < body.len(),
        _ => false,
    };
    let mut exception = jackson(error, followed);
    exception.message = exception.message.replace(
        "JSON String, Number, Array",
        "JSON String, Number (or 'NaN'/'+INF'/'-INF'), Array",
    );
    exception
}
