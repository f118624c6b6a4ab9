//! `format.class`, `keys.format.class`, `headers.format.class` and what belongs to them: options of the formats,
//! compression, offsets in names.

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Importance, Key, Kind, Values};
use sluiceway_common::props::Properties;

use super::classes::{FormatClass, no_such_class};

/// `json.decimal.format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalFormat {
    /// The unscaled integer's bytes in base64.
    Base64,
    /// A JSON number.
    Numeric,
}

/// `avro.codec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AvroCodec {
    /// None.
    Null,
    /// Raw deflate.
    Deflate,
    /// Snappy, with a CRC behind each block.
    Snappy,
    /// Bzip2.
    Bzip2,
}

/// `parquet.codec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParquetCodec {
    /// None.
    None,
    /// Snappy.
    Snappy,
    /// Gzip.
    Gzip,
    /// Lz4 in Hadoop's frames.
    Lz4,
    /// Lz4 as it is.
    Lz4Raw,
    /// Zstandard.
    Zstd,
    /// Known by name; the genuine connector's tasks fail at their first record.
    Lzo,
    /// Known by name; the genuine connector's tasks fail at their first record.
    Brotli,
}

/// How Connect's schemas become Avro's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvroOptions {
    /// `enhanced.avro.schema.support`: strings that were enums are enums again.
    pub enhanced: bool,
    /// `connect.meta.data`: names, versions, parameters and defaults of Connect as properties.
    pub connect_meta_data: bool,
    /// `allow.optional.map.keys`: maps whose keys may be null are Avro maps.
    pub optional_map_keys: bool,
}

/// `format.class` with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatConfig {
    /// `JsonFormat`: one JSON text a line.
    Json {
        /// How Decimals inside structs are written.
        decimals: DecimalFormat,
    },
    /// `ByteArrayFormat`: the bytes as they are, with a separator after each record.
    ByteArray {
        /// `format.bytearray.extension`, appended to names as it is.
        extension: String,
        /// `format.bytearray.separator`, not trimmed.
        separator: Vec<u8>,
    },
    /// `AvroFormat`: an object container file.
    Avro {
        /// `avro.codec`.
        codec: AvroCodec,
        /// How schemas are made.
        options: AvroOptions,
    },
    /// `ParquetFormat`.
    Parquet {
        /// `parquet.codec`.
        codec: ParquetCodec,
        /// How schemas are made.
        options: AvroOptions,
    },
}

/// What is stored beside the values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredConfig {
    /// Format of key files, where keys are stored.
    pub keys: Option<FormatConfig>,
    /// Format of header files, where headers are stored.
    pub headers: Option<FormatConfig>,
}

/// `s3.compression.type`, `s3.compression.level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// None.
    None,
    /// Gzip; `.gz` is added to the extension.
    Gzip {
        /// 0 (stored) to 9.
        level: u32,
    },
}

pub(super) fn connector_keys() -> Vec<Key> {
    vec![
        Key::required(
            "format.class",
            Kind::Class,
            "Format of the objects: `JsonFormat`, `AvroFormat`, `ParquetFormat` or `ByteArrayFormat`.",
        ),
        low(
            "schemas.cache.config",
            Kind::Int,
            "1000",
            "Accepted; the schema cache needs no size here.",
        ),
        low(
            "enhanced.avro.schema.support",
            Kind::Boolean,
            "true",
            "Whether strings that were enums are enums again in Avro and Parquet.",
        ),
        low(
            "connect.meta.data",
            Kind::Boolean,
            "true",
            "Whether Avro schemas carry Connect's names, versions, parameters and defaults (`connect.*`).",
        ),
        low(
            "filename.offset.zero.pad.width",
            Kind::Int,
            "10",
            "Digits of the offset in a name at least.",
        )
        .at_least(0),
        low(
            "avro.codec",
            Kind::String,
            "null",
            "Compression of Avro files.",
        )
        .one_of(&["null", "deflate", "snappy", "bzip2"], false),
        low(
            "allow.optional.map.keys",
            Kind::Boolean,
            "false",
            "Whether a map whose string keys may be null is an Avro map instead of a list of entries.",
        ),
        low(
            "parquet.codec",
            Kind::String,
            "snappy",
            "Compression of Parquet files; its name is in the objects' ending. Tasks with `lzo` or `brotli` fail at their first record.",
        )
        .check(parquet_codec_name),
    ]
}

