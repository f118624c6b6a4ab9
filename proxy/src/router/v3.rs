//! The rows of the v3 API but for records.

use http::Method;

use super::endpoint::Endpoint;
use super::table::{Reads, Row};

/// What a route of the v3 API does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum V3 {
    Clusters,
    Cluster,
    Brokers,
    Broker,
    AllBrokersConfigs,
    BrokerConfigs,
    BrokerConfig,
    SetBrokerConfig,
    ResetBrokerConfig,
    AlterBrokerConfigs,
    BrokerReplicas,
    ClusterConfigs,
    ClusterConfig,
    SetClusterConfig,
    ResetClusterConfig,
    AlterClusterConfigs,
    Topics,
    CreateTopic,
    Topic,
    GrowTopic,
    DeleteTopic,
    AllTopicsConfigs,
    AlterAllTopicsConfigs,
    TopicConfigs,
    TopicConfig,
    SetTopicConfig,
    ResetTopicConfig,
    AlterTopicConfigs,
    Partitions,
    Partition,
    PartitionOffsets,
    Replicas,
    Replica,
    AllReassignments,
    TopicReassignments,
    Reassignment,
    ConsumerGroups,
    ConsumerGroup,
    Consumers,
    Consumer,
    Assignments,
    Assignment,
    LagSummary,
    Lags,
    Lag,
    Acls,
    CreateAcl,
    DeleteAcls,
    CreateAcls,
}

/// The only type of cluster-wide configurations.
const BROKER: &str = "broker";

/// The type of cluster-wide configurations that a path names: `broker` of `/v3/clusters/{cluster}/broker-configs`. The
/// original has a resource for each, and refuses other types there.
pub(crate) fn config_type(path: &str) -> Option<&str> {
    let (_, rest) = path.strip_prefix("/v3/clusters/")?.split_once('/')?;
    let name = rest.split('/').next()?;
    let name = name.strip_suffix(":alter").unwrap_or(name);
    let kind = name.strip_suffix("-configs")?;
    (!kind.is_empty()).then_some(kind)
}

/// Whether there are cluster-wide configurations of this type; it is read without regard to case.
pub(crate) fn is_config_type(kind: &str) -> bool {
    kind.eq_ignore_ascii_case(BROKER)
}

/// The path with the type of its cluster-wide configurations in the table's letters. `None`: it is spelt so already, or
/// another path. With an unknown type the parameters behind it are no longer where they stood; nobody asks for them.
pub(super) fn respell(path: &str) -> Option<String> {
    let kind = config_type(path).filter(|kind| *kind != BROKER)?;
    let (cluster, rest) = path.strip_prefix("/v3/clusters/")?.split_once('/')?;
    let tail = rest.strip_prefix(kind)?;
    Some(format!("/v3/clusters/{cluster}/{BROKER}{tail}"))
}

/// The rows. The names are those of `api.endpoints.blocklist`.
pub(super) fn table() -> Vec<Row> {
    [brokers(), topics(), partitions(), groups(), acls()].concat()
}

type Line = (&'static str, Method, V3, &'static str);

