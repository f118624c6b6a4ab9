//! Validation by the crate `jsonschema`.

use std::collections::HashMap;

use jsonschema::{Draft, Retrieve, Uri};
use serde_json::Value;

use super::place::Place;
use super::violation;
use crate::error::{DataError, SchemaError};

/// A schema, compiled.
#[derive(Debug)]
pub(super) struct Validator(jsonschema::Validator);

/// Base of names that are no full URIs.
const BASE: &str = "json-schema:///";

impl Validator {
    /// Compiles `schema`, whose `$ref`s lead into itself or to `references`.
    pub(super) fn new(
        schema: &Value,
        references: &HashMap<String, Value>,
    ) -> Result<Self, SchemaError> {
        jsonschema::options()
            .with_draft(draft(schema))
            .with_base_uri(base(schema))
            .with_retriever(References(references.clone()))
            .build(schema)
            .map(Self)
            .map_err(|error| SchemaError::Invalid(error.to_string()))
    }

    /// What is not valid about `value`, if anything. `place` is the schema.
    pub(super) fn validate(&self, place: Place<'_>, value: &Value) -> Result<(), DataError> {
        if self.0.is_valid(value) {
            return Ok(());
        }
        let text = violation::text(place, self.0.iter_errors(value));
        Err(DataError::Mismatch(text))
    }
}

/// Draft 7 unless the schema says otherwise, as in Confluent's client.
fn draft(schema: &Value) -> Draft {
    match schema.get("$schema").and_then(Value::as_str) {
        Some(uri) if uri.contains("draft-04") => Draft::Draft4,
        Some(uri) if uri.contains("draft-06") => Draft::Draft6,
        Some(uri) if uri.contains("2019-09") => Draft::Draft201909,
        Some(uri) if uri.contains("2020-12") => Draft::Draft202012,
        _ => Draft::Draft7,
    }
}

/// The schema's own `$id`, when it is a full URI.
fn base(schema: &Value) -> String {
    ["$id", "id"]
        .iter()
        .filter_map(|key| schema.get(*key).and_then(Value::as_str))
        .find(|id| id.contains("://"))
        .unwrap_or(BASE)
        .to_owned()
}

/// Finds `$ref`s among the references: by the whole URI, or by what stands behind the base.
struct References(HashMap<String, Value>);

impl Retrieve for References {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let uri = uri.as_str();
        let relative = uri.strip_prefix(BASE).unwrap_or(uri);
        let last = uri.rsplit('/').next().unwrap_or(uri);
        [uri, relative, last]
            .iter()
            .find_map(|name| self.0.get(*name))
            .cloned()
            .ok_or_else(|| format!("{relative} is none of the schema's references").into())
    }
}
