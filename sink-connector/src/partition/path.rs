//! Dotted paths into structs and maps.

use crate::error::Exception;
use crate::value::{SchemaRef, Struct, Value};

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
    /// Dots at the end lead nowhere further: Java's `split` leaves out what is empty there.
    pub(super) fn new(name: &str) -> Self {
        let steps = name.trim_end_matches('.').split('.');
        Self {
            name: name.to_owned(),
            steps: steps.map(str::to_owned).collect(),
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
                Value::Struct(structure) => member(structure, step)?,
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

    /// What lies at the path below `value`, which no null leads to.
    ///
    /// # Errors
    /// In the original's words: a step that leads nowhere, or to null.
    pub(super) fn require<'a>(&self, value: &'a Value) -> Result<Found<'a>, Exception> {
        let mut found = Found {
            value,
            schema: None,
        };
        for step in &self.steps {
            found = required(found.value, step).map_err(|cause| {
                Exception::data(format!("The field '{}' does not exist.", self.name))
                    .caused_by(Exception::data(cause))
            })?;
        }
        Ok(found)
    }
}

/// A struct's field, as `Struct.get` reads it: a null is the default, where there is one.
fn member<'a>(structure: &'a Struct, name: &str) -> Option<Found<'a>> {
    let index = structure.schema.field_index(name)?;
    let schema = &structure.schema.fields.get(index)?.schema;
    Some(Found {
        value: schema.or_default(structure.values.get(index)?),
        schema: Some(schema),
    })
}

/// One step of a path that is required; else why there is none.
fn required<'a>(value: &'a Value, step: &str) -> Result<Found<'a>, String> {
    let there = |found: &Found<'_>| !found.value.is_null();
    match value {
        Value::Struct(structure) => member(structure, step)
            .ok_or_else(|| format!("{step} is not a valid field name"))
            .and_then(|found| match there(&found) {
                true => Ok(found),
                false => Err(format!("The field '{step}' does not exist.")),
            }),
        Value::Map(entries) => entry(entries, step)
            .map(|value| Found {
                value,
                schema: None,
            })
            .filter(there)
            .ok_or_else(|| format!("Unable to find nested field '{step}'")),
        _ => Err(format!(
            "Argument not a Struct or Map. Cannot get field '{step}'."
        )),
    }
}

fn entry<'a>(entries: &'a [(Value, Value)], name: &str) -> Option<&'a Value> {
    let found = entries
        .iter()
        .find(|(key, _)| matches!(key, Value::String(key) if key == name));
    found.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::value::{Schema, Type};
    use std::sync::Arc;

    fn structure(value: Value) -> Value {
        let text = Schema {
            default: Some(Value::String("d".into())),
            ..Schema::of(Type::String)
        };
        let schema = Schema::of(Type::Struct)
            .field("a", Schema::of(Type::String))
            .field("b", text)
            .build();
        Value::Struct(Struct {
            schema: Arc::clone(&schema),
            values: vec![value, Value::Null],
        })
    }

    fn why(path: &str, value: &Value) -> String {
        let error = FieldPath::new(path).require(value).err().unwrap();
        error
            .stacktrace()
            .replace("org.apache.kafka.connect.errors.", "")
    }

    #[test]
    fn what_is_not_there_is_told_step_by_step() {
        let map = Value::Map(vec![(Value::String("m".into()), structure(Value::Null))]);
        for (path, cause) in [
            ("n", "Unable to find nested field 'n'"),
            ("n.a", "Unable to find nested field 'n'"),
            ("m.a", "The field 'a' does not exist."),
            ("m.c", "c is not a valid field name"),
            (
                "m.b.x",
                "Argument not a Struct or Map. Cannot get field 'x'.",
            ),
        ] {
            let expected = format!(
                "DataException: The field '{path}' does not exist.\nCaused by: DataException: {cause}"
            );
            assert_eq!(why(path, &map), expected);
        }
    }

    #[test]
    fn dots_at_the_end_of_a_name_lead_nowhere_further() {
        let value = structure(Value::Int32(7));
        for name in ["a", "a.", "a.."] {
            let found = FieldPath::new(name).require(&value).unwrap();
            assert_eq!(*found.value, Value::Int32(7), "{name}");
        }
        assert!(FieldPath::new(".a").require(&value).is_err());
    }

    #[test]
    fn a_null_in_a_struct_is_its_default() {
        let value = structure(Value::Null);
        let default = Value::String("d".into());
        assert_eq!(*FieldPath::new("b").require(&value).unwrap().value, default);
        assert_eq!(*FieldPath::new("b").find(&value).unwrap().value, default);
        assert!(FieldPath::new("a").find(&value).unwrap().value.is_null());
    }
}
