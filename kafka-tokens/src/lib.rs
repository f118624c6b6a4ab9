//! Tokens with which Kafka clients say who they are (SASL/OAUTHBEARER).
//!
//! ```text
//! librdkafka ── wants a token ──▶ a client's context ──▶ answer(sasl.oauthbearer.config) ─┐
//! the proxy's own connection ───────────────────────────▶ Login::token ──────────────────┤
//!                                                                                        ▼
//!                              unsecured: made on the spot          else: keeper (one an identity)
//!                                                                     AWS_MSK_IAM: credentials (AWS SDK) ─▶ sign ─┐
//!                                                                     OIDC: the provider's token endpoint ────────┴▶ kept until 60 % of its life
//! ```
//!
//! `AWS_MSK_IAM` is OAUTHBEARER underneath: MSK takes a request to `kafka-cluster:Connect`, signed but never sent, as the
//! token. What a client logs in with stands in its setting `sasl.oauthbearer.config`, which librdkafka hands to the callback:
//! so every context of both programs answers with [`answer`], and none has to carry anything.
//!
//! | module | what it is |
//! |---|---|
//! | [`login`] | contexts of clients that have no other callbacks; a consumer's first login |
//! | [`unsecured`] | tokens that nobody signed, for brokers that take them |
//! | [`given`] | a token that somebody else brought |
//! | [`keeper`] | the token of one identity, renewed in the background |
//! | [`identity`] | whose token, and from whom |
//! | [`credentials`] | the AWS SDK's credentials, and roles taken over with them |
//! | [`sign`] | MSK's token |
#![forbid(unsafe_code)]

pub mod credentials;
pub mod given;
pub mod identity;
pub mod keeper;
pub mod login;
pub mod sign;
pub mod unsecured;

use std::error::Error as StdError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::client::OAuthToken;
use sluiceway_common::token_endpoint::NoToken;
use thiserror::Error;

pub use given::Given;
pub use identity::Identity;
pub use keeper::Keeper;
pub use login::{LoginContext, by_tokens, log_in, never_by_admin_clients};
pub use sluiceway_common::token_endpoint::Token;
pub use unsecured::Unsecured;

/// Why there is no token. No message holds a credential.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// The settings name no way to a token.
    #[error(
        "SASL/OAUTHBEARER needs tokens: set sasl.mechanism=AWS_MSK_IAM with the IAMLoginModule in sasl.jaas.config, \
         sasl.oauthbearer.token.endpoint.url with the OAuthBearerLoginModule, or enable.sasl.oauthbearer.unsecure.jwt=true with sasl.oauthbearer.config for brokers that take unsecured ones ({0})"
    )]
    NoWay(String),
    /// The brokers' names tell no region, and nothing else does.
    #[error(
        "AWS_MSK_IAM: the region is not known; bootstrap.servers should have the names that MSK gives, or AWS_REGION \
         should be set"
    )]
    NoRegion,
    /// The SDK finds no credentials, or the role cannot be taken over.
    #[error("AWS_MSK_IAM: no credentials: {0}")]
    Credentials(String),
    /// The signer.
    #[error("AWS_MSK_IAM: the token cannot be signed: {0}")]
    Signing(String),
    /// The identity provider cannot be asked, refuses, or answers with something else.
    #[error("OAUTHBEARER: no token from {endpoint}: {reason}")]
    Provider {
        /// The address without its query.
        endpoint: String,
        /// Why not, and what to look at.
        reason: String,
    },
    /// A token that was brought has ended.
    #[error("OAUTHBEARER: the token has expired")]
    Ended,
    /// It took too long: the way to log in, and the limit.
    #[error("{0}: no token within {1:?}")]
    TooSlow(&'static str, Duration),
    /// The system gives no thread.
    #[error("no thread for fetching tokens: {0}")]
    NoThread(String),
}

impl From<NoToken> for TokenError {
    fn from(NoToken { endpoint, reason }: NoToken) -> Self {
        Self::Provider { endpoint, reason }
    }
}

/// How a client logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// With tokens that are fetched: by AWS IAM, from an identity provider.
    Kept(Identity),
    /// With tokens that nobody signed.
    Unsecured(Unsecured),
    /// With a token that somebody brought.
    Given(Given),
}

impl Login {
    /// Reads `sasl.oauthbearer.config`.
    ///
    /// # Errors
    /// It is none of these.
    pub fn parse(config: Option<&str>) -> Result<Self, TokenError> {
        let config = config.unwrap_or_default();
        if let Some(identity) = Identity::from_text(config) {
            return Ok(Self::Kept(identity));
        }
        let unsecured = Unsecured::parse(config).map_err(TokenError::NoWay)?;
        Ok(Self::Unsecured(unsecured))
    }

    /// A token that is valid for a while; waits for it.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn token_blocking(&self) -> Result<Token, TokenError> {
        match self {
            Self::Kept(identity) => Keeper::of(identity).token(),
            Self::Unsecured(unsecured) => Ok(unsecured.token(SystemTime::now())),
            Self::Given(given) => given.token(),
        }
    }

    /// The client's first message on the wire (RFC 7628).
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn message(&self) -> Result<Vec<u8>, TokenError> {
        let login = self.clone();
        let made = tokio::task::spawn_blocking(move || login.token_blocking()).await;
        let token = made.map_err(|error| TokenError::NoThread(error.to_string()))??;
        let mut message = format!("n,,\u{1}auth=Bearer {}", token.text.expose());
        if let Self::Unsecured(unsecured) = self {
            for (name, value) in &unsecured.extensions {
                message.push_str(&format!("\u{1}{name}={value}"));
            }
        }
        message.push_str("\u{1}\u{1}");
        Ok(message.into_bytes())
    }

    fn principal(&self) -> &str {
        match self {
            Self::Kept(identity) => identity.principal(),
            Self::Unsecured(unsecured) => &unsecured.principal,
            Self::Given(given) => given.principal(),
        }
    }
}

/// The answer of a client's context to librdkafka's wish for a token; `config` is what librdkafka hands over. It may wait for
/// credentials, the first time. librdkafka asks again when 80 % of the token's life are over, and ten seconds after an error.
///
/// # Errors
/// See [`TokenError`]; librdkafka passes it on to the client's error callback.
pub fn answer(config: Option<&str>) -> Result<OAuthToken, Box<dyn StdError>> {
    let login = Login::parse(config)?;
    let token = login.token_blocking()?;
    Ok(OAuthToken {
        token: token.text.expose().to_owned(),
        principal_name: login.principal().to_owned(),
        lifetime_ms: millis(token.life.1),
    })
}

/// Milliseconds since 1970.
fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn settings_that_name_no_way_are_told_what_to_set() {
        let error = Login::parse(Some("scope=a")).unwrap_err().to_string();
        assert!(
            error.contains("sasl.mechanism=AWS_MSK_IAM") && error.contains("no principal"),
            "{error}"
        );
    }

    #[test]
    fn an_unsecured_token_is_made_anew_each_time() {
        let token = answer(Some("principal=admin lifeSeconds=10")).unwrap();
        assert_eq!(token.principal_name, "admin");
        let left = token.lifetime_ms - millis(SystemTime::now());
        assert!((1..=10_000).contains(&left), "{left}");
    }
}
