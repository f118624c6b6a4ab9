//! What validation recommends for a property, and when it is of interest at all.
//!
//! In: a property's name and the connector's values. Out: the values to choose from, and whether user interfaces show the
//! property. It changes nothing else.

use sluiceway_common::config_def::Values;

use super::PluginType;
use crate::config::{FormatClass, PartitionerClass};

const PARTITIONERS: [PartitionerClass; 5] = [
    PartitionerClass::Default,
    PartitionerClass::Hourly,
    PartitionerClass::Daily,
    PartitionerClass::TimeBased,
    PartitionerClass::Field,
];
const FORMATS: [FormatClass; 4] = [
    FormatClass::Avro,
    FormatClass::Json,
    FormatClass::ByteArray,
    FormatClass::Parquet,
];

/// Values to choose from, and whether the property `key` is shown with these `values`.
pub(crate) fn recommended(key: &str, values: &Values) -> (Vec<String>, bool) {
    (choices(key), visible(key, values))
}

fn choices(key: &str) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    match key {
        "storage.class" => texts(&[crate::config::STORAGE_CLASS]),
        "format.class" | "keys.format.class" => {
            FORMATS.map(|format| format.class().to_owned()).into()
        }
        // Headers cannot be stored as bytes.
        "headers.format.class" => FORMATS
            .into_iter()
            .filter(|format| *format != FormatClass::ByteArray)
            .map(|format| format.class().to_owned())
            .collect(),
        "partitioner.class" => PARTITIONERS.map(|class| class.class().to_owned()).into(),
        "schema.compatibility" => texts(&["NONE", "BACKWARD", "FORWARD", "FULL"]),
        "avro.codec" => texts(&["null", "deflate", "snappy", "bzip2"]),
        "parquet.codec" => texts(&crate::config::PARQUET_CODECS),
        // The original's range leaves its end out.
        "s3.compression.level" => (-1..9).map(|level| level.to_string()).collect(),
        "s3.ssea.name" => texts(&crate::config::ENCRYPTIONS),
        "s3.schema.partition.affix.type" => texts(&["SUFFIX", "PREFIX", "NONE"]),
        key if key.ends_with(".type") && key.starts_with("transforms.") => {
            classes(PluginType::Transformation)
        }
        key if key.ends_with(".type") && key.starts_with("predicates.") => {
            classes(PluginType::Predicate)
        }
        _ => Vec::new(),
    }
}

fn classes(kind: PluginType) -> Vec<String> {
    super::all()
        .filter(|plugin| plugin.kind == kind)
        .map(|plugin| plugin.class.to_owned())
        .collect()
}

fn visible(key: &str, values: &Values) -> bool {
    let format = || FormatClass::of(values.text("format.class"));
    match key {
        "avro.codec" => format() == Some(FormatClass::Avro),
        "parquet.codec" => format() == Some(FormatClass::Parquet),
        "keys.format.class" => values.boolean("store.kafka.keys"),
        "headers.format.class" => values.boolean("store.kafka.headers"),
        "s3.sse.kms.key.id" => values.text("s3.ssea.name").eq_ignore_ascii_case("aws:kms"),
        "partition.field.name"
        | "partition.duration.ms"
        | "path.format"
        | "locale"
        | "timezone" => partitioner_wants(key, values.text("partitioner.class")),
        _ => true,
    }
}

fn partitioner_wants(key: &str, class: &str) -> bool {
    match PartitionerClass::of(class) {
        Some(PartitionerClass::Default) => false,
        Some(PartitionerClass::Field) => key == "partition.field.name",
        Some(PartitionerClass::TimeBased) => key != "partition.field.name",
        Some(PartitionerClass::Daily | PartitionerClass::Hourly) => {
            matches!(key, "locale" | "timezone")
        }
        Some(PartitionerClass::FieldAndTime) | None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::definition;

    fn values(pairs: &[(&str, &str)]) -> Values {
        let pairs = pairs.iter();
        let properties = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        definition().parse_all(&properties.collect()).0
    }

    #[test]
    fn properties_are_shown_where_something_reads_them() {
        let shown = |key: &str, pairs: &[(&str, &str)]| recommended(key, &values(pairs)).1;
        let daily = [("partitioner.class", "DailyPartitioner")];
        assert!(shown("locale", &daily) && !shown("path.format", &daily));
        assert!(!shown("locale", &[]) && shown("flush.size", &[]));
        let field = [("partitioner.class", "FieldPartitioner")];
        assert!(shown("partition.field.name", &field) && !shown("timezone", &field));
        assert!(!shown("avro.codec", &[("format.class", "JsonFormat")]));
        assert!(shown("avro.codec", &[("format.class", "AvroFormat")]));
        assert!(!shown("keys.format.class", &[]));
        assert!(shown("keys.format.class", &[("store.kafka.keys", "true")]));
    }

    #[test]
    fn choices_are_the_classes_and_names_that_are_taken() {
        let none = values(&[]);
        let choices = |key: &str| recommended(key, &none).0;
        assert_eq!(choices("format.class").len(), 4);
        assert_eq!(choices("headers.format.class").len(), 3);
        assert_eq!(choices("s3.compression.level").len(), 10);
        assert_eq!(choices("predicates.p.type").len(), 3);
        assert!(choices("flush.size").is_empty());
    }
}
