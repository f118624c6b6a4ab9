//! The credentials of a request → who sent it.
//!
//! In: headers, and what the connection's handshake told. Out: a [`Caller`], or that there are no credentials, or
//! that they are wrong. The methods that are on are tried by what the request brings: `x-api-key`, then
//! `Authorization`, then the certificate. Credentials that are wrong are never made up for by other ones.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use thiserror::Error;
use tokio::sync::Semaphore;

use super::Identity;
use super::api_key::ApiKeys;
use super::basic::{BasicAuth, UserPassword};
#[cfg(feature = "tls")]
use super::jwks::Jwks;
#[cfg(feature = "tls")]
use super::jwt::{Token, TokenFault, TokenRules};
use super::method::Method;
use super::plan::UsagePlan;
use crate::tls::stream::Client;

/// Slow password hashes that are computed at once; further ones wait.
const SLOW_CHECKS: usize = 4;
/// The header of API keys, as AWS API Gateway has it.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// How callers prove who they are.
pub struct Verifier {
    /// HTTP Basic.
    pub basic: Option<Arc<BasicAuth>>,
    /// API keys.
    pub api_keys: Option<ApiKeys>,
    /// Tokens.
    #[cfg(feature = "tls")]
    pub tokens: Option<(TokenRules, Arc<Jwks>)>,
    /// Certificates.
    pub certificates: bool,
    slow: Semaphore,
}

/// Someone whose credentials are right. What they may do is another matter.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The name.
    pub name: Arc<str>,
    /// Roles or groups.
    pub roles: Vec<String>,
    /// How it was proven.
    pub method: Method,
    /// The usage plan of an API key.
    pub plan: Option<Arc<UsagePlan>>,
}

/// Why nobody is known to have sent a request. The texts are for the log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unknown {
    /// The request brings nothing.
    #[error("there are no credentials")]
    Nothing,
    /// What it brings is wrong; the method, and a reason without any part of it.
    #[error("{method}: {1}", method = .0.name())]
    Wrong(Method, String),
    /// It cannot be told now: the identity provider does not answer.
    #[error("{0}")]
    Unavailable(String),
}

impl Default for Verifier {
    /// None of the methods.
    fn default() -> Self {
        Self {
            basic: None,
            api_keys: None,
            #[cfg(feature = "tls")]
            tokens: None,
            certificates: false,
            slow: Semaphore::new(SLOW_CHECKS),
        }
    }
}

impl Verifier {
    /// Only API keys are on.
    #[must_use]
    pub fn only_api_keys(&self) -> bool {
        self.api_keys.is_some() && self.basic.is_none() && !self.takes_tokens()
    }

    /// Values of `WWW-Authenticate`: what may be sent in `Authorization`.
    #[must_use]
    pub fn challenges(&self, realm: &str) -> Vec<HeaderValue> {
        let basic = self.basic.as_ref().and_then(|_| {
            let realm = realm.replace(['"', '\\'], "");
            HeaderValue::from_str(&format!("Basic realm=\"{realm}\"")).ok()
        });
        let bearer = HeaderValue::from_static("Bearer");
        let bearer = self.takes_tokens().then_some(bearer);
        basic.into_iter().chain(bearer).collect()
    }

    #[cfg(feature = "tls")]
    fn takes_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    #[cfg(not(feature = "tls"))]
    fn takes_tokens(&self) -> bool {
        false
    }

    /// See the module.
    ///
    /// # Errors
    /// See [`Unknown`].
    pub async fn identify(&self, headers: &HeaderMap, client: &Client) -> Result<Caller, Unknown> {
        if let Some(keys) = &self.api_keys
            && let Some(text) = headers.get(API_KEY)
        {
            return by_key(keys, text.as_bytes());
        }
        if let Some(given) = authorization(headers)? {
            return self.by_header(given).await;
        }
        if self.certificates
            && let Some(name) = &client.principal
        {
            return Ok(Caller::new(Method::Mtls, Arc::clone(name), Vec::new()));
        }
        Err(Unknown::Nothing)
    }

    async fn by_header(&self, given: &str) -> Result<Caller, Unknown> {
        let scheme = given.split(' ').next().unwrap_or_default();
        if scheme.eq_ignore_ascii_case("basic")
            && let Some(basic) = &self.basic
        {
            return self.by_password(basic, given).await;
        }
        #[cfg(feature = "tls")]
        if scheme.eq_ignore_ascii_case("bearer")
            && let Some((rules, keys)) = &self.tokens
        {
            let token = given.get(scheme.len()..).unwrap_or_default().trim();
            return by_token(rules, keys, token).await;
        }
        let reason = "the scheme of Authorization is not accepted".to_owned();
        Err(Unknown::Wrong(Method::Basic, reason))
    }

    async fn by_password(&self, basic: &Arc<BasicAuth>, given: &str) -> Result<Caller, Unknown> {
        let wrong = |reason: &str| Unknown::Wrong(Method::Basic, reason.to_owned());
        let given = UserPassword::read(given).ok_or_else(|| wrong("the header is malformed"))?;
        let identity = match basic.remembered(&given) {
            Some(identity) => identity,
            None => {
                let slot = self.slow.acquire().await;
                let (basic, tried) = (Arc::clone(basic), given.clone());
                let checked = tokio::task::spawn_blocking(move || basic.check(&tried)).await;
                drop(slot);
                let found = checked.ok().flatten();
                found.ok_or_else(|| wrong("the user is unknown or the password wrong"))?
            }
        };
        let Identity { name, roles } = &*identity;
        Ok(Caller::new(Method::Basic, Arc::clone(name), roles.clone()))
    }
}

impl Caller {
    fn new(method: Method, name: Arc<str>, roles: Vec<String>) -> Self {
        Self {
            name,
            roles,
            method,
            plan: None,
        }
    }
}

/// The one `Authorization` of a request, if it has one.
///
/// # Errors
/// Several would be a way to show one to a front server and another one here.
pub fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Unknown> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (Some(_), Some(_)) => {
            let reason = "there are several Authorization headers".to_owned();
            Err(Unknown::Wrong(Method::Basic, reason))
        }
        (Some(given), None) => Ok(Some(given.to_str().unwrap_or_default())),
        (None, _) => Ok(None),
    }
}

fn by_key(keys: &ApiKeys, text: &[u8]) -> Result<Caller, Unknown> {
    let wrong = || Unknown::Wrong(Method::ApiKey, "the key is unknown".to_owned());
    let key = keys.find(text).ok_or_else(wrong)?;
    Ok(Caller {
        plan: key.plan,
        ..Caller::new(Method::ApiKey, key.name, key.roles)
    })
}

#[cfg(feature = "tls")]
async fn by_token(rules: &TokenRules, jwks: &Arc<Jwks>, text: &str) -> Result<Caller, Unknown> {
    let wrong = |fault: TokenFault| Unknown::Wrong(Method::Bearer, format!("the token: {fault}"));
    let token = Token::read(text, rules).map_err(wrong)?;
    let keys = jwks
        .keys(token.key.as_deref())
        .await
        .map_err(|error| Unknown::Unavailable(error.to_string()))?;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    let claims = token.verify(&keys, rules, now).map_err(wrong)?;
    Ok(Caller::new(
        Method::Bearer,
        claims.name.into(),
        claims.roles,
    ))
}
