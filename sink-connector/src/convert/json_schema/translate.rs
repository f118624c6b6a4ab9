//! JSON Schema → Connect schema, as Confluent's `JsonSchemaData` has it.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};
use sluiceway_schemas::json_schema::Schema as JsonSchema;

use super::beside::{self, Beside};
use super::decorate::{decorate, title};
use super::order;
use crate::avro::GENERAL_UNION;
use crate::config::JsonSchemaConverterConfig;
use crate::error::Exception;
use crate::value::{Schema, SchemaRef, Type};

const NAMESPACE: &str = "io.confluent.connect.json";
/// The name of a union, whichever keyword made it.
pub(super) const ONE_OF: &str = "io.confluent.connect.json.OneOf";
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
        unions: 0,
        has_version: true,
    };
    let root = At {
        document: json.value(),
        json: json.value(),
    };
    let mut schema = translator.schema(root, false)?;
    if translator.has_version {
        schema.version = schema.version.or(version);
    }
    Ok(Translation {
        schema: schema.build(),
        recursive: translator.recursive,
    })
}

/// A schema and the document in which its `#/…` references are looked up.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    document: &'a Json,
    pub(super) json: &'a Json,
}

impl<'a> At<'a> {
    pub(super) fn of(self, json: &'a Json) -> Self {
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
    /// Unions met so far, where they are numbered.
    unions: usize,
    /// Whether the whole schema has the registry's version.
    has_version: bool,
}

/// What a place of the JSON Schema is.
struct Made {
    schema: Schema,
    /// Whether null is a value of it.
    nullable: bool,
    dress: Dress,
}

/// What is told of a place besides its type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dress {
    /// Its title, version, description, parameters and default.
    Own,
    /// Nothing: they stand beside several keywords, of which one stands for the place.
    Without,
    /// Nothing, and not even the version: objects that were put together.
    Merged,
}

impl Made {
    fn own(schema: Schema) -> Self {
        Self {
            schema,
            nullable: false,
            dress: Dress::Own,
        }
    }

