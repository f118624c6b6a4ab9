//! What validation says of each property: its definition, value, errors and what it recommends.
//!
//! In: a configuration (secrets masked) and the errors that its check found. Out: [`ConfigInfos`], as `PUT
//! /connector-plugins/{class}/config/validate` answers them. The order is the original's: properties that nothing
//! defines, the framework's, those of transforms and predicates by alias, the connector's, then the options of clients
//! and of converters.

use std::borrow::Cow;

use indexmap::{IndexMap, IndexSet};
use serde::Serialize;
use sluiceway_common::config_def::{ConfigError, ConfigErrors};
use sluiceway_common::props::{Properties, with_prefix};

use super::options::{PREFIXES, of_converter, prefix_of};
use crate::config::{definition, full_class, nulls};
use crate::plugins::{self, KeyInfo, Stages};

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

/// Messages by key.
type Messages = IndexMap<String, Vec<String>>;

impl ConfigInfos {
    /// What there is to say of a configuration of the connector `class`.
    pub(super) fn new(class: &str, shown: &Properties, errors: ConfigErrors) -> Self {
        let error_count = errors.0.len();
        let (mut own, mut apart) = (Messages::new(), Messages::new());
        for ConfigError { key, message } in errors.0 {
            let messages = match prefix_of(&key, &message) {
                Some(_) => &mut apart,
                None => &mut own,
            };
            messages.entry(key).or_default().push(message);
        }
        let mut defined = connector_infos(shown, &mut own);
        let options = PREFIXES.iter();
        defined.extend(options.flat_map(|prefix| option_infos(prefix, shown, &mut apart)));
        let groups = defined
            .iter()
            .filter_map(|info| info.definition.as_ref()?.group.clone());
        let groups: IndexSet<_> = groups.collect();
        Self {
            name: class.to_owned(),
            error_count,
            groups: groups.into_iter().collect(),
            configs: undefined(own).chain(defined).collect(),
        }
    }
}

/// What is defined by the framework, by aliases and by the connector; takes the messages that it tells.
fn connector_infos(shown: &Properties, messages: &mut Messages) -> Vec<ConfigInfo> {
    let (values, _) = definition().parse_all(shown);
    let info = |key: KeyInfo| {
        let errors = messages.shift_remove(&*key.name).unwrap_or_default();
        let (recommended, visible) = plugins::recommended(&key.name, &values);
        let parsed = values.shown(&key.name);
        let mut info = ConfigInfo::defined(key, shown, parsed, errors);
        (info.value.recommended_values, info.value.visible) = (recommended, visible);
        info
    };
    keys(shown).into_iter().map(info).collect()
}

/// The options under one prefix: those that a converter lists, then others that are wrong.
fn option_infos(prefix: &str, shown: &Properties, messages: &mut Messages) -> Vec<ConfigInfo> {
    let mut infos = Vec::new();
    for (key, parsed) in of_converter(prefix, shown) {
        let errors = messages.shift_remove(&*key.name).unwrap_or_default();
        infos.push(ConfigInfo::defined(key, shown, parsed, errors));
    }
    let (here, others) = std::mem::take(messages)
        .into_iter()
        .partition(|(key, _)| key.starts_with(prefix));
    *messages = others;
    infos.extend(undefined(here));
    infos
}

fn undefined(messages: Messages) -> impl Iterator<Item = ConfigInfo> {
    let info = |(name, errors)| ConfigInfo {
        definition: None,
        value: ConfigValue {
            name,
            value: None,
            recommended_values: Vec::new(),
            errors,
            visible: true,
        },
    };
    messages.into_iter().map(info)
}

