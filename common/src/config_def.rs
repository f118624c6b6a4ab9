//! Declared configuration keys, and properties checked against them.
//!
//! In: a [`ConfigDef`] (the keys a program knows) and [`Properties`] (what the user wrote). Out: typed [`Values`],
//! or one [`ConfigErrors`] that lists **every** bad key with its value and what is valid, in Kafka's own words.
//! Keys that nobody declared are no error: [`ConfigDef::unknown_keys`] names them with the nearest known one.

mod error;
mod key;
mod value;

pub use error::{ConfigError, ConfigErrors, UnknownKey};
pub use key::{DefaultValue, Importance, Key, Kind, Validator};
pub use value::Values;

use std::fmt::Write as _;

use indexmap::IndexMap;

use crate::props::Properties;
use value::Value;

/// The keys a program knows, in the order in which they are documented.
#[derive(Clone, Debug, Default)]
pub struct ConfigDef {
    keys: IndexMap<&'static str, Key>,
    prefixes: Vec<&'static str>,
}

impl ConfigDef {
    /// No keys yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key; one of the same name is replaced.
    pub fn key(mut self, key: Key) -> Self {
        self.keys.insert(key.name, key);
        self
    }

    /// Adds keys under one heading.
    pub fn keys(mut self, group: &'static str, keys: impl IntoIterator<Item = Key>) -> Self {
        for key in keys {
            self.keys.insert(key.name, key.group(group));
        }
        self
    }

    /// Declares that any key under `prefix` (`producer.`) is known here and checked elsewhere.
    pub fn prefix(mut self, prefix: &'static str) -> Self {
        self.prefixes.push(prefix);
        self
    }

    /// The declared keys.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    /// The declared key of this name.
    pub fn get(&self, name: &str) -> Option<&Key> {
        self.keys.get(name)
    }

    /// Reads all declared keys from `properties`.
    ///
    /// # Errors
    /// All missing and all bad keys at once.
    pub fn parse(&self, properties: &Properties) -> Result<Values, ConfigErrors> {
        let (values, errors) = self.parse_all(properties);
        errors.into_result().map(|()| values)
    }

    /// Like [`ConfigDef::parse`], with the values that were good besides the errors, for checks across keys.
    pub fn parse_all(&self, properties: &Properties) -> (Values, ConfigErrors) {
        let mut values = Values::default();
        let mut errors = ConfigErrors::default();
        for key in self.keys.values() {
            let value = match (properties.get(key.name), key.default) {
                (Some(text), _) => key.read(text),
                (None, DefaultValue::Required) => Err(ConfigError::missing(key.name)),
                (None, DefaultValue::Null) => Ok(Value::Null),
                (None, DefaultValue::Text(text)) => value::parse(key.kind, text)
                    .map_err(|reason| ConfigError::invalid(key.name, text, reason)),
            };
            match value {
                Ok(value) => drop(values.0.insert(key.name, value)),
                Err(error) => errors.0.push(error),
            }
        }
        (values, errors)
    }

    /// The keys of `properties` that are neither declared nor under a declared prefix.
    pub fn unknown_keys(&self, properties: &Properties) -> Vec<UnknownKey> {
        properties
            .keys()
            .filter(|name| !self.keys.contains_key(name.as_str()))
            .filter(|name| !self.prefixes.iter().any(|prefix| name.starts_with(prefix)))
            .map(|name| UnknownKey {
                name: name.clone(),
                nearest: self.nearest(name),
            })
            .collect()
    }

    fn nearest(&self, name: &str) -> Option<&'static str> {
        self.keys
            .keys()
            .map(|known| {
                (
                    strsim::normalized_damerau_levenshtein(&name.to_ascii_lowercase(), known),
                    *known,
                )
            })
            .filter(|(similarity, _)| *similarity >= 0.6)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, known)| known)
    }

    /// The keys as Markdown tables, one a heading: the source of `docs/configuration.md`.
    pub fn to_markdown(&self) -> String {
        let mut groups: IndexMap<&str, Vec<&Key>> = IndexMap::new();
        for key in self.keys.values() {
            groups.entry(key.group).or_default().push(key);
        }
        let mut text = String::new();
        for (group, keys) in groups {
            let heading = if group.is_empty() { "General" } else { group };
            let _ = write!(
                text,
                "### {heading}\n\n| key | type | default | valid | meaning |\n|---|---|---|---|---|\n"
            );
            for key in keys {
                let default = match key.default {
                    DefaultValue::Required => "**required**".to_owned(),
                    DefaultValue::Null => "unset".to_owned(),
                    DefaultValue::Text("") => "empty".to_owned(),
                    DefaultValue::Text(text) => format!("`{}`", text.escape_default()),
                };
                let kind = key.kind.name().to_ascii_lowercase();
                let _ = writeln!(
                    text,
                    "| `{}` | {kind} | {default} | {} | {} |",
                    key.name,
                    key.valid_values(),
                    key.doc
                );
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
#[path = "config_def_tests.rs"]
mod tests;
