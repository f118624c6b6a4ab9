//! Confluent's error codes, and the one error type that handlers return.
//!
//! A [`Code`] is a five-digit (or plain HTTP) `error_code` with the status it is sent with. [`Error`] says what went
//! wrong in the terms of the layer that noticed it; only [`crate::respond`] turns it into a response.

use std::time::Duration;

use http::StatusCode;
use thiserror::Error;

use crate::admission;
use crate::consumer::ConsumerError;
use crate::envelope::EnvelopeError;
use crate::format::SerializeError;
use crate::idempotency::IdempotencyError;
use crate::kafka_error::KafkaFault;
use crate::produce::RecordError;
use crate::schemas::SchemaFault;

/// An `error_code` of the REST Proxy and the HTTP status that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The number in the body.
    pub number: u32,
    /// The status of the response.
    pub status: StatusCode,
}

impl Code {
    const fn new(number: u32, status: StatusCode) -> Self {
        Self { number, status }
    }
}

/// The whole table, v2 and v3.
pub mod codes {
    use super::{Code, StatusCode as S};

    /// Malformed JSON, wrong types, undecodable values.
    pub const BAD_REQUEST: Code = Code::new(400, S::BAD_REQUEST);
    /// What Kafka itself rejects.
    pub const KAFKA_BAD_REQUEST: Code = Code::new(40002, S::BAD_REQUEST);
    /// The client could not prove who it is.
    pub const UNAUTHORIZED: Code = Code::new(401, S::UNAUTHORIZED);
    /// The proxy (or its client) could not authenticate to Kafka.
    pub const KAFKA_AUTHENTICATION: Code = Code::new(40101, S::UNAUTHORIZED);
    /// Kafka's access rules forbid it.
    pub const KAFKA_AUTHORIZATION: Code = Code::new(40301, S::FORBIDDEN);
    /// Only for replicas of the proxy.
    pub const FORBIDDEN: Code = Code::new(403, S::FORBIDDEN);
    /// No such path.
    pub const NOT_FOUND: Code = Code::new(404, S::NOT_FOUND);
    /// The topic is unknown (seldom used: see [`UNKNOWN_TOPIC_OR_PARTITION`]).
    pub const TOPIC_NOT_FOUND: Code = Code::new(40401, S::NOT_FOUND);
    /// The topic exists, the partition does not.
    pub const PARTITION_NOT_FOUND: Code = Code::new(40402, S::NOT_FOUND);
    /// Unknown or expired consumer instance.
    pub const CONSUMER_INSTANCE_NOT_FOUND: Code = Code::new(40403, S::NOT_FOUND);
    /// The usual answer for an unknown topic; shares its number with unknown consumer instances.
    pub const UNKNOWN_TOPIC_OR_PARTITION: Code = Code::new(40403, S::NOT_FOUND);
    /// A partition has no leader.
    pub const LEADER_NOT_AVAILABLE: Code = Code::new(40404, S::NOT_FOUND);
    /// The path exists, the method does not.
    pub const METHOD_NOT_ALLOWED: Code = Code::new(405, S::METHOD_NOT_ALLOWED);
    /// No acceptable media type.
    pub const NOT_ACCEPTABLE: Code = Code::new(406, S::NOT_ACCEPTABLE);
    /// Records read in another format than the instance's.
    pub const CONSUMER_FORMAT_MISMATCH: Code = Code::new(40601, S::NOT_ACCEPTABLE);
    /// The body did not arrive in time.
    pub const REQUEST_TIMEOUT: Code = Code::new(408, S::REQUEST_TIMEOUT);
    /// A record cannot be decoded in the instance's format.
    pub const SERIALIZATION: Code = Code::new(40801, S::REQUEST_TIMEOUT);
    /// Subscribed to something else already.
    pub const CONSUMER_ALREADY_SUBSCRIBED: Code = Code::new(40901, S::CONFLICT);
    /// The instance's name is taken.
    pub const CONSUMER_ALREADY_EXISTS: Code = Code::new(40902, S::CONFLICT);
    /// Subscription and assignment exclude one another.
    pub const ILLEGAL_STATE: Code = Code::new(40903, S::CONFLICT);
    /// The body is larger than the limit.
    pub const PAYLOAD_TOO_LARGE: Code = Code::new(413, S::PAYLOAD_TOO_LARGE);
    /// The body's media type is not read here.
    pub const UNSUPPORTED_MEDIA_TYPE: Code = Code::new(415, S::UNSUPPORTED_MEDIA_TYPE);
    /// The partition does not have the offset (only without a group).
    pub const OFFSET_OUT_OF_RANGE: Code = Code::new(416, S::RANGE_NOT_SATISFIABLE);
    /// Well-formed JSON that breaks a rule.
    pub const UNPROCESSABLE: Code = Code::new(422, S::UNPROCESSABLE_ENTITY);
    /// A consumer setting out of range; its number does not start with its status.
    pub const CONSUMER_CONFIG_CONSTRAINT: Code = Code::new(40001, S::UNPROCESSABLE_ENTITY);
    /// Keys without a key schema.
    pub const KEY_SCHEMA_MISSING: Code = Code::new(42201, S::UNPROCESSABLE_ENTITY);
    /// Values without a value schema.
    pub const VALUE_SCHEMA_MISSING: Code = Code::new(42202, S::UNPROCESSABLE_ENTITY);
    /// JSON that does not fit the schema (kept for completeness; answered as [`BAD_REQUEST`]).
    pub const JSON_CONVERSION: Code = Code::new(42203, S::UNPROCESSABLE_ENTITY);
    /// A consumer setting that the client refuses.
    pub const INVALID_CONSUMER_CONFIG: Code = Code::new(42204, S::UNPROCESSABLE_ENTITY);
    /// A schema that cannot be parsed.
    pub const INVALID_SCHEMA: Code = Code::new(42205, S::UNPROCESSABLE_ENTITY);
    /// The payload as a whole is wrong.
    pub const INVALID_PAYLOAD: Code = Code::new(42206, S::UNPROCESSABLE_ENTITY);
    /// The schema registry refused or failed.
    pub const MESSAGE_SERIALIZATION: Code = Code::new(42207, S::UNPROCESSABLE_ENTITY);
    /// A bad batch.
    pub const BATCH: Code = Code::new(42208, S::UNPROCESSABLE_ENTITY);
    /// Too much at once.
    pub const TOO_MANY_REQUESTS: Code = Code::new(429, S::TOO_MANY_REQUESTS);
    /// Kafka throttles.
    pub const KAFKA_THROTTLED: Code = Code::new(42901, S::TOO_MANY_REQUESTS);
    /// The request's header is larger than the limit.
    pub const HEADER_TOO_LARGE: Code = Code::new(431, S::REQUEST_HEADER_FIELDS_TOO_LARGE);
    /// Anything unforeseen.
    pub const INTERNAL: Code = Code::new(500, S::INTERNAL_SERVER_ERROR);
    /// A Kafka error that trying again will not cure.
    pub const KAFKA: Code = Code::new(50002, S::INTERNAL_SERVER_ERROR);
    /// A Kafka error that may pass, time-outs among them.
    pub const KAFKA_RETRIABLE: Code = Code::new(50003, S::INTERNAL_SERVER_ERROR);
    /// What Kafka here cannot do.
    pub const NOT_IMPLEMENTED: Code = Code::new(501, S::NOT_IMPLEMENTED);
    /// Brokers offer only TLS (kept for completeness).
    pub const NO_SSL: Code = Code::new(50101, S::INTERNAL_SERVER_ERROR);
    /// No simple consumer is free (kept for completeness).
    pub const NO_SIMPLE_CONSUMER: Code = Code::new(50301, S::SERVICE_UNAVAILABLE);
    /// The broker is not there.
    pub const BROKER_NOT_AVAILABLE: Code = Code::new(50302, S::SERVICE_UNAVAILABLE);
    /// The proxy serves as many requests as it may.
    pub const OVERLOADED: Code = Code::new(503, S::SERVICE_UNAVAILABLE);
    /// The request took longer than it may.
    pub const GATEWAY_TIMEOUT: Code = Code::new(504, S::GATEWAY_TIMEOUT);
}

