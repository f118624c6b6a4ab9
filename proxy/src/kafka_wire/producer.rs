//! Whole batches to the leaders of their partitions, and producer ids.
//!
//! In: a batch behind the [head](WireProducer::head) of its request. Out: where it lies. What fails: [`NotLanded`], which
//! tells batches that were surely not appended from those of which nobody knows. Nothing is sent twice here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError as R;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    InitProducerIdRequest, MetadataRequest, ProduceRequest, ProduceResponse, TopicName,
};
use kafka_protocol::protocol::{StrBytes, VersionRange};
use parking_lot::Mutex;
use rdkafka::types::RDKafkaErrorCode;

use super::connection::{encode, set_length};
use super::error::{Unanswered, WireError};
use super::fault::check_moved;
use super::pool::{Pool, To};
use super::settings::Settings;

/// Versions of `Produce` whose requests are alike, and whose last bytes are the records': all brokers since 1.0 have one.
const PRODUCE: VersionRange = VersionRange { min: 3, max: 8 };
/// The version that asks for a new id and nothing else.
const INIT_PRODUCER_ID: i16 = 1;
/// Bytes of the length in front of the records.
const RECORDS_LENGTH: usize = 4;
/// Topics whose leaders are remembered.
const TOPICS: usize = 10_000;

/// Where a batch lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Landed {
    /// The offset of its first record.
    pub(crate) offset: i64,
    /// When the broker appended it, in epoch milliseconds, if the topic keeps that time.
    pub(crate) appended: Option<i64>,
}

/// Why a batch is not known to lie there.
#[derive(Debug)]
pub(crate) enum NotLanded {
    /// It was not sent: all connections are in use.
    Busy,
    /// It was not sent: the leader is not known, or cannot be reached.
    Unsent(String),
    /// A broker did not append it, and never will.
    Refused(RDKafkaErrorCode),
    /// A broker did not append it because of the producer's id, epoch or number.
    Numbering(String),
    /// A broker did not append it for a reason that may pass.
    NotNow(String),
    /// It may have been appended: there was no answer, or one of which that cannot be told.
    Unclear(String),
}

/// See the module.
pub(crate) struct WireProducer {
    pool: Pool,
    client_id: StrBytes,
    acks: i16,
    /// Limit on one answer.
    timeout: Duration,
    /// Broker ids by partition; -1: none.
    leaders: Mutex<HashMap<Arc<str>, Arc<[i32]>>>,
}

impl WireProducer {
    /// Connects when it is first used. `acks`: 1, or -1 for all. No answer is waited for longer than `timeout`.
    pub(crate) fn new(settings: Settings, acks: i16, timeout: Duration) -> Self {
        let pool = Pool::new(settings);
        Self {
            client_id: StrBytes::from_string(pool.client_id().to_owned()),
            pool,
            acks,
            timeout,
            leaders: Mutex::default(),
        }
    }

