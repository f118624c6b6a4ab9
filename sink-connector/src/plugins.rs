//! The plugin classes this worker offers, under their Java names, and the definitions of their properties.
//!
//! In: a class name or alias. Out: the plugin. Only what is implemented is listed.

mod definition;
mod display;
mod recommended;

pub use definition::{
    KeyInfo, Stages, connector_keys, converter_keys, framework_keys, transform_keys,
};
pub(crate) use recommended::recommended;

use serde::Serialize;

use crate::transform::classes;

/// The version of Kafka Connect whose behaviour and API are followed; clients choose their calls by it.
pub const CONNECT_VERSION: &str = "3.9.1";
/// The version of the genuine connector whose behaviour is followed.
pub const CONNECTOR_VERSION: &str = "12.2.0";

/// What a plugin does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PluginType {
    /// Takes records out of Kafka.
    Sink,
    /// Turns bytes into records.
    Converter,
    /// Turns bytes into header values.
    HeaderConverter,
    /// Changes records.
    Transformation,
    /// Says which records are changed.
    Predicate,
}

/// An item of `GET /connector-plugins`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Plugin {
    /// Its Java class.
    pub class: &'static str,
    /// What it does.
    #[serde(rename = "type")]
    pub kind: PluginType,
    /// The version of the genuine class that it stands for; left out where that has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'static str>,
}

const fn plugin(class: &'static str, kind: PluginType, version: &'static str) -> Plugin {
    Plugin {
        class,
        kind,
        version: Some(version),
    }
}

const fn registry_converter(class: &'static str) -> Plugin {
    Plugin {
        class,
        kind: PluginType::Converter,
        version: None,
    }
}

const fn converter(class: &'static str) -> Plugin {
    plugin(class, PluginType::Converter, CONNECT_VERSION)
}

/// The connector and the converters.
const NAMED: [Plugin; 14] = [
    plugin(
        "io.confluent.connect.s3.S3SinkConnector",
        PluginType::Sink,
        CONNECTOR_VERSION,
    ),
    registry_converter("io.confluent.connect.avro.AvroConverter"),
    registry_converter("io.confluent.connect.json.JsonSchemaConverter"),
    registry_converter("io.confluent.connect.protobuf.ProtobufConverter"),
    converter("org.apache.kafka.connect.converters.BooleanConverter"),
    converter("org.apache.kafka.connect.converters.ByteArrayConverter"),
    converter("org.apache.kafka.connect.converters.DoubleConverter"),
    converter("org.apache.kafka.connect.converters.FloatConverter"),
    converter("org.apache.kafka.connect.converters.IntegerConverter"),
    converter("org.apache.kafka.connect.converters.LongConverter"),
    converter("org.apache.kafka.connect.converters.ShortConverter"),
    converter("org.apache.kafka.connect.json.JsonConverter"),
    converter("org.apache.kafka.connect.storage.StringConverter"),
    plugin(
        "org.apache.kafka.connect.storage.SimpleHeaderConverter",
        PluginType::HeaderConverter,
        CONNECT_VERSION,
    ),
];

/// All plugins, connectors first.
pub fn all() -> impl Iterator<Item = Plugin> {
    let of = |class, kind| plugin(class, kind, CONNECT_VERSION);
    let transforms = classes::transforms();
    let predicates = classes::predicates();
    NAMED
        .into_iter()
        .chain(transforms.map(move |class| of(class.name, PluginType::Transformation)))
        .chain(predicates.map(move |class| of(class.name, PluginType::Predicate)))
}

/// The connector of this class name or alias.
pub fn find_connector(name: &str) -> Option<Plugin> {
    find(name).filter(|plugin| plugin.kind == PluginType::Sink)
}

/// The plugin of this class name or alias: the last part of the name, with or without what kind it is (`S3Sink`).
pub fn find(name: &str) -> Option<Plugin> {
    all().find(|plugin| is_name_of(name, plugin.class))
}

fn is_name_of(name: &str, class: &str) -> bool {
    let short = class.rsplit('.').next().unwrap_or(class);
    let alias = ["HeaderConverter", "Converter", "Connector"]
        .iter()
        .find_map(|kind| short.strip_suffix(kind));
    name == class || name == short || alias == Some(name)
}

/// What is said of a connector class that is not here.
pub fn unknown_connector_text(name: &str) -> String {
    let known = all()
        .filter(|plugin| plugin.kind == PluginType::Sink)
        .map(|plugin| plugin.class);
    format!(
        "Failed to find any class that implements Connector and which name matches {name}, available connectors are: {}",
        known.collect::<Vec<_>>().join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_known_by_class_and_alias() {
        for name in [
            "io.confluent.connect.s3.S3SinkConnector",
            "S3SinkConnector",
            "S3Sink",
        ] {
            assert!(find_connector(name).is_some(), "{name}");
        }
        assert_eq!(
            find("JsonConverter").map(|plugin| plugin.kind),
            Some(PluginType::Converter)
        );
        assert!(find_connector("JsonConverter").is_none());
        for name in ["", "Nope", "org.apache.kafka.connect.S3SinkConnector"] {
            assert!(find(name).is_none(), "{name}");
        }
        assert!(unknown_connector_text("Nope").contains("S3SinkConnector"));
    }
}
