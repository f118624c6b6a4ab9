//! One task of a connector: an OS thread with its own Kafka consumer, from records to objects.
//!
//! In: a [`TaskContext`] and the orders pause, resume, stop. Out: [`TaskEvent`]s. The thread checks the bucket, builds
//! its pipeline, joins the group `connect-<name>` and then loops (see `task/run.rs`). A task that fails reports
//! `Failed` with the trace and ends; it is started again by a restart of the task.

mod run;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use sluiceway_common::traces::Traces;

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
    /// The worker's configuration: brokers, `consumer.*`.
    pub worker: Arc<WorkerConfig>,
    /// Counters of the process.
    pub metrics: Arc<SinkMetrics>,
    /// Where spans go.
    pub traces: Traces,
    /// Byte budget of the process.
    pub budget: Arc<Budget>,
    /// Runtime for uploads.
    pub runtime: tokio::runtime::Handle,
    /// Start without consuming, as a task of a paused connector.
    pub paused: bool,
    /// Set before the task is told to stop: also who cannot take orders just then sees it.
    pub stopping: Arc<AtomicBool>,
    /// Called from the task's thread; never blocks.
    pub on_event: Box<dyn Fn(TaskEvent) + Send>,
}

/// A running task, seen from its connector.
pub struct TaskHandle {
    orders: std::sync::mpsc::Sender<Order>,
    stopping: Arc<AtomicBool>,
    /// Heard of when the thread has ended. Not its join, which would keep the runtime from ending while the client library waits
    /// for a broker that is gone.
    ended: tokio::sync::oneshot::Receiver<()>,
}

/// What a connector may tell its task.
enum Order {
    Pause,
    Resume,
    Stop(Instant),
}

impl TaskHandle {
    /// Starts the task's thread.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn spawn(context: TaskContext) -> std::io::Result<Self> {
        let (orders, inbox) = std::sync::mpsc::channel();
        let stopping = Arc::clone(&context.stopping);
        // Linux cuts thread names at 15 bytes.
        let name = format!("task-{}-{}", context.task_id, context.connector.name);
        let (end, ended) = tokio::sync::oneshot::channel();
        std::thread::Builder::new().name(name).spawn(move || {
            run::run(&context, inbox);
            drop(context);
            // Nobody may be waiting.
            let _ = end.send(());
        })?;
        Ok(Self {
            orders,
            stopping,
            ended,
        })
    }

    /// Asks the task to stop consuming; it keeps its partitions and open files.
    pub fn pause(&self) {
        // A task that has ended takes no orders; its state says why it ended.
        let _ = self.orders.send(Order::Pause);
    }

    /// Asks a paused task to go on.
    pub fn resume(&self) {
        let _ = self.orders.send(Order::Resume);
    }

    /// Asks the task to end and waits for it, at most until `deadline`. False when it had not ended by then; its
    /// thread is then left to end by itself. Objects whose plan is committed are finished first; open files are
    /// dropped, and their records read again by the next owner.
    pub async fn stop(self, deadline: Instant) -> bool {
        self.stopping.store(true, Ordering::Relaxed);
        let _ = self.orders.send(Order::Stop(deadline));
        // A thread that panicked has ended, too.
        tokio::time::timeout_at(deadline.into(), self.ended)
            .await
            .is_ok()
    }
}
