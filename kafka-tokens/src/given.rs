//! A token that somebody else brought, and that can be replaced by a later one of the same identity.
//!
//! In: a token and the name in it. Out: what librdkafka, and the proxy's own connection, ask for. What fails: the token has ended
//! and no later one was brought.

use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::RwLock;
use rdkafka::client::OAuthToken;

use crate::{Token, TokenError, millis};

/// See the module. Clones are the same place.
#[derive(Debug, Clone)]
pub struct Given {
    principal: Arc<str>,
    token: Arc<RwLock<Token>>,
}

impl PartialEq for Given {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.token, &other.token)
    }
}

impl Eq for Given {}

impl Given {
    /// A place with this token.
    #[must_use]
    pub fn new(principal: &str, token: Token) -> Self {
        Self {
            principal: principal.into(),
            token: Arc::new(RwLock::new(token)),
        }
    }

    /// Puts a later token in its place.
    pub fn replace(&self, token: Token) {
        *self.token.write() = token;
    }

    /// The name in the token.
    #[must_use]
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// The token.
    ///
    /// # Errors
    /// [`TokenError::Ended`].
    pub fn token(&self) -> Result<Token, TokenError> {
        let token = self.token.read().clone();
        match token.life.1 > SystemTime::now() {
            true => Ok(token),
            false => Err(TokenError::Ended),
        }
    }

    /// The answer of a client's context to librdkafka's wish for a token.
    ///
    /// # Errors
    /// [`TokenError::Ended`].
    pub fn answer(&self) -> Result<OAuthToken, TokenError> {
        let token = self.token()?;
        Ok(OAuthToken {
            token: token.text.expose().to_owned(),
            principal_name: self.principal.to_string(),
            lifetime_ms: millis(token.life.1),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use sluiceway_common::secret::Secret;
    use std::time::Duration;

    fn token(text: &str, ends: SystemTime) -> Token {
        Token {
            text: Secret::new(text),
            life: (SystemTime::UNIX_EPOCH, ends),
        }
    }

    #[test]
    fn a_later_token_takes_the_place_of_an_ended_one() {
        let now = SystemTime::now();
        let given = Given::new("alice", token("one", now));
        let client = given.clone();
        assert_eq!(client.token().unwrap_err(), TokenError::Ended);
        given.replace(token("two", now + Duration::from_secs(60)));
        let answer = client.answer().unwrap();
        assert_eq!((&*answer.token, &*answer.principal_name), ("two", "alice"));
        assert!(!format!("{given:?}").contains("two"));
        assert!(given == client && given != Given::new("alice", token("two", now)));
    }
}
