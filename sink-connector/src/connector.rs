//! One connector: its configuration, its state, its tasks.
//!
//! In: a configuration and a target state from the herder; events from task threads. Out: what the REST API shows.
//! Changes of one connector are made one after the other (the `running` lock) and may wait for tasks to end; what is
//! shown lies under a lock of its own that nobody holds while waiting, so that answers never wait for a change.
//!
//! A configuration that cannot be built makes the connector `FAILED` without tasks; whatever goes wrong later is a
//! `FAILED` task. Neither is an error of the call that started it.

mod host;
mod restart;
mod view;

pub(crate) use host::Host;
pub use restart::RestartRequest;
pub(crate) use view::View;

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use sluiceway_common::props::Properties;
use tokio::sync::OwnedSemaphorePermit;

use crate::config::ConnectorConfig;
use crate::error::{CONNECT_EXCEPTION, Exception};
use crate::status::{ConnectorStatus, State, TargetState, TaskState};
use crate::task::{TaskContext, TaskEvent, TaskHandle};

/// A connector of this worker.
pub(crate) struct Connector {
    host: Arc<Host>,
    view: Arc<Mutex<View>>,
    running: tokio::sync::Mutex<Running>,
}

/// The tasks that run, and what they were made from.
#[derive(Default)]
struct Running {
    tasks: Vec<Option<TaskHandle>>,
    made_from: Option<Properties>,
    slots: Option<OwnedSemaphorePermit>,
    /// Set when the connector is shut down; it starts nothing any more.
    closed: bool,
}

impl Connector {
    /// A connector that has not been started.
    pub(crate) fn new(
        host: Arc<Host>,
        name: &str,
        config: Properties,
        target: TargetState,
    ) -> Self {
        let view = Arc::new(Mutex::new(View::new(name, config, target)));
        Self {
            host,
            view,
            running: tokio::sync::Mutex::default(),
        }
    }

    /// A connector whose file could not be used; it stays `FAILED` until it is configured anew.
    pub(crate) fn broken(host: Arc<Host>, name: &str, config: Properties, trace: String) -> Self {
        let connector = Self::new(host, name, config, TargetState::Started);
        connector.view.lock().fail(trace);
        connector
    }

