//! What can fail between a record's bytes, its schema and the registry.

use thiserror::Error;

/// The registry refused, or could not be asked.
#[derive(Debug, Clone, Error)]
pub enum RegistryError {
    /// The registry answered with an error. The text is that of Confluent's client.
    #[error("{message}; error code: {error_code}")]
    Response {
        /// HTTP status.
        status: u16,
        /// The registry's own code (40401 subject, 40402 version, 40403 schema not found, 409, 42201 …); the status
        /// when the body holds none, 50005 when the body is no JSON.
        error_code: u32,
        /// The registry's message; of a body that is no JSON, its beginning.
        message: String,
    },
    /// No URL could be reached.
    #[error("{reason}")]
    Unreachable {
        /// The URL tried last, without credentials.
        url: String,
        /// What the network said (`Connection refused` …).
        reason: String,
    },
    /// No answer in time.
    #[error("no answer from {url} within {millis} ms")]
    TimedOut {
        /// The URL tried last, without credentials.
        url: String,
        /// The time-out, in milliseconds.
        millis: u64,
    },
    /// The answer is not one of a registry.
    #[error("unexpected answer from {url}: {reason}")]
    BadAnswer {
        /// The URL asked, without credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The schema of the answer cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

impl RegistryError {
    /// Whether the registry says that there is no such subject, version or schema.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Response { status: 404, .. })
    }

    /// The registry's own error code, when it answered.
    #[must_use]
    pub fn error_code(&self) -> Option<u32> {
        match self {
            Self::Response { error_code, .. } => Some(*error_code),
            _ => None,
        }
    }

    /// Whether asking again (or elsewhere) may help: no answer, or a 5xx.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Response { status, .. } => *status >= 500,
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::BadAnswer { .. } => true,
            Self::Schema(_) => false,
        }
    }
}

/// A schema text that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchemaError {
    /// The text is no schema of its type.
    #[error("{0}")]
    Invalid(String),
    /// `schemaType` is none of AVRO, JSON, PROTOBUF.
    #[error("Invalid schema type {0}")]
    UnknownType(String),
    /// Another type of schema was needed.
    #[error("the schema is of type {found}, not {expected}")]
    WrongType {
        /// The type needed.
        expected: crate::SchemaType,
        /// The type it has.
        found: crate::SchemaType,
    },
    /// The text or its nesting is beyond the limits.
    #[error("the schema has {what} above the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A reference leads nowhere.
    #[error("No schema reference found for subject \"{subject}\" and version {version}")]
    MissingReference {
        /// Subject of the reference.
        subject: String,
        /// Version of the reference.
        version: i32,
    },
}

/// A value that does not fit its schema, or bytes that are no value of it. The texts are those of the Java libraries
/// that Confluent's programs use, because clients show them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DataError {
    /// The value does not fit the schema.
    #[error("{0}")]
    Mismatch(String),
    /// The bytes end before the value does (Java's `EOFException`).
    #[error("unexpected end of data")]
    UnexpectedEnd,
    /// The bytes are no value of the schema.
    #[error("{0}")]
    Malformed(String),
    /// The text given as JSON is none.
    #[error("{0}")]
    Json(#[from] sluiceway_common::json::JsonError),
    /// Arrays, maps and records inside one another beyond the limit.
    #[error("the value is nested deeper than {0}")]
    TooDeep(usize),
}
