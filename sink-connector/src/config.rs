//! A connector's property map → [`ConnectorConfig`].
//!
//! In: the properties as MSK Connect, a connector file or the REST API give them, and the worker's properties for
//! converters the connector does not name. Out: a validated configuration, or every error at once in Connect's words.
//! Three moments, as in Connect: what [`ConnectorConfig::parse`] refuses is a 400; what
//! [`ConnectorConfig::start_check`] finds lets the connector exist and fail; what [`crate::pipeline::Pipeline::new`]
//! finds fails its tasks.

mod classes;
mod connector;
mod converter;
mod credentials;
mod definition;
mod errors;
mod format;
mod header_converter;
pub(crate) mod java_regex;
pub(crate) mod nulls;
mod object_options;
mod partitioner;
mod provider;
mod rotation;
mod s3;
mod topics;
mod transforms;
mod unsupported;

pub(crate) use classes::STORAGE as STORAGE_CLASS;
pub(crate) use classes::full as full_class;
pub use classes::{FormatClass, PartitionerClass};
pub use converter::{
    AvroConverterConfig, ConverterConfig, Encoding, JsonSchemaConverterConfig,
    ProtobufConverterConfig, RegistryConverter,
};
pub(crate) use converter::{
    option_values as converter_option_values, options as converter_options,
};
pub use credentials::{Credentials, Proxy, Role, StaticKey};
pub(crate) use definition::FRAMEWORK;
pub use definition::definition;
pub use errors::{DeadLetterConfig, ErrorsConfig, Tolerance};
#[cfg(not(feature = "parquet"))]
pub(crate) use format::NO_PARQUET;
pub(crate) use format::PARQUET_CODECS;
pub use format::{
    AvroCodec, AvroOptions, Compression, DecimalFormat, FormatConfig, ParquetCodec, StoredConfig,
};
pub use header_converter::HeaderConverterConfig;
pub(crate) use object_options::ENCRYPTIONS;
pub use object_options::{Encryption, ObjectOptions, Tagging};
pub use partitioner::{PartitionerConfig, SchemaAffix};
pub use provider::Provider;
pub use rotation::{RotationConfig, Schedule};
pub use s3::S3Config;
pub use topics::{TopicPattern, TopicSelector};
pub use transforms::TransformsConfig;
pub(crate) use transforms::{TransformStage, stage_keys as transform_stage_keys};

use std::time::Duration;

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};
use sluiceway_common::props::{Properties, with_prefix};

use crate::error::Exception;
use crate::path::ObjectPath;
use crate::schema_change::SchemaCompatibility;

/// What happens to a record whose value is null (`behavior.on.null.values`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NullValues {
    /// The task fails.
    Fail,
    /// The record is passed over.
    Ignore,
    /// Its key is written.
    Write {
        /// `tombstone.encoded.partition`.
        encoded_partition: String,
    },
}

/// A validated connector configuration.
#[derive(Clone, Debug)]
pub struct ConnectorConfig {
    /// `name`.
    pub name: String,
    /// `tasks.max`: exactly so many tasks are made.
    pub tasks_max: u32,
    /// `topics` or `topics.regex`.
    pub topics: TopicSelector,
    /// `key.converter` and its options.
    pub key_converter: ConverterConfig,
    /// `value.converter` and its options.
    pub value_converter: ConverterConfig,
    /// `header.converter` and its options.
    pub header_converter: HeaderConverterConfig,
    /// `transforms` and `predicates`.
    pub transforms: TransformsConfig,
    /// `format.class` and its options.
    pub format: FormatConfig,
    /// `store.kafka.keys`, `store.kafka.headers` and their formats.
    pub stored: StoredConfig,
    /// `schema.compatibility`.
    pub schema_compatibility: SchemaCompatibility,
    /// `s3.compression.type` and `.level`.
    pub compression: Compression,
    /// `partitioner.class` with its options.
    pub partitioner: PartitionerConfig,
    /// When files are closed.
    pub rotation: RotationConfig,
    /// `behavior.on.null.values`.
    pub null_values: NullValues,
    /// How objects are named.
    pub path: ObjectPath,
    /// Where objects go, and how.
    pub s3: S3Config,
    /// `errors.*`.
    pub errors: ErrorsConfig,
    /// `retry.backoff.ms`: wait before an upload that failed with a retriable error is tried again.
    pub retry_backoff: Duration,
    /// `consumer.override.*`, prefix cut off: Java consumer settings that go over the worker's.
    pub consumer_overrides: Given,
    /// What was accepted but has no effect, a sentence each, to be logged once.
    pub warnings: Vec<String>,
    /// The properties as given, for `GET /connectors/{name}/config`. Not for logs: they hold secrets.
    pub properties: Given,
    start_error: Option<Exception>,
}

