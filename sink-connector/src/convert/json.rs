//! `JsonConverter`: JSON text → Connect data, with or without an envelope of schema and payload.
//!
//! In: UTF-8 JSON, a byte order mark and anything behind the first value passed over. Out, without schemas: the value's
//! own text (or a tree, see [`Shape`]); with schemas: a tree under the envelope's schema. An empty or blank text and
//! `null` are null.
//!
//! | module | what it is |
//! |---|---|
//! | [`node`] | text → tree |
//! | [`envelope`] | `{"schema":…,"payload":…}` → its two parts |
//! | [`schema`] | schema object → [`crate::value::Schema`] |
//! | [`typed`] | tree + schema → [`Value`] |

mod base64;
mod envelope;
pub(super) mod node;
mod schema;
pub(super) mod typed;

use sluiceway_common::json::{JsonError, JsonErrorKind, Options, Scanner};

use super::{Converter, Shape};
use crate::error::{Exception, RecordError, SERIALIZATION_EXCEPTION, Stage};
use crate::record::{Datum, Payload};
use crate::value::Value;

const CLASS: &str = "org.apache.kafka.connect.json.JsonConverter";

/// Bytes that the buffer for minified text keeps from record to record.
const KEPT_BYTES: usize = 1 << 20;

/// Options of the converter.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonOptions {
    /// `schemas.enable`.
    pub(super) schemas: bool,
    /// `schemas.cache.size`.
    pub(super) cache_size: usize,
    /// `replace.null.with.default`.
    pub(super) replace_null_with_default: bool,
}

pub(super) struct JsonConverter {
    options: JsonOptions,
    stage: Stage,
    shape: Shape,
    schemas: schema::SchemaCache,
    scratch: Vec<u8>,
}

impl JsonConverter {
    pub(super) fn new(options: JsonOptions, stage: Stage, shape: Shape) -> Self {
        Self {
            options,
            stage,
            shape,
            schemas: schema::SchemaCache::new(options.cache_size),
            scratch: Vec::new(),
        }
    }

    /// The value's text without insignificant whitespace: the record's own bytes, or in the converter's buffer.
    fn text<'a>(&'a mut self, input: &'a [u8], start: usize) -> Result<Payload<'a>, Exception> {
        if self.scratch.capacity() > KEPT_BYTES {
            // One huge record must not cost its size for ever.
            self.scratch.clear();
            self.scratch.shrink_to(input.len().max(KEPT_BYTES));
        }
        let text = Scanner::new(input, start, &Options::LENIENT)
            .minified(&mut self.scratch)
            .map_err(unreadable)?;
        Ok(if text == b"null" {
            Payload::Null
        } else {
            Payload::Json(text)
        })
    }

    fn enveloped(&mut self, input: &[u8], start: usize) -> Result<Datum<'static>, Exception> {
        let envelope = envelope::split(input, start)?;
        let replace = self.options.replace_null_with_default;
        let schema = self.schemas.get(envelope.schema, replace)?;
        let payload = node::parse(envelope.payload, 0).map_err(unreadable)?;
        let value = match &schema {
            Some(schema) => typed::convert(schema, payload, replace)?,
            None => Value::from(payload),
        };
        Ok(Datum {
            schema,
            payload: value.into(),
        })
    }
}

impl Converter for JsonConverter {
    fn class(&self) -> &'static str {
        CLASS
    }

    fn convert<'a>(
        &'a mut self,
        _: &str,
        bytes: Option<&'a [u8]>,
    ) -> Result<Datum<'a>, RecordError> {
        let Some(input) = bytes else {
            return Ok(Datum::NULL);
        };
        let stage = self.stage;
        let start = value_start(input);
        let converted = match (self.options.schemas, start, self.shape) {
            (true, Some(start), _) => self.enveloped(input, start),
            (true, None, _) => Err(envelope::not_an_envelope()),
            (false, None, _) => Ok(Datum::NULL),
            (false, Some(start), Shape::Text) => self.text(input, start).map(|payload| Datum {
                schema: None,
                payload,
            }),
            (false, Some(start), Shape::Tree) => node::parse(input, start)
                .map(|node| Datum {
                    schema: None,
                    payload: Value::from(node).into(),
                })
                .map_err(unreadable),
        };
        converted.map_err(|exception| RecordError::new(stage, CLASS, exception))
    }

    fn check(&mut self, topic: &str, bytes: Option<&[u8]>) -> Result<(), RecordError> {
        if self.options.schemas {
            return self.convert(topic, bytes).map(drop);
        }
        let Some((input, start)) =
            bytes.and_then(|input| value_start(input).map(|start| (input, start)))
        else {
            return Ok(());
        };
        Scanner::new(input, start, &Options::LENIENT)
            .skip()
            .map_err(|error| RecordError::new(self.stage, CLASS, unreadable(error)))
    }
}

/// The tree of a text that was checked before; null for one that was not.
pub(super) fn parse_checked(text: &[u8]) -> Value {
    node::parse(text, 0).map_or(Value::Null, Value::from)
}

/// Offset of the value's first byte, behind a byte order mark and whitespace; `None` when there is no value.
fn value_start(input: &[u8]) -> Option<usize> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let start = if input.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    input[start..]
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .map(|at| start + at)
}

/// A text that is no JSON, in the three layers Connect shows.
#[cold]
fn unreadable(error: JsonError) -> Exception {
    // A token at the very end of the text has nothing behind it; its column is then one too high.
    let jackson = jackson(&error, true);
    Exception::data("Converting byte[] to Kafka Connect data failed due to serialization error: ")
        .caused_by(Exception::new(SERIALIZATION_EXCEPTION, jackson.to_string()).caused_by(jackson))
}

/// The JSON library's own exception. An unknown token is told where the library has read it, with the character behind
/// it, if there is one (`followed`).
#[cold]
pub(super) fn jackson(error: &JsonError, followed: bool) -> Exception {
    let class = match error.kind {
        JsonErrorKind::UnexpectedEnd(_) => "com.fasterxml.jackson.core.io.JsonEOFException",
        JsonErrorKind::TooDeep { .. }
        | JsonErrorKind::NumberTooLong { .. }
        | JsonErrorKind::StringTooLong { .. }
        | JsonErrorKind::NameTooLong { .. } => {
            "com.fasterxml.jackson.core.exc.StreamConstraintsException"
        }
        _ => "com.fasterxml.jackson.core.JsonParseException",
    };
    let column = match &error.kind {
        JsonErrorKind::UnrecognizedToken(word) => {
            error.column + word.chars().count() + usize::from(followed)
        }
        _ => error.column,
    };
    let message = format!(
        "{}\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {}, column: {column}]",
        error.kind, error.line
    );
    Exception::new(class, message)
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
