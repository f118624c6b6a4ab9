//! The main rules for reading with one JSON Schema what is valid by another one: types do not narrow, properties keep
//! their schemas, nothing becomes required without a default, a closed model stays complete. In: schemas. Out: what
//! stands in the way.

use serde_json::Value;

/// What stands in the way of reading with `new` what was written with `old`.
pub(super) fn obstacles(new: &Value, old: &Value) -> Vec<String> {
    let mut check = Check {
        new,
        old,
        found: Vec::new(),
        depth: 0,
    };
    check.schemas(new, old, "#/");
    check.found
}

struct Check<'a> {
    new: &'a Value,
    old: &'a Value,
    found: Vec<String>,
    depth: usize,
}

/// Nested deeper than this, schemas refer to themselves.
const DEEPEST: usize = 64;

impl<'a> Check<'a> {
    /// `text` has a bar where the path stands.
    fn add(&mut self, kind: &str, text: &str, path: &str) {
        let path = if path == "#/" {
            path
        } else {
            path.trim_end_matches('/')
        };
        let (what, how) = text.split_once('|').unwrap_or((text, ""));
        self.found.push(format!(
            "{{errorType:\"{kind}\", description:\"{what} at path '{path}' {how}'}}"
        ));
    }

    fn schemas(&mut self, new: &'a Value, old: &'a Value, path: &str) {
        let (new, old) = (follow(self.new, new), follow(self.old, old));
        self.depth += 1;
        if self.depth <= DEEPEST && !takes_all(new) {
            self.both(new, old, path);
        }
        self.depth -= 1;
    }

    fn both(&mut self, new: &'a Value, old: &'a Value, path: &str) {
        let (wide, narrow) = (types(new), types(old));
        let fits =
            |kind: &&str| wide.contains(kind) || *kind == "integer" && wide.contains(&"number");
        if !wide.is_empty() && (narrow.is_empty() || !narrow.iter().all(fits)) {
            let shares = narrow.iter().any(fits);
            return self.add(
                if shares {
                    "TYPE_NARROWED"
                } else {
                    "TYPE_CHANGED"
                },
                "A type|is different between the new schema and the old schema",
                path,
            );
        }
        self.enumeration(new, old, path);
        self.bounds(new, old, path);
        self.object(new, old, path);
        if let (Some(new), Some(old)) = (new.get("items"), old.get("items")) {
            self.schemas(new, old, &format!("{path}items/"));
        }
        for name in ["oneOf", "anyOf"] {
            self.sum(new, old, name, path);
        }
    }

    fn enumeration(&mut self, new: &Value, old: &Value, path: &str) {
        let Some(allowed) = new["enum"].as_array() else {
            return;
        };
        let used = old["enum"].as_array();
        if !used.is_some_and(|used| used.iter().all(|value| allowed.contains(value))) {
            self.add(
                "ENUM_ARRAY_NARROWED",
                "An enum array|is narrowed in the new schema compared to the old schema",
                path,
            );
        }
    }

    fn bounds(&mut self, new: &Value, old: &Value, path: &str) {
        let bounds = [
            ("maximum", true),
            ("exclusiveMaximum", true),
            ("maxLength", true),
            ("maxItems", true),
            ("maxProperties", true),
            ("minimum", false),
            ("exclusiveMinimum", false),
            ("minLength", false),
            ("minItems", false),
            ("minProperties", false),
        ];
        for (name, upper) in bounds {
            let Some(new) = new[name].as_f64() else {
                continue;
            };
            let narrowed = old[name]
                .as_f64()
                .is_none_or(|old| if upper { new < old } else { new > old });
            if narrowed {
                self.add(
                    "BOUND_NARROWED",
                    "A bound|is narrowed in the new schema compared to the old schema",
                    &format!("{path}{name}"),
                );
            }
        }
        if new.get("pattern").is_some() && new.get("pattern") != old.get("pattern") {
            self.add(
                "PATTERN_CHANGED",
                "A pattern|is different between the new schema and the old schema",
                &format!("{path}pattern"),
            );
        }
    }

