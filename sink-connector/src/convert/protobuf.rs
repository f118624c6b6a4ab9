//! Confluent's `ProtobufConverter`: magic byte, schema id, message indexes, message → Connect data.
//!
//! In: framed bytes, and the registry's schema of their id. Out: a STRUCT, members of oneofs in a STRUCT of their own
//! before the other fields; of a wrapper message, what it holds. What fails: the registry, bytes that are no message.
//!
//! | module | what it is |
//! |---|---|
//! | [`translate`] | message type → Connect schema |
//! | [`entry`] | which fields are maps |
//! | [`map_name`] | what the schema of a map is called |
//! | [`read`] | message → value |
//! | [`known`] | messages with a type of their own in Connect |
//! | [`refused`] | what is said of bytes that are no message |

mod entry;
mod known;
mod map_name;
mod read;
mod refused;
#[cfg(test)]
mod tests;
mod translate;

use std::sync::Arc;

use parking_lot::Mutex;
use sluiceway_schemas::{Parsed, Schema, SchemaType, wire};

use super::schema_converter::{Language, ReadError, SchemaConverter};
use crate::config::ProtobufConverterConfig;
use crate::error::{Exception, Stage};
use crate::record::{Datum, Payload};

use translate::Translation;

/// Confluent's `ProtobufConverter`.
pub(super) type ProtobufConverter = SchemaConverter<Protobuf>;

/// Protobuf with the converter's options.
pub(super) struct Protobuf(ProtobufConverterConfig);

impl ProtobufConverter {
    /// # Errors
    /// `schema.registry.url` is missing, or another setting of the registry cannot be used.
    pub(super) fn new(config: &ProtobufConverterConfig, stage: Stage) -> Result<Self, Exception> {
        Self::of(Protobuf(config.clone()), &config.common, stage)
    }
}

/// The messages of a file, by their indexes, translated as they come.
pub(super) struct Messages {
    version: Option<i32>,
    translated: Mutex<Vec<(Vec<usize>, Arc<Translation>)>>,
}

impl Language for Protobuf {
    const CLASS: &'static str = "io.confluent.connect.protobuf.ProtobufConverter";
    const TYPE: SchemaType = SchemaType::Protobuf;
    type Translation = Messages;

    fn failed(topic: &str, cause: Exception) -> Exception {
        Exception::data(format!(
            "Failed to deserialize data for topic {topic} to Protobuf: "
        ))
        .caused_by(cause)
    }

    fn translate(&self, _: &Schema, version: Option<i32>) -> Result<Messages, Exception> {
        Ok(Messages {
            version,
            translated: Mutex::default(),
        })
    }

    fn read(
        &self,
        schema: &Schema,
        messages: &Messages,
        body: &[u8],
    ) -> Result<Datum<'static>, ReadError> {
        let (indexes, body) =
            wire::parse_indexes(body).map_err(|error| ReadError::Body(refused::indexes(error)))?;
        let translation = self.translation(schema, messages, &indexes)?;
        let message = translation
            .decode(body)
            .map_err(|text| ReadError::Body(refused::message(&text)))?;
        let value = read::root(&translation, &message)?;
        Ok(Datum {
            schema: Some(Arc::clone(&translation.schema)),
            payload: Payload::from(value),
        })
    }
}

impl Protobuf {
    /// The translation of the message at `indexes`.
    fn translation(
        &self,
        schema: &Schema,
        messages: &Messages,
        indexes: &[usize],
    ) -> Result<Arc<Translation>, ReadError> {
        let mut translated = messages.translated.lock();
        if let Some((_, found)) = translated.iter().find(|(own, _)| own == indexes) {
            return Ok(Arc::clone(found));
        }
        let Parsed::Protobuf(file) = schema.parsed() else {
            return Err(Exception::data("not a Protobuf schema").into());
        };
        let message = file.message_at(indexes).ok_or_else(|| {
            let text = format!("Invalid message indexes: {indexes:?}");
            ReadError::Body(refused::no_message(&text))
        })?;
        let made = translate::translate(file, &message, messages.version, &self.0)?;
        let made = Arc::new(made);
        translated.push((indexes.to_vec(), Arc::clone(&made)));
        Ok(made)
    }
}
