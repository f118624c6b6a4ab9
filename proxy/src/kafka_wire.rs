//! A small Kafka client of our own, for administrative requests and whole batches.
//!
//! ```text
//! admin ─────▶ pool ──────────────▶ connection ──▶ broker
//! producer ──▶ who is to answer     versions, SASL, TLS
//! typed
//! ```
//!
//! librdkafka stays the client for all else; its admin calls lose the brokers' error texts and lack reassignments,
//! replicas' details and access rules of the kind the v3 API shows, and it takes records one by one only
//! ([`produce::batch`](crate::produce::batch)).

mod admin;
mod connection;
mod error;
mod fault;
mod pool;
mod producer;
mod sasl;
#[cfg(feature = "tls")]
mod scram;
mod settings;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use admin::{WireAdmin, log_in};
pub(crate) use producer::{Landed, NotLanded, WireProducer};
pub(crate) use settings::Settings;
