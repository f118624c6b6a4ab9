//! Values without schema: the record `Anything`, which has a field for each kind of value.

use std::sync::LazyLock;

use super::schema::{Field, Kind, Name, Named, Node, Record};
use super::{NAMESPACE, write};
use crate::error::Exception;
use crate::value::Value;

static SCHEMA: LazyLock<Node> = LazyLock::new(|| {
    let name = |name: &str| Name {
        space: Some(NAMESPACE.to_owned()),
        name: name.to_owned(),
    };
    let own = || Node::new(Kind::Reference(format!("{NAMESPACE}.Anything")));
    let field = |name: &str, schema: Node, default: Option<&str>| Field {
        name: name.to_owned(),
        schema,
        doc: None,
        default: default.map(str::to_owned),
        properties: Vec::new(),
    };
    let optional = |name: &str, schema: Node| {
        let union = Kind::Union(vec![Node::primitive("null"), schema]);
        field(name, Node::new(union), Some("null"))
    };
    let record = |name: Name, fields: Vec<Field>| {
        let record = Record {
            name,
            doc: None,
            fields,
        };
        Node::new(Kind::Named(Named::Record(record.into())))
    };
    let mut fields: Vec<Field> = PRIMITIVES
        .into_iter()
        .map(|kind| optional(kind, Node::primitive(kind)))
        .collect();
    let array = |items: Node| Node::new(Kind::Array(Box::new(items)));
    let entry = vec![field("key", own(), None), field("value", own(), None)];
    fields.push(optional("array", array(own())));
    fields.push(optional("map", array(record(name("MapEntry"), entry))));
    record(name("Anything"), fields)
});

/// Fields of `Anything` that hold values without parts, in order.
const PRIMITIVES: [&str; 7] = [
    "boolean", "bytes", "double", "float", "int", "long", "string",
];
const ARRAY: usize = 7;
const MAP: usize = 8;

/// The schema of `Anything`.
pub(super) fn schema() -> Node {
    SCHEMA.clone()
}

/// Appends `value` as `Anything`.
///
/// # Errors
/// Bytes, structs, dates and decimals: without a schema the original does not know them.
pub(super) fn append(value: &Value, out: &mut Vec<u8>) -> Result<(), Exception> {
    match value {
        Value::Null => only(None, out, |_| Ok(())),
        Value::Boolean(value) => only(Some(0), out, |out| {
            out.push(u8::from(*value));
            Ok(())
        }),
        Value::Float64(value) => only(Some(2), out, |out| {
            out.extend_from_slice(&value.to_le_bytes());
            Ok(())
        }),
        Value::Float32(value) => only(Some(3), out, |out| {
            out.extend_from_slice(&value.to_le_bytes());
            Ok(())
        }),
        Value::Int8(value) => long(4, (*value).into(), out),
        Value::Int16(value) => long(4, (*value).into(), out),
        Value::Int32(value) => long(4, (*value).into(), out),
        Value::Int64(value) => long(5, *value, out),
        Value::Number(number) if number.is_integer() => long(5, number.as_i64(), out),
        Value::Number(number) => append(&Value::Float64(number.as_f64()), out),
        Value::String(text) => only(Some(6), out, |out| {
            write::bytes(text.as_bytes(), out);
            Ok(())
        }),
        Value::Array(items) => only(Some(ARRAY), out, |out| write::blocks(items, out, append)),
        Value::Map(entries) => only(Some(MAP), out, |out| {
            write::blocks(entries, out, |(key, item), out| {
                append(key, out)?;
                append(item, out)
            })
        }),
        other => Err(Exception::data(format!(
            "Unknown Java type for schemaless data: class {}",
            other.java_class()
        ))),
    }
}

fn long(field: usize, value: i64, out: &mut Vec<u8>) -> Result<(), Exception> {
    only(Some(field), out, |out| {
        write::long(value, out);
        Ok(())
    })
}

/// All fields null but one, which `write` appends.
fn only(
    field: Option<usize>,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), Exception>,
) -> Result<(), Exception> {
    let Some(field) = field else {
        out.extend_from_slice(&[0; MAP + 1]);
        return Ok(());
    };
    out.resize(out.len() + field, 0);
    write::long(1, out);
    write(out)?;
    out.resize(out.len() + MAP - field, 0);
    Ok(())
}
