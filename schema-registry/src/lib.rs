//! Schema Registry client, wire format, and Avro, JSON Schema and Protobuf schemas.
//!
//! ```text
//! id ──▶ Registry (cache, fail-over) ──▶ Schema, parsed once ──▶ json_to_binary / binary_to_json
//!                                                          └──▶ the sink's converters
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | `schema.registry.url` and what belongs to it → [`RegistryConfig`] |
//! | [`registry`] | the client: schemas by id, version or text; registering |
//! | [`schema`] | a schema with its type, text, references and parsed form |
//! | [`wire`] | magic byte, schema id, Protobuf message indexes |
//! | [`subject`] | names of subjects |
//! | [`avro`], [`json_schema`], [`protobuf`] | the three kinds of schema and their data |
//!
//! What fails is told by [`RegistryError`] (the registry or the way to it), [`SchemaError`] (a schema text) and
//! [`DataError`] (a value that does not fit its schema).
#![forbid(unsafe_code)]

pub mod avro;
mod cache;
pub mod config;
mod error;
pub mod events;
pub mod json_schema;
pub mod protobuf;
pub mod registry;
pub mod schema;
pub mod subject;
mod transport;
pub mod wire;

pub use config::{ConfigProblem, RegistryConfig};
pub use error::{DataError, RegistryError, SchemaError};
pub use registry::{Registered, Registry, Versions};
pub use schema::{Parsed, Reference, Schema, SchemaText, SchemaType};
pub use subject::SubjectNameStrategy;
