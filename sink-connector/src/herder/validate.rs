//! Connector configurations, checked: by the worker's rules, by the connector's definition, by the client settings.
//!
//! In: a configuration as given. Out: the typed configuration, every error at once, or for the REST API each key's
//! definition, value and errors (in [`infos`]). References are resolved for the check and never shown resolved.

mod infos;
mod options;

pub use infos::{ConfigInfo, ConfigInfos};

use std::sync::Arc;

use sluiceway_common::config_def::{ConfigError, ConfigErrors};
use sluiceway_common::kafka_config::{KafkaConfig, Role};
use sluiceway_common::props::{Properties, with_prefix};

use super::mask_config;
use crate::config::{ConnectorConfig, nulls};
use crate::worker::{OverridePolicy, WorkerConfig, role_prefix};

/// Shorter values are not looked for in error messages: they would be found inside other words.
const SHORTEST_HIDDEN: usize = 4;

/// Checks connector configurations for one worker.
pub(crate) struct Validator {
    worker: Arc<WorkerConfig>,
}

impl Validator {
    pub(crate) fn new(worker: Arc<WorkerConfig>) -> Self {
        Self { worker }
    }

    /// The configuration of `raw`, references resolved; `nulls` are keys that it gives as null.
    pub(crate) fn check(
        &self,
        raw: &Properties,
        nulls: &[String],
    ) -> Result<ConnectorConfig, ConfigErrors> {
        let mut errors = nulls::refused(nulls);
        let resolved = self.worker.providers.resolve(raw, &mut errors);
        self.check_overrides(&resolved, &mut errors);
        let parsed = ConnectorConfig::parse(&resolved, &self.worker.converters);
        let mut found = match parsed {
            Ok(config) if errors.0.is_empty() => return Ok(config),
            Ok(_) => ConfigErrors::default(),
            Err(found) => found,
        };
        // A key that is null is not missing.
        let is_null = |key: &str| errors.0.contains(&ConfigError::other(key, nulls::GIVEN));
        found
            .0
            .retain(|error| *error != ConfigError::missing(&error.key) || !is_null(&error.key));
        found.0.append(&mut errors.0);
        infos::sort(&mut found, &resolved);
        Err(hide_resolved(found, raw, &resolved))
    }

    /// Every key of the definition with its value and errors.
    pub(crate) fn infos(&self, class: &str, raw: &Properties, nulls: &[String]) -> ConfigInfos {
        let errors = self.check(raw, nulls).err().unwrap_or_default();
        ConfigInfos::new(class, &mask_config(raw, &self.worker.providers), errors)
    }

    /// Producers and admin clients are looked at where there are any: for dead letters.
    fn check_overrides(&self, properties: &Properties, errors: &mut ConfigErrors) {
        let letters = properties.get("errors.deadletterqueue.topic.name");
        let roles = match letters.is_some_and(|topic| !topic.trim().is_empty()) {
            true => &[Role::Consumer, Role::Producer, Role::Admin][..],
            false => &[Role::Consumer],
        };
        for &role in roles {
            let prefix = format!("{}override.", role_prefix(role));
            let overrides = with_prefix(properties, &prefix);
            for key in overrides.keys().filter(|key| !self.allows(key)) {
                let policy = format!("{:?}", self.worker.override_policy);
                let message = format!(
                    "The '{policy}' policy does not allow '{key}' to be overridden in the connector configuration."
                );
                errors
                    .0
                    .push(ConfigError::other(&format!("{prefix}{key}"), message));
            }
            if let Err(found) = KafkaConfig::translate(role, &overrides) {
                let renamed = |error: ConfigError| {
                    ConfigError::other(&format!("{prefix}{}", error.key), error.message)
                };
                errors.0.extend(found.0.into_iter().map(renamed));
            }
        }
    }

    fn allows(&self, key: &str) -> bool {
        match self.worker.override_policy {
            OverridePolicy::All => true,
            OverridePolicy::None => false,
            OverridePolicy::Principal => {
                ["sasl.jaas.config", "sasl.mechanism", "security.protocol"].contains(&key)
            }
        }
    }
}

