//! Whose rights a connector uses at S3, and the proxy between.

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Importance, Key, Kind, Values};
use sluiceway_common::props::Properties;
use sluiceway_common::secret::Secret;

use super::provider::Provider;

const PROVIDER: &str = "s3.credentials.provider.class";
/// The provider that takes over another role.
const ASSUME_ROLE: [&str; 2] = [
    "io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider",
    "AwsAssumeRoleCredentialsProvider",
];
/// Names of the SDK's default chain.
const DEFAULT_CHAIN: [&str; 4] = [
    "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
    "com.amazonaws.auth.DefaultAWSCredentialsProviderChain",
    "DefaultCredentialsProvider",
    "DefaultAWSCredentialsProviderChain",
];

/// Credentials for S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// The AWS SDK's default chain: environment, profile, web identity, container, instance.
    DefaultChain,
    /// One of its links alone.
    Provider(Provider),
    /// `aws.access.key.id` and `aws.secret.access.key`.
    Static(StaticKey),
    /// A role that is taken over, by the static key or the default chain.
    Role(Role),
}

/// A key as it is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticKey {
    /// The key's id.
    pub key_id: String,
    /// The key.
    pub secret: Secret,
}

/// A role of AWS and how to take it over (`s3.credentials.provider.sts.*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// `sts.role.arn`.
    pub arn: String,
    /// `sts.role.session.name`.
    pub session_name: String,
    /// `sts.role.external.id`.
    pub external_id: String,
    /// `sts.region`; the bucket's when it is not given.
    pub region: Option<String>,
    /// Who takes it over; the default chain when there is none.
    pub base: Option<StaticKey>,
}

/// `s3.proxy.url` with its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Scheme, host and port.
    pub url: String,
    /// User and password, from their own settings or the URL.
    pub user: Option<(String, Secret)>,
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        low(
            PROVIDER,
            Kind::Class,
            "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
            "Java class of the credentials provider: the default chain, one of the AWS SDK's own (version 2 or 1: \
             `EnvironmentVariable…`, `Profile…`, `WebIdentityTokenFile…`, `Container…`, `InstanceProfileCredentialsProvider`), or \
             `io.confluent.connect.s3.auth.AwsAssumeRoleCredentialsProvider` with \
             `s3.credentials.provider.sts.role.arn`, `.sts.role.session.name`, `.sts.role.external.id` and `.sts.region`.",
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

pub(super) fn proxy_keys() -> Vec<Key> {
    let unset = |name, kind, doc| Key::optional(name, kind, doc).importance(Importance::Low);
    vec![
        low(
            "s3.proxy.url",
            Kind::String,
            "",
            "HTTP proxy towards S3, `http://host:port`; it may hold user and password.",
        )
        .check(check_proxy),
        unset("s3.proxy.user", Kind::String, "User for the proxy."),
        unset(
            "s3.proxy.password",
            Kind::Password,
            "Password for the proxy; never shown.",
        ),
    ]
}

fn low(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key::with(name, kind, default, doc).importance(Importance::Low)
}

/// Reads the provider and its options.
pub(super) fn read(
    values: &Values,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> Credentials {
    let key = static_key(values, errors);
    let provider = values.text(PROVIDER);
    if ASSUME_ROLE.contains(&provider) {
        return Credentials::Role(role(properties, key, errors));
    }
    let keyless = match Provider::of(provider) {
        Some(provider) => Credentials::Provider(provider),
        None => Credentials::DefaultChain,
    };
    if keyless == Credentials::DefaultChain && !DEFAULT_CHAIN.contains(&provider) {
        errors.0.push(super::not_supported(PROVIDER, provider));
    }
    // As in the original, a key goes before every provider that takes no settings.
    key.map_or(keyless, Credentials::Static)
}

fn static_key(values: &Values, errors: &mut ConfigErrors) -> Option<StaticKey> {
    let key_id = values.text("aws.access.key.id");
    let secret = values
        .secret("aws.secret.access.key")
        .filter(|secret| !secret.is_empty());
    match (key_id, secret) {
        ("", None) => None,
        (key_id, Some(secret)) if !key_id.is_empty() => Some(StaticKey {
            key_id: key_id.to_owned(),
            secret: secret.clone(),
        }),
        (key_id, _) => {
            let missing = if key_id.is_empty() {
                "aws.access.key.id"
            } else {
                "aws.secret.access.key"
            };
            let text = format!(
                "Invalid value for configuration {missing}: it is empty; set both aws.access.key.id and \
                 aws.secret.access.key, or neither"
            );
            errors.0.push(ConfigError::other(missing, text));
            None
        }
    }
}

fn role(properties: &Properties, base: Option<StaticKey>, errors: &mut ConfigErrors) -> Role {
    let option = |name: &str| {
        properties
            .get(&format!("s3.credentials.provider.{name}"))
            .cloned()
    };
    let mut required = |name: &str| {
        let value = option(name);
        if value.is_none() {
            let text =
                format!("Missing required configuration \"{name}\" which has no default value.");
            errors.0.push(ConfigError::other(PROVIDER, text));
        }
        value.unwrap_or_default()
    };
    Role {
        arn: required("sts.role.arn"),
        external_id: required("sts.role.external.id"),
        session_name: required("sts.role.session.name"),
        region: option("sts.region").filter(|region| !region.is_empty()),
        base,
    }
}

/// Reads the proxy.
pub(super) fn proxy(values: &Values) -> Option<Proxy> {
    let url = with_scheme(
        values
            .text_opt("s3.proxy.url")
            .filter(|url| !url.is_empty())?,
    );
    let (scheme, rest) = url.split_once("://")?;
    let (inline, host) = match rest.rsplit_once('@') {
        Some((user, host)) => (user.split_once(':').or(Some((user, ""))), host),
        None => (None, rest),
    };
    let own = values
        .text_opt("s3.proxy.user")
        .filter(|user| !user.is_empty());
    let user = match (own, inline) {
        (Some(user), _) => {
            let password = values.secret("s3.proxy.password").cloned();
            Some((user.to_owned(), password.unwrap_or_else(|| Secret::new(""))))
        }
        (None, Some((user, password))) => Some((user.to_owned(), Secret::new(password))),
        (None, None) => None,
    };
    Some(Proxy {
        url: format!("{scheme}://{host}"),
        user,
    })
}

fn with_scheme(url: &str) -> String {
    if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    }
}

/// Validator of `s3.proxy.url`. Its text is not repeated: it may hold a password.
fn check_proxy(text: &str) -> Result<(), String> {
    let good = text.is_empty()
        || with_scheme(text).parse::<http::Uri>().is_ok_and(|uri| {
            uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
        });
    good.then_some(())
        .ok_or_else(|| "not a URL such as http://host:3128".to_owned())
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
