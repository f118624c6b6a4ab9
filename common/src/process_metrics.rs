//! What the process itself takes: `process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_open_fds` and the other
//! figures under the names that every Prometheus client library gives them, so that dashboards made for the JVM programs find them.

use prometheus::Registry;

/// A registry with the figures of this process (on Linux, with the feature `process-metrics`; else an empty one). One a process is enough: where several
/// programs run in one, the figures are those of all of them.
#[must_use]
pub fn registry() -> Registry {
    let registry = Registry::new();
    #[cfg(all(target_os = "linux", feature = "process-metrics"))]
    {
        let figures = prometheus::process_collector::ProcessCollector::for_self();
        if let Err(error) = registry.register(Box::new(figures)) {
            tracing::warn!(%error, "the figures of the process are not in /metrics");
        }
    }
    registry
}

#[cfg(all(test, target_os = "linux", feature = "process-metrics"))]
mod tests {
    use super::*;

    #[test]
    fn memory_and_descriptors_are_told() {
        let families = registry().gather();
        for name in ["process_resident_memory_bytes", "process_open_fds"] {
            let found = families.iter().find(|family| family.name() == name);
            let value = found.and_then(|family| family.get_metric().first());
            let value = value.map_or(0.0, |value| value.get_gauge().get_value());
            assert!(value > 0.0, "{name}");
        }
    }
}
