//! What several transforms need: maps and structs as they require them, schemas changed and remembered.

use std::sync::Arc;

use crate::error::{Exception, SCHEMA_BUILDER_EXCEPTION};
use crate::value::{Field, Schema, SchemaRef, Struct, Type, Value};

/// Members of a schemaless map, in their order.
pub(super) type Members = Vec<(Value, Value)>;

/// The value's members.
///
/// # Errors
/// It is no map.
pub(super) fn require_map(value: Value, purpose: &str) -> Result<Members, Exception> {
    match value {
        Value::Map(members) => Ok(members),
        value => Err(Exception::data(format!(
            "Only Map objects supported in absence of schema for [{purpose}], found: {}",
            value.java_class()
        ))),
    }
}

/// The value as a struct.
///
/// # Errors
/// It is none.
pub(super) fn require_struct(value: Value, purpose: &str) -> Result<Struct, Exception> {
    match value {
        Value::Struct(value) => Ok(value),
        value => Err(Exception::data(format!(
            "Only Struct objects supported for [{purpose}], found: {}",
            value.java_class()
        ))),
    }
}

/// Checks that a schema has fields to list.
///
/// # Errors
/// It is no STRUCT.
pub(super) fn require_fields(schema: &Schema) -> Result<(), Exception> {
    match schema.kind {
        Type::Struct => Ok(()),
        _ => Err(Exception::data("Cannot list fields on non-struct type")),
    }
}

/// The member `name`; null when there is none.
pub(super) fn member<'m>(members: &'m Members, name: &str) -> &'m Value {
    members
        .iter()
        .find(|(key, _)| is(key, name))
        .map_or(&Value::Null, |(_, value)| value)
}

/// Sets the member `name`, at its place or at the end.
pub(super) fn set_member(members: &mut Members, name: &str, value: Value) {
    match members.iter_mut().find(|(key, _)| is(key, name)) {
        Some((_, old)) => *old = value,
        None => members.push((Value::String(name.to_owned()), value)),
    }
}

/// Removes the member `name`.
pub(super) fn remove_member(members: &mut Members, name: &str) -> Option<Value> {
    let at = members.iter().position(|(key, _)| is(key, name))?;
    Some(members.remove(at).1)
}

/// Whether a map's key is the text `name`.
pub(super) fn is(key: &Value, name: &str) -> bool {
    matches!(key, Value::String(text) if text == name)
}

/// A field's value as `Struct.get` gives it: with `replace` the default for null.
pub(super) fn read(schema: &Schema, value: Value, replace: bool) -> Value {
    match (&schema.default, value) {
        (Some(default), Value::Null) if replace => default.clone(),
        (_, value) => value,
    }
}

/// `Struct.put`'s check: a null needs an optional field, anything else the field's type.
///
/// # Errors
/// A required field would be null; a value is of another type.
pub(super) fn check(field: &Field, value: Value) -> Result<Value, Exception> {
    if value.is_null() && !field.schema.optional {
        return Err(Exception::data(format!(
            "Invalid value: null used for required field: \"{}\", schema type: {}",
            field.name, field.schema.kind
        )));
    }
    if !is_of(&field.schema, &value) {
        let name = field.schema.name.as_ref();
        return Err(Exception::data(format!(
            "Invalid Java object for schema{} with type {}: class {} for field: \"{}\"",
            name.map_or_else(String::new, |name| format!(" \"{name}\"")),
            field.schema.kind,
            value.java_class(),
            field.name
        )));
    }
    Ok(value)
}

/// Whether a value is null or of the schema's type.
fn is_of(schema: &Schema, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Decimal(_) => schema.kind == Type::Bytes,
        Value::Date(_) | Value::Time(_) => schema.kind == Type::Int32,
        Value::Timestamp(_) => schema.kind == Type::Int64,
        value => value.kind() == Some(schema.kind),
    }
}

/// A struct of `schema`, each value checked.
///
/// # Errors
/// A required field would be null.
pub(super) fn build(schema: &SchemaRef, values: Vec<Value>) -> Result<Struct, Exception> {
    let fields = schema.fields.iter();
    let values = fields
        .zip(values)
        .map(|(field, value)| check(field, value))
        .collect::<Result<_, _>>()?;
    Ok(Struct {
        schema: Arc::clone(schema),
        values,
    })
}

/// A STRUCT schema with the name, version, documentation and parameters of another, and no fields yet.
pub(super) fn basics(schema: &Schema) -> Schema {
    Schema {
        kind: Type::Struct,
        fields: Vec::new(),
        default: None,
        optional: false,
        key: None,
        element: None,
        ..schema.clone()
    }
}

/// Adds a field.
///
/// # Errors
/// There is one of that name.
pub(super) fn add_field(
    schema: &mut Schema,
    name: &str,
    field: SchemaRef,
) -> Result<(), Exception> {
    if schema.field_index(name).is_some() {
        return Err(Exception::new(
            SCHEMA_BUILDER_EXCEPTION,
            format!("Cannot create field because of field name duplication {name}"),
        ));
    }
    schema.fields.push(Field {
        name: name.to_owned(),
        schema: field,
    });
    Ok(())
}

/// Changed schemas by the schema they were made from, the latest first.
#[derive(Default)]
pub(super) struct SchemaCache(Vec<(SchemaRef, SchemaRef)>);

impl SchemaCache {
    /// As many as Connect's transforms remember.
    const SIZE: usize = 16;

    /// The schema made of `from`, by `make` when it is not known.
    ///
    /// # Errors
    /// Those of `make`.
    pub(super) fn get(
        &mut self,
        from: &SchemaRef,
        make: impl FnOnce(&Schema) -> Result<Schema, Exception>,
    ) -> Result<SchemaRef, Exception> {
        let known = |(known, _): &(SchemaRef, SchemaRef)| Arc::ptr_eq(known, from);
        let found = self.0.iter().position(known);
        let found = found.or_else(|| self.0.iter().position(|(known, _)| known == from));
        if let Some(at) = found {
            self.0[..=at].rotate_right(1);
            return Ok(Arc::clone(&self.0[0].1));
        }
        let made = make(from)?.build();
        self.0.truncate(Self::SIZE - 1);
        self.0.insert(0, (Arc::clone(from), Arc::clone(&made)));
        Ok(made)
    }
}
