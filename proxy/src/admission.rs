//! How much may be on its way to Kafka at once, counted in bytes before anything is enqueued.
//!
//! In: sizes of bodies and records. Out: a [`Permit`], which gives its bytes back when it is dropped.
//! What fails: more than the limit, while something else is on its way; the answer is then 429. When to try again is
//! what is in flight over the rate at which bytes leave, which is measured once a second while much is on its way (what
//! leaves in quieter seconds says how much came, not how much could go), or as long as nothing has been leaving.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::error::Error;

/// Bytes on their way, and how many there may be.
#[derive(Debug)]
pub struct Admission {
    used: AtomicUsize,
    limit: usize,
    /// Bytes that have left so far.
    left: AtomicU64,
    /// Bytes that leave in a second; [`UNKNOWN`] before that was measured.
    rate: AtomicU64,
    /// Seconds in which nothing left of much.
    stuck: AtomicU64,
}

const UNKNOWN: u64 = u64::MAX;
/// How often the rate is measured.
const SECOND: Duration = Duration::from_secs(1);
/// The longest wait that a client is told, in seconds: nothing may be leaving at all.
const LONGEST_WAIT: u64 = 60;

/// A wait as clients are told it (`Retry-After`): whole seconds, one at least, [`LONGEST_WAIT`] at most, since what is waited
/// for may come sooner than can be told.
#[must_use]
pub fn seconds(wait: Duration) -> u32 {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    u32::try_from(seconds.clamp(1, LONGEST_WAIT)).unwrap_or(1)
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
            left: AtomicU64::new(0),
            rate: AtomicU64::new(UNKNOWN),
            stuck: AtomicU64::new(0),
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

    /// Seconds until what is on its way now will have left.
    #[must_use]
    pub fn retry_after(&self) -> u32 {
        let seconds = match self.rate.load(Ordering::Relaxed) {
            UNKNOWN => 1,
            rate => (self.used() as u64).div_ceil(rate.max(1)),
        };
        let seconds = seconds.max(self.stuck.load(Ordering::Relaxed));
        u32::try_from(seconds.clamp(1, LONGEST_WAIT)).unwrap_or(1)
    }

    /// Measures how fast bytes leave, until the proxy ends.
    pub async fn measure(admission: Weak<Self>) {
        let mut before = 0;
        loop {
            tokio::time::sleep(SECOND).await;
            let Some(admission) = admission.upgrade() else {
                return;
            };
            let left = admission.left.load(Ordering::Relaxed);
            admission.second(left - before);
            before = left;
        }
    }

    /// A second in which so many bytes left.
    fn second(&self, left: u64) {
        let much = self.used() >= self.limit / 2;
        if much && left == 0 {
            self.stuck.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.stuck.store(0, Ordering::Relaxed);
        let rate = match self.rate.load(Ordering::Relaxed) {
            UNKNOWN if much => left,
            UNKNOWN => return,
            before if much => u64::midpoint(before, left),
            before => before.max(left),
        };
        self.rate.store(rate, Ordering::Relaxed);
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

    /// The answer when this share cannot grow.
    #[must_use]
    pub fn refused(&self) -> Error {
        Error::Backpressure {
            in_flight: self.admission.used(),
            retry_after: self.admission.retry_after(),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let admission = &self.admission;
        admission.used.fetch_sub(self.bytes, Ordering::Relaxed);
        admission
            .left
            .fetch_add(self.bytes as u64, Ordering::Relaxed);
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
    fn the_wait_is_what_is_in_flight_over_what_leaves() {
        let admission = Admission::new(1000);
        assert_eq!(admission.retry_after(), 1, "nothing was measured");
        let mut share = admission.empty();
        assert!(share.resize(900));
        admission.second(100);
        assert_eq!(admission.retry_after(), 9);
        admission.second(50);
        assert_eq!(admission.retry_after(), 12, "slower");
        (0..15).for_each(|_| admission.second(0));
        assert_eq!(admission.retry_after(), 15, "nothing leaves");
        (0..100).for_each(|_| admission.second(0));
        assert_eq!(admission.retry_after(), 60, "for long");
        assert!(share.resize(300));
        admission.second(10);
        assert_eq!(
            admission.retry_after(),
            4,
            "quiet seconds say nothing of the rate"
        );
        drop(share);
        assert_eq!(admission.left.load(Ordering::Relaxed), 300);
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds() {
        let told = |millis| seconds(Duration::from_millis(millis));
        assert_eq!((told(0), told(1000), told(1001)), (1, 1, 2));
        assert_eq!(told(3_600_000), 60);
    }

    #[test]
    fn the_only_one_is_taken_whatever_its_size() {
        let admission = Admission::new(100);
        let mut large = admission.empty();
        assert!(large.resize(50) && large.resize(500));
        assert!(!admission.empty().resize(1));
    }
}
