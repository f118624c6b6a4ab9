//! `SetSchemaMetadata`: another name or version for the schema of the key or value.

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting, replace_null};
use super::support::{SchemaCache, require_fields};
use super::{Side, Transform, Verdict};
use crate::error::{CONFIG_EXCEPTION, Exception};
use crate::record::SinkRecord;
use crate::value::{Schema, Value};

pub(super) fn settings() -> Vec<Setting> {
    vec![
        Setting::optional("schema.name", Kind::String, "The schema's new name.")
            .importance(Importance::High),
        Setting::optional("schema.version", Kind::Int, "The schema's new version.")
            .importance(Importance::High),
        replace_null(),
    ]
}

struct SetSchemaMetadata {
    side: Side,
    name: Option<String>,
    version: Option<i32>,
    schemas: SchemaCache,
}

pub(super) fn new(side: Side, options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    let name = options.text("schema.name").map(str::to_owned);
    let version = options
        .text("schema.version")
        .and_then(|text| text.parse().ok());
    if name.is_none() && version.is_none() {
        let message = "Neither schema name nor version configured";
        return Err(Exception::new(CONFIG_EXCEPTION, message));
    }
    Ok(Box::new(SetSchemaMetadata {
        side,
        name,
        version,
        schemas: SchemaCache::default(),
    }))
}

impl Transform for SetSchemaMetadata {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let datum = self.side.of(record);
        let Some(schema) = &datum.schema else {
            if datum.payload.is_null() {
                return Ok(Verdict::Keep);
            }
            let message = "Schema required for [updating schema metadata]";
            return Err(Exception::data(message));
        };
        // Java asks every schema for its fields.
        require_fields(schema)?;
        let (name, version) = (&self.name, self.version);
        let updated = self.schemas.get(schema, |schema| {
            Ok(Schema {
                name: name.clone().or_else(|| schema.name.clone()),
                version: version.or(schema.version),
                ..schema.clone()
            })
        })?;
        let mut value = datum.take();
        if let Value::Struct(value) = &mut value {
            value.schema = updated.clone();
        }
        datum.put(Some(updated), value);
        Ok(Verdict::Keep)
    }
}
