//! A build without the feature `json-schema`: no schema is accepted, so no value passes unvalidated.

use std::collections::HashMap;

use serde_json::Value;

use super::place::Place;
use crate::error::{DataError, SchemaError};

/// There is none in this build.
#[derive(Debug)]
pub(super) enum Validator {}

impl Validator {
    /// Refuses the schema.
    pub(super) fn new(_: &Value, _: &HashMap<String, Value>) -> Result<Self, SchemaError> {
        let text =
            "this program was built without JSON Schema: build it with --features json-schema";
        Err(SchemaError::Invalid(text.to_owned()))
    }

    /// Never called: there is no validator.
    pub(super) fn validate(&self, _: Place<'_>, _: &Value) -> Result<(), DataError> {
        match *self {}
    }
}
