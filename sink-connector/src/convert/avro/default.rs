//! A default of Avro's JSON form → value of the translated schema.

use std::sync::Arc;

use serde_json::Value as Json;
use sluiceway_schemas::avro::{Kind, Schema as Avro, TypeId};

use super::translate::map_entry;
use crate::error::Exception;
use crate::value::{Decimal, SchemaRef, Struct, Type, Value, logical};

/// The value; `None` where Connect keeps no default: one that does not fit is passed over, as in the original.
pub(super) fn value(avro: &Avro, id: TypeId, schema: &SchemaRef, json: &Json) -> Option<Value> {
    match &avro.get(id).kind {
        Kind::Union(branches) => union(avro, branches, schema, json),
        _ => single(avro, id, schema, json).ok(),
    }
}

/// The default of a union of several branches, which is one of the first: a struct with that member set. The original
/// finds the member by the Java class of the default, which those of records and enums do not tell.
fn union(avro: &Avro, branches: &[TypeId], schema: &SchemaRef, json: &Json) -> Option<Value> {
    let first = *branches.first()?;
    let told = match &avro.get(first).kind {
        Kind::Null | Kind::Record(_) | Kind::Enum(_) | Kind::Union(_) => false,
        Kind::Array(items) => map_entry(avro.get(*items)).is_none(),
        _ => true,
    };
    let member = &schema.fields.first().filter(|_| told)?.schema;
    let mut of = Struct::new(schema);
    *of.values.first_mut()? = single(avro, first, member, json).ok()?;
    Some(Value::Struct(of))
}

fn single(avro: &Avro, id: TypeId, schema: &SchemaRef, json: &Json) -> Result<Value, Exception> {
    let wrong = || Exception::data(format!("Invalid default value {json}"));
    let integer = || json.as_i64().ok_or_else(wrong);
    let number = || json.as_f64().ok_or_else(wrong);
    let text = || json.as_str().ok_or_else(wrong);
    Ok(match &avro.get(id).kind {
        Kind::Null => Value::Null,
        Kind::Boolean => Value::Boolean(json.as_bool().ok_or_else(wrong)?),
        Kind::Int => match (schema.name.as_deref(), schema.kind) {
            (Some(logical::DATE), _) => Value::Date(integer()? as i32),
            (Some(logical::TIME), _) => Value::Time(integer()? as i32),
            (_, Type::Int8) => Value::Int8(integer()? as i8),
            (_, Type::Int16) => Value::Int16(integer()? as i16),
            _ => Value::Int32(integer()? as i32),
        },
        Kind::Long if schema.is_logical(logical::TIMESTAMP) => Value::Timestamp(integer()?),
        Kind::Long => Value::Int64(integer()?),
        Kind::Float => Value::Float32(number()? as f32),
        Kind::Double => Value::Float64(number()?),
        Kind::String | Kind::Enum(_) => Value::String(text()?.to_owned()),
        Kind::Bytes | Kind::Fixed(_) => {
            let bytes: Vec<u8> = text()?
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
                .collect();
            match schema
                .scale()
                .filter(|_| schema.is_logical(logical::DECIMAL))
            {
                Some(scale) => Value::Decimal(Decimal::new(bytes, scale)),
                None => Value::Bytes(bytes),
            }
        }
        Kind::Array(items) => array(avro, *items, schema, json)?,
        Kind::Map(values) => {
            let members = json.as_object().ok_or_else(wrong)?;
            let of = schema.element.as_ref().ok_or_else(wrong)?;
            let entries = members
                .iter()
                .map(|(key, json)| {
                    Ok((Value::String(key.clone()), member(avro, *values, of, json)?))
                })
                .collect::<Result<_, Exception>>()?;
            Value::Map(entries)
        }
        Kind::Record(record) => {
            let members = json.as_object().ok_or_else(wrong)?;
            let mut values = Vec::with_capacity(record.fields.len());
            for (field, of) in record.fields.iter().zip(&schema.fields) {
                let given = members.get(&field.name).or(field.default.as_ref());
                values.push(member(
                    avro,
                    field.schema,
                    &of.schema,
                    given.ok_or_else(wrong)?,
                )?);
            }
            Value::Struct(Struct {
                schema: Arc::clone(schema),
                values,
            })
        }
        Kind::Union(_) => return Err(wrong()),
    })
}

fn array(avro: &Avro, items: TypeId, schema: &SchemaRef, json: &Json) -> Result<Value, Exception> {
    let wrong = || Exception::data(format!("Invalid default value {json}"));
    let elements = json.as_array().ok_or_else(wrong)?;
    if map_entry(avro.get(items)).is_some() {
        return if elements.is_empty() {
            Ok(Value::Map(Vec::new()))
        } else {
            Err(wrong())
        };
    }
    let of = schema.element.as_ref().ok_or_else(wrong)?;
    let values = elements
        .iter()
        .map(|json| member(avro, items, of, json))
        .collect::<Result<_, _>>()?;
    Ok(Value::Array(values))
}

/// A value inside another. A union's default is of its first branch.
fn member(avro: &Avro, id: TypeId, schema: &SchemaRef, json: &Json) -> Result<Value, Exception> {
    match &avro.get(id).kind {
        Kind::Union(branches) => match branches.first() {
            Some(first) if !json.is_null() => single(avro, *first, schema, json),
            _ => Ok(Value::Null),
        },
        _ => single(avro, id, schema, json),
    }
}
