//! The schema registry, and how subjects are named.

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};
use sluiceway_common::props::Properties;
use sluiceway_schemas::{RegistryConfig, SubjectNameStrategy};

/// How subjects are named.
#[derive(Debug, Clone, Copy)]
pub struct SubjectNames {
    /// Of keys' schemas.
    pub key: SubjectNameStrategy,
    /// Of values' schemas.
    pub value: SubjectNameStrategy,
}

/// The registry; `None`: there is none.
pub(super) fn registry(
    properties: &Properties,
    values: &Values,
    errors: &mut ConfigErrors,
) -> Option<RegistryConfig> {
    const URL: &str = "schema.registry.url";
    let urls = values.list(URL).join(",");
    if urls.is_empty() {
        return None;
    }
    let own = properties
        .iter()
        .filter(|(key, _)| key.starts_with("schema.registry."));
    let mut own: Properties = own
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    own.insert(URL.to_owned(), urls);
    RegistryConfig::from_properties(&own, "")
        .map_err(|problem| errors.0.push(ConfigError::other(URL, problem.to_string())))
        .ok()
}

/// The strategies of keys and values: as the registry's setting, as the producer's, else by topic.
pub(super) fn subjects(properties: &Properties, errors: &mut ConfigErrors) -> SubjectNames {
    let mut strategy = |side: &str| {
        let keys = ["schema.registry.", "producer."]
            .map(|prefix| format!("{prefix}{side}.subject.name.strategy"));
        let set = keys
            .iter()
            .find_map(|key| properties.get_key_value(key.as_str()));
        set.map_or(SubjectNameStrategy::TopicName, |(key, class)| {
            SubjectNameStrategy::from_name(class).unwrap_or_else(|| {
                let reason =
                    "it must be TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy";
                errors.0.push(ConfigError::invalid(key, class, reason));
                SubjectNameStrategy::TopicName
            })
        })
    };
    SubjectNames {
        key: strategy("key"),
        value: strategy("value"),
    }
}
