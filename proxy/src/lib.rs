//! Sluiceway's REST proxy: a drop-in for Confluent's Kafka REST Proxy.
//!
//! ```text
//! accept ──▶ HTTP/1.1 │ h2c ──▶ router ──▶ layers ──▶ media types ──▶ handler
//! server     server             router     stack      dispatch        api::v2
//!
//! a produce request:
//! body ──▶ envelope ──▶ format ──▶ topics ──▶ admission ──▶ producer_pool ──▶ tracker ──▶ respond
//!          one pass,    json │     exists?    bytes in      one idempotent    a slot per
//!          no tree      base64                flight        producer          record
//!
//! a read of records:
//! librdkafka ──▶ reader ──▶ format ──▶ pending ──▶ respond        consumer/: one client an instance, woken, not
//!                drain      json │     the body's                 polled; a lock an instance
//!                           base64     bytes
//!
//! beyond the original:
//! raw (bodies without an envelope) │ envelope::extras (headers, times) │ prefer (strict statuses) │ decompress
//! sse (events) │ consumer::partition_read (without a group) │ openapi (the API's description) │ kinesis (AWS SDKs)
//! ```
//!
//! Every layer has its own errors; [`respond`] alone turns them into responses. What is logged and counted together is
//! in [`events`]. Start with [`Proxy::start`].
#![forbid(unsafe_code)]

pub mod admin_client;
pub mod admission;
pub mod api;
pub mod app;
pub mod auth;
pub mod base_url;
pub mod body;
pub mod client_context;
pub mod cluster_admin;
pub mod coerce;
pub mod config;
pub mod config_keys;
pub mod connections;
pub mod consumer;
mod decimal;
pub mod decompress;
pub mod dispatch;
pub mod entity;
pub mod envelope;
pub mod error;
pub mod events;
pub mod format;
#[doc(hidden)]
pub mod fuzzing;
pub mod health;
pub mod idempotency;
pub mod instant;
mod kafka_clients;
pub mod kafka_error;
mod kafka_wire;
pub mod keep_alive;
pub mod kinesis;
pub mod layer;
pub mod limit;
pub mod media;
pub mod metrics;
pub mod openapi;
pub mod peers;
pub mod prefer;
pub mod produce;
pub mod producer_pool;
mod proxy;
pub mod rate_limit;
mod raw;
pub mod record_request;
mod request_span;
pub mod respond;
pub mod router;
pub mod schemas;
pub mod server;
pub mod sse;
pub mod stack;
mod stage;
pub mod stream;
mod topic_creation;
pub mod topics;
mod trace_context;
pub mod tracker;

pub use config::Config;
pub use proxy::{Proxy, StartError};
