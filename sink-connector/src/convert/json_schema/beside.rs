//! Keywords side by side.
//!
//! The library by which the original reads schemas takes several keywords of one place (`type` and `enum`, `type` and `oneOf`,
//! `properties` and `allOf` …) for parts of an `allOf`. Of such parts the original tells the objects' properties, all together; where there
//! are none it takes one part for the whole and passes over what stands beside it: title, description, default, `connect.type`.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};
use sluiceway_schemas::json_schema::Schema as JsonSchema;

use super::order;
use super::translate::{At, resolve};

/// Keywords that hold parts.
const PARTS: [&str; 3] = ["oneOf", "anyOf", "allOf"];

/// Names and places of the properties of objects that are put together.
pub(super) type Properties<'a> = IndexMap<&'a str, Property<'a>>;

/// A property of one of them.
pub(super) struct Property<'a> {
    pub(super) at: At<'a>,
    pub(super) required: bool,
}

/// What stands beside a `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Nothing that counts.
    Nothing,
    /// The symbols of a string: they are what the place is.
    Symbols,
    /// Something that only restricts.
    Restriction,
}

/// What stands beside the type `kind`.
pub(super) fn of(object: &Map<String, Json>, kind: &str) -> Beside {
    let has = |keyword| object.contains_key(keyword);
    let numeric = matches!(kind, "integer" | "number");
    match kind {
        _ if has("const") => Beside::Restriction,
        "string" if has("enum") => Beside::Symbols,
        _ if has("enum") => Beside::Restriction,
        // A format is a keyword of strings.
        _ if numeric && has("format") => Beside::Restriction,
        _ => Beside::Nothing,
    }
}

/// Whether a place has parts.
pub(super) fn has_parts(object: &Map<String, Json>) -> bool {
    PARTS
        .iter()
        .any(|keyword| object.get(*keyword).is_some_and(Json::is_array))
}

/// Whether a place that has parts says something of its own type, too.
pub(super) fn has_own_type(object: &Map<String, Json>) -> bool {
    const OWN: [&str; 6] = ["type", "enum", "const", "properties", "required", "items"];
    OWN.iter().any(|keyword| object.contains_key(*keyword))
}

/// Parts in the order in which they are asked: those that have parts themselves come first.
pub(super) fn in_order(parts: &[Json]) -> impl Iterator<Item = &Json> {
    let combined = |part: &&Json| part.as_object().is_some_and(has_parts);
    let first = parts.iter().filter(combined);
    first.chain(parts.iter().filter(move |part| !combined(part)))
}

/// Names of the properties that must be there.
pub(super) fn required(object: &Map<String, Json>) -> Vec<&str> {
    let names = object.get("required").and_then(Json::as_array);
    names
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect()
}

/// The properties of the objects that a place is made of, parts first. Of two of one name the later counts, at the place of the first.
pub(super) fn properties<'a>(json: &'a JsonSchema, at: At<'a>) -> Properties<'a> {
    let mut walk = Walk {
        json,
        met: Vec::new(),
        found: Properties::new(),
    };
    walk.collect(at);
    walk.found
}

struct Walk<'a> {
    json: &'a JsonSchema,
    met: Vec<*const Json>,
    found: Properties<'a>,
}

impl<'a> Walk<'a> {
    fn collect(&mut self, at: At<'a>) {
        let this: *const Json = at.json;
        let Some(object) = at.json.as_object().filter(|_| !self.met.contains(&this)) else {
            return;
        };
        self.met.push(this);
        if let Some(target) = object.get("$ref").and_then(Json::as_str) {
            if let Some(found) = resolve(self.json, at, target) {
                self.collect(found);
            }
            return;
        }
        if let Some(Json::Array(parts)) = object.get("allOf") {
            for part in in_order(parts) {
                self.collect(at.of(part));
            }
        }
        let Some(Json::Object(own)) = object.get("properties") else {
            return;
        };
        let required = required(object);
        for (name, property) in order::hashed(own) {
            let property = Property {
                at: at.of(property),
                required: required.contains(&name.as_str()),
            };
            self.found.insert(name, property);
        }
    }
}
