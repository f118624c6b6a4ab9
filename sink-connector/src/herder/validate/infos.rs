//! What validation says of each property: its definition, value, errors and what it recommends.
//!
//! In: a configuration (secrets masked) and the errors that its check found. Out: [`ConfigInfos`], as `PUT
//! /connector-plugins/{class}/config/validate` answers them. The order is the original's: properties that nothing
//! defines, the framework's, those of transforms and predicates by alias, the connector's, then the options of
//! converters and of clients.

use std::borrow::Cow;

use indexmap::{IndexMap, IndexSet};
use serde::Serialize;
use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};
use sluiceway_common::props::{Properties, with_prefix};

use crate::config::definition;
use crate::plugins::{self, KeyInfo, Stages};

/// Prefixes of what is checked by itself, in the order in which it is told.
const BY_THEMSELVES: [&str; 6] = [
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "producer.override.",
    "consumer.override.",
    "admin.override.",
];

/// `PUT /connector-plugins/{class}/config/validate`.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigInfos {
    /// The connector class.
    pub name: String,
    /// Error messages of all keys together.
    pub error_count: usize,
    /// Headings of the definition.
    pub groups: Vec<Cow<'static, str>>,
    /// Every key.
    pub configs: Vec<ConfigInfo>,
}

/// One key: what it is and what was given.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigInfo {
    /// Its definition; none for a key that only its error makes known.
    pub definition: Option<KeyInfo>,
    /// Its value.
    pub value: ConfigValue,
}

/// A key's value and errors.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigValue {
    name: String,
    value: Option<String>,
    recommended_values: Vec<String>,
    errors: Vec<String>,
    visible: bool,
}

impl ConfigInfos {
    /// What there is to say of a configuration of the connector `class`.
    pub(super) fn new(class: &str, shown: &Properties, errors: ConfigErrors) -> Self {
        let error_count = errors.0.len();
        let mut by_key: IndexMap<String, Vec<String>> = IndexMap::new();
        for ConfigError { key, message } in errors.0 {
            by_key.entry(key).or_default().push(message);
        }
        let (values, _) = definition().parse_all(shown);
        let keys = keys(shown);
        let groups: IndexSet<_> = keys.iter().filter_map(|key| key.group.clone()).collect();
        let defined: Vec<ConfigInfo> = keys
            .into_iter()
            .map(|key| {
                let errors = by_key.shift_remove(&*key.name).unwrap_or_default();
                ConfigInfo::defined(key, shown, &values, errors)
            })
            .collect();
        let (own, unknown): (Vec<_>, Vec<_>) = by_key
            .into_iter()
            .partition(|(key, _)| checked_by_itself(key).is_some());
        let undefined = |(key, errors)| ConfigInfo::undefined(key, errors);
        Self {
            name: class.to_owned(),
            error_count,
            groups: groups.into_iter().collect(),
            configs: unknown
                .into_iter()
                .map(undefined)
                .chain(defined)
                .chain(own.into_iter().map(undefined))
                .collect(),
        }
    }
}

impl ConfigInfo {
    fn defined(key: KeyInfo, shown: &Properties, values: &Values, errors: Vec<String>) -> Self {
        let (recommended_values, visible) = plugins::recommended(&key.name, values);
        let value = match definition().get(&key.name) {
            Some(_) if errors.is_empty() => values.shown(&key.name),
            _ => shown
                .get(&*key.name)
                .map(|text| text.trim().to_owned())
                .or_else(|| key.default().map(str::to_owned)),
        };
        let value = ConfigValue {
            name: key.name.clone().into_owned(),
            value: value.filter(|_| !errors.iter().any(|error| is_unreadable(error))),
            recommended_values,
            errors,
            visible,
        };
        Self {
            definition: Some(key),
            value,
        }
    }

    fn undefined(key: String, errors: Vec<String>) -> Self {
        Self {
            definition: None,
            value: ConfigValue {
                name: key,
                value: None,
                recommended_values: Vec::new(),
                errors,
                visible: true,
            },
        }
    }
}

