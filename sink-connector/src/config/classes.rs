//! Java class names that a property may hold, in full or by their last part.

use sluiceway_common::config_def::ConfigError;

/// `S3SinkConnector`, in full.
pub(super) const CONNECTOR: &str = "io.confluent.connect.s3.S3SinkConnector";
/// `S3Storage`, in full.
pub(crate) const STORAGE: &str = "io.confluent.connect.s3.storage.S3Storage";

/// `format.class`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatClass {
    /// `JsonFormat`.
    Json,
    /// `ByteArrayFormat`.
    ByteArray,
    /// `AvroFormat`.
    Avro,
    /// `ParquetFormat`.
    Parquet,
}

impl FormatClass {
    const ALL: [Self; 4] = [Self::Json, Self::ByteArray, Self::Avro, Self::Parquet];

    /// The Java class.
    pub fn class(self) -> &'static str {
        match self {
            Self::Json => "io.confluent.connect.s3.format.json.JsonFormat",
            Self::ByteArray => "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
            Self::Avro => "io.confluent.connect.s3.format.avro.AvroFormat",
            Self::Parquet => "io.confluent.connect.s3.format.parquet.ParquetFormat",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| is_class(name, format.class()))
    }
}

/// `partitioner.class`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionerClass {
    /// `DefaultPartitioner`.
    Default,
    /// `FieldPartitioner`.
    Field,
    /// `TimeBasedPartitioner`.
    TimeBased,
    /// `DailyPartitioner`.
    Daily,
    /// `HourlyPartitioner`.
    Hourly,
    /// Fields, then time; our own.
    FieldAndTime,
}

impl PartitionerClass {
    const ALL: [Self; 6] = [
        Self::Default,
        Self::Field,
        Self::TimeBased,
        Self::Daily,
        Self::Hourly,
        Self::FieldAndTime,
    ];

    /// The Java class.
    pub fn class(self) -> &'static str {
        match self {
            Self::Default => "io.confluent.connect.storage.partitioner.DefaultPartitioner",
            Self::Field => "io.confluent.connect.storage.partitioner.FieldPartitioner",
            Self::TimeBased => "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
            Self::Daily => "io.confluent.connect.storage.partitioner.DailyPartitioner",
            Self::Hourly => "io.confluent.connect.storage.partitioner.HourlyPartitioner",
            Self::FieldAndTime => "io.sluiceway.connect.partitioner.FieldAndTimePartitioner",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|partitioner| is_class(name, partitioner.class()))
    }
}

/// Whether `name` means the Java class `class`: the full name, its last part, or the last part without the suffix
/// that says what kind of class it is (`S3Sink`, `JsonFormat`, `Json`).
pub(super) fn is_class(name: &str, class: &str) -> bool {
    const KINDS: [&str; 5] = ["Connector", "Format", "Partitioner", "Converter", "Storage"];
    let short = class.rsplit('.').next().unwrap_or(class);
    name == class
        || name == short
        || KINDS
            .iter()
            .filter_map(|kind| short.strip_suffix(kind))
            .any(|alias| alias == name)
}

/// The full name of the class that `name` means as the value of `key`; what is not known stays as it is.
pub(crate) fn full<'a>(key: &str, name: &'a str) -> &'a str {
    let known = match key {
        "format.class" | "keys.format.class" | "headers.format.class" => {
            FormatClass::of(name).map(FormatClass::class)
        }
        "partitioner.class" => PartitionerClass::of(name).map(PartitionerClass::class),
        "storage.class" => Some(STORAGE).filter(|class| is_class(name, class)),
        _ => crate::plugins::find(name).map(|plugin| plugin.class),
    };
    known.unwrap_or(name)
}

/// Connect's words for a class it cannot load.
pub(super) fn no_such_class(key: &str, name: &str) -> ConfigError {
    ConfigError::invalid(key, name, format_args!("Class {name} could not be found."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_known_by_full_name_and_alias() {
        for name in [CONNECTOR, "S3SinkConnector", "S3Sink"] {
            assert!(is_class(name, CONNECTOR), "{name}");
        }
        for name in ["", "s3sink", "S3", "io.confluent.S3SinkConnector"] {
            assert!(!is_class(name, CONNECTOR), "{name}");
        }
        assert_eq!(
            FormatClass::of("io.confluent.connect.s3.format.parquet.ParquetFormat"),
            Some(FormatClass::Parquet)
        );
        assert_eq!(
            FormatClass::of("ByteArrayFormat"),
            Some(FormatClass::ByteArray)
        );
        assert_eq!(
            PartitionerClass::of("HourlyPartitioner"),
            Some(PartitionerClass::Hourly)
        );
        assert_eq!(FormatClass::of("OrcFormat"), None);
        let json = "org.apache.kafka.connect.json.JsonConverter";
        assert_eq!(full("value.converter", "JsonConverter"), json);
        let json = "io.confluent.connect.s3.format.json.JsonFormat";
        assert_eq!(full("format.class", "Json"), json);
        assert_eq!(full("storage.class", "S3Storage"), STORAGE);
        assert_eq!(full("partitioner.class", "x.Own"), "x.Own");
    }
}
