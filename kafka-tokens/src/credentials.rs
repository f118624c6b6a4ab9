//! The AWS SDK's credentials: from the environment, a profile, web identity (IRSA), a container or an instance; or of a role
//! that those take over (`awsRoleArn`).

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use sluiceway_common::kafka_config::IamSettings;

use crate::TokenError;

/// The session of a role whose settings give it no name.
const SESSION: &str = "sluiceway";

/// Where credentials come from, and the region that tokens are for.
#[derive(Debug)]
pub struct AwsCredentials {
    /// The cluster's region.
    pub region: String,
    provider: SharedCredentialsProvider,
}

impl AwsCredentials {
    /// Finds out where they come from; asks nobody for them yet.
    ///
    /// # Errors
    /// No region, or the SDK has no provider.
    pub async fn open(settings: &IamSettings) -> Result<Self, TokenError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let shared = loader.load().await;
        let region = shared.region().ok_or(TokenError::NoRegion)?.to_string();
        let base = shared.credentials_provider();
        let base =
            base.ok_or_else(|| TokenError::Credentials("the AWS SDK knows no way to them".into()))?;
        let provider = match &settings.role_arn {
            Some(role) => assume(role, settings, &region, &shared, base).await,
            None => base,
        };
        Ok(Self { region, provider })
    }

    /// Fetches them.
    ///
    /// # Errors
    /// The words of whoever has them, down to the last cause.
    pub async fn fetch(&self) -> Result<Credentials, TokenError> {
        let fetched = self.provider.provide_credentials().await;
        fetched.map_err(|error| TokenError::Credentials(sluiceway_common::causes::line(&error)))
    }
}

async fn assume(
    role: &str,
    settings: &IamSettings,
    region: &str,
    shared: &SdkConfig,
    base: SharedCredentialsProvider,
) -> SharedCredentialsProvider {
    let session = settings.role_session_name.as_deref().unwrap_or(SESSION);
    let sts = settings.sts_region.as_deref().unwrap_or(region);
    let mut builder = AssumeRoleProvider::builder(role)
        .configure(shared)
        .session_name(session)
        .region(Region::new(sts.to_owned()));
    if let Some(id) = &settings.external_id {
        builder = builder.external_id(id);
    }
    SharedCredentialsProvider::new(builder.build_from_provider(base).await)
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
