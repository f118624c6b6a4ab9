//! The stream of user posts: rows of three tables, read at random and posted one at a time.
//!
//! ```text
//!  Source ── row(table, number) ──▶ Emulator ──┬─▶ Console   the three dictionaries, as Python prints them
//!  (synthetic)                       loop      └─▶ ProxyClient  POST /topics/<user>.pin | .geo | .user
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
mod draw;
mod emulator;
mod options;
mod pace;
mod python;
mod retry;
mod row;
mod source;
mod stats;
mod synthetic;
mod table;

pub use emulator::{Emulator, EmulatorError};
pub use options::{Options, OptionsError, ProxyTarget, Target, is_user_id};
pub use pace::Pace;
pub use retry::RetryPolicy;
pub use row::{Cell, DatetimeFormat, Row};
pub use source::{Source, SourceError};
pub use stats::{Acknowledgement, Counts, ErrorKind, Stats};
pub use table::Table;