pub(super) fn s3_keys() -> Vec<Key> {
    vec![
        low("s3.compression.type", Kind::String, "none", "`gzip` compresses JSON and byte array files.").check(compression_type),
        low("s3.compression.level", Kind::Int, "-1", "0 (none) to 9 (smallest); -1 is the library's default, 6.").between(-1, 9),
        low(
            "json.decimal.format",
            Kind::String,
            "BASE64",
            "Decimals inside structs as base64 of their bytes (`BASE64`) or as numbers (`NUMERIC`).",
        )
        .check(decimal_format)
        .importance(Importance::Medium),
        low("format.bytearray.extension", Kind::String, ".bin", "Ending of byte array files, appended as it is."),
        Key::optional(
            "format.bytearray.separator",
            Kind::String,
            "What follows each record of a byte array file, whitespace kept; a line feed when unset.",
        )
        .importance(Importance::Low),
    ]
}

fn low(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key::with(name, kind, default, doc).importance(Importance::Low)
}

/// Validator of `json.decimal.format` and of the JSON converters' `decimal.format`.
pub(super) fn decimal_format(text: &str) -> Result<(), String> {
    // In the order of the hash table that the original tells.
    const NAMES: [&str; 2] = ["NUMERIC", "BASE64"];
    if NAMES.iter().any(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(());
    }
    Err(format!(
        "String must be one of (case insensitive): {}",
        NAMES.join(", ")
    ))
}

/// In the original's order, which is that of a hash table, backwards.
pub(crate) const PARQUET_CODECS: [&str; 8] = [
    "none", "gzip", "snappy", "lz4", "brotli", "lz4_raw", "zstd", "lzo",
];

fn parquet_codec_name(text: &str) -> Result<(), String> {
    if PARQUET_CODECS.contains(&text) {
        return Ok(());
    }
    Err(format!(
        "Value must be one of: [{}]",
        PARQUET_CODECS.join(", ")
    ))
}

fn compression_type(text: &str) -> Result<(), String> {
    match text {
        "none" | "gzip" => Ok(()),
        _ => Err("Value must be one of: [none, gzip]".to_owned()),
    }
}

/// What a build without the feature `parquet` says of `ParquetFormat`.
pub(crate) const NO_PARQUET: &str =
    "This program was built without Parquet: build it with --features parquet";

/// Refuses a format that this build does not have.
fn check_built(key: &str, values: &Values, class: FormatClass, errors: &mut ConfigErrors) {
    if cfg!(not(feature = "parquet")) && class == FormatClass::Parquet {
        let error = ConfigError::invalid(key, values.text(key), NO_PARQUET);
        errors.0.push(error);
    }
}

