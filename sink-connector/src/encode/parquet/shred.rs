//! A record → columns: each value with the levels that say where in the record it stood.

use super::columns::{Columns, Scalar};
use super::layout::{Layout, Shape, Slot};
use crate::avro::schema::{Kind, Named, Node, Record};
use crate::avro::write::{decimal, member, mismatch, null_refused, wrong_type};
use crate::avro::{AvroSchema, is_union, or_default};
use crate::error::Exception;
use crate::value::{Schema, Struct, Type, Value};

/// Takes `value`, a struct of the schema behind `avro`, apart.
///
/// # Errors
/// A `DataException` when it is none; columns may hold a part of it then.
pub(super) fn record(
    avro: &AvroSchema,
    layout: &Layout,
    value: &Value,
    columns: &mut Columns,
) -> Result<(), Exception> {
    let mut shredder = Shredder { avro, columns };
    match (value, avro.resolve(&avro.root), &avro.connect) {
        (Value::Struct(value), Some(Named::Record(root)), _) => {
            shredder.fields(root, &layout.fields, value, 0, 0)
        }
        (value, _, Some(schema)) => Err(wrong_type(schema, value)),
        _ => Err(mismatch()),
    }
}

struct Shredder<'a> {
    avro: &'a AvroSchema,
    columns: &'a mut Columns,
}

