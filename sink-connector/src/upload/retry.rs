//! Trying an S3 request until it is done: the SDK's own tries first (`s3.part.retries`), then a pause
//! (`retry.backoff.ms`) and again, for ever, because the records wait in Kafka and nothing is lost by waiting.

use std::future::Future;
use std::time::Instant;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::Uploader;
use super::error::{S3Error, Verdict};
use crate::events;

impl Uploader {
    /// Runs `request` until it succeeds or fails for good; `operation` names it in logs and metrics.
    pub(super) async fn until_done<T, E, F, R>(
        &self,
        operation: &'static str,
        key: &str,
        request: F,
    ) -> Result<T, S3Error>
    where
        F: Fn() -> R,
        R: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let seconds = self.metrics.upload_seconds.with_label_values(&[operation]);
        loop {
            let result = {
                let _slot = self.slots.acquire().await;
                let started = Instant::now();
                let result = request().await;
                seconds.observe(started.elapsed().as_secs_f64());
                result
            };
            let error = match result {
                Ok(done) => return Ok(done),
                Err(error) => S3Error::new(operation, &error),
            };
            if error.verdict() != Verdict::Retry {
                return Err(error);
            }
            events::upload_retried(
                &self.metrics,
                &self.connector,
                key,
                &error,
                self.retry_backoff,
            );
            tokio::time::sleep(self.retry_backoff).await;
        }
    }
}
