//! What a restart request restarts.

use crate::status::{ConnectorStatus, State};

/// `POST /connectors/{name}/restart?includeTasks=…&onlyFailed=…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestartRequest {
    /// The tasks too.
    pub include_tasks: bool,
    /// Only what has failed.
    pub only_failed: bool,
}

/// The instances that a request concerns.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) instance: bool,
    pub(crate) tasks: Vec<u32>,
}

impl RestartRequest {
    /// Without parameters only the connector itself is restarted, and the caller waits for it.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// What is to be restarted of a connector with this status.
    pub(crate) fn plan(&self, status: &ConnectorStatus) -> Plan {
        let wanted = |state: State| !self.only_failed || state == State::Failed;
        let tasks = status
            .tasks
            .iter()
            .filter(|task| self.include_tasks && wanted(task.instance.state));
        Plan {
            instance: wanted(status.connector.state),
            tasks: tasks.map(|task| task.id).collect(),
        }
    }
}

impl Plan {
    /// The status as the answer shows it: what is to be restarted is `RESTARTING`, and says why it had failed.
    pub(crate) fn show_in(&self, status: &mut ConnectorStatus) {
        if self.instance {
            status.connector.state = State::Restarting;
        }
        for task in status
            .tasks
            .iter_mut()
            .filter(|task| self.tasks.contains(&task.id))
        {
            task.instance.state = State::Restarting;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{ConnectorType, InstanceStatus, TaskStatus};

    fn status(connector: State, tasks: &[State]) -> ConnectorStatus {
        let instance = |state| InstanceStatus {
            state,
            worker_id: "w".into(),
            trace: Some("t".into()),
        };
        let tasks = (0..).zip(tasks).map(|(id, state)| TaskStatus {
            id,
            instance: instance(*state),
        });
        ConnectorStatus {
            name: "n".into(),
            connector: instance(connector),
            tasks: tasks.collect(),
            kind: ConnectorType::Sink,
        }
    }

    fn plan(include_tasks: bool, only_failed: bool, connector: State) -> (bool, Vec<u32>) {
        let request = RestartRequest {
            include_tasks,
            only_failed,
        };
        let plan = request.plan(&status(connector, &[State::Running, State::Failed]));
        (plan.instance, plan.tasks)
    }

    #[test]
    fn the_four_kinds_of_restart() {
        assert_eq!(plan(false, false, State::Running), (true, vec![]));
        assert_eq!(plan(false, true, State::Running), (false, vec![]));
        assert_eq!(plan(false, true, State::Failed), (true, vec![]));
        assert_eq!(plan(true, false, State::Running), (true, vec![0, 1]));
        assert_eq!(plan(true, true, State::Running), (false, vec![1]));
    }

    #[test]
    fn the_answer_shows_what_restarts() {
        let mut shown = status(State::Running, &[State::Running, State::Failed]);
        Plan {
            instance: false,
            tasks: vec![1],
        }
        .show_in(&mut shown);
        let states: Vec<State> = shown.tasks.iter().map(|task| task.instance.state).collect();
        assert_eq!(states, [State::Running, State::Restarting]);
        assert_eq!(shown.tasks[1].instance.trace.as_deref(), Some("t"));
        assert_eq!(shown.connector.state, State::Running);
    }
}
