//! Default values as the JSON that Avro schemas hold.

use super::{is_avro_map, is_union, or_default};
use crate::encode::json::text;
use crate::value::{Schema, Type, Value};

/// `value`, a default of `schema`, as JSON text. Bytes are text of one character a byte.
pub(super) fn json(schema: &Schema, value: &Value, optional_keys: bool) -> String {
    let mut out = Vec::new();
    append(schema, value, optional_keys, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether Avro takes the default for a field: it knows no `NaN`, no infinities, and no map whose keys are no strings.
pub(super) fn is_valid(schema: &Schema, value: &Value, optional_keys: bool) -> bool {
    let element = schema.element.as_deref();
    match value {
        Value::Float32(value) => value.is_finite(),
        Value::Float64(value) => value.is_finite(),
        Value::Array(items) => items
            .iter()
            .all(|item| element.is_none_or(|element| is_valid(element, item, optional_keys))),
        Value::Map(entries) => {
            let values = |(_, item): &(Value, Value)| {
                element.is_none_or(|element| is_valid(element, item, optional_keys))
            };
            entries.is_empty() || (is_avro_map(schema, optional_keys) && entries.iter().all(values))
        }
        Value::Struct(value) => value
            .iter()
            .all(|(field, item)| is_valid(&field.schema, item, optional_keys)),
        _ => true,
    }
}

fn append(schema: &Schema, value: &Value, optional_keys: bool, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Int8(value) => text::integer((*value).into(), out),
        Value::Int16(value) => text::integer((*value).into(), out),
        Value::Int32(value) | Value::Date(value) | Value::Time(value) => {
            text::integer((*value).into(), out);
        }
        Value::Int64(value) | Value::Timestamp(value) => text::integer(*value, out),
        Value::Float32(value) => text::float(*value, out),
        Value::Float64(value) => text::double(*value, out),
        Value::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::String(value) => text::string(value, out),
        Value::Bytes(bytes) => latin1(bytes, out),
        Value::Decimal(decimal) => latin1(decimal.unscaled(), out),
        Value::Number(number) => out.extend_from_slice(number.as_str().as_bytes()),
        Value::Array(items) => list(items, out, |item, out| match &schema.element {
            Some(element) => append(element, item, optional_keys, out),
            None => out.extend_from_slice(b"null"),
        }),
        Value::Map(entries) => map(schema, entries, optional_keys, out),
        Value::Struct(record) if is_union(schema) => {
            // As the original: the first member, whichever is set.
            if let Some((field, item)) = record.iter().next() {
                append(&field.schema, item, optional_keys, out);
            }
        }
        Value::Struct(record) => {
            let fields: Vec<_> = record.iter().collect();
            object(&fields, out, |(field, item), out| {
                text::string(&field.name, out);
                out.push(b':');
                append(
                    &field.schema,
                    or_default(&field.schema, item),
                    optional_keys,
                    out,
                );
            });
        }
    }
}

fn map(schema: &Schema, entries: &[(Value, Value)], optional_keys: bool, out: &mut Vec<u8>) {
    let (Some(key_schema), Some(element)) = (&schema.key, &schema.element) else {
        return out.extend_from_slice(b"null");
    };
    if is_avro_map(schema, optional_keys) && key_schema.kind == Type::String {
        return object(entries, out, |(key, item), out| {
            append(key_schema, key, optional_keys, out);
            out.push(b':');
            append(element, item, optional_keys, out);
        });
    }
    list(entries, out, |(key, item), out| {
        out.push(b'[');
        append(key_schema, key, optional_keys, out);
        out.push(b',');
        append(element, item, optional_keys, out);
        out.push(b']');
    });
}

fn latin1(bytes: &[u8], out: &mut Vec<u8>) {
    let characters: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    text::string(&characters, out);
}

fn object<T>(items: &[T], out: &mut Vec<u8>, item: impl FnMut(&T, &mut Vec<u8>)) {
    out.push(b'{');
    separated(items, out, item);
    out.push(b'}');
}

fn list<T>(items: &[T], out: &mut Vec<u8>, item: impl FnMut(&T, &mut Vec<u8>)) {
    out.push(b'[');
    separated(items, out, item);
    out.push(b']');
}

fn separated<T>(items: &[T], out: &mut Vec<u8>, mut item: impl FnMut(&T, &mut Vec<u8>)) {
    for (at, one) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        item(one, out);
    }
}
