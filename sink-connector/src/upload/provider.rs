//! A provider of the AWS SDK by itself, where a connector names one instead of the chain.

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{Region, SharedHttpClient};

use crate::config::Provider;

/// The provider, which asks with `http_client` and, where it asks STS, in `region`.
pub(super) fn named(
    provider: Provider,
    region: &str,
    http_client: SharedHttpClient,
) -> SharedCredentialsProvider {
    let config = ProviderConfig::without_region()
        .with_region(Some(Region::new(region.to_owned())))
        .with_http_client(http_client);
    let container = || EcsCredentialsProvider::builder().configure(&config).build();
    let instance = || {
        ImdsCredentialsProvider::builder()
            .configure(&config)
            .build()
    };
    match provider {
        Provider::Environment => {
            SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new())
        }
        Provider::Profile => {
            let builder = ProfileFileCredentialsProvider::builder();
            SharedCredentialsProvider::new(builder.configure(&config).build())
        }
        Provider::WebIdentity => {
            let builder = WebIdentityTokenCredentialsProvider::builder();
            SharedCredentialsProvider::new(builder.configure(&config).build())
        }
        Provider::Container => SharedCredentialsProvider::new(container()),
        Provider::Instance => SharedCredentialsProvider::new(instance()),
        Provider::ContainerOrInstance => SharedCredentialsProvider::new(
            CredentialsProviderChain::first_try("container", container())
                .or_else("instance", instance()),
        ),
    }
}
