//! `key.converter`, `value.converter` and the options under their prefixes.

use sluiceway_common::config_def::{
    ConfigDef, ConfigError, ConfigErrors, Importance, Key, Kind, Values,
};
use sluiceway_common::props::{Properties, with_prefix};

mod registry;

pub use registry::{
    AvroConverterConfig, JsonSchemaConverterConfig, ProtobufConverterConfig, RegistryConverter,
};

use super::classes::{is_class, no_such_class};
use super::not_supported;

/// Character encodings of `converter.encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// US-ASCII; other bytes become U+FFFD.
    Ascii,
    /// ISO-8859-1.
    Latin1,
    /// UTF-16 with byte order mark, big endian without.
    Utf16,
    /// UTF-16, big endian.
    Utf16Be,
    /// UTF-16, little endian.
    Utf16Le,
}

/// A converter with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConverterConfig {
    /// `StringConverter`.
    String(Encoding),
    /// `ByteArrayConverter`.
    ByteArray,
    /// `JsonConverter`.
    Json {
        /// `schemas.enable`: an envelope of schema and payload.
        schemas: bool,
        /// `schemas.cache.size`: parsed schemas kept.
        cache_size: usize,
        /// `replace.null.with.default`.
        replace_null_with_default: bool,
    },
    /// `ShortConverter`.
    Short,
    /// `IntegerConverter`.
    Integer,
    /// `LongConverter`.
    Long,
    /// `FloatConverter`.
    Float,
    /// `DoubleConverter`.
    Double,
    /// `BooleanConverter`.
    Boolean,
    /// Confluent's `AvroConverter`.
    Avro(AvroConverterConfig),
    /// Confluent's `ProtobufConverter`.
    Protobuf(ProtobufConverterConfig),
    /// Confluent's `JsonSchemaConverter`.
    JsonSchema(JsonSchemaConverterConfig),
}

/// The property whose converters read headers.
const HEADERS: &str = "header.converter";
const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

const PLAIN: [(&str, ConverterConfig); 7] = [
    (
        "org.apache.kafka.connect.converters.ByteArrayConverter",
        ConverterConfig::ByteArray,
    ),
    (
        "org.apache.kafka.connect.converters.ShortConverter",
        ConverterConfig::Short,
    ),
    (
        "org.apache.kafka.connect.converters.IntegerConverter",
        ConverterConfig::Integer,
    ),
    (
        "org.apache.kafka.connect.converters.LongConverter",
        ConverterConfig::Long,
    ),
    (
        "org.apache.kafka.connect.converters.FloatConverter",
        ConverterConfig::Float,
    ),
    (
        "org.apache.kafka.connect.converters.DoubleConverter",
        ConverterConfig::Double,
    ),
    (
        "org.apache.kafka.connect.converters.BooleanConverter",
        ConverterConfig::Boolean,
    ),
];

/// Known by name, for a later version.
const LATER: [&str; 1] =
    ["com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter"];

/// Those that ask a Schema Registry.
const WITH_REGISTRY: [(&str, registry::Class); 3] = [
    (
        "io.confluent.connect.avro.AvroConverter",
        registry::Class::Avro,
    ),
    (
        "io.confluent.connect.json.JsonSchemaConverter",
        registry::Class::JsonSchema,
    ),
    (
        "io.confluent.connect.protobuf.ProtobufConverter",
        registry::Class::Protobuf,
    ),
];

/// Reads the converter under `key`: the connector's with the connector's options, else the worker's with the worker's.
pub(super) fn read(
    key: &'static str,
    connector: &Properties,
    worker: &Properties,
    errors: &mut ConfigErrors,
) -> Option<ConverterConfig> {
    let owner = if connector.contains_key(key) {
        connector
    } else {
        worker
    };
    let Some(name) = owner.get(key).map(|name| name.trim()) else {
        errors.0.push(ConfigError::missing(key));
        return None;
    };
    let options = with_prefix(owner, &format!("{key}."));
    let (values, found) = option_values(key, name, options.clone());
    if !found.0.is_empty() {
        let under =
            |error: ConfigError| ConfigError::other(&format!("{key}.{}", error.key), error.message);
        errors.0.extend(found.0.into_iter().map(under));
        return None;
    }
    if is_class(name, STRING) {
        return string(key, &values, errors);
    }
    if is_class(name, JSON) {
        return Some(json(&values));
    }
    if let Some((_, config)) = PLAIN.iter().find(|(class, _)| is_class(name, class)) {
        return Some(config.clone());
    }
    // Those that ask a registry read no headers.
    if let Some((_, class)) = WITH_REGISTRY
        .iter()
        .find(|(class, _)| is_class(name, class) && key != HEADERS)
    {
        return registry::read(*class, key, &options, owner, errors);
    }
    errors.0.push(unfit(key, name));
    None
}

