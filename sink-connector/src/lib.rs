//! The S3 sink and the Kafka Connect worker that runs it.
//!
//! ```text
//!   worker.properties, connector files                      REST clients
//!               │                                                │
//!            worker ── starts ──▶ rest ── asks ──▶ herder (connectors, target states)
//!                                                        │ starts, pauses, stops
//!                                                  connector ── one per name
//!                                                        │ tasks.max of them, a thread each
//!                                                      task
//!  Kafka ─▶ consume ─▶ convert ─▶ partition ─▶ open_file (encode) ─▶ upload ─▶ S3
//!             ▲                                    │ rotate decides, budget bounds        │
//!             └──────────── commit ◀──────────── plan ◀──────────────────────────────────┘
//! ```
//!
//! The rule that everything serves: the committed offset of a topic-partition never passes a record that is not in
//! a completed object, dead-lettered, or skipped by rule.
//!
//! | module | what it is |
//! |---|---|
//! | [`worker`] | worker properties, and the worker: listeners, herder, start and stop |
//! | [`status`] | states of connectors and tasks |
//! | [`task`] | the loop from Kafka to S3, a thread per task |
//! | [`config`] | a connector's properties, checked → typed configuration |
//! | [`record`] | records before and after conversion |
//! | [`value`] | Connect's schemas and values |
//! | [`convert`] | converters: bytes → Connect's schema and value |
//! | [`partition`] | partitioners: record → folder |
//! | [`encode`] | formats: records → bytes of an object |
//! | [`path`] | object names |
//! | [`pipeline`] | a record's way from bytes to encoder |
//! | [`error`] | errors as Connect shows them |
#![forbid(unsafe_code)]

pub mod budget;
pub mod config;
pub mod convert;
pub mod encode;
pub mod error;
pub mod metrics;
pub mod partition;
pub mod path;
pub mod pipeline;
pub mod record;
pub mod status;
pub mod task;
pub mod value;
pub mod worker;
