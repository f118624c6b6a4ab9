//! Confluent's `JsonSchemaConverter`: magic byte, schema id, JSON text → Connect data.
//!
//! In: framed JSON, and the registry's schema of its id. Out: a tree under the translated schema; members that the schema
//! does not name are left out, those that are missing are null. What fails: the registry, a text that is no JSON,
//! containers of the wrong kind.
//!
//! | module | what it is |
//! |---|---|
//! | [`translate`] | JSON Schema → Connect schema |
//! | [`order`] | the order of a STRUCT's fields |
//! | [`read`] | JSON → value |

mod order;
mod read;
#[cfg(test)]
mod tests;
mod translate;

use std::sync::Arc;

use sluiceway_schemas::{Parsed, Schema, SchemaType};

use super::Converter;
use super::json::{jackson, node};
use super::registry::{Client, Translated, header};
use crate::config::JsonSchemaConverterConfig;
use crate::error::{Exception, RecordError, Stage};
use crate::record::{Datum, Payload};

use translate::Translation;

const CLASS: &str = "io.confluent.connect.json.JsonSchemaConverter";

pub(super) struct JsonSchemaConverter {
    client: Client,
    config: JsonSchemaConverterConfig,
    stage: Stage,
    schemas: Translated<Known>,
}

/// A registered schema with what was made of it.
struct Known {
    schema: Arc<Schema>,
    translation: Translation,
}

impl JsonSchemaConverter {
    /// # Errors
    /// `schema.registry.url` is missing, or another setting of the registry cannot be used.
    pub(super) fn new(config: &JsonSchemaConverterConfig, stage: Stage) -> Result<Self, Exception> {
        Ok(Self {
            client: Client::new(&config.common, stage, SchemaType::Json)?,
            config: config.clone(),
            stage,
            schemas: Translated::new(config.common.cache_size),
        })
    }

    fn known(&mut self, topic: &str, id: u32) -> Result<Arc<Known>, Exception> {
        if let Some(known) = self.schemas.get(topic, id) {
            return Ok(Arc::clone(known));
        }
        let (schema, version) = self
            .client
            .schema(topic, id)
            .map_err(|cause| failed(topic, cause))?;
        let Parsed::Json(json) = schema.parsed() else {
            return Err(Exception::data("not a JSON Schema"));
        };
        let translation = translate::translate(json, version, &self.config)?;
        let known = Arc::new(Known {
            schema: Arc::clone(&schema),
            translation,
        });
        self.schemas.insert(topic, id, Arc::clone(&known));
        Ok(known)
    }

    fn datum(&mut self, topic: &str, bytes: &[u8]) -> Result<Datum<'static>, Exception> {
        let (id, body) = header(bytes)
            .and_then(|inner| inner)
            .map_err(|cause| failed(topic, self.client.unreadable(-1, cause)))?;
        let known = self.known(topic, id)?;
        let bad = |cause| failed(topic, self.client.unreadable(i64::from(id), cause));
        if self.config.fail_invalid_schema {
            validate(&known.schema, body).map_err(bad)?;
        }
        let node = node::parse(body, 0).map_err(|error| bad(no_json(&error)))?;
        let value = read::root(&known.translation, node)?;
        Ok(Datum {
            schema: Some(Arc::clone(&known.translation.schema)),
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
fn no_json(error: &sluiceway_common::json::JsonError) -> Exception {
    let mut exception = jackson(error);
    exception.message = exception.message.replace(
        "JSON String, Number, Array",
        "JSON String, Number (or 'NaN'/'+INF'/'-INF'), Array",
    );
    exception
}

fn failed(topic: &str, cause: Exception) -> Exception {
    Exception::data(format!(
        "Converting byte[] to Kafka Connect data failed due to serialization error of topic {topic}: "
    ))
    .caused_by(cause)
}

impl Converter for JsonSchemaConverter {
    fn class(&self) -> &'static str {
        CLASS
    }

    fn convert<'a>(
        &'a mut self,
        topic: &str,
        bytes: Option<&'a [u8]>,
    ) -> Result<Datum<'a>, RecordError> {
        let Some(bytes) = bytes else {
            return Ok(Datum::NULL);
        };
        let stage = self.stage;
        self.datum(topic, bytes)
            .map_err(|exception| RecordError::new(stage, CLASS, exception))
    }

    fn check(&mut self, topic: &str, bytes: Option<&[u8]>) -> Result<(), RecordError> {
        self.convert(topic, bytes).map(drop)
    }
}
