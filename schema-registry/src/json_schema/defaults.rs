//! Defaults of properties that a value leaves out.
//!
//! Confluent's validator sets them in what it has found valid, and the serializer writes what it has set. It does so for
//! drafts 4 to 7. Looked into are properties, items and `allOf`, through `$ref`s; not `anyOf`, `oneOf` and `if`.

use serde_json::{Map, Value};

use super::place::Place;

/// Whether defaults are set by values of `schema`.
pub(super) fn are_set(schema: &Value) -> bool {
    let draft = schema.get("$schema").and_then(Value::as_str);
    !draft.is_some_and(|draft| draft.contains("2019-09") || draft.contains("2020-12"))
}

/// Sets in `value`, which is valid, what it leaves out. Whether there was anything.
pub(super) fn fill(place: Place<'_>, value: &mut Value) -> bool {
    fill_once(place, value, &mut Vec::new())
}

/// `met` are the schemas that have been followed for this value: a schema may lead to itself without going deeper into the value.
fn fill_once(place: Place<'_>, value: &mut Value, met: &mut Vec<*const Value>) -> bool {
    let Some(place) = place.resolved() else {
        return false;
    };
    let Some(schema) = place.schema.as_object() else {
        return false;
    };
    let this: *const Value = place.schema;
    if met.contains(&this) {
        return false;
    }
    met.push(this);
    let mut filled = false;
    for branch in list(schema, "allOf") {
        filled |= fill_once(place.inside(branch), value, met);
    }
    match value {
        Value::Object(members) => filled | fill_members(place, schema, members),
        Value::Array(items) => filled | fill_items(place, schema, items),
        _ => filled,
    }
}

fn fill_members(
    place: Place<'_>,
    schema: &Map<String, Value>,
    members: &mut Map<String, Value>,
) -> bool {
    let none = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let mut filled = false;
    for (name, property) in properties {
        if let Some(value) = members.get_mut(name) {
            filled |= fill(place.inside(property), value);
        } else if let Some(default) = property.get("default") {
            members.insert(name.clone(), default.clone());
            filled = true;
        }
    }
    let others = schema
        .get("additionalProperties")
        .filter(|_| !schema.contains_key("patternProperties"));
    if let Some(others) = others {
        for (name, value) in members.iter_mut() {
            filled |= !properties.contains_key(name) && fill(place.inside(others), value);
        }
    }
    filled
}

fn fill_items(place: Place<'_>, schema: &Map<String, Value>, items: &mut [Value]) -> bool {
    let mut filled = false;
    match schema.get("items") {
        Some(Value::Array(schemas)) => {
            for (schema, item) in schemas.iter().zip(items) {
                filled |= fill(place.inside(schema), item);
            }
        }
        Some(schema) => {
            for item in items {
                filled |= fill(place.inside(schema), item);
            }
        }
        None => {}
    }
    filled
}

fn list<'s>(schema: &'s Map<String, Value>, keyword: &str) -> &'s [Value] {
    schema
        .get(keyword)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
