//! JSON → [`Value`] along a translated schema. As in the original, a member that is missing is null whatever the schema
//! says (the format finds it out), and a scalar of the wrong kind is 0, false or null.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::json::node::Node;
use super::super::json::typed;
use super::translate::{ONE_OF, Translation};
use crate::avro::GENERAL_UNION;
use crate::error::Exception;
use crate::value::{SchemaRef, Struct, Type, Value, logical};

/// The value of a whole text.
pub(super) fn root(translation: &Translation, node: Node<'_>) -> Result<Value, Exception> {
    value(&translation.schema, Some(node), &translation.recursive)
}

/// One value; `None` is a member that is missing.
pub(super) fn value(
    schema: &SchemaRef,
    node: Option<Node<'_>>,
    recursive: &HashMap<String, SchemaRef>,
) -> Result<Value, Exception> {
    let node = match node {
        None => return Ok(schema.default.clone().unwrap_or(Value::Null)),
        Some(Node::Null) => return null(schema),
        Some(node) => node,
    };
    let is_logical = [
        logical::DECIMAL,
        logical::DATE,
        logical::TIME,
        logical::TIMESTAMP,
    ]
    .iter()
    .any(|name| schema.is_logical(name));
    match schema.kind {
        _ if is_logical => typed::convert(schema, node, false),
        Type::Struct if is_union(schema) => union(schema, node, recursive),
        Type::Struct => record(schema, node, recursive),
        Type::Array => array(schema, node, recursive),
        Type::Map => map(schema, node, recursive),
        _ => typed::convert(schema, node, false),
    }
}

fn null(schema: &SchemaRef) -> Result<Value, Exception> {
    match &schema.default {
        Some(default) => Ok(default.clone()),
        None if schema.optional => Ok(Value::Null),
        None => Err(Exception::data(format!(
            "Invalid null value for required {} field",
            schema.kind
        ))),
    }
}

fn is_union(schema: &SchemaRef) -> bool {
    schema.name.as_deref() == Some(ONE_OF) || schema.parameters.contains_key(GENERAL_UNION)
}

fn record(
    schema: &SchemaRef,
    node: Node<'_>,
    recursive: &HashMap<String, SchemaRef>,
) -> Result<Value, Exception> {
    let Node::Object(mut members) = node else {
        return Err(Exception::data(format!(
            "Structs should be encoded as JSON objects, but found {}",
            node.type_name()
        )));
    };
    // Where an object uses itself its schema has no fields; the whole one is kept aside.
    let whole = match schema.name.as_deref().and_then(|name| recursive.get(name)) {
        Some(whole) if schema.fields.is_empty() => whole,
        _ => schema,
    };
    let mut values = Vec::with_capacity(whole.fields.len());
    for field in &whole.fields {
        let member = members.swap_remove(field.name.as_str());
        values.push(value(&field.schema, member, recursive)?);
    }
    Ok(Value::Struct(Struct {
        schema: Arc::clone(whole),
        values,
    }))
}

fn array(
    schema: &SchemaRef,
    node: Node<'_>,
    recursive: &HashMap<String, SchemaRef>,
) -> Result<Value, Exception> {
    let element = schema.element.as_ref().unwrap_or(schema);
    let items: Vec<Node<'_>> = match node {
        Node::Array(items) => items,
        Node::Object(members) => members.into_values().collect(),
        _ => Vec::new(),
    };
    items
        .into_iter()
        .map(|item| value(element, Some(item), recursive))
        .collect::<Result<_, _>>()
        .map(Value::Array)
}

fn map(
    schema: &SchemaRef,
    node: Node<'_>,
    recursive: &HashMap<String, SchemaRef>,
) -> Result<Value, Exception> {
    let (Some(key), Some(element)) = (&schema.key, &schema.element) else {
        return Ok(Value::Null);
    };
    let entries = match (key.kind, node) {
        (Type::String, Node::Object(members)) => members
            .into_iter()
            .map(|(name, node)| {
                let value = value(element, Some(node), recursive)?;
                Ok((Value::String(name.into_owned()), value))
            })
            .collect::<Result<_, Exception>>()?,
        (Type::String, node) => {
            return Err(Exception::data(format!(
                "Maps with string fields should be encoded as JSON objects, but found {}",
                node.type_name()
            )));
        }
        (_, Node::Array(items)) => items
            .into_iter()
            .map(|item| entry(key, element, item, recursive))
            .collect::<Result<_, _>>()?,
        (_, node) => {
            return Err(Exception::data(format!(
                "Maps with non-string fields should be encoded as JSON array of objects, but found {}",
                node.type_name()
            )));
        }
    };
    Ok(Value::Map(entries))
}

fn entry(
    key: &SchemaRef,
    element: &SchemaRef,
    item: Node<'_>,
    recursive: &HashMap<String, SchemaRef>,
) -> Result<(Value, Value), Exception> {
    let Node::Object(mut members) = item else {
        return Err(Exception::data(format!(
            "Found invalid map entry instead of object: {}",
            item.type_name()
        )));
    };
    Ok((
        value(key, members.swap_remove("key"), recursive)?,
        value(element, members.swap_remove("value"), recursive)?,
    ))
}

/// The member whose type is that of the value; of several objects the one that shares most names with it.
fn union(
    schema: &SchemaRef,
    node: Node<'_>,
    recursive: &HashMap<String, SchemaRef>,
) -> Result<Value, Exception> {
    let simple = schema
        .fields
        .iter()
        .position(|field| is_simple(&field.schema, &node));
    let place = simple.or_else(|| {
        let scored = schema.fields.iter().enumerate().filter_map(|(at, field)| {
            shared_names(&field.schema, &node, recursive).map(|score| (at, score))
        });
        // The first of those that match equally well.
        scored
            .max_by_key(|(at, score)| (*score, std::cmp::Reverse(*at)))
            .map(|(at, _)| at)
    });
    let Some(place) = place else {
        return Err(Exception::data(
            "Did not find matching oneof field for data",
        ));
    };
    let mut members = Struct::new(schema);
    members.values[place] = value(&schema.fields[place].schema, Some(node), recursive)?;
    Ok(Value::Struct(members))
}

fn is_simple(schema: &SchemaRef, node: &Node<'_>) -> bool {
    match (schema.kind, node) {
        (Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64, Node::Number(number)) => {
            number.is_integer()
        }
        (Type::Float32 | Type::Float64, Node::Number(_))
        | (Type::Boolean, Node::Boolean(_))
        | (Type::String | Type::Bytes, Node::String(_))
        | (Type::Array, Node::Array(_)) => true,
        (Type::Map, Node::Object(_)) => true,
        _ => false,
    }
}

fn shared_names(
    schema: &SchemaRef,
    node: &Node<'_>,
    recursive: &HashMap<String, SchemaRef>,
) -> Option<usize> {
    let Node::Object(members) = node else {
        return None;
    };
    if schema.kind != Type::Struct {
        return None;
    }
    let whole = match schema.name.as_deref().and_then(|name| recursive.get(name)) {
        Some(whole) if schema.fields.is_empty() => whole,
        _ => schema,
    };
    let shared = |field: &&crate::value::Field| members.contains_key(field.name.as_str());
    Some(whole.fields.iter().filter(shared).count())
}
