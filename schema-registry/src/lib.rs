//! Schema Registry client, wire format, and Avro, JSON Schema and Protobuf schemas.
#![forbid(unsafe_code)]