/// What went wrong with a request.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// No resource has this path.
    #[error("HTTP 404 Not Found")]
    NoSuchPath,
    /// The resource has no such method.
    #[error("HTTP 405 Method Not Allowed")]
    NoSuchMethod,
    /// A path parameter is not of its type; the resource is known by then, so the body has a media type.
    #[error("HTTP 404 Not Found")]
    PathParameter,
    /// None of the acceptable media types is offered.
    #[error("HTTP 406 Not Acceptable")]
    NotAcceptable,
    /// The body's media type is not read here.
    #[error("HTTP 415 Unsupported Media Type")]
    UnsupportedMediaType,
    /// The body is compressed in a way that is not read here.
    #[error("The Content-Encoding is not read here: {0}. Known are gzip and zstd, one at a time.")]
    UnsupportedEncoding(String),
    /// A media type header that cannot be parsed.
    #[error("malformed media type")]
    MalformedMediaType,
    /// The body's media type must be told, and is not.
    #[error("HTTP 400 Bad Request")]
    NoMediaType,
    /// The body is not the expected JSON, in Jackson's words.
    #[error("{0}")]
    Malformed(String),
    /// A field nobody knows.
    #[error("Unrecognized field: {0}")]
    UnknownField(String),
    /// The schema of a key or value cannot be had.
    #[error(transparent)]
    Schema(#[from] SchemaFault),
    /// A batch of v3 that breaks a rule.
    #[error("{0}")]
    Batch(&'static str),
    /// The body is not the expected JSON.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A key or value cannot be turned into its format.
    #[error(transparent)]
    Serialize(#[from] SerializeError),
    /// A negative partition number in a record or a path.
    #[error("Internal Server Error")]
    NegativePartition,
    /// The topic exists, the partition does not.
    #[error("Partition not found.")]
    PartitionNotFound,
    /// Something v3 was asked for is not there.
    #[error("HTTP 404 Not Found")]
    NotFound,
    /// The same, in words of its own.
    #[error("{0}")]
    NotFoundAs(String),
    /// A v3 request breaks a rule of its own.
    #[error("{0}")]
    BadRequest(String),
    /// A v3 request's body as a whole is wrong.
    #[error("Payload error. {0}")]
    InvalidPayload(&'static str),
    /// Kafka's answer.
    #[error("{0}")]
    Kafka(KafkaFault),
    /// A record with an `Idempotency-Key` was not taken by Kafka, so that none of its request was written.
    #[error("{} Nothing of the request was written.", .0.message)]
    Lost(RecordError),
    /// A request with an `Idempotency-Key` is not answered.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// A consumer instance says no.
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
    /// The request's line and headers are too large.
    #[error("HTTP 431 Request Header Fields Too Large")]
    HeaderTooLarge,
    /// The body is too large; the limit in bytes.
    #[error(
        "The request body is larger than {0} bytes, which is the value of the sluiceway.request.max.bytes configuration."
    )]
    BodyTooLarge(usize),
    /// The body is one record, and larger than records may be; the limit in bytes.
    #[error(
        "The body is one record and larger than {0} bytes, which is the value of the max.request.size configuration."
    )]
    RecordTooLarge(usize),
    /// A line of a body of lines is larger than a record may be.
    #[error(
        "Line {line} of the body, or one behind it, is larger than {limit} bytes, which is the value of the max.request.size configuration."
    )]
    LineTooLarge {
        /// The first line that it may be.
        line: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The body has more records than one request may bring.
    #[error(
        "The body has more than {0} records, which is the value of the sluiceway.raw.lines.max configuration."
    )]
    TooManyLines(usize),
    /// The body did not arrive in time, or not to its end.
    #[error("Timeout while reading from inputStream")]
    BodyTimeout,
    /// The client broke off in mid-body.
    #[error("the request body ended early: {0}")]
    BodyAborted(String),
    /// More bytes are on their way to Kafka than the budget allows.
    #[error(
        "Too many requests: {in_flight} bytes are waiting for Kafka, which is the limit; try again later."
    )]
    Backpressure {
        /// Bytes in flight.
        in_flight: usize,
        /// Seconds until they will have left, as far as can be told.
        retry_after: u32,
    },
    /// More requests than may be served at once.
    #[error("Too many requests are being served; try again later.")]
    Overloaded {
        /// Seconds until what is on its way to Kafka will have left, as far as can be told.
        retry_after: u32,
    },
    /// No broker answers, and the client prefers to know at once.
    #[error("Kafka is not reachable: {reason}")]
    Unavailable {
        /// What the Kafka client says.
        reason: String,
        /// Seconds until what is on its way to Kafka may have left.
        retry_after: u32,
    },
    /// As many event streams as there may be.
    #[error("Too many event streams are open: {limit} is the limit; try again later.")]
    TooManyStreams {
        /// How many there may be.
        limit: usize,
        /// Time after which the oldest ends at the latest.
        next_end: Duration,
    },
    /// The offset is not, or no longer, in the partition.
    #[error(
        "Offset {offset} is out of range: partition {partition} of topic {topic} has the offsets from {beginning} up to, not including, {end}."
    )]
    OffsetOutOfRange {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset asked for.
        offset: i64,
        /// First offset that can be read.
        beginning: i64,
        /// Offset of the next record.
        end: i64,
    },
    /// The request took longer than `request.timeout.ms`.
    #[error(
        "The request took longer than {0} ms, which is the value of the request.timeout.ms configuration."
    )]
    Deadline(u64),
    /// A request says that a replica sent it, and cannot prove it.
    #[error(
        "The header Sluiceway-Peer is for replicas of this proxy, which share the sluiceway.peers.secret configuration."
    )]
    NotAPeer,
    /// A consumer instance is on its way from one replica to another, or a replica does not answer.
    #[error("Another replica of the proxy is needed: {0}; try again later.")]
    Unreachable(String),
    /// Nobody is known by the credentials, or there are none.
    #[error("Unauthorized")]
    Unauthenticated {
        /// The realm, when a user name and password would do.
        basic: Option<String>,
    },
    /// Whoever it is may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The identity provider does not answer.
    #[error("The identity provider cannot be asked now; try again later.")]
    IdentityProvider,
    /// As many principals use Kafka by their own credentials as may.
    #[error(
        "Too many principals use Kafka here by their own credentials: {0} is the limit; try again later."
    )]
    TooManyCallers(usize),
    /// No API key, or an unknown one.
    #[error("Forbidden")]
    GatewayForbidden,
    /// The usage plan's rate.
    #[error("Too Many Requests")]
    GatewayThrottled,
    /// The usage plan's quota.
    #[error("Limit Exceeded")]
    GatewayQuota,
    /// More than a limit on rates allows; the time after which it is worth trying again.
    #[error(
        "Request rate limit exceeded: The rate limit of requests per second has been exceeded."
    )]
    RateLimited(Duration),
    /// A defect of the proxy.
    #[error("Internal Server Error")]
    Internal,
}

