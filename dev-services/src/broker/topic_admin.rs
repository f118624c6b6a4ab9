//! `CreateTopics`, `DeleteTopics`, `CreatePartitions` and `DeleteRecords`.

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteRecordsRequest, DeleteRecordsResponse, DeleteTopicsRequest, DeleteTopicsResponse,
    TopicName,
};
use uuid::Uuid;

use super::configs::topic_entries;
use super::error::{ApiError, code};
use super::node::{NODE_ID, Node};
use super::topic::Topic;
use super::topics::NewTopic;

/// Answers `CreateTopics`.
pub(crate) fn create_topics(node: &Node, request: &CreateTopicsRequest) -> CreateTopicsResponse {
    let create = |wanted: &CreatableTopic| {
        let made = new_topic(node, wanted).and_then(|new| {
            if request.validate_only {
                return node.topics.check(&new).map(|()| (Uuid::nil(), new));
            }
            node.topics.create(&new).map(|topic| (topic.id, new))
        });
        let result = CreatableTopicResult::default().with_name(wanted.name.clone());
        match made {
            Ok((id, new)) => result
                .with_topic_id(id)
                .with_num_partitions(new.partitions)
                .with_replication_factor(1)
                .with_configs(Some(created_configs(node, &new))),
            Err(error) => result
                .with_error_code(error.error.code())
                .with_error_message(error.text())
                .with_num_partitions(-1)
                .with_replication_factor(-1)
                .with_configs(Some(Vec::new())),
        }
    };
    CreateTopicsResponse::default().with_topics(request.topics.iter().map(create).collect())
}

fn new_topic(node: &Node, wanted: &CreatableTopic) -> Result<NewTopic, ApiError> {
    let partitions = match wanted.assignments.len() {
        0 => check_replication(wanted).map(|()| wanted.num_partitions)?,
        count => check_assignments(wanted).map(|()| count as i32)?,
    };
    let value = |value: Option<&str>, name: &str| {
        value.map(str::to_owned).ok_or_else(|| {
            let message = format!("Null value not supported for topic configs: {name}");
            ApiError::new(ResponseError::InvalidConfig, message)
        })
    };
    let configs = wanted
        .configs
        .iter()
        .map(|config| {
            Ok((
                config.name.to_string(),
                value(config.value.as_deref(), &config.name)?,
            ))
        })
        .collect::<Result<_, ApiError>>()?;
    let partitions = if partitions == -1 {
        node.options.default_partitions
    } else {
        partitions
    };
    Ok(NewTopic {
        name: wanted.name.to_string(),
        partitions,
        configs,
    })
}

fn check_replication(wanted: &CreatableTopic) -> Result<(), ApiError> {
    let message = match wanted.replication_factor {
        -1 | 1 => return Ok(()),
        ..=0 => {
            "Replication factor must be larger than 0, or -1 to use the default value.".to_owned()
        }
        factor => format!(
            "Unable to replicate the partition {factor} time(s): The target replication factor of {factor} \
             cannot be reached because only 1 broker(s) are registered."
        ),
    };
    Err(ApiError::new(
        ResponseError::InvalidReplicationFactor,
        message,
    ))
}

/// Partitions 0, 1, 2, … have to be assigned, each to the one node.
fn check_assignments(wanted: &CreatableTopic) -> Result<(), ApiError> {
    let mut partitions: Vec<_> = wanted
        .assignments
        .iter()
        .map(|assigned| assigned.partition_index)
        .collect();
    partitions.sort_unstable();
    if wanted.num_partitions != -1 || wanted.replication_factor != -1 {
        let message = "A manual partition assignment was specified, but numPartitions or replicationFactor was not set to -1.";
        return Err(ApiError::new(ResponseError::InvalidRequest, message));
    }
    let brokers = wanted
        .assignments
        .iter()
        .flat_map(|assigned| &assigned.broker_ids);
    if let Some(unknown) = brokers.into_iter().find(|broker| **broker != NODE_ID) {
        let message = format!(
            "The manual partition assignment includes broker {}, but no such broker is registered.",
            unknown.0
        );
        return Err(ApiError::new(
            ResponseError::InvalidReplicaAssignment,
            message,
        ));
    }
    let one_each = wanted
        .assignments
        .iter()
        .all(|assigned| assigned.broker_ids.len() == 1);
    if !one_each || !partitions.iter().copied().eq(0..partitions.len() as i32) {
        let message =
            "The manual partition assignment has to name broker 1 once for partitions 0, 1, 2, …";
        return Err(ApiError::new(
            ResponseError::InvalidReplicaAssignment,
            message,
        ));
    }
    Ok(())
}

