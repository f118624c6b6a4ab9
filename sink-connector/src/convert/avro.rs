//! Confluent's `AvroConverter`: magic byte, schema id, Avro binary → Connect data.
//!
//! In: framed bytes, and the registry's schema of their id. Out: a tree under the translated schema, whose version is the
//! one in the topic's subject. What fails: the registry, bytes that are no datum, schemas that Connect cannot express.
//!
//! | module | what it is |
//! |---|---|
//! | [`translate`] | Avro schema → Connect schema |
//! | [`annotations`] | name, version, documentation, parameters of a type |
//! | [`simple`] | logical types and narrower integers |
//! | [`default`] | a field's default → value |
//! | [`read`] | binary → value |

mod annotations;
mod default;
mod read;
mod simple;
#[cfg(test)]
mod tests;
mod translate;

use std::sync::Arc;

use sluiceway_schemas::{Parsed, Schema, SchemaType};

use super::registry::{Client, bad_data, header};
use super::schema_converter::{Language, ReadError, SchemaConverter};
use crate::config::AvroConverterConfig;
use crate::error::{Exception, Stage};
use crate::record::{Datum, Payload};

use translate::Translation;

/// Confluent's `AvroConverter`.
pub(super) type AvroConverter = SchemaConverter<Avro>;

/// Avro with the converter's options.
pub(super) struct Avro(AvroConverterConfig);

impl AvroConverter {
    /// # Errors
    /// `schema.registry.url` is missing, or another setting of the registry cannot be used.
    pub(super) fn new(config: &AvroConverterConfig, stage: Stage) -> Result<Self, Exception> {
        Self::of(Avro(config.clone()), &config.common, stage)
    }
}

impl Language for Avro {
    const CLASS: &'static str = "io.confluent.connect.avro.AvroConverter";
    const TYPE: SchemaType = SchemaType::Avro;
    type Translation = Translation;

    fn failed(topic: &str, cause: Exception) -> Exception {
        Exception::data(format!(
            "Failed to deserialize data for topic {topic} to Avro: "
        ))
        .caused_by(cause)
    }

    fn translate(&self, schema: &Schema, version: Option<i32>) -> Result<Translation, Exception> {
        translate::translate(parsed(schema)?, version, &self.0)
    }

    fn read(
        &self,
        schema: &Schema,
        translation: &Translation,
        body: &[u8],
    ) -> Result<Datum<'static>, ReadError> {
        let value = read::value(parsed(schema)?, translation, body);
        let value = value.map_err(|error| match error {
            read::ReadError::Data(error) => ReadError::Body(bad_data(&error)),
            read::ReadError::Exception(exception) => ReadError::Datum(exception),
        })?;
        Ok(Datum {
            schema: Some(Arc::clone(&translation.schema)),
            payload: Payload::from(value),
        })
    }

    /// Too few bytes are told as they are here.
    fn head<'b>(_: &Client, topic: &str, bytes: &'b [u8]) -> Result<(u32, &'b [u8]), Exception> {
        header(bytes)?.map_err(|cause| Self::failed(topic, cause))
    }

    /// The original's converter answers nothing at all for it, which its worker cannot handle.
    fn refuses_null() -> Option<Exception> {
        Some(Exception::new(
            "java.lang.NullPointerException",
            "Cannot invoke \"org.apache.kafka.connect.data.SchemaAndValue.schema()\" because \"valueAndSchema\" is null",
        ))
    }
}

fn parsed(schema: &Schema) -> Result<&sluiceway_schemas::avro::Schema, Exception> {
    match schema.parsed() {
        Parsed::Avro(avro) => Ok(avro),
        _ => Err(Exception::data("not an Avro schema")),
    }
}