/// Error messages with each resolved value replaced by the reference that stands for it.
fn hide_resolved(errors: ConfigErrors, raw: &Properties, resolved: &Properties) -> ConfigErrors {
    let replaced: Vec<(&String, &String, &str)> = raw
        .iter()
        .filter_map(|(key, reference)| Some((key, reference, resolved.get(key)?)))
        .filter(|(_, reference, value)| reference != value)
        .map(|(key, reference, value)| (key, reference, value.trim()))
        .collect();
    let hide = |mut error: ConfigError| {
        for (key, reference, value) in &replaced {
            if error.key == **key {
                error.message = hide_told(&error.message, reference);
            }
            if value.len() >= SHORTEST_HIDDEN {
                error.message = error.message.replace(value, reference);
            }
        }
        error
    };
    ConfigErrors(errors.0.into_iter().map(hide).collect())
}

/// A message about a value without the value. Checks tell it in forms of their own: trimmed, in lower case, as a number.
fn hide_told(message: &str, reference: &str) -> String {
    const TOLD: &str = "Invalid value ";
    const OF: &str = " for configuration ";
    let told = message
        .strip_prefix(TOLD)
        .and_then(|rest| rest.rsplit_once(OF));
    match told {
        // What a check says of a value that could not be read tells nothing of it.
        Some((value, rest)) if value != "null" => format!("{TOLD}{reference}{OF}{rest}"),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn properties(pairs: &[(&str, &str)]) -> Properties {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn resolved_values_are_not_shown_in_errors() {
        let raw = properties(&[
            ("flush.size", "${env:N}"),
            ("s3.region", "${env:R}"),
            ("value.converter.schemas.enable", "${env:S}"),
            ("behavior.on.null.values", "${env:B}"),
            ("part", "${env:P}"),
            ("a", "x"),
        ]);
        let resolved = properties(&[
            ("flush.size", "x"),
            ("s3.region", "secret-region\n"),
            ("value.converter.schemas.enable", "no"),
            ("behavior.on.null.values", "NIL"),
            ("part", "007 "),
            ("a", "x"),
        ]);
        let errors = ConfigErrors(vec![
            ConfigError::invalid("flush.size", "x", "Not a number of type INT"),
            ConfigError::other("b", "cannot use secret-region with x"),
            ConfigError::other(
                "value.converter.schemas.enable",
                "Invalid value no for configuration schemas.enable: Expected value to be either true or false",
            ),
            ConfigError::invalid("behavior.on.null.values", "nil", "bad"),
            ConfigError::invalid("part", "7", "Value must be at least 9"),
            ConfigError::invalid("part", "null", "Value must be non-null"),
        ]);
        let hidden = hide_resolved(errors, &raw, &resolved);
        assert_eq!(
            hidden.0[0].message,
            "Invalid value ${env:N} for configuration flush.size: Not a number of type INT"
        );
        assert_eq!(hidden.0[1].message, "cannot use ${env:R} with x");
        assert_eq!(
            hidden.0[2].message,
            "Invalid value ${env:S} for configuration schemas.enable: Expected value to be either true or false"
        );
        assert_eq!(
            hidden.0[3].message,
            "Invalid value ${env:B} for configuration behavior.on.null.values: bad"
        );
        assert_eq!(
            hidden.0[4].message,
            "Invalid value ${env:P} for configuration part: Value must be at least 9"
        );
        assert_eq!(
            hidden.0[5].message,
            "Invalid value null for configuration part: Value must be non-null"
        );
    }

    #[test]
    fn overrides_of_producers_are_looked_at_where_there_is_one() {
        let string = "org.apache.kafka.connect.storage.StringConverter";
        let worker = properties(&[
            ("bootstrap.servers", "localhost:9092"),
            ("key.converter", string),
            ("value.converter", string),
            ("connector.client.config.override.policy", "None"),
        ]);
        let validator = Validator::new(Arc::new(WorkerConfig::parse(&worker).unwrap()));
        let refused = |letters: &str| {
            let connector = properties(&[
                ("consumer.override.client.rack", "r"),
                ("producer.override.acks", "1"),
                ("errors.deadletterqueue.topic.name", letters),
            ]);
            let mut errors = ConfigErrors::default();
            validator.check_overrides(&connector, &mut errors);
            errors.0.len()
        };
        assert_eq!((refused(" "), refused("letters")), (1, 2));
    }
}
