//! What the three converters with a Schema Registry share: asking for schemas on the task's thread, and the exceptions
//! that Connect shows when that fails.

use std::collections::HashMap;
use std::sync::Arc;

use sluiceway_schemas::wire::{self, WireError};
use sluiceway_schemas::{
    DataError, Registry, RegistryError, Schema, SchemaError, SchemaType, Versions,
};
use tokio::runtime::Handle;

use crate::config::RegistryConverter;
use crate::error::{CONFIG_EXCEPTION, Exception, SERIALIZATION_EXCEPTION, Stage};

const REST_CLIENT: &str =
    "io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException";

/// A registry, asked by one converter.
pub(super) struct Client {
    registry: Registry,
    runtime: Option<Handle>,
    is_key: bool,
    expected: SchemaType,
    strategy: sluiceway_schemas::SubjectNameStrategy,
}

impl Client {
    /// The client of a converter. It blocks on the runtime that the calling thread has entered.
    ///
    /// # Errors
    /// `schema.registry.url` is missing, or another setting cannot be used.
    pub(super) fn new(
        config: &RegistryConverter,
        stage: Stage,
        expected: SchemaType,
    ) -> Result<Self, Exception> {
        let wrong = |problem: &sluiceway_schemas::ConfigProblem| {
            Exception::new(CONFIG_EXCEPTION, problem.to_string())
        };
        let settings = config.registry.as_ref().map_err(wrong)?;
        Ok(Self {
            registry: Registry::new(settings.clone()).map_err(|problem| wrong(&problem))?,
            runtime: Handle::try_current().ok(),
            is_key: stage == Stage::KeyConverter,
            expected,
            strategy: config.subject_name_strategy,
        })
    }

    /// The schema of `id`, and its version in the subject of `topic`; no version when it is registered elsewhere only.
    ///
    /// # Errors
    /// Beneath the exception of the deserializer: the registry's answer, no answer, or a schema of another type.
    pub(super) fn schema(
        &self,
        topic: &str,
        id: u32,
    ) -> Result<(Arc<Schema>, Option<i32>), Exception> {
        let wrapped = |what: &str, cause: Exception| self.not_retrieved(what, id, cause);
        let schema = self
            .block_on(self.registry.schema_by_id(id))
            .map_err(|error| wrapped("", cause(&error)))?;
        if schema.schema_type() != self.expected {
            return Err(wrapped("", wrong_type(&schema)));
        }
        let name = schema.record_name();
        let Some(subject) = self.strategy.subject(topic, self.is_key, name.as_deref()) else {
            return Ok((schema, None));
        };
        let found = self
            .registry
            .look_up(&subject, schema.schema_text(), Versions::All);
        match self.block_on(found) {
            Ok(registered) => Ok((schema, Some(registered.version))),
            Err(error) if error.is_not_found() => Ok((schema, None)),
            Err(error) => Err(wrapped("version ", cause(&error))),
        }
    }

    /// The exception of a schema that cannot be had. Only Avro's deserializer tells key and value apart; the other two
    /// tell what is no answer of the registry as a message that cannot be read.
    fn not_retrieved(&self, what: &str, id: u32, cause: Exception) -> Exception {
        let side = if self.is_key { "key" } else { "value" };
        let kind = self.word();
        let message = match self.expected {
            SchemaType::Avro => format!("Error retrieving {kind} {side} schema {what}for id {id}"),
            _ if cause.class == REST_CLIENT => {
                format!("Error retrieving {kind} schema for id {id}")
            }
            _ => return self.unreadable(i64::from(id), cause),
        };
        Exception::new(SERIALIZATION_EXCEPTION, message).caused_by(cause)
    }

    /// The exception of a datum of `id` that cannot be read.
    pub(super) fn unreadable(&self, id: i64, cause: Exception) -> Exception {
        let message = format!("Error deserializing {} message for id {id}", self.word());
        Exception::new(SERIALIZATION_EXCEPTION, message).caused_by(cause)
    }

    fn word(&self) -> &'static str {
        match self.expected {
            SchemaType::Avro => "Avro",
            SchemaType::Json => "JSON",
            SchemaType::Protobuf => "Protobuf",
        }
    }

    /// Time-outs bound every question, so the thread never waits for ever.
    fn block_on<T>(
        &self,
        question: impl Future<Output = Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(question),
            None => Err(RegistryError::Unreachable {
                url: String::new(),
                reason: "the task has no runtime".to_owned(),
            }),
        }
    }
}

