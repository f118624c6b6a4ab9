//! Messages with a JSON form of their own: times, wrappers, structs, masks, `Any`.
//!
//! In: the message's type and a JSON value. Out: the message, `None` for any other type. What fails: a value that does
//! not fit, in the words of Java's `JsonFormat` for those that are written most.

use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, Value};
use serde_json::Value as Json;

use super::scalar::sole;
use super::{Types, list, map, mismatch, single};
use crate::error::DataError;

pub(super) fn message(
    of: &MessageDescriptor,
    json: &Json,
    types: &Types,
) -> Option<Result<DynamicMessage, DataError>> {
    let name = of.full_name().strip_prefix("google.protobuf.")?;
    Some(match name {
        "Timestamp" => read(of, text(json), |_| {
            format!("Failed to parse timestamp: {json}")
        }),
        "Duration" => read(of, text(json), |_| {
            format!("Failed to parse duration: {json}")
        }),
        "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value"
        | "UInt32Value" | "BoolValue" | "StringValue" | "BytesValue" => only(of, json, types),
        "Struct" | "ListValue" => only(of, json, types),
        "Value" => value(of, json, types),
        "Any" if !json.is_object() => mismatch(format!("Expect message object but got: {json}")),
        "Any" if is_untyped(json) => mismatch(format!("Missing type url when parsing: {json}")),
        "Any" if json.as_object().is_some_and(|members| members.is_empty()) => {
            Ok(DynamicMessage::new(of.clone()))
        }
        "Any" => match unknown_type(of, json) {
            Some(url) => mismatch(format!("Cannot resolve type: {url}")),
            None => any(of, json, types),
        },
        "FieldMask" => read(of, text(json), |error| error.to_string()),
        _ => return None,
    })
}

/// What is read as a text.
fn text(json: &Json) -> &Json {
    sole(json).unwrap_or(json)
}

fn read(
    of: &MessageDescriptor,
    json: &Json,
    told: impl FnOnce(serde_json::Error) -> String,
) -> Result<DynamicMessage, DataError> {
    DynamicMessage::deserialize(of.clone(), json).map_err(|error| DataError::Mismatch(told(error)))
}

/// A message that is written as what its only field holds.
fn only(of: &MessageDescriptor, json: &Json, types: &Types) -> Result<DynamicMessage, DataError> {
    let mut message = DynamicMessage::new(of.clone());
    let Some(field) = of.get_field(1) else {
        return Ok(message);
    };
    let value = match (types.entry(&field), field.is_list()) {
        (Some(entry), _) => Some(Value::List(map(&entry, json, types)?)),
        (_, true) => Some(Value::List(list(&field, json, types)?)),
        _ => single(&field.kind(), json, types)?,
    };
    if let Some(value) = value {
        message.set_field(&field, value);
    }
    Ok(message)
}

/// A `Value`: the member for this kind of JSON.
fn value(of: &MessageDescriptor, json: &Json, types: &Types) -> Result<DynamicMessage, DataError> {
    let mut message = DynamicMessage::new(of.clone());
    let member = match json {
        Json::Null => "null_value",
        Json::Number(_) => "number_value",
        Json::String(_) => "string_value",
        Json::Bool(_) => "bool_value",
        Json::Object(_) => "struct_value",
        Json::Array(_) => "list_value",
    };
    if let Some(field) = of.get_field_by_name(member)
        && let Some(value) = single(&field.kind(), json, types)?
    {
        message.set_field(&field, value);
    }
    Ok(message)
}

/// An `Any`, whose contents the library makes of their plain type.
fn any(of: &MessageDescriptor, json: &Json, types: &Types) -> Result<DynamicMessage, DataError> {
    let plain = types.plain(of.full_name());
    let message = read(plain.as_ref().unwrap_or(of), json, |error| {
        error.to_string()
    })?;
    DynamicMessage::decode(of.clone(), message.encode_to_vec().as_slice())
        .map_err(|error| DataError::Mismatch(error.to_string()))
}

/// The address of an `Any`'s type, when nothing of that name is known.
fn unknown_type<'j>(of: &MessageDescriptor, json: &'j Json) -> Option<&'j str> {
    let url = json.get("@type")?.as_str()?;
    let name = url.rsplit('/').next().unwrap_or(url);
    let known = of.parent_pool().get_message_by_name(name);
    known.is_none().then_some(url)
}

/// Whether an `Any` that holds something does not say what.
fn is_untyped(json: &Json) -> bool {
    json.as_object()
        .is_some_and(|members| !members.is_empty() && !members.contains_key("@type"))
}