impl ConfigInfo {
    /// `parsed` is the value by its type, where it is right and the type is known.
    fn defined(
        key: KeyInfo,
        shown: &Properties,
        parsed: Option<String>,
        errors: Vec<String>,
    ) -> Self {
        let given = || shown.get(&*key.name).map(|text| text.trim().to_owned());
        let value = parsed
            .filter(|_| errors.is_empty())
            .or_else(given)
            .or_else(|| key.default().map(str::to_owned))
            .filter(|_| !errors.iter().any(|error| is_unreadable(error)));
        let value = value.map(|value| match key.is_class() {
            true => full_class(&key.name, &value).to_owned(),
            false => value,
        });
        let value = ConfigValue {
            name: key.name.clone().into_owned(),
            value,
            recommended_values: Vec::new(),
            errors,
            visible: true,
        };
        Self {
            definition: Some(key),
            value,
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
        nulls::GIVEN,
    ]
    .iter()
    .any(|told| error.contains(told))
}

/// Puts errors into the order in which they are told.
pub(super) fn sort(errors: &mut ConfigErrors, properties: &Properties) {
    let keys = keys(properties);
    let options = PREFIXES.map(|prefix| of_converter(prefix, properties));
    errors.0.sort_by_cached_key(|error| {
        let defined = keys.iter().position(|key| key.name == error.key);
        match (defined, prefix_of(&error.key, &error.message)) {
            (Some(at), _) => (1, at, 0),
            (None, Some(prefix)) => {
                let listed = options.get(prefix).map_or(&[][..], Vec::as_slice);
                let at = listed.iter().position(|(key, _)| key.name == error.key);
                (2, prefix, at.unwrap_or(listed.len()))
            }
            (None, None) => (0, 0, 0),
        }
    });
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
    fn values_read_as_the_original_shows_them() {
        let shown = properties(&[
            ("format.class", "JsonFormat"),
            ("connector.class", "S3SinkConnector"),
            ("value.converter", "JsonConverter"),
            ("behavior.on.null.values", "BOGUS"),
        ]);
        let errors = definition().parse_all(&shown).1.0.into_iter();
        let null = ConfigError::other("tasks.max", nulls::GIVEN);
        let errors = errors
            .filter(|error| error.key.starts_with("behavior"))
            .chain([null]);
        let infos = ConfigInfos::new("S3SinkConnector", &shown, ConfigErrors(errors.collect()));
        assert_eq!(infos.name, "S3SinkConnector");
        let value = |name: &str| {
            let mut infos = infos.configs.iter();
            let info = infos.find(|info| info.value.name == name).unwrap();
            (info.value.value.as_deref(), info.value.errors.as_slice())
        };
        // A password that is not set is an empty one in the original.
        assert_eq!(value("s3.proxy.password").0, Some("[hidden]"));
        assert_eq!(value("store.url").0, None);
        let json = "io.confluent.connect.s3.format.json.JsonFormat";
        assert_eq!(value("format.class").0, Some(json));
        let json = "org.apache.kafka.connect.json.JsonConverter";
        assert_eq!(value("value.converter").0, Some(json));
        assert_eq!(value("connector.class").0, Some("S3SinkConnector"));
        assert_eq!(value("tasks.max").0, None);
        let bogus = "Invalid value bogus for configuration behavior.on.null.values: String must be one of: ignore, fail, write";
        assert_eq!(
            value("behavior.on.null.values"),
            (Some("BOGUS"), [bogus.to_owned()].as_slice())
        );
        assert!(
            infos
                .groups
                .ends_with(&["Serialization".into(), "Schemas".into()])
        );
    }

    #[test]
    fn options_of_converters_come_behind_those_of_clients() {
        let shown = properties(&[
            ("value.converter", "JsonConverter"),
            ("value.converter.schemas.enable", "maybe"),
        ]);
        let text = "Invalid value maybe for configuration schemas.enable: Expected value to be either true or false";
        let mut errors = ConfigErrors(vec![
            ConfigError::other("value.converter.schemas.enable", text),
            ConfigError::other("value.converter.decimal.format", nulls::GIVEN),
            ConfigError::other("consumer.override.x", "x"),
        ]);
        sort(&mut errors, &shown);
        let infos = ConfigInfos::new("c", &shown, errors);
        let names: Vec<&str> = infos.configs.iter().map(|info| &*info.value.name).collect();
        // A null is told of the connector's own keys, none of which it is.
        assert_eq!(names[0], "value.converter.decimal.format");
        let tail = [
            "consumer.override.x",
            "value.converter.decimal.format",
            "value.converter.converter.type",
            "value.converter.schemas.cache.size",
            "value.converter.replace.null.with.default",
            "value.converter.schemas.enable",
        ];
        assert!(names.ends_with(&tail), "{names:?}");
        let last = infos.configs.last().unwrap();
        let definition = serde_json::to_value(&last.definition).unwrap();
        assert_eq!(
            (&definition["display_name"], &definition["group"]),
            (&"Enable Schemas".into(), &"Schemas".into())
        );
        assert_eq!(
            (last.value.value.as_deref(), &last.value.errors[..]),
            (None, &[text.to_owned()][..])
        );
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
