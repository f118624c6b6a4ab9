//! What a JSON Schema tells of a place besides its type: `title`, `connect.version`, `description`, `connect.parameters`, `default`.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::super::json::node;
use super::read;
use crate::error::Exception;
use crate::value::{Schema, SchemaRef};

/// The name that a place gives itself.
pub(super) fn title(object: &Map<String, Json>) -> Option<&str> {
    object.get("title").and_then(Json::as_str)
}

/// Gives a schema name, version, doc, parameters and default as `object` says them.
///
/// # Errors
/// The default is no value of the schema.
pub(super) fn decorate(schema: &mut Schema, object: &Map<String, Json>) -> Result<(), Exception> {
    // The name of a union stays.
    if let (None, Some(title)) = (&schema.name, title(object)) {
        schema.name = Some(title.to_owned());
    }
    if let Some(version) = object.get("connect.version").and_then(Json::as_i64) {
        schema.version = Some(version as i32);
    }
    if let Some(doc) = object.get("description").and_then(Json::as_str) {
        schema.doc = Some(doc.to_owned());
    }
    if let Some(parameters) = object.get("connect.parameters").and_then(Json::as_object) {
        for (name, value) in parameters {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            schema.parameters.insert(name.clone(), value);
        }
    }
    if let Some(default) = object.get("default").filter(|json| !json.is_null()) {
        let text = default.to_string();
        let node =
            node::parse(text.as_bytes(), 0).map_err(|error| Exception::data(error.to_string()))?;
        let shared: SchemaRef = Arc::new(schema.clone());
        schema.default = Some(read::value(&shared, Some(node), &HashMap::new())?);
    }
    Ok(())
}
