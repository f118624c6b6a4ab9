//! Schema text → [`Schema`].
//!
//! In: JSON, and the texts of referenced schemas. Out: the types, names resolved. What fails: bad JSON, unknown types
//! and names, a name defined twice, unions and enums that Avro forbids. The texts are close to those of Java's parser.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{Enum, Field, Fixed, Kind, Name, Record, Schema, Type, TypeId};
use crate::error::SchemaError;
use crate::schema::Resolved;

/// How deep types may stand inside one another.
const MAX_DEPTH: usize = 100;
/// Largest `fixed`, in bytes.
const MAX_FIXED: u64 = 1 << 30;

pub(super) fn parse(text: &str, resolved: &[Resolved]) -> Result<Schema, SchemaError> {
    let mut parser = Parser::default();
    for reference in resolved {
        parser.text(&reference.text)?;
    }
    let root = parser.text(text)?;
    let mut types = Vec::with_capacity(parser.types.len());
    for found in parser.types {
        types.push(found.ok_or_else(|| invalid("a type is not defined"))?);
    }
    Ok(Schema { types, root })
}

#[derive(Default)]
struct Parser {
    /// `None` while a type that may use itself is being read.
    types: Vec<Option<Type>>,
    named: HashMap<String, TypeId>,
    depth: usize,
}

/// Attributes of types that are read into [`Kind`].
const TYPE_ATTRIBUTES: [&str; 10] = [
    "type",
    "name",
    "namespace",
    "doc",
    "aliases",
    "fields",
    "symbols",
    "size",
    "items",
    "values",
];
const FIELD_ATTRIBUTES: [&str; 5] = ["name", "type", "doc", "default", "aliases"];

