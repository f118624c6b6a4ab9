//! What every connector of a worker shares.

use std::sync::Arc;

use sluiceway_common::traces::Traces;
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::budget::Budget;
use crate::herder::Validator;
use crate::metrics::SinkMetrics;
use crate::worker::WorkerConfig;

/// The worker, seen from its connectors.
pub(crate) struct Host {
    /// Its configuration.
    pub(crate) worker: Arc<WorkerConfig>,
    /// `host:port` by which it is known.
    pub(crate) worker_id: String,
    /// Checks connector configurations.
    pub(crate) validator: Validator,
    /// Counters of the process.
    pub(crate) metrics: Arc<SinkMetrics>,
    /// Where spans go.
    pub(crate) traces: Traces,
    /// Byte budget of the process.
    pub(crate) budget: Arc<Budget>,
    /// Where tasks do their uploads.
    pub(crate) runtime: Handle,
    /// Notified when what a connector shows may have changed.
    pub(crate) changed: Arc<Notify>,
    slots: Arc<Semaphore>,
}

impl Host {
    /// A host for the connectors of `worker`, on the runtime this is called on.
    pub(crate) fn new(
        worker: Arc<WorkerConfig>,
        worker_id: String,
        metrics: Arc<SinkMetrics>,
        budget: Arc<Budget>,
        traces: Traces,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(worker.max_tasks));
        let validator = Validator::new(Arc::clone(&worker));
        Self {
            worker,
            worker_id,
            validator,
            metrics,
            traces,
            budget,
            runtime: Handle::current(),
            changed: Arc::default(),
            slots,
        }
    }

    /// Room for `count` tasks, or `None` when the worker's limit would be exceeded.
    pub(crate) fn take_slots(&self, count: u32) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).try_acquire_many_owned(count).ok()
    }
}
