//! JSON Schema → Connect schema, as Confluent's `JsonSchemaData` has it.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};
use sluiceway_schemas::json_schema::Schema as JsonSchema;

use super::super::json::node;
use super::{order, read};
use crate::config::JsonSchemaConverterConfig;
use crate::error::Exception;
use crate::value::{Schema, SchemaRef, Type};

const NAMESPACE: &str = "io.confluent.connect.json";
/// How deep schemas may stand inside one another.
const MAX_DEPTH: usize = 100;

/// A translated schema.
pub(in crate::convert) struct Translation {
    /// The Connect schema.
    pub(super) schema: SchemaRef,
    /// Whole schemas of objects that use themselves, by name. Where they do, a STRUCT of that name without fields stands.
    pub(super) recursive: HashMap<String, SchemaRef>,
}

pub(super) fn translate(
    json: &JsonSchema,
    version: Option<i32>,
    config: &JsonSchemaConverterConfig,
) -> Result<Translation, Exception> {
    let mut translator = Translator {
        json,
        config,
        open: Vec::new(),
        recursive: HashMap::new(),
        depth: 0,
    };
    let root = At {
        document: json.value(),
        json: json.value(),
    };
    let mut schema = translator.schema(root, false)?;
    schema.version = schema.version.or(version);
    Ok(Translation {
        schema: schema.build(),
        recursive: translator.recursive,
    })
}

/// A schema and the document in which its `#/…` references are looked up.
#[derive(Clone, Copy)]
struct At<'a> {
    document: &'a Json,
    json: &'a Json,
}

impl<'a> At<'a> {
    fn of(self, json: &'a Json) -> Self {
        Self { json, ..self }
    }
}

struct Translator<'a> {
    json: &'a JsonSchema,
    config: &'a JsonSchemaConverterConfig,
    /// Targets of the references that are being followed.
    open: Vec<*const Json>,
    recursive: HashMap<String, SchemaRef>,
    depth: usize,
}

