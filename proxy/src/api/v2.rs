//! The v2 API.

pub mod brokers;
pub mod consumer_records;
pub mod consumers;
mod offsets;
pub mod partition_records;
pub mod partitions;
pub(crate) mod raw;
mod raw_lines;
pub mod records;
pub mod root;
pub mod topics;
