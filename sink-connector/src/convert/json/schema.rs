//! The envelope's schema object → [`Schema`], remembered by its text.

use std::collections::HashMap;
use std::sync::Arc;

use super::node::{self, Node};
use super::{typed, unreadable};
use crate::error::{Exception, SCHEMA_BUILDER_EXCEPTION};
use crate::value::{Parameters, Schema, SchemaRef, Type, Value};

/// Parsed schemas by their JSON text. Records of one producer repeat the text byte for byte, and then share the schema,
/// so that comparing schemas is comparing pointers.
pub(super) struct SchemaCache {
    limit: usize,
    schemas: HashMap<Box<[u8]>, Option<SchemaRef>>,
}

impl SchemaCache {
    /// At most `limit` schemas are remembered.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            schemas: HashMap::new(),
        }
    }

    /// The schema of a text; `None` for `null`.
    pub(super) fn get(
        &mut self,
        text: &[u8],
        replace_null: bool,
    ) -> Result<Option<SchemaRef>, Exception> {
        if let Some(schema) = self.schemas.get(text) {
            return Ok(schema.clone());
        }
        let schema = parse(&node::parse(text, 0).map_err(unreadable)?, replace_null)?.map(Arc::new);
        if self.schemas.len() >= self.limit {
            self.schemas.clear();
        }
        if self.limit > 0 {
            self.schemas.insert(text.into(), schema.clone());
        }
        Ok(schema)
    }
}

/// `JsonConverter.asConnectSchema`.
fn parse(node: &Node<'_>, replace_null: bool) -> Result<Option<Schema>, Exception> {
    if *node == Node::Null {
        return Ok(None);
    }
    let Some(Node::String(name)) = member(node, "type") else {
        return Err(Exception::data("Schema must contain 'type' field"));
    };
    let mut schema = match &**name {
        "boolean" => Schema::of(Type::Boolean),
        "int8" => Schema::of(Type::Int8),
        "int16" => Schema::of(Type::Int16),
        "int32" => Schema::of(Type::Int32),
        "int64" => Schema::of(Type::Int64),
        "float" => Schema::of(Type::Float32),
        "double" => Schema::of(Type::Float64),
        "bytes" => Schema::of(Type::Bytes),
        "string" => Schema::of(Type::String),
        "array" => array(node, replace_null)?,
        "map" => map(node, replace_null)?,
        "struct" => record(node, replace_null)?,
        other => return Err(Exception::data(format!("Unknown schema type: {other}"))),
    };
    properties(node, &mut schema)?;
    if let Some(default) = member(node, "default") {
        schema.default = default_value(&schema, default.clone(), replace_null)?;
    }
    Ok(Some(schema))
}

fn member<'n, 'a>(node: &'n Node<'a>, name: &str) -> Option<&'n Node<'a>> {
    match node {
        Node::Object(members) => members.get(name),
        _ => None,
    }
}

fn part(
    node: &Node<'_>,
    name: &str,
    missing: &str,
    replace_null: bool,
) -> Result<SchemaRef, Exception> {
    let schema = match member(node, name) {
        Some(node) => parse(node, replace_null)?,
        None => None,
    };
    schema.map(Arc::new).ok_or_else(|| Exception::data(missing))
}

fn array(node: &Node<'_>, replace_null: bool) -> Result<Schema, Exception> {
    let element = part(
        node,
        "items",
        "Array schema did not specify the element type",
        replace_null,
    )?;
    Ok(Schema {
        element: Some(element),
        ..Schema::of(Type::Array)
    })
}

fn map(node: &Node<'_>, replace_null: bool) -> Result<Schema, Exception> {
    let key = part(
        node,
        "keys",
        "Map schema did not specify the key type",
        replace_null,
    )?;
    let value = part(
        node,
        "values",
        "Map schema did not specify the value type",
        replace_null,
    )?;
    Ok(Schema {
        key: Some(key),
        element: Some(value),
        ..Schema::of(Type::Map)
    })
}

fn record(node: &Node<'_>, replace_null: bool) -> Result<Schema, Exception> {
    let Some(Node::Array(fields)) = member(node, "fields") else {
        return Err(Exception::data(
            "Struct schema's \"fields\" argument is not an array.",
        ));
    };
    let mut schema = Schema::of(Type::Struct);
    for field in fields {
        let Some(Node::String(name)) = member(field, "field") else {
            return Err(Exception::data(
                "Struct schema's field name not specified properly",
            ));
        };
        if schema.field_index(name).is_some() {
            let message = format!("Cannot create field because of field name duplication {name}");
            return Err(Exception::new(SCHEMA_BUILDER_EXCEPTION, message));
        }
        let field_schema = parse(field, replace_null)?
            .ok_or_else(|| Exception::data("Schema must contain 'type' field"))?;
        schema = schema.field(name.clone(), field_schema);
    }
    Ok(schema)
}

fn properties(node: &Node<'_>, schema: &mut Schema) -> Result<(), Exception> {
    let text = |name| match member(node, name) {
        Some(Node::String(text)) => Some(text.clone().into_owned()),
        _ => None,
    };
    schema.optional = member(node, "optional") == Some(&Node::Boolean(true));
    schema.name = text("name");
    schema.doc = text("doc");
    schema.version = match member(node, "version") {
        // Connect takes Java's intValue: the low 32 bits.
        Some(Node::Number(number)) if number.is_integer() => Some(number.as_i64() as i32),
        _ => None,
    };
    if let Some(Node::Object(members)) = member(node, "parameters") {
        schema.parameters = parameters(members)?;
    }
    Ok(())
}

fn parameters(
    members: &indexmap::IndexMap<std::borrow::Cow<'_, str>, Node<'_>>,
) -> Result<Parameters, Exception> {
    let parameter = |(name, node): (&std::borrow::Cow<'_, str>, &Node<'_>)| match node {
        Node::String(text) => Ok((name.clone().into_owned(), text.clone().into_owned())),
        _ => Err(Exception::data(
            "Schema parameters must have string values.",
        )),
    };
    members.iter().map(parameter).collect()
}

/// The default, which is a value of the schema; null only where the schema is optional.
fn default_value(
    schema: &Schema,
    node: Node<'_>,
    replace_null: bool,
) -> Result<Option<Value>, Exception> {
    let bare = Arc::new(schema.clone());
    let value = typed::convert(&bare, node, replace_null)?;
    let checked = match &value {
        // A struct's schema is compared with one that is still being built, and never is the same.
        Value::Struct(_) => Err(Exception::data("Struct schemas do not match.")),
        value => typed::require(schema, value, &|| "value".to_owned()),
    };
    checked.map_err(|cause| {
        Exception::new(SCHEMA_BUILDER_EXCEPTION, "Invalid default value").caused_by(cause)
    })?;
    Ok(Some(value).filter(|value| !value.is_null()))
}
