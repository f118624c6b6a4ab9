//! What runs on this worker: the connectors and tasks whose slots it holds.
//!
//! In: the cluster's configurations and the held slots. Out: running connectors that agree with them. Each connector
//! is brought in line by itself ([`Work::settle`]), so that a slow one holds up no other.

mod written_tasks;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::cluster::Cluster;
use super::slots::{Held, Slots};
use super::topic_log::Appender;
use crate::connector::{Connector, Here, Host, RestartRequest};
use crate::status::TargetState;

/// Pause between two looks whether everything has ended.
const LOOK: Duration = Duration::from_millis(5);
/// What an end may take beyond the tasks' own time.
const MARGIN: Duration = Duration::from_secs(1);

/// The connectors of this worker.
pub(super) struct Work {
    host: Arc<Host>,
    cluster: Arc<Cluster>,
    slots: Arc<Slots>,
    appender: Appender,
    config_topic: String,
    /// How long tasks may take to end when the worker is fenced.
    fence_timeout: Duration,
    locals: Mutex<BTreeMap<String, Arc<Local>>>,
    settling: Mutex<HashSet<String>>,
    closing: AtomicBool,
}

/// A connector of which something runs here.
pub(super) struct Local {
    pub(super) connector: Connector,
    settled: Mutex<Wanted>,
    /// Held while its task configurations are written.
    writing: tokio::sync::Mutex<()>,
}

/// What should run, or was made to run.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    /// Offset of the configuration.
    config: i64,
    target: TargetState,
    /// The connector's slots that are held.
    slots: BTreeSet<u32>,
}

impl Work {
    /// Nothing runs yet.
    pub(super) fn new(
        host: Arc<Host>,
        cluster: Arc<Cluster>,
        slots: Arc<Slots>,
        appender: Appender,
        config_topic: String,
        fence_timeout: Duration,
    ) -> Self {
        Self {
            host,
            cluster,
            slots,
            appender,
            config_topic,
            fence_timeout,
            locals: Mutex::default(),
            settling: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// Brings in line what is not, whenever something may have changed.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            self.cluster.work.notified().await;
            if self.cluster.is_loaded() {
                self.review();
            }
        }
    }

    /// The connectors of which something runs here.
    pub(super) fn locals(&self) -> Vec<Arc<Local>> {
        self.locals.lock().values().cloned().collect()
    }

    pub(super) fn local(&self, name: &str) -> Option<Arc<Local>> {
        self.locals.lock().get(name).cloned()
    }

    /// The slots whose tasks may run here.
    pub(super) fn held(&self) -> Held {
        if self.closing.load(Ordering::Acquire) {
            return Held::new();
        }
        self.slots.held()
    }

    /// Carries out a restart for what runs here.
    pub(super) fn restart(self: &Arc<Self>, name: &str, request: &RestartRequest) {
        let Some(local) = self.local(name) else {
            return;
        };
        local.connector.mark_restarting(request);
        let (work, name) = (Arc::clone(self), name.to_owned());
        self.host.runtime.spawn(async move {
            local.connector.restart_marked().await;
            work.write_tasks(&name).await;
        });
    }

    /// Restarts the connector alone, if it runs here.
    pub(super) async fn restart_instance(self: &Arc<Self>, name: &str) -> bool {
        let Some(local) = self.local(name) else {
            return false;
        };
        local.connector.restart_instance().await;
        let (work, name) = (Arc::clone(self), name.to_owned());
        // Answered before they are written down: Kafka may be slow.
        self.host
            .runtime
            .spawn(async move { work.write_tasks(&name).await });
        true
    }

