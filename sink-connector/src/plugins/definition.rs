//! Definitions of plugin properties as the REST API shows them.

use serde::Serialize;
use sluiceway_common::config_def::{DefaultValue, Importance, Key, Kind};

use super::display;
use crate::config::definition;
use crate::transform::classes;

/// `definition` of `GET /connector-plugins/{class}/config` and of validation.
#[derive(Clone, Debug, Serialize)]
pub struct KeyInfo {
    /// The key.
    pub name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    required: bool,
    default_value: Option<String>,
    importance: &'static str,
    documentation: &'static str,
    /// The heading it stands under.
    pub group: Option<&'static str>,
    width: &'static str,
    display_name: &'static str,
    dependents: Vec<&'static str>,
    order: i32,
}

impl KeyInfo {
    fn new(key: &Key) -> Self {
        let shown = display::of(key.name);
        Self {
            name: key.name,
            kind: key.kind.name(),
            required: key.default == DefaultValue::Required,
            default_value: default_value(key),
            importance: key.importance.name(),
            documentation: key.doc,
            group: Some(key.group).filter(|group| !group.is_empty()),
            width: shown.width,
            display_name: shown.name,
            dependents: Vec::new(),
            order: shown.order,
        }
    }
}

impl KeyInfo {
    /// Without what user interfaces show of a key.
    fn plain(key: &Key) -> Self {
        Self {
            width: "NONE",
            display_name: key.name,
            order: -1,
            ..Self::new(key)
        }
    }
}

fn default_value(key: &Key) -> Option<String> {
    match key.default {
        DefaultValue::Required => None,
        _ if key.kind == Kind::Password => Some("[hidden]".to_owned()),
        DefaultValue::Null => None,
        DefaultValue::Text(text) => Some(text.to_owned()),
    }
}

/// The connector's properties.
pub fn connector_keys() -> impl Iterator<Item = KeyInfo> {
    definition().iter().map(KeyInfo::new)
}

/// The options of a converter, by its class.
pub fn converter_keys(class: &str) -> Vec<KeyInfo> {
    let short = class.rsplit('.').next().unwrap_or(class);
    let keys = match short {
        "JsonConverter" => [vec![converter_type()], json_keys()].concat(),
        "StringConverter" => vec![converter_type(), encoding()],
        "SimpleHeaderConverter" => Vec::new(),
        _ => vec![converter_type()],
    };
    keys.iter().map(KeyInfo::new).collect()
}

/// The options of a transform or predicate, by its class.
pub fn transform_keys(class: &str) -> Vec<KeyInfo> {
    let settings = match (classes::transform(class), classes::predicate(class)) {
        (Some(class), _) => class.settings(),
        (None, Some(class)) => class.settings(),
        (None, None) => Vec::new(),
    };
    settings
        .iter()
        .map(|one| KeyInfo::plain(&one.key))
        .collect()
}

fn converter_type() -> Key {
    Key::required(
        "converter.type",
        Kind::String,
        "Set by the worker: key, value or header.",
    )
    .importance(Importance::Low)
}

fn encoding() -> Key {
    Key::with(
        "converter.encoding",
        Kind::String,
        "UTF-8",
        "The character set of the text.",
    )
    .importance(Importance::High)
}

fn json_keys() -> Vec<Key> {
    vec![
        Key::with(
            "schemas.enable",
            Kind::Boolean,
            "true",
            "Whether each message is {\"schema\": …, \"payload\": …}.",
        )
        .importance(Importance::High)
        .group("Schemas"),
        Key::with(
            "schemas.cache.size",
            Kind::Int,
            "1000",
            "Schemas kept at most.",
        )
        .importance(Importance::High)
        .group("Schemas"),
        Key::with(
            "decimal.format",
            Kind::String,
            "BASE64",
            "How decimals are written: BASE64 or NUMERIC.",
        )
        .importance(Importance::Low)
        .group("Serialization"),
        Key::with(
            "replace.null.with.default",
            Kind::Boolean,
            "true",
            "Whether a null becomes its field's default.",
        )
        .importance(Importance::Low)
        .group("Serialization"),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn shown(name: &str) -> Value {
        let info = connector_keys().find(|info| info.name == name).unwrap();
        let mut value = serde_json::to_value(info).unwrap();
        value.as_object_mut().unwrap().remove("documentation");
        value
    }

    #[test]
    fn definitions_read_as_recorded() {
        assert_eq!(
            shown("flush.size"),
            json!({"name": "flush.size", "type": "INT", "required": true, "default_value": null, "importance": "HIGH",
                "group": "Connector", "width": "LONG", "display_name": "Flush Size", "dependents": [], "order": 2})
        );
        assert_eq!(
            shown("aws.secret.access.key"),
            json!({"name": "aws.secret.access.key", "type": "PASSWORD", "required": false, "default_value": "[hidden]",
                "importance": "HIGH", "group": "S3", "width": "LONG", "display_name": "AWS Secret Access Key",
                "dependents": [], "order": 9})
        );
    }

    #[test]
    fn transforms_and_predicates_have_their_own() {
        let recorded = include_str!("../../tests/data/transform-definitions.tsv");
        for line in recorded.lines() {
            let [class, name, kind, required, default, importance] =
                line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            let key = transform_keys(class)
                .into_iter()
                .find(|key| key.name == name)
                .unwrap_or_else(|| panic!("{class} has no {name}"));
            let shown = serde_json::to_value(&key).unwrap();
            let expected = json!({"name": name, "type": kind, "required": required == "true",
                "default_value": (default != "null").then_some(default), "importance": importance,
                "documentation": shown["documentation"], "group": null, "width": "NONE",
                "display_name": name, "dependents": [], "order": -1});
            assert_eq!(shown, expected, "{class} {name}");
        }
        let keys: usize = crate::plugins::all()
            .map(|plugin| transform_keys(plugin.class).len())
            .sum();
        assert_eq!(keys, recorded.lines().count());
    }

    #[test]
    fn converters_have_their_own() {
        let names: Vec<&str> = converter_keys("org.apache.kafka.connect.json.JsonConverter")
            .iter()
            .map(|key| key.name)
            .collect();
        assert_eq!(names[..2], ["converter.type", "schemas.enable"]);
        assert!(
            converter_keys("org.apache.kafka.connect.storage.SimpleHeaderConverter").is_empty()
        );
    }
}