/// Whether an error says that there is no value of the property's type. Other errors leave the value as it is.
fn is_unreadable(error: &str) -> bool {
    [
        "Missing required configuration ",
        ": Not a number of type ",
        ": Expected value to be either true or false",
        " could not be found.",
    ]
    .iter()
    .any(|told| error.contains(told))
}

/// Puts errors into the order in which they are told.
pub(super) fn sort(errors: &mut ConfigErrors, properties: &Properties) {
    let keys = keys(properties);
    errors.0.sort_by_key(|error| {
        let defined = keys.iter().position(|key| key.name == error.key);
        match (defined, checked_by_itself(&error.key)) {
            (Some(at), _) => (1, at),
            (None, Some(at)) => (2, at),
            (None, None) => (0, 0),
        }
    });
}

fn checked_by_itself(key: &str) -> Option<usize> {
    BY_THEMSELVES
        .iter()
        .position(|prefix| key.starts_with(prefix))
}

/// The properties that a configuration has: the framework's, those of its aliases, the connector's.
fn keys(properties: &Properties) -> Vec<KeyInfo> {
    let mut keys = plugins::framework_keys();
    for stages in [Stages::Transforms, Stages::Predicates] {
        for alias in aliases(stages, properties) {
            let options = with_prefix(properties, &format!("{}.{alias}.", stages.list()));
            let class = options.get("type").map(|class| class.trim());
            keys.extend(stages.keys(&alias, class));
        }
    }
    keys.extend(plugins::connector_keys());
    keys
}

fn aliases(stages: Stages, properties: &Properties) -> IndexSet<String> {
    let listed = properties.get(stages.list()).map_or("", String::as_str);
    crate::transform::settings::list(listed)
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn properties(pairs: &[(&str, &str)]) -> Properties {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    const FILTER: [(&str, &str); 6] = [
        ("transforms", "t,t"),
        (
            "transforms.t.type",
            "org.apache.kafka.connect.transforms.Filter",
        ),
        ("transforms.t.predicate", "p"),
        ("predicates", "p"),
        (
            "predicates.p.type",
            "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        ),
        ("predicates.p.pattern", " a.* "),
    ];

    #[test]
    fn aliases_have_definitions_values_and_headings_of_their_own() {
        let shown = properties(&FILTER);
        let infos = ConfigInfos::new("c", &shown, ConfigErrors::default());
        assert_eq!(
            infos.groups,
            [
                "Common",
                "Transforms",
                "Predicates",
                "Error Handling",
                "Transforms: t",
                "Predicates: p",
                "Connector",
                "Schema",
                "S3",
                "Keys and Headers",
                "Storage",
                "Partitioner"
            ]
        );
        let value = |name: &str| {
            let mut found = infos.configs.iter().filter(|info| info.value.name == name);
            let info = found.next().unwrap();
            assert!(
                found.next().is_none() && info.definition.is_some(),
                "{name}"
            );
            info.value.value.as_deref()
        };
        assert_eq!(value("transforms.t.predicate"), Some("p"));
        assert_eq!(value("transforms.t.negate"), Some("false"));
        assert_eq!(value("predicates.p.pattern"), Some("a.*"));
        assert_eq!(value("predicates"), Some("p"));
    }

    #[test]
    fn errors_are_told_in_the_order_of_the_properties() {
        let keys = [
            "value.converter.schemas.enable",
            "flush.size",
            "predicates.p.pattern",
            "no.such.key",
            "errors.tolerance",
        ];
        let errors = keys.map(|key| ConfigError::other(key, key));
        let mut errors = ConfigErrors(errors.into());
        sort(&mut errors, &properties(&FILTER));
        let sorted: Vec<&str> = errors.0.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(sorted, [keys[3], keys[4], keys[2], keys[1], keys[0]]);
        let infos = ConfigInfos::new("c", &properties(&FILTER), errors);
        assert_eq!(infos.error_count, 5);
        assert_eq!(infos.configs[0].value.name, "no.such.key");
        assert_eq!(infos.configs.last().unwrap().value.name, keys[0]);
    }
}
