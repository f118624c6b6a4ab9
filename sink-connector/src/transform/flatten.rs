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
                    let parent = Parent {
                        prefix: "",
                        optional: schema.optional,
                        default: struct_default(schema.default.as_ref()),
                    };
                    fields(schema, parent, delimiter, &mut updated)?;
                    updated.optional = schema.optional;
                    Ok(updated)
                })?;
                let mut values = Vec::with_capacity(updated.fields.len());
                flatten_struct(Some(value), &schema, &mut values);
                let targets = updated.fields.iter().zip(values);
                let values = targets.map(|(field, value)| read(&field.schema, value, true));
                let value = build(&updated, values.collect())?;
                (Some(updated), Value::Struct(value))
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
            value if value.is_null() || value.kind().is_some() => set_member(flat, &name, value),
            // What only a schema tells: dates that a transform before made.
            value => {
                return Err(Exception::data(format!(
                    "Flatten transformation was passed a value of type class {} which is not supported by Connect's \
                     data API",
                    value.java_class()
                )));
            }
        }
    }
    Ok(())
}

/// What the fields of a struct have from those that it lies in.
#[derive(Clone, Copy)]
struct Parent<'p> {
    /// Their joined names.
    prefix: &'p str,
    /// Whether one of them is optional.
    optional: bool,
    /// The struct in the default of one of them.
    default: Option<&'p Struct>,
}

impl<'p> Parent<'p> {
    /// The default of its field `name`, if that has none of its own.
    fn default_of(self, name: &str) -> Option<&'p Value> {
        let default = self.default?.get(name)?;
        Some(default).filter(|default| !default.is_null())
    }
}

fn struct_default(default: Option<&Value>) -> Option<&Struct> {
    match default {
        Some(Value::Struct(default)) => Some(default),
        _ => None,
    }
}

/// Adds the fields of `schema`, and of the structs in it, to `flat`. What lies in an optional struct is optional; the
/// default of a struct is that of its fields.
fn fields(
    schema: &Schema,
    parent: Parent<'_>,
    delimiter: &str,
    flat: &mut Schema,
) -> Result<(), Exception> {
    for field in &schema.fields {
        let name = joined(parent.prefix, delimiter, &field.name);
        let optional = parent.optional || field.schema.optional;
        let own = field.schema.default.as_ref();
        let default = own.or_else(|| parent.default_of(&field.name));
        match field.schema.kind {
            Type::Struct => {
                let inner = Parent {
                    prefix: &name,
                    optional,
                    default: struct_default(default),
                };
                fields(&field.schema, inner, delimiter, flat)?;
            }
            Type::Map => {
                return Err(Exception::data(format!(
                    "Flatten transformation does not support MAP for record with schemas (for field {name})."
                )));
            }
            _ if optional == field.schema.optional && own.is_some() == default.is_some() => {
                add_field(flat, &name, field.schema.clone())?;
            }
            _ => {
                let schema = Schema {
                    optional,
                    default: default.cloned(),
                    ..(*field.schema).clone()
                };
                add_field(flat, &name, schema.build())?;
            }
        }
    }
    Ok(())
}

/// The values in the order of [`fields`]; those of a struct that is null are null.
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
            (_, value) => flat.push(value.unwrap_or(Value::Null)),
        }
    }
}
