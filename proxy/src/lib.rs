//! Head.
#![forbid(unsafe_code)]
pub mod coerce;
pub mod envelope;
pub mod error;
pub mod format;
pub mod kafka_error;
pub mod media;
pub mod config;
pub mod config_keys;