fn invalid(reason: impl Into<String>) -> SchemaError {
    SchemaError::Invalid(reason.into())
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<TypeId, SchemaError> {
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => return Err(invalid(error.to_string())),
        };
        self.schema(&value, None)
    }

    fn schema(&mut self, value: &Value, namespace: Option<&str>) -> Result<TypeId, SchemaError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SchemaError::TooLarge {
                what: "a nesting of types",
                limit: MAX_DEPTH,
            });
        }
        let id = match value {
            Value::String(name) => self.by_name(name, namespace, &Map::new()),
            Value::Array(branches) => self.union(branches, namespace),
            Value::Object(object) => self.object(object, namespace),
            other => Err(invalid(format!("Schema not yet supported: {other}"))),
        }?;
        self.depth -= 1;
        Ok(id)
    }

    fn add(&mut self, kind: Kind, attributes: Map<String, Value>) -> TypeId {
        self.types.push(Some(Type { kind, attributes }));
        TypeId(self.types.len() - 1)
    }

    /// A primitive (with the attributes of the object it stands in) or a name defined before.
    fn by_name(
        &mut self,
        name: &str,
        namespace: Option<&str>,
        attributes: &Map<String, Value>,
    ) -> Result<TypeId, SchemaError> {
        let kind = match name {
            "null" => Kind::Null,
            "boolean" => Kind::Boolean,
            "int" => Kind::Int,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "bytes" => Kind::Bytes,
            "string" => Kind::String,
            name => {
                let full = full_name(name, namespace);
                let found = self.named.get(&full).or_else(|| self.named.get(name));
                return found
                    .copied()
                    .ok_or_else(|| invalid(format!("\"{name}\" is not a defined name.")));
            }
        };
        Ok(self.add(kind, rest(attributes, &TYPE_ATTRIBUTES)))
    }

    fn union(
        &mut self,
        branches: &[Value],
        namespace: Option<&str>,
    ) -> Result<TypeId, SchemaError> {
        let mut ids = Vec::with_capacity(branches.len());
        let mut seen = HashSet::new();
        for branch in branches {
            let id = self.schema(branch, namespace)?;
            let name = match &self.types[id.0] {
                Some(Type {
                    kind: Kind::Union(_),
                    ..
                }) => return Err(invalid(format!("Nested union: {branch}"))),
                Some(of) => of
                    .name()
                    .map_or_else(|| of.type_name().to_owned(), |name| name.full().to_owned()),
                // A record that uses itself: told apart by its place.
                None => format!("#{}", id.0),
            };
            if !seen.insert(name.clone()) {
                return Err(invalid(format!("Duplicate in union:{name}")));
            }
            ids.push(id);
        }
        Ok(self.add(Kind::Union(ids), Map::new()))
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        namespace: Option<&str>,
    ) -> Result<TypeId, SchemaError> {
        let name = match object.get("type") {
            Some(Value::String(name)) => name.as_str(),
            // {"type": {"type": …}}: the inner one is it, with the outer's attributes where it has none.
            Some(inner @ (Value::Object(_) | Value::Array(_))) => {
                return self.schema(inner, namespace);
            }
            Some(other) => return Err(invalid(format!("Type not supported: {other}"))),
            None => {
                return Err(invalid(format!(
                    "No type: {}",
                    Value::Object(object.clone())
                )));
            }
        };
        match name {
            "record" | "error" => self.record(object, namespace),
            "enum" => self.enumeration(object, namespace),
            "fixed" => self.fixed(object, namespace),
            "array" => {
                let items = self.part(object, "items", "Array has no items type", namespace)?;
                Ok(self.add(Kind::Array(items), rest(object, &TYPE_ATTRIBUTES)))
            }
            "map" => {
                let values = self.part(object, "values", "Map has no values type", namespace)?;
                Ok(self.add(Kind::Map(values), rest(object, &TYPE_ATTRIBUTES)))
            }
            name => self
                .by_name(name, namespace, object)
                .map_err(|_| invalid(format!("Type not supported: {name}"))),
        }
    }

    fn part(
        &mut self,
        object: &Map<String, Value>,
        key: &str,
        missing: &str,
        namespace: Option<&str>,
    ) -> Result<TypeId, SchemaError> {
        let part = object.get(key).ok_or_else(|| invalid(missing))?;
        self.schema(part, namespace)
    }

    /// The place of a named type that is read next.
    fn define(&mut self, name: &Name) -> Result<TypeId, SchemaError> {
        let id = TypeId(self.types.len());
        if self.named.insert(name.full().to_owned(), id).is_some() {
            return Err(invalid(format!("Can't redefine: {}", name.full())));
        }
        self.types.push(None);
        Ok(id)
    }

    fn record(
        &mut self,
        object: &Map<String, Value>,
        namespace: Option<&str>,
    ) -> Result<TypeId, SchemaError> {
        let name = name_of(object, namespace)?;
        let id = self.define(&name)?;
        let Some(Value::Array(listed)) = object.get("fields") else {
            return Err(invalid(format!("Record has no fields: {}", name.full())));
        };
        let mut fields = Vec::with_capacity(listed.len());
        let mut seen = HashSet::new();
        for field in listed {
            let field = self.field(field, name.namespace())?;
            if !seen.insert(field.name.clone()) {
                let record = name.full();
                return Err(invalid(format!(
                    "Duplicate field {} in record {record}",
                    field.name
                )));
            }
            fields.push(field);
        }
        let record = Record {
            doc: doc(object),
            aliases: full_aliases(object, &name),
            name,
            fields,
        };
        Ok(self.fill(id, Kind::Record(record), object))
    }

    fn fill(&mut self, id: TypeId, kind: Kind, object: &Map<String, Value>) -> TypeId {
        let attributes = match &kind {
            Kind::Enum(_) => rest_without(object, &TYPE_ATTRIBUTES, "default"),
            _ => rest(object, &TYPE_ATTRIBUTES),
        };
        self.types[id.0] = Some(Type { kind, attributes });
        id
    }

    fn field(&mut self, value: &Value, namespace: Option<&str>) -> Result<Field, SchemaError> {
        let object = value
            .as_object()
            .ok_or_else(|| invalid(format!("No field name: {value}")))?;
        let name = object
            .get("name")
            .and_then(Value::as_str)
            .ok_or_else(|| invalid(format!("No field name: {value}")))?;
        check_name(name)?;
        let schema = object
            .get("type")
            .ok_or_else(|| invalid(format!("No field type: {name}")))?;
        Ok(Field {
            name: name.to_owned(),
            doc: doc(object),
            default: object.get("default").cloned(),
            aliases: aliases(object),
            schema: self.schema(schema, namespace)?,
            attributes: rest(object, &FIELD_ATTRIBUTES),
        })
    }

    fn enumeration(
        &mut self,
        object: &Map<String, Value>,
        namespace: Option<&str>,
    ) -> Result<TypeId, SchemaError> {
        let name = name_of(object, namespace)?;
        let id = self.define(&name)?;
        let Some(Value::Array(listed)) = object.get("symbols") else {
            return Err(invalid(format!("Enum has no symbols: {}", name.full())));
        };
        let mut symbols = Vec::with_capacity(listed.len());
        let mut seen = HashSet::new();
        for symbol in listed {
            let symbol = symbol
                .as_str()
                .ok_or_else(|| invalid(format!("Enum has no symbols: {}", name.full())))?;
            check_name(symbol)?;
            if !seen.insert(symbol) {
                return Err(invalid(format!("Duplicate enum symbol: {symbol}")));
            }
            symbols.push(symbol.to_owned());
        }
        let default = object.get("default").and_then(Value::as_str);
        if let Some(default) = default.filter(|symbol| !seen.contains(symbol)) {
            return Err(invalid(format!(
                "The Enum Default: {default} is not in the enum symbol set: {symbols:?}"
            )));
        }
        let of = Enum {
            doc: doc(object),
            aliases: full_aliases(object, &name),
            default: default.map(str::to_owned),
            name,
            symbols,
        };
        Ok(self.fill(id, Kind::Enum(of), object))
    }

    fn fixed(
        &mut self,
        object: &Map<String, Value>,
        namespace: Option<&str>,
    ) -> Result<TypeId, SchemaError> {
        let name = name_of(object, namespace)?;
        let id = self.define(&name)?;
        let size = object
            .get("size")
            .and_then(Value::as_u64)
            .filter(|size| *size <= MAX_FIXED)
            .ok_or_else(|| invalid(format!("Invalid or no size: {}", name.full())))?;
        let of = Fixed {
            doc: doc(object),
            aliases: full_aliases(object, &name),
            name,
            size: size as usize,
        };
        Ok(self.fill(id, Kind::Fixed(of), object))
    }
}

