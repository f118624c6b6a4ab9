//! Avro's rules for reading with one schema what another one wrote. In: canonical texts. Out: what stands in the way, in
//! the words of Avro's own checker.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::avro::{full_name, space_of};

/// A schema with the named ones it may refer to.
#[derive(Debug)]
struct Side<'a> {
    root: &'a Value,
    named: BTreeMap<String, (&'a Value, String)>,
}

/// What stands in the way of reading with `reader` what `writer` wrote; nothing if that works.
pub(super) fn obstacles(reader: &[Value], writer: &[Value]) -> Vec<String> {
    let (Some(reader), Some(writer)) = (Side::new(reader), Side::new(writer)) else {
        return Vec::new();
    };
    let mut check = Check {
        reader: &reader,
        writer: &writer,
        seen: BTreeSet::new(),
        found: Vec::new(),
    };
    check.types((reader.root, ""), (writer.root, ""), "/");
    check.found
}

impl<'a> Side<'a> {
    /// The last schema, with the names of all.
    fn new(schemas: &'a [Value]) -> Option<Self> {
        let mut side = Self {
            root: schemas.last()?,
            named: BTreeMap::new(),
        };
        for schema in schemas {
            side.collect(schema, "");
        }
        Some(side)
    }

    fn collect(&mut self, schema: &'a Value, space: &str) {
        if let Value::Array(branches) = schema {
            branches
                .iter()
                .for_each(|branch| self.collect(branch, space));
        }
        let mut inner = space.to_owned();
        if let Some(name) = schema["name"].as_str() {
            let full = full_name(name, schema["namespace"].as_str(), space);
            inner = space_of(&full).to_owned();
            self.named.insert(full, (schema, inner.clone()));
        }
        for member in ["items", "values", "type"] {
            self.collect_if_nested(&schema[member], &inner);
        }
        for field in schema["fields"].as_array().into_iter().flatten() {
            self.collect_if_nested(&field["type"], &inner);
        }
    }

    fn collect_if_nested(&mut self, schema: &'a Value, space: &str) {
        if schema.is_object() || schema.is_array() {
            self.collect(schema, space);
        }
    }

    /// Follows a name to its definition; the namespace in which names in it are meant.
    fn follow<'b>(&'b self, schema: &'b Value, space: &'b str) -> (&'b Value, &'b str) {
        let named = schema.as_str().and_then(|name| {
            let full = full_name(name, None, space);
            self.named.get(&full).or_else(|| self.named.get(name))
        });
        match named {
            Some((definition, space)) => (definition, space),
            None => match schema["name"].as_str() {
                Some(name) => {
                    let full = full_name(name, schema["namespace"].as_str(), space);
                    let own = self.named.get(&full).map_or(space, |(_, own)| own.as_str());
                    (schema, own)
                }
                None => (schema, space),
            },
        }
    }
}

struct Check<'a> {
    reader: &'a Side<'a>,
    writer: &'a Side<'a>,
    seen: BTreeSet<(String, String)>,
    found: Vec<String>,
}

/// A schema and the namespace round it.
type Place<'b> = (&'b Value, &'b str);

