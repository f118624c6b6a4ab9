//! Whole objects: one request each, by the [`form`](super::form) of the first, or by the client library.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use bytes::Bytes;
use http::StatusCode;

use super::client::ATTEMPT_TIMEOUT;
use super::form::{Form, TakeForm};
use super::{CONTENT_TYPE, FileId, UploadEvent, Uploader};
use crate::budget::Reservation;
use crate::events::ClosedObject;
use crate::spare_buffers;

impl Uploader {
    /// Writes a whole object with one request.
    pub(crate) fn put(
        self: &Arc<Self>,
        file: FileId,
        object: ClosedObject,
        body: Vec<u8>,
        reservation: Reservation,
    ) {
        if self.list(file, &object) {
            return;
        }
        let uploader = Arc::clone(self);
        let body = spare_buffers::sent(body, reservation.account());
        self.runtime.spawn(async move {
            let put = || uploader.put_object(&object, &body);
            let place = (file.tp, object.key.as_str());
            let result = uploader.until_done("PutObject", place, put).await;
            drop(reservation);
            let result = match result {
                Ok(()) => uploader.tag(&object).await,
                Err(error) => Err(error),
            };
            uploader.tell(match result {
                Ok(()) => UploadEvent::Completed(file),
                Err(error) => UploadEvent::failed(file, &error),
            });
        });
    }

    /// Puts an object. What fails by the form is put again by the client library, with its tries and its errors.
    pub(super) async fn put_object(
        &self,
        object: &ClosedObject,
        body: &Bytes,
    ) -> Result<(), SdkError<PutObjectError, HttpResponse>> {
        let Some(Some(form)) = self.form.get() else {
            return self.put_by_library(object, body).await;
        };
        let put = form.put(&object.key, body, self.options.metadata(object));
        match tokio::time::timeout(ATTEMPT_TIMEOUT, put).await {
            Ok(Ok(status)) if status.is_success() => return Ok(()),
            Ok(Ok(status)) => {
                tracing::debug!(key = object.key, %status, "PutObject is made again");
                tokio::time::sleep(self.pause_after(status)).await;
            }
            Ok(Err(error)) => tracing::debug!(key = object.key, error, "PutObject is made again"),
            Err(_) => tracing::debug!(key = object.key, "PutObject timed out, is made again"),
        }
        self.put_by_library(object, body).await
    }

    /// A server that is busy is left alone for a while, as the library would.
    fn pause_after(&self, status: StatusCode) -> Duration {
        match status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            true => self.first_pause,
            false => Duration::ZERO,
        }
    }

    async fn put_by_library(
        &self,
        object: &ClosedObject,
        body: &Bytes,
    ) -> Result<(), SdkError<PutObjectError, HttpResponse>> {
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(&object.key)
            .content_type(CONTENT_TYPE)
            .body(ByteStream::from(body.clone()));
        let put = self.options.put(put, object);
        if self.form.get().is_some() {
            return put.send().await.map(drop);
        }
        let (take, taken) = TakeForm::new(&object.key);
        put.customize().interceptor(take).send().await?;
        let form: Option<Form> = taken.lock().take();
        let _ = self.form.set(form);
        Ok(())
    }
}
