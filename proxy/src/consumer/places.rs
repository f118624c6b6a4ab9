//! Room for consumer instances, for reads without a group, and for calls on their behalf.
//!
//! The limits are the process's: callers with Kafka clients of their own (`authentication.method=KAFKA`) share them. In: the
//! settings. Out: permits, which make room again when they are dropped.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::ConsumersConfig;

/// See the module.
#[derive(Debug)]
pub struct Places {
    instances: Arc<Semaphore>,
    /// For readers of partitions without a group.
    pub(super) reads: Arc<Semaphore>,
    /// For calls that block; `None`: no limit.
    pub(super) calls: Option<Arc<Semaphore>>,
}

impl Places {
    /// All of them free.
    #[must_use]
    pub fn new(config: &ConsumersConfig) -> Arc<Self> {
        let room = |size: usize| Arc::new(Semaphore::new(size.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self {
            instances: room(config.max_instances),
            reads: room(config.max_partition_reads),
            calls: config.threads.map(|threads| room(threads.max(1))),
        })
    }

    /// A place for an instance, if there is one.
    pub(super) fn instance(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.instances).try_acquire_owned().ok()
    }
}
