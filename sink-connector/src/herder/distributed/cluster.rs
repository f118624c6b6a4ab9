//! The cluster as this worker knows it: what it has read of the three topics, and what follows from it.
//!
//! In: records, from the readers' threads. Out: connectors, states, who holds what. A state is what the holder of the
//! item's slot said under its present claim; where nobody who lives holds the slot, or its holder has not spoken yet,
//! the item is `UNASSIGNED`, whatever was said before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};

use super::config_record::ConfigRecord;
use super::config_store::{Change, ConfigStore};
use super::members::{Claim, MemberRecord, Members, WorkerRun};
use super::own_signs::OwnSigns;
use super::slot::slot_of;
use super::status_record::{Said, StatusRecord};
use super::status_store::StatusStore;
use super::topic_log::{LogRecord, Reader};
use crate::connector::RestartRequest;
use crate::plugins;
use crate::status::{
    ConnectorStatus, ConnectorType, InstanceStatus, State, TargetState, TaskStatus,
};

/// How many topics have to be read before the worker knows the cluster.
const TOPICS: usize = 3;

/// What all three topics say.
#[derive(Debug)]
pub(super) struct View {
    pub(super) configs: ConfigStore,
    pub(super) statuses: StatusStore,
    pub(super) members: Members,
    own_signs: OwnSigns,
}

/// The cluster as this worker knows it.
pub(super) struct Cluster {
    /// This worker.
    pub(super) me: WorkerRun,
    view: Mutex<View>,
    /// After this long without a sign of life a worker is not relied on.
    silence: Duration,
    slots: AtomicU32,
    read: AtomicUsize,
    /// The next offset of the config topic; what is before it has been taken in.
    config_end: watch::Sender<i64>,
    loaded: watch::Sender<bool>,
    /// Notified when what should run here may have changed.
    pub(super) work: Notify,
    requests: mpsc::UnboundedSender<Request>,
}

/// What comes in by way of the topics to be carried out once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Restart what runs here of a connector.
    Restart(String, RestartRequest),
    /// Set a logger's level.
    LogLevel(String, String),
    /// A connector's topic was forgotten.
    ForgetTopic(String, String),
}

impl Cluster {
    /// An empty view. Restarts and log levels that come in later go to `requests`.
    pub(super) fn new(
        me: WorkerRun,
        silence: Duration,
        requests: mpsc::UnboundedSender<Request>,
    ) -> Self {
        Self {
            me,
            view: Mutex::new(View {
                configs: ConfigStore::default(),
                statuses: StatusStore::default(),
                members: Members::new(silence),
                own_signs: OwnSigns::default(),
            }),
            silence,
            slots: AtomicU32::new(0),
            read: AtomicUsize::new(0),
            config_end: watch::Sender::new(0),
            loaded: watch::Sender::new(false),
            work: Notify::new(),
            requests,
        }
    }

    /// Looks at what was read.
    pub(super) fn look<T>(&self, at: impl FnOnce(&View) -> T) -> T {
        at(&self.view.lock())
    }

    /// The next offset of the config topic that has not been taken in.
    pub(super) fn config_end(&self) -> i64 {
        *self.config_end.borrow()
    }

    /// Waits until the config topic is taken in up to `offset`; false when that takes longer than `timeout`.
    pub(super) async fn reaches(&self, offset: i64, timeout: Duration) -> bool {
        let mut end = self.config_end.subscribe();
        let waiting = end.wait_for(|end| *end > offset);
        tokio::time::timeout(timeout, waiting)
            .await
            .is_ok_and(|reached| reached.is_ok())
    }

    /// Whether everything that was there at the start has been read.
    pub(super) fn is_loaded(&self) -> bool {
        *self.loaded.borrow()
    }

    /// Waits for that; false when it takes longer than `timeout`.
    pub(super) async fn loads(&self, timeout: Duration) -> bool {
        let mut loaded = self.loaded.subscribe();
        let waiting = loaded.wait_for(|loaded| *loaded);
        tokio::time::timeout(timeout, waiting)
            .await
            .is_ok_and(|reached| reached.is_ok())
    }

