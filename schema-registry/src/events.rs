//! What the client does, each told in one line and counted where it is told.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::error::RegistryError;

/// Counts since the client was made.
#[derive(Debug, Default)]
pub struct Counters {
    requests: AtomicU64,
    failures: AtomicU64,
    fail_overs: AtomicU64,
    hits: AtomicU64,
}

impl Counters {
    /// Requests sent.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Requests without an answer, or with a 5xx.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// Times that the next URL was taken.
    #[must_use]
    pub fn fail_overs(&self) -> u64 {
        self.fail_overs.load(Relaxed)
    }

    /// Questions answered from the cache.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }

    pub(crate) fn hit(&self) {
        self.hits.fetch_add(1, Relaxed);
    }

    pub(crate) fn asked(&self, url: &str, path: &str) {
        self.requests.fetch_add(1, Relaxed);
        tracing::debug!(url, path, "asking the schema registry");
    }

    pub(crate) fn failed(&self, url: &str, error: &RegistryError) {
        self.failures.fetch_add(1, Relaxed);
        tracing::warn!(url, %error, "the schema registry did not answer");
    }

    pub(crate) fn failed_over(&self, url: &str) {
        self.fail_overs.fetch_add(1, Relaxed);
        tracing::warn!(url, "asking another schema registry");
    }
}
