//! What goes wrong with consumer instances, and the codes it is answered with.

use std::time::Duration;

use thiserror::Error;

use crate::error::{Code, codes};
use crate::kafka_error::KafkaFault;

/// Why a call on `/consumers` fails.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConsumerError {
    /// No such instance, or no longer.
    #[error("Consumer instance not found.")]
    NotFound,
    /// The name is taken in the group.
    #[error("Consumer with specified consumer ID already exists in the specified consumer group.")]
    AlreadyExists,
    /// Records are asked for in another format than the instance's.
    #[error(
        "The requested embedded data format does not match the deserializer for this consumer instance"
    )]
    FormatMismatch,
    /// Something else must be done first, or undone.
    #[error("Illegal state: {0}")]
    IllegalState(String),
    /// A record is not of the instance's format.
    #[error("{0}")]
    Undecodable(String),
    /// A setting out of its range.
    #[error("Invalid consumer configuration. It does not abide by the constraints: {0}")]
    Constraint(String),
    /// A setting that the client refuses.
    #[error("Invalid consumer configuration: {0}")]
    Config(String),
    /// A format nobody knows.
    #[error("Invalid format type.")]
    Format,
    /// A rule on the fields of a body.
    #[error("{0}")]
    Rule(String),
    /// A field that is not what it should be.
    #[error("{0}")]
    Malformed(String),
    /// What the original answers with 500 for: missing fields, no subscription. The text is for the log.
    #[error("Internal Server Error")]
    Unforeseen(&'static str),
    /// As many instances as there may be.
    #[error("Too many consumer instances: {limit} is the limit; delete some, or try again later.")]
    TooMany {
        /// How many there may be.
        limit: usize,
        /// Time after which the next one expires, if nobody uses it.
        next_end: Duration,
    },
    /// Another replica of the proxy has the instance now.
    #[error("The consumer instance has moved to another replica of the proxy; try again.")]
    Fenced,
    /// As many readers of partitions as there may be.
    #[error(
        "Too many partitions are being read without a group: {0} is the limit; try again later."
    )]
    TooManyReads(usize),
    /// Kafka's answer.
    #[error("{0}")]
    Kafka(KafkaFault),
}

impl ConsumerError {
    /// The code it is answered with.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotFound => codes::CONSUMER_INSTANCE_NOT_FOUND,
            Self::AlreadyExists => codes::CONSUMER_ALREADY_EXISTS,
            Self::FormatMismatch => codes::CONSUMER_FORMAT_MISMATCH,
            Self::IllegalState(_) => codes::ILLEGAL_STATE,
            Self::Undecodable(_) => codes::SERIALIZATION,
            Self::Constraint(_) => codes::CONSUMER_CONFIG_CONSTRAINT,
            Self::Config(_) => codes::INVALID_CONSUMER_CONFIG,
            Self::Format | Self::Rule(_) => codes::UNPROCESSABLE,
            Self::Malformed(_) => codes::BAD_REQUEST,
            Self::Unforeseen(_) => codes::INTERNAL,
            Self::TooMany { .. } | Self::TooManyReads(_) => codes::TOO_MANY_REQUESTS,
            Self::Fenced => codes::OVERLOADED,
            Self::Kafka(fault) => fault.code(),
        }
    }
}

impl From<KafkaFault> for ConsumerError {
    fn from(fault: KafkaFault) -> Self {
        Self::Kafka(fault)
    }
}
