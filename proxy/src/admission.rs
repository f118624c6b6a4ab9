//! How much may be on its way to Kafka at once, counted in bytes before anything is enqueued.
//!
//! In: sizes of bodies and records. Out: a [`Permit`], which gives its bytes back when it is dropped.
//! What fails: more than the limit, while something else is on its way; the answer is then 429.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes on their way, and how many there may be.
#[derive(Debug)]
pub struct Admission {
    used: AtomicUsize,
    limit: usize,
}

/// A share of an [`Admission`].
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    bytes: usize,
}

impl Admission {
    /// Nothing on its way yet.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            used: AtomicUsize::new(0),
            limit,
        })
    }

    /// Bytes on their way.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// How many there may be.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// An empty share, to be resized.
    #[must_use]
    pub fn empty(self: &Arc<Self>) -> Permit {
        Permit {
            admission: Arc::clone(self),
            bytes: 0,
        }
    }

    fn take(&self, own: usize, more: usize) -> bool {
        let fits = |used: usize| {
            // The only one on its way is taken whatever its size: waiting would not make it smaller.
            (used == own || used.saturating_add(more) <= self.limit)
                .then(|| used.saturating_add(more))
        };
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .is_ok()
    }
}

impl Permit {
    /// Makes this share `bytes` large. `false`: that would be too much, and nothing changes.
    #[must_use]
    pub fn resize(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes {
            if !self.admission.take(self.bytes, bytes - self.bytes) {
                return false;
            }
        } else {
            self.admission
                .used
                .fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
        true
    }

    /// Bytes of this share.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes of all shares.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.admission.used()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_taken_resized_and_given_back() {
        let admission = Admission::new(100);
        let mut first = admission.empty();
        assert!(first.resize(60));
        let mut second = admission.empty();
        assert!(!second.resize(41));
        assert!(second.resize(40));
        assert_eq!(admission.used(), 100);
        assert!(first.resize(10));
        assert!(!second.resize(91) && second.resize(90));
        drop(second);
        assert_eq!((admission.used(), first.bytes()), (10, 10));
        drop(first);
        assert_eq!(admission.used(), 0);
    }

    #[test]
    fn the_only_one_is_taken_whatever_its_size() {
        let admission = Admission::new(100);
        let mut large = admission.empty();
        assert!(large.resize(50) && large.resize(500));
        assert!(!admission.empty().resize(1));
    }
}
