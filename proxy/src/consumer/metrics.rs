//! What is counted of consumer instances.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::format::Format;
use crate::metrics::named;

/// Counters of consumer instances.
#[derive(Debug)]
pub struct ConsumerMetrics {
    /// Instances made.
    pub created: IntCounter,
    /// Instances that clients deleted.
    pub deleted: IntCounter,
    /// Instances that nobody used any longer.
    pub expired: IntCounter,
    /// Instances closed with the proxy.
    pub shut_down: IntCounter,
    /// Instances, and readers without a group, that have a client of librdkafka now.
    pub clients: IntGauge,
    reads: IntCounterVec,
    records: IntCounterVec,
    bytes: IntCounterVec,
}

/// Counts something while it is there.
pub(crate) struct Held(IntGauge);

impl Held {
    pub(crate) fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl ConsumerMetrics {
    /// Creates and registers them.
    ///
    /// # Errors
    /// A name is taken.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let vec = |name: &str, help: &str, label: &str| {
            let vec = IntCounterVec::new(Opts::new(named(name), help), &[label])?;
            registry.register(Box::new(vec.clone()))?;
            Ok::<_, prometheus::Error>(vec)
        };
        let created = IntCounter::new(
            named("consumer_instances_created_total"),
            "Consumer instances made.",
        )?;
        registry.register(Box::new(created.clone()))?;
        let clients = IntGauge::new(
            named("consumer_clients"),
            "Clients of librdkafka that consumer instances and readers without a group have.",
        )?;
        registry.register(Box::new(clients.clone()))?;
        let closed = vec(
            "consumer_instances_closed_total",
            "Consumer instances closed, by reason.",
            "reason",
        )?;
        let reason = |reason: &str| closed.with_label_values(&[reason]);
        Ok(Self {
            created,
            clients,
            deleted: reason("deleted"),
            expired: reason("expired"),
            shut_down: reason("shutdown"),
            reads: vec(
                "consumer_reads_total",
                "Reads of records, by what came of them.",
                "result",
            )?,
            records: vec(
                "consumed_records_total",
                "Records that reads were answered with, by format.",
                "format",
            )?,
            bytes: vec(
                "consumed_bytes_total",
                "Bytes of keys and values that reads were answered with, by format.",
                "format",
            )?,
        })
    }

    /// Counts a read; `None`: it failed.
    pub fn read(&self, format: Format, taken: Option<(usize, usize)>) {
        let result = match taken {
            None => "failed",
            Some((0, _)) => "empty",
            Some(_) => "records",
        };
        self.reads.with_label_values(&[result]).inc();
        if let Some((records, bytes)) = taken {
            let label = [format.name()];
            self.records
                .with_label_values(&label)
                .inc_by(records as u64);
            self.bytes.with_label_values(&label).inc_by(bytes as u64);
        }
    }
}
