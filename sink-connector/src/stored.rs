//! What a connector has written, looked at: objects listed, their rows shown, links that S3 signs.
//!
//! In: the connector's configuration and a key under its `topics.dir`. Out: what the REST API answers. Nothing is changed, and
//! nothing outside of the connector's own folder is shown: its credentials may reach further than its objects.

mod avro;
mod list;
#[cfg(not(feature = "parquet"))]
#[path = "stored/no_parquet.rs"]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet;
mod rows;

pub(crate) use list::{Listing, Wanted};
pub(crate) use rows::Preview;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use parking_lot::Mutex;
use serde::Serialize;
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::config::{ConnectorConfig, Encryption, FormatConfig, S3Config};
use crate::upload::{S3Error, connect};

/// How long a link can be used.
const LINK: Duration = Duration::from_secs(300);
/// Clients that are kept, of the connectors asked for last.
const CLIENTS: usize = 32;
/// Objects read at once; others wait.
const READS: usize = 2;

/// Why an object is not shown.
#[derive(Debug, Error)]
pub(crate) enum StoredError {
    /// A key that the connector does not write.
    #[error("\"{key}\" does not lie under \"{root}\", where this connector's objects are")]
    Outside {
        /// The key or prefix.
        key: String,
        /// The connector's folder.
        root: String,
    },
    /// S3 has no such object.
    #[error("there is no object \"{0}\" in the bucket")]
    NotFound(String),
    /// It cannot be shown, although it is there.
    #[error("{0}")]
    Unreadable(String),
    /// S3 refused, or did not answer.
    #[error("S3: {0}")]
    S3(S3Error),
}

impl From<S3Error> for StoredError {
    fn from(error: S3Error) -> Self {
        Self::S3(error)
    }
}

/// A link to an object.
#[derive(Debug, Serialize)]
pub(crate) struct Link {
    /// Signed by the connector's credentials.
    url: String,
    /// Seconds for which it can be used.
    expires_in: u64,
}

/// Clients of S3 for looking at objects.
pub(crate) struct Stores {
    clients: Mutex<HashMap<String, (S3Config, Client)>>,
    reads: Semaphore,
}

impl Default for Stores {
    fn default() -> Self {
        Self {
            clients: Mutex::default(),
            reads: Semaphore::new(READS),
        }
    }
}

impl Stores {
    /// A client with the connector's settings; those of the tasks are their own.
    async fn client(&self, config: &ConnectorConfig) -> Client {
        let known = self.clients.lock().get(&config.name).cloned();
        if let Some((_, client)) = known.filter(|(settings, _)| *settings == config.s3) {
            return client;
        }
        let client = connect(&config.s3).await;
        let mut clients = self.clients.lock();
        if clients.len() >= CLIENTS {
            clients.clear();
        }
        clients.insert(config.name.clone(), (config.s3.clone(), client.clone()));
        client
    }

    /// Lists a folder.
    ///
    /// # Errors
    /// See [`StoredError`].
    pub(crate) async fn list(
        &self,
        config: &ConnectorConfig,
        wanted: Wanted,
    ) -> Result<Listing, StoredError> {
        list::list(&self.client(config).await, config, wanted).await
    }

    /// The first rows of an object.
    ///
    /// # Errors
    /// See [`StoredError`].
    pub(crate) async fn preview(
        &self,
        config: &ConnectorConfig,
        key: &str,
        rows: usize,
    ) -> Result<Preview, StoredError> {
        check_inside(config, key)?;
        let _place = self.reads.acquire().await;
        rows::preview(&self.client(config).await, config, key, rows).await
    }

    /// A link by which an object can be fetched for some minutes.
    ///
    /// # Errors
    /// See [`StoredError`].
    pub(crate) async fn link(
        &self,
        config: &ConnectorConfig,
        key: &str,
    ) -> Result<Link, StoredError> {
        check_inside(config, key)?;
        if matches!(config.s3.objects.encryption, Encryption::Customer(_)) {
            let reason = "objects that are encrypted with a customer's key cannot be fetched by a link alone";
            return Err(StoredError::Unreadable(reason.to_owned()));
        }
        let unsigned = |error: &dyn std::fmt::Display| {
            StoredError::Unreadable(format!("the link cannot be signed: {error}"))
        };
        let request = self.client(config).await.get_object();
        let expiry = PresigningConfig::expires_in(LINK).map_err(|error| unsigned(&error))?;
        let signed = request
            .bucket(&config.s3.bucket)
            .key(key)
            .presigned(expiry)
            .await;
        let signed = signed.map_err(|error| unsigned(&S3Error::new("GetObject", &error)))?;
        Ok(Link {
            url: signed.uri().to_owned(),
            expires_in: LINK.as_secs(),
        })
    }
}

/// Begin of all keys of a connector.
fn root(config: &ConnectorConfig) -> String {
    let path = &config.path;
    match path.topics_dir.trim() {
        "" => String::new(),
        _ => format!("{}{}", path.topics_dir, path.directory_delim),
    }
}

fn check_inside(config: &ConnectorConfig, key: &str) -> Result<(), StoredError> {
    let root = root(config);
    match key.starts_with(&root) {
        true => Ok(()),
        false => Err(StoredError::Outside {
            key: key.to_owned(),
            root,
        }),
    }
}

/// The format's name in answers.
fn format_name(format: &FormatConfig) -> &'static str {
    match format {
        FormatConfig::Json { .. } => "json",
        FormatConfig::ByteArray { .. } => "bytes",
        FormatConfig::Avro { .. } => "avro",
        FormatConfig::Parquet { .. } => "parquet",
    }
}
