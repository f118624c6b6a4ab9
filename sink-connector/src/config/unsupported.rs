//! What the genuine connector does and this version does not yet: declared, and refused by name.
//!
//! To support one of these, delete its line from [`REFUSED`] and read its key where it belongs.

use sluiceway_common::config_def::{ConfigErrors, Importance, Key, Kind, Values};
use sluiceway_common::props::Properties;

use super::{ConnectorConfig, definition, not_supported};

/// Keys and the values that are supported; any other is refused.
const REFUSED: [(&str, &[&str]); 3] = [
    ("transforms", &[""]),
    ("errors.deadletterqueue.topic.name", &[""]),
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
            "Whether keys are written to a file beside each file (`.keys`); a record without key is refused then.",
        ),
        low(
            "store.kafka.headers",
            Kind::Boolean,
            "false",
            "Whether headers are written to a file beside each file (`.headers`); a record without headers is refused then.",
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
            "Format of header files; not `ByteArrayFormat`.",
        ),
        low(
            "tombstone.encoded.partition",
            Kind::String,
            "tombstone",
            "Folder of tombstones under `behavior.on.null.values=write`.",
        ),
    ]
}

fn low(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key::with(name, kind, default, doc).importance(Importance::Low)
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
    if values.number("rotate.interval.ms") > 0 && !config.partitioner.has_time() {
        warnings.push(format!(
            "rotate.interval.ms is ignored: {} extracts no timestamps",
            config.partitioner.class.class()
        ));
    }
    warnings
}
