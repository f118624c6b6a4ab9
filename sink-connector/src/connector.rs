//! One connector: its configuration, its state, its tasks.
//!
//! In: a configuration and a target state from the herder; events from task threads. Out: what the REST API shows.
//! Changes of one connector are made one after the other (the `running` lock) and may wait for tasks to end; what is
//! shown lies under a lock of its own that nobody holds while waiting, so that answers never wait for a change.
//!
//! All tasks run here, or with [`Connector::place`] those that belong to this worker; the others stay `UNASSIGNED` in
//! its view. Whenever what is shown may have changed, [`Host::changed`] is notified.
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
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sluiceway_common::props::Properties;
use tokio::sync::OwnedSemaphorePermit;

use crate::config::ConnectorConfig;
use crate::error::{CONNECT_EXCEPTION, Exception};
use crate::status::{ConnectorStatus, State, TargetState, TaskState};
use crate::task::{TaskContext, TaskEvent, TaskHandle};

/// Whether the task of this number belongs to this worker.
pub(crate) type Here = Arc<dyn Fn(u32) -> bool + Send + Sync>;

/// A connector of this worker.
pub(crate) struct Connector {
    host: Arc<Host>,
    view: Arc<Mutex<View>>,
    here: Mutex<Here>,
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
            here: Mutex::new(Arc::new(|_| true)),
            running: tokio::sync::Mutex::default(),
        }
    }

    /// A connector whose file could not be used; it stays `FAILED` until it is configured anew.
    pub(crate) fn broken(host: Arc<Host>, name: &str, config: Properties, trace: String) -> Self {
        let connector = Self::new(host, name, config, TargetState::Started);
        connector.view.lock().fail(trace);
        connector
    }

    /// Changes what is shown.
    fn show<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        let changed = change(&mut self.view.lock());
        self.host.changed.notify_one();
        changed
    }

    fn is_here(&self, task: u32) -> bool {
        let here = Arc::clone(&self.here.lock());
        here(task)
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

    /// Forgets one topic that was read.
    pub(crate) fn forget_topic(&self, topic: &str) {
        self.view.lock().topics.remove(topic);
    }

    /// From now on the tasks for which `here` holds run on this worker, and no others: those are ended, these started.
    pub(crate) async fn place(&self, here: Here) {
        let mut running = self.running.lock().await;
        *self.here.lock() = Arc::clone(&here);
        if running.closed {
            return;
        }
        let leaving: Vec<u32> = (0..)
            .zip(&running.tasks)
            .filter(|(id, task)| task.is_some() && !here(*id))
            .map(|(id, _)| id)
            .collect();
        let handles = leaving
            .iter()
            .filter_map(|id| running.tasks.get_mut(*id as usize)?.take())
            .collect();
        self.stop(handles).await;
        if let Some(slots) = running.slots.as_mut() {
            drop(slots.split(leaving.len()));
        }
        self.show(|view| leaving.iter().for_each(|id| view.unassign(*id)));
        self.start_missing(&mut running);
    }

    /// Starts the tasks that belong here and do not run.
    fn start_missing(&self, running: &mut Running) {
        let Some(raw) = running.made_from.clone() else {
            return;
        };
        let missing: Vec<u32> = (0..)
            .zip(&running.tasks)
            .filter(|(id, task)| task.is_none() && self.is_here(*id))
            .map(|(id, _)| id)
            .collect();
        if missing.is_empty() {
            return;
        }
        let count = u32::try_from(missing.len()).unwrap_or(u32::MAX);
        let started = self
            .build(&raw)
            .and_then(|config| Ok((Arc::new(config), self.room_for(count)?)));
        match started {
            Err(trace) => self.show(|view| {
                let fails = |id: &u32| view.task_fails(*id, trace.clone());
                missing.iter().for_each(fails);
            }),
            Ok((config, room)) => {
                match running.slots.as_mut() {
                    Some(slots) => slots.merge(room),
                    None => running.slots = Some(room),
                }
                for id in missing {
                    let task = self.start_task(id, &config);
                    if let Some(place) = running.tasks.get_mut(id as usize) {
                        *place = task;
                    }
                }
            }
        }
    }

    /// Room for `count` tasks, or the trace of what has none.
    fn room_for(&self, count: u32) -> Result<OwnedSemaphorePermit, String> {
        self.host.take_slots(count).ok_or_else(|| {
            let limit = self.host.worker.max_tasks;
            let reason = format!(
                "{count} more tasks would exceed this worker's limit of {limit} tasks (sluiceway.max.tasks)"
            );
            Exception::new(CONNECT_EXCEPTION, reason).stacktrace()
        })
    }

    /// Starts the connector as its target state says.
    pub(crate) async fn start(&self) {
        let mut running = self.running.lock().await;
        self.start_instance(&mut running).await;
    }

    /// Takes a new configuration. Tasks are made anew only when what they are made from has changed.
    pub(crate) async fn configure(&self, config: Properties) {
        let mut running = self.running.lock().await;
        self.show(|view| view.config = config);
        self.start_instance(&mut running).await;
    }

    /// Pauses, resumes or stops.
    pub(crate) async fn set_target(&self, target: TargetState) {
        let mut running = self.running.lock().await;
        let before = self.show(|view| std::mem::replace(&mut view.target, target));
        match target {
            TargetState::Stopped => self.start_instance(&mut running).await,
            _ if before == TargetState::Stopped => self.start_instance(&mut running).await,
            TargetState::Paused => self.tell_tasks(&running, State::Paused, TaskHandle::pause),
            TargetState::Started => self.tell_tasks(&running, State::Running, TaskHandle::resume),
        }
    }

    fn tell_tasks(&self, running: &Running, state: State, tell: impl Fn(&TaskHandle)) {
        self.show(|view| view.settle(state));
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
        self.show(|view| {
            let mut status = view.status(&self.host.worker_id);
            let mut plan = request.plan(&status);
            plan.tasks.retain(|id| self.is_here(*id));
            view.mark_restarting(&plan);
            plan.show_in(&mut status);
            status
        })
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
        self.shut_down_within(self.host.worker.task_shutdown_timeout)
            .await;
    }

    /// Ends all tasks for good and waits for them, at most `timeout`. False when one had not ended by then.
    pub(crate) async fn shut_down_within(&self, timeout: Duration) -> bool {
        let mut running = self.running.lock().await;
        running.closed = true;
        self.stop_tasks_within(&mut running, timeout).await
    }

    async fn start_instance(&self, running: &mut Running) {
        if running.closed {
            return;
        }
        let (raw, target) = self.look(|view| (view.config.clone(), view.target));
        if target == TargetState::Stopped {
            self.stop_tasks(running).await;
            self.show(|view| view.instance = (State::Stopped, None));
            return;
        }
        match self.build(&raw) {
            Err(trace) => {
                self.stop_tasks(running).await;
                self.show(|view| view.fail(trace));
            }
            Ok(config) => {
                let state = if target == TargetState::Paused {
                    State::Paused
                } else {
                    State::Running
                };
                self.show(|view| view.instance = (state, None));
                if running.made_from.as_ref() != Some(&raw) {
                    self.stop_tasks(running).await;
                    self.start_tasks(running, raw, &Arc::new(config));
                }
            }
        }
    }

    /// Resolves references and checks the configuration; `Err` is the trace of a failed connector.
    fn build(&self, raw: &Properties) -> Result<ConnectorConfig, String> {
        let config = self.host.validator.check(raw, &[]).map_err(|errors| {
            let messages: Vec<String> = errors.0.into_iter().map(|error| error.message).collect();
            Exception::new(crate::error::CONFIG_EXCEPTION, messages.join("\n")).stacktrace()
        })?;
        config.start_check().map_err(|error| error.stacktrace())?;
        Ok(config)
    }

    fn start_tasks(&self, running: &mut Running, raw: Properties, config: &Arc<ConnectorConfig>) {
        let here: Vec<u32> = (0..config.tasks_max)
            .filter(|id| self.is_here(*id))
            .collect();
        let slots = match self.room_for(u32::try_from(here.len()).unwrap_or(u32::MAX)) {
            Ok(slots) => slots,
            Err(trace) => {
                self.show(|view| view.fail(trace));
                return;
            }
        };
        config
            .warnings
            .iter()
            .for_each(|warning| tracing::warn!(connector = config.name, "{warning}"));
        running.slots = Some(slots);
        running.made_from = Some(raw);
        self.show(|view| view.expect_tasks(config.tasks_max));
        running.tasks = (0..config.tasks_max)
            .map(|id| {
                here.contains(&id)
                    .then(|| self.start_task(id, config))
                    .flatten()
            })
            .collect();
    }

    fn start_task(&self, id: u32, config: &Arc<ConnectorConfig>) -> Option<TaskHandle> {
        let (paused, generation) = {
            let mut view = self.view.lock();
            (view.target == TargetState::Paused, view.next_generation(id))
        };
        let (view, changed) = (Arc::clone(&self.view), Arc::clone(&self.host.changed));
        let tracking = self.host.worker.topic_tracking;
        let on_event = move |event| {
            match event {
                TaskEvent::State(state) => view.lock().task_reports(id, generation, state),
                TaskEvent::ActiveTopic(topic) if tracking => drop(view.lock().topics.insert(topic)),
                TaskEvent::ActiveTopic(_) => {}
            }
            changed.notify_one();
        };
        let context = TaskContext {
            connector: Arc::clone(config),
            task_id: id,
            worker: Arc::clone(&self.host.worker),
            metrics: Arc::clone(&self.host.metrics),
            traces: self.host.traces.clone(),
            budget: Arc::clone(&self.host.budget),
            runtime: self.host.runtime.clone(),
            paused,
            stopping: Arc::default(),
            on_event: Box::new(on_event),
        };
        TaskHandle::spawn(context)
            .map_err(|error| {
                let reason = format!("cannot start the thread of task {id}: {error}");
                let trace = Exception::new(CONNECT_EXCEPTION, reason).stacktrace();
                self.show(|view| view.task_reports(id, generation, TaskState::Failed { trace }));
            })
            .ok()
    }

    /// A restarted task resolves its references again, so that changed secrets take effect.
    async fn restart_tasks(&self, running: &mut Running, ids: &[u32]) {
        let ids: Vec<u32> = ids.iter().copied().filter(|id| self.is_here(*id)).collect();
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
                Ok(config) => self.start_task(id, config),
                Err(trace) => {
                    self.show(|view| view.task_fails(id, trace.clone()));
                    None
                }
            };
            if let Some(slot) = running.tasks.get_mut(id as usize) {
                *slot = task;
            }
        }
    }

    async fn stop_tasks(&self, running: &mut Running) {
        let timeout = self.host.worker.task_shutdown_timeout;
        self.stop_tasks_within(running, timeout).await;
    }

    async fn stop_tasks_within(&self, running: &mut Running, timeout: Duration) -> bool {
        let old: Vec<TaskHandle> = running.tasks.drain(..).flatten().collect();
        let ended = self.stop_within(old, timeout).await;
        *running = Running {
            closed: running.closed,
            ..Running::default()
        };
        self.show(|view| view.tasks.clear());
        ended
    }

    async fn stop(&self, tasks: Vec<TaskHandle>) {
        self.stop_within(tasks, self.host.worker.task_shutdown_timeout)
            .await;
    }

    /// False when one had not ended in time.
    async fn stop_within(&self, tasks: Vec<TaskHandle>, timeout: Duration) -> bool {
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
        late == 0
    }
}
