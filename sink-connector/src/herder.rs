//! The herder: which connectors there are and what they should be doing.
//!
//! In: requests of the REST API. Out: answers, or a [`HerderError`]. [`Herder`] is what the REST API knows. The
//! standalone herder keeps everything in memory; the distributed one shares its connectors with other workers through
//! Kafka's topics and has some requests handed on, which is why every method may wait.

mod checks;
mod cluster;
mod distributed;
mod error;
mod metrics;
mod offsets;
mod patch;
mod secrets;
mod standalone;
mod validate;

pub(crate) use distributed::{DistributedHerder, NotStarted};
pub use error::HerderError;
pub(crate) use metrics::ConnectorStates;
pub use offsets::{GroupOffset, OffsetChange};
pub(crate) use secrets::mask_config;
pub(crate) use standalone::StandaloneHerder;
pub(crate) use validate::Validator;
pub use validate::{ConfigInfo, ConfigInfos};

use futures_util::future::BoxFuture;
use indexmap::IndexMap;
use serde::{Serialize, Serializer};
use sluiceway_common::props::Properties;

use crate::config::ConnectorConfig;
pub use crate::connector::RestartRequest;
use crate::status::{ConnectorStatus, ConnectorType, TargetState, TaskStatus};
use crate::worker::ConnectorRequest;

/// The class of the tasks, as their configurations name it.
const TASK_CLASS: &str = "io.confluent.connect.s3.S3SinkTask";

/// The answer to a request, some time.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, HerderError>>;

/// `GET /connectors/{name}`; secrets are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectorInfo {
    /// The connector's name.
    pub name: String,
    /// Its configuration.
    #[serde(serialize_with = "as_object")]
    pub config: Properties,
    /// Its tasks.
    pub tasks: Vec<TaskId>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ConnectorType,
}

/// A task by connector and number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskId {
    /// The connector's name.
    pub connector: String,
    /// Number of the task.
    pub task: u32,
}

/// An item of `GET /connectors/{name}/tasks`; secrets are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskInfo {
    /// Which task.
    pub id: TaskId,
    /// Its configuration.
    #[serde(serialize_with = "as_object")]
    pub config: Properties,
}

/// Writes a configuration as a JSON object, in its order.
pub(crate) fn as_object<S: Serializer>(
    config: &Properties,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(config)
}

/// What a put has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Whether the connector is new.
    pub created: bool,
    /// The connector.
    pub info: ConnectorInfo,
}

/// Changes to a configuration; `None` takes a key out.
pub type ConfigPatch = IndexMap<String, Option<String>>;

/// What the REST API asks of a worker.
pub(crate) trait Herder: Send + Sync + 'static {
    /// Names of all connectors, sorted.
    fn connectors(&self) -> Answer<'_, Vec<String>>;
    /// One connector.
    fn info<'a>(&'a self, name: &'a str) -> Answer<'a, ConnectorInfo>;
    /// Creates a connector, or with `replace` gives an existing one a new configuration.
    fn put(&self, request: ConnectorRequest, replace: bool) -> Answer<'_, Put>;
    /// Changes some keys of a configuration.
    fn patch<'a>(&'a self, name: &'a str, patch: ConfigPatch) -> Answer<'a, ConnectorInfo>;
    /// Stops and forgets a connector; its committed offsets stay.
    fn delete<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;
    /// States of a connector and its tasks.
    fn status<'a>(&'a self, name: &'a str) -> Answer<'a, ConnectorStatus>;
    /// State of one task.
    fn task_status<'a>(&'a self, name: &'a str, task: u32) -> Answer<'a, TaskStatus>;
    /// Tasks with their configurations.
    fn tasks<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<TaskInfo>>;
    /// Pauses, resumes or stops a connector.
    fn set_target<'a>(&'a self, name: &'a str, target: TargetState) -> Answer<'a, ()>;
    /// Restarts a connector; the status is that at the begin of the restart.
    fn restart<'a>(&'a self, name: &'a str, request: RestartRequest)
    -> Answer<'a, ConnectorStatus>;
    /// Restarts a task.
    fn restart_task<'a>(&'a self, name: &'a str, task: u32) -> Answer<'a, ()>;
    /// Topics that the connector has read, sorted.
    fn topics<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>>;
    /// Forgets them.
    fn reset_topics<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;
    /// Committed offsets of the connector's consumer group.
    fn offsets<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<GroupOffset>>;
    /// Changes committed offsets of a stopped connector. What is wrong with the changes themselves is told last.
    fn alter_offsets<'a>(
        &'a self,
        name: &'a str,
        changes: Result<Vec<OffsetChange>, HerderError>,
    ) -> Answer<'a, ()>;
    /// Removes all committed offsets of a stopped connector.
    fn reset_offsets<'a>(&'a self, name: &'a str) -> Answer<'a, ()>;
    /// Checks a configuration against the whole definition of connector properties; `nulls` are keys that it gives as
    /// null.
    fn validate<'a>(
        &'a self,
        config: &'a Properties,
        nulls: &'a [String],
    ) -> Answer<'a, ConfigInfos>;
    /// The configuration of a connector, ready to be used: with its secrets.
    fn typed<'a>(&'a self, name: &'a str) -> Answer<'a, ConnectorConfig>;
    /// The same of a configuration that no connector has yet; masks keep what they mask of the connector of its name.
    fn typed_draft(&self, config: Properties) -> Answer<'_, ConnectorConfig>;
    /// Id of the Kafka cluster, when it is known by now.
    fn kafka_cluster_id(&self) -> Answer<'_, Option<String>>;
    /// What runs on this worker.
    fn local_statuses(&self) -> Vec<LocalStatus>;
    /// Ends all tasks of this worker, for a bounded time.
    fn shut_down(&self) -> BoxFuture<'_, ()>;

    /// The worker that has to carry out a request, when it is not this one.
    fn elsewhere(&self, _concern: Concern<'_>) -> Option<OtherWorker> {
        None
    }
    /// How far this worker has come in what all workers share; with [`Herder::reaches`], a worker that has handed a
    /// request on can wait until it knows what came of it.
    fn position(&self) -> Option<i64> {
        None
    }
    /// Waits until this worker has come as far, for a bounded time.
    fn reaches(&self, _position: i64) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    /// Sets a log level on all workers; false when this worker is by itself and has to do it alone.
    fn set_log_level<'a>(&'a self, _logger: &'a str, _level: &'a str) -> Answer<'a, bool> {
        Box::pin(async { Ok(false) })
    }
    /// Whether the worker knows its connectors and can run them.
    fn is_ready(&self) -> bool {
        true
    }
}

/// What a request is about, when it is to be carried out in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concern<'a> {
    /// A connector as a whole.
    Connector(&'a str),
    /// One of its tasks.
    Task(&'a str, u32),
}

/// Another worker of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OtherWorker {
    /// `host:port`.
    pub(crate) id: String,
    /// Whether it is reached over TLS.
    pub(crate) https: bool,
}

/// A connector of which something runs on this worker: the states of what does.
pub(crate) struct LocalStatus {
    /// Its status; only the tasks of this worker.
    pub(crate) status: ConnectorStatus,
    /// Whether the connector itself is here.
    pub(crate) instance: bool,
}
