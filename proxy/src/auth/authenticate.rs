//! The credentials of a request → its principal.
//!
//! In: headers, and what the connection's handshake told. Out: a [`Principal`], or why there is none. Who it is the
//! [`Verifier`] finds out, or Kafka ([`Callers`]); what that one may do is added here.

use std::sync::Arc;

use http::HeaderMap;
use sluiceway_common::auth::verifier::{self, Caller, Unknown, Verifier};
use sluiceway_common::tls::stream::Client;

use super::callers::Callers;
use super::principal::{Method, OwnClients, Principal};
use super::rights::{Operation, Rights, Rules};
use crate::peers::PassedPrincipal;

/// How clients prove who they are.
pub struct Authenticator {
    /// Passwords, tokens, API keys, certificates.
    pub verifier: Verifier,
    /// Kafka; then nothing else.
    pub callers: Option<Arc<Callers>>,
    admission: Admission,
}

/// Who of those that are known is let in, and what they may do.
#[derive(Debug, Clone)]
pub struct Admission {
    /// What whoever is let in must have, when there are no rules: `authentication.roles`.
    pub roles: Roles,
    /// Who may do what; empty: see `roles`.
    pub rules: Rules,
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

impl From<Unknown> for Failure {
    fn from(unknown: Unknown) -> Self {
        match unknown {
            Unknown::Nothing => Self::Nothing,
            Unknown::Wrong(method, reason) => Self::Wrong(method, reason),
            Unknown::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

impl Authenticator {
    /// These methods.
    #[must_use]
    pub fn new(verifier: Verifier, admission: Admission) -> Self {
        Self {
            verifier,
            callers: None,
            admission,
        }
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
        let Some(callers) = &self.callers else {
            return self.let_in(self.verifier.identify(headers, client).await?);
        };
        let given = verifier::authorization(headers)?;
        self.by_kafka(callers, given.ok_or(Failure::Nothing)?).await
    }

    /// Without rules of the proxy's own, Kafka's decide.
    async fn by_kafka(&self, callers: &Arc<Callers>, given: &str) -> Result<Principal, Failure> {
        let admitted = callers.admit(given).await?;
        let rules = &self.admission.rules;
        let rights = match rules.is_empty() {
            true => Rights::All,
            false => rules.rights(&admitted.name, &[]),
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

    /// Whom another replica has let in.
    #[must_use]
    pub(crate) fn of_replica(&self, passed: PassedPrincipal) -> Option<Principal> {
        let caller = Caller {
            name: passed.name.into(),
            roles: passed.roles,
            method: passed.method,
            plan: None,
        };
        self.let_in(caller).ok()
    }

    fn let_in(&self, caller: Caller) -> Result<Principal, Failure> {
        let Caller {
            name,
            roles,
            method,
            plan,
        } = caller;
        let rights = self.admission.rights(&name, &roles)?;
        Ok(Principal {
            name,
            roles,
            method,
            rights,
            plan,
            own: None,
        })
    }
}

impl Admission {
    /// What someone may do. Without rules the roles decide, as in the original.
    ///
    /// # Errors
    /// [`Failure::NotLetIn`].
    pub fn rights(&self, name: &Arc<str>, roles: &[String]) -> Result<Rights, Failure> {
        if !self.rules.is_empty() {
            return Ok(self.rules.rights(name, roles));
        }
        match self.roles.allow(roles) {
            true => Ok(Rights::All),
            false => Err(Failure::NotLetIn(Arc::clone(name))),
        }
    }

    /// Whether a caller may do this with everything.
    #[must_use]
    pub fn may_all(&self, operation: Operation, caller: &Caller) -> bool {
        let rights = self.rights(&caller.name, &caller.roles);
        rights.is_ok_and(|rights| rights.allow_all(operation))
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