/// Splits magic byte and id off.
///
/// # Errors
/// `Ok(Err(_))` is the exception beneath the deserializer's, `Err(_)` one that Connect shows as it is.
pub(super) fn header(bytes: &[u8]) -> Result<Result<(u32, &[u8]), Exception>, Exception> {
    match wire::parse(bytes) {
        Ok(found) => Ok(Ok(found)),
        Err(WireError::TooShort(_)) => Err(Exception::new("java.nio.BufferUnderflowException", "")),
        Err(error) => Ok(Err(Exception::new(
            SERIALIZATION_EXCEPTION,
            error.to_string(),
        ))),
    }
}

/// The Java exception for what the registry's client says.
fn cause(error: &RegistryError) -> Exception {
    match error {
        RegistryError::Response { .. } => Exception::new(REST_CLIENT, error.to_string()),
        RegistryError::Unreachable { reason, .. } => {
            Exception::new("java.net.ConnectException", reason.clone())
        }
        RegistryError::TimedOut { .. } => {
            Exception::new("java.net.SocketTimeoutException", "Read timed out")
        }
        RegistryError::Schema(SchemaError::MissingReference { .. }) => {
            Exception::new("java.lang.IllegalStateException", error.to_string())
        }
        RegistryError::BadAnswer { .. } | RegistryError::Schema(_) => {
            Exception::new("java.io.IOException", error.to_string())
        }
    }
}

fn wrong_type(schema: &Schema) -> Exception {
    let references: Vec<_> = schema
        .references()
        .iter()
        .map(|of| {
            format!(
                "{{name='{}', subject='{}', version={}}}",
                of.name, of.subject, of.version
            )
        })
        .collect();
    Exception::new(
        "java.io.IOException",
        format!(
            "Invalid schema {} with refs [{}] of type {}",
            schema.text(),
            references.join(", "),
            schema.schema_type()
        ),
    )
}

/// The Java exception for bytes that are no datum of their schema.
pub(super) fn bad_data(error: &DataError) -> Exception {
    match error {
        DataError::UnexpectedEnd => Exception::new("java.io.EOFException", ""),
        DataError::Malformed(text) if text.starts_with("Index ") => {
            Exception::new("java.lang.ArrayIndexOutOfBoundsException", text.clone())
        }
        DataError::TooDeep(_) => Exception::new("java.lang.StackOverflowError", ""),
        other => Exception::new("org.apache.avro.AvroRuntimeException", other.to_string()),
    }
}

/// Translated schemas of one converter, by topic and id.
pub(super) struct Translated<T> {
    by_topic: HashMap<String, HashMap<u32, Arc<T>>>,
    count: usize,
    capacity: usize,
}

impl<T> Translated<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            by_topic: HashMap::new(),
            count: 0,
            capacity,
        }
    }

    pub(super) fn get(&self, topic: &str, id: u32) -> Option<&Arc<T>> {
        self.by_topic.get(topic)?.get(&id)
    }

    /// Keeps `translated`; a full cache is emptied first.
    pub(super) fn insert(&mut self, topic: &str, id: u32, translated: Arc<T>) {
        if self.count >= self.capacity {
            self.by_topic.clear();
            self.count = 0;
        }
        let ids = self.by_topic.entry(topic.to_owned()).or_default();
        if ids.insert(id, translated).is_none() {
            self.count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn headers_that_are_none() {
        assert_eq!(header(&[0, 0, 0, 0, 7, 1]).unwrap().unwrap(), (7, &[1][..]));
        for short in [&b""[..], &[0, 0]] {
            assert_eq!(
                header(short).unwrap_err().class,
                "java.nio.BufferUnderflowException"
            );
        }
        let error = header(b"{}").unwrap().unwrap_err();
        assert_eq!(error.message, "Unknown magic byte!");
    }

    #[test]
    fn the_cache_is_bounded() {
        let mut cache = Translated::new(2);
        for id in 0..3 {
            cache.insert("t", id, Arc::new(id));
        }
        assert!(cache.get("t", 0).is_none());
        assert_eq!(cache.get("t", 2).map(|id| **id), Some(2));
    }
}
