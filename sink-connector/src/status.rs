//! States of connectors and tasks, as Kafka Connect names them.

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
