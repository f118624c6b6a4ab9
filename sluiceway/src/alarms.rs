//! Says when the sink stops working: prints the first line of a failed task's trace, once. Without
//! this the live line would just stand.

use std::collections::BTreeSet;

use sluiceway_sink::status::{ConnectorStatus, InstanceStatus, State};

/// Remembers what was printed.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    told: BTreeSet<String>,
}

// === impl Alarms ===

impl Alarms {
    /// Prints failures that were not printed before.
    pub(crate) fn look(&mut self, statuses: &[ConnectorStatus]) {
        for failure in statuses.iter().flat_map(failures) {
            if self.told.insert(failure.clone()) {
                eprintln!("\nthe sink failed: {failure}");
            }
        }
    }
}

/// One line for the connector and each task that failed.
fn failures(status: &ConnectorStatus) -> Vec<String> {
    let connector = ("connector".to_owned(), &status.connector);
    let tasks = status.tasks.iter();
    let tasks = tasks.map(|task| (format!("task {}", task.id), &task.instance));
    let all = std::iter::once(connector).chain(tasks);
    all.filter_map(|(name, status)| failure(&name, status))
        .collect()
}

fn failure(name: &str, status: &InstanceStatus) -> Option<String> {
    let trace = status.trace.as_deref().unwrap_or_default();
    let first = trace.lines().next().unwrap_or("no trace");
    (status.state == State::Failed).then(|| format!("{name}: {first}"))
}

#[cfg(test)]
mod tests {
    use sluiceway_sink::status::{ConnectorType, TaskStatus};

    use super::*;

    fn instance(trace: Option<&str>) -> InstanceStatus {
        let state = match trace {
            None => State::Running,
            Some(_) => State::Failed,
        };
        let (worker_id, trace) = ("127.0.0.1:8083".to_owned(), trace.map(str::to_owned));
        InstanceStatus {
            state,
            worker_id,
            trace,
        }
    }

    fn status(connector: Option<&str>, tasks: &[Option<&str>]) -> ConnectorStatus {
        let task = |(id, trace): (u32, &Option<&str>)| TaskStatus {
            id,
            instance: instance(*trace),
        };
        ConnectorStatus {
            name: "s3-sink-u".to_owned(),
            connector: instance(connector),
            tasks: (0..).zip(tasks).map(task).collect(),
            kind: ConnectorType::Sink,
        }
    }

    #[test]
    fn failed_tasks_are_told_with_the_first_line_of_their_trace() {
        let tasks = [None, Some("no bucket\n\tat x")];
        assert_eq!(failures(&status(None, &tasks)), ["task 1: no bucket"]);
        assert_eq!(failures(&status(None, &[None])), [""; 0]);
        assert_eq!(failures(&status(Some("bad"), &[])), ["connector: bad"]);
    }
}
