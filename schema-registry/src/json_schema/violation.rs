//! What is not valid, in the words of Confluent's validator.
//!
//! In: violations as the crate `jsonschema` finds them. Out: one text: of a violation, of several by their number at the
//! place that holds them all, or of the part of the schema that they belong to ([`failure`](super::failure)).

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::types::JsonType;
use serde_json::Value;

use super::failure;
use super::place::Place;

/// Violations that are looked at; a value may have very many.
const MAX_COUNTED: usize = 10_000;

/// What a value violates of the schema at `place`.
pub(super) fn text<'a>(
    place: Place<'_>,
    errors: impl Iterator<Item = ValidationError<'a>>,
) -> String {
    let errors: Vec<_> = errors.take(MAX_COUNTED).collect();
    let failure = failure::of(place, errors.iter());
    format!("#{}: {}", failure.path, failure.text)
}

/// The violations that an error of `keyword` stands for: JSON pointer into the value, and what is wrong there.
pub(super) fn each(error: &ValidationError<'_>, keyword: &str) -> Vec<(String, String)> {
    let path = error.instance_path().as_str();
    match error.kind() {
        // One violation a key.
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let keys = unexpected.iter();
            keys.map(|key| {
                (
                    path.to_owned(),
                    format!("extraneous key [{key}] is not permitted"),
                )
            })
            .collect()
        }
        // The name is a place of its own.
        Kind::PropertyNames { error: inner } => {
            let name = plain(inner.instance());
            let name = name.replace('~', "~0").replace('/', "~1");
            let text = words(inner.kind(), inner.instance());
            vec![(format!("{path}/{name}"), text)]
        }
        Kind::Required { property } if keyword == "dependencies" => {
            let text = format!("property [{}] is required", plain(property));
            vec![(path.to_owned(), text)]
        }
        kind => vec![(path.to_owned(), words(kind, error.instance()))],
    }
}

fn words(kind: &Kind, value: &Value) -> String {
    match kind {
        Kind::Type { kind } => expected_type(kind, value),
        Kind::Required { property } => {
            format!("required key [{}] not found", plain(property))
        }
        Kind::Enum { .. } => format!("{} is not a valid enum value", plain(value)),
        // The original has no words for it.
        Kind::Constant { .. } => String::new(),
        Kind::MinLength { limit } => {
            format!("expected minLength: {limit}, actual: {}", length(value))
        }
        Kind::MaxLength { limit } => {
            format!("expected maxLength: {limit}, actual: {}", length(value))
        }
        Kind::Pattern { pattern } => {
            format!("string [{}] does not match pattern {pattern}", plain(value))
        }
        Kind::Format { format } => format!("[{}] is not a valid {}", plain(value), form(format)),
        Kind::Minimum { limit } => format!("{value} is not greater or equal to {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("{value} is not greater than {limit}"),
        Kind::Maximum { limit } => format!("{value} is not less or equal to {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("{value} is not less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("{value} is not a multiple of {multiple_of}"),
        Kind::MinItems { limit } => {
            format!(
                "expected minimum item count: {limit}, found: {}",
                length(value)
            )
        }
        Kind::MaxItems { limit } => {
            format!(
                "expected maximum item count: {limit}, found: {}",
                length(value)
            )
        }
        Kind::AdditionalItems { limit } => {
            format!(
                "expected: [{limit}] array items, found: [{}]",
                length(value)
            )
        }
        Kind::UniqueItems => "array items are not unique".to_owned(),
        Kind::Contains => "expected at least one array item to match 'contains' schema".to_owned(),
        Kind::MinProperties { limit } => {
            format!("minimum size: [{limit}], found: [{}]", length(value))
        }
        Kind::MaxProperties { limit } => {
            format!("maximum size: [{limit}], found: [{}]", length(value))
        }
        Kind::Not { schema } => format!("subject must not be valid against schema {schema}"),
        Kind::FalseSchema => "false schema always fails".to_owned(),
        kind => format!("{} is not satisfied", kind.keyword()),
    }
}

/// Several types are told by the part of the schema that names them.
fn expected_type(kind: &TypeKind, value: &Value) -> String {
    match kind {
        TypeKind::Single(JsonType::Null) => format!("expected: null, found: {}", class(value)),
        TypeKind::Single(one) => {
            format!("expected type: {}, found: {}", class_of(*one), class(value))
        }
        TypeKind::Multiple(_) => format!("unexpected type: {}", class(value)),
    }
}

/// What a text of this format is called.
fn form(format: &str) -> &str {
    match format {
        "email" => "email address",
        "ipv4" => "ipv4 address",
        "ipv6" => "ipv6 address",
        "uri" => "URI",
        "regex" => "regular expression",
        "json-pointer" => "JSON pointer",
        "date" => "date. Expected [yyyy-MM-dd]",
        "time" => {
            "time. Expected [HH:mm:ssZ, HH:mm:ss.[0-9]{1,9}Z, HH:mm:ss[+-]HH:mm, HH:mm:ss.[0-9]{1,9}[+-]HH:mm]"
        }
        "date-time" => {
            "date-time. Expected [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,9}Z, \
             yyyy-MM-dd'T'HH:mm:ss[+-]HH:mm, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,9}[+-]HH:mm]"
        }
        other => other,
    }
}

fn class_of(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "JSONArray",
        JsonType::Boolean => "Boolean",
        JsonType::Integer => "Integer",
        JsonType::Null => "null",
        JsonType::Number => "Number",
        JsonType::Object => "JSONObject",
        JsonType::String => "String",
    }
}

fn class(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) => match number.as_i64() {
            Some(number) if i32::try_from(number).is_ok() => "Integer",
            Some(_) => "Long",
            None if number.is_u64() => "BigInteger",
            None => "Double",
        },
        Value::String(_) => "String",
        Value::Array(_) => "JSONArray",
        Value::Object(_) => "JSONObject",
    }
}

/// A string without its quotes, anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    }
}
