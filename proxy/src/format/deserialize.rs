//! What lies in Kafka → the JSON that a read of records answers with.
//!
//! In: a key's or value's bytes. Out: its JSON, appended to the answer's buffer, and its size as limits count it. What
//! fails: bytes that are not of the format; a schema that has to be fetched first.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use sluiceway_common::json::{JsonError, JsonErrorKind, Options, minify};
use thiserror::Error;

use super::{Format, Side};

/// Why bytes have no JSON (yet).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeserializeError {
    /// They are not of the format.
    #[error("{0}")]
    Undecodable(String),
    /// Their schema is not known here yet: see [`Deserializer::prepare`].
    #[error("the schema {0} is not known yet")]
    NeedsSchema(u32),
}

/// Turns bytes from Kafka into JSON.
pub trait Deserializer: Send + Sync {
    /// Appends the JSON of `bytes` to `out` and returns its size: that of the bytes, or of the JSON in schema formats.
    ///
    /// # Errors
    /// See [`DeserializeError`]. `out` may then hold a part.
    fn deserialize(
        &self,
        side: Side,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, DeserializeError>;

    /// Whether it is one of the formats with schemas.
    fn uses_schemas(&self) -> bool {
        false
    }

    /// Fetches the schema of this id, so that [`Deserializer::deserialize`] has it.
    ///
    /// # Errors
    /// It cannot be fetched.
    fn prepare(&self, id: u32) -> BoxFuture<'_, Result<(), DeserializeError>> {
        Box::pin(async move { Err(DeserializeError::NeedsSchema(id)) })
    }
}

/// The deserializer of a format that needs no schemas.
#[must_use]
pub fn without_schemas(format: Format) -> Option<Arc<dyn Deserializer>> {
    match format {
        Format::Json => Some(Arc::new(JsonText)),
        Format::Binary => Some(Arc::new(Base64)),
        Format::Avro | Format::JsonSchema | Format::Protobuf | Format::String => None,
    }
}

/// `json`: checked, and copied without insignificant whitespace.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonText;

impl Deserializer for JsonText {
    fn deserialize(
        &self,
        _: Side,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, DeserializeError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(DeserializeError::Undecodable(EMPTY.to_owned()));
        }
        minify(bytes, 0, out, &Options::STRICT)
            .map(|_| bytes.len())
            .map_err(|error| DeserializeError::Undecodable(told(&error)))
    }
}

const HIDDEN: &str =
    "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line:";
const EMPTY: &str = "com.fasterxml.jackson.databind.exc.MismatchedInputException: No content to map due to \
     end-of-input\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 0]";

/// The parser's words as the original's clients get them: with the exception's name in front and the place behind.
fn told(error: &JsonError) -> String {
    // A word is read to its end before it is found to be none.
    let word = match &error.kind {
        JsonErrorKind::UnrecognizedToken(word) => word.chars().count(),
        _ => 0,
    };
    let (line, column) = (error.line, error.column + word);
    format!(
        "com.fasterxml.jackson.core.JsonParseException: {error}\n at {HIDDEN} {line}, column: {column}]"
    )
}

/// `binary`: base64 with padding.
#[derive(Debug, Clone, Copy, Default)]
pub struct Base64;

impl Deserializer for Base64 {
    fn deserialize(
        &self,
        _: Side,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, DeserializeError> {
        out.push(b'"');
        let start = out.len();
        let length = base64::encoded_len(bytes.len(), true).unwrap_or_default();
        out.resize(start + length, 0);
        let written = STANDARD
            .encode_slice(bytes, out.get_mut(start..).unwrap_or_default())
            .unwrap_or_default();
        out.truncate(start + written);
        out.push(b'"');
        Ok(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(format: &dyn Deserializer, bytes: &[u8]) -> Result<(String, usize), String> {
        let mut out = b"before ".to_vec();
        let size = format
            .deserialize(Side::Value, bytes, &mut out)
            .map_err(|error| error.to_string())?;
        Ok((String::from_utf8(out.split_off(7)).unwrap(), size))
    }

    #[test]
    fn json_is_checked_and_minified() {
        assert_eq!(
            read(&JsonText, b" {\"n\" : 1e2} trailing"),
            Ok(("{\"n\":1e2}".into(), 21))
        );
        let error = read(&JsonText, b"hello").unwrap_err();
        assert!(
            error.starts_with(
                "com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'hello'"
            ),
            "{error}"
        );
        assert!(error.ends_with("line: 1, column: 6]"), "{error}");
        assert!(read(&JsonText, b"\x00\xff").is_err());
        assert!(
            read(&JsonText, b"")
                .unwrap_err()
                .contains("No content to map")
        );
    }

    #[test]
    fn binary_is_base64() {
        for (bytes, expected) in [
            (&b""[..], "\"\""),
            (b"\x00\xff", "\"AP8=\""),
            (b"hello", "\"aGVsbG8=\""),
        ] {
            assert_eq!(read(&Base64, bytes), Ok((expected.into(), bytes.len())));
        }
    }
}
