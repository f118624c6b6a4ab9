//! The S3 client of a connector, and the check that its bucket exists.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials as AwsCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient,
};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::error::S3Error;
use super::signing::UnsignedOverTls;
use crate::config::{ConnectorConfig, Credentials, Proxy, Role, S3Config, StaticKey};

/// How long connecting to S3 may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one try of a request may take; a part is 25 MiB by default.
pub(super) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(120);

/// A client for the connector's region, endpoint and credentials.
pub(crate) async fn connect(config: &S3Config) -> Client {
    let http_client = http_client(config.proxy.as_ref());
    let retries = RetryConfig::standard()
        .with_max_attempts(config.part_retries.saturating_add(1))
        .with_initial_backoff(config.retry_backoff)
        .with_max_backoff(Duration::from_secs(20).max(config.retry_backoff));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client.clone())
        .region(Region::new(config.region.clone()))
        .retry_config(retries)
        .timeout_config(timeouts);
    if let Some(key) = base_key(&config.credentials) {
        loader = loader.credentials_provider(static_credentials(key));
    }
    if let Credentials::Provider(provider) = config.credentials {
        let provider = super::provider::named(provider, &config.region, http_client);
        loader = loader.credentials_provider(provider);
    }
    let shared = loader.load().await;
    let mut builder = aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(config.path_style)
        .accelerate(config.accelerate)
        .interceptor(UnsignedOverTls)
        .request_checksum_calculation(RequestChecksumCalculation::WhenSupported)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Credentials::Role(role) = &config.credentials {
        builder = builder.credentials_provider(assume_role(role, &shared).await);
    }
    if let Some(endpoint) = &config.endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    Client::from_conf(builder.build())
}

/// The configured key, whether it is used for S3 itself or to take over a role.
fn base_key(credentials: &Credentials) -> Option<&StaticKey> {
    match credentials {
        Credentials::DefaultChain | Credentials::Provider(_) => None,
        Credentials::Static(key) => Some(key),
        Credentials::Role(role) => role.base.as_ref(),
    }
}

fn static_credentials(key: &StaticKey) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(AwsCredentials::new(
        &key.key_id,
        key.secret.expose(),
        None,
        None,
        "connector configuration",
    ))
}

/// Credentials of a role, taken over by those of `shared` and renewed before they end.
async fn assume_role(role: &Role, shared: &SdkConfig) -> AssumeRoleProvider {
    let mut builder = AssumeRoleProvider::builder(&role.arn)
        .session_name(&role.session_name)
        .external_id(&role.external_id)
        .configure(shared);
    if let Some(region) = &role.region {
        builder = builder.region(Region::new(region.clone()));
    }
    match shared.credentials_provider() {
        Some(base) => builder.build_from_provider(base).await,
        None => builder.build().await,
    }
}

fn http_client(proxy: Option<&Proxy>) -> SharedHttpClient {
    // A URL that the client does not take as a proxy was refused with the configuration.
    match proxy.and_then(proxy_config) {
        None => direct_client(),
        Some(proxy) => aws_smithy_http_client::Builder::new().build_with_connector_fn(
            move |settings, components| {
                let mut builder = Connector::builder().proxy_config(proxy.clone());
                builder.set_connector_settings(settings.cloned());
                builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
                proxied(builder)
            },
        ),
    }
}

fn proxy_config(proxy: &Proxy) -> Option<ProxyConfig> {
    let config = ProxyConfig::all(proxy.url.as_str()).ok()?;
    Some(match &proxy.user {
        Some((user, password)) => config.with_basic_auth(user.as_str(), password.expose()),
        None => config,
    })
}

#[cfg(feature = "tls")]
fn proxied(builder: ConnectorBuilder) -> Connector {
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    builder
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build()
}

#[cfg(not(feature = "tls"))]
fn proxied(builder: ConnectorBuilder) -> Connector {
    builder.build_http()
}

#[cfg(feature = "tls")]
fn direct_client() -> SharedHttpClient {
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

#[cfg(not(feature = "tls"))]
fn direct_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// Checks that the connector's bucket exists. A bucket that we may not look at (403) or that is elsewhere (301)
/// counts as existing, as in the original.
///
/// # Errors
/// The exception a failed task shows: the bucket does not exist, or S3 cannot be reached.
pub(crate) async fn check_bucket(
    client: &Client,
    config: &ConnectorConfig,
) -> Result<(), crate::error::Exception> {
    let bucket = &config.s3.bucket;
    match client.head_bucket().bucket(bucket).send().await {
        Ok(_) => Ok(()),
        Err(error) => match S3Error::new("HeadBucket", &error) {
            S3Error {
                status: Some(404), ..
            } => Err(crate::error::Exception::new(
                crate::error::CONNECT_EXCEPTION,
                format!("Non-existent S3 bucket: {bucket}"),
            )),
            S3Error {
                status: Some(_), ..
            } => Ok(()),
            unreachable => {
                let endpoint = config.s3.endpoint.as_deref();
                Err(unreachable.towards(endpoint).exception().wrapped())
            }
        },
    }
}
