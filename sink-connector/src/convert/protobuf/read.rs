//! Message → [`Value`].

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use sluiceway_schemas::protobuf::{
    DynamicMessage, FieldDescriptor, FieldValue, Kind, MapKey, MessageDescriptor,
};

use super::entry::{Entry, entry};
use super::known;
use super::translate::{Member, Translation, has_optional_keyword, in_oneof, wrapped};
use crate::error::Exception;
use crate::value::{SchemaRef, Struct, Type, Value};

/// The value of a message of the translated type: a STRUCT, or what a wrapper message holds.
pub(super) fn root(
    translation: &Translation,
    message: &DynamicMessage,
) -> Result<Value, Exception> {
    let reader = Reader {
        translation,
        made_up: Cell::new(0),
    };
    let (of, schema) = (&translation.root, &translation.schema);
    match schema.kind {
        Type::Struct => reader.message(of, message, schema),
        _ => reader.wrapped(of, message, schema),
    }
}

/// Messages inside of each other that stand for nothing (`generate.struct.for.nulls`) at most: a type that holds itself
/// would never end.
const MADE_UP_MAX: u32 = 100;

struct Reader<'a> {
    translation: &'a Translation,
    /// Messages that stand for nothing, in which the reader is.
    made_up: Cell<u32>,
}

