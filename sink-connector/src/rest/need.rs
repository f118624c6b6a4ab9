//! What each route asks of its caller, as far as path and method tell, and whether the caller has it.

use std::sync::Arc;

use http::Method;
use sluiceway_common::auth::method::Method as Proof;

use super::respond::ApiError;
use super::router::Route;
use crate::worker::{Operation, Rights};

/// Someone who is let in.
#[derive(Clone, Debug)]
pub(super) struct Principal {
    pub(super) name: Arc<str>,
    pub(super) roles: Vec<String>,
    pub(super) method: Proof,
    pub(super) rights: Rights,
}

impl Principal {
    /// Refuses what may not be done with this connector.
    pub(super) fn check(&self, operation: Operation, connector: &str) -> Result<(), ApiError> {
        match self.rights.allow(operation, connector) {
            true => Ok(()),
            false => Err(self.refusal(operation, &format!("connector {connector}"))),
        }
    }

    fn check_some(&self, operation: Operation) -> Result<(), ApiError> {
        match self.rights.allow_some(operation) {
            true => Ok(()),
            false => Err(self.refusal(operation, "any connector")),
        }
    }

    fn check_all(&self, operation: Operation) -> Result<(), ApiError> {
        match self.rights.allow_all(operation) {
            true => Ok(()),
            false => Err(self.refusal(operation, "all connectors, which this needs")),
        }
    }

    fn refusal(&self, operation: Operation, what: &str) -> ApiError {
        let verb = match operation {
            Operation::Read => "read",
            Operation::Write => "write",
        };
        ApiError::forbidden(format!("{} is not allowed to {verb} {what}", self.name))
    }
}

/// What a route asks of its caller, as far as path and method tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need<'a> {
    /// Nothing but an identity; what is listed is what may be read.
    Identity,
    /// This, with the connector of the path.
    Connector(Operation, &'a str),
    /// This, with some connector. Which one a body may tell; then it is checked when that has been read.
    Some(Operation),
    /// This, with all connectors.
    All(Operation),
}

impl<'a> Need<'a> {
    /// The need of a request.
    pub(super) fn of(route: &'a Route, method: &Method) -> Self {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let operation = match reads {
            true => Operation::Read,
            false => Operation::Write,
        };
        match route {
            Route::Root | Route::Health | Route::Plugins | Route::PluginConfig(_) => Self::Identity,
            Route::Connectors if reads => Self::Identity,
            // To validate may look up what a configuration refers to; whoever may make one may do that.
            Route::Connectors | Route::Validate(_) | Route::Explain(_) => {
                Self::Some(Operation::Write)
            }
            Route::Loggers | Route::Logger(_) => Self::All(operation),
            Route::Connector(name)
            | Route::Config(name)
            | Route::Status(name)
            | Route::Tasks(name)
            | Route::TasksConfig(name)
            | Route::TaskStatus(name, _)
            | Route::TaskRestart(name, _)
            | Route::Restart(name)
            | Route::Pause(name)
            | Route::Resume(name)
            | Route::Stop(name)
            | Route::Topics(name)
            | Route::TopicsReset(name)
            | Route::Offsets(name)
            | Route::Objects(name)
            | Route::ObjectPreview(name)
            | Route::ObjectLink(name) => Self::Connector(operation, name),
        }
    }

    /// Whether the caller has what is needed.
    pub(super) fn check(self, principal: &Principal) -> Result<(), ApiError> {
        match self {
            Self::Identity => Ok(()),
            Self::Connector(operation, name) => principal.check(operation, name),
            Self::Some(operation) => principal.check_some(operation),
            Self::All(operation) => principal.check_all(operation),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::worker::Rules;

    fn of(rules: &str, name: &str) -> Principal {
        Principal {
            name: name.into(),
            roles: Vec::new(),
            method: Proof::Basic,
            rights: Rules::parse(rules).unwrap().rights(name, &[]),
        }
    }

    #[test]
    fn what_is_refused_is_told() {
        let alice = of("alice: read=a-* write=b", "alice");
        assert!(alice.check(Operation::Read, "b").is_ok());
        let error = alice.check(Operation::Write, "c").unwrap_err();
        assert_eq!(error.status.as_u16(), 403);
        assert_eq!(error.message, "alice is not allowed to write connector c");
    }

    #[test]
    fn needs_of_routes() {
        let stop = Route::Stop("c".into());
        let connector = Route::Connector("c".into());
        let needs = [
            (
                Need::of(&stop, &Method::PUT),
                Need::Connector(Operation::Write, "c"),
            ),
            (
                Need::of(&connector, &Method::HEAD),
                Need::Connector(Operation::Read, "c"),
            ),
            (
                Need::of(&connector, &Method::DELETE),
                Need::Connector(Operation::Write, "c"),
            ),
            (Need::of(&Route::Connectors, &Method::GET), Need::Identity),
            (
                Need::of(&Route::Connectors, &Method::POST),
                Need::Some(Operation::Write),
            ),
            (
                Need::of(&Route::Loggers, &Method::GET),
                Need::All(Operation::Read),
            ),
        ];
        for (need, expected) in needs {
            assert_eq!(need, expected);
        }
        let reader = of("*: read=*", "r");
        assert!(needs[0].0.check(&reader).is_err() && needs[1].0.check(&reader).is_ok());
        assert!(needs[4].0.check(&reader).is_err() && needs[5].0.check(&reader).is_ok());
    }
}
