//! JSON tree + schema → [`Value`], with the leniency and the strictness of Connect's `JsonConverter`.
//!
//! Jackson's accessors rarely fail: a text where a number should be is 0, a number where a text should be is null, a
//! number too large wraps. What is checked is null, containers, logical types and required fields.

use std::sync::Arc;

use super::base64;
use super::node::Node;
use crate::error::Exception;
use crate::value::{Decimal, Number, Schema, SchemaRef, Struct, Type, Value, logical};

/// Converts `node` to a value of `schema`. With `replace_null` a null becomes the schema's default.
pub(in crate::convert) fn convert(
    schema: &SchemaRef,
    node: Node<'_>,
    replace_null: bool,
) -> Result<Value, Exception> {
    if node == Node::Null {
        return null(schema, replace_null);
    }
    match schema.name.as_deref() {
        Some(logical::DECIMAL) => return decimal(schema, node),
        Some(logical::DATE) => return day_or_time(node, "Date").map(Value::Date),
        Some(logical::TIME) => return time(node),
        Some(logical::TIMESTAMP) => return timestamp(node),
        _ => {}
    }
    match schema.kind {
        Type::Array => array(schema, node, replace_null),
        Type::Map => map(schema, node, replace_null),
        Type::Struct => record(schema, node, replace_null),
        kind => scalar(kind, node),
    }
}

fn null(schema: &Schema, replace_null: bool) -> Result<Value, Exception> {
    match &schema.default {
        Some(default) if replace_null => Ok(default.clone()),
        _ if schema.optional => Ok(Value::Null),
        _ => Err(Exception::data(format!(
            "Invalid null value for required {} field",
            schema.kind
        ))),
    }
}

fn scalar(kind: Type, node: Node<'_>) -> Result<Value, Exception> {
    Ok(match kind {
        Type::Boolean => Value::Boolean(node == Node::Boolean(true)),
        Type::Int8 => Value::Int8(int(&node) as i8),
        Type::Int16 => Value::Int16(int(&node) as i16),
        Type::Int32 => Value::Int32(int(&node)),
        Type::Int64 => Value::Int64(long(&node)),
        Type::Float32 => Value::Float32(number(&node).map_or(0.0, |number| {
            number.as_str().parse().unwrap_or(0.0_f32) + 0.0
        })),
        Type::Float64 => Value::Float64(number(&node).map_or(0.0, positive_zero)),
        Type::Bytes => bytes(node)?,
        _ => match node {
            Node::String(text) => Value::String(text.into_owned()),
            _ => Value::Null,
        },
    })
}

fn number<'n>(node: &'n Node<'_>) -> Option<&'n Number> {
    match node {
        Node::Number(number) => Some(number),
        _ => None,
    }
}

/// Java reads a fraction into a `BigDecimal`, which has no negative zero.
fn positive_zero(number: &Number) -> f64 {
    number.as_f64() + 0.0
}

/// `intValue`: the low 32 bits of the whole part; 0 for anything but a number.
fn int(node: &Node<'_>) -> i32 {
    long(node) as i32
}

/// `longValue`: the low 64 bits of the whole part; 0 for anything but a number.
fn long(node: &Node<'_>) -> i64 {
    let Some(number) = number(node) else { return 0 };
    if number.is_integer() {
        return number.as_i64();
    }
    Decimal::parse(number.as_str()).map_or(0, |decimal| decimal.low_64_bits())
}

fn bytes(node: Node<'_>) -> Result<Value, Exception> {
    match node {
        Node::String(text) => base64::decode(&text)
            .map(Value::Bytes)
            .map_err(|cause| Exception::data("Invalid bytes field").caused_by(cause)),
        _ => Ok(Value::Null),
    }
}

fn decimal(schema: &Schema, node: Node<'_>) -> Result<Value, Exception> {
    match &node {
        Node::Number(number) => {
            let decimal = Decimal::parse(number.as_str())
                .ok_or_else(|| Exception::data("Invalid number for Decimal field"))?;
            Ok(Value::Decimal(decimal))
        }
        Node::String(text) => unscaled(schema, text)
            .map(Value::Decimal)
            .map_err(|cause| Exception::data("Invalid bytes for Decimal field").caused_by(cause)),
        node => Err(Exception::data(format!(
            "Invalid type for Decimal, underlying representation should be numeric or bytes but was {}",
            node.type_name()
        ))),
    }
}

fn unscaled(schema: &Schema, text: &str) -> Result<Decimal, Exception> {
    let unscaled = base64::decode(text)?;
    if unscaled.is_empty() {
        let class = "java.lang.NumberFormatException";
        return Err(Exception::new(class, "Zero length BigInteger"));
    }
    Ok(Decimal::new(unscaled, schema.required_scale()?))
}

/// Days or milliseconds that must be a 32-bit integer.
fn day_or_time(node: Node<'_>, what: &str) -> Result<i32, Exception> {
    let exact = number(&node)
        .filter(|number| number.is_integer())
        .and_then(|number| number.as_str().parse().ok());
    exact.ok_or_else(|| {
        Exception::data(format!(
            "Invalid type for {what}, underlying representation should be integer but was {}",
            node.type_name()
        ))
    })
}

