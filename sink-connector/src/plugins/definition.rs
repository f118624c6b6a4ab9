//! Definitions of plugin properties as the REST API shows them.

use std::borrow::Cow;

use serde::Serialize;
use sluiceway_common::config_def::{DefaultValue, Key, Kind};

use super::display;
use crate::config::{FRAMEWORK, converter_options, definition};
use crate::transform::classes;

/// `definition` of `GET /connector-plugins/{class}/config` and of validation.
#[derive(Clone, Debug, Serialize)]
pub struct KeyInfo {
    /// The key.
    pub name: Cow<'static, str>,
    #[serde(rename = "type")]
    kind: &'static str,
    required: bool,
    default_value: Option<String>,
    importance: &'static str,
    documentation: Cow<'static, str>,
    /// The heading it stands under.
    pub group: Option<Cow<'static, str>>,
    width: &'static str,
    display_name: Cow<'static, str>,
    dependents: &'static [&'static str],
    order: i32,
}

impl KeyInfo {
    fn new(key: &Key) -> Self {
        let shown = display::of(key.name);
        Self {
            name: key.name.into(),
            kind: key.kind.name(),
            required: key.default == DefaultValue::Required,
            default_value: default_value(key),
            importance: key.importance.name(),
            documentation: key.doc.into(),
            group: Some(key.group)
                .filter(|group| !group.is_empty())
                .map(Cow::Borrowed),
            width: shown.width,
            display_name: shown.name.into(),
            dependents: display::dependents(key.name),
            order: shown.order,
        }
    }
}

impl KeyInfo {
    /// Without what user interfaces show of a key.
    fn plain(key: &Key) -> Self {
        Self {
            width: "NONE",
            display_name: key.name.into(),
            order: -1,
            ..Self::new(key)
        }
    }

    /// What it is when unset.
    pub fn default(&self) -> Option<&str> {
        self.default_value.as_deref()
    }

    /// Its place among the options of a class: required ones first, then by importance and name.
    fn rank(&self) -> (bool, usize, &str) {
        let importances = ["HIGH", "MEDIUM", "LOW"];
        let importance = importances.iter().position(|one| *one == self.importance);
        (!self.required, importance.unwrap_or(0), &self.name)
    }

    /// Whether its value is the name of a class.
    pub(crate) fn is_class(&self) -> bool {
        self.kind == Kind::Class.name()
    }

    /// The same key under a prefix.
    pub(crate) fn prefixed(self, prefix: &str) -> Self {
        Self {
            name: format!("{prefix}{}", self.name).into(),
            ..self
        }
    }

    /// The same key under the prefix and heading of an alias, there the one at `order`.
    fn under(self, prefix: &str, group: &str, order: i32) -> Self {
        Self {
            group: Some(group.to_owned().into()),
            order,
            ..self.prefixed(prefix)
        }
    }
}

/// What the aliases of a list stand for.
#[derive(Clone, Copy)]
pub enum Stages {
    /// `transforms`.
    Transforms,
    /// `predicates`.
    Predicates,
}

