//! What is shown of a connector.

use std::collections::BTreeSet;

use sluiceway_common::props::Properties;

use super::restart::Plan;
use crate::plugins;
use crate::status::{
    ConnectorStatus, ConnectorType, InstanceStatus, State, TargetState, TaskState, TaskStatus,
};

/// Configuration and states of one connector.
pub(crate) struct View {
    pub(crate) name: String,
    /// As given: references unresolved, secrets in clear. Answers mask them.
    pub(crate) config: Properties,
    pub(crate) target: TargetState,
    pub(crate) instance: (State, Option<String>),
    pub(crate) tasks: Vec<TaskView>,
    pub(crate) topics: BTreeSet<String>,
    /// Goes up with each task started, so that a late word of a former task is known as such.
    generation: u64,
}

/// State of one task.
#[derive(Clone, Debug)]
pub(crate) struct TaskView {
    state: State,
    trace: Option<String>,
    generation: u64,
}

impl View {
    pub(crate) fn new(name: &str, config: Properties, target: TargetState) -> Self {
        let instance = (State::Unassigned, None);
        let (tasks, topics) = (Vec::new(), BTreeSet::new());
        Self {
            name: name.to_owned(),
            config,
            target,
            instance,
            tasks,
            topics,
            generation: 0,
        }
    }

    /// The connector has failed; it has no tasks then.
    pub(crate) fn fail(&mut self, trace: String) {
        tracing::error!(connector = self.name, trace, "connector failed");
        self.instance = (State::Failed, Some(trace));
        self.tasks.clear();
    }

    /// The connector itself is paused or resumed; one that has failed stays so until it is restarted.
    pub(crate) fn settle(&mut self, state: State) {
        if self.instance.0 != State::Failed {
            self.instance.0 = state;
        }
    }

    /// `count` tasks are about to be started.
    pub(crate) fn expect_tasks(&mut self, count: u32) {
        let waiting = TaskView {
            state: State::Unassigned,
            trace: None,
            generation: 0,
        };
        self.tasks = vec![waiting; count as usize];
    }

    /// Task `id` is about to be started; words of the one before it no longer count.
    pub(crate) fn next_generation(&mut self, id: u32) -> u64 {
        self.generation += 1;
        if let Some(task) = self.tasks.get_mut(id as usize) {
            task.generation = self.generation;
        }
        self.generation
    }

    /// A task says what it does.
    pub(crate) fn task_reports(&mut self, id: u32, generation: u64, state: TaskState) {
        let Some(task) = self
            .tasks
            .get_mut(id as usize)
            .filter(|task| task.generation == generation)
        else {
            return;
        };
        (task.state, task.trace) = match state {
            TaskState::Running => (State::Running, None),
            TaskState::Paused => (State::Paused, None),
            TaskState::Failed { trace } => (State::Failed, Some(trace)),
            // Whoever told it to stop has already said what comes next.
            TaskState::Stopped => return,
        };
    }

    /// Task `id` could not be started.
    pub(crate) fn task_fails(&mut self, id: u32, trace: String) {
        let generation = self.next_generation(id);
        self.task_reports(id, generation, TaskState::Failed { trace });
    }

    /// Task `id` has left this worker; its late words no longer count.
    pub(crate) fn unassign(&mut self, id: u32) {
        self.next_generation(id);
        if let Some(task) = self.tasks.get_mut(id as usize) {
            (task.state, task.trace) = (State::Unassigned, None);
        }
    }

    pub(crate) fn mark_restarting(&mut self, plan: &Plan) {
        if plan.instance {
            self.instance = (State::Restarting, None);
        }
        for id in &plan.tasks {
            if let Some(task) = self.tasks.get_mut(*id as usize) {
                (task.state, task.trace) = (State::Restarting, None);
            }
        }
    }

    /// Whether the connector is marked for restart, and which tasks are.
    pub(crate) fn marked(&self) -> (bool, Vec<u32>) {
        let marked = |(id, task): (u32, &TaskView)| (task.state == State::Restarting).then_some(id);
        (
            self.instance.0 == State::Restarting,
            (0..).zip(&self.tasks).filter_map(marked).collect(),
        )
    }

    pub(crate) fn status(&self, worker_id: &str) -> ConnectorStatus {
        let instance = |state, trace: &Option<String>| InstanceStatus {
            state,
            worker_id: worker_id.to_owned(),
            trace: trace.clone(),
        };
        let tasks = (0..).zip(&self.tasks);
        ConnectorStatus {
            name: self.name.clone(),
            connector: instance(self.instance.0, &self.instance.1),
            tasks: tasks
                .map(|(id, task)| TaskStatus {
                    id,
                    instance: instance(task.state, &task.trace),
                })
                .collect(),
            kind: self.kind(),
        }
    }

    /// `unknown` when no class here is the configuration's.
    pub(crate) fn kind(&self) -> ConnectorType {
        let class = self
            .config
            .get("connector.class")
            .and_then(|class| plugins::find_connector(class.trim()));
        class.map_or(ConnectorType::Unknown, |_| ConnectorType::Sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::RestartRequest;

    fn view() -> View {
        let mut view = View::new("n", Properties::new(), TargetState::Started);
        view.expect_tasks(2);
        view
    }

    #[test]
    fn a_former_task_is_not_listened_to() {
        let mut view = view();
        let old = view.next_generation(0);
        view.task_reports(0, old, TaskState::Running);
        let new = view.next_generation(0);
        view.task_reports(
            0,
            old,
            TaskState::Failed {
                trace: "late".into(),
            },
        );
        assert_eq!(view.status("w").tasks[0].instance.state, State::Running);
        view.task_reports(0, new, TaskState::Failed { trace: "x".into() });
        assert_eq!(
            view.status("w").tasks[0].instance.trace.as_deref(),
            Some("x")
        );
        assert_eq!(view.status("w").tasks[1].instance.state, State::Unassigned);
    }

    #[test]
    fn a_failed_connector_is_not_resumed_by_pause_and_resume() {
        let mut view = view();
        view.fail("E".into());
        view.settle(State::Running);
        assert_eq!(view.status("w").connector.state, State::Failed);
        assert!(view.status("w").tasks.is_empty());
    }

    #[test]
    fn what_is_marked_for_restart_is_found_again() {
        let mut view = view();
        let generation = view.next_generation(1);
        view.task_reports(1, generation, TaskState::Failed { trace: "x".into() });
        let request = RestartRequest {
            include_tasks: true,
            only_failed: true,
        };
        view.mark_restarting(&request.plan(&view.status("w")));
        assert_eq!(view.marked(), (false, vec![1]));
    }
}
