//! One multipart upload: parts go out in order while the file is still open; nothing is visible until it completes.
//!
//! In: parts as they fill, then the order to complete. Out: an [`UploadEvent`] for the completed object, or for its
//! failure. Dropping the handle before completion aborts the upload.

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc;

use super::error::{S3Error, Verdict};
use super::{CONTENT_TYPE, FileId, UploadEvent, Uploader};
use crate::budget::Reservation;
use crate::events::ClosedObject;
use crate::spare_buffers;

enum Step {
    Part(Bytes, Reservation),
    Complete(ClosedObject),
}

/// A multipart upload under way.
pub(crate) struct Multipart {
    steps: mpsc::UnboundedSender<Step>,
    bytes: u64,
    /// For an uploader that only lists.
    listed: Option<(Arc<Uploader>, FileId)>,
}

impl Multipart {
    /// Starts an upload of `file` to `key`.
    pub(super) fn start(
        uploader: &Arc<Uploader>,
        file: FileId,
        key: String,
        first_offset: i64,
    ) -> Self {
        // Unbounded, because its bytes are counted by their reservations: the budget bounds it.
        let (steps, inbox) = mpsc::unbounded_channel();
        if uploader.only_lists() {
            let listed = Some((Arc::clone(uploader), file));
            return Self {
                steps,
                bytes: 0,
                listed,
            };
        }
        let worker = Worker {
            uploader: Arc::clone(uploader),
            file,
            key,
            first_offset,
            upload_id: None,
            begun_again: false,
            parts: Vec::new(),
        };
        uploader.runtime.spawn(worker.run(inbox));
        Self {
            steps,
            bytes: 0,
            listed: None,
        }
    }

    /// Sends a part. `reservation` stands for its bytes until they are sent.
    pub(crate) fn part(&mut self, body: Vec<u8>, reservation: Reservation) {
        self.bytes += body.len() as u64;
        // A closed channel means that the upload failed; its event is on the way to the task.
        let body = spare_buffers::sent(body, reservation.account());
        let _ = self.steps.send(Step::Part(body, reservation));
    }

    /// Bytes sent as parts so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the object visible once all parts are there.
    pub(crate) fn complete(self, object: ClosedObject) {
        if let Some((uploader, file)) = self.listed {
            uploader.list(file, &object);
            return;
        }
        let _ = self.steps.send(Step::Complete(object));
    }
}

/// Whether the file was completed, now that no more steps come: `step` and those that wait (in `rest` from now on) end with it.
fn is_completed(
    step: &Step,
    rest: &mut VecDeque<Step>,
    inbox: &mut mpsc::UnboundedReceiver<Step>,
) -> bool {
    while let Ok(next) = inbox.try_recv() {
        rest.push_back(next);
    }
    matches!(rest.back().unwrap_or(step), Step::Complete(_))
}

struct Worker {
    uploader: Arc<Uploader>,
    file: FileId,
    key: String,
    first_offset: i64,
    upload_id: Option<String>,
    /// It was begun more than once: the answer to an earlier try was lost, perhaps with an upload of its own.
    begun_again: bool,
    parts: Vec<CompletedPart>,
}

