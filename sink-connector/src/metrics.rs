//! Counters of the sink, all with the prefix `sluiceway_sink_`; `docs/metrics.md` lists them.
//!
//! Labels are bounded: connector and task, topic (for lag only), the reasons and operations of this program.
//! They are raised by [`crate::events`] and nowhere else, so that a log line and its counter stay together.

use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, Result,
};

use crate::written::Written;

/// Seconds an S3 request may take, for the histogram of uploads.
const UPLOAD_BUCKETS: [f64; 12] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

/// The sink's metrics.
#[derive(Clone, Debug)]
pub struct SinkMetrics {
    /// Records taken from Kafka: connector, task.
    pub records: IntCounterVec,
    /// Bytes of keys and values taken from Kafka: connector, task.
    pub record_bytes: IntCounterVec,
    /// Records passed over by rule: connector, reason.
    pub skipped: IntCounterVec,
    /// Records that could not be processed: connector, stage.
    pub record_errors: IntCounterVec,
    /// Records sent to the dead-letter topic: connector, stage.
    pub dead_letters: IntCounterVec,
    /// Files opened: connector.
    pub files_opened: IntCounterVec,
    /// Files open now: connector.
    pub files_open: IntGaugeVec,
    /// Files closed: connector, reason.
    pub files_closed: IntCounterVec,
    /// Parts that memory pressure sent before they were full: connector.
    pub early_parts: IntCounterVec,
    /// Objects completed: connector.
    pub objects: IntCounterVec,
    /// Bytes of completed objects: connector.
    pub object_bytes: IntCounterVec,
    /// Records in completed objects: connector.
    pub object_records: IntCounterVec,
    /// Seconds of S3 requests: operation.
    pub upload_seconds: HistogramVec,
    /// S3 requests tried again: operation.
    pub upload_retries: IntCounterVec,
    /// Objects that could not be tagged: connector.
    pub tagging_failures: IntCounterVec,
    /// Offset commits: connector, result.
    pub commits: IntCounterVec,
    /// Time of the last offset commit, Unix seconds: connector, task.
    pub last_commit: IntGaugeVec,
    /// Records between the committed offset and the end of the log: connector, task, topic.
    pub lag: IntGaugeVec,
    /// Topic-partitions assigned: connector, task.
    pub partitions: IntGaugeVec,
    /// Rebalances: connector, kind.
    pub rebalances: IntCounterVec,
    /// Tasks that failed: connector.
    pub task_failures: IntCounterVec,
    /// Whether a task waits for memory or uploads (1) or not (0): connector, task.
    pub held_back: IntGaugeVec,
    /// Bytes of the byte budget in use.
    pub budget_used: IntGauge,
    /// The byte budget.
    pub budget_total: IntGauge,
    /// The objects that were counted last, by name.
    pub(crate) written: Written,
    /// Slots that the group has given to this worker (distributed workers).
    pub worker_slots: IntGauge,
    /// Slots that came and went: kind.
    pub worker_rebalances: IntCounterVec,
    /// Whether this worker is out of touch with its group and runs nothing.
    pub worker_fenced: IntGauge,
}

