//! What Kafka or its client says, in the words and classes of the Java client.
//!
//! In: librdkafka's error codes. Out: a [`KafkaFault`]: the class that decides the Confluent code, and the text
//! users of the original know and grep.

use std::borrow::Cow;
use std::fmt;

use rdkafka::types::RDKafkaErrorCode as K;

use crate::error::{Code, codes};

/// How a failure is to be understood, which decides its code inside and outside of per-record results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultClass {
    /// The proxy could not authenticate.
    Authentication,
    /// The principal may not.
    Authorization,
    /// It may pass.
    Retriable,
    /// It will not pass.
    Fatal,
    /// The request itself is wrong (only outside of per-record results).
    BadRequest,
    /// The topic or partition is unknown.
    UnknownTopicOrPartition,
    /// The broker throttles.
    Throttled,
    /// A record is larger than the broker takes.
    TooLarge,
    /// Records for a topic that does not exist, in the words of a client that waited for it.
    NoTopic,
    /// The same of a partition.
    NoPartition,
    /// The client's queue is full.
    QueueFull,
}

/// A failure of Kafka or of its client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaFault {
    /// What kind it is.
    pub class: FaultClass,
    /// What the client is told.
    pub message: Cow<'static, str>,
}

impl fmt::Display for KafkaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl KafkaFault {
    /// A failure of this class with these words.
    pub fn new(class: FaultClass, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            class,
            message: message.into(),
        }
    }

    /// The answer for an unknown topic.
    #[must_use]
    pub fn unknown_topic() -> Self {
        Self::new(FaultClass::UnknownTopicOrPartition, UNKNOWN_TOPIC)
    }

    /// The answer for a name that no topic can have.
    #[must_use]
    pub fn invalid_topic() -> Self {
        Self::new(
            FaultClass::BadRequest,
            "The request attempted to perform an operation on an invalid topic.",
        )
    }

    /// The code when the failure is the answer to the whole request.
    #[must_use]
    pub fn code(&self) -> Code {
        match self.class {
            FaultClass::Authentication => codes::KAFKA_AUTHENTICATION,
            FaultClass::Authorization => codes::KAFKA_AUTHORIZATION,
            FaultClass::Retriable
            | FaultClass::NoTopic
            | FaultClass::NoPartition
            | FaultClass::QueueFull => codes::KAFKA_RETRIABLE,
            FaultClass::Fatal => codes::KAFKA,
            FaultClass::BadRequest => codes::KAFKA_BAD_REQUEST,
            FaultClass::UnknownTopicOrPartition => codes::UNKNOWN_TOPIC_OR_PARTITION,
            FaultClass::Throttled => codes::KAFKA_THROTTLED,
            FaultClass::TooLarge => codes::PAYLOAD_TOO_LARGE,
        }
    }

    /// The code when the failure is one record's result: the original knows only four there.
    #[must_use]
    pub fn record_code(&self) -> Code {
        match self.class {
            FaultClass::Authentication => codes::KAFKA_AUTHENTICATION,
            FaultClass::Authorization => codes::KAFKA_AUTHORIZATION,
            FaultClass::Retriable
            | FaultClass::UnknownTopicOrPartition
            | FaultClass::Throttled
            | FaultClass::NoTopic
            | FaultClass::NoPartition
            | FaultClass::QueueFull => codes::KAFKA_RETRIABLE,
            FaultClass::Fatal | FaultClass::BadRequest | FaultClass::TooLarge => codes::KAFKA,
        }
    }

    /// The code of a record's result for clients that ask for the [strict](crate::prefer) truth: what kind of failure it
    /// is, and a status that says who has to act.
    #[must_use]
    pub fn strict_code(&self) -> Code {
        match self.class {
            FaultClass::Authentication => codes::KAFKA_AUTHENTICATION,
            FaultClass::Authorization => codes::KAFKA_AUTHORIZATION,
            FaultClass::Retriable => codes::BROKER_NOT_AVAILABLE,
            FaultClass::Fatal => codes::KAFKA,
            FaultClass::BadRequest => codes::KAFKA_BAD_REQUEST,
            FaultClass::UnknownTopicOrPartition | FaultClass::NoTopic => codes::TOPIC_NOT_FOUND,
            FaultClass::NoPartition => codes::PARTITION_NOT_FOUND,
            FaultClass::Throttled => codes::KAFKA_THROTTLED,
            FaultClass::QueueFull => codes::TOO_MANY_REQUESTS,
            FaultClass::TooLarge => codes::PAYLOAD_TOO_LARGE,
        }
    }
}

const UNKNOWN_TOPIC: &str = "This server does not host this topic-partition.";

