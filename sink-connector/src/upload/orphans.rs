//! Multipart uploads that a crash left behind: listed under our topics after an assignment, and aborted.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Uploader;
use super::error::S3Error;
use crate::events;

impl Uploader {
    /// Aborts, in the background, uploads under the keys of the given topic-partitions that were begun before now
    /// and are not of this process. `folders` holds, per topic, the prefix of its keys and the starts of the file
    /// names that belong to us (`orders+0+`).
    pub(crate) fn abort_orphans(self: &Arc<Self>, folders: HashMap<String, HashSet<String>>) {
        let uploader = Arc::clone(self);
        let before = SystemTime::now();
        self.runtime.spawn(async move {
            for (prefix, starts) in folders {
                if let Err(error) = uploader.abort_under(&prefix, &starts, before).await {
                    tracing::info!(prefix, %error, "unfinished multipart uploads cannot be listed; a life-cycle rule of the bucket can remove them");
                }
            }
        });
    }

    /// Aborts uploads under `key` that are not those of this process: earlier tries to begin one, whose answers were lost.
    pub(super) async fn abort_others(&self, key: &str) {
        let starts = HashSet::from([key.to_owned()]);
        // Stores tell whole seconds.
        let before = SystemTime::now() + Duration::from_secs(2);
        if let Err(error) = self.abort_under(key, &starts, before).await {
            tracing::info!(key, %error, "unfinished multipart uploads cannot be listed; a life-cycle rule of the bucket can remove them");
        }
    }

    async fn abort_under(
        &self,
        prefix: &str,
        starts: &HashSet<String>,
        before: SystemTime,
    ) -> Result<(), S3Error> {
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            let list = self
                .client
                .list_multipart_uploads()
                .bucket(&self.bucket)
                .prefix(prefix);
            let page = list
                .set_key_marker(key_marker)
                .set_upload_id_marker(id_marker)
                .send()
                .await;
            let page = page.map_err(|error| S3Error::new("ListMultipartUploads", &error))?;
            for upload in page.uploads() {
                let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else {
                    continue;
                };
                let begun = upload
                    .initiated()
                    .and_then(|time| SystemTime::try_from(*time).ok());
                let ours = starts
                    .iter()
                    .any(|start| key.rsplit_once(start.as_str()).is_some());
                let alive = self.own_uploads.lock().contains(id);
                if ours && !alive && begun.is_some_and(|begun| begun < before) {
                    self.abort_one(key, id).await;
                }
            }
            if page.is_truncated() != Some(true) || page.uploads().is_empty() {
                return Ok(());
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
        }
    }

    async fn abort_one(&self, key: &str, id: &str) {
        let abort = self
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(id);
        match abort.send().await {
            Ok(_) => events::orphan_aborted(&self.connector, key),
            Err(error) => {
                let error = S3Error::new("AbortMultipartUpload", &error);
                tracing::debug!(key, %error, "an unfinished multipart upload cannot be aborted");
            }
        }
    }
}
