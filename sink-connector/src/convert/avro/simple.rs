//! Avro types without parts that mean more than they are: logical types, and Connect's narrower integers.

use serde_json::Value as Json;
use sluiceway_schemas::avro::Type as AvroType;

use super::annotations::set;
use crate::error::Exception;
use crate::value::{Schema, Type};

/// Precision that is not told, because it is the one that nothing said.
const DEFAULT_PRECISION: i64 = 64;

/// A logical type of Connect.
pub(super) fn logical(kind: Type, name: &str) -> Schema {
    Schema {
        version: Some(1),
        ..Schema::of(kind).named(name)
    }
}

/// Whether the type is marked as this logical one, in whichever case.
pub(super) fn is_logical(of: &AvroType, name: &str) -> bool {
    of.logical_type()
        .is_some_and(|own| own.eq_ignore_ascii_case(name))
}

/// The schema of an int.
///
/// # Errors
/// `connect.type` is none of an int.
pub(super) fn int(of: &AvroType) -> Result<Schema, Exception> {
    let connect_type = of.attributes.get("connect.type").and_then(Json::as_str);
    Ok(match (of.logical_type(), connect_type) {
        _ if is_logical(of, "date") => logical(Type::Int32, crate::value::logical::DATE),
        _ if is_logical(of, "time-millis") => logical(Type::Int32, crate::value::logical::TIME),
        (Some(_), _) | (None, None) => Schema::of(Type::Int32),
        (None, Some(name)) => match name.to_ascii_uppercase().as_str() {
            "INT8" => Schema::of(Type::Int8),
            "INT16" => Schema::of(Type::Int16),
            "INT32" => Schema::of(Type::Int32),
            _ => {
                return Err(Exception::data(format!(
                    "Connect type annotation for Avro int field is null or invalid: {name}"
                )));
            }
        },
    })
}

/// The schema of bytes or of a fixed.
///
/// # Errors
/// The precision of a decimal is no number.
pub(super) fn bytes(of: &AvroType) -> Result<Schema, Exception> {
    if !is_logical(of, "decimal") {
        return Ok(Schema::of(Type::Bytes));
    }
    let scale = of.attributes.get("scale").and_then(Json::as_i64);
    let mut schema = Schema::decimal(scale.unwrap_or(0) as i32);
    if let Some(precision) = of.attributes.get("precision") {
        let precision = precision.as_i64().ok_or_else(|| {
            Exception::data("precision property must be a JSON Integer. https://avro.apache.org/docs/1.9.1/spec.html#Decimal")
        })?;
        if precision != DEFAULT_PRECISION {
            set(
                &mut schema,
                "connect.decimal.precision",
                precision.to_string(),
            );
        }
    }
    Ok(schema)
}
