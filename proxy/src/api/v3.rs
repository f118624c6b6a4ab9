//! The v3 API: one file a resource. Path parameters first, then the body, then the cluster's id, then Kafka.

mod acl_query;
mod acls;
pub(crate) mod batch;
mod body;
mod broker_configs;
mod brokers;
mod cluster_configs;
mod clusters;
mod configs;
mod consumer_groups;
mod consumers;
mod lags;
mod links;
mod partitions;
mod reassignments;
pub(crate) mod records;
mod replicas;
mod scope;
mod topic_configs;
mod topics;

use futures_util::future::BoxFuture;
use hyper::body::Incoming;

use crate::api::Request;
use crate::error::Error;
use crate::respond::Response;
use crate::router::V3;

/// Answers a request of the v3 API.
///
/// # Errors
/// What it asks for is not there, its body is wrong, or Kafka refuses.
#[rustfmt::skip]
pub(crate) fn answer<'r>(
    endpoint: V3,
    request: &'r Request<'_>,
    body: Incoming,
) -> BoxFuture<'r, Result<Response, Error>> {
    match endpoint {
        V3::Clusters => Box::pin(clusters::list(request)),
        V3::Cluster => Box::pin(clusters::get(request)),
        V3::Brokers => Box::pin(brokers::list(request)),
        V3::Broker => Box::pin(brokers::get(request)),
        V3::AllBrokersConfigs => Box::pin(broker_configs::list_all(request)),
        V3::BrokerConfigs => Box::pin(broker_configs::list(request)),
        V3::BrokerConfig => Box::pin(broker_configs::get(request)),
        V3::SetBrokerConfig => Box::pin(broker_configs::set(request, body)),
        V3::ResetBrokerConfig => Box::pin(broker_configs::reset(request)),
        V3::AlterBrokerConfigs => Box::pin(broker_configs::alter(request, body)),
        V3::BrokerReplicas => Box::pin(replicas::of_broker(request)),
        V3::ClusterConfigs => Box::pin(cluster_configs::list(request)),
        V3::ClusterConfig => Box::pin(cluster_configs::get(request)),
        V3::SetClusterConfig => Box::pin(cluster_configs::set(request, body)),
        V3::ResetClusterConfig => Box::pin(cluster_configs::reset(request)),
        V3::AlterClusterConfigs => Box::pin(cluster_configs::alter(request, body)),
        V3::Topics => Box::pin(topics::list(request)),
        V3::CreateTopic => Box::pin(topics::create(request, body)),
        V3::Topic => Box::pin(topics::get(request)),
        V3::GrowTopic => Box::pin(topics::grow(request, body)),
        V3::DeleteTopic => Box::pin(topics::delete(request)),
        V3::AllTopicsConfigs => Box::pin(topic_configs::list_all(request)),
        V3::AlterAllTopicsConfigs => Box::pin(topic_configs::alter_many(request, body)),
        V3::TopicConfigs => Box::pin(topic_configs::list(request)),
        V3::TopicConfig => Box::pin(topic_configs::get(request)),
        V3::SetTopicConfig => Box::pin(topic_configs::set(request, body)),
        V3::ResetTopicConfig => Box::pin(topic_configs::reset(request)),
        V3::AlterTopicConfigs => Box::pin(topic_configs::alter(request, body)),
        V3::Partitions => Box::pin(partitions::list(request)),
        V3::Partition => Box::pin(partitions::get(request)),
        V3::PartitionOffsets => Box::pin(partitions::offsets(request)),
        V3::Replicas => Box::pin(replicas::list(request)),
        V3::Replica => Box::pin(replicas::get(request)),
        V3::AllReassignments => Box::pin(reassignments::list(request)),
        V3::TopicReassignments => Box::pin(reassignments::of_topic(request)),
        V3::Reassignment => Box::pin(reassignments::get(request)),
        V3::ConsumerGroups => Box::pin(consumer_groups::list(request)),
        V3::ConsumerGroup => Box::pin(consumer_groups::get(request)),
        V3::Consumers => Box::pin(consumers::list(request)),
        V3::Consumer => Box::pin(consumers::get(request)),
        V3::Assignments => Box::pin(consumers::assignments(request)),
        V3::Assignment => Box::pin(consumers::assignment(request)),
        V3::LagSummary => Box::pin(lags::summary(request)),
        V3::Lags => Box::pin(lags::list(request)),
        V3::Lag => Box::pin(lags::get(request)),
        V3::Acls => Box::pin(acls::list(request)),
        V3::CreateAcl => Box::pin(acls::create(request, body)),
        V3::DeleteAcls => Box::pin(acls::delete(request)),
        V3::CreateAcls => Box::pin(acls::create_batch(request, body)),
    }
}
