//! What is counted of replicas and of what passes between them.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::metrics::named;

/// Counters of the replicas' co-operation.
#[derive(Debug)]
pub(crate) struct PeerMetrics {
    live: IntGauge,
    /// Replicas that went away.
    pub(crate) lost: IntCounter,
    forwarded: IntCounterVec,
    /// Instances taken over from replicas that went away or drained.
    pub(crate) taken_over: IntCounter,
    /// Instances given up because another replica took them.
    pub(crate) given_up: IntCounter,
    /// Instances handed over when this replica drained.
    pub(crate) handed_over: IntCounter,
}

impl PeerMetrics {
    /// Creates and registers them.
    ///
    /// # Errors
    /// A name is taken.
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(named(name), help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let live = IntGauge::new(
            named("live_peers"),
            "Replicas that live, this one included.",
        )?;
        registry.register(Box::new(live.clone()))?;
        let forwarded = Opts::new(
            named("peers_forwarded_requests_total"),
            "Requests passed on to another replica, by what came of them.",
        );
        let forwarded = IntCounterVec::new(forwarded, &["result"])?;
        registry.register(Box::new(forwarded.clone()))?;
        Ok(Self {
            live,
            lost: counter("peers_lost_total", "Replicas that went away.")?,
            forwarded,
            taken_over: counter(
                "peers_instances_taken_over_total",
                "Consumer instances taken over from other replicas.",
            )?,
            given_up: counter(
                "peers_instances_given_up_total",
                "Consumer instances given up because another replica took them.",
            )?,
            handed_over: counter(
                "peers_instances_handed_over_total",
                "Consumer instances handed over while draining.",
            )?,
        })
    }

    /// So many replicas live.
    pub(crate) fn live(&self, count: usize) {
        self.live.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A request was passed on: `answered`, `elsewhere`, `unreachable`, `broken`.
    pub(crate) fn forwarded(&self, result: &str) {
        self.forwarded.with_label_values(&[result]).inc();
    }
}
