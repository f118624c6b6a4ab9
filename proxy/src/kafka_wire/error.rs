//! What can go wrong on a connection to a broker, before Kafka itself has answered.

use std::io;

use thiserror::Error;

use crate::kafka_error::{FaultClass, KafkaFault};

/// A request to a broker that was not answered, or answered with an error code.
#[derive(Debug, Clone, Error)]
pub(crate) enum WireError {
    /// The broker cannot be reached, or broke off.
    #[error("Disconnected: {address}: {reason}")]
    Disconnected {
        /// `host:port`.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// No answer in time.
    #[error("Timed out waiting for a node assignment. Call: {0}")]
    TimedOut(&'static str),
    /// The metadata know no such broker: the Java client would wait for it until it times out.
    #[error("Timed out waiting for a node assignment. Call: {call}")]
    NoSuchBroker {
        /// The broker's id.
        id: i32,
        /// The call, in the Java client's name for it.
        call: &'static str,
    },
    /// The broker and this program have no version of the request in common.
    #[error("The broker does not support {0}")]
    Unsupported(&'static str),
    /// Bytes that are no answer to what was asked.
    #[error("The answer of {address} cannot be read: {reason}")]
    Unreadable {
        /// `host:port`.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The broker refuses who the proxy says it is, or the settings do not say it in a way that works here.
    #[error("{0}")]
    Authentication(String),
    /// Kafka's answer is an error.
    #[error("{0}")]
    Kafka(KafkaFault),
    /// Kafka's answer is an error that passes when another broker is asked, or a little later.
    #[error("{0}")]
    Moved(KafkaFault),
}

/// A request that was not answered.
#[derive(Debug)]
pub(crate) struct Unanswered {
    /// Why.
    pub(crate) error: WireError,
    /// Whether a broker may have got it, and done what it asks for.
    pub(crate) sent: bool,
}

impl WireError {
    /// A connection's failure.
    pub(crate) fn io(address: &str, error: &io::Error) -> Self {
        Self::Disconnected {
            address: address.to_owned(),
            reason: error.to_string(),
        }
    }

    /// An answer that is none.
    pub(crate) fn unreadable(address: &str, reason: impl ToString) -> Self {
        Self::Unreadable {
            address: address.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// Whether asking again, after looking where things are now, may help.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Moved(_) | Self::Disconnected { .. })
    }
}

impl From<KafkaFault> for WireError {
    fn from(fault: KafkaFault) -> Self {
        Self::Kafka(fault)
    }
}

impl From<WireError> for KafkaFault {
    fn from(error: WireError) -> Self {
        let class = match error {
            WireError::Kafka(fault) | WireError::Moved(fault) => return fault,
            WireError::Disconnected { .. }
            | WireError::TimedOut(_)
            | WireError::NoSuchBroker { .. } => FaultClass::Retriable,
            WireError::Unsupported(_) => FaultClass::BadRequest,
            WireError::Unreadable { .. } => FaultClass::Fatal,
            WireError::Authentication(_) => FaultClass::Authentication,
        };
        Self::new(class, error.to_string())
    }
}