    /// The slot of a connector's task.
    pub(super) fn slot(&self, connector: &str, task: u32) -> u32 {
        slot_of(connector, task, self.slots.load(Ordering::Acquire))
    }

    /// Who holds the slot of a connector's task, if that worker lives.
    pub(super) fn holder(&self, connector: &str, task: u32) -> Option<Claim> {
        let slot = self.slot(connector, task);
        self.look(|view| view.members.holder(slot, Instant::now()).cloned())
    }

    /// How many tasks a connector may have: as counted by the last commit, and as its configuration asks for.
    pub(super) fn tasks_at_most(&self, view: &View, name: &str) -> u32 {
        let counted = u32::try_from(view.configs.task_count(name)).unwrap_or(u32::MAX);
        let asked = view
            .configs
            .config(name)
            .and_then(|config| config.get("tasks.max"));
        let asked = asked.map_or(Some(1), |text| text.trim().parse().ok());
        // A reference that cannot be resolved here may stand for any number.
        let asked = asked.unwrap_or_else(|| self.slots.load(Ordering::Acquire));
        counted.max(asked).max(1)
    }

    /// The states of a connector and its tasks; `None` when there is no such connector.
    pub(super) fn status(&self, name: &str) -> Option<ConnectorStatus> {
        let view = self.view.lock();
        let config = view.configs.config(name)?;
        let now = Instant::now();
        let connector = self.instance(&view, name, None, now);
        let tasks_end =
            view.configs.target(name) == TargetState::Stopped || connector.state == State::Failed;
        let mut ids: Vec<u32> = if tasks_end {
            Vec::new()
        } else {
            (0..).take(view.configs.task_count(name)).collect()
        };
        // Those that are at work, though they should not be any more or are not counted yet.
        let at_work = view.statuses.tasks(name).filter(|(id, said)| {
            said.state != State::Unassigned && self.counts(&view, name, *id, said, now)
        });
        ids.extend(at_work.map(|(id, _)| id));
        ids.sort_unstable();
        ids.dedup();
        let tasks = ids.into_iter().map(|id| TaskStatus {
            id,
            instance: self.instance(&view, name, Some(id), now),
        });
        Some(ConnectorStatus {
            name: name.to_owned(),
            tasks: tasks.collect(),
            connector,
            kind: kind(config.get("connector.class")),
        })
    }

    fn instance(&self, view: &View, name: &str, task: Option<u32>, now: Instant) -> InstanceStatus {
        let slot = self.slot(name, task.unwrap_or(0));
        let said = view.statuses.said(name, task);
        let holder = view.members.holder(slot, now);
        let unassigned = |worker_id: Option<&str>| InstanceStatus {
            state: State::Unassigned,
            worker_id: worker_id.unwrap_or_default().to_owned(),
            trace: None,
        };
        match (holder, said) {
            (Some(claim), Some(said)) if said_under(said, claim) => InstanceStatus {
                state: said.state,
                worker_id: said.worker_id.clone(),
                trace: said.trace.clone(),
            },
            (Some(claim), _) => unassigned(Some(&claim.by.worker_id)),
            (None, said) => {
                let last = view
                    .members
                    .claim(slot)
                    .map(|claim| claim.by.worker_id.as_str());
                unassigned(last.or(said.map(|said| said.worker_id.as_str())))
            }
        }
    }

    fn counts(&self, view: &View, name: &str, task: u32, said: &Said, now: Instant) -> bool {
        let holder = view.members.holder(self.slot(name, task), now);
        holder.is_some_and(|claim| said_under(said, claim))
    }

    fn begins(&self, topic: Topic, partitions: usize) {
        if topic == Topic::Slots {
            let slots = u32::try_from(partitions).unwrap_or(u32::MAX);
            self.slots.store(slots, Ordering::Release);
        }
    }

    fn caught_up(&self) {
        if self.read.fetch_add(1, Ordering::AcqRel) + 1 == TOPICS {
            let (connectors, workers) = self.look(|view| {
                (
                    view.configs.len(),
                    view.members.living(Instant::now()).len(),
                )
            });
            tracing::info!(connectors, workers, "the worker's topics are read");
            self.loaded.send_replace(true);
            self.work.notify_one();
        }
    }

