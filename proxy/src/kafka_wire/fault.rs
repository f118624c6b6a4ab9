//! Error codes of Kafka's protocol → faults in the words of the Java client.
//!
//! A broker's own text wins; where it sends none the Java client fills in the text of the code.

use kafka_protocol::ResponseError as R;
use kafka_protocol::protocol::StrBytes;

use super::error::WireError;
use crate::kafka_error::{FaultClass, KafkaFault};

/// Ok for code 0, else the fault.
pub(crate) fn check(code: i16, message: Option<&StrBytes>) -> Result<(), KafkaFault> {
    match R::try_from_code(code) {
        None => Ok(()),
        Some(error) => Err(fault(error, message)),
    }
}

/// The same, telling apart the codes that pass when somebody else is asked or a moment later.
pub(crate) fn check_moved(code: i16, message: Option<&StrBytes>) -> Result<(), WireError> {
    match R::try_from_code(code) {
        None => Ok(()),
        Some(
            error @ (R::NotController
            | R::NotCoordinator
            | R::CoordinatorNotAvailable
            | R::CoordinatorLoadInProgress
            | R::NotLeaderOrFollower
            | R::LeaderNotAvailable
            | R::UnknownLeaderEpoch
            | R::FencedLeaderEpoch),
        ) => Err(WireError::Moved(fault(error, message))),
        Some(error) => Err(WireError::Kafka(fault(error, message))),
    }
}

/// The fault of an error, in the broker's words if it has any.
pub(crate) fn fault(error: R, message: Option<&StrBytes>) -> KafkaFault {
    match message.filter(|text| !text.is_empty()) {
        Some(text) => KafkaFault::new(class(error), text.to_string()),
        None => match words(error) {
            Some(text) => KafkaFault::new(class(error), text),
            None => KafkaFault::new(class(error), error.to_string()),
        },
    }
}

fn class(error: R) -> FaultClass {
    match error {
        R::UnknownTopicOrPartition => FaultClass::UnknownTopicOrPartition,
        R::SaslAuthenticationFailed
        | R::UnsupportedSaslMechanism
        | R::IllegalSaslState
        | R::DelegationTokenExpired => FaultClass::Authentication,
        R::TopicAuthorizationFailed
        | R::GroupAuthorizationFailed
        | R::ClusterAuthorizationFailed
        | R::TransactionalIdAuthorizationFailed
        | R::DelegationTokenAuthorizationFailed => FaultClass::Authorization,
        R::ThrottlingQuotaExceeded => FaultClass::Throttled,
        R::MessageTooLarge => FaultClass::TooLarge,
        R::InvalidReplicationFactor
        | R::InvalidPartitions
        | R::TopicAlreadyExists
        | R::InvalidConfig
        | R::PolicyViolation
        | R::SecurityDisabled
        | R::UnsupportedVersion
        | R::InvalidRequest
        | R::UnknownServerError
        | R::TopicDeletionDisabled
        | R::InvalidTopicException => FaultClass::BadRequest,
        other if other.is_retriable() => FaultClass::Retriable,
        _ => FaultClass::Fatal,
    }
}

fn words(error: R) -> Option<&'static str> {
    Some(match error {
        R::UnknownServerError => {
            "The server experienced an unexpected error when processing the request."
        }
        R::UnknownTopicOrPartition => "This server does not host this topic-partition.",
        R::InvalidTopicException => {
            "The request attempted to perform an operation on an invalid topic."
        }
        R::LeaderNotAvailable => {
            "There is no leader for this topic-partition as we are in the middle of a leadership election."
        }
        R::NotLeaderOrFollower => {
            "For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition."
        }
        R::RequestTimedOut => "The request timed out.",
        R::BrokerNotAvailable => "The broker is not available.",
        R::CoordinatorNotAvailable => "The coordinator is not available.",
        R::CoordinatorLoadInProgress => {
            "The coordinator is loading and hence can't process requests."
        }
        R::NotCoordinator => "This is not the correct coordinator.",
        R::NotController => "This is not the correct controller for this cluster.",
        R::TopicAuthorizationFailed => "Topic authorization failed.",
        R::GroupAuthorizationFailed => "Group authorization failed.",
        R::ClusterAuthorizationFailed => "Cluster authorization failed.",
        R::SaslAuthenticationFailed => "SASL Authentication failed.",
        R::UnsupportedSaslMechanism => "The broker does not support the requested SASL mechanism.",
        R::IllegalSaslState => "Request is not valid given the current SASL state.",
        R::UnsupportedVersion => "The version of API is not supported.",
        R::TopicAlreadyExists => "Topic with this name already exists.",
        R::InvalidPartitions => "Number of partitions is below 1.",
        R::InvalidReplicationFactor => {
            "Replication factor is below 1 or larger than the number of available brokers."
        }
        R::InvalidReplicaAssignment => "Replica assignment is invalid.",
        R::InvalidConfig => "Configuration is invalid.",
        R::InvalidRequest => {
            "This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details."
        }
        R::PolicyViolation => "Request parameters do not satisfy the configured policy.",
        R::SecurityDisabled => "Security features are disabled.",
        R::TopicDeletionDisabled => "Topic deletion is disabled.",
        R::GroupIdNotFound => "The group id does not exist.",
        R::InvalidGroupId => "The configured groupId is invalid.",
        R::ThrottlingQuotaExceeded => "The throttling quota has been exceeded.",
        R::ReassignmentInProgress => "A partition reassignment is in progress.",
        R::NoReassignmentInProgress => "No partition reassignment is in progress.",
        R::UnstableOffsetCommit => "There are unstable offsets that need to be cleared.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_brokers_words_win() {
        let own = StrBytes::from_static_str("Topic 't' already exists.");
        let fault = check(36, Some(&own)).unwrap_err();
        assert_eq!(
            (fault.code().number, &*fault.message),
            (40002, "Topic 't' already exists.")
        );
        let plain = check(3, None).unwrap_err();
        assert_eq!(
            (plain.code().number, &*plain.message),
            (40403, "This server does not host this topic-partition.")
        );
        assert!(check(0, None).is_ok());
    }

    #[test]
    fn what_passes_elsewhere() {
        assert!(matches!(check_moved(41, None), Err(WireError::Moved(_))));
        assert!(matches!(check_moved(36, None), Err(WireError::Kafka(_))));
        assert!(matches!(check_moved(999, None), Err(WireError::Kafka(_))));
    }
}
