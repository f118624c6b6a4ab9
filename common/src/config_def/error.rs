//! Bad keys, all of one configuration at once; and keys that nobody declared.

use std::fmt;

use thiserror::Error;

use crate::secret::{MASK, is_secret_name};

/// One bad key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The key.
    pub key: String,
    /// The whole message, in Kafka's words, secrets masked.
    pub message: String,
}

impl ConfigError {
    /// `Invalid value V for configuration K: reason`; the value of a secret key is masked.
    pub fn invalid(key: &str, value: &str, reason: impl fmt::Display) -> Self {
        let value = if is_secret_name(key) { MASK } else { value };
        Self {
            key: key.into(),
            message: format!("Invalid value {value} for configuration {key}: {reason}"),
        }
    }

    /// `Missing required configuration "K" which has no default value.`
    pub fn missing(key: &str) -> Self {
        let message =
            format!("Missing required configuration \"{key}\" which has no default value.");
        Self {
            key: key.into(),
            message,
        }
    }

    /// The same error of a key that is written otherwise in the file (`client.linger.ms` for `linger.ms`).
    #[must_use]
    pub fn written(self, key: &str) -> Self {
        Self {
            message: self.message.replacen(&self.key, key, 1),
            key: key.into(),
        }
    }

    /// An error in words of its own.
    pub fn other(key: &str, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
        }
    }
}

/// Every error of one configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} error(s):", self.0.len())?;
        self.0.iter().try_for_each(|error| {
            let ConfigError { key, message } = error;
            match message.contains(key) {
                true => write!(f, "\n  {message}"),
                false => write!(f, "\n  {key}: {message}"),
            }
        })
    }
}

impl ConfigErrors {
    /// `Ok` when there is no error.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

/// A key that no definition knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKey {
    /// The key as written.
    pub name: String,
    /// The nearest known key, when one is near enough to be meant.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown configuration key \"{}\" is ignored", self.name)?;
        self.nearest
            .map_or(Ok(()), |nearest| write!(f, "; did you mean \"{nearest}\"?"))
    }
}
