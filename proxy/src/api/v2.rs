//! The v2 API.

pub mod brokers;
pub mod consumer_records;
pub mod consumers;
pub mod partitions;
pub mod records;
pub mod root;
pub mod topics;