/// Properties as the user gave them, secrets included; `Debug` shows only the keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Given(pub Properties);

impl std::ops::Deref for Given {
    type Target = Properties;

    fn deref(&self) -> &Properties {
        &self.0
    }
}

impl IntoIterator for Given {
    type Item = (String, String);
    type IntoIter = <Properties as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl ConnectorConfig {
    /// Reads a connector's properties. `worker` are the worker's properties; only `key.converter*`,
    /// `value.converter*` and `header.converter*` are read from them, each when the connector does not name its own.
    ///
    /// # Errors
    /// Every missing, bad, contradictory or unsupported property, worded as Connect words it.
    pub fn parse(properties: &Properties, worker: &Properties) -> Result<Self, ConfigErrors> {
        let (values, mut errors) = definition().parse_all(properties);
        nulls::complain(&mut errors);
        let mut across = ConfigErrors::default();
        let topics = topics::select(&values, &mut errors);
        let format = format::read(&values, properties, &mut errors);
        let stored = format::stored(&values, properties, &mut errors);
        let compression = format::compression(&values, &mut across);
        format::check_tombstones(&values, &mut across);
        let partitioner = partitioner::read(&values, &mut errors, &mut across);
        let rotation = rotation::read(&values, partitioner.as_ref());
        let s3 = s3::read(&values, properties, &mut errors);
        s3::check_style(&values, &mut across);
        let key_converter = converter::read("key.converter", properties, worker, &mut errors);
        let value_converter = converter::read("value.converter", properties, worker, &mut errors);
        let header_converter = header_converter::read(properties, worker, &mut errors);
        let transforms = transforms::read(properties, &mut errors);
        connector::check_classes(&values, &mut errors);
        if errors.0.iter().all(|error| is_of_framework(&error.key)) {
            errors.0.append(&mut across.0);
        }
        let (
            Some(topics),
            Some(header_converter),
            Some(format),
            Some(partitioner),
            Some(key_converter),
            Some(value_converter),
            true,
        ) = (
            topics,
            header_converter,
            format,
            partitioner,
            key_converter,
            value_converter,
            errors.0.is_empty() && across.0.is_empty(),
        )
        else {
            return Err(errors);
        };
        let mut config = Self {
            name: values.text("name").to_owned(),
            tasks_max: u32::try_from(values.number("tasks.max"))
                .unwrap_or(1)
                .max(1),
            topics,
            key_converter,
            value_converter,
            header_converter,
            transforms,
            format,
            stored,
            schema_compatibility: SchemaCompatibility::of(values.text("schema.compatibility")),
            compression,
            partitioner,
            rotation,
            null_values: null_values(&values),
            path: ObjectPath::from_values(&values),
            s3,
            errors: errors::read(&values),
            retry_backoff: values.millis("retry.backoff.ms").unwrap_or_default(),
            consumer_overrides: Given(with_prefix(properties, "consumer.override.")),
            warnings: Vec::new(),
            properties: Given(properties.clone()),
            start_error: rotation::start_error(&values),
        };
        config.warnings = unsupported::warnings(&config, &values, properties);
        Ok(config)
    }

    /// What the connector itself finds when it starts. Connect creates such a connector and shows it `FAILED`, without
    /// tasks.
    ///
    /// # Errors
    /// The exception that its status shows.
    pub fn start_check(&self) -> Result<(), Exception> {
        self.start_error.clone().map_or(Ok(()), Err)
    }

    /// The consumer group: `connect-<name>` unless `consumer.override.group.id` names another.
    pub fn group_id(&self) -> String {
        match self.consumer_overrides.get("group.id") {
            Some(group) => group.clone(),
            None => format!("connect-{}", self.name),
        }
    }
}

fn null_values(values: &Values) -> NullValues {
    match values.text("behavior.on.null.values") {
        name if name.eq_ignore_ascii_case("ignore") => NullValues::Ignore,
        name if is_write(name) => NullValues::Write {
            encoded_partition: values.text("tombstone.encoded.partition").to_owned(),
        },
        _ => NullValues::Fail,
    }
}

/// Whether a key is the framework's. The original looks across its own keys only where it can read each of them.
fn is_of_framework(key: &str) -> bool {
    definition()
        .get(key)
        .is_none_or(|key| definition::FRAMEWORK.contains(&key.group))
}

fn is_write(behavior: &str) -> bool {
    behavior.eq_ignore_ascii_case("write")
}

/// `Invalid value V for configuration K: … is not supported by this version`.
fn not_supported(key: &str, value: &str) -> ConfigError {
    ConfigError::invalid(key, value, "not supported by this version")
}

#[cfg(test)]
mod tests;
