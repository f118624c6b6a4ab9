//! Converters: a record's key or value bytes → Connect's schema and value.
//!
//! In: bytes of one key or value. Out: a [`Datum`], borrowed where the converter can leave the bytes as they are.
//! Fails with a [`RecordError`] of the converter's stage; the texts are those of the Java classes.

mod avro;
mod bytes;
pub(crate) mod header;
mod json;
mod json_schema;
mod primitive;
mod protobuf;
mod registry;
mod schema_converter;
mod string;

use avro::AvroConverter;
use bytes::ByteArrayConverter;
use json::JsonConverter;
use json_schema::JsonSchemaConverter;
use primitive::PrimitiveConverter;
use protobuf::ProtobufConverter;
use string::StringConverter;

use crate::config::ConverterConfig;
use crate::error::{Exception, RecordError, Stage};
use crate::record::Datum;

/// One of `key.converter`, `value.converter`, with its options.
pub trait Converter: Send {
    /// Java class of the converter (`__connect.errors.class.name`).
    fn class(&self) -> &'static str;

    /// Converts the key or value of one record of `topic`.
    ///
    /// # Errors
    /// When the bytes are not what the converter reads.
    fn convert<'a>(
        &'a mut self,
        topic: &str,
        bytes: Option<&'a [u8]>,
    ) -> Result<Datum<'a>, RecordError>;

    /// Converts and throws the result away: what Connect does to a key that nothing reads afterwards.
    ///
    /// # Errors
    /// As [`Converter::convert`].
    fn check(&mut self, topic: &str, bytes: Option<&[u8]>) -> Result<(), RecordError>;
}

/// What the stages behind a converter need of schemaless JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Its text, validated and minified: nothing looks inside.
    Text,
    /// A tree: a transform or partitioner looks inside.
    Tree,
}

/// The converter of a configuration, for keys or values as `stage` says. Converters with a Schema Registry ask it on
/// the runtime that the calling thread has entered.
///
/// # Errors
/// A setting that fails the task although the connector was created: `schema.registry.url` is missing, or cannot be used.
pub fn new(
    config: &ConverterConfig,
    stage: Stage,
    shape: Shape,
) -> Result<Box<dyn Converter>, Exception> {
    Ok(match config {
        ConverterConfig::Avro(config) => Box::new(AvroConverter::new(config, stage)?),
        ConverterConfig::Protobuf(config) => Box::new(ProtobufConverter::new(config, stage)?),
        ConverterConfig::JsonSchema(config) => Box::new(JsonSchemaConverter::new(config, stage)?),
        ConverterConfig::String(encoding) => Box::new(StringConverter::new(*encoding)),
        ConverterConfig::ByteArray => Box::new(ByteArrayConverter::new()),
        ConverterConfig::Json {
            schemas,
            cache_size,
            replace_null_with_default,
        } => {
            let options = json::JsonOptions {
                schemas: *schemas,
                cache_size: *cache_size,
                replace_null_with_default: *replace_null_with_default,
            };
            Box::new(JsonConverter::new(options, stage, shape))
        }
        ConverterConfig::Short => Box::new(PrimitiveConverter::new(primitive::Kind::Short, stage)),
        ConverterConfig::Integer => {
            Box::new(PrimitiveConverter::new(primitive::Kind::Integer, stage))
        }
        ConverterConfig::Long => Box::new(PrimitiveConverter::new(primitive::Kind::Long, stage)),
        ConverterConfig::Float => Box::new(PrimitiveConverter::new(primitive::Kind::Float, stage)),
        ConverterConfig::Double => {
            Box::new(PrimitiveConverter::new(primitive::Kind::Double, stage))
        }
        ConverterConfig::Boolean => {
            Box::new(PrimitiveConverter::new(primitive::Kind::Boolean, stage))
        }
    })
}

/// The tree of a JSON text that a converter has checked.
pub(crate) fn parse_json(text: &[u8]) -> crate::value::Value {
    json::parse_checked(text)
}
