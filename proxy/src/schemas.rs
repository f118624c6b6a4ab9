//! The schema of a key or value: found in the registry by id, version or text, registered if it must be.
//!
//! In: what a request says of it. Out: a [`Found`] schema with its subject, id and version. What fails: a
//! [`SchemaFault`], whose texts are the original's with the registry's own behind a line break.

use std::fmt;
use std::sync::Arc;

use sluiceway_schemas::{
    Registered, RegistryError, Schema, SchemaText, SchemaType, SubjectNameStrategy, Versions, wire,
};
use thiserror::Error;

use crate::app::App;
use crate::error::{Code, codes};
use crate::format::{Format, SerializeError, Side};
use crate::produce::RecordError;

/// A schema as the registry knows it.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its subject.
    pub subject: String,
    /// Its id.
    pub id: u32,
    /// Its version in the subject.
    pub version: i32,
    /// The schema.
    pub schema: Arc<Schema>,
}

/// How a request names a schema.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// By its id.
    Id(i32),
    /// By its version in the subject.
    Version(i32),
    /// By its text, in a format.
    Text(Format, &'a str),
    /// The subject's latest version.
    Latest,
}

/// Whose schema it is.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The record's topic.
    pub topic: &'a str,
    /// Key or value.
    pub side: Side,
    /// The subject, if the record names it.
    pub subject: Option<&'a str>,
    /// The strategy, if the record names one.
    pub strategy: Option<SubjectNameStrategy>,
}

/// Why there is no schema.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchemaFault {
    /// No registry.
    #[error("Payload error. Schema Registry must be configured when using schemas.")]
    NotConfigured,
    /// The text is no schema.
    #[error("Invalid schema: {0}")]
    Invalid(String),
    /// The registry has none, refuses, or cannot be asked.
    #[error("Error serializing message. {0}")]
    Registry(String),
    /// The registry forbids it.
    #[error("{0}")]
    Forbidden(String),
    /// What was asked makes no sense.
    #[error("Bad Request: {0}")]
    BadRequest(String),
    /// Keys without a schema.
    #[error("Request includes keys but does not include key schema")]
    KeySchemaMissing,
    /// Values without a schema.
    #[error("Request includes values but does not include value schema")]
    ValueSchemaMissing,
    /// What the original fails inside for: a schema by text and by id, or of another format than the request's.
    #[error("Internal Server Error")]
    Internal,
}

impl SchemaFault {
    /// The code it is answered with.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotConfigured => codes::INVALID_PAYLOAD,
            Self::Invalid(_) => codes::INVALID_SCHEMA,
            Self::Registry(_) => codes::MESSAGE_SERIALIZATION,
            Self::Forbidden(_) => codes::KAFKA_AUTHORIZATION,
            Self::BadRequest(_) => codes::BAD_REQUEST,
            Self::KeySchemaMissing => codes::KEY_SCHEMA_MISSING,
            Self::ValueSchemaMissing => codes::VALUE_SCHEMA_MISSING,
            Self::Internal => codes::INTERNAL,
        }
    }
}

/// In v3 the code stands in the text.
impl From<SchemaFault> for RecordError {
    fn from(fault: SchemaFault) -> Self {
        let code = fault.code();
        if code.status == codes::UNPROCESSABLE.status {
            let text = format!("Error: {} : {fault}", code.number);
            return Self::new(codes::UNPROCESSABLE, text);
        }
        Self::new(code, fault.to_string())
    }
}

/// Finds a schema, and registers one given as text that is not registered yet.
///
/// # Errors
/// See [`SchemaFault`].
pub async fn find(app: &App, place: Place<'_>, asked: Asked<'_>) -> Result<Found, SchemaFault> {
    match asked {
        Asked::Id(id) => by_id(app, place, id).await,
        Asked::Version(version) => by_version(app, place, version).await,
        Asked::Text(format, text) => by_text(app, place, format, text).await,
        Asked::Latest => latest(app, place).await,
    }
}

async fn by_id(app: &App, place: Place<'_>, id: i32) -> Result<Found, SchemaFault> {
    let registry = registry(app)?;
    let told = |error: &dyn fmt::Display| {
        format!("Error when fetching schema by id. schemaId = {id}\n{error}")
    };
    let number = u32::try_from(id).map_err(|_| {
        let unknown = format!("Schema {id} not found; error code: 40403");
        SchemaFault::Registry(told(&unknown))
    })?;
    let schema = registry.schema_by_id(number).await;
    let schema = schema.map_err(|error| refused(&error, told(&error)))?;
    let subject = subject(app, place, &schema)?;
    let version = version(app, &subject, &schema).await?.version;
    Ok(Found {
        subject,
        id: number,
        version,
        schema,
    })
}

async fn version(app: &App, subject: &str, schema: &Schema) -> Result<Registered, SchemaFault> {
    // The schema of an id may be used though its version has been deleted for a while.
    let found = registry(app)?.look_up(subject, schema.schema_text(), Versions::All);
    found.await.map_err(|error| {
        let text = shown(schema);
        let message = format!(
            "Error when fetching schema version. subject = {subject}, schema = {text}\n{error}"
        );
        refused(&error, message)
    })
}

async fn by_version(app: &App, place: Place<'_>, version: i32) -> Result<Found, SchemaFault> {
    let registry = registry(app)?;
    let subject = subject_without_schema(app, place)?;
    let found = registry.by_version(&subject, version).await;
    found.map(Into::into).map_err(|_| {
        SchemaFault::BadRequest(format!(
            "Schema does not exist for subject: {subject}, version: {version}"
        ))
    })
}

