//! Values of one schema made values of another: numbers widened, missing fields filled, further ones dropped.

use std::sync::Arc;

use super::compatibility::{is_enum, same_parameters, widens};
use super::refused;
use crate::error::Exception;
use crate::value::{Schema, SchemaRef, Struct, Type, Value};

/// `value`, which is one of `source`, as a value of `target`.
///
/// # Errors
/// Types, names or parameters differ; something is missing that `target` needs.
pub fn project(source: &Schema, value: &Value, target: &SchemaRef) -> Result<Value, Exception> {
    check(source, target)?;
    match (value, &target.default) {
        _ if source.optional && !target.optional && target.default.is_none() => Err(refused(
            "Writer schema is optional, however, target schema does not provide a default value.",
        )),
        (Value::Null, Some(default)) if source.optional && !target.optional => Ok(default.clone()),
        (Value::Null, _) => Ok(Value::Null),
        _ => present(source, value, target),
    }
}

fn check(source: &Schema, target: &Schema) -> Result<(), Exception> {
    if !widens(source.kind, target.kind) {
        return Err(refused(format!(
            "Schema type mismatch. source type: {} and target type: {}",
            source.kind, target.kind
        )));
    }
    if source.name != target.name {
        let name = |schema: &Schema| schema.name.clone().unwrap_or_else(|| "null".to_owned());
        return Err(refused(format!(
            "Schema name mismatch. source name: {} and target name: {}",
            name(source),
            name(target)
        )));
    }
    let either_has_none = source.parameters.is_empty() || target.parameters.is_empty();
    if either_has_none || same_parameters(source, target) {
        return Ok(());
    }
    let (source_text, target_text) = (parameters(source), parameters(target));
    Err(refused(match is_enum(source) && is_enum(target) {
        true => format!(
            "Schema parameters mismatch. Source parameter: {source_text} is not a subset of target parameters: {target_text}"
        ),
        false => format!(
            "Schema parameters not equal. source parameters: {source_text} and target parameters: {target_text}"
        ),
    }))
}

/// Parameters as `Map.toString` prints them.
fn parameters(schema: &Schema) -> String {
    let pairs = schema.parameters.iter();
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

fn present(source: &Schema, value: &Value, target: &SchemaRef) -> Result<Value, Exception> {
    match value {
        Value::Struct(value) => record(value, target).map(Value::Struct),
        Value::Array(items) => {
            let (Some(from), Some(to)) = (&source.element, &target.element) else {
                return Ok(value.clone());
            };
            let items = items.iter().map(|item| project(from, item, to));
            items.collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Map(entries) => map(source, entries, target),
        number => Ok(widen(number, target.kind)),
    }
}

fn map(source: &Schema, entries: &[(Value, Value)], target: &Schema) -> Result<Value, Exception> {
    let (Some(from_key), Some(from)) = (&source.key, &source.element) else {
        return Ok(Value::Map(entries.to_vec()));
    };
    let (Some(to_key), Some(to)) = (&target.key, &target.element) else {
        return Ok(Value::Map(entries.to_vec()));
    };
    let entry = |(key, item): &(Value, Value)| {
        Ok((project(from_key, key, to_key)?, project(from, item, to)?))
    };
    entries
        .iter()
        .map(entry)
        .collect::<Result<_, _>>()
        .map(Value::Map)
}

fn record(source: &Struct, target: &SchemaRef) -> Result<Struct, Exception> {
    let mut out = Struct::new(target);
    for (wanted, place) in target.fields.iter().zip(&mut out.values) {
        if let Some(at) = source.schema.field_index(&wanted.name) {
            let own = &source.schema.fields[at].schema;
            let value = match (&source.values[at], &own.default) {
                (Value::Null, Some(default)) => default,
                (value, _) => value,
            };
            *place = project(own, value, &wanted.schema).map_err(|cause| {
                refused(format!("Error projecting {}", wanted.name)).caused_by(cause)
            })?;
        } else if wanted.schema.optional {
            *place = Value::Null;
        } else if let Some(default) = &wanted.schema.default {
            *place = default.clone();
        } else {
            return Err(refused(format!(
                "Required field `{}` is missing from source schema: {}",
                wanted.name,
                described(&source.schema)
            )));
        }
    }
    Ok(out)
}

/// A schema as `ConnectSchema.toString` prints it.
fn described(schema: &Arc<Schema>) -> String {
    match &schema.name {
        Some(name) => format!("Schema{{{name}:{}}}", schema.kind),
        None => format!("Schema{{{}}}", schema.kind),
    }
}

/// A number as the wider type `to`; anything else stays what it is.
fn widen(value: &Value, to: Type) -> Value {
    let whole = match value {
        Value::Int8(value) => i64::from(*value),
        Value::Int16(value) => i64::from(*value),
        Value::Int32(value) => i64::from(*value),
        Value::Int64(value) => *value,
        Value::Float32(value) if to == Type::Float64 => return Value::Float64((*value).into()),
        other => return other.clone(),
    };
    match to {
        Type::Int16 => Value::Int16(whole as i16),
        Type::Int32 => Value::Int32(whole as i32),
        Type::Int64 => Value::Int64(whole),
        Type::Float32 => Value::Float32(whole as f32),
        Type::Float64 => Value::Float64(whole as f64),
        _ => value.clone(),
    }
}
