//! `avro`, `jsonschema`, `protobuf`: the wire format of registered schemas → JSON.
//!
//! In: magic byte, schema id, data. Out: JSON as Confluent's converters write it. What fails: other bytes, schemas of
//! another kind, data that does not fit. Schemas are asked for once and kept by id, a bounded number.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use parking_lot::RwLock;
use sluiceway_schemas::{Registry, Schema, SchemaType, wire};

use super::deserialize::{DeserializeError, Deserializer};
use super::{Format, Side};

/// Schemas that one deserializer keeps at hand; the registry's client has its own cache behind it.
const KEPT: usize = 256;

/// Decodes records of one format with the schemas of a registry.
pub struct Registered {
    registry: Registry,
    kind: SchemaType,
    known: RwLock<HashMap<u32, Arc<Schema>>>,
}

impl Registered {
    /// The deserializer of a format, if it is one with schemas.
    #[must_use]
    pub fn of(format: Format, registry: &Registry) -> Option<Self> {
        let kind = match format {
            Format::Avro => SchemaType::Avro,
            Format::JsonSchema => SchemaType::Json,
            Format::Protobuf => SchemaType::Protobuf,
            Format::Binary | Format::Json | Format::String => return None,
        };
        Some(Self {
            registry: registry.clone(),
            kind,
            known: RwLock::default(),
        })
    }

    fn keep(&self, id: u32, schema: Arc<Schema>) {
        let mut known = self.known.write();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(id, schema);
    }
}

impl Deserializer for Registered {
    fn deserialize(
        &self,
        _: Side,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, DeserializeError> {
        let undecodable = |reason: String| DeserializeError::Undecodable(reason);
        let (id, data) = wire::parse(bytes).map_err(|error| undecodable(error.to_string()))?;
        let schema = self.known.read().get(&id).cloned();
        let schema = schema.ok_or(DeserializeError::NeedsSchema(id))?;
        if schema.schema_type() != self.kind {
            let (found, wanted) = (schema.schema_type().name(), self.kind.name());
            return Err(undecodable(format!("schema {id} is {found}, not {wanted}")));
        }
        let start = out.len();
        let written = schema.parsed().binary_to_json(data, out);
        written.map_err(|error| undecodable(error.to_string()))?;
        Ok(out.len() - start)
    }

    fn uses_schemas(&self) -> bool {
        true
    }

    fn prepare(&self, id: u32) -> BoxFuture<'_, Result<(), DeserializeError>> {
        Box::pin(async move {
            let schema = self.registry.schema_by_id(id).await;
            let schema =
                schema.map_err(|error| DeserializeError::Undecodable(error.to_string()))?;
            self.keep(id, schema);
            Ok(())
        })
    }
}
