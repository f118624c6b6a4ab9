//! The credentials of a request → its principal.
//!
//! In: headers, and what the connection's handshake told. Out: a [`Principal`], or that there are no credentials, or
//! that they are wrong. The methods that are on are tried by what the request brings: `x-api-key`, then
//! `Authorization`, then the certificate. Credentials that are wrong are never made up for by other ones.

use std::sync::Arc;

use http::{HeaderMap, header};
use sluiceway_common::auth::Identity;
use sluiceway_common::auth::basic::{BasicAuth, UserPassword};
use sluiceway_common::tls::stream::Client;
use tokio::sync::Semaphore;

use super::api_key::ApiKeys;
use super::callers::Callers;
#[cfg(feature = "tls")]
use super::jwks::Jwks;
#[cfg(feature = "tls")]
use super::jwt::{Token, TokenRules};
use super::principal::{Method, OwnClients, Principal};
use super::rights::{Rights, Rules};
use crate::peers::PassedPrincipal;

/// Slow password hashes that are computed at once; further ones wait.
const SLOW_CHECKS: usize = 4;
/// The header of API keys, as AWS API Gateway has it.
const API_KEY: &str = "x-api-key";

/// How clients prove who they are.
pub struct Authenticator {
    /// HTTP Basic.
    pub basic: Option<Arc<BasicAuth>>,
    /// API keys.
    pub api_keys: Option<ApiKeys>,
    /// Tokens.
    #[cfg(feature = "tls")]
    pub tokens: Option<(TokenRules, Arc<Jwks>)>,
    /// Certificates.
    pub certificates: bool,
    /// Kafka.
    pub callers: Option<Arc<Callers>>,
    /// What those of [`Method::Basic`] must have, when there are no rules: `authentication.roles`.
    pub roles: Roles,
    /// Who may do what; empty: see `roles`.
    pub rules: Rules,
    slow: Semaphore,
}

/// `authentication.roles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roles {
    /// `**`: whoever is known.
    Anyone,
    /// `*`: whoever has a role.
    WithRole,
    /// Whoever has one of these; nobody when there are none.
    OneOf(Vec<String>),
}

impl Roles {
    /// Reads the list.
    #[must_use]
    pub fn read(list: &[String]) -> Self {
        let named = |name: &str| list.iter().any(|role| role == name);
        if named("**") {
            Self::Anyone
        } else if named("*") {
            Self::WithRole
        } else {
            Self::OneOf(list.to_vec())
        }
    }

    pub(crate) fn allow(&self, roles: &[String]) -> bool {
        match self {
            Self::Anyone => true,
            Self::WithRole => !roles.is_empty(),
            Self::OneOf(wanted) => roles.iter().any(|role| wanted.contains(role)),
        }
    }
}

/// Why there is no principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The request brings nothing.
    Nothing,
    /// What it brings is wrong; the method, and a reason for the log.
    Wrong(Method, String),
    /// They are right, but that one is not let in.
    NotLetIn(Arc<str>),
    /// It cannot be told now: the identity provider does not answer.
    Unavailable(String),
    /// It cannot be told now: Kafka does not answer.
    KafkaAway(String),
    /// As many principals as may have Kafka clients of their own; how many that is.
    TooManyCallers(usize),
}

impl Authenticator {
    /// None of the methods.
    #[must_use]
    pub fn new(rules: Rules, roles: Roles) -> Self {
        Self {
            basic: None,
            api_keys: None,
            #[cfg(feature = "tls")]
            tokens: None,
            certificates: false,
            callers: None,
            roles,
            rules,
            slow: Semaphore::new(SLOW_CHECKS),
        }
    }

    /// Only API keys are on: refusals are then those of API Gateway.
    #[must_use]
    pub fn only_api_keys(&self) -> bool {
        #[cfg(feature = "tls")]
        let tokens = self.tokens.is_some();
        #[cfg(not(feature = "tls"))]
        let tokens = false;
        self.api_keys.is_some() && self.basic.is_none() && !tokens
    }

