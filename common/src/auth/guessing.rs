//! Guessing passwords is slowed down: an address that showed too many wrong credentials waits, right ones included.
//!
//! Whoever asks says the address of the connection. An address may show as many wrong credentials in a minute as the setting says, and
//! gets them back with time. Nothing is remembered of an address that showed none.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::bucket::{Bucket, Keyed};

/// Addresses whose failures are remembered at once.
const MAX_ADDRESSES: usize = 10_000;

/// See the module.
#[derive(Debug)]
pub struct Guessing {
    failures: Mutex<Keyed<IpAddr, Bucket>>,
    per_minute: f64,
}

impl Guessing {
    /// So many wrong credentials in a minute; `None` for 0: any number.
    #[must_use]
    pub fn new(per_minute: f64) -> Option<Self> {
        let failures = Mutex::new(Keyed::new(MAX_ADDRESSES));
        (per_minute > 0.0).then_some(Self {
            failures,
            per_minute,
        })
    }

    /// Whether credentials of this address are looked at.
    ///
    /// # Errors
    /// The time until they are.
    pub fn check(&self, address: IpAddr) -> Result<(), Duration> {
        self.check_at(address, Instant::now())
    }

    /// The address showed wrong credentials.
    pub fn failed(&self, address: IpAddr) {
        self.failed_at(address, Instant::now());
    }

    fn check_at(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut failures = self.failures.lock();
        failures
            .known(&address, now)
            .map_or(Ok(()), |bucket| bucket.solvent(now))
    }

    fn failed_at(&self, address: IpAddr, now: Instant) {
        let new = || Bucket::new(self.per_minute / 60.0, self.per_minute.max(1.0), now);
        let mut failures = self.failures.lock();
        failures.get(&address, now, new).charge(1.0, now);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_waits_after_too_many_failures() {
        assert!(Guessing::new(0.0).is_none());
        let (guessing, now) = (Guessing::new(6.0).unwrap(), Instant::now());
        let [one, two] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().unwrap());
        for _ in 0..6 {
            assert_eq!(guessing.check_at(one, now), Ok(()));
            guessing.failed_at(one, now);
        }
        let wait = guessing.check_at(one, now).unwrap_err();
        assert!(wait <= Duration::from_secs(10), "{wait:?}");
        assert_eq!(guessing.check_at(two, now), Ok(()), "another address");
        let later = now + Duration::from_secs(11);
        assert_eq!(guessing.check_at(one, later), Ok(()), "time has passed");
        assert_eq!(guessing.failures.lock().len(), 1);
    }
}
