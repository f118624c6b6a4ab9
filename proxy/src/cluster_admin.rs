//! What the v3 API asks of Kafka, behind one trait, free of HTTP and of the wire.
//!
//! In: names, ids, changes. Out: what Kafka knows or did. What fails: [`KafkaFault`], as the Java client would put it.
//! [`crate::kafka_wire`] implements it on connections of its own, because librdkafka's admin calls lose error texts
//! and lack some requests.

pub mod acl;

use futures_util::future::BoxFuture;

use crate::admin_client::PartitionInfo;
use crate::kafka_error::KafkaFault;
use acl::{AclBinding, AclFilter};

/// What an operation gives.
pub type Outcome<'a, T> = BoxFuture<'a, Result<T, KafkaFault>>;

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Its id; very old brokers have none.
    pub id: Option<String>,
    /// The broker that is controller.
    pub controller: Option<i32>,
    /// Its brokers by id.
    pub brokers: Vec<Broker>,
}

/// A broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Its id.
    pub id: i32,
    /// Where clients connect.
    pub host: String,
    /// Where clients connect.
    pub port: i32,
    /// Where it stands.
    pub rack: Option<String>,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Whether brokers keep it for themselves.
    pub internal: bool,
    /// Its partitions by number.
    pub partitions: Vec<PartitionInfo>,
    /// What the principal may do with it; empty unless asked for.
    pub authorized_operations: Vec<&'static str>,
}

/// A topic to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; the broker's default when absent.
    pub partitions: Option<i32>,
    /// Copies of each; the broker's default when absent.
    pub replication_factor: Option<i16>,
    /// Brokers of each partition, instead of the two counts.
    pub assignments: Vec<(i32, Vec<i32>)>,
    /// Settings.
    pub configs: Vec<(String, Option<String>)>,
    /// Only check whether it could be made.
    pub validate_only: bool,
}

/// What a topic that was made has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Partitions; -1 when the broker does not say.
    pub partitions: i32,
    /// Copies; -1 when the broker does not say.
    pub replication_factor: i16,
}

/// What settings belong to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConfigResource {
    /// A topic.
    Topic(String),
    /// A broker.
    Broker(i32),
    /// All brokers of the cluster.
    AllBrokers,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Its name.
    pub name: String,
    /// Its value; secret ones have none.
    pub value: Option<String>,
    /// Whether it cannot be changed.
    pub is_read_only: bool,
    /// Whether it is secret.
    pub is_sensitive: bool,
    /// Where the value comes from.
    pub source: &'static str,
    /// The places where values stand, nearest first: name, value, source.
    pub synonyms: Vec<(String, Option<String>, &'static str)>,
}

impl Config {
    /// Whether the value is Kafka's own.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.source == "DEFAULT_CONFIG"
    }
}

/// A change of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigChange {
    /// Its name.
    pub name: String,
    /// Set to a value (Kafka itself refuses none), or reset.
    pub operation: ConfigOperation,
}

/// What becomes of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigOperation {
    /// It gets this value.
    Set(Option<String>),
    /// It gets its default.
    Reset,
}

/// A partition that is moving.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reassignment {
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// Brokers that are to hold it.
    pub adding: Vec<i32>,
    /// Brokers that are to give it up.
    pub removing: Vec<i32>,
}

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// Whether it only commits offsets.
    pub is_simple: bool,
    /// How partitions are spread over its members.
    pub assignor: String,
    /// Kafka's name of its state, `PreparingRebalance` and so on.
    pub state: String,
    /// The broker that coordinates it.
    pub coordinator: i32,
    /// Its members.
    pub members: Vec<Member>,
}

/// A member of a consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Its static id.
    pub instance_id: Option<String>,
    /// Its client's id.
    pub client_id: String,
    /// What it reads: topic, partition.
    pub assignment: Vec<(String, i32)>,
}

/// A topic-partition and an offset of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionOffset {
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

/// Which offset of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first one there is.
    Earliest,
    /// The next one to be written.
    Latest,
    /// The next one that a consumer of committed records would be given.
    LatestStable,
}

/// See the module.
pub trait ClusterAdmin: Send + Sync {
    /// The cluster and its brokers.
    fn cluster(&self) -> Outcome<'_, Cluster>;

    /// Topics of these names, or all that there are, the brokers' own included; with what the principal may do with
    /// them, if asked for. A name that is not there fails all.
    fn topics<'a>(
        &'a self,
        names: Option<Vec<String>>,
        authorized_operations: bool,
    ) -> Outcome<'a, Vec<Topic>>;

    /// Makes a topic.
    fn create_topic(&self, topic: NewTopic) -> Outcome<'_, CreatedTopic>;

    /// Removes a topic.
    fn delete_topic<'a>(&'a self, name: &'a str) -> Outcome<'a, ()>;

    /// Gives a topic so many partitions.
    fn grow_topic<'a>(&'a self, name: &'a str, partitions: i32) -> Outcome<'a, ()>;

    /// Settings, in the order asked for.
    fn configs(&self, resources: Vec<ConfigResource>) -> Outcome<'_, Vec<Vec<Config>>>;

    /// Changes settings of one resource, all or none of them.
    fn alter_configs(
        &self,
        resource: ConfigResource,
        changes: Vec<ConfigChange>,
        validate_only: bool,
    ) -> Outcome<'_, ()>;

    /// All partitions that are moving.
    fn reassignments(&self) -> Outcome<'_, Vec<Reassignment>>;

    /// Ids of all consumer groups.
    fn group_ids(&self) -> Outcome<'_, Vec<String>>;

    /// A group; `None` when there is none of this id.
    fn group<'a>(&'a self, id: &'a str) -> Outcome<'a, Option<Group>>;

    /// Takes a static member out of a group. One that is not there is no error.
    fn remove_member<'a>(&'a self, group: &'a str, instance_id: &'a str) -> Outcome<'a, ()>;

    /// All offsets that a group has committed.
    fn committed<'a>(&'a self, group: &'a str) -> Outcome<'a, Vec<PartitionOffset>>;

    /// Offsets of partitions, in the order asked for.
    fn offsets(
        &self,
        partitions: Vec<(String, i32)>,
        spec: OffsetSpec,
    ) -> Outcome<'_, Vec<PartitionOffset>>;

    /// Bytes of partitions on their leaders' disks, as the offset of each; those that Kafka does not tell are left out.
    fn sizes(&self, partitions: Vec<(String, i32)>) -> Outcome<'_, Vec<PartitionOffset>>;

    /// Access rules that match.
    fn acls(&self, filter: AclFilter) -> Outcome<'_, Vec<AclBinding>>;

    /// Adds access rules.
    fn create_acls(&self, acls: Vec<AclBinding>) -> Outcome<'_, ()>;

    /// Removes access rules that match, and gives them back.
    fn delete_acls(&self, filter: AclFilter) -> Outcome<'_, Vec<AclBinding>>;
}
