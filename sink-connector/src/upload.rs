//! From finished bytes to objects: every request to S3 of one task.
//!
//! In: parts of open files, and whole small files whose plan was acknowledged. Out: [`UploadEvent`]s to the task's
//! thread. A file that fits into one part is one `PutObject`; a larger one is a multipart upload whose parts go out
//! while it is still open. Requests run on the runtime, a bounded number at once ([`turns`]).

mod client;
mod error;
mod form;
mod listing;
mod multipart;
mod options;
mod orphans;
mod provider;
mod put;
mod retry;
mod signing;
mod turns;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use parking_lot::Mutex;

pub(crate) use client::{check_bucket, connect};
pub(crate) use error::S3Error;
pub(crate) use multipart::Multipart;
pub(crate) use options::RequestOptions;

use crate::config::ConnectorConfig;
use crate::events::ClosedObject;
use crate::metrics::SinkMetrics;
use crate::upload::error::Verdict;
use crate::upload::form::Form;
use crate::upload::turns::Turns;

/// What an object without a type has on AWS and MinIO; the original sends none, and the SDK would send its own.
const CONTENT_TYPE: &str = "binary/octet-stream";
/// S3 takes no smaller part, except as the last one of an object.
pub(crate) const MIN_PART_BYTES: usize = 5 * 1024 * 1024;

/// Names a topic-partition for as long as one task holds it.
pub(crate) type TpId = u64;

/// Names a file of a closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    /// The topic-partition's current assignment.
    pub(crate) tp: TpId,
    /// The file, unique in the process.
    pub(crate) file: u64,
}

/// What became of a file's upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UploadEvent {
    /// The object is visible.
    Completed(FileId),
    /// The upload is gone; its records have to be read again.
    Lost(FileId),
    /// S3 refuses it; the task fails with this error.
    Failed(S3Error),
}

impl UploadEvent {
    fn failed(file: FileId, error: &S3Error) -> Self {
        match error.verdict() {
            Verdict::Gone => Self::Lost(file),
            _ => Self::Failed(error.clone()),
        }
    }
}

/// The uploads of one task.
pub(crate) struct Uploader {
    client: Client,
    bucket: String,
    connector: String,
    retry_backoff: Duration,
    options: RequestOptions,
    /// Of the first object that was put. Nothing: each is put by the client library.
    form: OnceLock<Option<Form>>,
    runtime: tokio::runtime::Handle,
    turns: Arc<Turns>,
    /// First pause after a request that the SDK is not to repeat by itself (`s3.retry.backoff.ms`).
    first_pause: Duration,
    metrics: Arc<SinkMetrics>,
    events: mpsc::Sender<UploadEvent>,
    own_uploads: Mutex<HashSet<String>>,
    /// Takes the objects in S3's place; see [`Uploader::listing`].
    listing: Option<mpsc::Sender<ClosedObject>>,
}

impl Uploader {
    /// Uploads by `client` as `config` says; events go to `events`.
    pub(crate) fn new(
        client: Client,
        config: &ConnectorConfig,
        runtime: tokio::runtime::Handle,
        metrics: Arc<SinkMetrics>,
        events: mpsc::Sender<UploadEvent>,
    ) -> Arc<Self> {
        Self::made(client, config, runtime, metrics, events, None)
    }

    fn made(
        client: Client,
        config: &ConnectorConfig,
        runtime: tokio::runtime::Handle,
        metrics: Arc<SinkMetrics>,
        events: mpsc::Sender<UploadEvent>,
        listing: Option<mpsc::Sender<ClosedObject>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            client,
            bucket: config.s3.bucket.clone(),
            connector: config.name.clone(),
            retry_backoff: config.retry_backoff,
            options: RequestOptions::new(&config.s3.objects),
            form: OnceLock::new(),
            runtime,
            turns: Arc::default(),
            first_pause: config.s3.retry_backoff,
            metrics,
            events,
            own_uploads: Mutex::new(HashSet::new()),
            listing,
        })
    }

    /// So many topic-partitions share the requests from now on.
    pub(crate) fn divide(&self, topic_partitions: usize) {
        self.turns.divide(topic_partitions);
    }

    /// Waits until no multipart upload of this task is open any more: what was dropped is being aborted.
    pub(crate) fn settled(&self, limit: Duration) {
        let until = Instant::now() + limit;
        while !self.own_uploads.lock().is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts a multipart upload of a file whose first record is at `first_offset`.
    pub(crate) fn multipart(
        self: &Arc<Self>,
        file: FileId,
        key: String,
        first_offset: i64,
    ) -> Multipart {
        Multipart::start(self, file, key, first_offset)
    }

    fn tell(&self, event: UploadEvent) {
        // A task that has ended no longer listens; its successor reads the records again.
        let _ = self.events.send(event);
    }
}

#[cfg(test)]
mod customer_key_tests;
#[cfg(test)]
mod form_tests;
#[cfg(test)]
mod signing_tests;
#[cfg(test)]
mod store_for_tests;
