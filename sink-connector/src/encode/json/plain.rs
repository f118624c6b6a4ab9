//! A value that is no struct, as Jackson writes the Java object behind it.

use super::text;
use crate::error::Exception;
use crate::value::Value;

const JACKSON: &str = "com.fasterxml.jackson.databind.JsonMappingException";

/// Appends `value`. Schemas have no say here: a Decimal is a number, dates are milliseconds.
pub(super) fn value(value: &Value, out: &mut Vec<u8>) -> Result<(), Exception> {
    match value {
        Value::Array(items) => {
            let mut at = 0;
            list(items, out, |item, out| {
                let written = self::value(item, out);
                at += 1;
                written.map_err(|error| inside(&format!("java.util.ArrayList[{}]", at - 1), error))
            })
        }
        Value::Map(entries) => {
            out.push(b'{');
            for (at, (key, item)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                let name = key_text(key).map_err(|error| inside(&entry("null"), error))?;
                text::string(&name, out);
                out.push(b':');
                self::value(item, out).map_err(|error| inside(&entry(&name), error))?;
            }
            out.push(b'}');
            Ok(())
        }
        Value::Struct(_) => Err(Exception::new(
            "com.fasterxml.jackson.databind.exc.InvalidDefinitionException",
            "No serializer found for class org.apache.kafka.connect.data.Struct and no properties discovered to create \
             BeanSerializer (to avoid exception, disable SerializationFeature.FAIL_ON_EMPTY_BEANS)",
        )),
        scalar => {
            self::scalar(scalar, out);
            Ok(())
        }
    }
}

fn entry(name: &str) -> String {
    format!("java.util.HashMap[\"{name}\"]")
}

/// Jackson's exception with one more place, from the outside, on the way to what it cannot write.
fn inside(place: &str, error: Exception) -> Exception {
    const CHAIN: &str = " (through reference chain: ";
    let message = match error.message.split_once(CHAIN) {
        Some((message, inner)) => format!("{message}{CHAIN}{place}->{inner}"),
        None => format!("{}{CHAIN}{place})", error.message),
    };
    Exception { message, ..error }
}

/// Appends `[…]`, each item by `item`.
pub(super) fn list<T>(
    items: &[T],
    out: &mut Vec<u8>,
    mut item: impl FnMut(&T, &mut Vec<u8>) -> Result<(), Exception>,
) -> Result<(), Exception> {
    out.push(b'[');
    for (at, one) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        item(one, out)?;
    }
    out.push(b']');
    Ok(())
}

/// Appends a value that holds no others.
pub(super) fn scalar(value: &Value, out: &mut Vec<u8>) {
    const DAY: i64 = 86_400_000;
    match value {
        Value::Int8(value) => text::integer((*value).into(), out),
        Value::Int16(value) => text::integer((*value).into(), out),
        Value::Int32(value) | Value::Time(value) => text::integer((*value).into(), out),
        Value::Int64(value) | Value::Timestamp(value) => text::integer(*value, out),
        Value::Date(days) => text::integer(i64::from(*days) * DAY, out),
        Value::Float32(value) => text::float(*value, out),
        Value::Float64(value) => text::double(*value, out),
        Value::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::String(value) => text::string(value, out),
        Value::Bytes(value) => text::base64(value, out),
        Value::Decimal(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Number(value) => out.extend_from_slice(value.as_str().as_bytes()),
        Value::Null | Value::Array(_) | Value::Map(_) | Value::Struct(_) => {
            out.extend_from_slice(b"null")
        }
    }
}

/// A map key, which in JSON is text.
fn key_text(key: &Value) -> Result<String, Exception> {
    match key {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Err(Exception::new(
            JACKSON,
            "Null key for a Map not allowed in JSON (use a converting NullKeySerializer?)",
        )),
        key => {
            let mut text = Vec::new();
            value(key, &mut text)?;
            Ok(String::from_utf8_lossy(&text).trim_matches('"').to_owned())
        }
    }
}
