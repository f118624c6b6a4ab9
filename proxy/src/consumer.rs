//! Consumer instances: v2's stateful half.
//!
//! ```text
//! api/v2/consumers ─▶ manager ─▶ instance ─▶ reader ─┬─ subscription │ position │ offsets
//!                     names       a lock              └─ read ─▶ pending ─▶ the answer's bytes
//! ```
//!
//! Each instance that reads has a client of librdkafka (its threads: two, and one a broker), made with the first read and
//! ended when nothing is chosen any longer. It reads without a thread of its own: the client wakes the read that waits for
//! it. What blocks (commits, seeks, closing) runs on the runtime's blocking threads,
//! at most `consumer.threads` at once.

mod assignments;
mod callbacks;
mod client;
pub mod error;
mod fields;
mod group_member;
pub mod include;
pub mod instance;
pub mod java_order;
pub mod manager;
pub mod metrics;
mod offsets;
pub mod options;
pub(crate) mod overview;
pub(crate) mod partition_read;
mod partitions;
pub(crate) mod pending;
pub mod places;
mod position;
pub(crate) mod read;
mod reader;
pub mod readers;
mod record_json;
pub(crate) mod requests;
pub(crate) mod restore;
mod subscription;
mod unheard;

pub use error::ConsumerError;
pub use instance::Instance;
pub use manager::Consumers;
pub(crate) use pending::Taken;
pub(crate) use reader::Reader;