fn created_configs(node: &Node, new: &NewTopic) -> Vec<CreatableTopicConfigs> {
    let convert = |entry: kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult| {
        CreatableTopicConfigs::default()
            .with_name(entry.name)
            .with_value(entry.value)
            .with_read_only(entry.read_only)
            .with_config_source(entry.config_source)
    };
    topic_entries(node, &new.configs)
        .into_iter()
        .map(convert)
        .collect()
}

/// Answers `DeleteTopics`: by name, from version 6 on also by id.
pub(crate) fn delete_topics(
    node: &Node,
    version: i16,
    request: &DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let by_name = |name: &TopicName| delete_topic(node, Some(name), Uuid::nil());
    let by_state =
        |state: &DeleteTopicState| delete_topic(node, state.name.as_ref(), state.topic_id);
    let responses = match version {
        ..6 => request.topic_names.iter().map(by_name).collect(),
        _ => request.topics.iter().map(by_state).collect(),
    };
    DeleteTopicsResponse::default().with_responses(responses)
}

fn delete_topic(node: &Node, name: Option<&TopicName>, id: Uuid) -> DeletableTopicResult {
    let (topic, unknown) = match name {
        Some(name) => (
            node.topics.get(name),
            ResponseError::UnknownTopicOrPartition,
        ),
        None => (node.topics.get_by_id(id), ResponseError::UnknownTopicId),
    };
    let deleted = topic
        .as_ref()
        .ok_or(unknown.into())
        .and_then(|topic| remove(node, topic));
    let found_name = topic.as_ref().map(|topic| topic.name.clone());
    DeletableTopicResult::default()
        .with_name(name.cloned().or(found_name))
        .with_topic_id(topic.map_or(id, |topic| topic.id))
        .with_error_code(code(&deleted))
        .with_error_message(deleted.err().and_then(|error| error.text()))
}

fn remove(node: &Node, topic: &Arc<Topic>) -> Result<(), ApiError> {
    node.topics.delete(&topic.name)?;
    node.offsets
        .remove_topic(&topic.name)
        .map_err(|error| ApiError::new(ResponseError::KafkaStorageError, error.to_string()))
}

/// Answers `CreatePartitions`.
pub(crate) fn create_partitions(
    node: &Node,
    request: &CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let grow = |wanted: &CreatePartitionsTopic| {
        let grown = match node.topics.get(&wanted.name) {
            Some(topic) => node
                .topics
                .grow(&topic, wanted.count, request.validate_only),
            None => Err(ResponseError::UnknownTopicOrPartition.into()),
        };
        CreatePartitionsTopicResult::default()
            .with_name(wanted.name.clone())
            .with_error_code(code(&grown))
            .with_error_message(grown.err().and_then(|error| error.text()))
    };
    CreatePartitionsResponse::default().with_results(request.topics.iter().map(grow).collect())
}

/// Answers `DeleteRecords`.
pub(crate) fn delete_records(node: &Node, request: &DeleteRecordsRequest) -> DeleteRecordsResponse {
    let topic = |topic: &DeleteRecordsTopic| {
        let found = node.topics.get(&topic.name);
        let delete = |wanted: &DeleteRecordsPartition| {
            let log = found
                .as_ref()
                .and_then(|topic| topic.log(wanted.partition_index));
            let deleted = log
                .ok_or(ResponseError::UnknownTopicOrPartition)
                .and_then(|log| log.delete_before(wanted.offset));
            DeleteRecordsPartitionResult::default()
                .with_partition_index(wanted.partition_index)
                .with_error_code(code(&deleted))
                .with_low_watermark(deleted.unwrap_or(-1))
        };
        DeleteRecordsTopicResult::default()
            .with_name(topic.name.clone())
            .with_partitions(topic.partitions.iter().map(delete).collect())
    };
    DeleteRecordsResponse::default().with_topics(request.topics.iter().map(topic).collect())
}
