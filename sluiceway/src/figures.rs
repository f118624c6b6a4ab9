//! Gathers what the live line and the summary show: the emulator's counters, the positions in
//! Kafka, and the sink's own metrics.

use posting_emulator::Stats;
use prometheus::Registry;

use crate::{live::Figures, progress::Progress};

/// Metrics of the sink that count something going wrong.
const SINK_ERRORS: [&str; 2] = [
    "sluiceway_sink_record_errors_total",
    "sluiceway_sink_task_failures_total",
];
const SINK_OBJECTS: &str = "sluiceway_sink_objects_total";

/// The figures at this moment.
pub(crate) fn gather(stats: &Stats, progress: &Progress, registry: &Registry) -> Figures {
    let (counts, snapshot) = (stats.counts(), progress.snapshot());
    let sink_errors: u64 = SINK_ERRORS.iter().map(|name| total(registry, name)).sum();
    Figures {
        posts: counts.posts,
        in_kafka: snapshot.in_kafka().unsigned_abs(),
        in_s3: snapshot.in_s3().unsigned_abs(),
        objects: total(registry, SINK_OBJECTS),
        errors: counts.failures() + sink_errors,
    }
}

/// The sum of a counter over all its labels; 0 before its first label.
fn total(registry: &Registry, name: &str) -> u64 {
    let families = registry.gather();
    let family = families.iter().find(|family| family.name() == name);
    let metrics = family.map(|family| family.get_metric()).unwrap_or_default();
    metrics
        .iter()
        .map(|metric| metric.get_counter().get_value() as u64)
        .sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use prometheus::{IntCounterVec, Opts};

    use super::*;

    #[test]
    fn counters_are_summed_over_their_labels() {
        let registry = Registry::new();
        let opts = Opts::new(SINK_OBJECTS, "help");
        let counter = IntCounterVec::new(opts, &["connector"]).unwrap();
        registry.register(Box::new(counter.clone())).unwrap();
        assert_eq!(total(&registry, SINK_OBJECTS), 0);
        counter.with_label_values(&["a"]).inc_by(2);
        counter.with_label_values(&["b"]).inc_by(3);
        assert_eq!(total(&registry, SINK_OBJECTS), 5);
        assert_eq!(total(&registry, "another"), 0);
    }

    #[test]
    fn the_sinks_metrics_have_the_names_used_here() {
        let registry = Registry::new();
        let metrics = sluiceway_sink::metrics::SinkMetrics::register(&registry).unwrap();
        metrics.objects.with_label_values(&["c"]).inc();
        metrics.record_errors.with_label_values(&["c", "s"]).inc();
        metrics.task_failures.with_label_values(&["c"]).inc();
        for name in SINK_ERRORS.iter().chain([&SINK_OBJECTS]) {
            assert_eq!(total(&registry, name), 1, "{name}");
        }
    }
}
