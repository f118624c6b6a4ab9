//! What a connector's status says beside what was declared.

use serde_json::Value;

use crate::status::TargetState;

/// A look at a connector.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is as declared: its state and number of tasks, in words.
    AsDeclared(String),
    /// It, or a task, has failed: the first line of the trace.
    Failed(String),
    /// Something is starting, moving or ending.
    OnItsWay(String),
}

impl Seen {
    /// Compares the answer of `GET /connectors/{name}/status` with the declared state; `None`: any of rest is right.
    pub(super) fn of(status: &Value, declared: Option<TargetState>) -> Self {
        let connector = &status["connector"];
        let state = connector["state"].as_str().unwrap_or("UNASSIGNED");
        let tasks = status["tasks"].as_array().map_or(&[][..], Vec::as_slice);
        let failed = tasks.iter().find(|task| task["state"] == "FAILED");
        if let Some(failed) = (state == "FAILED").then_some(connector).or(failed) {
            let trace = failed["trace"].as_str().unwrap_or_default();
            return Self::Failed(trace.lines().next().unwrap_or("failed").to_owned());
        }
        let awaited = match declared {
            Some(TargetState::Started) => Some("RUNNING"),
            Some(TargetState::Paused) => Some("PAUSED"),
            Some(TargetState::Stopped) => Some("STOPPED"),
            None => ["RUNNING", "PAUSED", "STOPPED"]
                .into_iter()
                .find(|rest| *rest == state),
        };
        let alike = tasks.iter().all(|task| task["state"] == state);
        let has_tasks = !tasks.is_empty() || state == "STOPPED";
        if awaited == Some(state) && alike && has_tasks {
            return Self::AsDeclared(format!("{state}, {} tasks", tasks.len()));
        }
        let states: Vec<&str> = tasks
            .iter()
            .filter_map(|task| task["state"].as_str())
            .collect();
        Self::OnItsWay(format!("{state}, tasks [{}]", states.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(state: &str, tasks: &[&str], declared: Option<TargetState>) -> Seen {
        let task = |state: &&str| json!({"state": state, "trace": "Exception: no bucket\n\tat x"});
        let tasks: Vec<Value> = tasks.iter().map(task).collect();
        Seen::of(
            &json!({"connector": {"state": state}, "tasks": tasks}),
            declared,
        )
    }

    #[test]
    fn running_means_with_all_tasks() {
        let running = Some(TargetState::Started);
        assert_eq!(
            seen("RUNNING", &["RUNNING", "RUNNING"], running),
            Seen::AsDeclared("RUNNING, 2 tasks".to_owned())
        );
        for tasks in [&[][..], &["RUNNING", "UNASSIGNED"]] {
            assert!(matches!(seen("RUNNING", tasks, running), Seen::OnItsWay(_)));
        }
        assert!(matches!(
            seen("PAUSED", &["PAUSED"], running),
            Seen::OnItsWay(_)
        ));
        assert!(matches!(
            seen("PAUSED", &["PAUSED"], None),
            Seen::AsDeclared(_)
        ));
        assert!(matches!(seen("STOPPED", &[], None), Seen::AsDeclared(_)));
    }

    #[test]
    fn a_failure_shows_its_first_line() {
        assert_eq!(
            seen("RUNNING", &["RUNNING", "FAILED"], None),
            Seen::Failed("Exception: no bucket".to_owned())
        );
    }
}
