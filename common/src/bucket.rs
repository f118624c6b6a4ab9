//! A token bucket that may be in debt, and many of them by key, bounded in number.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// See the module.
#[derive(Debug, Clone)]
pub struct Bucket {
    per_second: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// Full.
    #[must_use]
    pub fn new(per_second: f64, burst: f64, now: Instant) -> Self {
        Self {
            per_second,
            burst,
            tokens: burst,
            at: now,
        }
    }

    /// Takes so many tokens if that many are there; else says how long until they are.
    ///
    /// # Errors
    /// The time until they would be there.
    pub fn take(&mut self, tokens: f64, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        // What is more than the bucket holds passes when it is full.
        let needed = tokens.min(self.burst);
        if self.tokens >= needed {
            self.tokens -= tokens;
            return Ok(());
        }
        Err(self.until(needed))
    }

    /// Whether nothing is owed; else how long until then.
    ///
    /// # Errors
    /// That time.
    pub fn solvent(&mut self, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        if self.tokens > 0.0 {
            return Ok(());
        }
        Err(self.until(f64::MIN_POSITIVE))
    }

    /// Takes tokens whether they are there or not.
    pub fn charge(&mut self, tokens: f64, now: Instant) {
        self.fill(now);
        self.tokens -= tokens;
    }

    fn fill(&mut self, now: Instant) {
        let back = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + back).min(self.burst);
        self.at = self.at.max(now);
    }

    fn until(&self, tokens: f64) -> Duration {
        let seconds = (tokens - self.tokens) / self.per_second;
        Duration::try_from_secs_f64(seconds.max(0.001)).unwrap_or(Duration::from_secs(3600))
    }
}

/// One for each key. Beyond `max` keys those that were not used for longest are forgotten.
#[derive(Debug)]
pub struct Keyed<K, T> {
    entries: HashMap<K, (T, Instant)>,
    max: usize,
}

/// Keys that nobody used for this long go first.
const IDLE: Duration = Duration::from_secs(60);

impl<K: Eq + Hash + Clone, T> Keyed<K, T> {
    /// None yet.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            max,
        }
    }

    /// That of the key, made if it is not there.
    pub fn get(&mut self, key: &K, now: Instant, make: impl FnOnce() -> T) -> &mut T {
        if !self.entries.contains_key(key) && self.entries.len() >= self.max {
            self.entries
                .retain(|_, (_, used)| now.saturating_duration_since(*used) < IDLE);
            if self.entries.len() >= self.max
                && let Some(oldest) = self.oldest()
            {
                self.entries.remove(&oldest);
            }
        }
        let (entry, used) = self
            .entries
            .entry(key.clone())
            .or_insert_with(|| (make(), now));
        *used = now;
        entry
    }

    /// That of the key, if it is there.
    pub fn known(&mut self, key: &K, now: Instant) -> Option<&mut T> {
        let (entry, used) = self.entries.get_mut(key)?;
        *used = now;
        Some(entry)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn oldest(&self) -> Option<K> {
        let oldest = self.entries.iter().min_by_key(|(_, (_, used))| *used)?;
        Some(oldest.0.clone())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn tokens_come_back_with_time() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10.0, 3.0, start);
        assert_eq!(
            (0..9).filter(|_| bucket.take(1.0, start).is_ok()).count(),
            3
        );
        let wait = bucket.take(1.0, start).unwrap_err();
        assert!(wait > Duration::from_millis(90) && wait < Duration::from_millis(110));
        assert!(bucket.take(1.0, start + Duration::from_millis(101)).is_ok());
    }

    #[test]
    fn debts_are_paid_by_time() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100.0, 100.0, start);
        bucket.charge(300.0, start);
        assert!(bucket.solvent(start + Duration::from_secs(1)).is_err());
        assert!(bucket.solvent(start + Duration::from_millis(2001)).is_ok());
    }

    #[test]
    fn a_large_request_passes_a_full_bucket() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1.0, 2.0, start);
        assert!(bucket.take(5.0, start).is_ok());
        assert!(bucket.take(1.0, start + Duration::from_secs(3)).is_err());
    }

    #[test]
    fn keys_are_bounded() {
        let (start, mut keyed) = (Instant::now(), Keyed::new(2));
        for (at, key) in ["a", "b", "a", "c"].into_iter().enumerate() {
            let now = start + Duration::from_secs(at as u64);
            *keyed.get(&key, now, || 0) += 1;
        }
        assert_eq!(keyed.len(), 2);
        assert_eq!(*keyed.get(&"a", start, || 0), 2, "b was the oldest");
    }
}
