//! Values in Avro's binary form, straight from Connect's.

use super::schema::{Kind, Named, Node};
use super::{AvroSchema, anything, is_union, or_default};
use crate::error::Exception;
use crate::value::{Schema, Struct, Type, Value, logical};

/// Appends `value`, which is one of the Connect schema that `avro` was made of.
///
/// # Errors
/// A `DataException` when it is none. What was appended is to be cut off then.
pub fn datum(avro: &AvroSchema, value: &Value, out: &mut Vec<u8>) -> Result<(), Exception> {
    match &avro.connect {
        Some(schema) => Writer { avro }.value(schema, &avro.root, value, out),
        None => anything::append(value, out),
    }
}

/// Appends a whole number: zigzag, seven bits a byte, lowest first.
pub fn long(value: i64, out: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Appends bytes with their length before them.
pub fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    size(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn size(size: usize, out: &mut Vec<u8>) {
    long(i64::try_from(size).unwrap_or(i64::MAX), out);
}

/// Appends items as one block, and the end of blocks.
pub(super) fn blocks<T>(
    items: &[T],
    out: &mut Vec<u8>,
    mut item: impl FnMut(&T, &mut Vec<u8>) -> Result<(), Exception>,
) -> Result<(), Exception> {
    if !items.is_empty() {
        size(items.len(), out);
        for one in items {
            item(one, out)?;
        }
    }
    out.push(0);
    Ok(())
}

/// The member of a union struct that is set: its position among the fields, and its value.
pub fn member(value: &Struct) -> Option<(usize, &Value)> {
    let members = value.values.iter().enumerate();
    let mut set = members.filter(|(_, item)| !item.is_null());
    set.next()
}

/// What is said of a value that is none of its schema.
pub fn wrong_type(schema: &Schema, value: &Value) -> Exception {
    let class = value.java_class();
    let wants = |kind: &str, java: &str| {
        format!("Invalid type for {kind}, expected {java} but was class {class}")
    };
    Exception::data(match schema.name.as_deref() {
        Some(logical::DECIMAL) => wants("Decimal", "BigDecimal"),
        Some(logical::DATE) => wants("Date", "Date"),
        Some(logical::TIME) => wants("Time", "Date"),
        Some(logical::TIMESTAMP) => wants("Timestamp", "Date"),
        _ => format!("Invalid type for {}: class {class}", schema.kind),
    })
}

/// What is said of a null where there may be none.
pub fn null_refused() -> Exception {
    Exception::data("Found null value for non-optional schema")
}

/// The bytes of a Decimal, whose scale must be the schema's.
///
/// # Errors
/// The scales differ, or the schema has none.
pub fn decimal<'v>(
    schema: &Schema,
    value: &'v crate::value::Decimal,
) -> Result<&'v [u8], Exception> {
    let scale = schema.required_scale()?;
    if scale != value.scale() {
        return Err(Exception::data(format!(
            "Decimal value has mismatching scale for given Decimal schema. Schema has scale {scale}, value has scale {}.",
            value.scale()
        )));
    }
    Ok(match value.unscaled() {
        [] => &[0],
        unscaled => unscaled,
    })
}

struct Writer<'s> {
    avro: &'s AvroSchema,
}

