//! `ByteArrayFormat`: each record's bytes as they are, with a separator behind.

use std::sync::Arc;

use super::{Encoder, Format};
use crate::error::{Exception, RecordError};
use crate::record::{Datum, Payload};
use crate::value::{Type, Value};

/// The format with its separator and extension.
pub(super) struct ByteArrayFormat {
    extension: String,
    separator: Arc<[u8]>,
}

impl ByteArrayFormat {
    pub(super) fn new(extension: String, separator: Vec<u8>) -> Self {
        Self {
            extension,
            separator: separator.into(),
        }
    }
}

impl Format for ByteArrayFormat {
    fn extension(&self) -> &str {
        &self.extension
    }

    fn encoder(&self, _: &str) -> Box<dyn Encoder> {
        Box::new(ByteArrayEncoder {
            separator: Arc::clone(&self.separator),
        })
    }
}

struct ByteArrayEncoder {
    separator: Arc<[u8]>,
}

impl Encoder for ByteArrayEncoder {
    fn check(&mut self, datum: &Datum<'_>) -> Result<(), RecordError> {
        bytes_of(datum).map(drop)
    }

    fn write(&mut self, datum: &Datum<'_>, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let bytes = bytes_of(datum)?;
        out.reserve(bytes.len() + self.separator.len());
        out.extend_from_slice(bytes);
        out.extend_from_slice(&self.separator);
        Ok(())
    }

    fn ready<'a>(&'a self, datum: &'a Datum<'_>) -> Option<[&'a [u8]; 2]> {
        let bytes = bytes_of(datum).ok()?;
        Some([bytes, &self.separator])
    }

    fn finish(&mut self, _: &mut Vec<u8>) -> Result<(), RecordError> {
        Ok(())
    }

    fn buffered_bytes(&self) -> usize {
        0
    }
}

/// The bytes, where schema and value are bytes.
fn bytes_of<'d>(value: &'d Datum<'_>) -> Result<&'d [u8], RecordError> {
    if let Some(kind) = value
        .schema
        .as_ref()
        .map(|schema| schema.kind)
        .filter(|kind| *kind != Type::Bytes)
    {
        return Err(not_bytes(format!(
            "Invalid schema type for ByteArrayConverter: {kind}"
        )));
    }
    match &value.payload {
        Payload::Bytes(bytes) => Ok(bytes),
        Payload::Tree(Value::Bytes(bytes)) => Ok(bytes),
        payload => {
            let class = payload.java_class();
            Err(not_bytes(format!(
                "ByteArrayConverter is not compatible with objects of type class {class}"
            )))
        }
    }
}

#[cold]
fn not_bytes(message: String) -> RecordError {
    RecordError::put(Exception::data(message))
}
