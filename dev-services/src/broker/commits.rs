//! `OffsetCommit`, `OffsetFetch` and `OffsetDelete`. A commit is checked and stored while its group is locked, so
//! that no rebalance comes between the two.

use std::collections::HashSet;
use std::time::Instant;

use bytes::Buf;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{
    ConsumerProtocolSubscription, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest,
    OffsetDeleteResponse, OffsetFetchRequest, OffsetFetchResponse, TopicName,
};
use kafka_protocol::protocol::{Decodable, StrBytes};

use super::group::{Claim, Group, Phase};
use super::node::Node;
use super::offsets::{Committed, Partition};

/// Answers `OffsetCommit`.
pub(crate) fn offset_commit(node: &Node, request: &OffsetCommitRequest) -> OffsetCommitResponse {
    let mut offsets = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let partitions = topic.partitions.iter().map(|partition| {
            let checked = check_partition(node, &topic.name, partition);
            let error_code = checked.as_ref().err().map_or(0, ResponseError::code);
            offsets.extend(checked.ok());
            OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(error_code)
        });
        let partitions = partitions.collect();
        topics.push(
            OffsetCommitResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions),
        );
    }
    if let Err(error) = commit(node, request, offsets) {
        // The whole request is refused; what was wrong with a partition by itself stays.
        for partition in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            if partition.error_code == 0 {
                partition.error_code = error.code();
            }
        }
    }
    OffsetCommitResponse::default().with_topics(topics)
}

fn check_partition(
    node: &Node,
    topic: &TopicName,
    partition: &OffsetCommitRequestPartition,
) -> Result<(Partition, Committed), ResponseError> {
    let known = node
        .topics
        .get(topic)
        .and_then(|topic| topic.log(partition.partition_index));
    known.ok_or(ResponseError::UnknownTopicOrPartition)?;
    let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
    if metadata.len() > node.options.offset_metadata_max_bytes {
        return Err(ResponseError::OffsetMetadataTooLarge);
    }
    let committed = Committed {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: metadata.to_owned(),
    };
    Ok(((topic.to_string(), partition.partition_index), committed))
}

fn commit(
    node: &Node,
    request: &OffsetCommitRequest,
    offsets: Vec<(Partition, Committed)>,
) -> Result<(), ResponseError> {
    let claim = Claim {
        member_id: &request.member_id,
        instance_id: request.group_instance_id.as_ref(),
        generation: request.generation_id_or_member_epoch,
    };
    let group = match node.groups.get(&request.group_id) {
        Some(group) => group,
        None if claim.generation < 0 => node.groups.get_or_create(&request.group_id),
        None => return Err(ResponseError::IllegalGeneration),
    };
    let mut state = group.lock();
    state.check_commit(claim, Instant::now())?;
    if offsets.is_empty() {
        return Ok(());
    }
    node.offsets
        .commit(&request.group_id, offsets)
        .map_err(|error| {
            tracing::error!(%error, "cannot store committed offsets");
            ResponseError::UnknownServerError
        })
}

/// Answers `OffsetFetch`: one group, from version 8 on several.
pub(crate) fn offset_fetch(
    node: &Node,
    version: i16,
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    if version >= 8 {
        let groups = request
            .groups
            .iter()
            .map(|group| fetch_group(node, group))
            .collect();
        return OffsetFetchResponse::default().with_groups(groups);
    }
    let topics = request.topics.map(|topics| {
        let convert =
            |topic: kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic| {
                OffsetFetchRequestTopics::default()
                    .with_name(topic.name)
                    .with_partition_indexes(topic.partition_indexes)
            };
        topics.into_iter().map(convert).collect()
    });
    let wanted = OffsetFetchRequestGroup::default()
        .with_group_id(request.group_id)
        .with_topics(topics);
    let found = fetch_group(node, &wanted);
    OffsetFetchResponse::default()
        .with_topics(found.topics.into_iter().map(single_group_form).collect())
}

fn single_group_form(topic: OffsetFetchResponseTopics) -> OffsetFetchResponseTopic {
    let convert = |partition: OffsetFetchResponsePartitions| {
        OffsetFetchResponsePartition::default()
            .with_partition_index(partition.partition_index)
            .with_committed_offset(partition.committed_offset)
            .with_committed_leader_epoch(partition.committed_leader_epoch)
            .with_metadata(partition.metadata)
    };
    OffsetFetchResponseTopic::default()
        .with_name(topic.name)
        .with_partitions(topic.partitions.into_iter().map(convert).collect())
}

