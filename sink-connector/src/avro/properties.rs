//! What of a Connect schema becomes properties of its Avro schema, in the original's order.

use super::default;
use crate::config::AvroOptions;
use crate::encode::json::text::string;
use crate::value::{Schema, Type, logical};

/// Parameter that says that the default came from an Avro field; it is no parameter of the user.
const DEFAULT_FLAG: &str = "io.confluent.connect.avro.field.default";
/// Parameter of a Decimal: digits at most.
const PRECISION: &str = "connect.decimal.precision";
/// Digits of a Decimal without one.
const DEFAULT_PRECISION: &str = "64";

/// The properties of the Avro type of `schema`.
pub(super) fn of(schema: &Schema, options: AvroOptions) -> Vec<(String, String)> {
    let mut out = Vec::new();
    if schema.is_logical(logical::DECIMAL) && schema.kind == Type::Bytes {
        put(&mut out, "scale", schema.scale().unwrap_or(0).to_string());
        let precision = schema.parameters.get(PRECISION);
        let precision = precision.map_or(DEFAULT_PRECISION, String::as_str);
        put(&mut out, "precision", precision.to_owned());
    }
    if options.connect_meta_data {
        meta_data(schema, options, &mut out);
    }
    if let Some(name) = logical_type(schema) {
        put(&mut out, "logicalType", quoted(name));
    }
    for (name, value) in schema.parameters.iter() {
        if name.starts_with("avro") {
            put(&mut out, name, quoted(value));
        }
    }
    out
}

/// The property that holds a schema's parameters; `None` when there are none.
pub(super) fn parameters(schema: &Schema) -> Option<(String, String)> {
    let mut out = Vec::new();
    for (name, value) in schema.parameters.iter() {
        if name == DEFAULT_FLAG {
            continue;
        }
        out.push(if out.is_empty() { b'{' } else { b',' });
        string(name, &mut out);
        out.push(b':');
        string(value, &mut out);
    }
    if out.is_empty() {
        return None;
    }
    out.push(b'}');
    let text = String::from_utf8_lossy(&out).into_owned();
    Some(("connect.parameters".to_owned(), text))
}

fn meta_data(schema: &Schema, options: AvroOptions, out: &mut Vec<(String, String)>) {
    if let Some(doc) = &schema.doc {
        put(out, "connect.doc", quoted(doc));
    }
    if let Some(version) = schema.version {
        put(out, "connect.version", version.to_string());
    }
    out.extend(parameters(schema));
    if let Some(value) = &schema.default
        && !schema.parameters.contains_key(DEFAULT_FLAG)
    {
        let json = default::json(schema, value, options.optional_map_keys);
        put(out, "connect.default", json);
    }
    if let Some(name) = &schema.name {
        put(out, "connect.name", quoted(name));
    }
    match schema.kind {
        Type::Int8 => put(out, "connect.type", quoted("int8")),
        Type::Int16 => put(out, "connect.type", quoted("int16")),
        _ => {}
    }
}

fn logical_type(schema: &Schema) -> Option<&'static str> {
    match (schema.name.as_deref()?, schema.kind) {
        (logical::DECIMAL, Type::Bytes) => Some("decimal"),
        (logical::DATE, Type::Int32) => Some("date"),
        (logical::TIME, Type::Int32) => Some("time-millis"),
        (logical::TIMESTAMP, Type::Int64) => Some("timestamp-millis"),
        _ => None,
    }
}

fn put(out: &mut Vec<(String, String)>, name: &str, json: String) {
    out.push((name.to_owned(), json));
}

fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    string(text, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