impl Stages {
    /// The property that lists the aliases.
    pub fn list(self) -> &'static str {
        match self {
            Self::Transforms => "transforms",
            Self::Predicates => "predicates",
        }
    }

    /// The properties of the alias `alias` of class `class`: those of the class only where there is one.
    pub fn keys(self, alias: &str, class: Option<&str>) -> Vec<KeyInfo> {
        let (heading, interface) = match self {
            Self::Transforms => ("Transforms", "Transformation"),
            Self::Predicates => ("Predicates", "Predicate"),
        };
        let (prefix, group) = (
            format!("{}.{alias}.", self.list()),
            format!("{heading}: {alias}"),
        );
        let documentation = format!("Class of the {} `{alias}`.", interface.to_lowercase());
        let kind = KeyInfo {
            width: "LONG",
            display_name: format!("{interface} type for {alias}").into(),
            documentation: documentation.into(),
            ..KeyInfo::plain(&Key::required("type", Kind::Class, ""))
        };
        let mut options = class.map(|class| self.options(class)).unwrap_or_default();
        options.sort_by(|a, b| a.rank().cmp(&b.rank()));
        let keys = std::iter::once(kind).chain(options);
        keys.zip(0..)
            .map(|(key, order)| key.under(&prefix, &group, order))
            .collect()
    }

    fn options(self, class: &str) -> Vec<KeyInfo> {
        let own = transform_keys(class);
        match (self, self.knows(class)) {
            (_, false) => Vec::new(),
            (Self::Transforms, true) => {
                let common = crate::config::transform_stage_keys();
                let common = common.iter().map(KeyInfo::plain);
                common.chain(own).collect()
            }
            (Self::Predicates, true) => own,
        }
    }

    fn knows(self, class: &str) -> bool {
        match self {
            Self::Transforms => classes::transform(class).is_some(),
            Self::Predicates => classes::predicate(class).is_some(),
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

/// The properties that every sink connector has, in the API's order.
pub fn framework_keys() -> Vec<KeyInfo> {
    listed(true)
}

/// The connector's own properties, in the API's order.
pub fn connector_keys() -> Vec<KeyInfo> {
    listed(false)
}

fn listed(framework: bool) -> Vec<KeyInfo> {
    let mut keys: Vec<&Key> = definition().iter().collect();
    keys.retain(|key| FRAMEWORK.contains(&key.group) == framework);
    keys.sort_by_key(|key| display::place(key.name));
    keys.into_iter().map(KeyInfo::new).collect()
}

/// The options of a converter, by its class.
pub fn converter_keys(class: &str) -> Vec<KeyInfo> {
    converter_options(class).iter().map(KeyInfo::new).collect()
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn shown(name: &str) -> Value {
        let mut infos = connector_keys().into_iter();
        let info = infos.find(|info| info.name == name).unwrap();
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

    /// As recorded; what the genuine connector does not have comes last.
    #[test]
    fn properties_are_listed_as_recorded() {
        let recorded = include_str!("../../tests/data/connector-definition.tsv");
        let recorded = recorded.lines().filter_map(|line| line.split('\t').next());
        let listed: Vec<_> = framework_keys()
            .into_iter()
            .chain(connector_keys())
            .map(|key| key.name)
            .collect();
        for (at, name) in recorded.enumerate() {
            assert_eq!(listed[at], name);
        }
        let last = listed.last().unwrap();
        assert!(
            display::place(last) > display::place("timestamp.field"),
            "{last}"
        );
    }

    #[test]
    fn aliases_have_the_properties_of_their_classes() {
        let class = "org.apache.kafka.connect.transforms.Flatten$Value";
        let keys = serde_json::to_value(Stages::Transforms.keys("f", Some(class))).unwrap();
        let shown: Vec<_> = keys
            .as_array()
            .unwrap()
            .iter()
            .map(|key| {
                (
                    key["name"].as_str().unwrap(),
                    key["order"].as_i64().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("transforms.f.type", 0),
                ("transforms.f.delimiter", 1),
                ("transforms.f.negate", 2),
                ("transforms.f.predicate", 3)
            ]
        );
        assert_eq!(keys[0]["display_name"], "Transformation type for f");
        assert_eq!(keys[1]["display_name"], "delimiter");
        assert!(
            keys.as_array()
                .unwrap()
                .iter()
                .all(|key| key["group"] == "Transforms: f")
        );
        assert_eq!(Stages::Predicates.keys("p", Some(class)).len(), 1);
        assert_eq!(Stages::Transforms.keys("x", None).len(), 1);
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
        let keys = converter_keys("org.apache.kafka.connect.json.JsonConverter");
        let names: Vec<&str> = keys.iter().map(|key| &*key.name).collect();
        assert_eq!(names[..2], ["converter.type", "schemas.enable"]);
        assert!(
            converter_keys("org.apache.kafka.connect.storage.SimpleHeaderConverter").is_empty()
        );
    }
}