    fn object(&mut self, new: &'a Value, old: &'a Value, path: &str) {
        let closed =
            |schema: &Value| schema.get("additionalProperties") == Some(&Value::Bool(false));
        for (name, old_property) in old["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}properties/{name}/");
            match new["properties"].get(name) {
                Some(property) => self.schemas(property, old_property, &path),
                None if closed(new) => {
                    self.add(
                        "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
                        "A property|is missing from the closed content model of the new schema",
                        &path,
                    );
                }
                None => {}
            }
        }
        for (name, property) in new["properties"].as_object().into_iter().flatten() {
            let added = old["properties"].get(name).is_none();
            if added && !closed(old) && !takes_all(property) {
                let path = format!("{path}properties/{name}/");
                self.add(
                    "PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
                    "A property|is added to the open content model of the old schema",
                    &path,
                );
            }
        }
        for name in new["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            let was = old["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|old| old == name));
            if !was && new["properties"][name].get("default").is_none() {
                let path = format!("{path}required/{name}");
                self.add(
                    "REQUIRED_ATTRIBUTE_ADDED",
                    "A required attribute without default|is added in the new schema",
                    &path,
                );
            }
        }
    }

    /// Every branch of the old sum must fit a branch of the new one.
    fn sum(&mut self, new: &'a Value, old: &'a Value, name: &str, path: &str) {
        let Some(branches) = new[name].as_array() else {
            return;
        };
        let single = std::slice::from_ref(old);
        let written = old[name].as_array().map_or(single, Vec::as_slice);
        for old in written {
            let fits = branches.iter().any(|branch| {
                let mut trial = Check {
                    new: self.new,
                    old: self.old,
                    found: Vec::new(),
                    depth: self.depth,
                };
                trial.schemas(branch, old, path);
                trial.found.is_empty()
            });
            if !fits {
                self.add(
                    "SUM_TYPE_NARROWED",
                    "A sum type|is narrowed in the new schema compared to the old schema",
                    &format!("{path}{name}"),
                );
            }
        }
    }
}

/// Follows references within the same schema.
fn follow<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"]
        .as_str()
        .and_then(|text| text.strip_prefix('#'));
    pointer
        .and_then(|pointer| root.pointer(pointer))
        .unwrap_or(schema)
}

fn takes_all(schema: &Value) -> bool {
    match schema {
        Value::Bool(all) => *all,
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::obstacles;

    fn object(properties: &Value) -> Value {
        json!({"type": "object", "properties": properties, "additionalProperties": false})
    }

    #[test]
    fn types_may_widen_only() {
        let of = |kind: Value| json!({"type": kind});
        assert_eq!(
            obstacles(&of(json!("number")), &of(json!("integer"))).len(),
            0
        );
        assert_eq!(
            obstacles(&of(json!("integer")), &of(json!("number"))).len(),
            1
        );
        assert_eq!(
            obstacles(&of(json!(["string", "null"])), &of(json!("string"))).len(),
            0
        );
        assert_eq!(
            obstacles(&of(json!("string")), &of(json!(["string", "null"]))).len(),
            1
        );
    }

    #[test]
    fn properties_of_a_closed_model() {
        let one = object(&json!({"a": {"type": "integer"}}));
        let two = object(&json!({"a": {"type": "integer"}, "b": {"type": "string"}}));
        assert_eq!(obstacles(&two, &one).len(), 0);
        assert_eq!(obstacles(&one, &two).len(), 1);
        let mut required = two.clone();
        required["required"] = json!(["b"]);
        assert_eq!(obstacles(&required, &one).len(), 1);
    }

    #[test]
    fn a_schema_may_refer_to_itself() {
        let list = json!({"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": false});
        assert_eq!(obstacles(&list, &list).len(), 0);
    }
}
