//! `avro`, `jsonschema`, `protobuf` of produce requests: the wire format of registered schemas.
//!
//! In: the request's schemas, found before. Out: magic byte, id, data; a null stays a null. What fails: JSON that does
//! not fit its schema. That there is a schema for what is not null is [checked](WithSchemas::check) first.

use super::{SerializeError, Serializer, Side, Written};
use crate::envelope::Envelope;
use crate::schemas::{Found, SchemaFault};

/// Writes keys and values with their schemas.
#[derive(Debug, Clone, Default)]
pub struct WithSchemas {
    /// The keys' schema.
    pub key: Option<Found>,
    /// The values' schema.
    pub value: Option<Found>,
}

impl WithSchemas {
    /// Checks that what is not null has a schema.
    ///
    /// # Errors
    /// The first key or value without.
    pub fn check(&self, envelope: &Envelope) -> Result<(), SchemaFault> {
        for record in &envelope.records {
            if record.key.is_some() && self.key.is_none() {
                return Err(SchemaFault::KeySchemaMissing);
            }
            if record.value.is_some() && self.value.is_none() {
                return Err(SchemaFault::ValueSchemaMissing);
            }
        }
        Ok(())
    }
}

impl Serializer for WithSchemas {
    fn serialize(
        &self,
        side: Side,
        json: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<Written, SerializeError> {
        let schema = match side {
            Side::Key => &self.key,
            Side::Value => &self.value,
        };
        match (schema, json) {
            (Some(schema), Some(json)) => schema.write(json, out).map(|()| Written::Bytes),
            _ => Ok(Written::Null),
        }
    }
}
