//! Who and what is there: `Metadata` (with topic auto-creation), `DescribeCluster`, `FindCoordinator`,
//! `ListPartitionReassignments` (there are none), and ACL requests, all refused as by a Kafka without authorizer.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse,
    DescribeAclsResponse, DescribeClusterRequest, DescribeClusterResponse, FindCoordinatorRequest,
    FindCoordinatorResponse, MetadataRequest, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::node::{HOST, NODE_ID, Node};
use super::topic::Topic;
use super::topics::{NewTopic, check_name};

/// Operations as bits, as clients without restrictions see them.
const TOPIC_OPERATIONS: i32 = bits(&[3, 4, 5, 6, 7, 8, 10, 11]);
const CLUSTER_OPERATIONS: i32 = bits(&[5, 7, 8, 9, 10, 11, 12]);
/// Operations on a group: read, delete, describe.
pub(crate) const GROUP_OPERATIONS: i32 = bits(&[3, 6, 8]);
/// What stands in the place of operations that were not asked for.
pub(crate) const NOT_ASKED_FOR: i32 = i32::MIN;

const fn bits(operations: &[u32]) -> i32 {
    let (mut sum, mut at) = (0, 0);
    while at < operations.len() {
        sum |= 1 << operations[at];
        at += 1;
    }
    sum
}

fn asked(include: bool, operations: i32) -> i32 {
    if include { operations } else { NOT_ASKED_FOR }
}

/// Answers `Metadata`.
pub(crate) fn metadata(node: &Node, version: i16, request: MetadataRequest) -> MetadataResponse {
    let operations = asked(
        request.include_topic_authorized_operations,
        TOPIC_OPERATIONS,
    );
    let create =
        node.options.auto_create_topics && (version < 4 || request.allow_auto_topic_creation);
    let all = request
        .topics
        .as_ref()
        .is_none_or(|topics| version == 0 && topics.is_empty());
    let topics = match request.topics {
        Some(topics) if !all => topics
            .iter()
            .map(|topic| asked_topic(node, topic, create))
            .collect(),
        _ => node
            .topics
            .all()
            .iter()
            .map(|topic| described(topic))
            .collect::<Vec<_>>(),
    };
    let with_operations =
        |topic: MetadataResponseTopic| topic.with_topic_authorized_operations(operations);
    let broker = MetadataResponseBroker::default()
        .with_node_id(NODE_ID)
        .with_host(HOST)
        .with_port(node.port);
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(node.cluster_id.clone()))
        .with_controller_id(NODE_ID)
        .with_cluster_authorized_operations(asked(
            request.include_cluster_authorized_operations,
            CLUSTER_OPERATIONS,
        ))
        .with_topics(topics.into_iter().map(with_operations).collect())
}

fn asked_topic(node: &Node, asked: &MetadataRequestTopic, create: bool) -> MetadataResponseTopic {
    let Some(name) = &asked.name else {
        return match node.topics.get_by_id(asked.topic_id) {
            Some(topic) => described(&topic),
            None => missing(None, ResponseError::UnknownTopicId).with_topic_id(asked.topic_id),
        };
    };
    if let Some(topic) = node.topics.get(name) {
        return described(&topic);
    }
    let error = match check_name(name) {
        Err(error) => error.error,
        Ok(()) if create => match auto_create(node, name) {
            Ok(described) => return described,
            Err(error) => error,
        },
        Ok(()) => ResponseError::UnknownTopicOrPartition,
    };
    missing(Some(name.clone()), error)
}

fn auto_create(node: &Node, name: &TopicName) -> Result<MetadataResponseTopic, ResponseError> {
    let partitions = node.options.default_partitions;
    let new = NewTopic {
        name: name.to_string(),
        partitions,
        configs: BTreeMap::new(),
    };
    match node.topics.create(&new) {
        Ok(topic) => Ok(described(&topic)),
        // Another client was faster.
        Err(error) if error.error == ResponseError::TopicAlreadyExists => node
            .topics
            .get(name)
            .map(|topic| described(&topic))
            .ok_or(ResponseError::LeaderNotAvailable),
        Err(error) => Err(error.error),
    }
}