/// Why the class `name` is no converter for `key`: it is for a later version, it is something else, or there is none.
fn unfit(key: &str, name: &str) -> ConfigError {
    if LATER.iter().any(|class| is_class(name, class)) {
        return not_supported(key, name);
    }
    let Some(other) = crate::plugins::find(name) else {
        return no_such_class(key, name);
    };
    let interface = match key {
        HEADERS => "HeaderConverter",
        _ => "Converter",
    };
    let class = other.class;
    ConfigError::other(
        key,
        format!("Class class {class} does not implement the {interface} interface"),
    )
}

/// The options of the converter `class` under `property`, checked; errors name them without prefix, as in the original.
pub(crate) fn option_values(
    property: &str,
    class: &str,
    mut given: Properties,
) -> (Values, ConfigErrors) {
    let side = property.split('.').next().unwrap_or(property);
    given
        .entry("converter.type".into())
        .or_insert_with(|| side.into());
    let definition = options(class)
        .into_iter()
        .fold(ConfigDef::new(), ConfigDef::key);
    definition.parse_all(&given)
}

/// The options that the converter `class` lists.
pub(crate) fn options(class: &str) -> Vec<Key> {
    if is_class(class, JSON) {
        return [vec![converter_type()], json_options()].concat();
    }
    if is_class(class, STRING) {
        return vec![converter_type(), encoding_option()];
    }
    // Those that ask a registry have options, but do not list them.
    let plain = PLAIN.iter().any(|(plain, _)| is_class(class, plain));
    if plain {
        vec![converter_type()]
    } else {
        Vec::new()
    }
}

fn converter_type() -> Key {
    let doc = "Set by the worker: key, value or header.";
    Key::required("converter.type", Kind::String, doc)
        .one_of(&["key", "value", "header"], false)
        .importance(Importance::Low)
}

fn encoding_option() -> Key {
    let doc = "The character set of the text.";
    Key::with("converter.encoding", Kind::String, "UTF-8", doc).importance(Importance::High)
}

fn json_options() -> Vec<Key> {
    vec![
        Key::with(
            "schemas.enable",
            Kind::Boolean,
            "true",
            "Whether each message is {\"schema\": …, \"payload\": …}.",
        )
        .importance(Importance::High)
        .group("Schemas"),
        Key::with(
            "schemas.cache.size",
            Kind::Int,
            "1000",
            "Schemas kept at most.",
        )
        .importance(Importance::High)
        .group("Schemas"),
        Key::with(
            "decimal.format",
            Kind::String,
            "BASE64",
            "How decimals are written: BASE64 or NUMERIC; both are read.",
        )
        .check(super::format::decimal_format)
        .importance(Importance::Low)
        .group("Serialization"),
        Key::with(
            "replace.null.with.default",
            Kind::Boolean,
            "true",
            "Whether a null becomes its field's default.",
        )
        .importance(Importance::Low)
        .group("Serialization"),
    ]
}

fn string(key: &str, values: &Values, errors: &mut ConfigErrors) -> Option<ConverterConfig> {
    // Kafka's deserializer also takes the names below; Connect's converter sets them from its own option.
    let name = values.text("converter.encoding");
    let encoding = encoding(name);
    if encoding.is_none() {
        let key = format!("{key}.converter.encoding");
        let reason = "unknown character set; valid are UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16BE, UTF-16LE";
        errors.0.push(ConfigError::invalid(&key, name, reason));
    }
    encoding.map(ConverterConfig::String)
}

fn encoding(name: &str) -> Option<Encoding> {
    match name.to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" => Some(Encoding::Utf8),
        "US-ASCII" | "ASCII" => Some(Encoding::Ascii),
        "ISO-8859-1" | "ISO8859_1" | "LATIN1" => Some(Encoding::Latin1),
        "UTF-16" | "UTF16" => Some(Encoding::Utf16),
        "UTF-16BE" => Some(Encoding::Utf16Be),
        "UTF-16LE" => Some(Encoding::Utf16Le),
        _ => None,
    }
}

fn json(values: &Values) -> ConverterConfig {
    ConverterConfig::Json {
        schemas: values.boolean("schemas.enable"),
        cache_size: values.size("schemas.cache.size"),
        replace_null_with_default: values.boolean("replace.null.with.default"),
    }
}
