//! Limits on the rates of v3's records: `api.v3.produce.rate.limit.*`.
//!
//! A limiter lends in advance, as that of the original: what is taken now is paid for by those that come next, and up
//! to a second's worth of unused permits is kept. In: records and their bytes. Out: whether they may pass. Nothing
//! waits here.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::config::RateConfig;
use crate::error::codes;
use crate::produce::RecordError;

/// Clusters of paths that are remembered at once; nothing checks their names.
const MAX_CLUSTERS: usize = 1024;

/// The limiters.
#[derive(Debug)]
pub struct RateLimits {
    config: RateConfig,
    shared: Mutex<Shared>,
}

#[derive(Debug)]
struct Shared {
    global: Pair,
    clusters: HashMap<String, (Pair, Instant)>,
}

/// A limit on records and one on bytes.
#[derive(Debug)]
struct Pair {
    records: Limiter,
    bytes: Limiter,
}

impl Pair {
    fn new(records: u32, bytes: u32, now: Instant) -> Self {
        Self {
            records: Limiter::new(records, now),
            bytes: Limiter::new(bytes, now),
        }
    }

    fn take(&mut self, bytes: usize, now: Instant) -> bool {
        self.records.take(1, now) && self.bytes.take(bytes, now)
    }
}

impl RateLimits {
    /// Nothing taken yet.
    #[must_use]
    pub fn new(config: RateConfig) -> Self {
        let global = Pair::new(config.records_global, config.bytes_global, Instant::now());
        Self {
            config,
            shared: Mutex::new(Shared {
                global,
                clusters: HashMap::new(),
            }),
        }
    }

    /// Why a record of so many bytes may not pass now.
    #[must_use]
    pub fn refusal(&self, cluster: &str, bytes: usize) -> Option<RecordError> {
        (!self.take(cluster, bytes, Instant::now())).then(refused)
    }

    fn take(&self, cluster: &str, bytes: usize, now: Instant) -> bool {
        let mut shared = self.shared.lock();
        if !shared.global.take(bytes, now) {
            return false;
        }
        if !shared.clusters.contains_key(cluster) {
            let expiry = self.config.expiry;
            if shared.clusters.len() >= MAX_CLUSTERS {
                shared
                    .clusters
                    .retain(|_, (_, used)| now.duration_since(*used) < expiry);
            }
            if shared.clusters.len() >= MAX_CLUSTERS {
                // The limit of all stands; more names are not worth more memory.
                return true;
            }
            let pair = Pair::new(self.config.records, self.config.bytes, now);
            shared.clusters.insert(cluster.to_owned(), (pair, now));
        }
        match shared.clusters.get_mut(cluster) {
            Some((pair, used)) => {
                *used = now;
                pair.take(bytes, now)
            }
            None => true,
        }
    }
}

/// The answer to a record beyond a limit.
#[must_use]
pub fn refused() -> RecordError {
    RecordError::new(
        codes::TOO_MANY_REQUESTS,
        "Request rate limit exceeded: The rate limit of requests per second has been exceeded.",
    )
}

/// Permits per second.
#[derive(Debug)]
struct Limiter {
    per_second: f64,
    stored: f64,
    /// When what was taken is paid for.
    free_at: Instant,
}

impl Limiter {
    fn new(per_second: u32, now: Instant) -> Self {
        Self {
            per_second: f64::from(per_second.max(1)),
            stored: 0.0,
            free_at: now,
        }
    }

    fn take(&mut self, permits: usize, now: Instant) -> bool {
        if now < self.free_at {
            return false;
        }
        let unused = now.duration_since(self.free_at).as_secs_f64() * self.per_second;
        self.stored = (self.stored + unused).min(self.per_second);
        #[allow(clippy::cast_precision_loss)]
        let wanted = permits as f64;
        let kept = wanted.min(self.stored);
        self.stored -= kept;
        self.free_at = now + Duration::from_secs_f64((wanted - kept) / self.per_second);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(records: u32, records_global: u32) -> RateLimits {
        RateLimits::new(RateConfig {
            records,
            records_global,
            bytes: 1000,
            bytes_global: 1_000_000,
            expiry: Duration::from_secs(3600),
        })
    }

    #[test]
    fn so_many_a_second_pass() {
        let (limits, start) = (limits(10, 1000), Instant::now());
        let passed = (0..2000_u64)
            .filter(|millis| limits.take("c", 1, start + Duration::from_millis(*millis)))
            .count();
        assert!((19..=21).contains(&passed), "{passed}");
    }

    #[test]
    fn what_was_not_used_is_kept_for_a_second() {
        let (limits, start) = (limits(10, 1000), Instant::now());
        assert!(limits.take("c", 1, start));
        let late = start + Duration::from_secs(60);
        let burst = (0..50).filter(|_| limits.take("c", 1, late)).count();
        assert_eq!(burst, 11);
    }

    #[test]
    fn bytes_and_clusters_count_apart() {
        let (limits, start) = (limits(1000, 1000), Instant::now());
        assert!(limits.take("c", 5000, start), "a debt is taken");
        let later = start + Duration::from_secs(4);
        assert!(!limits.take("c", 1, later), "and paid for");
        assert!(limits.take("d", 1, later + Duration::from_millis(10)));
        assert!(limits.refusal("c", 1).is_some());
    }
}
