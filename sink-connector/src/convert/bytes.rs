//! `ByteArrayConverter`: the bytes as they are.

use std::sync::Arc;

use super::Converter;
use crate::error::RecordError;
use crate::record::{Datum, Payload};
use crate::value::{Schema, SchemaRef, Type};

/// Passes bytes through under the schema optional BYTES. Only a missing value is null.
pub(super) struct ByteArrayConverter {
    schema: SchemaRef,
}

impl ByteArrayConverter {
    pub(super) fn new() -> Self {
        Self {
            schema: Schema::of(Type::Bytes).optional().build(),
        }
    }
}

impl Converter for ByteArrayConverter {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.converters.ByteArrayConverter"
    }

    fn convert<'a>(
        &'a mut self,
        _: &str,
        bytes: Option<&'a [u8]>,
    ) -> Result<Datum<'a>, RecordError> {
        let payload = bytes.map_or(Payload::Null, Payload::Bytes);
        Ok(Datum {
            schema: Some(Arc::clone(&self.schema)),
            payload,
        })
    }

    fn check(&mut self, _: &str, _: Option<&[u8]>) -> Result<(), RecordError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_empty_value_is_not_null() {
        let mut converter = ByteArrayConverter::new();
        assert_eq!(
            converter.convert("t", Some(b"")).unwrap().payload,
            Payload::Bytes(b"")
        );
        assert!(converter.convert("t", None).unwrap().payload.is_null());
    }
}
