//! JSON Schema: drafts 4, 6, 7, 2019-09 and 2020-12.
//!
//! In: a schema text with the schemas it names; a JSON value. Out: the value's own text when it is valid. What fails: a
//! text that is no schema; a value that is not valid, told as Confluent's validator tells it ([`violation`]). Nothing is
//! ever fetched from the network: a `$ref` leads into the schema or to one of its references.

#[cfg(feature = "json-schema")]
mod validator;
#[cfg(not(feature = "json-schema"))]
#[path = "json_schema/no_validator.rs"]
mod validator;
#[cfg(feature = "json-schema")]
mod violation;

use std::collections::HashMap;

use serde_json::Value;
use sluiceway_common::json::{self, Options};

use crate::error::{DataError, SchemaError};
use crate::schema::Resolved;
use validator::Validator;

/// A schema, ready to validate.
#[derive(Debug)]
pub struct Schema {
    value: Value,
    references: HashMap<String, Value>,
    validator: Validator,
}

impl Schema {
    /// Parses `text`, which may name `resolved` in its `$ref`s.
    ///
    /// # Errors
    /// When a text is no JSON Schema.
    pub fn parse(text: &str, resolved: &[Resolved]) -> Result<Self, SchemaError> {
        let value = read(text)?;
        let mut references = HashMap::new();
        for reference in resolved {
            references.insert(reference.name.clone(), read(&reference.text)?);
        }
        let validator = Validator::new(&value, &references)?;
        Ok(Self {
            value,
            references,
            validator,
        })
    }

    /// The schema's own JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The JSON of the schema that is referenced as `name`.
    #[must_use]
    pub fn reference(&self, name: &str) -> Option<&Value> {
        self.references.get(name)
    }

    /// `title`.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.value.get("title").and_then(Value::as_str)
    }

    /// Whether `value` is valid.
    ///
    /// # Errors
    /// What is not valid about it.
    pub fn validate(&self, value: &Value) -> Result<(), DataError> {
        self.validator.validate(value)
    }

    /// Validates the JSON value that is all of `json` and appends its text without insignificant whitespace.
    ///
    /// # Errors
    /// When it is no JSON or not valid.
    pub fn json_to_binary(&self, json: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
        let start = out.len();
        json::Scanner::new(json, 0, &Options::STRICT).minify(out)?;
        let value: Value = serde_json::from_slice(&out[start..])
            .map_err(|error| DataError::Mismatch(error.to_string()))?;
        self.validate(&value)
    }

    /// Appends the JSON text that `bytes` are. As in the original it is not validated again.
    ///
    /// # Errors
    /// When the bytes are no JSON.
    pub fn binary_to_json(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
        json::Scanner::new(bytes, 0, &Options::STRICT).minify(out)?;
        Ok(())
    }
}

fn read(text: &str) -> Result<Value, SchemaError> {
    serde_json::from_str(text)
        .map_err(|error| SchemaError::Invalid(format!("Invalid JSON {error}")))
}

#[cfg(test)]
#[cfg(feature = "json-schema")]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn outcome(schema: &str, value: &str) -> String {
        let mut out = Vec::new();
        let schema = Schema::parse(schema, &[]).unwrap();
        match schema.json_to_binary(value.as_bytes(), &mut out) {
            Ok(()) => String::from_utf8(out).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn values_are_validated_and_keep_their_text() {
        let closed = r#"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}"#;
        for (value, expected) in [
            (r#"{ "a": 1 }"#, r#"{"a":1}"#),
            (r#"{"b":1}"#, "#: 2 schema violations found"),
            (r#"{"a":"x"}"#, "#/a: expected type: Integer, found: String"),
            (r#"{}"#, "#: required key [a] not found"),
            (r#"[]"#, "#: expected type: JSONObject, found: JSONArray"),
            (r#"{"a":1,"b":1}"#, "#: extraneous key [b] is not permitted"),
        ] {
            assert_eq!(outcome(closed, value), expected, "{value}");
        }
    }

    #[test]
    fn the_path_is_the_one_that_all_violations_share() {
        let schema =
            r#"{"properties":{"o":{"properties":{"x":{"type":"string"},"y":{"type":"string"}}}}}"#;
        assert_eq!(
            outcome(schema, r#"{"o":{"x":1,"y":2}}"#),
            "#/o: 2 schema violations found"
        );
    }

    #[test]
    fn references_are_found_by_name_and_nothing_is_fetched() {
        let reference = Resolved {
            name: "other.json".to_owned(),
            text: r#"{"type":"string"}"#.to_owned(),
        };
        let text = r#"{"properties":{"a":{"$ref":"other.json"}}}"#;
        let schema = Schema::parse(text, &[reference]).unwrap();
        let error = schema.json_to_binary(b"{\"a\":1}", &mut Vec::new());
        assert_eq!(
            error.unwrap_err().to_string(),
            "#/a: expected type: String, found: Integer"
        );
        let error = Schema::parse(text, &[]).unwrap_err().to_string();
        assert!(error.contains("other.json"), "{error}");
    }

    #[test]
    fn texts_that_are_no_schema() {
        for text in ["{bad", r#"{"type":"bogus"}"#, r##"{"$ref":"#/none"}"##] {
            assert!(Schema::parse(text, &[]).is_err(), "{text}");
        }
    }

    #[test]
    fn every_draft_is_read() {
        for (draft, schema) in [
            (
                "http://json-schema.org/draft-04/schema#",
                r#""maximum":5,"exclusiveMaximum":true"#,
            ),
            (
                "http://json-schema.org/draft-06/schema#",
                r#""exclusiveMaximum":5"#,
            ),
            (
                "http://json-schema.org/draft-07/schema#",
                r#""exclusiveMaximum":5"#,
            ),
            (
                "https://json-schema.org/draft/2019-09/schema",
                r#""exclusiveMaximum":5"#,
            ),
            (
                "https://json-schema.org/draft/2020-12/schema",
                r#""exclusiveMaximum":5"#,
            ),
        ] {
            let schema = format!(r#"{{"$schema":"{draft}",{schema}}}"#);
            assert_eq!(outcome(&schema, "4"), "4", "{draft}");
            assert_eq!(outcome(&schema, "5"), "#: 5 is not less than 5", "{draft}");
        }
    }
}
