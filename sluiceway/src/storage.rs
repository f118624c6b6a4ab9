//! Where objects go: the embedded S3, or a real one.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use dev_services::s3::{S3, S3Options};

use crate::{args::Args, objects::Objects, parts::DATA_DIR};

/// Where objects go.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) bucket: String,
    /// The embedded S3's keys; none for a real one: the usual AWS chain has them.
    pub(crate) keys: Option<Keys>,
}

/// Keys of the embedded S3. They guard nothing.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

/// Starts the embedded S3 with its bucket, or looks whether the real one has it.
///
/// # Errors
/// Neither is there.
pub(crate) async fn start(args: &Args) -> anyhow::Result<(Option<S3>, Storage)> {
    let region = std::env::var("AWS_REGION").or_else(|_| std::env::var("AWS_DEFAULT_REGION"));
    let mut storage = Storage {
        endpoint: args.s3_endpoint.clone().unwrap_or_default(),
        region: region.unwrap_or_else(|_| "us-east-1".to_owned()),
        bucket: args.bucket(),
        keys: None,
    };
    if args.s3_endpoint.is_some() {
        storage.check().await?;
        return Ok((None, storage));
    }
    let s3 = embedded(args, &mut storage).await?;
    Ok((Some(s3), storage))
}

async fn embedded(args: &Args, storage: &mut Storage) -> anyhow::Result<S3> {
    let options = S3Options {
        port: args.s3_port,
        ..S3Options::new(root(&args.data_dir))
    };
    storage.keys = Some(Keys {
        access_key: options.access_key.clone(),
        secret_key: options.secret_key.clone(),
    });
    let s3 = S3::start(options).await.context(DATA_DIR)?;
    let made = s3.create_bucket(&storage.bucket).await;
    made.context("cannot make the bucket (--s3-bucket)")?;
    storage.endpoint = s3.endpoint();
    Ok(s3)
}

/// The folder of the embedded S3.
pub(crate) fn root(data_dir: &Path) -> PathBuf {
    data_dir.join("s3")
}

// === impl Storage ===

impl Storage {
    /// Whether a real S3 is there, with the bucket: a sink that finds neither would only fail later.
    async fn check(&self) -> anyhow::Result<()> {
        let Self {
            endpoint, bucket, ..
        } = self;
        let (scheme, _) = endpoint.split_once("://").unwrap_or_default();
        ensure!(
            ["http", "https"].contains(&scheme),
            "--s3-endpoint {endpoint}: write a URL, such as http://127.0.0.1:9000"
        );
        ensure!(
            scheme == "http" || cfg!(feature = "tls"),
            "--s3-endpoint {endpoint}: this build speaks no TLS; make one with --features tls"
        );
        let listed = Objects::open(self).await.look().await;
        listed.with_context(|| {
            format!(
                "no bucket {bucket} at {endpoint} (--s3-bucket, --s3-endpoint; keys: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
            )
        })
    }
}