    /// The beginning of a request that carries one batch. The batch is to be appended.
    pub(crate) fn head(
        &self,
        topic: &str,
        partition: i32,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let data = PartitionProduceData::default()
            .with_index(partition)
            .with_records(Some(Bytes::new()));
        let topic = TopicProduceData::default()
            .with_name(TopicName(StrBytes::from_string(topic.to_owned())))
            .with_partition_data(vec![data]);
        let timeout = i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX);
        let request = ProduceRequest::default()
            .with_transactional_id(None)
            .with_acks(self.acks)
            .with_timeout_ms(timeout)
            .with_topic_data(vec![topic]);
        encode(out, &request, PRODUCE.max, 0, &self.client_id)
    }

    /// Sends a batch, which begins at `start` of `frame`, to the leader of its partition, and waits at most so long.
    pub(crate) async fn write(
        &self,
        topic: &Arc<str>,
        partition: i32,
        (frame, start): (&mut [u8], usize),
        limit: Duration,
    ) -> Result<Landed, NotLanded> {
        let unsent = |error: &dyn std::fmt::Display| NotLanded::Unsent(error.to_string());
        let batch = u32::try_from(frame.len() - start).map_err(|error| unsent(&error))?;
        if let Some(place) = frame.get_mut(start - RECORDS_LENGTH..start) {
            place.copy_from_slice(&batch.to_be_bytes());
        }
        set_length(frame).map_err(|error| unsent(&error))?;
        let leader = self.leader(topic, partition).await;
        let leader = leader.map_err(|error| unsent(&error))?;
        let place = self.pool.free_place().ok_or(NotLanded::Busy)?;
        let limit = self.timeout.min(limit);
        let answer = self
            .pool
            .call_encoded::<ProduceRequest>(place, leader, frame, PRODUCE, limit, "produce")
            .await;
        let result = match answer {
            Ok(answer) => landed(&answer),
            Err(Unanswered { error, sent: true }) => Err(NotLanded::Unclear(error.to_string())),
            Err(Unanswered { error, sent: false }) => Err(unsent(&error)),
        };
        if result.is_err() {
            self.forget(topic);
        }
        result
    }

    /// A new producer's id and epoch.
    pub(crate) async fn new_id(&self) -> Result<(i64, i16), WireError> {
        let request = InitProducerIdRequest::default().with_transactional_id(None);
        let answer = self
            .pool
            .call(To::Any, &request, INIT_PRODUCER_ID, "initProducerId")
            .await?;
        check_moved(answer.error_code, None)?;
        Ok((answer.producer_id.0, answer.producer_epoch))
    }

    async fn leader(&self, topic: &Arc<str>, partition: i32) -> Result<i32, WireError> {
        let index = usize::try_from(partition).unwrap_or(usize::MAX);
        let known = self.leaders.lock().get(topic).cloned();
        let leaders = match known {
            Some(leaders) if leaders.len() > index => leaders,
            _ => self.look_up(topic).await?,
        };
        let leader = leaders.get(index).copied().filter(|leader| *leader >= 0);
        leader.ok_or(WireError::NoSuchBroker {
            id: -1,
            call: "produce",
        })
    }

    async fn look_up(&self, topic: &Arc<str>) -> Result<Arc<[i32]>, WireError> {
        let name = TopicName(StrBytes::from_string(topic.as_ref().to_owned()));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![
                MetadataRequestTopic::default().with_name(Some(name)),
            ]))
            .with_allow_auto_topic_creation(false);
        let answer = self.pool.metadata(&request).await?;
        let mut leaders = Vec::new();
        for topic in &answer.topics {
            check_moved(topic.error_code, None)?;
            for partition in &topic.partitions {
                let index = usize::try_from(partition.partition_index).unwrap_or_default();
                leaders.resize(leaders.len().max(index + 1), -1);
                leaders[index] = partition.leader_id.0;
            }
        }
        let leaders: Arc<[i32]> = leaders.into();
        let mut known = self.leaders.lock();
        if known.len() >= TOPICS {
            known.clear();
        }
        known.insert(Arc::clone(topic), Arc::clone(&leaders));
        Ok(leaders)
    }

    /// Who leads what has changed, perhaps.
    fn forget(&self, topic: &str) {
        self.leaders.lock().remove(topic);
        self.pool.forget();
    }
}

/// What the answer says of the one batch that was sent.
fn landed(answer: &ProduceResponse) -> Result<Landed, NotLanded> {
    let mut partitions = answer
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses);
    let Some(partition) = partitions.next() else {
        return Err(NotLanded::Unclear("the answer is empty".to_owned()));
    };
    let Some(error) = R::try_from_code(partition.error_code) else {
        return Ok(Landed {
            offset: partition.base_offset,
            appended: Some(partition.log_append_time_ms).filter(|time| *time >= 0),
        });
    };
    Err(match error {
        R::OutOfOrderSequenceNumber
        | R::UnknownProducerId
        | R::InvalidProducerEpoch
        | R::InvalidProducerIdMapping
        | R::ProducerFenced => NotLanded::Numbering(error.to_string()),
        // Looked at before anything is appended.
        R::NotEnoughReplicas | R::UnknownTopicOrPartition | R::ThrottlingQuotaExceeded => {
            NotLanded::NotNow(error.to_string())
        }
        // All others: whoever leads no longer may have appended it, and others have it from him then.
        _ => match for_good(error) {
            Some(code) => NotLanded::Refused(code),
            None => NotLanded::Unclear(error.to_string()),
        },
    })
}

/// librdkafka's name of an error that no repetition mends.
fn for_good(error: R) -> Option<RDKafkaErrorCode> {
    Some(match error {
        R::TopicAuthorizationFailed => RDKafkaErrorCode::TopicAuthorizationFailed,
        R::ClusterAuthorizationFailed => RDKafkaErrorCode::ClusterAuthorizationFailed,
        R::MessageTooLarge => RDKafkaErrorCode::MessageSizeTooLarge,
        R::RecordListTooLarge => RDKafkaErrorCode::MessageBatchTooLarge,
        R::InvalidRecord => RDKafkaErrorCode::InvalidRecord,
        R::InvalidTimestamp => RDKafkaErrorCode::InvalidTimestamp,
        R::InvalidTopicException => RDKafkaErrorCode::InvalidTopic,
        R::PolicyViolation => RDKafkaErrorCode::PolicyViolation,
        _ => return None,
    })
}