impl Worker {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Step>) {
        let mut rest = VecDeque::new();
        while let Some(step) = match rest.pop_front() {
            Some(step) => Some(step),
            None => inbox.recv().await,
        } {
            if inbox.is_closed() && !is_completed(&step, &mut rest, &mut inbox) {
                break;
            }
            let result = match step {
                Step::Part(body, reservation) => {
                    let sent = self.send_part(body).await;
                    drop(reservation);
                    sent
                }
                Step::Complete(object) => {
                    let result = match self.complete().await {
                        Ok(()) => self.uploader.tag(&object).await,
                        Err(error) => Err(error),
                    };
                    if result.is_ok() {
                        self.forget().await;
                        self.uploader.tell(UploadEvent::Completed(self.file));
                        return;
                    }
                    result
                }
            };
            if let Err(error) = result {
                self.abort().await;
                self.uploader.tell(UploadEvent::failed(self.file, &error));
                return;
            }
        }
        self.abort().await;
    }

    async fn create(&mut self) -> Result<String, S3Error> {
        if let Some(id) = &self.upload_id {
            return Ok(id.clone());
        }
        let (uploader, key) = (Arc::clone(&self.uploader), self.key.clone());
        // The SDK's own tries are off: an answer that was lost leaves an upload behind, which has to be known.
        let once = || aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::disabled());
        let (created, tries) = uploader
            .tried(
                "CreateMultipartUpload",
                (self.file.tp, &key),
                uploader.first_pause,
                || {
                    let create = uploader
                        .client
                        .create_multipart_upload()
                        .content_type(CONTENT_TYPE)
                        .bucket(&uploader.bucket)
                        .key(&key);
                    let create = uploader.options.create(create, self.first_offset);
                    create.customize().config_override(once()).send()
                },
            )
            .await?;
        self.begun_again = tries > 1;
        let id = created.upload_id.unwrap_or_default();
        self.uploader.own_uploads.lock().insert(id.clone());
        self.upload_id = Some(id.clone());
        Ok(id)
    }

    async fn send_part(&mut self, body: Bytes) -> Result<(), S3Error> {
        let id = self.create().await?;
        let number = i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX);
        let (uploader, key) = (Arc::clone(&self.uploader), self.key.clone());
        let sent = uploader
            .until_done("UploadPart", (self.file.tp, &key), || {
                let part = uploader
                    .client
                    .upload_part()
                    .bucket(&uploader.bucket)
                    .key(&key)
                    .upload_id(&id);
                let part = part
                    .part_number(number)
                    .body(ByteStream::from(body.clone()));
                uploader.options.part(part).send()
            })
            .await?;
        self.parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(sent.e_tag)
                .build(),
        );
        Ok(())
    }

    async fn complete(&mut self) -> Result<(), S3Error> {
        let id = self.create().await?;
        let (uploader, key) = (Arc::clone(&self.uploader), self.key.clone());
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(self.parts.clone()))
            .build();
        let result = uploader
            .until_done("CompleteMultipartUpload", (self.file.tp, &key), || {
                let complete = uploader
                    .client
                    .complete_multipart_upload()
                    .bucket(&uploader.bucket)
                    .key(&key);
                let complete = complete.upload_id(&id).multipart_upload(parts.clone());
                uploader.options.complete(complete).send()
            })
            .await;
        match result {
            Ok(_) => Ok(()),
            // An earlier try may have completed it and its answer been lost.
            Err(error) if error.verdict() == Verdict::Gone && self.is_there().await => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the object that this upload would make lies under its key: an object of as many parts, which nobody
    /// else writes there (the key is a function of topic, partition and first offset, and so are its records).
    async fn is_there(&self) -> bool {
        let head = self
            .uploader
            .client
            .head_object()
            .bucket(&self.uploader.bucket)
            .key(&self.key);
        let head = self.uploader.options.head(head).send().await;
        let ending = format!("-{}\"", self.parts.len());
        head.is_ok_and(|object| object.e_tag().is_some_and(|tag| tag.ends_with(&ending)))
    }

    /// It is over: also what earlier tries to begin it may have left.
    async fn forget(&self) {
        if self.begun_again {
            self.uploader.abort_others(&self.key).await;
        }
        if let Some(id) = &self.upload_id {
            self.uploader.own_uploads.lock().remove(id);
        }
    }

    async fn abort(&self) {
        if let Some(id) = &self.upload_id {
            let client = &self.uploader.client;
            let abort = client
                .abort_multipart_upload()
                .bucket(&self.uploader.bucket)
                .key(&self.key)
                .upload_id(id);
            if let Err(error) = abort.send().await {
                let error = S3Error::new("AbortMultipartUpload", &error);
                tracing::debug!(key = self.key, %error, "a multipart upload could not be aborted; the next owner of its partition will");
            }
            self.forget().await;
        }
    }
}
