//! `format.class` and what belongs to it: options of the formats, compression, offsets in names.

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Importance, Key, Kind, Values};
use sluiceway_common::props::Properties;

use super::classes::{FormatClass, no_such_class};
use super::not_supported;

/// `json.decimal.format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalFormat {
    /// The unscaled integer's bytes in base64.
    Base64,
    /// A JSON number.
    Numeric,
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
            "Format of the objects: `JsonFormat` or `ByteArrayFormat`.",
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
            "Enums and namespaces in Avro. For a later version.",
        ),
        low(
            "connect.meta.data",
            Kind::Boolean,
            "true",
            "Connect's own properties in Avro schemas. For a later version.",
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
            "Compression of Avro files. For a later version.",
        )
        .one_of(&["null", "deflate", "snappy", "bzip2"], false),
        low(
            "allow.optional.map.keys",
            Kind::Boolean,
            "false",
            "Optional map keys in Avro. For a later version.",
        ),
        low(
            "parquet.codec",
            Kind::String,
            "snappy",
            "Compression of Parquet files. For a later version.",
        )
        .one_of(
            &[
                "none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw",
            ],
            true,
        ),
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
        .one_of(&["BASE64", "NUMERIC"], true)
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

fn compression_type(text: &str) -> Result<(), String> {
    match text {
        "none" | "gzip" => Ok(()),
        _ => Err("Value must be one of: [none, gzip]".to_owned()),
    }
}

/// Reads `format.class` and its options; the separator comes from the raw `properties`, because it is not trimmed.
pub(super) fn read(
    values: &Values,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> Option<FormatConfig> {
    const KEY: &str = "format.class";
    let name = values.text(KEY);
    match FormatClass::of(name) {
        Some(FormatClass::Json) => Some(FormatConfig::Json {
            decimals: decimals(values),
        }),
        Some(FormatClass::ByteArray) => Some(FormatConfig::ByteArray {
            extension: values.text("format.bytearray.extension").to_owned(),
            separator: properties
                .get("format.bytearray.separator")
                .map_or("\n", String::as_str)
                .into(),
        }),
        Some(FormatClass::Avro | FormatClass::Parquet) => {
            errors.0.push(not_supported(KEY, name));
            None
        }
        None => {
            if properties.contains_key(KEY) {
                errors.0.push(no_such_class(KEY, name));
            }
            None
        }
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

/// Reads the compression. Formats that compress by themselves refuse it, once at each of the two keys.
pub(super) fn compression(values: &Values, errors: &mut ConfigErrors) -> Compression {
    if values.text("s3.compression.type") != "gzip" {
        return Compression::None;
    }
    let class = values.text("format.class");
    if matches!(
        FormatClass::of(class),
        Some(FormatClass::Avro | FormatClass::Parquet)
    ) {
        let message =
            format!("Compression Type gzip not valid for data format class: ( {class} ).");
        errors.0.extend(
            ["s3.compression.type", "format.class"]
                .map(|key| ConfigError::other(key, message.as_str())),
        );
    }
    // -1 is zlib's name for its default.
    Compression::Gzip {
        level: u32::try_from(values.number("s3.compression.level")).unwrap_or(6),
    }
}