    /// Looks at what is shown.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&View) -> T) -> T {
        at(&self.view.lock())
    }

    /// `GET /connectors/{name}/status`.
    pub(crate) fn status(&self) -> ConnectorStatus {
        self.look(|view| view.status(&self.host.worker_id))
    }

    /// Forgets the topics that were read.
    pub(crate) fn reset_topics(&self) {
        self.view.lock().topics.clear();
    }

    /// Starts the connector as its target state says.
    pub(crate) async fn start(&self) {
        let mut running = self.running.lock().await;
        self.start_instance(&mut running).await;
    }

    /// Takes a new configuration. Tasks are made anew only when what they are made from has changed.
    pub(crate) async fn configure(&self, config: Properties) {
        let mut running = self.running.lock().await;
        self.view.lock().config = config;
        self.start_instance(&mut running).await;
    }

    /// Pauses, resumes or stops.
    pub(crate) async fn set_target(&self, target: TargetState) {
        let mut running = self.running.lock().await;
        let before = std::mem::replace(&mut self.view.lock().target, target);
        match target {
            TargetState::Stopped => self.start_instance(&mut running).await,
            _ if before == TargetState::Stopped => self.start_instance(&mut running).await,
            TargetState::Paused => self.tell_tasks(&running, State::Paused, TaskHandle::pause),
            TargetState::Started => self.tell_tasks(&running, State::Running, TaskHandle::resume),
        }
    }

    fn tell_tasks(&self, running: &Running, state: State, tell: impl Fn(&TaskHandle)) {
        self.view.lock().settle(state);
        running.tasks.iter().flatten().for_each(tell);
    }

    /// Restarts the connector alone; its tasks go on unless their configuration has changed.
    pub(crate) async fn restart_instance(&self) {
        self.start().await;
    }

    /// Restarts task `id`, whatever its state. False when there is none.
    pub(crate) async fn restart_task(&self, id: u32) -> bool {
        let mut running = self.running.lock().await;
        if running.tasks.get(id as usize).is_none() {
            return false;
        }
        self.restart_tasks(&mut running, &[id]).await;
        true
    }

    /// Marks what `request` asks to restart, and says what the status is then.
    pub(crate) fn mark_restarting(&self, request: &RestartRequest) -> ConnectorStatus {
        let mut view = self.view.lock();
        let mut status = view.status(&self.host.worker_id);
        let plan = request.plan(&status);
        view.mark_restarting(&plan);
        plan.show_in(&mut status);
        status
    }

    /// Restarts what [`Connector::mark_restarting`] has marked.
    pub(crate) async fn restart_marked(&self) {
        let mut running = self.running.lock().await;
        let (instance, tasks) = self.look(View::marked);
        if instance {
            self.start_instance(&mut running).await;
        }
        let known = running.tasks.len();
        let tasks: Vec<u32> = tasks
            .into_iter()
            .filter(|id| (*id as usize) < known)
            .collect();
        self.restart_tasks(&mut running, &tasks).await;
    }

    /// Ends all tasks for good and waits for them, at most the worker's `task.shutdown.graceful.timeout.ms`.
    pub(crate) async fn shut_down(&self) {
        let mut running = self.running.lock().await;
        self.stop_tasks(&mut running).await;
        running.closed = true;
    }

    async fn start_instance(&self, running: &mut Running) {
        if running.closed {
            return;
        }
        let (raw, target) = self.look(|view| (view.config.clone(), view.target));
        if target == TargetState::Stopped {
            self.stop_tasks(running).await;
            self.view.lock().instance = (State::Stopped, None);
            return;
        }
        match self.build(&raw) {
            Err(trace) => {
                self.stop_tasks(running).await;
                self.view.lock().fail(trace);
            }
            Ok(config) => {
                let state = if target == TargetState::Paused {
                    State::Paused
                } else {
                    State::Running
                };
                self.view.lock().instance = (state, None);
                if running.made_from.as_ref() != Some(&raw) {
                    self.stop_tasks(running).await;
                    self.start_tasks(running, raw, &Arc::new(config));
                }
            }
        }
    }

    /// Resolves references and checks the configuration; `Err` is the trace of a failed connector.
    fn build(&self, raw: &Properties) -> Result<ConnectorConfig, String> {
        let config = self.host.validator.check(raw).map_err(|errors| {
            let messages: Vec<String> = errors.0.into_iter().map(|error| error.message).collect();
            Exception::new(crate::error::CONFIG_EXCEPTION, messages.join("\n")).stacktrace()
        })?;
        config.start_check().map_err(|error| error.stacktrace())?;
        Ok(config)
    }

    fn start_tasks(&self, running: &mut Running, raw: Properties, config: &Arc<ConnectorConfig>) {
        let Some(slots) = self.host.take_slots(config.tasks_max) else {
            let limit = self.host.worker.max_tasks;
            let reason = format!(
                "tasks.max={} would exceed this worker's limit of {limit} tasks (sluiceway.max.tasks)",
                config.tasks_max
            );
            self.view
                .lock()
                .fail(Exception::new(CONNECT_EXCEPTION, reason).stacktrace());
            return;
        };
        config
            .warnings
            .iter()
            .for_each(|warning| tracing::warn!(connector = config.name, "{warning}"));
        running.slots = Some(slots);
        running.made_from = Some(raw);
        self.view.lock().expect_tasks(config.tasks_max);
        running.tasks = (0..config.tasks_max)
            .map(|id| self.start_task(id, config))
            .collect();
    }

    fn start_task(&self, id: u32, config: &Arc<ConnectorConfig>) -> Option<TaskHandle> {
        let (paused, generation) = {
            let mut view = self.view.lock();
            (view.target == TargetState::Paused, view.next_generation(id))
        };
        let view = Arc::clone(&self.view);
        let tracking = self.host.worker.topic_tracking;
        let on_event = move |event| match event {
            TaskEvent::State(state) => view.lock().task_reports(id, generation, state),
            TaskEvent::ActiveTopic(topic) if tracking => drop(view.lock().topics.insert(topic)),
            TaskEvent::ActiveTopic(_) => {}
        };
        let context = TaskContext {
            connector: Arc::clone(config),
            task_id: id,
            worker: Arc::clone(&self.host.worker),
            metrics: Arc::clone(&self.host.metrics),
            budget: Arc::clone(&self.host.budget),
            runtime: self.host.runtime.clone(),
            paused,
            on_event: Box::new(on_event),
        };
        TaskHandle::spawn(context)
            .map_err(|error| {
                let reason = format!("cannot start the thread of task {id}: {error}");
                let trace = Exception::new(CONNECT_EXCEPTION, reason).stacktrace();
                self.view
                    .lock()
                    .task_reports(id, generation, TaskState::Failed { trace });
            })
            .ok()
    }

    /// A restarted task resolves its references again, so that changed secrets take effect.
    async fn restart_tasks(&self, running: &mut Running, ids: &[u32]) {
        let Some(raw) = running
            .made_from
            .clone()
            .filter(|_| !ids.is_empty() && !running.closed)
        else {
            return;
        };
        let old: Vec<TaskHandle> = ids
            .iter()
            .filter_map(|id| running.tasks.get_mut(*id as usize)?.take())
            .collect();
        self.stop(old).await;
        let config = self.build(&raw).map(Arc::new);
        for id in ids {
            let task = match &config {
                Ok(config) => self.start_task(*id, config),
                Err(trace) => {
                    self.view.lock().task_fails(*id, trace.clone());
                    None
                }
            };
            if let Some(slot) = running.tasks.get_mut(*id as usize) {
                *slot = task;
            }
        }
    }

    async fn stop_tasks(&self, running: &mut Running) {
        let old: Vec<TaskHandle> = running.tasks.drain(..).flatten().collect();
        self.stop(old).await;
        *running = Running {
            closed: running.closed,
            ..Running::default()
        };
        self.view.lock().tasks.clear();
    }

    async fn stop(&self, tasks: Vec<TaskHandle>) {
        let timeout = self.host.worker.task_shutdown_timeout;
        let deadline = Instant::now() + timeout;
        let ended =
            futures_util::future::join_all(tasks.into_iter().map(|task| task.stop(deadline))).await;
        let late = ended.into_iter().filter(|ended| !ended).count();
        if late > 0 {
            let name = self.look(|view| view.name.clone());
            let timeout_ms = timeout.as_millis();
            tracing::warn!(
                connector = name,
                tasks = late,
                timeout_ms,
                "tasks had not ended in time (task.shutdown.graceful.timeout.ms) and are left to end by themselves"
            );
        }
    }
}
