//! `sluiceway.limit.<scope>.<what>.per.sec`: requests, bytes and records of all, of an address, of a principal.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::bucket::{Bucket, Keyed};

/// Addresses and principals that are remembered at once, each.
const MAX_KEYS: usize = 10_000;

/// Rates of one scope, a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Requests.
    pub requests: Option<f64>,
    /// Bytes of request bodies.
    pub bytes: Option<f64>,
    /// Records that are produced.
    pub records: Option<f64>,
}

impl Rates {
    fn any(&self) -> bool {
        self.requests.or(self.bytes).or(self.records).is_some()
    }
}

/// Rates of all scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MeterConfig {
    /// Of all requests together.
    pub global: Rates,
    /// Of each address.
    pub address: Rates,
    /// Of each principal.
    pub principal: Rates,
    /// How many seconds' worth may come at once.
    pub burst_seconds: f64,
}

/// The counters of one scope.
#[derive(Debug)]
struct Meter {
    requests: Option<Bucket>,
    bytes: Option<Bucket>,
    records: Option<Bucket>,
}

impl Meter {
    fn new(rates: &Rates, seconds: f64, now: Instant) -> Self {
        let bucket =
            |rate: Option<f64>| rate.map(|rate| Bucket::new(rate, (rate * seconds).max(1.0), now));
        Self {
            requests: bucket(rates.requests),
            bytes: bucket(rates.bytes),
            records: bucket(rates.records),
        }
    }

    /// Whether neither bytes nor records are owed.
    fn solvent(&mut self, now: Instant) -> Result<(), Duration> {
        let owed = [&mut self.bytes, &mut self.records];
        owed.into_iter()
            .flatten()
            .try_for_each(|bucket| bucket.solvent(now))
    }

    fn enter(&mut self, now: Instant) -> Result<(), Duration> {
        self.solvent(now)?;
        match &mut self.requests {
            Some(requests) => requests.take(1.0, now),
            None => Ok(()),
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn charge(&mut self, bytes: usize, records: usize, now: Instant) {
        for (bucket, count) in [(&mut self.bytes, bytes), (&mut self.records, records)] {
            if let Some(bucket) = bucket {
                bucket.charge(count as f64, now);
            }
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Meters {
    config: MeterConfig,
    global: Mutex<Meter>,
    addresses: Mutex<Keyed<IpAddr, Meter>>,
    principals: Mutex<Keyed<Arc<str>, Meter>>,
}

/// Whom a request is charged to.
#[derive(Debug, Clone)]
pub struct Account {
    meters: Arc<Meters>,
    address: IpAddr,
    principal: Option<Arc<str>>,
}

impl Meters {
    /// `None` when nothing is limited.
    #[must_use]
    pub fn new(config: MeterConfig) -> Option<Arc<Self>> {
        let scopes = [&config.global, &config.address, &config.principal];
        if !scopes.into_iter().any(Rates::any) {
            return None;
        }
        let global = Meter::new(&config.global, config.burst_seconds, Instant::now());
        Some(Arc::new(Self {
            config,
            global: Mutex::new(global),
            addresses: Mutex::new(Keyed::new(MAX_KEYS)),
            principals: Mutex::new(Keyed::new(MAX_KEYS)),
        }))
    }

    /// Takes a request of this address, before it is known whose it is.
    ///
    /// # Errors
    /// The time after which it is worth trying again.
    pub fn enter_address(&self, address: IpAddr) -> Result<(), Duration> {
        let now = Instant::now();
        self.of_address(address, now, |meter| meter.enter(now))?;
        self.global.lock().enter(now)
    }

    /// Takes a request of this principal.
    ///
    /// # Errors
    /// As [`Self::enter_address`].
    pub fn enter_principal(&self, principal: &Arc<str>) -> Result<(), Duration> {
        let now = Instant::now();
        self.of_principal(principal, now, |meter| meter.enter(now))
    }

    /// The account of a request that was taken.
    #[must_use]
    pub fn account(self: &Arc<Self>, address: IpAddr, principal: Option<Arc<str>>) -> Account {
        Account {
            meters: Arc::clone(self),
            address,
            principal,
        }
    }

    fn of_address(
        &self,
        address: IpAddr,
        now: Instant,
        act: impl FnOnce(&mut Meter) -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        let (rates, seconds) = (&self.config.address, self.config.burst_seconds);
        if !rates.any() {
            return Ok(());
        }
        let mut addresses = self.addresses.lock();
        act(addresses.get(&address, now, || Meter::new(rates, seconds, now)))
    }

    fn of_principal(
        &self,
        principal: &Arc<str>,
        now: Instant,
        act: impl FnOnce(&mut Meter) -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        let (rates, seconds) = (&self.config.principal, self.config.burst_seconds);
        if !rates.any() {
            return Ok(());
        }
        let mut principals = self.principals.lock();
        act(principals.get(principal, now, || Meter::new(rates, seconds, now)))
    }
}

impl Account {
    /// Charges a record of a stream, unless its sender owes already.
    #[must_use]
    pub fn take_record(&self, bytes: usize) -> bool {
        let (meters, now) = (&self.meters, Instant::now());
        let solvent = |meter: &mut Meter| meter.solvent(now);
        let all = solvent(&mut meters.global.lock())
            .and_then(|()| meters.of_address(self.address, now, solvent))
            .and_then(|()| match &self.principal {
                Some(principal) => meters.of_principal(principal, now, solvent),
                None => Ok(()),
            });
        if all.is_ok() {
            self.charge(bytes, 1);
        }
        all.is_ok()
    }

    /// Charges what a request has brought.
    pub fn charge(&self, bytes: usize, records: usize) {
        let (meters, now) = (&self.meters, Instant::now());
        let charge = |meter: &mut Meter| {
            meter.charge(bytes, records, now);
            Ok(())
        };
        // To charge never fails.
        let _ = charge(&mut meters.global.lock());
        let _ = meters.of_address(self.address, now, charge);
        if let Some(principal) = &self.principal {
            let _ = meters.of_principal(principal, now, charge);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    #[test]
    fn scopes_count_apart() {
        let meters = Meters::new(MeterConfig {
            address: Rates {
                requests: Some(1.0),
                ..Rates::default()
            },
            principal: Rates {
                records: Some(10.0),
                ..Rates::default()
            },
            burst_seconds: 2.0,
            ..MeterConfig::default()
        })
        .unwrap();
        assert!(meters.enter_address(address(1)).is_ok());
        assert!(meters.enter_address(address(1)).is_ok());
        assert!(meters.enter_address(address(1)).is_err());
        assert!(meters.enter_address(address(2)).is_ok());
        let (alice, bob): (Arc<str>, Arc<str>) = ("alice".into(), "bob".into());
        meters
            .account(address(1), Some(Arc::clone(&alice)))
            .charge(5, 100);
        assert!(meters.enter_principal(&alice).unwrap_err() > Duration::from_secs(7));
        assert!(meters.enter_principal(&bob).is_ok());
    }

    #[test]
    fn nothing_limited_costs_nothing() {
        assert!(Meters::new(MeterConfig::default()).is_none());
    }
}
