//! Trying an S3 request until it is done: the SDK's own tries first (`s3.part.retries`), then a pause
//! (`retry.backoff.ms`) and again, for ever, because the records wait in Kafka and nothing is lost by waiting.

use std::future::Future;
use std::time::{Duration, Instant};

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::error::{S3Error, Verdict};
use super::{TpId, Uploader};
use crate::events;

/// Tries after which credentials that are over count as what they are.
const EXPIRED_TRIES: u32 = 12;

impl Uploader {
    /// Runs `request` for a file of `tp` until it succeeds or fails for good; `operation` names it in logs and metrics.
    pub(super) async fn until_done<T, E, F, R>(
        &self,
        operation: &'static str,
        (tp, key): (TpId, &str),
        request: F,
    ) -> Result<T, S3Error>
    where
        F: Fn() -> R,
        R: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let tried = self.tried(operation, (tp, key), self.retry_backoff, request);
        tried.await.map(|(done, _)| done)
    }

    /// The same, and says after how many tries. The pause between them begins with `pause` and is doubled up to
    /// `retry.backoff.ms`.
    pub(super) async fn tried<T, E, F, R>(
        &self,
        operation: &'static str,
        (tp, key): (TpId, &str),
        mut pause: Duration,
        request: F,
    ) -> Result<(T, u32), S3Error>
    where
        F: Fn() -> R,
        R: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let seconds = self.metrics.upload_seconds.with_label_values(&[operation]);
        let mut tries = 0;
        loop {
            tries += 1;
            let result = {
                let _turn = self.turns.turn(tp).await;
                let started = Instant::now();
                // Thousands of closed files may wait for a turn, and the library's future is many times what they need for that.
                let result = Box::pin(request()).await;
                seconds.observe(started.elapsed().as_secs_f64());
                result
            };
            let error = match result {
                Ok(done) => return Ok((done, tries)),
                Err(error) => S3Error::new(operation, &error),
            };
            if error.verdict() != Verdict::Retry {
                return Err(error);
            }
            if error.credentials_expired() && tries >= EXPIRED_TRIES {
                return Err(error.given_up());
            }
            pause = pause.min(self.retry_backoff);
            events::upload_retried(&self.metrics, &self.connector, key, &error, pause);
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
}
