//! The parts that Confluent's validator makes of a schema's keywords.

use serde_json::{Map, Value};

/// A part of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// `$ref`; what stands beside it has no effect.
    Reference,
    /// `enum`.
    Enum,
    /// `allOf`.
    AllOf,
    /// `anyOf`.
    AnyOf,
    /// `oneOf`.
    OneOf,
    /// `not`.
    Not,
    /// `const`.
    Const,
    /// `type`, with the keywords of those types.
    Typed,
    /// Keywords of a type that the schema does not ask for.
    Keywords(Family),
    /// `if`, `then`, `else`.
    Conditional,
}

/// Keywords of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    /// Of arrays.
    Array,
    /// Of objects.
    Object,
    /// Of numbers.
    Number,
    /// Of strings.
    String,
}

const FAMILIES: [(Family, &[&str]); 4] = [
    (
        Family::Array,
        &[
            "items",
            "additionalItems",
            "minItems",
            "maxItems",
            "uniqueItems",
            "contains",
        ],
    ),
    (
        Family::Object,
        &[
            "properties",
            "required",
            "minProperties",
            "maxProperties",
            "dependencies",
            "patternProperties",
            "additionalProperties",
            "propertyNames",
        ],
    ),
    (
        Family::Number,
        &[
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
        ],
    ),
    (
        Family::String,
        &["minLength", "maxLength", "pattern", "format"],
    ),
];

const SINGLE: [(&str, Part); 11] = [
    ("$ref", Part::Reference),
    ("enum", Part::Enum),
    ("allOf", Part::AllOf),
    ("anyOf", Part::AnyOf),
    ("oneOf", Part::OneOf),
    ("not", Part::Not),
    ("const", Part::Const),
    ("type", Part::Typed),
    ("if", Part::Conditional),
    ("then", Part::Conditional),
    ("else", Part::Conditional),
];

/// The parts of `schema`.
pub(super) fn parts(schema: &Map<String, Value>) -> Vec<Part> {
    let mut found: Vec<Part> = schema
        .keys()
        .filter_map(|keyword| known(schema, keyword))
        .collect();
    found.sort_unstable();
    found.dedup();
    match found.first() {
        Some(Part::Reference) => vec![Part::Reference],
        _ => found,
    }
}

/// The part of `schema` that `keyword` belongs to.
pub(super) fn part_of(schema: &Map<String, Value>, keyword: &str) -> Part {
    known(schema, keyword).unwrap_or(Part::Typed)
}

fn known(schema: &Map<String, Value>, keyword: &str) -> Option<Part> {
    if let Some((_, part)) = SINGLE.iter().find(|(name, _)| *name == keyword) {
        return Some(*part);
    }
    let (family, _) = FAMILIES
        .iter()
        .find(|(_, keywords)| keywords.contains(&keyword))?;
    Some(if is_typed(schema, *family) {
        Part::Typed
    } else {
        Part::Keywords(*family)
    })
}

/// Whether `type` names a type of this family.
fn is_typed(schema: &Map<String, Value>, family: Family) -> bool {
    let names = |name: &Value| {
        matches!(
            (name.as_str(), family),
            (Some("array"), Family::Array)
                | (Some("object"), Family::Object)
                | (Some("number" | "integer"), Family::Number)
                | (Some("string"), Family::String)
        )
    };
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(names),
        Some(name) => names(name),
        None => false,
    }
}
