//! Avro schemas: checked, and written as Java's Avro writes them (members in its order, names split from their
//! namespaces, no blanks), so that texts that mean the same become the same.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::schema::Resolved;

const PRIMITIVES: [&str; 8] = [
    "null", "boolean", "int", "long", "float", "double", "bytes", "string",
];

/// Canonical text of a schema, or what is wrong with it.
pub(super) fn canonical(text: &str, resolved: &Resolved) -> Result<String, String> {
    let mut names = Names::default();
    for (_, referred) in resolved {
        let value = serde_json::from_str(referred).map_err(|error| error.to_string())?;
        names.schema(&value, "")?;
    }
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) if PRIMITIVES.contains(&text.trim()) => Value::from(text.trim()),
        Err(error) => return Err(error.to_string()),
    };
    Ok(names.schema(&value, "")?.to_string())
}

/// A name with its namespace before it: its own dots count, then `namespace`, then the enclosing one.
pub(super) fn full_name(name: &str, namespace: Option<&str>, enclosing: &str) -> String {
    match namespace.unwrap_or(enclosing) {
        _ if name.contains('.') => name.to_owned(),
        "" => name.to_owned(),
        space => format!("{space}.{name}"),
    }
}

/// The namespace of a full name.
pub(super) fn space_of(full: &str) -> &str {
    full.rsplit_once('.').map_or("", |(space, _)| space)
}

/// Names that were defined so far.
#[derive(Debug, Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn schema(&mut self, value: &Value, space: &str) -> Result<Value, String> {
        match value {
            Value::String(name) if PRIMITIVES.contains(&name.as_str()) => Ok(value.clone()),
            Value::String(name) => self.known(name, space),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| self.schema(branch, space));
                Ok(Value::Array(branches.collect::<Result<_, _>>()?))
            }
            Value::Object(object) => self.object(object, space),
            other => Err(format!("No type: {other}")),
        }
    }

    fn known(&self, name: &str, space: &str) -> Result<Value, String> {
        let full = full_name(name, None, space);
        let found = [full.as_str(), name]
            .into_iter()
            .find(|name| self.0.contains(*name));
        let Some(found) = found else {
            return Err(format!("Undefined name: \"{name}\""));
        };
        let near = space_of(found) == space && !space.is_empty();
        let short = found.rsplit('.').next().unwrap_or(found);
        Ok(Value::from(if near { short } else { found }))
    }

    fn object(&mut self, object: &Map<String, Value>, space: &str) -> Result<Value, String> {
        let kind = match object.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(nested) => return self.schema(nested, space),
            None => return Err(format!("No type: {}", Value::Object(object.clone()))),
        };
        let mut out = Map::new();
        out.insert("type".into(), kind.into());
        match kind {
            "record" | "error" => self.record(object, space, &mut out)?,
            "enum" => {
                self.define(object, space, &mut out)?;
                copy(object, &["doc"], &mut out);
                let symbols = object.get("symbols").and_then(Value::as_array);
                let symbols =
                    symbols.ok_or_else(|| format!("Enum has no symbols: {}", json!(object)))?;
                out.insert("symbols".into(), symbols.clone().into());
                copy(object, &["default"], &mut out);
                rest(object, &["symbols", "default"], &mut out);
            }
            "fixed" => {
                self.define(object, space, &mut out)?;
                copy(object, &["doc"], &mut out);
                let size = object.get("size").and_then(Value::as_u64);
                let size = size.ok_or_else(|| format!("Invalid or no size: {}", json!(object)))?;
                out.insert("size".into(), size.into());
                rest(object, &["size"], &mut out);
            }
            "array" | "map" => {
                let member = if kind == "array" { "items" } else { "values" };
                let of = object
                    .get(member)
                    .ok_or_else(|| format!("{kind} has no {member} type: {}", json!(object)))?;
                out.insert(member.into(), self.schema(of, space)?);
                rest(object, &[member], &mut out);
            }
            primitive if PRIMITIVES.contains(&primitive) => {
                rest(object, &[], &mut out);
                if out.len() == 1 {
                    return Ok(Value::from(primitive));
                }
            }
            name => {
                return self
                    .known(name, space)
                    .map_err(|_| format!("Type not supported: {name}"));
            }
        }
        Ok(Value::Object(out))
    }

    fn define(
        &mut self,
        object: &Map<String, Value>,
        space: &str,
        out: &mut Map<String, Value>,
    ) -> Result<String, String> {
        let text = |member: &str| object.get(member).and_then(Value::as_str);
        let name = text("name").ok_or_else(|| format!("No name in schema: {}", json!(object)))?;
        let full = full_name(name, text("namespace"), space);
        let short = full.rsplit('.').next().unwrap_or(&full);
        let proper = |part: &str| {
            let mut letters = part.chars();
            letters
                .next()
                .is_some_and(|first| first.is_alphabetic() || first == '_')
                && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
        };
        if !proper(short) {
            return Err(format!("Illegal character in: {short}"));
        }
        if !self.0.insert(full.clone()) {
            return Err(format!("Can't redefine: {full}"));
        }
        out.insert("name".into(), short.into());
        let own = space_of(&full);
        if own != space {
            out.insert("namespace".into(), own.into());
        }
        Ok(own.to_owned())
    }

    fn record(
        &mut self,
        object: &Map<String, Value>,
        space: &str,
        out: &mut Map<String, Value>,
    ) -> Result<(), String> {
        let own = self.define(object, space, out)?;
        copy(object, &["doc"], out);
        let fields = object.get("fields").and_then(Value::as_array);
        let fields = fields.ok_or_else(|| format!("Record has no fields: {}", json!(object)))?;
        let (mut seen, mut written) = (BTreeSet::new(), Vec::new());
        for field in fields {
            let field = self.field(field, &own)?;
            if !seen.insert(field["name"].to_string()) {
                return Err(format!("Duplicate field {} in record", field["name"]));
            }
            written.push(field);
        }
        out.insert("fields".into(), Value::Array(written));
        rest(object, &["fields"], out);
        Ok(())
    }

    fn field(&mut self, field: &Value, space: &str) -> Result<Value, String> {
        let name = field["name"]
            .as_str()
            .ok_or_else(|| format!("No field name: {field}"))?;
        let of = field
            .get("type")
            .ok_or_else(|| format!("No field type: {field}"))?;
        let mut out = Map::new();
        out.insert("name".into(), name.into());
        out.insert("type".into(), self.schema(of, space)?);
        let Value::Object(members) = field else {
            return Err(format!("No field: {field}"));
        };
        copy(members, &["doc", "default"], &mut out);
        if field["order"]
            .as_str()
            .is_some_and(|order| order != "ascending")
        {
            copy(members, &["order"], &mut out);
        }
        copy(members, &["aliases"], &mut out);
        let known = ["name", "type", "doc", "default", "order", "aliases"];
        let others = members
            .iter()
            .filter(|(name, _)| !known.contains(&name.as_str()));
        out.extend(others.map(|(name, value)| (name.clone(), value.clone())));
        Ok(Value::Object(out))
    }
}

