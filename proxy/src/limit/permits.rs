//! `rate.limit.*`: permits a second, of which each endpoint costs its own number; all but v3's records.
//!
//! In: an endpoint's cost and, for v3, the cluster of its path. Out: whether it may go on, perhaps after a wait of up
//! to `rate.limit.timeout.ms`.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::router::{Endpoint, Route};
use sluiceway_common::bucket::{Bucket, Keyed};

/// Settings.
#[derive(Debug, Clone)]
pub struct PermitConfig {
    /// `rate.limit.permits.per.sec`
    pub global: f64,
    /// `rate.limit.per.cluster.permits.per.sec`
    pub cluster: f64,
    /// `rate.limit.timeout.ms`
    pub timeout: Duration,
    /// `rate.limit.default.cost`
    pub default_cost: u32,
    /// `rate.limit.costs`: names of endpoints, `.*` at the end for whole classes; 0 is never limited.
    pub costs: Vec<(String, u32)>,
}

impl PermitConfig {
    /// Reads `rate.limit.costs`.
    ///
    /// # Errors
    /// An item that is no `name=number`.
    pub fn parse_costs(text: &str) -> Result<Vec<(String, u32)>, String> {
        let items = text.split(',').map(str::trim).filter(|i| !i.is_empty());
        items
            .map(|item| {
                let (name, cost) = item.split_once('=')?;
                Some((name.trim().to_owned(), cost.trim().parse().ok()?))
            })
            .collect::<Option<_>>()
            .ok_or_else(|| "write endpoint=cost,endpoint.*=cost".to_owned())
    }

    fn cost(&self, route: &Route) -> u32 {
        if matches!(route.endpoint, Endpoint::V3Records) || !route.served {
            return 0;
        }
        // The longest name that fits is the most particular.
        let fits = |name: &str| match name.strip_suffix('*') {
            Some(start) => route.name.starts_with(start),
            None => route.name == name,
        };
        let found = self.costs.iter().filter(|(name, _)| fits(name));
        found
            .max_by_key(|(name, _)| name.len())
            .map_or(self.default_cost, |(_, cost)| *cost)
    }
}

/// Clusters of paths that are remembered; nothing checks their names.
const MAX_CLUSTERS: usize = 1024;

/// See the module.
#[derive(Debug)]
pub struct Permits {
    config: PermitConfig,
    /// By route.
    costs: Vec<u32>,
    global: Mutex<Bucket>,
    clusters: Mutex<Keyed<String, Bucket>>,
}

impl Permits {
    /// Nothing taken yet.
    #[must_use]
    pub fn new(config: PermitConfig, routes: &[Route]) -> Self {
        let global = Bucket::new(config.global, config.global.max(1.0), Instant::now());
        Self {
            costs: routes.iter().map(|route| config.cost(route)).collect(),
            global: Mutex::new(global),
            clusters: Mutex::new(Keyed::new(MAX_CLUSTERS)),
            config,
        }
    }

    /// Takes what a route costs, and waits for it if that is allowed.
    ///
    /// # Errors
    /// There is not enough, and will not be soon.
    pub async fn take(&self, route: usize, cluster: Option<&str>) -> Result<(), Duration> {
        let cost = self.costs.get(route).copied().unwrap_or_default();
        if cost == 0 {
            return Ok(());
        }
        let deadline = Instant::now() + self.config.timeout;
        loop {
            let Err(wait) = self.try_take(f64::from(cost), cluster, Instant::now()) else {
                return Ok(());
            };
            if Instant::now() + wait > deadline {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn try_take(&self, cost: f64, cluster: Option<&str>, now: Instant) -> Result<(), Duration> {
        if let Some(cluster) = cluster {
            let rate = self.config.cluster;
            let mut clusters = self.clusters.lock();
            let make = || Bucket::new(rate, rate.max(1.0), now);
            clusters
                .get(&cluster.to_owned(), now, make)
                .take(cost, now)?;
        }
        self.global.lock().take(cost, now)
    }
}