async fn latest(app: &App, place: Place<'_>) -> Result<Found, SchemaFault> {
    let registry = registry(app)?;
    let subject = subject_without_schema(app, place)?;
    let found = registry.latest(&subject).await;
    found.map(Into::into).map_err(|error| {
        let message =
            format!("Error when fetching latest schema version. subject = {subject}\n{error}");
        refused(&error, message)
    })
}

async fn by_text(
    app: &App,
    place: Place<'_>,
    format: Format,
    text: &str,
) -> Result<Found, SchemaFault> {
    let registry = registry(app)?;
    let name = crate::record_request::name_of(format);
    let asked = SchemaText::new(schema_type(format), text);
    let schema = registry.parse(&asked).await.map_err(|_| {
        SchemaFault::Invalid(format!(
            "Error when parsing raw schema. format = {name}, schema = {text}"
        ))
    })?;
    let subject = subject(app, place, &schema)?;
    // A version that has been deleted is registered anew.
    if let Ok(found) = registry.look_up(&subject, &asked, Versions::Live).await {
        return Ok(Found {
            schema,
            ..found.into()
        }
        .in_subject(subject));
    }
    let id = registry.register(&subject, &asked).await.map_err(|error| {
        let text = shown(&schema);
        let message = format!(
            "Error when registering schema. format = {name}, subject = {subject}, schema = {text}\n{error}"
        );
        refused(&error, message)
    })?;
    let version = version(app, &subject, &schema).await?.version;
    Ok(Found {
        subject,
        id,
        version,
        schema,
    })
}

fn registry(app: &App) -> Result<&sluiceway_schemas::Registry, SchemaFault> {
    app.schemas.as_ref().ok_or(SchemaFault::NotConfigured)
}

fn refused(error: &RegistryError, message: String) -> SchemaFault {
    const FORBIDDEN: u32 = 40301;
    if error.error_code() == Some(FORBIDDEN) {
        let first = message.lines().next().unwrap_or_default();
        return SchemaFault::Forbidden(first.to_owned());
    }
    SchemaFault::Registry(message)
}

/// A schema's text as errors show it: JSON without insignificant whitespace.
fn shown(schema: &Schema) -> String {
    let text = schema.text();
    if schema.schema_type() == SchemaType::Protobuf {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let options = sluiceway_common::json::Options::STRICT;
    match sluiceway_common::json::minify(text.as_bytes(), 0, &mut out, &options) {
        Ok(_) => String::from_utf8_lossy(&out).into_owned(),
        Err(_) => text.to_owned(),
    }
}

fn schema_type(format: Format) -> SchemaType {
    match format {
        Format::JsonSchema => SchemaType::Json,
        Format::Protobuf => SchemaType::Protobuf,
        _ => SchemaType::Avro,
    }
}

fn strategy(app: &App, place: Place<'_>) -> SubjectNameStrategy {
    let default = match place.side {
        Side::Key => app.config.subjects.key,
        Side::Value => app.config.subjects.value,
    };
    place.strategy.unwrap_or(default)
}

fn subject(app: &App, place: Place<'_>, schema: &Schema) -> Result<String, SchemaFault> {
    if let Some(subject) = place.subject {
        return Ok(subject.to_owned());
    }
    let (strategy, is_key) = (strategy(app, place), place.side == Side::Key);
    let name = schema.record_name();
    let subject = strategy.subject(place.topic, is_key, name.as_deref());
    subject.ok_or_else(|| {
        let side = if is_key { "key" } else { "value" };
        let class = match strategy {
            SubjectNameStrategy::TopicRecordName => "TopicRecordNameStrategy",
            _ => "RecordNameStrategy",
        };
        SchemaFault::Registry(format!(
            "In configuration {side}.subject.name.strategy = io.confluent.kafka.serializers.subject.{class}, the \
             message {side} must only be a record schema"
        ))
    })
}

fn subject_without_schema(app: &App, place: Place<'_>) -> Result<String, SchemaFault> {
    if let Some(subject) = place.subject {
        return Ok(subject.to_owned());
    }
    let subject = strategy(app, place).subject(place.topic, place.side == Side::Key, None);
    subject.ok_or_else(|| {
        let which = match place.strategy {
            Some(SubjectNameStrategy::TopicRecordName) => {
                " schema_subject_strategy=TOPIC_RECORD_NAME"
            }
            Some(_) => " schema_subject_strategy=RECORD_NAME",
            None => " default schema_subject_strategy",
        };
        SchemaFault::BadRequest(format!("Cannot use{which} without schema_id or schema."))
    })
}

impl From<Registered> for Found {
    fn from(registered: Registered) -> Self {
        Self {
            subject: registered.subject,
            id: registered.id,
            version: registered.version,
            schema: registered.schema,
        }
    }
}

impl Found {
    fn in_subject(self, subject: String) -> Self {
        Self { subject, ..self }
    }

    /// The format of its data.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.schema.schema_type() {
            SchemaType::Avro => Format::Avro,
            SchemaType::Json => Format::JsonSchema,
            SchemaType::Protobuf => Format::Protobuf,
        }
    }

    /// Appends JSON in the wire format: magic byte, id, data.
    ///
    /// # Errors
    /// It does not fit the schema. `out` may then hold a part.
    pub fn write(&self, json: &[u8], out: &mut Vec<u8>) -> Result<(), SerializeError> {
        wire::write(self.id, out);
        let written = self.schema.parsed().json_to_binary(json, out);
        written.map_err(|error| SerializeError(error.to_string()))
    }
}
