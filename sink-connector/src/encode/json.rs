//! `JsonFormat`: one JSON text a line, the last one too.
//!
//! Schemaless JSON goes through as its converter left it. Structs are written field by field in the schema's order, as
//! Connect's `JsonConverter` writes them; anything else as Jackson writes the Java object.
//!
//! | module | what it is |
//! |---|---|
//! | [`typed`] | structs and what is inside them, by schema |
//! | [`plain`] | values without regard to a schema |
//! | [`text`] | strings, numbers, base64 |

mod plain;
pub(crate) mod text;
mod typed;

use super::{Encoder, Format, View};
use crate::config::DecimalFormat;
use crate::error::{Exception, RecordError};
use crate::record::{Datum, Payload};
use crate::value::Value;

/// The format with its options.
pub(super) struct JsonFormat {
    decimals: DecimalFormat,
}

impl JsonFormat {
    pub(super) fn new(decimals: DecimalFormat) -> Self {
        Self { decimals }
    }
}

impl Format for JsonFormat {
    fn extension(&self) -> &'static str {
        ".json"
    }

    fn encoder(&self, _: &str) -> Box<dyn Encoder> {
        Box::new(JsonEncoder {
            decimals: self.decimals,
            scratch: Vec::new(),
        })
    }

    fn encloses(&self, view: View) -> bool {
        view == View::Headers
    }
}

struct JsonEncoder {
    decimals: DecimalFormat,
    /// What [`Encoder::check`] writes and forgets.
    scratch: Vec<u8>,
}

impl JsonEncoder {
    fn value(&self, datum: &Datum<'_>, out: &mut Vec<u8>) -> Result<(), Exception> {
        match &datum.payload {
            Payload::Null => out.extend_from_slice(b"null"),
            Payload::Json(json) => out.extend_from_slice(json),
            Payload::Text(text) => text::string(text, out),
            Payload::Bytes(bytes) => text::base64(bytes, out),
            Payload::Tree(Value::Struct(value)) => typed::record(value, self.decimals, out)?,
            Payload::Tree(value) => plain::value(value, out)?,
        }
        Ok(())
    }
}

/// Jackson's own exceptions are input and output errors to the original: they end the task.
fn refused(exception: Exception) -> RecordError {
    match exception.class.starts_with("com.fasterxml.") {
        true => RecordError::fatal(exception.wrapped()),
        false => RecordError::put(exception),
    }
}

impl Encoder for JsonEncoder {
    fn check(&mut self, datum: &Datum<'_>) -> Result<(), RecordError> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let checked = self.value(datum, &mut scratch);
        self.scratch = scratch;
        checked.map_err(refused)
    }

    fn write(&mut self, datum: &Datum<'_>, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let before = out.len();
        match self.value(datum, out) {
            Ok(()) => {
                out.push(b'\n');
                Ok(())
            }
            Err(exception) => {
                out.truncate(before);
                Err(refused(exception))
            }
        }
    }

    fn ready<'a>(&'a self, datum: &'a Datum<'_>) -> Option<[&'a [u8]; 2]> {
        match &datum.payload {
            Payload::Json(json) => Some([json, b"\n"]),
            _ => None,
        }
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Result<(), RecordError> {
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests;
