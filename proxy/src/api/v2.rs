//! The v2 API.

pub mod brokers;
pub mod consumer_records;
pub mod consumers;
pub mod partition_records;
pub mod partitions;
pub(crate) mod raw;
pub mod records;
pub mod root;
pub mod topics;