impl Check<'_> {
    fn add(&mut self, kind: &str, description: &str, info: &str) {
        self.found.push(format!(
            "{{errorType:'{kind}', description:'{description}', additionalInfo:'{info}'}}"
        ));
    }

    fn types(&mut self, reader: Place<'_>, writer: Place<'_>, path: &str) {
        let (r, r_space) = self.reader.follow(reader.0, reader.1);
        let (w, w_space) = self.writer.follow(writer.0, writer.1);
        if let Value::Array(branches) = w {
            return branches
                .iter()
                .for_each(|branch| self.types((r, r_space), (branch, w_space), path));
        }
        if let Value::Array(branches) = r {
            return self.union(branches, r_space, (w, w_space), path);
        }
        match (kind(r), kind(w)) {
            ("record", "record") => self.records((r, r_space), (w, w_space), path),
            ("array", "array") => self.types(
                (&r["items"], r_space),
                (&w["items"], w_space),
                &format!("{path}items/"),
            ),
            ("map", "map") => self.types(
                (&r["values"], r_space),
                (&w["values"], w_space),
                &format!("{path}values/"),
            ),
            ("enum", "enum") => {
                self.names(r, w, path);
                self.symbols(r, w, path);
            }
            ("fixed", "fixed") => {
                self.names(r, w, path);
                if r["size"] != w["size"] {
                    let info = format!("expected: {}, found: {}", w["size"], r["size"]);
                    let text = format!(
                        "The size of FIXED type field at path '{path}size' in the new schema does not match with the old schema"
                    );
                    self.add("FIXED_SIZE_MISMATCH", &text, &info);
                }
            }
            (r, w) if promotes(w, r) => {}
            (r, w) => {
                let info = format!(
                    "reader type: {} not compatible with writer type: {}",
                    r.to_uppercase(),
                    w.to_uppercase()
                );
                let text = format!(
                    "The type (path '{path}') of a field in the new schema does not match with the old schema"
                );
                self.add("TYPE_MISMATCH", &text, &info);
            }
        }
    }

    /// A reader's union must have a branch that can read it.
    fn union(&mut self, branches: &[Value], space: &str, writer: Place<'_>, path: &str) {
        let fits = branches.iter().any(|branch| {
            let mut trial = Check {
                reader: self.reader,
                writer: self.writer,
                seen: self.seen.clone(),
                found: Vec::new(),
            };
            trial.types((branch, space), writer, path);
            trial.found.is_empty()
        });
        if !fits {
            let kind = kind(writer.0).to_uppercase();
            let text = format!(
                "The new schema is missing a type inside a union field at path '{path}' in the old schema"
            );
            self.add(
                "MISSING_UNION_BRANCH",
                &text,
                &format!("reader union lacking writer type: {kind}"),
            );
        }
    }

    fn records(&mut self, (r, r_space): Place<'_>, (w, w_space): Place<'_>, path: &str) {
        self.names(r, w, path);
        let pair = (
            format!("{r_space}.{}", r["name"]),
            format!("{w_space}.{}", w["name"]),
        );
        if !self.seen.insert(pair) {
            return;
        }
        let written = w["fields"].as_array().cloned().unwrap_or_default();
        for (number, field) in r["fields"].as_array().into_iter().flatten().enumerate() {
            let path = format!("{path}fields/{number}");
            let named = |other: &&Value| {
                other["name"] == field["name"]
                    || aliases(field).any(|alias| other["name"] == *alias)
            };
            match written.iter().find(named) {
                Some(other) => self.types(
                    (&field["type"], r_space),
                    (&other["type"], w_space),
                    &format!("{path}/type/"),
                ),
                None if field.get("default").is_none() => {
                    let name = field["name"].as_str().unwrap_or_default();
                    let text = format!(
                        "The field '{name}' at path '{path}' in the new schema has no default value and is missing in the old schema"
                    );
                    self.add("READER_FIELD_MISSING_DEFAULT_VALUE", &text, name);
                }
                None => {}
            }
        }
    }

    /// Short names must be equal, or an alias of the reader's.
    fn names(&mut self, r: &Value, w: &Value, path: &str) {
        let short = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
        let (reader, writer) = (
            r["name"].as_str().unwrap_or_default(),
            w["name"].as_str().unwrap_or_default(),
        );
        let alias = aliases(r)
            .filter_map(Value::as_str)
            .any(|alias| short(alias) == short(writer));
        if short(reader) != short(writer) && !alias {
            let text = format!("The name of the schema has changed (path '{path}name')");
            self.add("NAME_MISMATCH", &text, &format!("expected: {writer}"));
        }
    }

    fn symbols(&mut self, r: &Value, w: &Value, path: &str) {
        let list = |schema: &Value| schema["symbols"].as_array().cloned().unwrap_or_default();
        let known = list(r);
        let missing: Vec<_> = list(w)
            .into_iter()
            .filter(|symbol| !known.contains(symbol))
            .collect();
        if !missing.is_empty() && r.get("default").is_none() {
            let names: Vec<_> = missing.iter().filter_map(Value::as_str).collect();
            let text = format!(
                "The new schema is missing enum symbols '[{}]' at path '{path}symbols' in the old schema",
                names.join(", ")
            );
            self.add(
                "MISSING_ENUM_SYMBOLS",
                &text,
                &format!("[{}]", names.join(", ")),
            );
        }
    }
}

fn aliases(schema: &Value) -> impl Iterator<Item = &Value> {
    schema["aliases"].as_array().into_iter().flatten()
}

fn kind(schema: &Value) -> &str {
    match schema {
        Value::String(name) => name,
        Value::Array(_) => "union",
        _ => match schema["type"].as_str().unwrap_or_default() {
            "error" => "record",
            other => other,
        },
    }
}

fn promotes(writer: &str, reader: &str) -> bool {
    let to: &[&str] = match writer {
        "int" => &["long", "float", "double"],
        "long" => &["float", "double"],
        "float" => &["double"],
        "string" => &["bytes"],
        "bytes" => &["string"],
        _ => &[],
    };
    writer == reader || to.contains(&reader)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::obstacles;

    fn record(fields: &Value) -> Value {
        json!({"type": "record", "name": "R", "fields": fields})
    }

    fn count(reader: &Value, writer: &Value) -> usize {
        obstacles(std::slice::from_ref(reader), std::slice::from_ref(writer)).len()
    }

    #[test]
    fn fields_need_defaults_to_be_absent() {
        let old = record(&json!([{"name": "a", "type": "int"}]));
        let more = record(&json!([{"name": "a", "type": "long"}, {"name": "b", "type": "int"}]));
        let default = record(
            &json!([{"name": "a", "type": "long"}, {"name": "b", "type": "int", "default": 0}]),
        );
        assert_eq!(count(&more, &old), 1);
        assert_eq!(count(&default, &old), 0);
        assert_eq!(count(&old, &default), 1, "a long is no int");
    }

    #[test]
    fn unions_enums_and_names() {
        assert_eq!(count(&json!(["null", "long"]), &json!("int")), 0);
        assert_eq!(count(&json!("int"), &json!(["null", "int"])), 1);
        assert_eq!(count(&json!(["null", "string"]), &json!("int")), 1);
        let colours = |symbols: Value| json!({"type": "enum", "name": "E", "symbols": symbols});
        assert_eq!(
            count(&colours(json!(["A"])), &colours(json!(["A", "B"]))),
            1
        );
        assert_eq!(
            count(&colours(json!(["A", "B"])), &colours(json!(["A"]))),
            0
        );
        let renamed = json!({"type": "record", "name": "S", "fields": []});
        assert_eq!(count(&renamed, &record(&json!([]))), 1);
    }

    #[test]
    fn recursive_records_end() {
        let list = record(&json!([{"name": "next", "type": ["null", "R"], "default": null}]));
        assert_eq!(count(&list, &list), 0);
    }
}