    fn take(&self, topic: Topic, record: &LogRecord<'_>) {
        match topic {
            Topic::Configs => self.take_config(record),
            Topic::Statuses => {
                let Some(status) = StatusRecord::read(record.key, record.value) else {
                    return;
                };
                if let StatusRecord::Topic {
                    connector,
                    topic,
                    seen: None,
                } = &status
                {
                    self.request(Request::ForgetTopic(connector.clone(), topic.clone()));
                }
                let mut view = self.view.lock();
                let View {
                    statuses, members, ..
                } = &mut *view;
                statuses.apply(status, |item, said| {
                    let slot = self.slot(&item.connector, item.task.unwrap_or(0));
                    let claim = members.claim(slot);
                    claim.is_some_and(|claim| said_under(said, claim))
                });
            }
            Topic::Slots => self.take_member(record),
        }
    }

    /// Requests of former days were carried out in their time.
    fn request(&self, request: Request) {
        if self.is_loaded() {
            // Nobody listens any more when the herder has ended.
            let _ = self.requests.send(request);
        }
    }

    fn take_config(&self, record: &LogRecord<'_>) {
        match ConfigRecord::read(record.key, record.value) {
            Some(config) => {
                let change = self.view.lock().configs.apply(record.offset, config);
                match change {
                    Change::Connector(_) => self.work.notify_one(),
                    Change::Restart(name, request) => {
                        self.request(Request::Restart(name, request));
                    }
                    Change::Logger(logger, level) => self.request(Request::LogLevel(logger, level)),
                }
            }
            None => tracing::debug!(
                key = %String::from_utf8_lossy(record.key),
                offset = record.offset,
                "a record of the config topic concerns no sink, or cannot be read"
            ),
        }
        self.config_end.send_replace(record.offset + 1);
    }

    fn take_member(&self, record: &LogRecord<'_>) {
        let Some(member) = MemberRecord::read(record.key, record.value) else {
            return;
        };
        let written = record
            .timestamp
            .and_then(|millis| u64::try_from(millis).ok());
        let written = SystemTime::UNIX_EPOCH + Duration::from_millis(written.unwrap_or(0));
        let now = Instant::now();
        let mut view = self.view.lock();
        if member.is_sign_of(&self.me) {
            view.own_signs.read(record.offset);
        }
        // Clocks differ; what is read as it is written is new whatever its time says.
        let age = if !self.is_loaded() {
            written.elapsed().unwrap_or_default()
        } else if view.own_signs.are_missing(now, self.silence) {
            // The next sign tells whether who wrote it still lives.
            Duration::MAX
        } else {
            Duration::ZERO
        };
        view.members.apply(member, record.offset, age, now);
    }

    /// Kafka has taken a sign of life of this worker.
    pub(super) fn signed(&self, offset: i64, sent: Instant) {
        self.view.lock().own_signs.acknowledged(offset, sent);
    }

    /// Forgets workers that have been gone for long.
    pub(super) fn tidy(&self) {
        self.view.lock().members.tidy(Instant::now());
    }
}

fn said_under(said: &Said, claim: &Claim) -> bool {
    said.worker_id == claim.by.worker_id && said.generation == claim.generation
}

/// `unknown` when no class here is the configuration's.
pub(super) fn kind(class: Option<&String>) -> ConnectorType {
    let known = class.and_then(|class| plugins::find_connector(class.trim()));
    known.map_or(ConnectorType::Unknown, |_| ConnectorType::Sink)
}

/// The topics that a worker reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Configs,
    Statuses,
    Slots,
}

/// Takes one topic into the view.
pub(super) struct Feed(pub(super) Arc<Cluster>, pub(super) Topic);

impl Reader for Feed {
    fn begins(&mut self, partitions: usize) {
        self.0.begins(self.1, partitions);
    }

    fn take(&mut self, record: &LogRecord<'_>) {
        self.0.take(self.1, record);
    }

    fn caught_up(&mut self) {
        self.0.caught_up();
    }
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
