//! Where objects go: bucket, endpoint, credentials, parts.

use std::time::Duration;

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Importance, Key, Kind, Values};
use sluiceway_common::props::Properties;

use super::credentials::{self, Credentials, Proxy};
use super::object_options::{self, ObjectOptions};

/// The smallest part S3 takes, except for the last.
pub(crate) const MIN_PART_SIZE: i64 = 5_242_880;

const BOTH_STYLES: &str = "Both accelerate mode and path style access are being enabled. These options are mutually \
    exclusive and cannot be enabled together. Please disable one of them";

/// Where objects go, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Config {
    /// `s3.bucket.name`.
    pub bucket: String,
    /// `s3.region`, also used to sign when an endpoint is set.
    pub region: String,
    /// `store.url` with its scheme; AWS's own endpoint of the region when unset.
    pub endpoint: Option<String>,
    /// `s3.path.style.access.enabled`: the bucket in the path instead of the host name.
    pub path_style: bool,
    /// `s3.part.size`: bytes of each part but the last.
    pub part_size: usize,
    /// `s3.part.retries`: attempts after the first.
    pub part_retries: u32,
    /// `s3.retry.backoff.ms`: first wait between attempts; doubled each time.
    pub retry_backoff: Duration,
    /// `s3.wan.mode`: S3's accelerated endpoint.
    pub accelerate: bool,
    /// Whose rights are used.
    pub credentials: Credentials,
    /// `s3.proxy.url`.
    pub proxy: Option<Proxy>,
    /// What objects are given besides their bytes.
    pub objects: ObjectOptions,
}

pub(super) fn keys() -> Vec<Key> {
    let mut keys = place_keys();
    keys.extend(part_keys());
    keys.extend(credentials::keys());
    keys.extend(object_options::keys());
    keys.extend(credentials::proxy_keys());
    keys.extend(option_keys());
    keys
}

fn place_keys() -> Vec<Key> {
    vec![
        Key::required("s3.bucket.name", Kind::String, "The bucket; it must exist.")
            .check(not_empty),
        Key::with(
            "s3.region",
            Kind::String,
            "us-west-2",
            "Region of the bucket, also used to sign for another endpoint.",
        ),
        Key::with(
            "s3.wan.mode",
            Kind::Boolean,
            "false",
            "S3's accelerated endpoint; not together with path style.",
        ),
    ]
}

fn part_keys() -> Vec<Key> {
    vec![
        Key::with(
            "s3.part.size",
            Kind::Int,
            "26214400",
            "Bytes of each part of an upload but the last, at least 5 MiB.",
        )
        .check(part_size)
        .importance(Importance::High),
        Key::with(
            "s3.part.retries",
            Kind::Int,
            "3",
            "Attempts after the first for each request.",
        )
        .at_least(0),
        low(
            "s3.retry.backoff.ms",
            Kind::Long,
            "200",
            "First wait between attempts; it doubles.",
        )
        .at_least(0),
        low(
            "s3.send.digest",
            Kind::Boolean,
            "false",
            "Accepted; every part carries a checksum anyway.",
        ),
        low(
            "s3.http.send.expect.continue",
            Kind::Boolean,
            "true",
            "Accepted; parts are sent without waiting for `100 Continue`.",
        ),
    ]
}

fn option_keys() -> Vec<Key> {
    vec![
        low(
            "s3.schema.partition.affix.type",
            Kind::String,
            "NONE",
            "Whether the name of a record's schema is a folder before (`PREFIX`) or after (`SUFFIX`) the encoded partition.",
        )
        .one_of(&["SUFFIX", "PREFIX", "NONE"], false),
        low(
            "enable.conditional.writes",
            Kind::Boolean,
            "true",
            "Accepted; exactly once needs no conditional writes here.",
        ),
        low(
            "max.files.scan.limit",
            Kind::Int,
            "100",
            "Accepted; nothing is scanned here.",
        ),
    ]
}

fn low(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key::with(name, kind, default, doc).importance(Importance::Low)
}

fn not_empty(text: &str) -> Result<(), String> {
    if text.is_empty() {
        Err("String must be non-empty".to_owned())
    } else {
        Ok(())
    }
}

fn part_size(text: &str) -> Result<(), String> {
    match text.parse::<i64>() {
        Ok(bytes) if bytes < MIN_PART_SIZE => {
            Err("Part size must be at least: 5242880 bytes (5MB)".to_owned())
        }
        _ => Ok(()),
    }
}

/// Validator of `store.url`.
pub(super) fn check_url(text: &str) -> Result<(), String> {
    let url = with_scheme(text);
    match url.parse::<http::Uri>() {
        Ok(uri) if uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https")) => {
            Ok(())
        }
        _ => Err("not a URL such as http://host:9000 or https://host".to_owned()),
    }
}

fn with_scheme(url: &str) -> String {
    if url.contains("://") {
        url.to_owned()
    } else {
        format!("https://{url}")
    }
}

/// Acceleration needs the bucket in the host name. As in the original, once for each of the two keys.
pub(super) fn check_style(values: &Values, across: &mut ConfigErrors) {
    if values.boolean("s3.wan.mode") && values.boolean("s3.path.style.access.enabled") {
        for key in ["s3.path.style.access.enabled", "s3.wan.mode"] {
            across.0.push(ConfigError::other(key, BOTH_STYLES));
        }
    }
}

pub(super) fn read(
    values: &Values,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> S3Config {
    let path_style = values.boolean("s3.path.style.access.enabled");
    let accelerate = values.boolean("s3.wan.mode");
    S3Config {
        bucket: values.text("s3.bucket.name").to_owned(),
        region: values.text("s3.region").to_owned(),
        endpoint: values.text_opt("store.url").map(with_scheme),
        path_style,
        accelerate,
        part_size: values.size("s3.part.size"),
        part_retries: u32::try_from(values.number("s3.part.retries")).unwrap_or(0),
        retry_backoff: values.millis("s3.retry.backoff.ms").unwrap_or_default(),
        credentials: credentials::read(values, properties, errors),
        proxy: credentials::proxy(values),
        objects: object_options::read(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_scheme_is_https() {
        assert_eq!(with_scheme("minio:9000"), "https://minio:9000");
        assert_eq!(
            with_scheme("http://127.0.0.1:9000"),
            "http://127.0.0.1:9000"
        );
        for good in [
            "minio:9000",
            "http://127.0.0.1:9000",
            "https://s3.example.com/",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in ["ftp://host", "http://", "http://a b", ""] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parts_below_5_mib_are_refused_in_the_originals_words() {
        assert_eq!(part_size("5242880"), Ok(()));
        assert_eq!(
            part_size("5242879"),
            Err("Part size must be at least: 5242880 bytes (5MB)".into())
        );
    }
}