/// Whether a status says that the same request may succeed later.
#[must_use]
pub fn retry_later(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    )
}

impl From<KafkaFault> for Error {
    fn from(fault: KafkaFault) -> Self {
        Self::Kafka(fault)
    }
}

impl Error {
    /// Seconds after which it is worth trying again, for what has that in it (429, 503).
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Backpressure { retry_after, .. }
            | Self::Overloaded { retry_after }
            | Self::Unavailable { retry_after, .. } => Some(*retry_after),
            Self::TooManyStreams { next_end, .. }
            | Self::Consumer(ConsumerError::TooMany { next_end, .. })
            | Self::Idempotency(IdempotencyError::TooMany { next_end, .. }) => {
                Some(admission::seconds(*next_end))
            }
            other => retry_later(other.code().status).then_some(1),
        }
    }

    /// The code it is answered with.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NoSuchPath | Self::PathParameter | Self::NotFound | Self::NotFoundAs(_) => {
                codes::NOT_FOUND
            }
            Self::BadRequest(_) => codes::BAD_REQUEST,
            Self::InvalidPayload(_) => codes::INVALID_PAYLOAD,
            Self::NoSuchMethod => codes::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => codes::NOT_ACCEPTABLE,
            Self::UnsupportedMediaType | Self::UnsupportedEncoding(_) => {
                codes::UNSUPPORTED_MEDIA_TYPE
            }
            Self::MalformedMediaType
            | Self::NoMediaType
            | Self::Malformed(_)
            | Self::BodyAborted(_)
            | Self::Serialize(_) => codes::BAD_REQUEST,
            Self::UnknownField(_) => codes::UNPROCESSABLE,
            Self::Batch(_) => codes::BATCH,
            Self::Schema(fault) => fault.code(),
            Self::Envelope(error) if error.is_rule() => codes::UNPROCESSABLE,
            Self::Envelope(_) => codes::BAD_REQUEST,
            Self::PartitionNotFound => codes::PARTITION_NOT_FOUND,
            Self::Kafka(fault) => fault.code(),
            Self::Lost(error) => error.code,
            Self::Idempotency(error) => error.code(),
            Self::Consumer(error) => error.code(),
            Self::HeaderTooLarge => codes::HEADER_TOO_LARGE,
            Self::BodyTooLarge(_)
            | Self::RecordTooLarge(_)
            | Self::LineTooLarge { .. }
            | Self::TooManyLines(_) => codes::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => codes::REQUEST_TIMEOUT,
            Self::OffsetOutOfRange { .. } => codes::OFFSET_OUT_OF_RANGE,
            Self::TooManyStreams { .. } | Self::Backpressure { .. } => codes::TOO_MANY_REQUESTS,
            Self::Overloaded { .. }
            | Self::Unreachable(_)
            | Self::IdentityProvider
            | Self::TooManyCallers(_) => codes::OVERLOADED,
            Self::Unavailable { .. } => codes::BROKER_NOT_AVAILABLE,
            Self::Unauthenticated { .. } => codes::UNAUTHORIZED,
            Self::Forbidden(_) => codes::KAFKA_AUTHORIZATION,
            Self::NotAPeer | Self::GatewayForbidden => codes::FORBIDDEN,
            Self::GatewayThrottled | Self::GatewayQuota | Self::RateLimited(_) => {
                codes::TOO_MANY_REQUESTS
            }
            Self::Deadline(_) => codes::GATEWAY_TIMEOUT,
            Self::NegativePartition | Self::Internal => codes::INTERNAL,
        }
    }
}
