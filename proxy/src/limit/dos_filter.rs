//! `dos.filter.*`: requests a second of the server, of an address and of a principal, delayed or refused beyond.
//!
//! The names and defaults are those of the original; what it does with a request beyond a rate is `dos.filter.delay.ms`:
//! -1 refuses it (429), 0 only marks it, more delays it by so many milliseconds.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use sluiceway_common::bucket::{Bucket, Keyed};

/// Settings.
#[derive(Debug, Clone)]
pub struct DosConfig {
    /// `dos.filter.max.requests.per.sec`
    pub server: f64,
    /// `dos.filter.max.requests.per.connection.per.sec`
    pub address: f64,
    /// `dos.filter.tenant.max.requests.per.sec`, when `dos.filter.tenant.enabled`.
    pub tenant: Option<f64>,
    /// `dos.filter.delay.ms`
    pub action: Action,
    /// `dos.filter.insert.headers`
    pub headers: bool,
    /// `dos.filter.ip.whitelist`
    pub exempt: Vec<Network>,
}

/// What becomes of a request beyond the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// 429.
    Refuse,
    /// It waits.
    Delay(Duration),
    /// It is marked by a header.
    Mark,
}

/// An address, or all that begin like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `10.1.2.3` or `10.0.0.0/8`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.trim().parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            "" => all,
            bits => bits.trim().parse().ok().filter(|bits| *bits <= all)?,
        };
        Some(Self { address, bits })
    }

    /// Whether an address is in it.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, size: u32| {
            let ignored = size - u32::from(self.bits);
            ignored >= 128 || one >> ignored == other >> ignored
        };
        match (self.address, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                same(u32::from(one).into(), u32::from(other).into(), 32)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => same(one.into(), other.into(), 128),
            _ => false,
        }
    }
}

/// Addresses and tenants that are remembered at once, each.
const MAX_KEYS: usize = 10_000;

/// See the module.
#[derive(Debug)]
pub struct DosFilter {
    config: DosConfig,
    server: Mutex<Bucket>,
    addresses: Mutex<Keyed<IpAddr, Bucket>>,
    tenants: Mutex<Keyed<Arc<str>, Bucket>>,
}

impl DosFilter {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(config: DosConfig) -> Self {
        Self {
            server: Mutex::new(bucket(config.server, Instant::now())),
            addresses: Mutex::new(Keyed::new(MAX_KEYS)),
            tenants: Mutex::new(Keyed::new(MAX_KEYS)),
            config,
        }
    }

    /// What becomes of a request of this address; `None`: it goes on.
    #[must_use]
    pub fn on_address(&self, address: IpAddr) -> Option<Action> {
        if self.config.exempt.iter().any(|known| known.holds(address)) {
            return None;
        }
        let (now, rate) = (Instant::now(), self.config.address);
        let mut addresses = self.addresses.lock();
        let own = addresses
            .get(&address, now, || bucket(rate, now))
            .take(1.0, now);
        let all = own.and_then(|()| self.server.lock().take(1.0, now));
        all.is_err().then_some(self.config.action)
    }

    /// The same for a principal.
    #[must_use]
    pub fn on_tenant(&self, tenant: &Arc<str>) -> Option<Action> {
        let (now, rate) = (Instant::now(), self.config.tenant?);
        let mut tenants = self.tenants.lock();
        let taken = tenants
            .get(tenant, now, || bucket(rate, now))
            .take(1.0, now);
        taken.is_err().then_some(self.config.action)
    }

    /// Whether answers say what became of them.
    #[must_use]
    pub fn marks(&self) -> bool {
        self.config.headers
    }
}

/// A second's worth at once.
fn bucket(rate: f64, now: Instant) -> Bucket {
    Bucket::new(rate, rate.max(1.0), now)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_count_apart_and_exempt_ones_not() {
        let filter = DosFilter::new(DosConfig {
            server: 100.0,
            address: 2.0,
            tenant: Some(1.0),
            action: Action::Refuse,
            headers: true,
            exempt: vec![Network::parse("10.0.0.0/8").unwrap()],
        });
        let refused = |address: [u8; 4], count: usize| {
            let address = IpAddr::from(address);
            (0..count)
                .filter_map(|_| filter.on_address(address))
                .count()
        };
        assert_eq!(refused([127, 0, 0, 1], 5), 3);
        assert_eq!(refused([127, 0, 0, 2], 2), 0);
        assert_eq!(refused([10, 9, 9, 9], 50), 0);
        let tenant: Arc<str> = "alice".into();
        assert_eq!(filter.on_tenant(&tenant), None);
        assert_eq!(filter.on_tenant(&tenant), Some(Action::Refuse));
    }

    #[test]
    fn networks() {
        let holds = |network: &str, address: &str| {
            Network::parse(network)
                .unwrap()
                .holds(address.parse().unwrap())
        };
        assert!(holds("127.0.0.1", "127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("0.0.0.0/0", "9.9.9.9") && holds("::/0", "::1") && !holds("::/0", "1.1.1.1"));
        assert!(holds("192.168.4.0/22", "192.168.7.1") && !holds("192.168.4.0/22", "192.168.8.1"));
        assert!(Network::parse("1.2.3.4/33").is_none() && Network::parse("x").is_none());
    }
}
