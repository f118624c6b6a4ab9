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
//! | [`herder`] | connectors by name: configuration, target state, lifecycle |
//! | `connector` | one connector and its tasks |
//! | `rest` | Kafka Connect's REST API |
//! | [`plugins`] | the plugin classes a worker offers and their properties |
//! | [`status`] | states of connectors and tasks |
//! | [`task`] | the loop from Kafka to S3, a thread per task |
//! | [`config`] | a connector's properties, checked → typed configuration |
//! | [`record`] | records before and after conversion |
//! | [`value`] | Connect's schemas and values |
//! | [`convert`] | converters: bytes → Connect's schema and value |
//! | [`partition`] | partitioners: record → folder |
//! | [`avro`] | Connect's data as Avro |
//! | [`encode`] | formats: records → bytes of an object |
//! | `joda` | dates as Joda-Time writes and reads them |
//! | `file_set` | files that are written side by side: values, keys, headers |
//! | [`schema_change`] | what a record of another schema does to a file |
//! | [`path`] | object names |
//! | [`pipeline`] | a record's way from bytes to encoder |
//! | [`error`] | errors as Connect shows them |
//! | `transform`, `predicate` | Kafka Connect's single message transforms |
//! | `dead_letters` | bad records → the dead-letter topic |
//! | [`explain`] | which objects a connector would write for some records |
//! | `stored`, `written` | objects that a connector has written, looked at |
//! | [`validate`] | everything that is wrong with a connector file |
//! | [`apply`], [`trial`] | a running cluster's connectors made what files declare; a record posted and found in S3 |
//! | [`rest_client`] | what these two ask with |
#![forbid(unsafe_code)]

pub mod apply;
mod assignment;
pub mod avro;
pub mod budget;
mod commit;
pub mod config;
mod connector;
mod consume;
pub mod convert;
mod date_format;
mod dead_letters;
pub mod encode;
pub mod error;
mod events;
pub mod explain;
mod file_set;
mod file_trace;
mod gap;
pub mod herder;
mod joda;
pub mod metrics;
mod open_file;
pub mod partition;
pub mod path;
pub mod pipeline;
pub mod plan;
pub mod plugins;
mod predicate;
pub mod progress;
#[cfg(test)]
mod random_data;
mod rebalance;
pub mod record;
mod rest;
pub mod rest_client;
pub mod rotate;
pub mod schema_change;
mod scratch;
mod spare_buffers;
pub mod status;
mod stored;
pub mod task;
mod task_gauges;
mod topic_partition;
mod transform;
pub mod trial;
mod upload;
pub mod validate;
pub mod value;
pub mod worker;
mod written;
