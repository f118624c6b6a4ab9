//! Keys that the original lists under "Keys and Headers", and what was accepted and has no effect.

use sluiceway_common::config_def::{Importance, Key, Kind, Values};
use sluiceway_common::props::Properties;

use super::{ConnectorConfig, definition};

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
            "Format of header files; `ByteArrayFormat` refuses each record.",
        ),
        low(
            "s3.path.style.access.enabled",
            Kind::Boolean,
            "true",
            "Whether the bucket stands in the URL's path instead of its host name.",
        ),
        low(
            "s3.elastic.buffer.enable",
            Kind::Boolean,
            "false",
            "Accepted; buffers are always as large as what they hold.",
        ),
        low(
            "s3.elastic.buffer.init.capacity",
            Kind::Int,
            "131072",
            "Accepted; see `s3.elastic.buffer.enable`.",
        )
        .at_least(4096),
    ]
}

fn low(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key::with(name, kind, default, doc).importance(Importance::Low)
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
    warnings.extend(
        ["key.converter", "value.converter", "header.converter"]
            .into_iter()
            .filter_map(|converter| unread_options(converter, properties)),
    );
    if values.number("rotate.interval.ms") > 0 && !config.partitioner.has_time() {
        warnings.push(format!(
            "rotate.interval.ms is ignored: {} extracts no timestamps",
            config.partitioner.class.class()
        ));
    }
    warnings
}

/// Options of a converter that the connector does not name: they are read with the class only, as in the original.
fn unread_options(converter: &str, properties: &Properties) -> Option<String> {
    let prefix = format!("{converter}.");
    let option = properties.keys().find(|key| key.starts_with(&prefix))?;
    (!properties.contains_key(converter)).then(|| {
        format!(
            "{option} is ignored: {converter} is not set, so that the worker's converter counts, with the worker's options"
        )
    })
}
