//! A small Kafka client of our own, for administrative requests.
//!
//! ```text
//! admin ──▶ pool ──────────────▶ connection ──▶ broker
//! typed     who is to answer     versions, SASL, TLS
//! ```
//!
//! librdkafka stays the client for records; its admin calls lose the brokers' error texts and lack reassignments,
//! replicas' details and access rules of the kind the v3 API shows.

mod admin;
mod connection;
mod error;
mod fault;
mod pool;
mod sasl;
#[cfg(feature = "tls")]
mod scram;
mod settings;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use admin::{WireAdmin, log_in};
