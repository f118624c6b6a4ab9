//! Who sent a request, how that was proven, and what they may do.

use std::sync::Arc;

pub use sluiceway_common::auth::method::Method;
use sluiceway_common::auth::plan::UsagePlan;

use super::rights::{Operation, Rights};
use crate::app::App;
use crate::error::Error;

/// See the module.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The name.
    pub name: Arc<str>,
    /// Roles or groups.
    pub roles: Vec<String>,
    /// How it was proven.
    pub method: Method,
    /// What it may do.
    pub rights: Rights,
    /// The usage plan of an API key.
    pub plan: Option<Arc<UsagePlan>>,
    /// Kafka clients of its own.
    pub own: Option<OwnClients>,
}

/// The proxy with a caller's own Kafka clients.
#[derive(Clone)]
pub struct OwnClients(pub Arc<App>);

impl std::fmt::Debug for OwnClients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnClients")
    }
}

impl Principal {
    /// Refuses what it may not do.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn check(&self, operation: Operation, topic: &str) -> Result<(), Error> {
        if self.rights.allow(operation, topic) {
            return Ok(());
        }
        Err(self.forbidden(operation, topic))
    }

    /// Refuses what it may not do with every topic, or with the cluster.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn check_all(&self, operation: Operation) -> Result<(), Error> {
        if self.rights.allow_all(operation) {
            return Ok(());
        }
        Err(self.forbidden(operation, "*"))
    }

    fn forbidden(&self, operation: Operation, topic: &str) -> Error {
        Error::Forbidden(format!(
            "{} is not allowed to {} {}",
            self.name,
            operation.name(),
            if topic == "*" {
                "all topics".to_owned()
            } else {
                format!("topic {topic}")
            }
        ))
    }
}