    fn without(schema: Schema) -> Self {
        Self {
            dress: Dress::Without,
            ..Self::own(schema)
        }
    }
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
            let found = resolve(self.json, at, target)
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
        let made = self.plain(at, object);
        self.open.pop();
        let Made {
            mut schema,
            nullable,
            dress,
        } = made?;
        match dress {
            Dress::Own => decorate(&mut schema, object)?,
            Dress::Merged if self.open.is_empty() => self.has_version = false,
            Dress::Without | Dress::Merged => {}
        }
        schema.optional |= optional || nullable;
        let name = title(object).unwrap_or("#");
        if schema.kind == Type::Struct && self.recursive.contains_key(name) {
            let mut whole = schema.clone();
            whole.optional = false;
            self.recursive.insert(name.to_owned(), whole.build());
        }
        Ok(schema)
    }

    /// Which of the keywords that stand side by side the place is.
    fn plain(&mut self, at: At<'a>, object: &'a Map<String, Json>) -> Result<Made, Exception> {
        if beside::has_parts(object) {
            let properties = beside::properties(self.json, at);
            if !properties.is_empty() {
                return self.merged(properties);
            }
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(Json::Array(branches)) = object.get(key) {
                let mut made = self.union(at, branches)?;
                if beside::has_own_type(object) {
                    made.dress = Dress::Without;
                }
                return Ok(made);
            }
        }
        if let Some(Json::Array(parts)) = object.get("allOf") {
            return self.first_of(at, object, parts);
        }
        match (object.get("type"), object.get("enum")) {
            (Some(Json::Array(kinds)), _) => self.several(at, object, kinds),
            (Some(Json::String(kind)), values) => match (beside::of(object, kind), values) {
                (Beside::Nothing, _) => {
                    let name = object.get("connect.type").and_then(Json::as_str);
                    Ok(Made::own(self.typed(at, object, kind, name)?))
                }
                (Beside::Symbols, Some(Json::Array(values))) => {
                    Ok(Made::without(self.enumeration(values)))
                }
                _ => Ok(Made::without(self.typed(at, object, kind, None)?)),
            },
            (_, Some(Json::Array(values))) => Ok(Made::own(self.enumeration(values))),
            _ => {
                let kind = match () {
                    () if object.contains_key("properties") => "object",
                    () if object.contains_key("items") => "array",
                    () => return Err(unsupported(at.json)),
                };
                let name = object.get("connect.type").and_then(Json::as_str);
                Ok(Made::own(self.typed(at, object, kind, name)?))
            }
        }
    }

    /// `"type": ["null", "string"]` is a nullable string; more types are a union.
    fn several(
        &mut self,
        at: At<'a>,
        object: &'a Map<String, Json>,
        kinds: &'a [Json],
    ) -> Result<Made, Exception> {
        let names: Vec<_> = kinds.iter().filter_map(Json::as_str).collect();
        let nullable = names.contains(&"null");
        let others: Vec<_> = names.into_iter().filter(|name| *name != "null").collect();
        if let [one] = others.as_slice() {
            let schema = self.typed(at, object, one, None)?;
            return Ok(Made {
                nullable,
                ..Made::without(schema)
            });
        }
        let mut members = Vec::with_capacity(others.len());
        for kind in others {
            members.push(self.typed(at, object, kind, None)?.optional());
        }
        let schema = self.union_of(members);
        let made = match object.contains_key("enum") || object.contains_key("const") {
            true => Made::without(schema),
            false => Made::own(schema),
        };
        Ok(Made { nullable, ..made })
    }

    fn typed(
        &mut self,
        at: At<'a>,
        object: &'a Map<String, Json>,
        kind: &str,
        connect_type: Option<&str>,
    ) -> Result<Schema, Exception> {
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
        let required = beside::required(object);
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
            let symbol = match value {
                Json::String(text) => text.clone(),
                Json::Null => "<NULL>".to_owned(),
                value => value.to_string(),
            };
            let name = format!("{prefix}.{symbol}");
            let value = if general { index.to_string() } else { symbol };
            schema.parameters.insert(name, value);
        }
        schema
    }

    fn union(&mut self, at: At<'a>, branches: &'a [Json]) -> Result<Made, Exception> {
        let is_null = |json: &&Json| json.get("type").and_then(Json::as_str) == Some("null");
        let nullable = branches.iter().any(|branch| is_null(&branch));
        let others: Vec<_> = branches.iter().filter(|branch| !is_null(branch)).collect();
        let alone = (branches.len() == 2 && nullable)
            || (branches.len() == 1 && self.config.common.flatten_singleton_unions);
        if let (true, [one]) = (alone, others.as_slice()) {
            let schema = self.schema(at.of(one), nullable)?;
            return Ok(Made {
                nullable,
                ..Made::without(schema)
            });
        }
        let mut members = Vec::with_capacity(others.len());
        for branch in others {
            members.push(self.schema(at.of(branch), true)?);
        }
        Ok(Made {
            nullable,
            ..Made::own(self.union_of(members))
        })
    }

    /// A STRUCT with a field for each branch.
    fn union_of(&mut self, members: Vec<Schema>) -> Schema {
        let general = self.config.common.generalized_sum_types;
        let mut schema = Schema::of(Type::Struct);
        if general {
            let name = format!("connect_union_{}", self.unions);
            self.unions += 1;
            schema
                .parameters
                .insert(GENERAL_UNION.to_owned(), name.clone());
            schema = schema.named(name);
        } else {
            schema = schema.named(ONE_OF);
        }
        for (index, member) in members.into_iter().enumerate() {
            let name = match general {
                true => format!("connect_union_field_{index}"),
                false => format!("{ONE_OF}.field.{index}"),
            };
            schema = schema.field(name, member);
        }
        schema
    }

    fn merged(&mut self, properties: beside::Properties<'a>) -> Result<Made, Exception> {
        let mut schema = Schema::of(Type::Struct);
        for (name, property) in properties {
            let optional = self.config.optional_for_nonrequired && !property.required;
            schema = schema.field(name, self.schema(property.at, optional)?);
        }
        Ok(Made {
            dress: Dress::Merged,
            ..Made::own(schema)
        })
    }

    /// `allOf` without properties: the first part that says a type, those that are several keywords themselves before the others.
    fn first_of(
        &mut self,
        at: At<'a>,
        object: &'a Map<String, Json>,
        parts: &'a [Json],
    ) -> Result<Made, Exception> {
        for part in beside::in_order(parts) {
            match self.schema(at.of(part), false) {
                Ok(schema) => return Ok(Made::without(schema)),
                // A part that only restricts (minimum, pattern …) adds nothing.
                Err(_) if part.get("type").is_none() && part.get("$ref").is_none() => {}
                Err(exception) => return Err(exception),
            }
        }
        match object.get("type").and_then(Json::as_str) {
            Some(kind) => Ok(Made::without(self.typed(at, object, kind, None)?)),
            None => Err(unsupported(at.json)),
        }
    }
}

/// `#`, `#/…` in the same document; the name of a reference, with or without a place in it.
pub(super) fn resolve<'a>(json: &'a JsonSchema, at: At<'a>, target: &str) -> Option<At<'a>> {
    let (name, place) = target.split_once('#').unwrap_or((target, ""));
    let document = if name.is_empty() {
        at.document
    } else {
        json.reference(name)?
    };
    let json = document.pointer(place)?;
    Some(At { document, json })
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
