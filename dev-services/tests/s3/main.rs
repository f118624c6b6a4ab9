//! The embedded S3 server as the AWS SDK sees it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod multipart;
mod objects;

use std::path::{Path, PathBuf};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use dev_services::s3::{S3, S3Options};

pub(crate) const BUCKET: &str = "posts";

/// A server on a folder of its own, with a bucket.
pub(crate) struct Bench {
    pub(crate) client: Client,
    pub(crate) server: S3,
    pub(crate) root: tempfile::TempDir,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let server = S3::start(S3Options::new(root.path())).await.unwrap();
        server.create_bucket(BUCKET).await.unwrap();
        Self {
            client: client(&server, "devsecret"),
            server,
            root,
        }
    }

    /// Where an object's file should be.
    pub(crate) fn file(&self, key: &str) -> PathBuf {
        self.root.path().join(BUCKET).join(key)
    }

    pub(crate) async fn put(&self, key: &str, body: &'static str) {
        self.client
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(body.as_bytes().to_vec().into())
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn get(&self, key: &str) -> Vec<u8> {
        let got = self
            .client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .send()
            .await
            .unwrap();
        got.body.collect().await.unwrap().to_vec()
    }
}

pub(crate) fn client(server: &S3, secret: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(server.endpoint())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("dev", secret, None, None, "test"))
        .force_path_style(true)
        .build();
    Client::from_conf(config)
}

/// Every file below a folder, relative to it.
pub(crate) fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(
                    path.strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                ),
            }
        }
    }
    found.sort();
    found
}

/// The code of a refused request.
macro_rules! code {
    ($result:expr) => {{
        use aws_sdk_s3::error::ProvideErrorMetadata;
        $result.unwrap_err().code().unwrap_or_default().to_owned()
    }};
}
pub(crate) use code;