fn missing(name: Option<TopicName>, error: ResponseError) -> MetadataResponseTopic {
    MetadataResponseTopic::default()
        .with_error_code(error.code())
        .with_name(name)
}

fn described(topic: &Topic) -> MetadataResponseTopic {
    let partition = |index: usize| {
        MetadataResponsePartition::default()
            .with_partition_index(index as i32)
            .with_leader_id(NODE_ID)
            .with_leader_epoch(0)
            .with_replica_nodes(vec![NODE_ID])
            .with_isr_nodes(vec![NODE_ID])
    };
    MetadataResponseTopic::default()
        .with_name(Some(topic.name.clone()))
        .with_topic_id(topic.id)
        .with_partitions((0..topic.partitions()).map(partition).collect())
}

/// Answers `DescribeCluster`.
pub(crate) fn describe_cluster(
    node: &Node,
    request: &DescribeClusterRequest,
) -> DescribeClusterResponse {
    let brokers = 1;
    if request.endpoint_type != brokers {
        return DescribeClusterResponse::default()
            .with_error_code(ResponseError::MismatchedEndpointType.code())
            .with_endpoint_type(brokers);
    }
    let broker = DescribeClusterBroker::default()
        .with_broker_id(NODE_ID)
        .with_host(HOST)
        .with_port(node.port);
    DescribeClusterResponse::default()
        .with_endpoint_type(brokers)
        .with_cluster_id(node.cluster_id.clone())
        .with_controller_id(NODE_ID)
        .with_brokers(vec![broker])
        .with_cluster_authorized_operations(asked(
            request.include_cluster_authorized_operations,
            CLUSTER_OPERATIONS,
        ))
}

/// Answers `FindCoordinator`: this node, for groups; transactions have no coordinator here.
pub(crate) fn find_coordinator(
    node: &Node,
    version: i16,
    request: &FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    const GROUP: i8 = 0;
    let find = |key: &StrBytes| {
        let found = Coordinator::default().with_key(key.clone());
        if request.key_type == GROUP {
            return found
                .with_node_id(NODE_ID)
                .with_host(HOST)
                .with_port(node.port);
        }
        found
            .with_node_id(BrokerId(-1))
            .with_port(-1)
            .with_error_code(ResponseError::TransactionalIdAuthorizationFailed.code())
            .with_error_message(Some("The development broker has no transactions.".into()))
    };
    if version >= 4 {
        let coordinators = request.coordinator_keys.iter().map(find).collect();
        return FindCoordinatorResponse::default().with_coordinators(coordinators);
    }
    let found = find(&request.key);
    FindCoordinatorResponse::default()
        .with_error_code(found.error_code)
        .with_error_message(found.error_message)
        .with_node_id(found.node_id)
        .with_host(found.host)
        .with_port(found.port)
}

/// Kafka words the refusal to list otherwise than those to change.
const NO_AUTHORIZER_ON_BROKER: StrBytes =
    StrBytes::from_static_str("No Authorizer is configured on the broker");
const NO_AUTHORIZER: StrBytes = StrBytes::from_static_str("No Authorizer is configured.");

/// Answers `DescribeAcls`.
pub(crate) fn describe_acls() -> DescribeAclsResponse {
    DescribeAclsResponse::default()
        .with_error_code(ResponseError::SecurityDisabled.code())
        .with_error_message(Some(NO_AUTHORIZER_ON_BROKER))
}

/// Answers `CreateAcls`.
pub(crate) fn create_acls(request: &CreateAclsRequest) -> CreateAclsResponse {
    let refused = AclCreationResult::default()
        .with_error_code(ResponseError::SecurityDisabled.code())
        .with_error_message(Some(NO_AUTHORIZER));
    CreateAclsResponse::default().with_results(vec![refused; request.creations.len()])
}

/// Answers `DeleteAcls`.
pub(crate) fn delete_acls(request: &DeleteAclsRequest) -> DeleteAclsResponse {
    let refused = DeleteAclsFilterResult::default()
        .with_error_code(ResponseError::SecurityDisabled.code())
        .with_error_message(Some(NO_AUTHORIZER));
    DeleteAclsResponse::default().with_filter_results(vec![refused; request.filters.len()])
}
