//! Confluent's `AvroConverter`: magic byte, schema id, Avro binary → Connect data.
//!
//! In: framed bytes, and the registry's schema of their id. Out: a tree under the translated schema, whose version is the
//! one in the topic's subject. What fails: the registry, bytes that are no datum, schemas that Connect cannot express.
//!
//! | module | what it is |
//! |---|---|
//! | [`translate`] | Avro schema → Connect schema |
//! | [`default`] | a field's default → value |
//! | [`read`] | binary → value |

mod default;
mod read;
#[cfg(test)]
mod tests;
mod translate;

use std::sync::Arc;

use sluiceway_schemas::{Parsed, Schema, SchemaType};

use super::Converter;
use super::registry::{Client, Translated, bad_data, header};
use crate::config::AvroConverterConfig;
use crate::error::{Exception, RecordError, Stage};
use crate::record::{Datum, Payload};

use translate::Translation;

const CLASS: &str = "io.confluent.connect.avro.AvroConverter";

pub(super) struct AvroConverter {
    client: Client,
    config: AvroConverterConfig,
    stage: Stage,
    schemas: Translated<Known>,
}

/// A registered schema with what was made of it.
struct Known {
    schema: Arc<Schema>,
    translation: Translation,
}

impl AvroConverter {
    /// # Errors
    /// `schema.registry.url` is missing, or another setting of the registry cannot be used.
    pub(super) fn new(config: &AvroConverterConfig, stage: Stage) -> Result<Self, Exception> {
        Ok(Self {
            client: Client::new(&config.common, stage, SchemaType::Avro)?,
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
        let Parsed::Avro(avro) = schema.parsed() else {
            return Err(Exception::data("not an Avro schema"));
        };
        let translation = translate::translate(avro, version, &self.config)?;
        let known = Arc::new(Known {
            schema: Arc::clone(&schema),
            translation,
        });
        self.schemas.insert(topic, id, Arc::clone(&known));
        Ok(known)
    }

    fn datum(&mut self, topic: &str, bytes: &[u8]) -> Result<Datum<'static>, Exception> {
        let (id, body) = header(bytes)?.map_err(|cause| failed(topic, cause))?;
        let known = self.known(topic, id)?;
        let Parsed::Avro(avro) = known.schema.parsed() else {
            return Err(Exception::data("not an Avro schema"));
        };
        let value = read::value(avro, &known.translation, body).map_err(|error| match error {
            read::ReadError::Data(error) => failed(
                topic,
                self.client.unreadable(i64::from(id), bad_data(&error)),
            ),
            read::ReadError::Exception(exception) => exception,
        })?;
        Ok(Datum {
            schema: Some(Arc::clone(&known.translation.schema)),
            payload: Payload::from(value),
        })
    }
}

fn failed(topic: &str, cause: Exception) -> Exception {
    Exception::data(format!(
        "Failed to deserialize data for topic {topic} to Avro: "
    ))
    .caused_by(cause)
}

impl Converter for AvroConverter {
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
        let datum = self
            .datum(topic, bytes)
            .map_err(|exception| RecordError::new(stage, CLASS, exception))?;
        if datum.payload.is_null() {
            // The original's converter answers nothing at all for it, which its worker cannot handle.
            let exception = Exception::new(
                "java.lang.NullPointerException",
                "Cannot invoke \"org.apache.kafka.connect.data.SchemaAndValue.schema()\" because \"valueAndSchema\" is null",
            );
            return Err(RecordError {
                reportable: false,
                ..RecordError::new(stage, CLASS, exception)
            });
        }
        Ok(datum)
    }

    fn check(&mut self, topic: &str, bytes: Option<&[u8]>) -> Result<(), RecordError> {
        self.convert(topic, bytes).map(drop)
    }
}
