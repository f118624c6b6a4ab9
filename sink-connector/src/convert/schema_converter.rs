//! A converter of data whose schemas lie in a registry, whatever language they are written in.
//!
//! In: magic byte, schema id, and a body in the language's encoding ([`Language`]). Out: a tree under the translated
//! schema. Fails when the registry does not tell the schema, when Connect cannot express it, and when the bytes are no
//! datum of it.

use std::sync::Arc;

use sluiceway_schemas::{Schema, SchemaType};

use super::Converter;
use super::registry::{Client, Translated, header};
use crate::config::RegistryConverter;
use crate::error::{Exception, RecordError, Stage};
use crate::record::Datum;

/// A schema language: how its schemas and its bytes become Connect's.
pub(super) trait Language: Send {
    /// Java class of the converter.
    const CLASS: &'static str;
    /// What the registry calls the language.
    const TYPE: SchemaType;
    /// What is made of a schema.
    type Translation: Send + Sync;

    /// What Connect's exception of a datum says, with what lies beneath.
    fn failed(topic: &str, cause: Exception) -> Exception;

    /// Translates a schema, which has `version` in the topic's subject.
    ///
    /// # Errors
    /// Connect cannot express it.
    fn translate(
        &self,
        schema: &Schema,
        version: Option<i32>,
    ) -> Result<Self::Translation, Exception>;

    /// Reads a body of a translated schema.
    ///
    /// # Errors
    /// See [`ReadError`].
    fn read(
        &self,
        schema: &Schema,
        translation: &Self::Translation,
        body: &[u8],
    ) -> Result<Datum<'static>, ReadError>;

    /// Splits the schema's id off.
    ///
    /// # Errors
    /// The bytes have no such beginning.
    fn head<'b>(
        client: &Client,
        topic: &str,
        bytes: &'b [u8],
    ) -> Result<(u32, &'b [u8]), Exception> {
        header(bytes)
            .and_then(|inner| inner)
            .map_err(|cause| Self::failed(topic, client.unreadable(-1, cause)))
    }

    /// What a datum that is null does, if it does anything; it ends the task.
    fn refuses_null() -> Option<Exception> {
        None
    }
}

/// Why a body cannot be read.
pub(super) enum ReadError {
    /// It is none of the schema: beneath the deserializer's exception.
    Body(Exception),
    /// It is none of Connect's: shown as it is.
    Datum(Exception),
}

impl From<Exception> for ReadError {
    fn from(exception: Exception) -> Self {
        Self::Datum(exception)
    }
}

/// A registered schema with what was made of it.
struct Known<T> {
    schema: Arc<Schema>,
    translation: T,
}

/// Confluent's converter of one language.
pub(super) struct SchemaConverter<L: Language> {
    language: L,
    client: Client,
    stage: Stage,
    schemas: Translated<Known<L::Translation>>,
}

impl<L: Language> SchemaConverter<L> {
    /// A converter for keys or values, as `stage` says.
    ///
    /// # Errors
    /// `schema.registry.url` is missing, or another setting of the registry cannot be used.
    pub(super) fn of(
        language: L,
        config: &RegistryConverter,
        stage: Stage,
    ) -> Result<Self, Exception> {
        Ok(Self {
            language,
            client: Client::new(config, stage, L::TYPE)?,
            stage,
            schemas: Translated::new(config.cache_size),
        })
    }

    /// Makes a schema known without a registry.
    ///
    /// # Errors
    /// As [`Language::translate`].
    #[cfg(test)]
    pub(super) fn learn(
        &mut self,
        topic: &str,
        id: u32,
        schema: Arc<Schema>,
    ) -> Result<(), Exception> {
        let translation = self.language.translate(&schema, Some(1))?;
        let known = Known {
            schema,
            translation,
        };
        self.schemas.insert(topic, id, Arc::new(known));
        Ok(())
    }

    fn known(&mut self, topic: &str, id: u32) -> Result<Arc<Known<L::Translation>>, Exception> {
        if let Some(known) = self.schemas.get(topic, id) {
            return Ok(Arc::clone(known));
        }
        let (schema, version) = self
            .client
            .schema(topic, id)
            .map_err(|cause| L::failed(topic, cause))?;
        let translation = self.language.translate(&schema, version)?;
        let known = Arc::new(Known {
            schema,
            translation,
        });
        self.schemas.insert(topic, id, Arc::clone(&known));
        Ok(known)
    }

    fn datum(&mut self, topic: &str, bytes: &[u8]) -> Result<Datum<'static>, Exception> {
        let (id, body) = L::head(&self.client, topic, bytes)?;
        let known = self.known(topic, id)?;
        let read = self.language.read(&known.schema, &known.translation, body);
        read.map_err(|error| match error {
            ReadError::Body(cause) => {
                L::failed(topic, self.client.unreadable(i64::from(id), cause))
            }
            ReadError::Datum(exception) => exception,
        })
    }
}

impl<L: Language> Converter for SchemaConverter<L> {
    fn class(&self) -> &'static str {
        L::CLASS
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
            .map_err(|exception| RecordError::new(stage, L::CLASS, exception))?;
        match L::refuses_null().filter(|_| datum.payload.is_null()) {
            Some(exception) => Err(RecordError {
                reportable: false,
                ..RecordError::new(stage, L::CLASS, exception)
            }),
            None => Ok(datum),
        }
    }

    fn check(&mut self, topic: &str, bytes: Option<&[u8]>) -> Result<(), RecordError> {
        self.convert(topic, bytes).map(drop)
    }
}
