//! Confluent's `ProtobufConverter`: magic byte, schema id, message indexes, message → Connect data.
//!
//! In: framed bytes, and the registry's schema of their id. Out: a STRUCT, members of oneofs in a STRUCT of their own
//! before the other fields. What fails: the registry, bytes that are no message.
//!
//! | module | what it is |
//! |---|---|
//! | [`translate`] | message type → Connect schema |
//! | [`read`] | message → value |

mod read;
#[cfg(test)]
mod tests;
mod translate;

use std::sync::Arc;

use sluiceway_schemas::{Parsed, SchemaType, wire};

use super::Converter;
use super::registry::{Client, Translated, header};
use crate::config::ProtobufConverterConfig;
use crate::error::{Exception, RecordError, Stage};
use crate::record::{Datum, Payload};

use translate::Translation;

const CLASS: &str = "io.confluent.connect.protobuf.ProtobufConverter";
const INVALID: &str = "com.google.protobuf.InvalidProtocolBufferException";

pub(super) struct ProtobufConverter {
    client: Client,
    config: ProtobufConverterConfig,
    stage: Stage,
    schemas: Translated<Known>,
}

/// A registered file; its messages are translated as they come.
struct Known {
    messages: Vec<(Vec<usize>, Arc<Translation>)>,
    file: Arc<sluiceway_schemas::Schema>,
    version: Option<i32>,
}

impl ProtobufConverter {
    /// # Errors
    /// `schema.registry.url` is missing, or another setting of the registry cannot be used.
    pub(super) fn new(config: &ProtobufConverterConfig, stage: Stage) -> Result<Self, Exception> {
        Ok(Self {
            client: Client::new(&config.common, stage, SchemaType::Protobuf)?,
            config: config.clone(),
            stage,
            schemas: Translated::new(config.common.cache_size),
        })
    }

    fn known(&mut self, topic: &str, id: u32) -> Result<Arc<Known>, Exception> {
        if let Some(known) = self.schemas.get(topic, id) {
            return Ok(Arc::clone(known));
        }
        let (file, version) = self
            .client
            .schema(topic, id)
            .map_err(|cause| failed(topic, cause))?;
        let known = Arc::new(Known {
            messages: Vec::new(),
            file,
            version,
        });
        self.schemas.insert(topic, id, Arc::clone(&known));
        Ok(known)
    }

    /// The translation of the message at `indexes`.
    fn translation(
        &mut self,
        topic: &str,
        id: u32,
        indexes: &[usize],
    ) -> Result<Arc<Translation>, Exception> {
        let known = self.known(topic, id)?;
        if let Some((_, found)) = known.messages.iter().find(|(own, _)| own == indexes) {
            return Ok(Arc::clone(found));
        }
        let Parsed::Protobuf(file) = known.file.parsed() else {
            return Err(Exception::data("not a Protobuf schema"));
        };
        let message = file.message_at(indexes).ok_or_else(|| {
            let cause = Exception::new(INVALID, format!("Invalid message indexes: {indexes:?}"));
            failed(topic, self.client.unreadable(i64::from(id), cause))
        })?;
        let translation = translate::translate(file, &message, known.version, &self.config)?;
        let translation = Arc::new(translation);
        let mut messages = known.messages.clone();
        messages.push((indexes.to_vec(), Arc::clone(&translation)));
        let renewed = Known {
            messages,
            file: Arc::clone(&known.file),
            version: known.version,
        };
        self.schemas.insert(topic, id, Arc::new(renewed));
        Ok(translation)
    }

    fn datum(&mut self, topic: &str, bytes: &[u8]) -> Result<Datum<'static>, Exception> {
        let (id, body) = header(bytes)
            .and_then(|inner| inner)
            .map_err(|cause| failed(topic, self.client.unreadable(-1, cause)))?;
        // The schema is asked for first: an unknown id is told before a body that cannot be read.
        self.known(topic, id)?;
        let (indexes, body) = wire::parse_indexes(body).map_err(|error| {
            let cause = Exception::new(INVALID, error.to_string());
            failed(topic, self.client.unreadable(i64::from(id), cause))
        })?;
        let translation = self.translation(topic, id, &indexes)?;
        let message = translation.decode(body).map_err(|error| {
            let cause = Exception::new(INVALID, error);
            failed(topic, self.client.unreadable(i64::from(id), cause))
        })?;
        let value = read::root(&translation, &message)?;
        Ok(Datum {
            schema: Some(Arc::clone(&translation.schema)),
            payload: Payload::from(value),
        })
    }
}

fn failed(topic: &str, cause: Exception) -> Exception {
    Exception::data(format!(
        "Failed to deserialize data for topic {topic} to Protobuf: "
    ))
    .caused_by(cause)
}

impl Converter for ProtobufConverter {
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