impl Reader<'_> {
    fn message(
        &self,
        of: &MessageDescriptor,
        message: &DynamicMessage,
        schema: &SchemaRef,
    ) -> Result<Value, Exception> {
        let known = self
            .translation
            .messages
            .get(of.full_name())
            .ok_or_else(|| Exception::data(format!("unknown message {}", of.full_name())))?;
        let schema = if schema.fields.is_empty() {
            &known.schema
        } else {
            schema
        };
        let mut values = Vec::with_capacity(known.members.len());
        for (member, field) in known.members.iter().zip(&schema.fields) {
            let value = match member {
                Member::Field(of) => self.field(of, message, &field.schema)?,
                Member::Oneof(members) => self.oneof(members, message, &field.schema)?,
            };
            values.push(required(value, &field.name, &field.schema)?);
        }
        Ok(Value::Struct(Struct {
            schema: Arc::clone(schema),
            values,
        }))
    }

    fn oneof(
        &self,
        members: &[FieldDescriptor],
        message: &DynamicMessage,
        schema: &SchemaRef,
    ) -> Result<Value, Exception> {
        if !members.iter().any(|member| message.has_field(member)) {
            return Ok(Value::Null);
        }
        let mut values = Vec::with_capacity(members.len());
        for (member, field) in members.iter().zip(&schema.fields) {
            let value = self.field(member, message, &field.schema)?;
            values.push(required(value, &field.name, &field.schema)?);
        }
        Ok(Value::Struct(Struct {
            schema: Arc::clone(schema),
            values,
        }))
    }

    /// A field of a message.
    fn field(
        &self,
        of: &FieldDescriptor,
        message: &DynamicMessage,
        schema: &SchemaRef,
    ) -> Result<Value, Exception> {
        if of.supports_presence() && !message.has_field(of) {
            return self.unset(of, message, schema);
        }
        self.set(of, message, schema)
    }

    /// A field that is not set: null, or its default.
    fn unset(
        &self,
        of: &FieldDescriptor,
        message: &DynamicMessage,
        schema: &SchemaRef,
    ) -> Result<Value, Exception> {
        let Translation {
            optional_for_proto2,
            struct_for_nulls,
            ..
        } = self.translation;
        let optional = of.field_descriptor_proto().proto3_optional()
            || (*optional_for_proto2 && has_optional_keyword(of));
        let is_message = matches!(of.kind(), Kind::Message(_));
        if in_oneof(of) || (!struct_for_nulls && (is_message || optional)) {
            return Ok(Value::Null);
        }
        if self.made_up.get() >= MADE_UP_MAX {
            return Err(Exception::new("java.lang.StackOverflowError", ""));
        }
        self.made_up.set(self.made_up.get() + 1);
        let value = self.set(of, message, schema);
        self.made_up.set(self.made_up.get() - 1);
        value
    }

    fn set(
        &self,
        of: &FieldDescriptor,
        message: &DynamicMessage,
        schema: &SchemaRef,
    ) -> Result<Value, Exception> {
        let value = message.get_field(of);
        match value.as_ref() {
            FieldValue::List(items) => match entry(of) {
                Some(entry) => self.declared_map(&entry, items, schema),
                None => self.list(of, items, schema),
            },
            FieldValue::Map(entries) => self.map(of, entries, schema),
            value => self.single(&of.kind(), value, schema),
        }
    }

    fn list(
        &self,
        of: &FieldDescriptor,
        items: &[FieldValue],
        schema: &SchemaRef,
    ) -> Result<Value, Exception> {
        let element = schema.element.as_ref().unwrap_or(schema);
        let items = items.iter();
        let items = items.map(|item| self.single(&of.kind(), item, element));
        items.collect::<Result<_, _>>().map(Value::Array)
    }

    fn map(
        &self,
        of: &FieldDescriptor,
        entries: &HashMap<MapKey, FieldValue>,
        schema: &SchemaRef,
    ) -> Result<Value, Exception> {
        let Some(entry) = entry(of) else {
            return Ok(Value::Null);
        };
        let kind = entry.value.kind();
        let element = schema.element.as_ref().unwrap_or(schema);
        // The library keeps no order of entries; one that is always the same is put in its place.
        let mut sorted: Vec<_> = entries.iter().collect();
        sorted.sort_by_key(|(key, _)| *key);
        let entries = sorted.into_iter();
        let entries =
            entries.map(|(key, value)| Ok((map_key(key), self.single(&kind, value, element)?)));
        entries.collect::<Result<_, Exception>>().map(Value::Map)
    }

    /// A map whose entries the file declares; of those with the same key the last one counts.
    fn declared_map(
        &self,
        entry: &Entry,
        items: &[FieldValue],
        schema: &SchemaRef,
    ) -> Result<Value, Exception> {
        let mut entries: Vec<(Value, Value)> = Vec::with_capacity(items.len());
        for item in items.iter().filter_map(FieldValue::as_message) {
            let key = schema.key.as_ref().unwrap_or(schema);
            let key = self.set(&entry.key, item, key)?;
            let value = schema.element.as_ref().unwrap_or(schema);
            let value = self.set(&entry.value, item, value)?;
            match entries.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) => *known = value,
                None => entries.push((key, value)),
            }
        }
        Ok(Value::Map(entries))
    }

    fn single(
        &self,
        kind: &Kind,
        value: &FieldValue,
        schema: &SchemaRef,
    ) -> Result<Value, Exception> {
        Ok(match (value, kind) {
            (FieldValue::Bool(value), _) => Value::Boolean(*value),
            (FieldValue::I32(value), _) => match schema.kind {
                Type::Int8 => Value::Int8(*value as i8),
                Type::Int16 => Value::Int16(*value as i16),
                _ => Value::Int32(*value),
            },
            (FieldValue::I64(value), _) => Value::Int64(*value),
            (FieldValue::U32(value), _) => Value::Int64(i64::from(*value)),
            (FieldValue::U64(value), _) => Value::Int64(*value as i64),
            (FieldValue::F32(value), _) => Value::Float32(*value),
            (FieldValue::F64(value), _) => Value::Float64(*value),
            (FieldValue::String(value), _) => Value::String(value.clone()),
            (FieldValue::Bytes(value), _) => Value::Bytes(value.to_vec()),
            (FieldValue::EnumNumber(number), _) if self.translation.int_for_enums => {
                Value::Int32(*number)
            }
            (FieldValue::EnumNumber(number), Kind::Enum(of)) => {
                Value::String(of.get_value(*number).map_or_else(
                    || format!("UNKNOWN_ENUM_VALUE_{}_{number}", of.name()),
                    |value| value.name().to_owned(),
                ))
            }
            (FieldValue::Message(message), Kind::Message(of)) => {
                self.known_or_own(of, message, schema)?
            }
            _ => return Err(Exception::data("a field of another type than its schema")),
        })
    }

    fn known_or_own(
        &self,
        of: &MessageDescriptor,
        message: &DynamicMessage,
        schema: &SchemaRef,
    ) -> Result<Value, Exception> {
        if let Some(value) = known::read(schema.name.as_deref(), message) {
            return value;
        }
        match self.translation.unwrap && wrapped(of.full_name()).is_some() {
            true => self.wrapped(of, message, schema),
            false => self.message(of, message, schema),
        }
    }

    /// What a wrapper message holds.
    fn wrapped(
        &self,
        of: &MessageDescriptor,
        message: &DynamicMessage,
        schema: &SchemaRef,
    ) -> Result<Value, Exception> {
        let Some(field) = of.get_field_by_name("value") else {
            return Ok(Value::Null);
        };
        self.single(&field.kind(), message.get_field(&field).as_ref(), schema)
    }
}

fn required(value: Value, name: &str, schema: &SchemaRef) -> Result<Value, Exception> {
    if value.is_null() && !schema.optional && schema.default.is_none() {
        return Err(Exception::data(format!(
            "Invalid value: null used for required field: \"{name}\", schema type: {}",
            schema.kind
        )));
    }
    Ok(value)
}

fn map_key(key: &MapKey) -> Value {
    match key {
        MapKey::Bool(key) => Value::Boolean(*key),
        MapKey::I32(key) => Value::Int32(*key),
        MapKey::I64(key) => Value::Int64(*key),
        MapKey::U32(key) => Value::Int64(i64::from(*key)),
        MapKey::U64(key) => Value::Int64(*key as i64),
        MapKey::String(key) => Value::String(key.clone()),
    }
}
