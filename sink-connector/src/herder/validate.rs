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

    fn check_overrides(&self, properties: &Properties, errors: &mut ConfigErrors) {
        for role in [Role::Consumer, Role::Producer, Role::Admin] {
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
    let replaced: Vec<(&String, &String, &String)> = raw
        .iter()
        .filter_map(|(key, reference)| Some((key, reference, resolved.get(key)?)))
        .filter(|(_, reference, value)| reference != value)
        .collect();
    let hide = |mut error: ConfigError| {
        for (key, reference, value) in &replaced {
            // Some checks tell the value in lower case.
            for told in [value.as_str(), &value.to_lowercase()] {
                error.message = hide_told(error.message, key, reference, told);
            }
            if value.len() >= SHORTEST_HIDDEN {
                error.message = error.message.replace(value.as_str(), reference);
            }
        }
        error
    };
    ConfigErrors(errors.0.into_iter().map(hide).collect())
}

/// A message without `value` where it is told as that of `key`.
fn hide_told(mut message: String, key: &str, reference: &str, value: &str) -> String {
    // The options of converters are told of without their prefix.
    let option = key
        .split_once(".converter.")
        .map_or(key, |(_, option)| option);
    for key in [key, option] {
        message = message.replace(
            &format!("Invalid value {value} for configuration {key}"),
            &format!("Invalid value {reference} for configuration {key}"),
        );
    }
    message
}

#[cfg(test)]
mod tests {
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
            ("a", "x"),
        ]);
        let resolved = properties(&[
            ("flush.size", "x"),
            ("s3.region", "secret-region"),
            ("value.converter.schemas.enable", "no"),
            ("behavior.on.null.values", "NIL"),
            ("a", "x"),
        ]);
        let errors = ConfigErrors(vec![
            ConfigError::invalid("flush.size", "x", "Not a number of type INT"),
            ConfigError::other("b", "cannot use secret-region with x"),
            ConfigError::invalid(
                "schemas.enable",
                "no",
                "Expected value to be either true or false",
            ),
            ConfigError::invalid("behavior.on.null.values", "nil", "bad"),
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
    }
}