    /// Waits until nothing of a connector runs here, for a bounded time.
    pub(super) async fn ends(&self, name: &str) {
        self.cluster.work.notify_one();
        let by = Instant::now() + self.host.worker.task_shutdown_timeout + MARGIN;
        while self.local(name).is_some() && Instant::now() < by {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends everything, for a bounded time. Nothing starts any more.
    pub(super) async fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.cluster.work.notify_one();
        let by = Instant::now() + self.host.worker.task_shutdown_timeout + MARGIN;
        while !self.is_idle(|_| true) && Instant::now() < by {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits on the caller's thread until nothing of `slots` runs here, for a bounded time.
    pub(super) fn wait_for_end(&self, slots: &[u32]) {
        self.cluster.work.notify_one();
        let by = Instant::now() + self.host.worker.task_shutdown_timeout + MARGIN;
        while !self.is_idle(|slot| slots.contains(&slot)) {
            if Instant::now() >= by {
                tracing::warn!("tasks of slots that are given up have not ended in time");
                return;
            }
            std::thread::sleep(LOOK);
        }
    }

    fn is_idle(&self, concerns: impl Fn(u32) -> bool) -> bool {
        // A connector that is being brought in line may still start what was wanted a moment ago.
        self.settling.lock().is_empty()
            && self.locals().iter().all(|local| {
                !local
                    .settled
                    .lock()
                    .slots
                    .iter()
                    .any(|slot| concerns(*slot))
            })
    }

    fn review(self: &Arc<Self>) {
        let held = self.held();
        let mut names: BTreeSet<String> = self.locals.lock().keys().cloned().collect();
        if !held.is_empty() {
            names.extend(self.cluster.look(|view| view.configs.names()));
        }
        for name in names {
            let wanted = self.wanted(&name, &held);
            let settled = self.local(&name).map(|local| local.settled.lock().clone());
            if wanted != settled && self.settling.lock().insert(name.clone()) {
                let work = Arc::clone(self);
                self.host
                    .runtime
                    .spawn(async move { work.settle(name).await });
            }
        }
    }

    fn wanted(&self, name: &str, held: &Held) -> Option<Wanted> {
        self.cluster.look(|view| {
            view.configs.contains(name).then_some(())?;
            let tasks = self.cluster.tasks_at_most(view, name);
            let slots: BTreeSet<u32> = (0..tasks)
                .map(|task| self.cluster.slot(name, task))
                .filter(|slot| held.contains_key(slot))
                .collect();
            (!slots.is_empty()).then(|| Wanted {
                config: view.configs.last_write(name),
                target: view.configs.target(name),
                slots,
            })
        })
    }

    async fn settle(self: Arc<Self>, name: String) {
        loop {
            let wanted = self.wanted(&name, &self.held());
            match (self.local(&name), wanted) {
                (None, None) => break,
                (Some(local), None) => self.finish(&name, &local).await,
                (None, Some(wanted)) => self.begin(&name, wanted).await,
                (Some(local), Some(wanted)) => {
                    let settled = local.settled.lock().clone();
                    if settled == wanted {
                        break;
                    }
                    self.change(&name, &local, &settled, wanted).await;
                }
            }
        }
        self.settling.lock().remove(&name);
        // What changed between the last look and now.
        self.cluster.work.notify_one();
        self.write_tasks(&name).await;
    }

    async fn begin(&self, name: &str, wanted: Wanted) {
        let Some(entry) = self.cluster.look(|view| view.configs.entry(name)) else {
            return;
        };
        let connector = Connector::new(Arc::clone(&self.host), name, entry.config, wanted.target);
        connector.place(self.here(name, &wanted.slots)).await;
        let local = Arc::new(Local {
            connector,
            settled: Mutex::new(wanted),
            writing: tokio::sync::Mutex::default(),
        });
        self.locals
            .lock()
            .insert(name.to_owned(), Arc::clone(&local));
        local.connector.start().await;
    }

    async fn finish(&self, name: &str, local: &Local) {
        let timeout = if self.slots.is_fenced() {
            self.fence_timeout
        } else {
            self.host.worker.task_shutdown_timeout
        };
        if local.connector.shut_down_within(timeout).await {
            tracing::info!(
                connector = name,
                "nothing of the connector runs here any more"
            );
        }
        self.locals.lock().remove(name);
        self.host.changed.notify_one();
    }

    async fn change(&self, name: &str, local: &Local, settled: &Wanted, wanted: Wanted) {
        if wanted.slots != settled.slots {
            let here = self.here(name, &wanted.slots);
            local.connector.place(here).await;
            local.settled.lock().slots = wanted.slots;
        }
        if wanted.config != settled.config {
            let Some(entry) = self.cluster.look(|view| view.configs.entry(name)) else {
                return;
            };
            local.connector.configure(entry.config).await;
            local.settled.lock().config = wanted.config;
        }
        if wanted.target != settled.target {
            local.connector.set_target(wanted.target).await;
            local.settled.lock().target = wanted.target;
        }
    }

    fn here(&self, name: &str, slots: &BTreeSet<u32>) -> Here {
        let (cluster, name, slots) = (Arc::clone(&self.cluster), name.to_owned(), slots.clone());
        Arc::new(move |task| slots.contains(&cluster.slot(&name, task)))
    }
}

impl Local {
    /// Whether a slot is this worker's for this connector.
    pub(super) fn has_slot(&self, slot: u32) -> bool {
        self.settled.lock().slots.contains(&slot)
    }
}
