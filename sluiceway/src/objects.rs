//! Reads objects back from S3: keys under a prefix, and whole contents. Only the checks at start and end
//! use it, so nothing here is tuned for speed.

use anyhow::Context;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::{
    Client,
    config::{Credentials, RequestChecksumCalculation, ResponseChecksumValidation},
};

use crate::storage::Storage;

/// A bucket that is read.
#[derive(Debug)]
pub(crate) struct Objects {
    client: Client,
    bucket: String,
}

// === impl Objects ===

impl Objects {
    /// A reader with the storage's keys, or with the usual AWS variables and files.
    pub(crate) async fn open(storage: &Storage) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(storage.region.clone()))
            .http_client(http_client());
        if let Some(keys) = &storage.keys {
            let (access, secret) = (&keys.access_key, &keys.secret_key);
            let credentials = Credentials::new(access, secret, None, None, "quick start");
            loader = loader.credentials_provider(credentials);
        }
        let shared = loader.load().await;
        let config = aws_sdk_s3::config::Builder::from(&shared)
            .endpoint_url(&storage.endpoint)
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Self {
            client: Client::from_conf(config),
            bucket: storage.bucket.clone(),
        }
    }

    /// Asks for the first key, to see whether the bucket is there and may be read.
    ///
    /// # Errors
    /// What S3 says.
    pub(crate) async fn look(&self) -> anyhow::Result<()> {
        let request = self.client.list_objects_v2().bucket(&self.bucket);
        request.max_keys(1).send().await?;
        Ok(())
    }

    /// All keys that begin with `prefix`, in order.
    ///
    /// # Errors
    /// When S3 cannot be asked.
    pub(crate) async fn keys(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let request = self.client.list_objects_v2();
        let request = request.bucket(&self.bucket).prefix(prefix);
        let mut pages = request.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.with_context(|| format!("cannot list {}/{prefix}", self.bucket))?;
            let found = page.contents().iter();
            keys.extend(found.filter_map(|object| object.key().map(str::to_owned)));
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// The content of an object.
    ///
    /// # Errors
    /// When it cannot be read whole.
    pub(crate) async fn get(&self, key: &str) -> anyhow::Result<Vec<u8>> {
        let context = || format!("cannot read {}/{key}", self.bucket);
        let request = self.client.get_object().bucket(&self.bucket).key(key);
        let response = request.send().await.with_context(context)?;
        let body = response.body.collect().await.with_context(context)?;
        Ok(body.to_vec())
    }
}

/// TLS only in builds that speak it: the embedded S3 does not.
fn http_client() -> aws_sdk_s3::config::SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new();
    #[cfg(feature = "tls")]
    let builder = builder.tls_provider(aws_smithy_http_client::tls::Provider::Rustls(
        aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
    ));
    #[cfg(feature = "tls")]
    return builder.build_https();
    #[cfg(not(feature = "tls"))]
    builder.build_http()
}
