//! What is not valid, in the words of Confluent's validator.
//!
//! One violation is told itself, several by their number, at the deepest place that holds them all.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::types::JsonType;
use serde_json::Value;

/// Violations that are looked at; a value may have very many.
const MAX_COUNTED: usize = 10_000;

struct Violation {
    path: String,
    text: String,
}

pub(super) fn text<'a>(errors: impl Iterator<Item = ValidationError<'a>>) -> String {
    let mut found = Vec::new();
    for error in errors.take(MAX_COUNTED) {
        add(&error, &mut found);
    }
    match found.as_slice() {
        [] => "#: not valid".to_owned(),
        [one] => format!("#{}: {}", one.path, one.text),
        [first, rest @ ..] => {
            let shared = rest.iter().fold(first.path.as_str(), |shared, next| {
                common(shared, &next.path)
            });
            format!("#{shared}: {} schema violations found", found.len())
        }
    }
}

/// The leading path segments that both have.
fn common<'a>(a: &'a str, b: &str) -> &'a str {
    let mut end = 0;
    for (at, _) in a.match_indices('/').skip(1).chain([(a.len(), "")]) {
        let same = b
            .strip_prefix(&a[..at])
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !same {
            break;
        }
        end = at;
    }
    &a[..end]
}

fn add(error: &ValidationError<'_>, found: &mut Vec<Violation>) {
    let path = error.instance_path().as_str().to_owned();
    let mut one = |text: String| {
        found.push(Violation {
            path: path.clone(),
            text,
        });
    };
    match error.kind() {
        // One violation a key.
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for key in unexpected {
                one(format!("extraneous key [{key}] is not permitted"));
            }
        }
        kind => one(words(kind, error.instance())),
    }
}

fn words(kind: &Kind, value: &Value) -> String {
    match kind {
        Kind::Type { kind } => expected_type(kind, value),
        Kind::Required { property } => {
            format!("required key [{}] not found", plain(property))
        }
        Kind::Enum { .. } => format!("{} is not a valid enum value", plain(value)),
        Kind::Constant { .. } => format!("{} is not a valid constant value", plain(value)),
        Kind::MinLength { limit } => {
            format!("expected minLength: {limit}, actual: {}", length(value))
        }
        Kind::MaxLength { limit } => {
            format!("expected maxLength: {limit}, actual: {}", length(value))
        }
        Kind::Pattern { pattern } => {
            format!("string [{}] does not match pattern {pattern}", plain(value))
        }
        Kind::Format { format } => format!("[{}] is not a valid {format}", plain(value)),
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
        Kind::AnyOf { context } => format!(
            "no subschema matched out of the total {} subschemas",
            context.len()
        ),
        Kind::OneOfNotValid { .. } => "0 subschemas matched instead of one".to_owned(),
        Kind::OneOfMultipleValid { context } => {
            let matched = context.iter().filter(|errors| errors.is_empty()).count();
            format!("{} subschemas matched instead of one", matched.max(2))
        }
        Kind::Not { schema } => format!("subject must not be valid against schema {schema}"),
        Kind::FalseSchema => "false schema always fails".to_owned(),
        kind => format!("{} is not satisfied", kind.keyword()),
    }
}

fn expected_type(kind: &TypeKind, value: &Value) -> String {
    match kind {
        TypeKind::Single(one) => {
            format!("expected type: {}, found: {}", class_of(*one), class(value))
        }
        TypeKind::Multiple(several) => format!(
            "no subschema matched out of the total {} subschemas",
            several.iter().count()
        ),
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
            None => "BigDecimal",
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

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn shared_paths_end_at_a_segment() {
        for (a, b, shared) in [
            ("", "/a", ""),
            ("/a", "/a", "/a"),
            ("/a/b", "/a/c", "/a"),
            ("/ab", "/ac", ""),
            ("/a", "/a/b", "/a"),
        ] {
            assert_eq!(common(a, b), shared, "{a} {b}");
        }
    }
}
