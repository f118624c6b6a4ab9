//! States of connectors and tasks, as Kafka Connect names them, and the answer of `GET …/status`.
//!
//! In: what a task reports ([`TaskState`]) and what a user asked for ([`TargetState`]). Out: [`ConnectorStatus`].
//! Connector and task states are independent: a connector stays `RUNNING` while its tasks are `FAILED`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// What a task is doing. A task reports each change through [`crate::task::TaskContext::on_event`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It has started and consumes.
    Running,
    /// It keeps its partitions and open files and consumes nothing.
    Paused,
    /// It has ended because of an error and stays so until it is restarted.
    Failed {
        /// Exception class, message and causes, as `GET /connectors/{name}/status` shows them.
        trace: String,
    },
    /// It has ended because it was told to.
    Stopped,
}

/// What a user wants a connector to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetState {
    /// Running; `RUNNING` in requests, `STARTED` in Connect's config topic.
    Started,
    /// Tasks keep their partitions and consume nothing.
    Paused,
    /// No tasks.
    Stopped,
}

/// A text that names no state.
#[derive(Debug, Error)]
#[error("\"{0}\" is no initial state; valid are RUNNING, PAUSED, STOPPED")]
pub struct UnknownState(String);

impl FromStr for TargetState {
    type Err = UnknownState;

    /// The states a user may ask for, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        match text.to_ascii_uppercase().as_str() {
            "RUNNING" => Ok(Self::Started),
            "PAUSED" => Ok(Self::Paused),
            "STOPPED" => Ok(Self::Stopped),
            _ => Err(UnknownState(text.to_owned())),
        }
    }
}

/// A state as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// On no worker, or not yet started.
    Unassigned,
    /// At work.
    Running,
    /// Paused by request.
    Paused,
    /// Stopped by request; connectors only.
    Stopped,
    /// Ended by an error.
    Failed,
    /// Being restarted by request.
    Restarting,
}

impl State {
    /// All states, in the order in which they are declared.
    pub const ALL: [Self; 6] = [
        Self::Unassigned,
        Self::Running,
        Self::Paused,
        Self::Stopped,
        Self::Failed,
        Self::Restarting,
    ];

    /// Lower-case name, as in metric labels.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unassigned => "unassigned",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Restarting => "restarting",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label().to_ascii_uppercase())
    }
}

/// Whether a plugin or connector takes records out of Kafka or brings them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorType {
    /// From Kafka; the only kind there is here.
    Sink,
    /// The class is not known.
    Unknown,
}

/// `GET /connectors/{name}/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectorStatus {
    /// The connector's name.
    pub name: String,
    /// The connector itself.
    pub connector: InstanceStatus,
    /// Its tasks, by number.
    pub tasks: Vec<TaskStatus>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ConnectorType,
}

/// State of a connector instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstanceStatus {
    /// The state.
    pub state: State,
    /// `host:port` of the worker that says so.
    pub worker_id: String,
    /// What went wrong, when something did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// `GET /connectors/{name}/tasks/{id}/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskStatus {
    /// Number of the task.
    pub id: u32,
    /// Its state.
    #[serde(flatten)]
    pub instance: InstanceStatus,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_status_is_written_as_connect_writes_it() {
        let worker_id = "127.0.0.1:8083".to_owned();
        let failed = InstanceStatus {
            state: State::Failed,
            worker_id: worker_id.clone(),
            trace: Some("E: x".into()),
        };
        let status = ConnectorStatus {
            name: "n".into(),
            connector: InstanceStatus {
                state: State::Running,
                worker_id,
                trace: None,
            },
            tasks: vec![TaskStatus {
                id: 0,
                instance: failed,
            }],
            kind: ConnectorType::Sink,
        };
        assert_eq!(
            serde_json::to_string(&status).unwrap(),
            r#"{"name":"n","connector":{"state":"RUNNING","worker_id":"127.0.0.1:8083"},"tasks":[{"id":0,"state":"FAILED","worker_id":"127.0.0.1:8083","trace":"E: x"}],"type":"sink"}"#
        );
    }

    #[test]
    fn initial_states_in_any_case() {
        assert_eq!(
            "running".parse::<TargetState>().unwrap(),
            TargetState::Started
        );
        assert_eq!(
            "Stopped".parse::<TargetState>().unwrap(),
            TargetState::Stopped
        );
        assert!(
            "STARTED"
                .parse::<TargetState>()
                .unwrap_err()
                .to_string()
                .contains("RUNNING")
        );
    }
}
