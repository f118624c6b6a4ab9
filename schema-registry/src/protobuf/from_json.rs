//! JSON → message, by Protobuf's JSON mapping.
//!
//! In: a JSON value. Out: a message of the twin type ([`Types`]), whose maps are lists of entries in the order given.
//! What fails: a value that does not fit, with the text of Java's `JsonFormat`.

mod scalar;
mod well_known;

use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use serde_json::Value as Json;

use super::types::{Entry, Types};
use crate::error::DataError;

/// A value that does not fit.
fn mismatch<T>(text: String) -> Result<T, DataError> {
    Err(DataError::Mismatch(text))
}

/// The message of the type `of`, a twin.
pub(super) fn message(
    of: &MessageDescriptor,
    json: &Json,
    types: &Types,
) -> Result<DynamicMessage, DataError> {
    if let Some(message) = well_known::message(of, json, types) {
        return message;
    }
    let Json::Object(members) = json else {
        return mismatch(format!("Expect message object but got: {json}"));
    };
    let mut message = DynamicMessage::new(of.clone());
    for (name, value) in members {
        let field = of
            .get_field_by_json_name(name)
            .or_else(|| of.get_field_by_name(name));
        match field {
            Some(field) => set(&mut message, &field, value, types)?,
            None => {
                let of = of.full_name();
                return mismatch(format!("Cannot find field: {name} in message {of}"));
            }
        }
    }
    complete(of, &message)?;
    Ok(message)
}

/// Whether a message of proto2 has all that it must have; those inside it have been looked at when they were made.
fn complete(of: &MessageDescriptor, message: &DynamicMessage) -> Result<(), DataError> {
    let missing: Vec<_> = of
        .fields()
        .filter(|field| field.cardinality() == Cardinality::Required && !message.has_field(field))
        .map(|field| field.name().to_owned())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    mismatch(format!(
        "Message missing required fields: {}",
        missing.join(", ")
    ))
}

fn set(
    message: &mut DynamicMessage,
    field: &FieldDescriptor,
    json: &Json,
    types: &Types,
) -> Result<(), DataError> {
    if message.has_field(field) {
        return mismatch(format!("Field {} has already been set.", field.full_name()));
    }
    if json.is_null() && !holds_null(field) {
        return Ok(());
    }
    let value = match (types.entry(field), field.is_list()) {
        (Some(entry), _) => Value::List(map(&entry, json, types)?),
        (_, true) => Value::List(list(field, json, types)?),
        _ => match single(&field.kind(), json, types)? {
            Some(value) => value,
            None => return Ok(()),
        },
    };
    let other = field.containing_oneof().and_then(|oneof| {
        oneof
            .fields()
            .find(|other| other != field && message.has_field(other))
    });
    if let Some(other) = other {
        // The blank at the end is Java's.
        return mismatch(format!(
            "Cannot set field {} because another field {} belonging to the same oneof has already been set ",
            field.full_name(),
            other.full_name()
        ));
    }
    message.set_field(field, value);
    Ok(())
}

/// Whether JSON's null is a value of this field and not its absence.
fn holds_null(field: &FieldDescriptor) -> bool {
    !field.is_list()
        && match field.kind() {
            Kind::Message(of) => of.full_name() == "google.protobuf.Value",
            Kind::Enum(of) => of.full_name() == "google.protobuf.NullValue",
            _ => false,
        }
}

fn list(field: &FieldDescriptor, json: &Json, types: &Types) -> Result<Vec<Value>, DataError> {
    let Json::Array(items) = json else {
        let name = field.name();
        return mismatch(format!("Expected an array for {name} but found {json}"));
    };
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        match single(&field.kind(), item, types)? {
            Some(_) if item.is_null() && !matches!(field.kind(), Kind::Message(_)) => {
                return mismatch(null_element(field));
            }
            Some(value) => values.push(value),
            None => return mismatch(null_element(field)),
        }
    }
    Ok(values)
}

fn null_element(field: &FieldDescriptor) -> String {
    format!(
        "Repeated field elements cannot be null in field: {}",
        field.full_name()
    )
}

fn map(entry: &Entry, json: &Json, types: &Types) -> Result<Vec<Value>, DataError> {
    let Json::Object(members) = json else {
        return mismatch(format!("Expect a map object but found: {json}"));
    };
    let mut entries = Vec::with_capacity(members.len());
    for (key, value) in members {
        let mut message = DynamicMessage::new(entry.of.clone());
        message.set_field(&entry.key, scalar::key(&entry.key.kind(), key)?);
        match single(&entry.value.kind(), value, types)? {
            Some(value) => message.set_field(&entry.value, value),
            None => return mismatch("Map value cannot be null.".to_owned()),
        }
        entries.push(Value::Message(message));
    }
    Ok(entries)
}

/// One value; `None` is JSON's null where that is no value.
fn single(kind: &Kind, json: &Json, types: &Types) -> Result<Option<Value>, DataError> {
    match kind {
        Kind::Message(of) if json.is_null() && of.full_name() != "google.protobuf.Value" => {
            Ok(None)
        }
        Kind::Message(of) => message(of, json, types).map(|message| Some(Value::Message(message))),
        Kind::Enum(of) if of.full_name() == "google.protobuf.NullValue" && json.is_null() => {
            Ok(Some(Value::EnumNumber(0)))
        }
        _ if json.is_null() => Ok(None),
        kind => scalar::value(kind, json).map(Some),
    }
}
