//! The stream of user posts: rows of three tables, read at random and posted one at a time.
//!
//! ```text
//!  Source ── row(table, number) ──▶ Emulator ──┬─▶ Console   the three dictionaries, as Python prints them
//!  (synthetic, MySQL)                loop      ├─▶ Sender  POST /topics/<user>.pin | .geo | .user
//!                                              └─▶ Sender  PUT /streams/streaming-<user>-pin/record | an SDK's PutRecord
//!                                                      │
//!                                                   Stats ◀── acknowledged (topic, partition, offset), errors by kind
//! ```
//!
//! One *post* is one row number of `pinterest_data`, `geolocation_data` and `user_data`: three
//! requests with a single record each. Rows are addressed by (seed, table, row number), and post
//! number *n* of a seed always takes the same row, so that whoever knows the seed can tell what
//! every acknowledged record must hold.
//!
//! Delivery is at least once: a request that failed is sent again, and Kafka may then hold the
//! record twice. Nothing is retried without a bound.
#![forbid(unsafe_code)]

mod answer;
mod client;
mod console;
#[cfg(feature = "mysql")]
pub mod database;
mod draw;
mod emulator;
mod options;
mod pace;
mod python;
mod retry;
mod row;
mod source;
mod stats;
mod streams;
mod synthetic;
mod table;

pub use emulator::{Emulator, EmulatorError};
pub use options::{
    KinesisTarget, Options, OptionsError, Protocol, ProxyTarget, SdkKeys, Target, is_user_id,
};
pub use pace::Pace;
pub use retry::RetryPolicy;
pub use row::{Cell, DatetimeFormat, Row};
pub use source::{Source, SourceError};
pub use stats::{Acknowledgement, Counts, ErrorKind, Stats};
pub use table::Table;