fn counter(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
    let metric = IntCounterVec::new(Opts::new(format!("sluiceway_sink_{name}"), help), labels)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec> {
    let metric = IntGaugeVec::new(Opts::new(format!("sluiceway_sink_{name}"), help), labels)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn plain_gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge> {
    let metric = IntGauge::new(format!("sluiceway_sink_{name}"), help)?;
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

impl SinkMetrics {
    /// Registers all metrics with `registry`.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register(registry: &Registry) -> Result<Self> {
        let connector_task = &["connector", "task"];
        let seconds =
            HistogramOpts::new("sluiceway_sink_upload_seconds", "Duration of S3 requests.");
        let upload_seconds =
            HistogramVec::new(seconds.buckets(UPLOAD_BUCKETS.to_vec()), &["operation"])?;
        registry.register(Box::new(upload_seconds.clone()))?;
        let r = registry;
        Ok(Self {
            records: counter(
                r,
                "consumed_records_total",
                "Records taken from Kafka.",
                connector_task,
            )?,
            record_bytes: counter(
                r,
                "consumed_bytes_total",
                "Bytes of keys and values taken from Kafka.",
                connector_task,
            )?,
            skipped: counter(
                r,
                "skipped_records_total",
                "Records passed over by rule.",
                &["connector", "reason"],
            )?,
            record_errors: counter(
                r,
                "record_errors_total",
                "Records that could not be processed.",
                &["connector", "stage"],
            )?,
            dead_letters: counter(
                r,
                "dead_letters_total",
                "Records sent to the dead-letter topic.",
                &["connector", "stage"],
            )?,
            files_opened: counter(r, "files_opened_total", "Files opened.", &["connector"])?,
            files_open: gauge(r, "open_files", "Files open now.", &["connector"])?,
            files_closed: counter(
                r,
                "files_closed_total",
                "Files closed.",
                &["connector", "reason"],
            )?,
            early_parts: counter(
                r,
                "early_parts_total",
                "Parts that memory pressure sent before they were full.",
                &["connector"],
            )?,
            objects: counter(r, "objects_total", "Objects completed.", &["connector"])?,
            object_bytes: counter(
                r,
                "object_bytes_total",
                "Bytes of completed objects.",
                &["connector"],
            )?,
            object_records: counter(
                r,
                "object_records_total",
                "Records in completed objects.",
                &["connector"],
            )?,
            upload_seconds,
            upload_retries: counter(
                r,
                "upload_retries_total",
                "S3 requests tried again.",
                &["operation"],
            )?,
            tagging_failures: counter(
                r,
                "tagging_failures_total",
                "Objects that could not be tagged.",
                &["connector"],
            )?,
            commits: counter(
                r,
                "offset_commits_total",
                "Offset commits.",
                &["connector", "result"],
            )?,
            last_commit: gauge(
                r,
                "last_commit_timestamp_seconds",
                "Time of the last offset commit.",
                connector_task,
            )?,
            lag: gauge(
                r,
                "lag_records",
                "Records between the committed offset and the end of the log.",
                &["connector", "task", "topic"],
            )?,
            partitions: gauge(
                r,
                "assigned_partitions",
                "Topic-partitions assigned.",
                connector_task,
            )?,
            rebalances: counter(
                r,
                "rebalances_total",
                "Changes of the assignment.",
                &["connector", "kind"],
            )?,
            task_failures: counter(
                r,
                "task_failures_total",
                "Tasks that failed.",
                &["connector"],
            )?,
            held_back: gauge(
                r,
                "task_held_back",
                "Whether a task waits for memory or uploads.",
                connector_task,
            )?,
            budget_used: plain_gauge(r, "budget_used_bytes", "Bytes of the byte budget in use.")?,
            written: Written::default(),
            budget_total: plain_gauge(r, "budget_bytes", "The byte budget of the process.")?,
            worker_slots: plain_gauge(r, "worker_slots", "Slots that this worker holds.")?,
            worker_rebalances: counter(
                r,
                "worker_slot_changes_total",
                "Times that slots came or went.",
                &["kind"],
            )?,
            worker_fenced: plain_gauge(
                r,
                "worker_fenced",
                "Whether the worker is out of touch with its group and runs nothing.",
            )?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn all_names_are_registered_once_with_the_prefix() {
        let registry = Registry::new();
        let metrics = SinkMetrics::register(&registry).unwrap();
        metrics.budget_total.set(7);
        metrics
            .files_closed
            .with_label_values(&["c", "flush_size"])
            .inc();
        let names: Vec<_> = registry
            .gather()
            .iter()
            .map(|family| family.name().to_owned())
            .collect();
        assert!(
            names.iter().all(|name| name.starts_with("sluiceway_sink_")),
            "{names:?}"
        );
        assert!(SinkMetrics::register(&registry).is_err());
    }
}
