//! What those share who write down, in the internal topics, what this worker does.

use std::sync::Arc;

use super::cluster::Cluster;
use super::topic_log::Appender;
use super::work::Work;
use crate::connector::Host;

/// See the module.
#[derive(Clone)]
pub(super) struct Speaker {
    pub(super) host: Arc<Host>,
    /// What the topics say.
    pub(super) cluster: Arc<Cluster>,
    /// What runs here.
    pub(super) work: Arc<Work>,
    pub(super) appender: Appender,
}
