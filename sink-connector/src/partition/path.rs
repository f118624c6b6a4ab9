//! Dotted paths into structs and maps.

use crate::error::Exception;
use crate::value::{SchemaRef, Value};

/// A field name, its dots leading into what is nested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldPath {
    /// The name as it is configured.
    pub(super) name: String,
    steps: Vec<String>,
}

/// What lies at a path.
pub(super) struct Found<'a> {
    pub(super) value: &'a Value,
    /// Schema of the field; `None` inside a map.
    pub(super) schema: Option<&'a SchemaRef>,
}

impl FieldPath {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            steps: name.split('.').map(str::to_owned).collect(),
        }
    }

    /// What lies at the path below `value`; `None` when a struct has no such field, a map no such entry, or something
    /// else is met on the way. Below a null everything is null.
    pub(super) fn find<'a>(&self, value: &'a Value) -> Option<Found<'a>> {
        let mut found = Found {
            value,
            schema: None,
        };
        for step in &self.steps {
            found = match found.value {
                Value::Struct(structure) => {
                    let index = structure.schema.field_index(step)?;
                    Found {
                        value: structure.values.get(index)?,
                        schema: structure
                            .schema
                            .fields
                            .get(index)
                            .map(|field| &field.schema),
                    }
                }
                Value::Map(entries) => Found {
                    value: entry(entries, step)?,
                    schema: None,
                },
                Value::Null => Found {
                    value: found.value,
                    schema: None,
                },
                _ => return None,
            };
        }
        Some(found)
    }

    /// The original's words for a time field that is not there.
    pub(super) fn missing(&self) -> Exception {
        let last = self.steps.last().map_or("", String::as_str);
        Exception::data(format!("The field '{}' does not exist.", self.name)).caused_by(
            Exception::data(format!("Unable to find nested field '{last}'")),
        )
    }
}

fn entry<'a>(entries: &'a [(Value, Value)], name: &str) -> Option<&'a Value> {
    let found = entries
        .iter()
        .find(|(key, _)| matches!(key, Value::String(key) if key == name));
    found.map(|(_, value)| value)
}