/// Reads `format.class` and its options; the separator comes from the raw `properties`, because it is not trimmed.
pub(super) fn read(
    values: &Values,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> Option<FormatConfig> {
    const KEY: &str = "format.class";
    let found = FormatClass::of(values.text(KEY));
    if found.is_none() && properties.contains_key(KEY) {
        errors.0.push(no_such_class(KEY, values.text(KEY)));
    }
    let class = found?;
    check_built(KEY, values, class, errors);
    Some(options(class, values, properties))
}

/// Reads what is stored beside the values.
pub(super) fn stored(
    values: &Values,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> StoredConfig {
    let mut format = |store: &str, key: &str| {
        let name = values.text(key);
        match FormatClass::of(name) {
            Some(class) if values.boolean(store) => {
                check_built(key, values, class, errors);
                Some(options(class, values, properties))
            }
            Some(_) => None,
            None => {
                errors.0.push(no_such_class(key, name));
                None
            }
        }
    };
    // Headers as byte arrays are accepted, as in the original: it refuses each record.
    StoredConfig {
        keys: format("store.kafka.keys", "keys.format.class"),
        headers: format("store.kafka.headers", "headers.format.class"),
    }
}

/// Tombstones have nothing but a key. Told once at each of the keys concerned.
pub(super) fn check_tombstones(values: &Values, across: &mut ConfigErrors) {
    let writes_tombstones = super::is_write(values.text("behavior.on.null.values"));
    if writes_tombstones && !values.boolean("store.kafka.keys") {
        let message =
            "Writing Kafka record keys to storage is mandatory when tombstone writing is enabled.";
        across.0.extend(
            ["store.kafka.keys", "behavior.on.null.values"]
                .map(|key| ConfigError::other(key, message)),
        );
    }
}

fn options(class: FormatClass, values: &Values, properties: &Properties) -> FormatConfig {
    match class {
        FormatClass::Json => FormatConfig::Json {
            decimals: decimals(values),
        },
        FormatClass::ByteArray => FormatConfig::ByteArray {
            extension: values.text("format.bytearray.extension").to_owned(),
            separator: properties
                .get("format.bytearray.separator")
                .map_or("\n", String::as_str)
                .into(),
        },
        FormatClass::Avro => FormatConfig::Avro {
            codec: avro_codec(values.text("avro.codec")),
            options: avro_options(values),
        },
        FormatClass::Parquet => FormatConfig::Parquet {
            codec: parquet_codec(values.text("parquet.codec")),
            options: avro_options(values),
        },
    }
}

fn avro_options(values: &Values) -> AvroOptions {
    AvroOptions {
        enhanced: values.boolean("enhanced.avro.schema.support"),
        connect_meta_data: values.boolean("connect.meta.data"),
        optional_map_keys: values.boolean("allow.optional.map.keys"),
    }
}

/// The definition lets no other names pass.
fn avro_codec(name: &str) -> AvroCodec {
    match name {
        "deflate" => AvroCodec::Deflate,
        "snappy" => AvroCodec::Snappy,
        "bzip2" => AvroCodec::Bzip2,
        _ => AvroCodec::Null,
    }
}

/// The definition lets no other names pass.
fn parquet_codec(name: &str) -> ParquetCodec {
    match name.to_ascii_lowercase().as_str() {
        "none" => ParquetCodec::None,
        "gzip" => ParquetCodec::Gzip,
        "lz4" => ParquetCodec::Lz4,
        "lz4_raw" => ParquetCodec::Lz4Raw,
        "zstd" => ParquetCodec::Zstd,
        "lzo" => ParquetCodec::Lzo,
        "brotli" => ParquetCodec::Brotli,
        _ => ParquetCodec::Snappy,
    }
}

fn decimals(values: &Values) -> DecimalFormat {
    let numeric = values
        .text("json.decimal.format")
        .eq_ignore_ascii_case("NUMERIC");
    if numeric {
        DecimalFormat::Numeric
    } else {
        DecimalFormat::Base64
    }
}

/// Reads the compression. Formats that compress by themselves refuse it, once at each of the keys concerned.
pub(super) fn compression(values: &Values, errors: &mut ConfigErrors) -> Compression {
    if values.text("s3.compression.type") != "gzip" {
        return Compression::None;
    }
    let files: [(&str, Option<&'static str>, &'static str); 3] = [
        ("data", None, "format.class"),
        ("keys", Some("store.kafka.keys"), "keys.format.class"),
        (
            "headers",
            Some("store.kafka.headers"),
            "headers.format.class",
        ),
    ];
    for (what, store, key) in files {
        let stored = store.is_none_or(|store| values.boolean(store));
        let Some(class) = FormatClass::of(values.text(key)).filter(|_| stored) else {
            continue;
        };
        if matches!(class, FormatClass::Avro | FormatClass::Parquet) {
            let message = format!(
                "Compression Type gzip not valid for {what} format class: ( {} ).",
                class.class()
            );
            let keys = [Some("s3.compression.type"), store, Some(key)];
            let refused = |key| ConfigError::other(key, message.as_str());
            errors.0.extend(keys.into_iter().flatten().map(refused));
        }
    }
    // -1 is zlib's name for its default.
    Compression::Gzip {
        level: u32::try_from(values.number("s3.compression.level")).unwrap_or(6),
    }
}
