//! `ListOffsets` (first, last, by time, of the latest time) and `OffsetForLeaderEpoch` (there is one epoch).

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
};

use super::log::Log;
use super::node::Node;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const OF_LATEST_TIME: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
/// The last offset in tiered storage, which there is none of.
const LATEST_TIERED: i64 = -5;

/// Answers `ListOffsets`.
pub(crate) fn list_offsets(node: &Node, request: &ListOffsetsRequest) -> ListOffsetsResponse {
    let topic = |topic: &ListOffsetsTopic| {
        let partition = |wanted: &ListOffsetsPartition| {
            let log = log(node, &topic.name, wanted.partition_index);
            answer(wanted, log.and_then(|log| find(&log, wanted.timestamp)))
        };
        ListOffsetsTopicResponse::default()
            .with_name(topic.name.clone())
            .with_partitions(topic.partitions.iter().map(partition).collect())
    };
    ListOffsetsResponse::default().with_topics(request.topics.iter().map(topic).collect())
}

fn log(node: &Node, topic: &str, partition: i32) -> Result<Arc<Log>, ResponseError> {
    let log = node
        .topics
        .get(topic)
        .and_then(|topic| topic.log(partition));
    log.ok_or(ResponseError::UnknownTopicOrPartition)
}

/// Offset and time; `None` when no record fits. The ends of the log have no time.
fn find(log: &Log, timestamp: i64) -> Result<Option<(i64, i64)>, ResponseError> {
    let (start, end) = log.offsets();
    match timestamp {
        LATEST => Ok(Some((end, -1))),
        EARLIEST | EARLIEST_LOCAL => Ok(Some((start, -1))),
        OF_LATEST_TIME => log.offset_of_latest_time(),
        LATEST_TIERED => Ok(None),
        ..0 => Err(ResponseError::InvalidRequest),
        _ => log.offset_for_time(timestamp),
    }
}

fn answer(
    wanted: &ListOffsetsPartition,
    found: Result<Option<(i64, i64)>, ResponseError>,
) -> ListOffsetsPartitionResponse {
    let response =
        ListOffsetsPartitionResponse::default().with_partition_index(wanted.partition_index);
    match found {
        Ok(Some((offset, timestamp))) => response
            .with_offset(offset)
            .with_timestamp(timestamp)
            .with_leader_epoch(0),
        Ok(None) => response
            .with_offset(-1)
            .with_timestamp(-1)
            .with_leader_epoch(-1),
        Err(error) => response
            .with_error_code(error.code())
            .with_offset(-1)
            .with_timestamp(-1),
    }
}

/// Answers `OffsetForLeaderEpoch`.
pub(crate) fn offset_for_leader_epoch(
    node: &Node,
    request: &OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.iter().map(|topic| {
        let partition = |wanted: &OffsetForLeaderPartition| {
            let end = EpochEndOffset::default().with_partition(wanted.partition);
            match log(node, &topic.topic, wanted.partition) {
                Ok(log) if wanted.leader_epoch == 0 => {
                    end.with_leader_epoch(0).with_end_offset(log.offsets().1)
                }
                Ok(_) => end.with_leader_epoch(-1).with_end_offset(-1),
                Err(error) => end.with_error_code(error.code()),
            }
        };
        OffsetForLeaderTopicResult::default()
            .with_topic(topic.topic.clone())
            .with_partitions(topic.partitions.iter().map(partition).collect())
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}
