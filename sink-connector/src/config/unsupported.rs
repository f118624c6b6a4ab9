//! What the genuine connector does and this version does not yet: declared, and refused by name.
//!
//! To support one of these, delete its line from [`REFUSED`] and read its key where it belongs.

use sluiceway_common::config_def::{ConfigErrors, Importance, Key, Kind, Values};
use sluiceway_common::props::Properties;

use super::{ConnectorConfig, definition, not_supported};

/// Keys and the values that are supported; any other is refused.
const REFUSED: [(&str, &[&str]); 13] = [
    ("transforms", &[""]),
    ("behavior.on.null.values", &["fail", "ignore"]),
    ("store.kafka.keys", &["false"]),
    ("store.kafka.headers", &["false"]),
    ("schema.compatibility", &["NONE"]),
    ("errors.deadletterqueue.topic.name", &[""]),
    ("s3.object.tagging", &["false"]),
    ("s3.ssea.name", &[""]),
    ("s3.acl.canned", &[""]),
    ("s3.wan.mode", &["false"]),
    ("s3.proxy.url", &[""]),
    ("s3.schema.partition.affix.type", &["NONE"]),
    (
        "header.converter",
        &["", SIMPLE_HEADERS, "SimpleHeaderConverter"],
    ),
];

const SIMPLE_HEADERS: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

pub(super) fn key_and_header_keys() -> Vec<Key> {
    const AVRO: &str = "io.confluent.connect.s3.format.avro.AvroFormat";
    vec![
        low(
            "store.kafka.keys",
            Kind::Boolean,
            "false",
            "A file of keys beside each file. Not supported by this version.",
        ),
        low(
            "store.kafka.headers",
            Kind::Boolean,
            "false",
            "A file of headers beside each file. Not supported by this version.",
        ),
        low(
            "keys.format.class",
            Kind::Class,
            AVRO,
            "Format of key files.",
        ),
        low(
            "headers.format.class",
            Kind::Class,
            AVRO,
            "Format of header files.",
        ),
        low(
            "tombstone.encoded.partition",
            Kind::String,
            "tombstone",
            "Folder of tombstones under `behavior.on.null.values=write`.",
        ),
    ]
}

pub(super) fn partitioner_keys() -> Vec<Key> {
    const DEFAULT: &str = "io.confluent.connect.storage.partitioner.DefaultPartitioner";
    vec![
        low(
            "partitioner.class",
            Kind::Class,
            DEFAULT,
            "How records are spread over folders; `DefaultPartitioner` in this version.",
        )
        .importance(Importance::High),
        low(
            "partition.field.name",
            Kind::List,
            "",
            "Fields of the FieldPartitioner.",
        ),
        low(
            "partition.duration.ms",
            Kind::Long,
            "-1",
            "Length of a time-based partition.",
        ),
        low(
            "path.format",
            Kind::String,
            "",
            "Pattern of a time-based partition.",
        ),
        low(
            "locale",
            Kind::String,
            "",
            "Language of a time-based partition's texts.",
        ),
        low(
            "timezone",
            Kind::String,
            "",
            "Zone of time-based partitions and of the schedule (`UTC`, `Europe/Paris`, `+02:00`).",
        )
        .check(super::rotation::check_timezone)
        .importance(Importance::Medium),
        low(
            "timestamp.extractor",
            Kind::String,
            "Wallclock",
            "What time a record has: `Wallclock`, `Record`, `RecordField`.",
        ),
        low(
            "timestamp.field",
            Kind::String,
            "timestamp",
            "Field of the `RecordField` extractor.",
        ),
        low(
            "partitioner.max.open.files",
            Kind::Int,
            "-1",
            "Open files of a topic-partition at most; -1 for no limit.",
        )
        .check(open_files),
    ]
}

fn low(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key::with(name, kind, default, doc).importance(Importance::Low)
}

/// 0 makes the genuine connector loop for ever without writing.
fn open_files(text: &str) -> Result<(), String> {
    if text == "0" {
        Err("Value must be -1 (no limit) or at least 1".to_owned())
    } else {
        Ok(())
    }
}

/// Refuses what this version does not do.
pub(super) fn check(values: &Values, errors: &mut ConfigErrors) {
    for (key, supported) in REFUSED {
        let value = values.shown(key).unwrap_or_default();
        let refused_before = errors.0.iter().any(|error| error.key == key);
        if !refused_before
            && !supported
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&value))
        {
            errors.0.push(not_supported(key, &value));
        }
    }
}

/// What was accepted and has no effect.
pub(super) fn warnings(
    config: &ConnectorConfig,
    values: &Values,
    properties: &Properties,
) -> Vec<String> {
    let mut warnings: Vec<String> = definition()
        .unknown_keys(properties)
        .iter()
        .map(ToString::to_string)
        .collect();
    if values.number("rotate.interval.ms") > 0 {
        warnings.push(format!(
            "rotate.interval.ms is ignored: {} extracts no timestamps",
            config.partitioner.class()
        ));
    }
    warnings
}
