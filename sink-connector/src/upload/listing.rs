//! An uploader that uploads nothing: objects are listed in the order in which they would become visible.

use std::sync::{Arc, mpsc};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::BehaviorVersion;

use super::{FileId, UploadEvent, Uploader};
use crate::config::ConnectorConfig;
use crate::events::ClosedObject;
use crate::metrics::SinkMetrics;

impl Uploader {
    /// Lists objects in `objects` and tells `events` that they are completed. Nothing is sent anywhere.
    pub(crate) fn listing(
        config: &ConnectorConfig,
        runtime: tokio::runtime::Handle,
        metrics: Arc<SinkMetrics>,
        events: mpsc::Sender<UploadEvent>,
        objects: mpsc::Sender<ClosedObject>,
    ) -> Arc<Self> {
        let unused = aws_sdk_s3::Config::builder().behavior_version(BehaviorVersion::latest());
        let client = Client::from_conf(unused.build());
        Self::made(client, config, runtime, metrics, events, Some(objects))
    }

    /// Lists a completed object, if this uploader only lists.
    pub(super) fn list(&self, file: FileId, object: &ClosedObject) -> bool {
        let Some(listing) = &self.listing else {
            return false;
        };
        // Whoever asked for the list holds its other end.
        let _ = listing.send(object.clone());
        self.tell(UploadEvent::Completed(file));
        true
    }

    /// Whether this uploader only lists.
    pub(super) fn only_lists(&self) -> bool {
        self.listing.is_some()
    }
}
