//! Where objects go: bucket, endpoint, credentials, parts.

use std::time::Duration;

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Importance, Key, Kind, Values};
use sluiceway_common::secret::Secret;

/// The smallest part S3 takes, except for the last.
pub(crate) const MIN_PART_SIZE: i64 = 5_242_880;

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
    /// Whose rights are used.
    pub credentials: Credentials,
}

/// Credentials for S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// The AWS SDK's default chain: environment, profile, web identity, container, instance.
    DefaultChain,
    /// `aws.access.key.id` and `aws.secret.access.key`.
    Static {
        /// The key's id.
        key_id: String,
        /// The key.
        secret: Secret,
    },
}

const PROVIDERS: [&str; 4] = [
    "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
    "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
    "DefaultCredentialsProvider",
    "DefaultAWSCredentialsProviderChain",
];

const ACLS: [&str; 7] = [
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
];

pub(super) fn keys() -> Vec<Key> {
    let mut keys = place_keys();
    keys.extend(part_keys());
    keys.extend(credential_keys());
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
            "s3.path.style.access.enabled",
            Kind::Boolean,
            "true",
            "Whether the bucket stands in the URL's path instead of its host name.",
        ),
        Key::with(
            "s3.wan.mode",
            Kind::Boolean,
            "false",
            "S3's accelerated endpoint. Not supported by this version.",
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

fn credential_keys() -> Vec<Key> {
    vec![
        low(
            "s3.credentials.provider.class",
            Kind::Class,
            "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
            "Java class of the credentials provider; only the default chain in this version.",
        ),
        Key::with(
            "aws.access.key.id",
            Kind::String,
            "",
            "Id of a static key; with `aws.secret.access.key` instead of the chain.",
        )
        .importance(Importance::High),
        Key::optional(
            "aws.secret.access.key",
            Kind::Password,
            "The static key; never shown.",
        )
        .importance(Importance::High),
    ]
}

fn option_keys() -> Vec<Key> {
    vec![
        low(
            "s3.object.tagging",
            Kind::Boolean,
            "false",
            "Tags with offsets and count. Not supported by this version.",
        ),
        low(
            "s3.object.tagging.key.value.pairs",
            Kind::List,
            "",
            "Further tags. Without effect unless `s3.object.tagging`.",
        ),
        low(
            "s3.object.behavior.on.tagging.error",
            Kind::String,
            "ignore",
            "What a failed tagging does.",
        )
        .one_of(&["ignore", "fail"], true),
        low(
            "s3.ssea.name",
            Kind::String,
            "",
            "Server-side encryption. Not supported by this version.",
        ),
        unset(
            "s3.sse.customer.key",
            Kind::Password,
            "Customer's key for server-side encryption.",
        ),
        low(
            "s3.sse.kms.key.id",
            Kind::String,
            "",
            "KMS key for server-side encryption.",
        ),
        unset(
            "s3.acl.canned",
            Kind::String,
            "Canned ACL of the objects. Not supported by this version.",
        )
        .check(acl),
        low(
            "s3.proxy.url",
            Kind::String,
            "",
            "HTTP proxy towards S3. Not supported by this version.",
        ),
        unset("s3.proxy.user", Kind::String, "User for the proxy."),
        unset(
            "s3.proxy.password",
            Kind::Password,
            "Password for the proxy; never shown.",
        ),
        low(
            "s3.schema.partition.affix.type",
            Kind::String,
            "NONE",
            "Schema name in the key. Not supported by this version.",
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

fn unset(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key::optional(name, kind, doc).importance(Importance::Low)
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

fn acl(text: &str) -> Result<(), String> {
    if ACLS.contains(&text) {
        Ok(())
    } else {
        Err(format!("Value must be one of: [{}]", ACLS.join(", ")))
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

pub(super) fn read(values: &Values, errors: &mut ConfigErrors) -> S3Config {
    const PROVIDER: &str = "s3.credentials.provider.class";
    let provider = values.text(PROVIDER);
    if !PROVIDERS.contains(&provider) {
        errors.0.push(super::not_supported(PROVIDER, provider));
    }
    S3Config {
        bucket: values.text("s3.bucket.name").to_owned(),
        region: values.text("s3.region").to_owned(),
        endpoint: values.text_opt("store.url").map(with_scheme),
        path_style: values.boolean("s3.path.style.access.enabled"),
        part_size: values.size("s3.part.size"),
        part_retries: u32::try_from(values.number("s3.part.retries")).unwrap_or(0),
        retry_backoff: values.millis("s3.retry.backoff.ms").unwrap_or_default(),
        credentials: credentials(values, errors),
    }
}

fn credentials(values: &Values, errors: &mut ConfigErrors) -> Credentials {
    let key_id = values.text("aws.access.key.id");
    let secret = values
        .secret("aws.secret.access.key")
        .filter(|secret| !secret.is_empty());
    match (key_id, secret) {
        ("", None) => Credentials::DefaultChain,
        (key_id, Some(secret)) if !key_id.is_empty() => Credentials::Static {
            key_id: key_id.to_owned(),
            secret: secret.clone(),
        },
        (key_id, _) => {
            let missing = if key_id.is_empty() {
                "aws.access.key.id"
            } else {
                "aws.secret.access.key"
            };
            errors.0.push(ConfigError::other(missing, format!("Invalid value for configuration {missing}: it is empty; set both aws.access.key.id and aws.secret.access.key, or neither")));
            Credentials::DefaultChain
        }
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
        assert!(acl("PUBLIC_READ").is_err_and(|reason| {
            reason.starts_with("Value must be one of: [private, public-read,")
        }));
    }
}