fn time(node: Node<'_>) -> Result<Value, Exception> {
    const DAY: i32 = 86_400_000;
    match day_or_time(node, "Time")? {
        time @ 0..=DAY => Ok(Value::Time(time)),
        _ => Err(Exception::data(
            "Time values must use number of milliseconds greater than 0 and less than 86400000",
        )),
    }
}

fn timestamp(node: Node<'_>) -> Result<Value, Exception> {
    match number(&node) {
        Some(number) if number.is_integer() => Ok(Value::Timestamp(number.as_i64())),
        _ => {
            let name = node.type_name();
            Err(Exception::data(format!(
                "Invalid type for Timestamp, underlying representation should be integral but was {name}"
            )))
        }
    }
}

fn array(schema: &Schema, node: Node<'_>, replace_null: bool) -> Result<Value, Exception> {
    let Some(element) = &schema.element else {
        return Ok(Value::from(node));
    };
    // Jackson iterates over any node: an object's values, nothing of a scalar.
    let items: Vec<Node<'_>> = match node {
        Node::Array(items) => items,
        Node::Object(members) => members.into_values().collect(),
        _ => Vec::new(),
    };
    items
        .into_iter()
        .map(|item| convert(element, item, replace_null))
        .collect::<Result<_, _>>()
        .map(Value::Array)
}

fn map(schema: &Schema, node: Node<'_>, replace_null: bool) -> Result<Value, Exception> {
    let (Some(key), Some(element)) = (&schema.key, &schema.element) else {
        return Ok(Value::from(node));
    };
    if key.kind == Type::String {
        return string_map(element, node, replace_null);
    }
    let Node::Array(entries) = node else {
        let found = node.type_name();
        let message = format!(
            "Maps with non-string fields should be encoded as JSON array of tuples, but found {found}"
        );
        return Err(Exception::data(message));
    };
    let mut map: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
    for entry in entries {
        let (name, value) = tuple(entry)?;
        let (name, value) = (
            convert(key, name, replace_null)?,
            convert(element, value, replace_null)?,
        );
        match map.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => map.push((name, value)),
        }
    }
    Ok(Value::Map(map))
}

fn string_map(element: &SchemaRef, node: Node<'_>, replace_null: bool) -> Result<Value, Exception> {
    let Node::Object(members) = node else {
        let message = format!(
            "Maps with string fields should be encoded as JSON objects, but found {}",
            node.type_name()
        );
        return Err(Exception::data(message));
    };
    let entry = |(name, node): (std::borrow::Cow<'_, str>, Node<'_>)| {
        Ok((
            Value::String(name.into_owned()),
            convert(element, node, replace_null)?,
        ))
    };
    members
        .into_iter()
        .map(entry)
        .collect::<Result<_, _>>()
        .map(Value::Map)
}

fn tuple(entry: Node<'_>) -> Result<(Node<'_>, Node<'_>), Exception> {
    let Node::Array(parts) = entry else {
        return Err(Exception::data(format!(
            "Found invalid map entry instead of array tuple: {}",
            entry.type_name()
        )));
    };
    <[Node<'_>; 2]>::try_from(parts)
        .map(|[key, value]| (key, value))
        .map_err(|parts| {
            Exception::data(format!(
                "Found invalid map entry, expected length 2 but found :{}",
                parts.len()
            ))
        })
}

fn record(schema: &SchemaRef, node: Node<'_>, replace_null: bool) -> Result<Value, Exception> {
    let Node::Object(mut members) = node else {
        return Err(Exception::data(format!(
            "Structs should be encoded as JSON objects, but found {}",
            node.type_name()
        )));
    };
    let mut values = Vec::with_capacity(schema.fields.len());
    for field in &schema.fields {
        let node = members
            .get_mut(field.name.as_str())
            .map_or(Node::Null, |node| std::mem::replace(node, Node::Null));
        let value = convert(&field.schema, node, replace_null)?;
        let place = || format!("field: \"{}\"", field.name);
        require(&field.schema, &value, &place)?;
        values.push(value);
    }
    Ok(Value::Struct(Struct {
        schema: Arc::clone(schema),
        values,
    }))
}

/// `ConnectSchema.validateValue`: no null in `value` where `schema` has none. `place` names where it stands.
///
/// # Errors
/// There is one.
pub(super) fn require(
    schema: &Schema,
    value: &Value,
    place: &dyn Fn() -> String,
) -> Result<(), Exception> {
    match (value, &schema.key, &schema.element) {
        (Value::Null, ..) if !schema.optional => Err(Exception::data(format!(
            "Invalid value: null used for required {}, schema type: {}",
            place(),
            schema.kind
        ))),
        (Value::Array(items), _, Some(element)) => {
            let place = || format!("element of array {}", place());
            let mut items = items.iter();
            items.try_for_each(|item| require(element, item, &place))
        }
        (Value::Map(entries), Some(key), Some(element)) => {
            let keys = || format!("key of map {}", place());
            let values = || format!("value of map {}", place());
            entries.iter().try_for_each(|(name, value)| {
                require(key, name, &keys)?;
                require(element, value, &values)
            })
        }
        // What a struct holds was looked at when it was filled.
        _ => Ok(()),
    }
}
