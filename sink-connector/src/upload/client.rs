//! The S3 client of a connector, and the check that its bucket exists.

use std::time::Duration;

use aws_credential_types::Credentials as AwsCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient,
};

use super::error::S3Error;
use crate::config::{ConnectorConfig, Credentials, S3Config};

/// How long connecting to S3 may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one try of a request may take; a part is 25 MiB by default.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(120);

/// A client for the connector's region, endpoint and credentials.
pub(crate) async fn connect(config: &S3Config) -> Client {
    let http_client = http_client();
    let retries = RetryConfig::standard()
        .with_max_attempts(config.part_retries.saturating_add(1))
        .with_initial_backoff(config.retry_backoff)
        .with_max_backoff(Duration::from_secs(20).max(config.retry_backoff));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .region(Region::new(config.region.clone()))
        .retry_config(retries)
        .timeout_config(timeouts);
    if let Credentials::Static { key_id, secret } = &config.credentials {
        loader = loader.credentials_provider(static_credentials(key_id, secret.expose()));
    }
    let shared = loader.load().await;
    let mut builder = aws_sdk_s3::config::Builder::from(&shared)
        .force_path_style(config.path_style)
        .request_checksum_calculation(RequestChecksumCalculation::WhenSupported)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    Client::from_conf(builder.build())
}

fn static_credentials(id: &str, secret: &str) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(AwsCredentials::new(
        id,
        secret,
        None,
        None,
        "connector configuration",
    ))
}

#[cfg(feature = "tls")]
fn http_client() -> SharedHttpClient {
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

#[cfg(not(feature = "tls"))]
fn http_client() -> SharedHttpClient {
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
