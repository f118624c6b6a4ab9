//! `Produce` and `InitProducerId`. A batch is checked by its header only (compacted topics excepted, whose records
//! must have keys) and stored as it came.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{
    InitProducerIdRequest, InitProducerIdResponse, ProduceRequest, ProduceResponse, ProducerId,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::RecordBatchDecoder;

use super::batch::{BatchError, BatchHeader};
use super::clock::now_ms;
use super::error::ApiError;
use super::log::{AppendRules, Appended};
use super::node::Node;
use super::topic::Topic;

/// A refusal, and the records of the batch that caused it.
struct Refusal {
    error: ApiError,
    records: Vec<BatchIndexAndErrorMessage>,
}

impl<E: Into<ApiError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            records: Vec::new(),
        }
    }
}

/// Answers `Produce`. With acks 0 nothing is sent; see [`failed`].
pub(crate) fn produce(node: &Node, request: &ProduceRequest) -> ProduceResponse {
    let refusal = if !matches!(request.acks, -1..=1) {
        Some(ResponseError::InvalidRequiredAcks)
    } else {
        request
            .transactional_id
            .as_ref()
            .map(|_| ResponseError::TransactionalIdAuthorizationFailed)
    };
    let responses = request
        .topic_data
        .iter()
        .map(|topic| produce_topic(node, topic, refusal))
        .collect();
    ProduceResponse::default().with_responses(responses)
}

/// Whether anything was refused. Kafka then closes the connection of a producer that waits for no answer.
pub(crate) fn failed(response: &ProduceResponse) -> bool {
    let partitions = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses);
    partitions
        .into_iter()
        .any(|partition| partition.error_code != 0)
}

fn produce_topic(
    node: &Node,
    data: &TopicProduceData,
    refusal: Option<ResponseError>,
) -> TopicProduceResponse {
    let topic = node.topics.get(&data.name);
    let partition = |partition: &PartitionProduceData| {
        let appended = match (refusal, &topic) {
            (Some(error), _) => Err(error.into()),
            (None, None) => Err(ResponseError::UnknownTopicOrPartition.into()),
            (None, Some(topic)) => append(topic, partition),
        };
        answer(partition.index, appended)
    };
    TopicProduceResponse::default()
        .with_name(data.name.clone())
        .with_partition_responses(data.partition_data.iter().map(partition).collect())
}

fn append(topic: &Topic, partition: &PartitionProduceData) -> Result<Appended, Refusal> {
    let log = topic
        .log(partition.index)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    let batch = partition.records.clone().unwrap_or_default();
    let settings = topic.settings();
    if batch.len() > settings.max_message_bytes {
        let (index, size, max) = (partition.index, batch.len(), settings.max_message_bytes);
        let message = format!(
            "The record batch size in the append to {}-{index} is {size} bytes which exceeds the maximum \
             configured value of {max}.",
            topic.name.0
        );
        return Err(ApiError::new(ResponseError::MessageTooLarge, message).into());
    }
    let header = BatchHeader::from_producer(&batch)?;
    if settings.compacted {
        check_keys(topic, partition.index, &batch)?;
    }
    let append_time = settings.append_time.then(now_ms);
    let rules = AppendRules {
        append_time,
        segment_bytes: settings.segment_bytes,
    };
    Ok(log.append(&batch, &header, rules)?)
}

impl From<BatchError> for ApiError {
    fn from(error: BatchError) -> Self {
        let code = match error {
            BatchError::Truncated | BatchError::Checksum => ResponseError::CorruptMessage,
            BatchError::Format(_) => ResponseError::UnsupportedForMessageFormat,
            BatchError::Invalid => ResponseError::InvalidRecord,
            BatchError::Transactional => ResponseError::InvalidTxnState,
        };
        Self::new(code, error.to_string())
    }
}

fn check_keys(topic: &Topic, partition: i32, batch: &Bytes) -> Result<(), Refusal> {
    let records = RecordBatchDecoder::decode(&mut batch.clone())
        .map_err(|error| ApiError::new(ResponseError::CorruptMessage, error.to_string()))?
        .records;
    let name = &topic.name.0;
    let reason = format!(
        "Compacted topic cannot accept message without key in topic partition {name}-{partition}."
    );
    let rejected: Vec<_> = (0..)
        .zip(&records)
        .filter(|(_, record)| record.key.is_none())
        .map(|(index, _)| {
            BatchIndexAndErrorMessage::default()
                .with_batch_index(index)
                .with_batch_index_error_message(Some(StrBytes::from_string(reason.clone())))
        })
        .collect();
    if rejected.is_empty() {
        return Ok(());
    }
    let message = "One or more records have been rejected due to invalid timestamp or missing key";
    Err(Refusal {
        error: ApiError::new(ResponseError::InvalidRecord, message),
        records: rejected,
    })
}

fn answer(index: i32, appended: Result<Appended, Refusal>) -> PartitionProduceResponse {
    let response = PartitionProduceResponse::default().with_index(index);
    match appended {
        Ok(appended) => response
            .with_base_offset(appended.base_offset)
            .with_log_append_time_ms(appended.append_time)
            .with_log_start_offset(appended.start_offset),
        Err(refusal) => response
            .with_base_offset(-1)
            .with_log_append_time_ms(-1)
            .with_log_start_offset(-1)
            .with_error_code(refusal.error.error.code())
            .with_error_message(refusal.error.text())
            .with_record_errors(refusal.records),
    }
}

/// Answers `InitProducerId`: always a fresh id; with a transactional id, a refusal.
pub(crate) fn init_producer_id(
    node: &Node,
    request: &InitProducerIdRequest,
) -> InitProducerIdResponse {
    let refused = |error: ResponseError| {
        InitProducerIdResponse::default()
            .with_error_code(error.code())
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
    };
    if request.transactional_id.is_some() {
        return refused(ResponseError::TransactionalIdAuthorizationFailed);
    }
    match node.producer_ids.next() {
        Ok(id) => InitProducerIdResponse::default().with_producer_id(ProducerId(id)),
        Err(error) => {
            tracing::error!(%error, "cannot reserve producer ids");
            refused(ResponseError::CoordinatorNotAvailable)
        }
    }
}
