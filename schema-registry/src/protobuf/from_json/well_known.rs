//! Messages with a JSON form of their own: times, wrappers, structs, masks, `Any`.
//!
//! In: the message's type and a JSON value. Out: the message, `None` for any other type. What fails: a value that does
//! not fit, in the words of Java's `JsonFormat` for those that are written most.

use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::Value as Json;

use super::{mismatch, single};
use crate::error::DataError;

pub(super) fn message(
    of: &MessageDescriptor,
    json: &Json,
) -> Option<Result<DynamicMessage, DataError>> {
    let name = of.full_name().strip_prefix("google.protobuf.")?;
    Some(match name {
        "Timestamp" => read(of, json, |_| format!("Failed to parse timestamp: {json}")),
        "Duration" => read(of, json, |_| format!("Failed to parse duration: {json}")),
        "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value"
        | "UInt32Value" | "BoolValue" | "StringValue" | "BytesValue" => wrapper(of, json),
        "Struct" if !json.is_object() => mismatch(format!("Expect a map object but found: {json}")),
        "ListValue" if !json.is_array() => {
            mismatch(format!("Expected an array for values but found {json}"))
        }
        "Any" if !json.is_object() => mismatch(format!("Expect message object but got: {json}")),
        "Any" if is_untyped(json) => mismatch(format!("Missing type url when parsing: {json}")),
        "Any" | "FieldMask" | "Struct" | "Value" | "ListValue" => {
            read(of, json, |error| error.to_string())
        }
        _ => return None,
    })
}

fn read(
    of: &MessageDescriptor,
    json: &Json,
    told: impl FnOnce(serde_json::Error) -> String,
) -> Result<DynamicMessage, DataError> {
    DynamicMessage::deserialize(of.clone(), json).map_err(|error| DataError::Mismatch(told(error)))
}

/// A wrapper is written as the value that it holds.
fn wrapper(of: &MessageDescriptor, json: &Json) -> Result<DynamicMessage, DataError> {
    let mut message = DynamicMessage::new(of.clone());
    if let Some(field) = of.get_field_by_name("value")
        && let Some(value) = single(&field.kind(), json)?
    {
        message.set_field(&field, value);
    }
    Ok(message)
}

/// Whether an `Any` that holds something does not say what.
fn is_untyped(json: &Json) -> bool {
    json.as_object()
        .is_some_and(|members| !members.is_empty() && !members.contains_key("@type"))
}