fn copy(from: &Map<String, Value>, members: &[&str], to: &mut Map<String, Value>) {
    for member in members {
        if let Some(value) = from.get(*member) {
            to.insert((*member).to_owned(), value.clone());
        }
    }
}

/// Attributes that mean nothing to Avro, then the aliases.
fn rest(from: &Map<String, Value>, known: &[&str], to: &mut Map<String, Value>) {
    let names = ["type", "name", "namespace", "doc", "aliases"];
    for (name, value) in from {
        if !names.contains(&name.as_str()) && !known.contains(&name.as_str()) {
            to.insert(name.clone(), value.clone());
        }
    }
    copy(from, &["aliases"], to);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::canonical;

    fn of(text: &str) -> Result<String, String> {
        canonical(text, &Vec::new())
    }

    #[test]
    fn texts_that_mean_the_same_become_the_same() {
        assert_eq!(of(" {\"type\": \"string\"} ").unwrap(), "\"string\"");
        let split = r#"{"fields": [{"type": {"type":"int"}, "name": "a"}], "name": "x.R", "type": "record"}"#;
        let whole =
            r#"{"type":"record","name":"R","namespace":"x","fields":[{"name":"a","type":"int"}]}"#;
        assert_eq!(of(split).unwrap(), whole);
        assert_eq!(of(whole).unwrap(), whole);
    }

    #[test]
    fn inner_names_lose_the_namespace_round_them() {
        let text = r#"{"type":"record","name":"x.R","fields":[{"name":"e","type":{"type":"enum","name":"x.E","symbols":["A"]}},{"name":"f","type":["null","x.E"],"default":null}]}"#;
        let expected = r#"{"type":"record","name":"R","namespace":"x","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},{"name":"f","type":["null","E"],"default":null}]}"#;
        assert_eq!(of(text).unwrap(), expected);
    }

    #[test]
    fn what_is_no_schema_is_told() {
        assert_eq!(
            of(r#"{"type":"nope"}"#).unwrap_err(),
            "Type not supported: nope"
        );
        for text in [
            r#"{"type":"rec"#,
            "[1]",
            r#"{"type":"record","name":"R"}"#,
            r#"["x"]"#,
            r#"{"type":"enum","name":"1","symbols":[]}"#,
        ] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
