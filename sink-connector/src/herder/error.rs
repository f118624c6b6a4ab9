//! Why a request to the herder is refused, in Connect's words.

use sluiceway_common::config_def::ConfigErrors;
use thiserror::Error;

/// A refused request. The variants are what the caller can act on; the REST API gives each its status.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HerderError {
    /// There is no such connector, task or plugin.
    #[error("{0}")]
    NotFound(String),
    /// There is one already.
    #[error("Connector {0} already exists")]
    AlreadyExists(String),
    /// The request cannot be right whatever the worker's state.
    #[error("{0}")]
    BadRequest(String),
    /// The worker's configuration forbids it.
    #[error("{0}")]
    Forbidden(String),
    /// It may be right later.
    #[error("{0}")]
    Conflict(String),
    /// Kafka or this program failed.
    #[error("{0}")]
    Internal(String),
}

impl HerderError {
    /// `Connector n not found`: of its configuration, tasks and offsets.
    pub fn no_connector(name: &str) -> Self {
        Self::NotFound(format!("Connector {name} not found"))
    }

    /// `Unknown connector: n`: of restarts and stops.
    pub fn unknown_connector(name: &str) -> Self {
        Self::NotFound(format!("Unknown connector: {name}"))
    }

    /// `Unknown connector n`: of pause and resume.
    pub fn unknown_connector_to_pause(name: &str) -> Self {
        Self::NotFound(format!("Unknown connector {name}"))
    }

    /// `No status found for connector n`.
    pub fn no_status(name: &str) -> Self {
        Self::NotFound(format!("No status found for connector {name}"))
    }

    /// `No status found for task n-i`.
    pub fn no_task_status(name: &str, task: u32) -> Self {
        Self::NotFound(format!("No status found for task {name}-{task}"))
    }

    /// `Unknown task: n-i`.
    pub fn unknown_task(name: &str, task: u32) -> Self {
        Self::NotFound(format!("Unknown task: {name}-{task}"))
    }

    /// The worker is not, or not yet, in touch with the others, or the one that should act is being replaced.
    pub fn rebalancing() -> Self {
        Self::Conflict(
            "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"
                .into(),
        )
    }

    /// The configuration's errors, one a line, between Connect's first and last sentence.
    pub fn invalid_config(errors: &ConfigErrors) -> Self {
        let lines: String = errors
            .0
            .iter()
            .map(|error| format!("\n{}", error.message))
            .collect();
        Self::BadRequest(format!(
            "Connector configuration is invalid and contains the following {} error(s):{lines}\n\
             You can also find the above list of errors at the endpoint `/connector-plugins/{{connectorType}}/config/validate`",
            errors.0.len()
        ))
    }

    /// Offsets may only be changed while nobody commits.
    pub fn not_stopped(name: &str) -> Self {
        Self::BadRequest(format!(
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the \
             specified connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluiceway_common::config_def::ConfigError;

    #[test]
    fn invalid_configurations_read_as_connect_words_them() {
        let errors = ConfigErrors(vec![ConfigError::invalid(
            "flush.size",
            "x",
            "Not a number of type INT",
        )]);
        assert_eq!(
            HerderError::invalid_config(&errors).to_string(),
            "Connector configuration is invalid and contains the following 1 error(s):\nInvalid value x for configuration flush.size: Not a number of type INT\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`"
        );
    }
}