impl Writer<'_> {
    fn value(
        &self,
        schema: &Schema,
        node: &Node,
        value: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), Exception> {
        let Kind::Union(members) = &node.kind else {
            return self.present(schema, node, value, out);
        };
        if is_union(schema) && !value.is_null() {
            return self.union(schema, members, value, out);
        }
        let wanted = members
            .iter()
            .position(|member| member.is_null() == value.is_null());
        let at = wanted.ok_or_else(null_refused)?;
        size(at, out);
        match value {
            Value::Null => Ok(()),
            value => self.present(schema, &members[at], value, out),
        }
    }

    fn union(
        &self,
        schema: &Schema,
        members: &[Node],
        value: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), Exception> {
        let Value::Struct(value) = value else {
            return Err(wrong_type(schema, value));
        };
        let with_null = usize::from(members.first().is_some_and(Node::is_null));
        match member(value) {
            Some((at, item)) if at + with_null < members.len() => {
                size(at + with_null, out);
                let field = &value.schema.fields[at].schema;
                self.present(field, &members[at + with_null], item, out)
            }
            _ if with_null == 1 => {
                size(0, out);
                Ok(())
            }
            _ => Err(null_refused()),
        }
    }

    /// A value that is not null, or a null that is refused.
    fn present(
        &self,
        schema: &Schema,
        node: &Node,
        value: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), Exception> {
        match (schema.kind, value) {
            (_, Value::Null) => return Err(null_refused()),
            (Type::Int8, Value::Int8(value)) => long((*value).into(), out),
            (Type::Int16, Value::Int16(value)) => long((*value).into(), out),
            (Type::Int32, Value::Int32(value) | Value::Date(value) | Value::Time(value)) => {
                long((*value).into(), out);
            }
            (Type::Int64, Value::Int64(value) | Value::Timestamp(value)) => long(*value, out),
            (Type::Float32, Value::Float32(value)) => out.extend_from_slice(&value.to_le_bytes()),
            (Type::Float64, Value::Float64(value)) => out.extend_from_slice(&value.to_le_bytes()),
            (Type::Boolean, Value::Boolean(value)) => out.push(u8::from(*value)),
            (Type::String, Value::String(text)) => return self.text(node, text, out),
            (Type::Bytes, Value::Bytes(value)) => return self.bytes(node, value, out),
            (Type::Bytes, Value::Decimal(value)) => {
                return self.bytes(node, decimal(schema, value)?, out);
            }
            (Type::Array, Value::Array(items)) => return self.array(schema, node, items, out),
            (Type::Map, Value::Map(entries)) => return self.map(schema, node, entries, out),
            (Type::Struct, Value::Struct(value)) => return self.record(node, value, out),
            (_, value) => return Err(wrong_type(schema, value)),
        }
        Ok(())
    }

    fn text(&self, node: &Node, text: &str, out: &mut Vec<u8>) -> Result<(), Exception> {
        let Some(Named::Enum(symbols)) = self.avro.resolve(node) else {
            bytes(text.as_bytes(), out);
            return Ok(());
        };
        let at = symbols.symbols.iter().position(|symbol| symbol == text);
        let unknown = || {
            let name = symbols.name.full();
            Exception::data(format!("{text} is no symbol of the enum {name}"))
        };
        size(at.ok_or_else(unknown)?, out);
        Ok(())
    }

    fn bytes(&self, node: &Node, value: &[u8], out: &mut Vec<u8>) -> Result<(), Exception> {
        match self.avro.resolve(node) {
            Some(Named::Fixed(name, size)) if *size != value.len() => {
                Err(Exception::data(format!(
                    "{} bytes for the fixed type {} of {size}",
                    value.len(),
                    name.full()
                )))
            }
            Some(Named::Fixed(..)) => {
                out.extend_from_slice(value);
                Ok(())
            }
            _ => {
                bytes(value, out);
                Ok(())
            }
        }
    }

    fn array(
        &self,
        schema: &Schema,
        node: &Node,
        items: &[Value],
        out: &mut Vec<u8>,
    ) -> Result<(), Exception> {
        let (Kind::Array(element), Some(of)) = (&node.kind, &schema.element) else {
            return blocks(items, out, anything::append);
        };
        blocks(items, out, |item, out| self.value(of, element, item, out))
    }

    fn map(
        &self,
        schema: &Schema,
        node: &Node,
        entries: &[(Value, Value)],
        out: &mut Vec<u8>,
    ) -> Result<(), Exception> {
        let (Some(keys), Some(values)) = (&schema.key, &schema.element) else {
            return Err(Exception::data("A map schema without keys or values"));
        };
        match &node.kind {
            Kind::Map(value_node) => blocks(entries, out, |(key, item), out| {
                match key {
                    Value::String(key) => bytes(key.as_bytes(), out),
                    other => return Err(wrong_type(keys, other)),
                }
                self.value(values, value_node, item, out)
            }),
            Kind::Array(entry) => {
                let Some(Named::Record(record)) = self.avro.resolve(entry) else {
                    return Err(Exception::data("A map's entries are no records"));
                };
                let [key_field, value_field] = record.fields.as_slice() else {
                    return Err(Exception::data("A map's entries have no key or no value"));
                };
                blocks(entries, out, |(key, item), out| {
                    self.value(keys, &key_field.schema, key, out)?;
                    self.value(values, &value_field.schema, item, out)
                })
            }
            _ => Err(Exception::data("A map is written as something else")),
        }
    }

    fn record(&self, node: &Node, value: &Struct, out: &mut Vec<u8>) -> Result<(), Exception> {
        let Some(Named::Record(record)) = self.avro.resolve(node) else {
            return Err(mismatch());
        };
        if record.fields.len() != value.schema.fields.len() {
            return Err(mismatch());
        }
        for (wanted, (field, item)) in record.fields.iter().zip(value.iter()) {
            if wanted.name != field.name {
                return Err(mismatch());
            }
            let item = or_default(&field.schema, item);
            self.value(&field.schema, &wanted.schema, item, out)?;
        }
        Ok(())
    }
}

/// A struct of another schema than the file's.
pub fn mismatch() -> Exception {
    Exception::data("Mismatching struct schema")
}