impl Shredder<'_> {
    fn fields(
        &mut self,
        record: &Record,
        slots: &[Slot],
        value: &Struct,
        defined: i16,
        repeated: i16,
    ) -> Result<(), Exception> {
        if record.fields.len() != value.schema.fields.len() {
            return Err(mismatch());
        }
        let places = record.fields.iter().zip(slots);
        for ((wanted, slot), (field, item)) in places.zip(value.iter()) {
            if wanted.name != field.name {
                return Err(mismatch());
            }
            let item = or_default(&field.schema, item);
            self.value(&field.schema, &wanted.schema, slot, item, defined, repeated)?;
        }
        Ok(())
    }

    /// A value or nothing in `slot`; `defined` is the level of what it stands in.
    fn value(
        &mut self,
        schema: &Schema,
        node: &Node,
        slot: &Slot,
        value: &Value,
        defined: i16,
        repeated: i16,
    ) -> Result<(), Exception> {
        if is_nothing(schema, value) {
            if !slot.optional {
                return Err(null_refused());
            }
            self.nothing(slot, defined, repeated);
            return Ok(());
        }
        let Kind::Union(members) = &node.kind else {
            return self.present(schema, node, slot, value, repeated);
        };
        if is_union(schema) {
            return self.union(members, slot, value, repeated);
        }
        let present = members.iter().find(|member| !member.is_null());
        self.present(schema, present.ok_or_else(mismatch)?, slot, value, repeated)
    }

    fn nothing(&mut self, slot: &Slot, defined: i16, repeated: i16) {
        for column in slot.columns.clone() {
            self.columns.nothing(column, defined, repeated);
        }
    }

    fn union(
        &mut self,
        members: &[Node],
        slot: &Slot,
        value: &Value,
        repeated: i16,
    ) -> Result<(), Exception> {
        let Value::Struct(value) = value else {
            return Err(mismatch());
        };
        let (at, item) = member(value).ok_or_else(null_refused)?;
        let schema = &value.schema.fields[at].schema;
        let present: Vec<&Node> = members.iter().filter(|node| !node.is_null()).collect();
        let node = present.get(at).ok_or_else(mismatch)?;
        let Shape::Union(slots) = &slot.shape else {
            // One member besides null stands for itself.
            return self.present(schema, node, slot, item, repeated);
        };
        for (other, place) in slots.iter().enumerate() {
            match other == at {
                true => self.present(schema, node, place, item, repeated)?,
                false => self.nothing(place, slot.defined, repeated),
            }
        }
        Ok(())
    }

    /// A value that is there.
    fn present(
        &mut self,
        schema: &Schema,
        node: &Node,
        slot: &Slot,
        value: &Value,
        repeated: i16,
    ) -> Result<(), Exception> {
        match (&slot.shape, value) {
            (Shape::Leaf(column), value) => {
                let scalar = self.scalar(schema, node, value)?;
                match self.columns.value(*column, &scalar, slot.defined, repeated) {
                    true => Ok(()),
                    false => Err(wrong_type(schema, value)),
                }
            }
            (Shape::Record(slots), Value::Struct(value)) => match self.avro.resolve(node) {
                Some(Named::Record(record)) => {
                    let record = std::sync::Arc::clone(record);
                    self.fields(&record, slots, value, slot.defined, repeated)
                }
                _ => Err(mismatch()),
            },
            (Shape::List(level, item), Value::Array(items)) => {
                self.list(schema, node, slot, (*level, item), items, repeated)
            }
            (Shape::List(level, item), Value::Map(entries)) => {
                self.entries(schema, node, slot, (*level, item), entries, repeated)
            }
            (Shape::Map(level, places), Value::Map(entries)) => {
                self.map(schema, node, slot, (*level, places), entries, repeated)
            }
            (Shape::Union(_), value) => match &node.kind {
                Kind::Union(members) => self.union(members, slot, value, repeated),
                _ => Err(mismatch()),
            },
            (_, value) => Err(wrong_type(schema, value)),
        }
    }

    fn list(
        &mut self,
        schema: &Schema,
        node: &Node,
        slot: &Slot,
        (level, item): (i16, &Slot),
        items: &[Value],
        repeated: i16,
    ) -> Result<(), Exception> {
        let (Kind::Array(element), Some(of)) = (&node.kind, &schema.element) else {
            return Err(wrong_type(schema, &Value::Array(Vec::new())));
        };
        if items.is_empty() {
            self.nothing(slot, slot.defined, repeated);
        }
        for (at, value) in items.iter().enumerate() {
            let repeated = if at == 0 { repeated } else { level };
            self.value(of, element, item, value, slot.defined + 1, repeated)?;
        }
        Ok(())
    }

    /// A map whose keys are no strings: a list of records of key and value.
    fn entries(
        &mut self,
        schema: &Schema,
        node: &Node,
        slot: &Slot,
        (level, item): (i16, &Slot),
        entries: &[(Value, Value)],
        repeated: i16,
    ) -> Result<(), Exception> {
        let (Kind::Array(entry), Shape::Record(places)) = (&node.kind, &item.shape) else {
            return Err(wrong_type(schema, &Value::Map(Vec::new())));
        };
        let Some(Named::Record(record)) = self.avro.resolve(entry) else {
            return Err(mismatch());
        };
        let record = std::sync::Arc::clone(record);
        let ([key_field, value_field], [key_place, value_place]) =
            (record.fields.as_slice(), places.as_slice())
        else {
            return Err(mismatch());
        };
        let (Some(keys), Some(values)) = (&schema.key, &schema.element) else {
            return Err(mismatch());
        };
        if entries.is_empty() {
            self.nothing(slot, slot.defined, repeated);
        }
        for (at, (key, value)) in entries.iter().enumerate() {
            let repeated = if at == 0 { repeated } else { level };
            let defined = item.defined;
            self.value(keys, &key_field.schema, key_place, key, defined, repeated)?;
            self.value(
                values,
                &value_field.schema,
                value_place,
                value,
                defined,
                repeated,
            )?;
        }
        Ok(())
    }

    fn map(
        &mut self,
        schema: &Schema,
        node: &Node,
        slot: &Slot,
        (level, places): (i16, &(Slot, Slot)),
        entries: &[(Value, Value)],
        repeated: i16,
    ) -> Result<(), Exception> {
        let (Kind::Map(of), Some(keys), Some(values)) = (&node.kind, &schema.key, &schema.element)
        else {
            return Err(wrong_type(schema, &Value::Map(Vec::new())));
        };
        if entries.is_empty() {
            self.nothing(slot, slot.defined, repeated);
        }
        let text = Node::primitive("string");
        for (at, (key, value)) in entries.iter().enumerate() {
            let repeated = if at == 0 { repeated } else { level };
            let defined = slot.defined + 1;
            self.value(keys, &text, &places.0, key, defined, repeated)?;
            self.value(values, of, &places.1, value, defined, repeated)?;
        }
        Ok(())
    }

    fn scalar<'v>(
        &self,
        schema: &Schema,
        node: &Node,
        value: &'v Value,
    ) -> Result<Scalar<'v>, Exception> {
        let scalar = match (schema.kind, value) {
            (Type::Int8, Value::Int8(value)) => Scalar::Int((*value).into()),
            (Type::Int16, Value::Int16(value)) => Scalar::Int((*value).into()),
            (Type::Int32, Value::Int32(value) | Value::Date(value) | Value::Time(value)) => {
                Scalar::Int(*value)
            }
            (Type::Int64, Value::Int64(value) | Value::Timestamp(value)) => Scalar::Long(*value),
            (Type::Float32, Value::Float32(value)) => Scalar::Float(*value),
            (Type::Float64, Value::Float64(value)) => Scalar::Double(*value),
            (Type::Boolean, Value::Boolean(value)) => Scalar::Boolean(*value),
            (Type::String, Value::String(text)) => Scalar::Bytes(text.as_bytes()),
            (Type::Bytes, Value::Bytes(bytes)) => Scalar::Bytes(bytes),
            (Type::Bytes, Value::Decimal(value)) => Scalar::Bytes(decimal(schema, value)?),
            (_, value) => return Err(wrong_type(schema, value)),
        };
        match (self.avro.resolve(node), &scalar) {
            (Some(Named::Fixed(name, size)), Scalar::Bytes(bytes)) if bytes.len() != *size => {
                Err(Exception::data(format!(
                    "{} bytes for the fixed type {} of {size}",
                    bytes.len(),
                    name.full()
                )))
            }
            _ => Ok(scalar),
        }
    }
}

/// Whether there is nothing: null, or a union of which no member is set.
fn is_nothing(schema: &Schema, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Struct(value) if is_union(schema) => member(value).is_none(),
        _ => false,
    }
}