fn rows(lines: impl IntoIterator<Item = Line>) -> Vec<Row> {
    let row = |(template, method, endpoint, name): Line| {
        // Only what has a body cares for its media type.
        let reads = match method {
            Method::GET | Method::DELETE => Reads::V3Bodiless,
            _ => Reads::V3,
        };
        Row(template, method, Endpoint::V3(endpoint), name, reads)
    };
    lines.into_iter().map(row).collect()
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

#[rustfmt::skip]
fn brokers() -> Vec<Row> {
    rows([
        ("/v3/clusters", GET, V3::Clusters, "api.v3.clusters.list"),
        ("/v3/clusters/{cluster}", GET, V3::Cluster, "api.v3.clusters.get"),
        ("/v3/clusters/{cluster}/brokers", GET, V3::Brokers, "api.v3.brokers.list"),
        ("/v3/clusters/{cluster}/brokers/{broker}", GET, V3::Broker, "api.v3.brokers.get"),
        ("/v3/clusters/{cluster}/brokers/-/configs", GET, V3::AllBrokersConfigs, "api.v3.brokers-configs.list"),
        ("/v3/clusters/{cluster}/brokers/{broker}/configs", GET, V3::BrokerConfigs, "api.v3.broker-configs.list"),
        ("/v3/clusters/{cluster}/brokers/{broker}/configs/{name}", GET, V3::BrokerConfig, "api.v3.broker-configs.get"),
        ("/v3/clusters/{cluster}/brokers/{broker}/configs/{name}", PUT, V3::SetBrokerConfig, "api.v3.broker-configs.update"),
        ("/v3/clusters/{cluster}/brokers/{broker}/configs/{name}", DELETE, V3::ResetBrokerConfig, "api.v3.broker-configs.delete"),
        ("/v3/clusters/{cluster}/brokers/{broker}/configs:alter", POST, V3::AlterBrokerConfigs, "api.v3.broker-configs.alter"),
        ("/v3/clusters/{cluster}/brokers/{broker}/partition-replicas", GET, V3::BrokerReplicas, "api.v3.replicas.search-by-broker"),
        ("/v3/clusters/{cluster}/broker-configs", GET, V3::ClusterConfigs, "api.v3.cluster-configs.list"),
        ("/v3/clusters/{cluster}/broker-configs/{name}", GET, V3::ClusterConfig, "api.v3.cluster-configs.get"),
        ("/v3/clusters/{cluster}/broker-configs/{name}", PUT, V3::SetClusterConfig, "api.v3.cluster-configs.update"),
        ("/v3/clusters/{cluster}/broker-configs/{name}", DELETE, V3::ResetClusterConfig, "api.v3.cluster-configs.delete"),
        ("/v3/clusters/{cluster}/broker-configs:alter", POST, V3::AlterClusterConfigs, "api.v3.cluster-configs.alter"),
    ])
}

#[rustfmt::skip]
fn topics() -> Vec<Row> {
    rows([
        ("/v3/clusters/{cluster}/topics", GET, V3::Topics, "api.v3.topics.list"),
        ("/v3/clusters/{cluster}/topics", POST, V3::CreateTopic, "api.v3.topics.create"),
        ("/v3/clusters/{cluster}/topics/{topic}", GET, V3::Topic, "api.v3.topics.get"),
        ("/v3/clusters/{cluster}/topics/{topic}", PATCH, V3::GrowTopic, "api.v3.topics.partitions"),
        ("/v3/clusters/{cluster}/topics/{topic}", DELETE, V3::DeleteTopic, "api.v3.topics.delete"),
        ("/v3/clusters/{cluster}/topics/-/configs", GET, V3::AllTopicsConfigs, "api.v3.topic-configs.list"),
        ("/v3/clusters/{cluster}/topics/-/configs:alter", POST, V3::AlterAllTopicsConfigs, "api.v3.topic-configs.alter-multi"),
        ("/v3/clusters/{cluster}/topics/{topic}/configs", GET, V3::TopicConfigs, "api.v3.topic-configs.list"),
        ("/v3/clusters/{cluster}/topics/{topic}/configs/{name}", GET, V3::TopicConfig, "api.v3.topic-configs.get"),
        ("/v3/clusters/{cluster}/topics/{topic}/configs/{name}", PUT, V3::SetTopicConfig, "api.v3.topic-configs.update"),
        ("/v3/clusters/{cluster}/topics/{topic}/configs/{name}", DELETE, V3::ResetTopicConfig, "api.v3.topic-configs.delete"),
        ("/v3/clusters/{cluster}/topics/{topic}/configs:alter", POST, V3::AlterTopicConfigs, "api.v3.topic-configs.alter"),
    ])
}

#[rustfmt::skip]
fn partitions() -> Vec<Row> {
    rows([
        ("/v3/clusters/{cluster}/topics/{topic}/partitions", GET, V3::Partitions, "api.v3.partitions.list"),
        ("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}", GET, V3::Partition, "api.v3.partitions.get"),
        ("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/offset", GET, V3::PartitionOffsets, "api.v3.partitions.list.offsets"),
        ("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/replicas", GET, V3::Replicas, "api.v3.replicas.list"),
        ("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/replicas/{broker}", GET, V3::Replica, "api.v3.replicas.get"),
        ("/v3/clusters/{cluster}/topics/-/partitions/-/reassignment", GET, V3::AllReassignments, "api.v3.partition-reassignments.list"),
        ("/v3/clusters/{cluster}/topics/{topic}/partitions/-/reassignment", GET, V3::TopicReassignments, "api.v3.partition-reassignments.search-by-topic"),
        ("/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/reassignment", GET, V3::Reassignment, "api.v3.partition-reassignments.get"),
    ])
}

#[rustfmt::skip]
fn groups() -> Vec<Row> {
    rows([
        ("/v3/clusters/{cluster}/consumer-groups", GET, V3::ConsumerGroups, "api.v3.consumer-groups.list"),
        ("/v3/clusters/{cluster}/consumer-groups/{group}", GET, V3::ConsumerGroup, "api.v3.consumer-groups.get"),
        ("/v3/clusters/{cluster}/consumer-groups/{group}/consumers", GET, V3::Consumers, "api.v3.consumers.list"),
        ("/v3/clusters/{cluster}/consumer-groups/{group}/consumers/{consumer}", GET, V3::Consumer, "api.v3.consumers.get"),
        ("/v3/clusters/{cluster}/consumer-groups/{group}/consumers/{consumer}/assignments", GET, V3::Assignments, "api.v3.consumer-assignments.list"),
        ("/v3/clusters/{cluster}/consumer-groups/{group}/consumers/{consumer}/assignments/{topic}/partitions/{partition}", GET, V3::Assignment, "api.v3.consumer-assignments.get"),
        ("/v3/clusters/{cluster}/consumer-groups/{group}/lag-summary", GET, V3::LagSummary, "api.v3.consumer-group-lag-summary.get"),
        ("/v3/clusters/{cluster}/consumer-groups/{group}/lags", GET, V3::Lags, "api.v3.consumer-lags.list"),
        ("/v3/clusters/{cluster}/consumer-groups/{group}/lags/{topic}/partitions/{partition}", GET, V3::Lag, "api.v3.consumer-lags.get"),
    ])
}

#[rustfmt::skip]
fn acls() -> Vec<Row> {
    rows([
        ("/v3/clusters/{cluster}/acls", GET, V3::Acls, "api.v3.acls.list"),
        ("/v3/clusters/{cluster}/acls", POST, V3::CreateAcl, "api.v3.acls.create"),
        ("/v3/clusters/{cluster}/acls", DELETE, V3::DeleteAcls, "api.v3.acls.delete"),
        ("/v3/clusters/{cluster}/acls:batch", POST, V3::CreateAcls, "api.v3.acls.batch-create"),
    ])
}
