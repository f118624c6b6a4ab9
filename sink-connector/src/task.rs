//! The task loop. Stand-in with the interface only: the task idles.
//!
//! What the herder needs of a task:
//! - [`TaskHandle::spawn`] returns at once; the thread itself checks the bucket (a missing one is
//!   `Failed { trace: "org.apache.kafka.connect.errors.ConnectException: Non-existent S3 bucket: <b>" }`), creates its
//!   consumer and then reports `Running` (or `Paused`, when it was paused before it was ready).
//! - Every change of state is reported through `on_event`; `Failed` is the last report of a task.
//! - `ActiveTopic` is reported once for each topic from which a record was taken (`GET /connectors/{name}/topics`).

use std::sync::Arc;
use std::time::Instant;

use crate::budget::Budget;
use crate::config::ConnectorConfig;
use crate::metrics::SinkMetrics;
use crate::status::TaskState;
use crate::worker::WorkerConfig;

/// What a task tells its connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskEvent {
    /// The state has changed.
    State(TaskState),
    /// A first record of this topic was read.
    ActiveTopic(String),
}

/// Everything a task needs to run.
pub struct TaskContext {
    /// The connector's configuration, references to config providers resolved.
    pub connector: Arc<ConnectorConfig>,
    /// Number of the task within its connector, from 0.
    pub task_id: u32,
    /// The worker's configuration: brokers, `consumer.*`, commit interval.
    pub worker: Arc<WorkerConfig>,
    /// Counters of the process.
    pub metrics: Arc<SinkMetrics>,
    /// Byte budget of the process.
    pub budget: Arc<Budget>,
    /// Runtime for uploads.
    pub runtime: tokio::runtime::Handle,
    /// Start without consuming, as a task of a paused connector.
    pub paused: bool,
    /// Called from the task's thread; never blocks.
    pub on_event: Box<dyn Fn(TaskEvent) + Send>,
}

/// A running task, seen from its connector.
pub struct TaskHandle {
    commands: std::sync::mpsc::Sender<Command>,
    thread: Option<std::thread::JoinHandle<()>>,
}

enum Command {
    Pause,
    Resume,
    Stop,
}

impl TaskHandle {
    /// Starts the task's thread.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn spawn(context: TaskContext) -> std::io::Result<Self> {
        let (commands, inbox) = std::sync::mpsc::channel();
        let name = format!("task-{}", context.task_id);
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            let TaskContext { paused, on_event, .. } = context;
            on_event(TaskEvent::State(if paused { TaskState::Paused } else { TaskState::Running }));
            while let Ok(command) = inbox.recv() {
                match command {
                    Command::Pause => on_event(TaskEvent::State(TaskState::Paused)),
                    Command::Resume => on_event(TaskEvent::State(TaskState::Running)),
                    Command::Stop => break,
                }
            }
            on_event(TaskEvent::State(TaskState::Stopped));
        })?;
        Ok(Self { commands, thread: Some(thread) })
    }

    /// Asks the task to stop consuming; it keeps its partitions.
    pub fn pause(&self) {
        let _ = self.commands.send(Command::Pause);
    }

    /// Asks a paused task to go on.
    pub fn resume(&self) {
        let _ = self.commands.send(Command::Resume);
    }

    /// Asks the task to end and waits for it, at most until `deadline`. False when it had not ended by then; its
    /// thread is then left to end by itself.
    pub async fn stop(mut self, deadline: Instant) -> bool {
        let _ = self.commands.send(Command::Stop);
        let Some(thread) = self.thread.take() else { return true };
        let ended = tokio::task::spawn_blocking(move || thread.join().is_ok());
        tokio::time::timeout_at(deadline.into(), ended).await.is_ok()
    }
}
