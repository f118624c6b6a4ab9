//! Structs, as Connect's `JsonConverter` writes them without its envelope.

use super::{plain, text};
use crate::config::DecimalFormat;
use crate::error::Exception;
use crate::value::{Schema, SchemaRef, Struct, Type, Value, logical};

/// Appends the fields in the schema's order.
pub(super) fn record(
    record: &Struct,
    decimals: DecimalFormat,
    out: &mut Vec<u8>,
) -> Result<(), Exception> {
    out.push(b'{');
    for (at, (field, item)) in record.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        text::string(&field.name, out);
        out.push(b':');
        value(&field.schema, item, decimals, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// Appends `item`, a value of `schema`. A null becomes the schema's default.
fn value(
    schema: &SchemaRef,
    item: &Value,
    decimals: DecimalFormat,
    out: &mut Vec<u8>,
) -> Result<(), Exception> {
    match (item, &schema.default) {
        (Value::Null, Some(Value::Null)) | (Value::Null, None) => null(schema, out),
        (Value::Null, Some(default)) => present(schema, default, decimals, out),
        _ => present(schema, item, decimals, out),
    }
}

fn null(schema: &Schema, out: &mut Vec<u8>) -> Result<(), Exception> {
    if !schema.optional {
        return Err(Exception::data(
            "Conversion error: null value for field that is required and has no default value",
        ));
    }
    out.extend_from_slice(b"null");
    Ok(())
}

fn present(
    schema: &SchemaRef,
    item: &Value,
    decimals: DecimalFormat,
    out: &mut Vec<u8>,
) -> Result<(), Exception> {
    match item {
        Value::Decimal(_) if decimals == DecimalFormat::Base64 => decimal(schema, item, out),
        Value::Date(days) => {
            text::integer((*days).into(), out);
            Ok(())
        }
        Value::Array(items) => match &schema.element {
            Some(element) => {
                plain::list(items, out, |item, out| value(element, item, decimals, out))
            }
            None => plain::value(item, out),
        },
        Value::Map(entries) => map(schema, entries, decimals, out),
        Value::Struct(item) => record(item, decimals, out),
        scalar => {
            plain::scalar(scalar, out);
            Ok(())
        }
    }
}

/// The unscaled integer's bytes; the scale must be the schema's.
fn decimal(schema: &Schema, item: &Value, out: &mut Vec<u8>) -> Result<(), Exception> {
    let Value::Decimal(decimal) = item else {
        return Ok(());
    };
    if !schema.is_logical(logical::DECIMAL) {
        return Err(Exception::data(
            "Invalid type for bytes type: class java.math.BigDecimal",
        ));
    }
    let scale = schema.required_scale()?;
    if scale != decimal.scale() {
        return Err(Exception::data(format!(
            "Decimal value has mismatching scale for given Decimal schema. Schema has scale {scale}, value has scale {}.",
            decimal.scale()
        )));
    }
    text::base64(decimal.unscaled(), out);
    Ok(())
}

/// An object where the keys are strings, a list of pairs otherwise.
fn map(
    schema: &Schema,
    entries: &[(Value, Value)],
    decimals: DecimalFormat,
    out: &mut Vec<u8>,
) -> Result<(), Exception> {
    let (Some(key_schema), Some(element)) = (&schema.key, &schema.element) else {
        return Err(Exception::data(format!(
            "Mismatching schema: a map for a schema of type {}",
            schema.kind
        )));
    };
    if key_schema.kind != Type::String {
        return plain::list(entries, out, |(key, item), out| {
            out.push(b'[');
            value(key_schema, key, decimals, out)?;
            out.push(b',');
            value(element, item, decimals, out)?;
            out.push(b']');
            Ok(())
        });
    }
    out.push(b'{');
    for (at, (key, item)) in entries.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        match key {
            // A name is text, also where there is none.
            Value::Null => out.extend_from_slice(b"\"null\""),
            key => value(key_schema, key, decimals, out)?,
        }
        out.push(b':');
        value(element, item, decimals, out)?;
    }
    out.push(b'}');
    Ok(())
}
