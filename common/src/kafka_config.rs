//! Java Kafka client settings → librdkafka settings.
//!
//! In: the settings of one client as a Java program takes them (prefixes such as `producer.` already cut off) and
//! its [`Role`]. Out: librdkafka's settings, plus what was dropped and why, plus errors for values that no
//! translation can honour (a key store that cannot be opened, Kerberos). Numbers that only Java takes become the nearest
//! that librdkafka takes. Unknown names are passed on when librdkafka knows them and
//! dropped with a reason otherwise.

use std::sync::Arc;

use rdkafka::ClientConfig;

use crate::config_def::{ConfigError, ConfigErrors};
use crate::props::Properties;
use crate::secret::{MASK, is_secret_name};

mod iam;
mod names;
mod oidc;
mod ranges;
mod sasl;
mod tls;

pub use iam::IamSettings;
pub use oidc::OidcSettings;

/// What kind of client the settings are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A producer.
    Producer,
    /// A consumer.
    Consumer,
    /// An admin client.
    Admin,
}

/// A setting that has no effect here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The Java name.
    pub key: String,
    /// Why it has none.
    pub reason: String,
}

/// Translated settings.
#[derive(Clone, Default)]
pub struct KafkaConfig {
    /// librdkafka's names and values.
    pub settings: Properties,
    /// What had no effect.
    pub dropped: Vec<Dropped>,
    /// Set when the client authenticates by AWS IAM.
    pub iam: Option<IamSettings>,
    /// Set when the client logs in by tokens of an identity provider.
    pub oidc: Option<Arc<OidcSettings>>,
}

impl std::fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |(key, value): (&'_ String, &'_ String)| {
            let value = if is_secret_name(key) { MASK } else { value };
            format!("{key}={value}")
        };
        let settings: Vec<String> = self.settings.iter().map(shown).collect();
        f.debug_struct("KafkaConfig")
            .field("settings", &settings)
            .field("dropped", &self.dropped)
            .field("iam", &self.iam)
            .field("oidc", &self.oidc)
            .finish()
    }
}

impl KafkaConfig {
    /// Translates `java` for a client of this role.
    ///
    /// # Errors
    /// Every value that cannot be honoured, under its Java name.
    pub fn translate(role: Role, java: &Properties) -> Result<Self, ConfigErrors> {
        let mut out = Self::default();
        let mut errors = ConfigErrors::default();
        for (key, value) in java {
            out.translate_one(role, key, value.trim(), &mut errors);
        }
        sasl::translate(java, &mut out, &mut errors);
        tls::translate(java, &mut out, &mut errors);
        out.check_with_librdkafka(&mut errors);
        errors.into_result().map(|()| out)
    }

    /// A librdkafka client configuration with these settings.
    pub fn client_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (key, value) in &self.settings {
            config.set(key, value);
        }
        config
    }

    /// Sets a librdkafka setting unless the user set it.
    pub fn default_to(&mut self, key: &str, value: impl Into<String>) {
        self.settings
            .entry(key.to_owned())
            .or_insert_with(|| value.into());
    }

    /// Sets a librdkafka setting whatever the user set.
    pub fn force(&mut self, key: &str, value: impl Into<String>) {
        self.settings.insert(key.to_owned(), value.into());
    }

    fn set(&mut self, key: &str, value: impl Into<String>) {
        self.settings.insert(key.to_owned(), value.into());
    }

    fn drop_key(&mut self, key: &str, reason: impl Into<String>) {
        self.dropped.push(Dropped {
            key: key.to_owned(),
            reason: reason.into(),
        });
    }

    fn translate_one(&mut self, role: Role, key: &str, value: &str, errors: &mut ConfigErrors) {
        if sasl::owns(key) || tls::owns(key) {
            return;
        }
        let value = ranges::nearest(role, key, value);
        let value = value.as_ref();
        match names::lookup(role, key) {
            names::Rule::Same => self.set(key, value),
            names::Rule::Renamed(name) => self.set(name, value),
            names::Rule::Drop(reason) => self.drop_key(key, reason),
            names::Rule::Convert(convert) => match convert(value) {
                Ok((name, value)) => self.set(name, value),
                Err(reason) => errors.0.push(ConfigError::invalid(key, value, reason)),
            },
            names::Rule::Unknown => self.pass_if_known(key, value),
        }
    }

    /// librdkafka's own names (`socket.keepalive.enable`) are taken as they are.
    fn pass_if_known(&mut self, key: &str, value: &str) {
        let mut probe = ClientConfig::new();
        probe.set(key, value);
        match probe.create_native_config() {
            Ok(_) => self.set(key, value),
            Err(_) => self.drop_key(key, "no client setting of this name and value is known"),
        }
    }

    /// Each setting is tried by itself, so that every bad value is reported, under the name the user wrote.
    fn check_with_librdkafka(&self, errors: &mut ConfigErrors) {
        for (key, value) in &self.settings {
            let mut probe = ClientConfig::new();
            probe.set(key, value);
            if let Err(error) = probe.create_native_config() {
                let reason = match error {
                    rdkafka::error::KafkaError::ClientConfig(_, reason, ..) => reason,
                    other => other.to_string(),
                };
                errors.0.push(ConfigError::invalid(key, value, reason));
            }
        }
    }
}

/// Logs every dropped setting once, for a client called `client`.
pub fn log_dropped(client: &str, dropped: &[Dropped]) {
    for Dropped { key, reason } in dropped {
        tracing::warn!(client, key, reason, "a Kafka client setting has no effect");
    }
}

/// Whether this build can speak TLS and SASL to Kafka.
pub fn has_tls() -> bool {
    cfg!(feature = "tls")
}

#[cfg(test)]
#[path = "kafka_config/tests.rs"]
mod tests;