fn name_of(object: &Map<String, Value>, enclosing: Option<&str>) -> Result<Name, SchemaError> {
    let name = object
        .get("name")
        .and_then(Value::as_str)
        .ok_or_else(|| invalid("No name in schema"))?;
    let namespace = match object.get("namespace").and_then(Value::as_str) {
        Some(own) => Some(own).filter(|own| !own.is_empty()),
        None => enclosing,
    };
    let full = full_name(name, namespace);
    full.split('.').try_for_each(check_name)?;
    Ok(Name::new(full))
}

/// A name with a dot is full; others stand in `namespace`.
fn full_name(name: &str, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) if !name.contains('.') && !namespace.is_empty() => {
            format!("{namespace}.{name}")
        }
        _ => name.to_owned(),
    }
}

fn check_name(name: &str) -> Result<(), SchemaError> {
    let mut chars = name.chars();
    match chars.next() {
        None => return Err(invalid("Empty name")),
        Some(first) if !(first.is_alphabetic() || first == '_') => {
            return Err(invalid(format!("Illegal initial character: {name}")));
        }
        Some(_) => {}
    }
    if chars.all(|c| c.is_alphanumeric() || c == '_') {
        Ok(())
    } else {
        Err(invalid(format!("Illegal character in: {name}")))
    }
}

fn doc(object: &Map<String, Value>) -> Option<String> {
    object.get("doc").and_then(Value::as_str).map(str::to_owned)
}

fn aliases(object: &Map<String, Value>) -> Vec<String> {
    let listed = object.get("aliases").and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn full_aliases(object: &Map<String, Value>, name: &Name) -> Vec<String> {
    aliases(object)
        .iter()
        .map(|alias| full_name(alias, name.namespace()))
        .collect()
}

fn rest(object: &Map<String, Value>, known: &[&str]) -> Map<String, Value> {
    rest_without(object, known, "type")
}

fn rest_without(object: &Map<String, Value>, known: &[&str], also: &str) -> Map<String, Value> {
    object
        .iter()
        .filter(|(key, _)| key.as_str() != also && !known.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