impl<'a> Translator<'a> {
    fn schema(&mut self, at: At<'a>, optional: bool) -> Result<Schema, Exception> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Exception::data(format!(
                "the JSON Schema is nested deeper than {MAX_DEPTH}"
            )));
        }
        let schema = self.one(at, optional);
        self.depth -= 1;
        schema
    }

    fn one(&mut self, at: At<'a>, optional: bool) -> Result<Schema, Exception> {
        let Some(object) = at.json.as_object() else {
            return Err(unsupported(at.json));
        };
        if let Some(target) = object.get("$ref").and_then(Json::as_str) {
            let found = self
                .resolve(at, target)
                .ok_or_else(|| Exception::data(format!("Unresolved reference {target}")))?;
            return self.schema(found, optional);
        }
        let this: *const Json = at.json;
        if self.open.contains(&this) {
            let name = title(object).unwrap_or("#").to_owned();
            self.recursive
                .entry(name.clone())
                .or_insert_with(|| Schema::of(Type::Struct).build());
            return Ok(Schema {
                optional,
                ..Schema::of(Type::Struct).named(name)
            });
        }
        self.open.push(this);
        let schema = self.plain(at, object);
        self.open.pop();
        let (mut schema, nullable) = schema?;
        decorate(&mut schema, object)?;
        schema.optional |= optional || nullable;
        let name = title(object).unwrap_or("#");
        if schema.kind == Type::Struct && self.recursive.contains_key(name) {
            let mut whole = schema.clone();
            whole.optional = false;
            self.recursive.insert(name.to_owned(), whole.build());
        }
        Ok(schema)
    }

    /// `#`, `#/…` in the same document; the name of a reference, with or without a place in it.
    fn resolve(&self, at: At<'a>, target: &str) -> Option<At<'a>> {
        let (name, place) = target.split_once('#').unwrap_or((target, ""));
        let document = if name.is_empty() {
            at.document
        } else {
            self.json.reference(name)?
        };
        let json = document.pointer(place)?;
        Some(At { document, json })
    }

    /// The schema itself, and whether null is a value of it.
    fn plain(
        &mut self,
        at: At<'a>,
        object: &'a Map<String, Json>,
    ) -> Result<(Schema, bool), Exception> {
        for (key, name) in [("oneOf", "OneOf"), ("anyOf", "AnyOf")] {
            if let Some(Json::Array(branches)) = object.get(key) {
                return self.union(at, branches, name);
            }
        }
        if let Some(Json::Array(parts)) = object.get("allOf") {
            return self.all_of(at, object, parts);
        }
        if let Some(Json::Array(values)) = object.get("enum") {
            return Ok((self.enumeration(values), false));
        }
        match object.get("type") {
            Some(Json::String(kind)) => Ok((self.typed(at, object, kind)?, false)),
            Some(Json::Array(kinds)) => self.several(at, object, kinds),
            _ if object.contains_key("properties") => {
                Ok((self.typed(at, object, "object")?, false))
            }
            _ if object.contains_key("items") => Ok((self.typed(at, object, "array")?, false)),
            _ => Err(unsupported(at.json)),
        }
    }

    /// `"type": ["null", "string"]` is a nullable string; more types are a union.
    fn several(
        &mut self,
        at: At<'a>,
        object: &'a Map<String, Json>,
        kinds: &'a [Json],
    ) -> Result<(Schema, bool), Exception> {
        let names: Vec<_> = kinds.iter().filter_map(Json::as_str).collect();
        let nullable = names.contains(&"null");
        let others: Vec<_> = names.into_iter().filter(|name| *name != "null").collect();
        if let [one] = others.as_slice() {
            return Ok((self.typed(at, object, one)?, nullable));
        }
        let mut schema = Schema::of(Type::Struct).named(self.union_name("AnyOf"));
        for (index, kind) in others.iter().enumerate() {
            let member = self.typed(at, object, kind)?.optional();
            schema = schema.field(self.member_name("AnyOf", index), member);
        }
        Ok((schema, nullable))
    }

    fn typed(
        &mut self,
        at: At<'a>,
        object: &'a Map<String, Json>,
        kind: &str,
    ) -> Result<Schema, Exception> {
        let connect_type = object.get("connect.type").and_then(Json::as_str);
        Ok(match (kind, connect_type) {
            ("null", _) => {
                return Err(Exception::data(
                    "Standalone null schemas are not supported by this converter",
                ));
            }
            ("boolean", _) => Schema::of(Type::Boolean),
            ("integer", None) => Schema::of(Type::Int64),
            ("number", None) => Schema::of(Type::Float64),
            ("integer" | "number", Some(name)) => Schema::of(number(name)?),
            ("string", Some("bytes")) => Schema::of(Type::Bytes),
            ("string", _) => Schema::of(Type::String),
            ("array", Some("map")) => self.entries(at, object)?,
            ("array", _) => match object.get("items") {
                Some(items @ Json::Object(_)) => Schema::array(self.schema(at.of(items), false)?),
                _ => {
                    return Err(Exception::data(
                        "Array schema did not specify the items type",
                    ));
                }
            },
            ("object", Some("map")) => match object.get("additionalProperties") {
                Some(values @ Json::Object(_)) => {
                    Schema::map(Schema::of(Type::String), self.schema(at.of(values), false)?)
                }
                _ => return Err(unsupported(at.json)),
            },
            ("object", _) => self.record(at, object)?,
            _ => return Err(unsupported(at.json)),
        })
    }

    /// A map whose keys are no strings: an array of objects with `key` and `value`.
    fn entries(&mut self, at: At<'a>, object: &'a Map<String, Json>) -> Result<Schema, Exception> {
        let part = |name: &str| {
            object
                .get("items")
                .and_then(|items| items.get("properties")?.get(name))
                .ok_or_else(|| unsupported(at.json))
        };
        let (key, value) = (part("key")?, part("value")?);
        Ok(Schema::map(
            self.schema(at.of(key), false)?,
            self.schema(at.of(value), false)?,
        ))
    }

    fn record(&mut self, at: At<'a>, object: &'a Map<String, Json>) -> Result<Schema, Exception> {
        let mut schema = Schema::of(Type::Struct);
        let Some(properties) = object.get("properties").and_then(Json::as_object) else {
            return Ok(schema);
        };
        let required: Vec<_> = object
            .get("required")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        for (name, property) in order::sorted(properties) {
            let optional =
                self.config.optional_for_nonrequired && !required.contains(&name.as_str());
            schema = schema.field(name.clone(), self.schema(at.of(property), optional)?);
        }
        Ok(schema)
    }

    fn enumeration(&self, values: &[Json]) -> Schema {
        let general = self.config.common.generalized_sum_types;
        let prefix = if general {
            "org.apache.kafka.connect.data.Enum".to_owned()
        } else {
            format!("{NAMESPACE}.Enum")
        };
        let mut schema = Schema::of(Type::String);
        // JSON's enums have no name.
        schema.parameters.insert(prefix.clone(), String::new());
        for (index, value) in values.iter().enumerate() {
            let symbol = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let name = format!("{prefix}.{symbol}");
            let value = if general { index.to_string() } else { symbol };
            schema.parameters.insert(name, value);
        }
        schema
    }

    fn union(
        &mut self,
        at: At<'a>,
        branches: &'a [Json],
        name: &str,
    ) -> Result<(Schema, bool), Exception> {
        let is_null = |json: &&Json| json.get("type").and_then(Json::as_str) == Some("null");
        let nullable = branches.iter().any(|branch| is_null(&branch));
        let others: Vec<_> = branches.iter().filter(|branch| !is_null(branch)).collect();
        let alone = (branches.len() == 2 && nullable)
            || (branches.len() == 1 && self.config.common.flatten_singleton_unions);
        if let (true, [one]) = (alone, others.as_slice()) {
            return Ok((self.schema(at.of(one), nullable)?, nullable));
        }
        let mut schema = Schema::of(Type::Struct).named(self.union_name(name));
        for (index, branch) in others.into_iter().enumerate() {
            let member = self.schema(at.of(branch), true)?;
            schema = schema.field(self.member_name(name, index), member);
        }
        Ok((schema, nullable))
    }

    fn union_name(&self, name: &str) -> String {
        if self.config.common.generalized_sum_types {
            "connect_union".to_owned()
        } else {
            format!("{NAMESPACE}.{name}")
        }
    }

    fn member_name(&self, name: &str, index: usize) -> String {
        if self.config.common.generalized_sum_types {
            format!("connect_union_field_{index}")
        } else {
            format!("{NAMESPACE}.{name}.field.{index}")
        }
    }

    /// Objects are put together; of anything else the first part that says a type counts.
    fn all_of(
        &mut self,
        at: At<'a>,
        object: &'a Map<String, Json>,
        parts: &'a [Json],
    ) -> Result<(Schema, bool), Exception> {
        let mut whole: Option<Schema> = None;
        let own = object.contains_key("properties").then_some(at.json);
        if own.is_some() {
            whole = Some(self.record(at, object)?);
        }
        for part in parts {
            let schema = match self.schema(at.of(part), false) {
                Ok(schema) => schema,
                // A part that only restricts (minimum, pattern …) adds nothing.
                Err(_) if part.get("type").is_none() && part.get("$ref").is_none() => continue,
                Err(exception) => return Err(exception),
            };
            match &mut whole {
                None => whole = Some(schema),
                Some(whole) if whole.kind == Type::Struct && schema.kind == Type::Struct => {
                    for field in schema.fields {
                        if whole.field_index(&field.name).is_none() {
                            whole.fields.push(field);
                        }
                    }
                }
                Some(_) => {}
            }
        }
        whole
            .map(|schema| (schema, false))
            .ok_or_else(|| unsupported(at.json))
    }
}

fn unsupported(json: &Json) -> Exception {
    Exception::data(format!("Unsupported schema type {json}"))
}

fn number(name: &str) -> Result<Type, Exception> {
    Ok(match name {
        "int8" => Type::Int8,
        "int16" => Type::Int16,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "float32" => Type::Float32,
        "float64" => Type::Float64,
        "bytes" => Type::Bytes,
        other => {
            return Err(Exception::new(
                "java.lang.IllegalArgumentException",
                format!("Unsupported type {other}"),
            ));
        }
    })
}

fn title(object: &Map<String, Json>) -> Option<&str> {
    object.get("title").and_then(Json::as_str)
}

/// Name, version, doc, parameters and default.
fn decorate(schema: &mut Schema, object: &Map<String, Json>) -> Result<(), Exception> {
    if let Some(title) = title(object) {
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
