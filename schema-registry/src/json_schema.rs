//! JSON Schema: drafts 4, 6, 7, 2019-09 and 2020-12.
//!
//! In: a schema text with the schemas it names; a JSON value. Out: the value's own text when it is valid. What fails: a
//! text that is no schema; a value that is not valid, told as Confluent's validator tells it. Nothing is ever fetched
//! from the network: a `$ref` leads into the schema or to one of its references.
//!
//! | module | what it is |
//! |---|---|
//! | [`validator`] | whether a value is valid |
//! | [`violation`] | what is not, in words |
//! | [`failure`] | which violations belong together |
//! | [`part`] | the parts that the keywords of a schema make |
//! | [`defaults`] | properties that a value leaves out |
//! | [`place`] | where a schema stands, and what its `$ref` leads to |

mod defaults;
#[cfg(feature = "json-schema")]
mod failure;
#[cfg(feature = "json-schema")]
mod part;
mod place;
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
use place::Place;
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
        self.validator.validate(self.place(), value)
    }

    fn place(&self) -> Place<'_> {
        Place::root(&self.value, &self.references)
    }

    /// Validates the JSON value that is all of `json` and appends its text without insignificant whitespace. A value
    /// that leaves out properties which have a default is written anew with them, as in the original.
    ///
    /// # Errors
    /// When it is no JSON or not valid.
    pub fn json_to_binary(&self, json: &[u8], out: &mut Vec<u8>) -> Result<(), DataError> {
        let start = out.len();
        json::Scanner::new(json, 0, &Options::STRICT).minify(out)?;
        let mut value: Value = serde_json::from_slice(&out[start..])
            .map_err(|error| DataError::Mismatch(error.to_string()))?;
        self.validate(&value)?;
        if defaults::are_set(&self.value) && defaults::fill(self.place(), &mut value) {
            out.truncate(start);
            // Writing a value to memory cannot fail.
            let _ = serde_json::to_writer(out, &value);
        }
        Ok(())
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
mod tests;
