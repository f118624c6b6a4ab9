//! Tokens that nobody signed, as librdkafka makes them when `enable.sasl.oauthbearer.unsecure.jwt=true`: for development,
//! and for brokers that take the name in a token as it is.
//!
//! In: `sasl.oauthbearer.config` (`principal=admin scope=a,b lifeSeconds=600 extension_x=y`). Out: the token. librdkafka makes
//! the first one of a client itself; when that ends, it asks the client's context, and it gets no extensions from there.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sluiceway_common::secret::Secret;

use crate::Token;

/// Tokens live no longer than ten years, whatever is asked for.
const LONGEST_LIFE: u64 = 315_360_000;

/// What goes into a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsecured {
    principal_claim: String,
    /// Whom the token names.
    pub principal: String,
    scope_claim: String,
    scopes: Vec<String>,
    life_seconds: u64,
    /// Name and value, sent beside the token.
    pub extensions: Vec<(String, String)>,
}

impl Unsecured {
    /// Reads `sasl.oauthbearer.config`.
    ///
    /// # Errors
    /// A word is none of its settings, or the principal is missing; says which.
    pub fn parse(config: &str) -> Result<Self, String> {
        let mut found = Self {
            principal_claim: "sub".to_owned(),
            principal: String::new(),
            scope_claim: "scope".to_owned(),
            scopes: Vec::new(),
            life_seconds: 3600,
            extensions: Vec::new(),
        };
        for word in config.split_ascii_whitespace() {
            let wrong =
                || format!("sasl.oauthbearer.config holds {word}, which is none of its settings");
            let (name, value) = word.split_once('=').ok_or_else(wrong)?;
            let text = value.to_owned();
            match name {
                "principalClaimName" => found.principal_claim = text,
                "principal" => found.principal = text,
                "scopeClaimName" => found.scope_claim = text,
                "scope" => found.scopes = value.split(',').map(str::to_owned).collect(),
                "lifeSeconds" => found.life_seconds = value.parse().map_err(|_| wrong())?,
                _ => {
                    let extension = name.strip_prefix("extension_").ok_or_else(wrong)?;
                    found.extensions.push((extension.to_owned(), text));
                }
            }
        }
        if found.principal.is_empty() {
            return Err("sasl.oauthbearer.config names no principal".to_owned());
        }
        Ok(found)
    }

    /// A token made at this time.
    #[must_use]
    pub fn token(&self, now: SystemTime) -> Token {
        let ends = now + Duration::from_secs(self.life_seconds.min(LONGEST_LIFE));
        let seconds = |time: SystemTime| {
            time.duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs()
        };
        let mut claims = Map::new();
        claims.insert(self.principal_claim.clone(), json!(self.principal));
        claims.insert("iat".to_owned(), json!(seconds(now)));
        claims.insert("exp".to_owned(), json!(seconds(ends)));
        if !self.scopes.is_empty() {
            claims.insert(self.scope_claim.clone(), json!(self.scopes));
        }
        let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let text = format!(
            "{}.{}.",
            part(json!({"alg": "none"})),
            part(Value::Object(claims))
        );
        Token {
            text: Secret::new(text),
            life: (now, ends),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_token_names_who_and_how_long() {
        let config = "principal=admin scope=a,b lifeSeconds=60 extension_team=x";
        let unsecured = Unsecured::parse(config).unwrap();
        assert_eq!(unsecured.extensions, [("team".to_owned(), "x".to_owned())]);
        let token = unsecured.token(UNIX_EPOCH + Duration::from_secs(1000));
        let token = token.text.expose();
        let parts: Vec<&str> = token.split('.').collect();
        let read = |part: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        assert_eq!(read(parts[0]), json!({"alg": "none"}));
        assert_eq!(
            read(parts[1]),
            json!({"sub": "admin", "iat": 1000, "exp": 1060, "scope": ["a", "b"]})
        );
        assert_eq!(parts[2..], [""]);
    }

    #[test]
    fn what_is_missing_or_unknown_is_told() {
        for (config, told) in [
            ("", "no principal"),
            ("scope=a", "no principal"),
            ("principal=a nonsense", "nonsense"),
            ("principal=a lifeSeconds=long", "lifeSeconds=long"),
        ] {
            let error = Unsecured::parse(config).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
