//! Single values: numbers also as strings and with an exponent, bytes as base64, enums by name or number.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost_reflect::{EnumDescriptor, Kind, Syntax, Value};
use serde_json::Value as Json;

use super::mismatch;
use crate::error::DataError;

/// One value. An array of one is that one: the tree that `JsonFormat` reads has it so.
pub(super) fn value(kind: &Kind, json: &Json) -> Result<Value, DataError> {
    match sole(json) {
        Some(one) => plain(kind, one).or_else(|_| plain(kind, json)),
        None => plain(kind, json),
    }
}

/// What an array of one, or arrays of one inside one another, hold.
pub(super) fn sole(json: &Json) -> Option<&Json> {
    let [one] = json.as_array()?.as_slice() else {
        return None;
    };
    Some(sole(one).unwrap_or(one))
}

fn plain(kind: &Kind, json: &Json) -> Result<Value, DataError> {
    if json.is_object() && !matches!(kind, Kind::Message(_)) {
        let kind = type_name(kind);
        return mismatch(format!("Invalid value: {json} for expected type: {kind}"));
    }
    Ok(match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(integer(json, "int32")?),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(integer(json, "int64")?),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(unsigned(json, "uint32")?),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(unsigned(json, "uint64")?),
        Kind::Bool => Value::Bool(boolean(json)?),
        Kind::Float => Value::F32(float(json)?),
        Kind::Double => Value::F64(double(json)?),
        Kind::String => match json {
            Json::String(text) => Value::String(text.clone()),
            Json::Array(_) => return mismatch(format!("Not a string value: {json}")),
            other => Value::String(other.to_string()),
        },
        Kind::Bytes => Value::Bytes(bytes(json)?.into()),
        Kind::Enum(of) => Value::EnumNumber(number_of(of, json)?),
        Kind::Message(_) => return mismatch(format!("Expect message object but got: {json}")),
    })
}

/// The type as Java's enumeration of types names it.
fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Enum(_) => "ENUM".to_owned(),
        Kind::Message(_) => "MESSAGE".to_owned(),
        scalar => format!("{scalar:?}").to_ascii_uppercase(),
    }
}

/// A map's key, which JSON has as text.
pub(super) fn key(kind: &Kind, text: &str) -> Result<Value, DataError> {
    value(kind, &Json::String(text.to_owned()))
}

/// The text of a number or string.
fn text_of(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn integer<T: std::str::FromStr + TryFrom<i128>>(json: &Json, what: &str) -> Result<T, DataError> {
    let found = text_of(json).and_then(|text| {
        text.parse().ok().or_else(|| {
            let whole = text.parse::<f64>().ok().filter(|n| n.fract() == 0.0)?;
            // Beyond 2^63 doubles are whole but not exact; the range check refuses what does not fit.
            T::try_from(whole as i128).ok()
        })
    });
    match found {
        Some(value) => Ok(value),
        None => mismatch(format!("Not an {what} value: {json}")),
    }
}

/// An unsigned integer; Java tells those that are out of range from what is no integer.
fn unsigned<T: std::str::FromStr + TryFrom<i128>>(json: &Json, what: &str) -> Result<T, DataError> {
    integer(json, what).or_else(|error| match integer::<i128>(json, what) {
        Ok(_) => mismatch(format!("Out of range {what} value: {json}")),
        Err(_) => Err(error),
    })
}

fn boolean(json: &Json) -> Result<bool, DataError> {
    match json {
        Json::Bool(value) => Ok(*value),
        Json::String(text) if text == "true" => Ok(true),
        Json::String(text) if text == "false" => Ok(false),
        _ => mismatch(format!("Invalid bool value: {json}")),
    }
}

fn double(json: &Json) -> Result<f64, DataError> {
    decimal(json, "double")
}

fn decimal(json: &Json, what: &str) -> Result<f64, DataError> {
    match text_of(json).as_deref() {
        Some("NaN") => Ok(f64::NAN),
        Some("Infinity") => Ok(f64::INFINITY),
        Some("-Infinity") => Ok(f64::NEG_INFINITY),
        Some(text) => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            Ok(_) => mismatch(format!("Out of range {what} value: {json}")),
            Err(_) => mismatch(format!("Not a {what} value: {json}")),
        },
        None => mismatch(format!("Not a {what} value: {json}")),
    }
}

fn float(json: &Json) -> Result<f32, DataError> {
    let value = decimal(json, "float")?;
    let narrow = value as f32;
    if value.is_finite() && !narrow.is_finite() {
        return mismatch(format!("Out of range float value: {json}"));
    }
    Ok(narrow)
}

fn bytes(json: &Json) -> Result<Vec<u8>, DataError> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text = match json {
        Json::String(text) => text,
        other => return mismatch(format!("Not a bytes value: {other}")),
    };
    [STANDARD, URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())
        .ok_or_else(|| DataError::Mismatch(format!("Not a bytes value: {json}")))
}

fn number_of(of: &EnumDescriptor, json: &Json) -> Result<i32, DataError> {
    let by_name = json
        .as_str()
        .and_then(|name| of.get_value_by_name(name))
        .map(|value| value.number());
    // Enums of proto2 have no other numbers than their own.
    let is_closed = of.parent_file().syntax() == Syntax::Proto2;
    let by_number = || {
        integer::<i32>(json, "int32")
            .ok()
            .filter(|number| !is_closed || of.get_value(*number).is_some())
    };
    by_name.or_else(by_number).ok_or_else(|| {
        let name = json
            .as_str()
            .map_or_else(|| json.to_string(), str::to_owned);
        DataError::Mismatch(format!(
            "Invalid enum value: {name} for enum type: {}",
            of.full_name()
        ))
    })
}
