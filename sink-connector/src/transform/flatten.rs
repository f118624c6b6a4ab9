//! `Flatten`: fields of nested maps and structs move up, their names joined.

use sluiceway_common::config_def::{Importance, Kind};

use super::settings::{Options, Setting};
use super::support::{
    Members, SchemaCache, add_field, basics, build, read, require_map, require_struct, set_member,
};
use super::{Side, Transform, Verdict};
use crate::error::Exception;
use crate::record::SinkRecord;
use crate::value::{Schema, Struct, Type, Value};

const PURPOSE: &str = "flattening";

pub(super) fn settings() -> Vec<Setting> {
    vec![
        Setting::with(
            "delimiter",
            Kind::String,
            ".",
            "Between the names that are joined.",
        )
        .importance(Importance::Medium),
    ]
}

struct Flatten {
    side: Side,
    delimiter: String,
    schemas: SchemaCache,
}

pub(super) fn new(side: Side, options: &Options<'_>) -> Result<Box<dyn Transform>, Exception> {
    Ok(Box::new(Flatten {
        side,
        delimiter: options.string("delimiter"),
        schemas: SchemaCache::default(),
    }))
}

impl Transform for Flatten {
    fn apply(&mut self, record: &mut SinkRecord<'_>) -> Result<Verdict, Exception> {
        let datum = self.side.of(record);
        if datum.payload.is_null() {
            return Ok(Verdict::Keep);
        }
        let value = datum.take();
        let delimiter = &self.delimiter;
        let (schema, value) = match datum.schema.take() {
            None => {
                let mut flat = Vec::new();
                members(require_map(value, PURPOSE)?, "", delimiter, &mut flat)?;
                (None, Value::Map(flat))
            }
            Some(schema) => {
                let value = require_struct(value, PURPOSE)?;
                let updated = self.schemas.get(&schema, |schema| {
                    let mut updated = basics(schema);
                    fields(schema, "", schema.optional, delimiter, &mut updated)?;
                    updated.optional = schema.optional;
                    Ok(updated)
                })?;
                let mut values = Vec::with_capacity(updated.fields.len());
                flatten_struct(Some(value), &schema, &mut values);
                (
                    Some(updated.clone()),
                    Value::Struct(build(&updated, values)?),
                )
            }
        };
        datum.put(schema, value);
        Ok(Verdict::Keep)
    }
}

fn joined(prefix: &str, delimiter: &str, name: &str) -> String {
    match prefix {
        "" => name.to_owned(),
        prefix => format!("{prefix}{delimiter}{name}"),
    }
}

fn members(
    from: Members,
    prefix: &str,
    delimiter: &str,
    flat: &mut Members,
) -> Result<(), Exception> {
    for (key, value) in from {
        let Value::String(key) = key else { continue };
        let name = joined(prefix, delimiter, &key);
        match value {
            Value::Map(inner) => members(inner, &name, delimiter, flat)?,
            value => set_member(flat, &name, value),
        }
    }
    Ok(())
}

/// Adds the fields of `schema`, and of the structs in it, to `flat`. What lies in an optional struct is optional.
fn fields(
    schema: &Schema,
    prefix: &str,
    optional: bool,
    delimiter: &str,
    flat: &mut Schema,
) -> Result<(), Exception> {
    for field in &schema.fields {
        let name = joined(prefix, delimiter, &field.name);
        let optional = optional || field.schema.optional;
        match field.schema.kind {
            Type::Struct => fields(&field.schema, &name, optional, delimiter, flat)?,
            Type::Map => {
                return Err(Exception::data(format!(
                    "Flatten transformation does not support MAP for record with schemas (for field {name})."
                )));
            }
            _ if optional == field.schema.optional => {
                add_field(flat, &name, field.schema.clone())?;
            }
            _ => {
                let schema = Schema {
                    optional,
                    ..(*field.schema).clone()
                };
                add_field(flat, &name, schema.build())?;
            }
        }
    }
    Ok(())
}

/// The values in the order of [`fields`]; those of a struct that is null are their defaults.
fn flatten_struct(value: Option<Struct>, schema: &Schema, flat: &mut Vec<Value>) {
    let mut values = value.map(|value| value.values.into_iter());
    for field in &schema.fields {
        let value = values.as_mut().and_then(Iterator::next);
        let value = value.map(|value| read(&field.schema, value, true));
        match (field.schema.kind, value) {
            (Type::Struct, Some(Value::Struct(inner))) => {
                flatten_struct(Some(inner), &field.schema, flat);
            }
            (Type::Struct, _) => flatten_struct(None, &field.schema, flat),
            (_, value) => flat.push(value.unwrap_or_else(|| default(&field.schema))),
        }
    }
}

fn default(schema: &Schema) -> Value {
    schema.default.clone().unwrap_or(Value::Null)
}