fn fetch_group(node: &Node, wanted: &OffsetFetchRequestGroup) -> OffsetFetchResponseGroup {
    let topics = match &wanted.topics {
        Some(topics) => topics
            .iter()
            .map(|topic| fetch_topic(node, &wanted.group_id, topic))
            .collect(),
        None => all_topics(node, &wanted.group_id),
    };
    OffsetFetchResponseGroup::default()
        .with_group_id(wanted.group_id.clone())
        .with_topics(topics)
}

fn fetch_topic(
    node: &Node,
    group: &str,
    topic: &OffsetFetchRequestTopics,
) -> OffsetFetchResponseTopics {
    let find = |index: &i32| {
        partition(
            *index,
            node.offsets.get(group, &(topic.name.to_string(), *index)),
        )
    };
    OffsetFetchResponseTopics::default()
        .with_name(topic.name.clone())
        .with_partitions(topic.partition_indexes.iter().map(find).collect())
}

fn all_topics(node: &Node, group: &str) -> Vec<OffsetFetchResponseTopics> {
    let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
    for ((name, index), committed) in node.offsets.all(group) {
        let found = partition(index, Some(committed));
        match topics.last_mut().filter(|topic| **topic.name == *name) {
            Some(topic) => topic.partitions.push(found),
            None => topics.push(
                OffsetFetchResponseTopics::default()
                    .with_name(TopicName(StrBytes::from_string(name)))
                    .with_partitions(vec![found]),
            ),
        }
    }
    topics
}

fn partition(index: i32, committed: Option<Committed>) -> OffsetFetchResponsePartitions {
    let none = Committed {
        offset: -1,
        leader_epoch: -1,
        metadata: String::new(),
    };
    let committed = committed.unwrap_or(none);
    OffsetFetchResponsePartitions::default()
        .with_partition_index(index)
        .with_committed_offset(committed.offset)
        .with_committed_leader_epoch(committed.leader_epoch)
        .with_metadata(Some(StrBytes::from_string(committed.metadata)))
}

/// Answers `OffsetDelete`: offsets of topics that no member is subscribed to.
pub(crate) fn offset_delete(node: &Node, request: &OffsetDeleteRequest) -> OffsetDeleteResponse {
    let Some(group) = node.groups.get(&request.group_id) else {
        return OffsetDeleteResponse::default()
            .with_error_code(ResponseError::GroupIdNotFound.code());
    };
    let state = group.lock();
    let subscribed = match subscriptions(&state) {
        Ok(subscribed) => subscribed,
        Err(error) => return OffsetDeleteResponse::default().with_error_code(error.code()),
    };
    let topics = request.topics.iter().map(|topic| {
        let in_use = subscribed.contains(&topic.name.0);
        let partitions = topic.partitions.iter().map(|partition| {
            let deleted = delete_offset(
                node,
                &request.group_id,
                &topic.name,
                partition.partition_index,
                in_use,
            );
            OffsetDeleteResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(deleted.err().map_or(0, |error| error.code()))
        });
        OffsetDeleteResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    OffsetDeleteResponse::default().with_topics(topics.collect())
}

fn delete_offset(
    node: &Node,
    group: &str,
    topic: &str,
    index: i32,
    in_use: bool,
) -> Result<(), ResponseError> {
    node.topics
        .get(topic)
        .and_then(|topic| topic.log(index))
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    if in_use {
        return Err(ResponseError::GroupSubscribedToTopic);
    }
    node.offsets
        .remove(group, &(topic.to_owned(), index))
        .map_err(|_| ResponseError::UnknownServerError)
}

/// The topics that the members of a consumer group are subscribed to.
///
/// # Errors
/// `NON_EMPTY_GROUP` for a group with members of another kind, which cannot be asked.
fn subscriptions(group: &Group) -> Result<HashSet<StrBytes>, ResponseError> {
    if group.phase == Phase::Empty {
        return Ok(HashSet::new());
    }
    let protocol = group
        .protocol
        .as_ref()
        .filter(|_| &*group.protocol_type == "consumer");
    let protocol = protocol.ok_or(ResponseError::NonEmptyGroup)?;
    let topics = group.members.iter().flat_map(|member| {
        let mut metadata = member.metadata(protocol);
        if metadata.remaining() < 2 {
            return Vec::new();
        }
        let version = metadata.get_i16().clamp(0, 3);
        ConsumerProtocolSubscription::decode(&mut metadata, version)
            .map(|it| it.topics)
            .unwrap_or_default()
    });
    Ok(topics.collect())
}
