//! The token of an identity provider, kept until shortly before its end.
//!
//! In: the provider's settings. Out: a token that is good for a while. What fails: the provider; whoever asks next tries
//! again.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sluiceway_common::kafka_config::OidcSettings;
use sluiceway_common::secret::Secret;
use sluiceway_common::token_endpoint::{NoToken, Token, TokenEndpoint};
use tokio::sync::Mutex;

use crate::error::RegistryError;

/// See the module.
#[derive(Debug)]
pub(super) struct Tokens {
    endpoint: TokenEndpoint,
    /// How long before its end a token is not used any more.
    margin: Duration,
    /// Held while a token is fetched: the others wait for it.
    kept: Mutex<Option<Token>>,
}

impl Tokens {
    pub(super) fn open(settings: &Arc<OidcSettings>, margin: Duration) -> Result<Self, NoToken> {
        Ok(Self {
            endpoint: TokenEndpoint::open(settings)?,
            margin,
            kept: Mutex::new(None),
        })
    }

    pub(super) async fn token(&self) -> Result<Secret, RegistryError> {
        let mut kept = self.kept.lock().await;
        if let Some(token) = kept
            .as_ref()
            .filter(|token| is_good(token, self.margin, SystemTime::now()))
        {
            return Ok(token.text.clone());
        }
        let token = self.endpoint.token().await;
        let token = token.map_err(|error| RegistryError::Unreachable {
            url: error.endpoint.clone(),
            reason: error.to_string(),
        })?;
        Ok(kept.insert(token).text.clone())
    }
}

/// Whether it is long enough until its end: `margin`, or half its life if that is shorter.
fn is_good(token: &Token, margin: Duration, now: SystemTime) -> bool {
    let (_, ends) = token.life;
    now < token.at(50) || ends.duration_since(now).is_ok_and(|left| left > margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_until_its_margin_or_for_half_its_life() {
        let made = SystemTime::UNIX_EPOCH;
        let token = |seconds| Token {
            text: Secret::new("t"),
            life: (made, made + Duration::from_secs(seconds)),
        };
        let good = |life, margin, at| {
            is_good(
                &token(life),
                Duration::from_secs(margin),
                made + Duration::from_secs(at),
            )
        };
        assert!(good(3600, 300, 3299) && !good(3600, 300, 3300));
        assert!(good(60, 300, 29) && !good(60, 300, 30));
    }
}