/// The fault for a code, with `topic` where the text names it.
#[must_use]
pub fn fault(code: K, topic: &str) -> KafkaFault {
    use FaultClass as C;
    let (class, message): (C, Cow<'static, str>) = match code {
        // The last one: the client dropped the partition with the record still waiting, since its topic had gone.
        K::UnknownTopicOrPartition | K::UnknownTopic | K::UnknownPartition | K::BrokerDestroy => {
            (C::UnknownTopicOrPartition, UNKNOWN_TOPIC.into())
        }
        K::TopicAuthorizationFailed => (C::Authorization, format!("Not authorized to access topics: [{topic}]").into()),
        K::ClusterAuthorizationFailed => (C::Authorization, "Cluster authorization failed.".into()),
        K::GroupAuthorizationFailed => (C::Authorization, "Group authorization failed.".into()),
        K::TransactionalIdAuthorizationFailed => (C::Authorization, "Transactional Id authorization failed.".into()),
        K::SaslAuthenticationFailed | K::Authentication => (C::Authentication, "Authentication failed.".into()),
        K::SSL => (C::Authentication, "SSL handshake failed".into()),
        K::MessageSizeTooLarge => (
            C::TooLarge,
            "The request included a message larger than the max message size the server will accept.".into(),
        ),
        K::ThrottlingQuotaExceeded => (C::Throttled, "The throttling quota has been exceeded.".into()),
        K::InvalidTopic => return KafkaFault::invalid_topic(),
        K::MessageTimedOut => (C::Retriable, "Expiring record(s): the time allowed for delivery has passed".into()),
        K::OperationTimedOut | K::TimedOutQueue | K::RequestTimedOut => {
            (C::Retriable, "Timed out waiting for a node assignment.".into())
        }
        K::BrokerTransportFailure | K::AllBrokersDown | K::Resolve => {
            (C::Retriable, "Disconnected: no broker is reachable.".into())
        }
        other => (class_of(other), words(other).map_or_else(|| other.to_string().into(), Into::into)),
    };
    KafkaFault::new(class, message)
}

/// Kafka's own division into what may pass and what won't (outside of a record's result some are the client's fault).
fn class_of(code: K) -> FaultClass {
    match code {
        K::NotLeaderForPartition
        | K::LeaderNotAvailable
        | K::BrokerNotAvailable
        | K::ReplicaNotAvailable
        | K::NetworkException
        | K::NotEnoughReplicas
        | K::NotEnoughReplicasAfterAppend
        | K::CoordinatorLoadInProgress
        | K::CoordinatorNotAvailable
        | K::NotCoordinator
        | K::NotController
        | K::KafkaStorageError
        | K::FencedLeaderEpoch
        | K::UnknownLeaderEpoch
        | K::OffsetNotAvailable
        | K::UnstableOffsetCommit
        | K::UnknownTopicId
        | K::InvalidMessage
        | K::ConcurrentTransactions
        | K::PurgeQueue
        | K::PurgeInflight => FaultClass::Retriable,
        K::QueueFull => FaultClass::QueueFull,
        K::InvalidReplicationFactor
        | K::SecurityDisabled
        | K::UnsupportedVersion
        | K::InvalidPartitions
        | K::InvalidRequest
        | K::Unknown
        | K::PolicyViolation
        | K::TopicAlreadyExists
        | K::InvalidConfig
        | K::TopicDeletionDisabled => FaultClass::BadRequest,
        _ => FaultClass::Fatal,
    }
}

/// Kafka's texts where librdkafka has others.
fn words(code: K) -> Option<&'static str> {
    Some(match code {
        K::NotLeaderForPartition => {
            "For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition."
        }
        K::LeaderNotAvailable => {
            "There is no leader for this topic-partition as we are in the middle of a leadership election."
        }
        K::BrokerNotAvailable => "The broker is not available.",
        K::NetworkException => "Disconnected from node",
        K::NotEnoughReplicas => {
            "Messages are rejected since there are fewer in-sync replicas than required."
        }
        K::NotEnoughReplicasAfterAppend => {
            "Messages are written to the log, but to fewer in-sync replicas than required."
        }
        K::KafkaStorageError => "Disk error when trying to access log file on the disk.",
        K::InvalidRecord => {
            "This record has failed the validation on the broker and hence be rejected."
        }
        K::InvalidTimestamp => "The timestamp of the message is out of acceptable range.",
        K::UnsupportedForMessageFormat => {
            "The message format version on the broker does not support the request."
        }
        K::PolicyViolation => "Request parameters do not satisfy the configured policy.",
        K::InvalidRequiredAcks => "Produce request specified an invalid value for required acks.",
        K::OutOfOrderSequenceNumber => "The broker received an out of order sequence number.",
        K::InvalidProducerEpoch => "Producer attempted to produce with an old epoch.",
        K::QueueFull => "Failed to allocate memory within the configured max blocking time.",
        K::PurgeQueue | K::PurgeInflight => "Producer is closed forcefully.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_outside_and_inside_of_results() {
        let cases = [
            (K::UnknownTopicOrPartition, 40403, 50003, 40401),
            (K::TopicAuthorizationFailed, 40301, 40301, 40301),
            (K::SaslAuthenticationFailed, 40101, 40101, 40101),
            (K::NotEnoughReplicas, 50003, 50003, 50302),
            (K::MessageTimedOut, 50003, 50003, 50302),
            (K::BrokerDestroy, 40403, 50003, 40401),
            (K::QueueFull, 50003, 50003, 429),
            (K::MessageSizeTooLarge, 413, 50002, 413),
            (K::InvalidRecord, 50002, 50002, 50002),
            (K::PolicyViolation, 40002, 50002, 40002),
            (K::InvalidTopic, 40002, 50002, 40002),
        ];
        for (code, whole, record, strict) in cases {
            let fault = fault(code, "t");
            assert_eq!(
                [fault.code(), fault.record_code(), fault.strict_code()].map(|code| code.number),
                [whole, record, strict],
                "{code:?}"
            );
        }
        assert_eq!(
            fault(K::TopicAuthorizationFailed, "a.b").to_string(),
            "Not authorized to access topics: [a.b]"
        );
    }
}
