//! What goes wrong with a call of Kinesis, under the names that Kinesis has for it. SDKs go by the name.
//!
//! In: faults of the layers below. Out: a [`Fault`]; [`crate::respond`] makes the answer.

use std::time::Duration;

use http::StatusCode;

use crate::admission;
use crate::consumer::ConsumerError;
use crate::error::{Error, codes};
use crate::kafka_error::{FaultClass, KafkaFault};
use crate::produce::RecordError;

/// The name of "too much at once", which SDKs wait and try again after.
pub(crate) const THROTTLED: &str = "ProvisionedThroughputExceededException";

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `__type`.
    pub(crate) name: &'static str,
    /// The status.
    pub(crate) status: StatusCode,
    /// What the client is told.
    pub(crate) message: String,
    /// Seconds after which it is worth trying again.
    pub(crate) retry_after: Option<u32>,
}

impl Fault {
    /// A mistake of the client's.
    pub(crate) fn client(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            retry_after: None,
        }
    }

    /// A value that breaks a rule, in Kinesis' words.
    pub(crate) fn invalid(place: &str, rule: &str) -> Self {
        let message = format!(
            "1 validation error detected: Value at '{place}' failed to satisfy constraint: {rule}"
        );
        Self::client("ValidationException", message)
    }

    /// An argument that makes no sense here.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::client("InvalidArgumentException", message)
    }

    /// A stream, or a shard, that is not there.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::client("ResourceNotFoundException", message)
    }

    /// A body that is not the expected JSON. The parser's words, which may show a piece of the body, are cut.
    pub(crate) fn serialization(error: &serde_json::Error) -> Self {
        let shown: String = error.to_string().chars().take(200).collect();
        Self::client("SerializationException", shown)
    }

    fn denied(message: impl Into<String>) -> Self {
        Self::client("AccessDeniedException", message)
    }

    fn internal(message: impl Into<String>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self {
            status,
            ..Self::client("InternalFailure", message)
        }
    }

    fn unavailable(message: impl Into<String>, retry_after: Option<u32>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let retry_after = retry_after.or(Some(1));
        Self {
            status,
            retry_after,
            ..Self::client("ServiceUnavailable", message)
        }
    }

    fn throttled(message: impl Into<String>, retry_after: Option<u32>) -> Self {
        Self {
            retry_after,
            ..Self::client(THROTTLED, message)
        }
    }
}

impl From<KafkaFault> for Fault {
    fn from(fault: KafkaFault) -> Self {
        let message = fault.message.into_owned();
        match fault.class {
            FaultClass::UnknownTopicOrPartition | FaultClass::NoTopic | FaultClass::NoPartition => {
                Self::not_found(message)
            }
            FaultClass::Authorization => Self::denied(message),
            FaultClass::Throttled | FaultClass::QueueFull => Self::throttled(message, None),
            FaultClass::TooLarge => Self::client("ValidationException", message),
            FaultClass::BadRequest => Self::argument(message),
            FaultClass::Retriable => Self::unavailable(message, None),
            FaultClass::Authentication | FaultClass::Fatal => Self::internal(message),
        }
    }
}

impl From<RecordError> for Fault {
    fn from(error: RecordError) -> Self {
        let message = error.message.into_owned();
        match error.strict {
            code if code == codes::TOPIC_NOT_FOUND || code == codes::PARTITION_NOT_FOUND => {
                Self::not_found(message)
            }
            code if code == codes::PAYLOAD_TOO_LARGE => {
                Self::client("ValidationException", message)
            }
            code if code == codes::KAFKA_AUTHORIZATION => Self::denied(message),
            code if code.status == StatusCode::TOO_MANY_REQUESTS => Self::throttled(message, None),
            code if code == codes::BROKER_NOT_AVAILABLE => Self::unavailable(message, None),
            _ => Self::internal(message),
        }
    }
}

impl From<ConsumerError> for Fault {
    fn from(error: ConsumerError) -> Self {
        match error {
            ConsumerError::Kafka(fault) => fault.into(),
            ConsumerError::TooManyReads(_) => Self::throttled(error.to_string(), Some(1)),
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        let (message, wait) = (error.to_string(), error.retry_after());
        match error {
            Error::Kafka(fault) => fault.clone().into(),
            Error::Consumer(error) => error.clone().into(),
            Error::Backpressure { .. } => Self::throttled(message, wait),
            Error::Forbidden(_) | Error::GatewayForbidden => Self::denied(message),
            Error::Unauthenticated { .. } => Self::client(
                "MissingAuthenticationTokenException",
                "The request has no credentials that are accepted here.",
            ),
            Error::RateLimited(wait) => throttling(message, *wait),
            Error::GatewayThrottled | Error::GatewayQuota => {
                throttling(message, Duration::from_secs(1))
            }
            Error::BodyTooLarge(_) => Self {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                ..Self::client("RequestEntityTooLargeException", message)
            },
            Error::BodyTimeout => Self {
                status: StatusCode::REQUEST_TIMEOUT,
                ..Self::client("RequestTimeoutException", message)
            },
            other => match other.code().status {
                StatusCode::SERVICE_UNAVAILABLE => Self::unavailable(message, wait),
                status if status.is_server_error() => Self::internal(message),
                _ => Self::argument(message),
            },
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

fn throttling(message: String, wait: Duration) -> Fault {
    let retry_after = Some(admission::seconds(wait));
    Fault {
        retry_after,
        ..Fault::client("ThrottlingException", message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka_error::fault;
    use rdkafka::types::RDKafkaErrorCode as K;

    #[test]
    fn kafkas_faults_have_kinesis_names() {
        for (code, name, status) in [
            (K::UnknownTopicOrPartition, "ResourceNotFoundException", 400),
            (K::TopicAuthorizationFailed, "AccessDeniedException", 400),
            (K::QueueFull, THROTTLED, 400),
            (K::MessageSizeTooLarge, "ValidationException", 400),
            (K::AllBrokersDown, "ServiceUnavailable", 503),
            (K::InvalidRecord, "InternalFailure", 500),
        ] {
            let whole = Fault::from(fault(code, "t"));
            assert_eq!(
                (whole.name, whole.status.as_u16()),
                (name, status),
                "{code:?}"
            );
            let record = Fault::from(RecordError::from(fault(code, "t")));
            assert_eq!(record.name, name, "{code:?} of a record");
        }
        let full = Error::Backpressure {
            in_flight: 1,
            retry_after: 7,
        };
        assert_eq!(Fault::from(full).retry_after, Some(7));
    }
}
