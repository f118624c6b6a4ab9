//! The v2 API.

pub mod brokers;
pub mod partitions;
pub mod records;
pub mod root;
pub mod topics;
