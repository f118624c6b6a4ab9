//! Strings that must never reach a log, an error or an answer.

use std::fmt;

/// What is shown in place of a secret.
pub const MASK: &str = "********";

/// A password or key. `Debug` and `Display` print a mask; [`Secret::expose`] is the only way to the text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that has to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Whether a key's name says that its value is a secret, for keys nobody declared
/// (`consumer.override.sasl.jaas.config`, `…password`, `…secret…`, `…token`).
pub fn is_secret_name(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let last = key.rsplit('.').next().unwrap_or(&key);
    [
        "password",
        "secret",
        "token",
        "credential",
        "user.info",
        "jaas.config",
        "customer.key",
    ]
    .iter()
    .any(|word| key.ends_with(word) || last.contains(word))
        || key.contains("secret")
        || key.contains("password")
        || key.ends_with("access.key.id")
        || key.ends_with("ssl.keystore.key")
        || key.ends_with("ssl.key.pem")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_only_its_mask() {
        let secret = Secret::new("s3cr3t");
        assert_eq!(format!("{secret} {secret:?}"), format!("{MASK} {MASK}"));
        assert_eq!(secret.expose(), "s3cr3t");
    }

    #[test]
    fn secret_names_are_recognised() {
        for key in [
            "aws.secret.access.key",
            "client.sasl.jaas.config",
            "ssl.key.password",
            "ssl.key.pem",
            "basic.auth.user.info",
        ] {
            assert!(is_secret_name(key), "{key}");
        }
        for key in ["topics", "key.converter", "s3.region", "flush.size"] {
            assert!(!is_secret_name(key), "{key}");
        }
    }
}