    /// See the module.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn principal(
        &self,
        headers: &HeaderMap,
        client: &Client,
    ) -> Result<Principal, Failure> {
        if let Some(keys) = &self.api_keys
            && let Some(text) = headers.get(API_KEY)
        {
            return self.by_key(keys, text.as_bytes());
        }
        // Several would be a way to show one to a front server and another one here.
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        match (given.next(), given.next()) {
            (Some(_), Some(_)) => {
                let reason = "there are several Authorization headers".to_owned();
                return Err(Failure::Wrong(Method::Basic, reason));
            }
            (Some(given), None) => return self.by_header(given.to_str().unwrap_or_default()).await,
            (None, _) => {}
        }
        if self.certificates
            && let Some(name) = &client.principal
        {
            return self.let_in(Method::Mtls, Arc::clone(name), Vec::new());
        }
        Err(Failure::Nothing)
    }

    fn by_key(&self, keys: &ApiKeys, text: &[u8]) -> Result<Principal, Failure> {
        let wrong = || Failure::Wrong(Method::ApiKey, "the key is unknown".to_owned());
        let key = keys.find(text).ok_or_else(wrong)?;
        let principal = self.let_in(Method::ApiKey, key.name, key.roles)?;
        Ok(Principal {
            plan: key.plan,
            ..principal
        })
    }

    async fn by_header(&self, given: &str) -> Result<Principal, Failure> {
        if let Some(callers) = &self.callers {
            return self.by_kafka(callers, given).await;
        }
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
            return self.by_token(rules, keys, token).await;
        }
        let reason = "the scheme of Authorization is not accepted".to_owned();
        Err(Failure::Wrong(Method::Basic, reason))
    }

    async fn by_password(&self, basic: &Arc<BasicAuth>, given: &str) -> Result<Principal, Failure> {
        let wrong = |reason: &str| Failure::Wrong(Method::Basic, reason.to_owned());
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
        self.let_in(Method::Basic, Arc::clone(name), roles.clone())
    }

    /// Without rules of the proxy's own, Kafka's decide.
    async fn by_kafka(&self, callers: &Arc<Callers>, given: &str) -> Result<Principal, Failure> {
        let admitted = callers.admit(given).await?;
        let rights = match self.rules.is_empty() {
            true => Rights::All,
            false => self.rules.rights(&admitted.name, &[]),
        };
        Ok(Principal {
            name: admitted.name,
            roles: Vec::new(),
            method: Method::Kafka,
            rights,
            plan: None,
            own: Some(OwnClients(admitted.app)),
        })
    }

    #[cfg(feature = "tls")]
    async fn by_token(
        &self,
        rules: &TokenRules,
        jwks: &Arc<Jwks>,
        text: &str,
    ) -> Result<Principal, Failure> {
        let wrong = |fault: super::jwt::TokenFault| {
            Failure::Wrong(Method::Bearer, format!("the token: {fault}"))
        };
        let token = Token::read(text, rules).map_err(wrong)?;
        let keys = jwks
            .keys(token.key.as_deref())
            .await
            .map_err(|error| Failure::Unavailable(error.to_string()))?;
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        let claims = token.verify(&keys, rules, now).map_err(wrong)?;
        self.let_in(Method::Bearer, claims.name.into(), claims.roles)
    }

    /// Whom another replica has let in.
    #[must_use]
    pub(crate) fn of_replica(&self, passed: PassedPrincipal) -> Option<Principal> {
        self.let_in(passed.method, passed.name.into(), passed.roles)
            .ok()
    }

    fn let_in(
        &self,
        method: Method,
        name: Arc<str>,
        roles: Vec<String>,
    ) -> Result<Principal, Failure> {
        let rights = if self.rules.is_empty() {
            // Without rules the roles decide, as in the original.
            if !self.roles.allow(&roles) {
                return Err(Failure::NotLetIn(name));
            }
            Rights::All
        } else {
            self.rules.rights(&name, &roles)
        };
        Ok(Principal {
            name,
            roles,
            method,
            rights,
            plan: None,
            own: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_the_original() {
        let read = |list: &[&str]| {
            let list: Vec<String> = list.iter().map(|role| (*role).to_owned()).collect();
            Roles::read(&list)
        };
        let (none, admin): (&[String], &[String]) = (&[], &["admin".to_owned()]);
        assert!(read(&["**"]).allow(none));
        assert!(!read(&["*"]).allow(none) && read(&["*"]).allow(admin));
        assert!(read(&["dev", "admin"]).allow(admin) && !read(&["dev"]).allow(admin));
        assert!(!read(&[]).allow(admin));
    }
}
