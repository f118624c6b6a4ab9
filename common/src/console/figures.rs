//! The metrics registry in few numbers: what a page draws, by name and the labels that tell something.
//!
//! In: metric families. Out: `name{label="value"}` → number. Labels with many values (task, topic, route, method) are summed
//! over, and connectors where there are many; of timestamps the oldest counts, of a connector that runs: those that are stopped or
//! gone commit nothing. Histograms are their sum and count.

use std::collections::{BTreeMap, BTreeSet};

use prometheus::proto::{Metric, MetricFamily, MetricType};

/// Figures by name.
pub(super) type Figures = BTreeMap<String, f64>;

/// Labels that are summed over.
const SUMMED: [&str; 4] = ["task", "topic", "route", "method"];
/// Which connectors there are, and in which state.
const STATUS: &str = "sluiceway_sink_connector_status";
/// So many connectors are told apart.
const CONNECTORS: usize = 50;

/// The figures of these families.
pub(super) fn figures(families: &[MetricFamily]) -> Figures {
    let few = connectors(families) <= CONNECTORS;
    flatten(families, few)
}

/// The same without telling connectors apart.
pub(super) fn totals(families: &[MetricFamily]) -> Figures {
    flatten(families, false)
}

fn connectors(families: &[MetricFamily]) -> usize {
    let metrics = families.iter().flat_map(MetricFamily::get_metric);
    let labels = metrics.flat_map(Metric::get_label);
    let named = labels.filter(|label| label.name() == "connector");
    let names: BTreeSet<&str> = named.map(|label| label.value()).collect();
    names.len()
}

/// The connectors that run; `None` where none has a state.
fn running(families: &[MetricFamily]) -> Option<BTreeSet<&str>> {
    let status = families.iter().find(|family| family.name() == STATUS)?;
    let runs = |metric: &&Metric| {
        let state = label(metric, "state").unwrap_or_default();
        metric.get_gauge().get_value() > 0.0 && state.eq_ignore_ascii_case("running")
    };
    let metrics = status.get_metric().iter().filter(runs);
    Some(metrics.filter_map(|one| label(one, "connector")).collect())
}

fn label<'m>(metric: &'m Metric, name: &str) -> Option<&'m str> {
    let found = metric.get_label().iter().find(|label| label.name() == name);
    found.map(|label| label.value())
}

fn flatten(families: &[MetricFamily], by_connector: bool) -> Figures {
    let mut figures = Figures::new();
    let running = running(families).filter(|_| !by_connector);
    for family in families {
        if !family.name().starts_with("sluiceway_") {
            continue;
        }
        let oldest = family.name().ends_with("_timestamp_seconds");
        for metric in family.get_metric() {
            let connector = running.as_ref().zip(label(metric, "connector"));
            if oldest && connector.is_some_and(|(running, name)| !running.contains(name)) {
                continue;
            }
            let labels = labels(metric, by_connector);
            let mut add = |suffix: &str, value: f64| {
                let name = format!("{}{suffix}{labels}", family.name());
                let entry = figures.entry(name);
                entry
                    .and_modify(|sum| *sum = if oldest { sum.min(value) } else { *sum + value })
                    .or_insert(value);
            };
            match family.get_field_type() {
                MetricType::COUNTER => add("", metric.get_counter().get_value()),
                MetricType::GAUGE => add("", metric.get_gauge().get_value()),
                MetricType::HISTOGRAM => {
                    let histogram = metric.get_histogram();
                    add("_sum", histogram.get_sample_sum());
                    add("_count", histogram.get_sample_count() as f64);
                }
                _ => {}
            }
        }
    }
    figures
}

/// `{label="value",…}`, or nothing.
fn labels(metric: &Metric, by_connector: bool) -> String {
    let told = |name: &str| !SUMMED.contains(&name) && (by_connector || name != "connector");
    let kept = metric.get_label().iter().filter(|label| told(label.name()));
    let pairs: Vec<String> = kept
        .map(|label| format!("{}={:?}", label.name(), label.value()))
        .collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!("{{{}}}", pairs.join(","))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use prometheus::{GaugeVec, IntCounterVec, Opts, Registry};

    use super::*;

    #[test]
    fn labels_with_many_values_are_summed_over() {
        let registry = Registry::new();
        let counter =
            IntCounterVec::new(Opts::new("sluiceway_a_total", "a"), &["connector", "task"])
                .unwrap();
        let age = GaugeVec::new(
            Opts::new("sluiceway_b_timestamp_seconds", "b"),
            &["connector"],
        )
        .unwrap();
        registry.register(Box::new(counter.clone())).unwrap();
        registry.register(Box::new(age.clone())).unwrap();
        for (connector, task, count) in [("c", "0", 1), ("c", "1", 2), ("d\"", "0", 4)] {
            counter.with_label_values(&[connector, task]).inc_by(count);
        }
        age.with_label_values(&["c"]).set(20.0);
        age.with_label_values(&["d"]).set(10.0);
        let families = registry.gather();
        let apart = figures(&families);
        assert_eq!(apart["sluiceway_a_total{connector=\"c\"}"], 3.0);
        assert_eq!(apart["sluiceway_a_total{connector=\"d\\\"\"}"], 4.0);
        let together = totals(&families);
        assert_eq!(together["sluiceway_a_total"], 7.0);
        assert_eq!(together["sluiceway_b_timestamp_seconds"], 10.0);
        assert_eq!(together.len(), 2);
        let status = GaugeVec::new(Opts::new(STATUS, "c"), &["connector", "state"]).unwrap();
        registry.register(Box::new(status.clone())).unwrap();
        status.with_label_values(&["c", "running"]).set(1.0);
        let running = totals(&registry.gather());
        assert_eq!(running["sluiceway_b_timestamp_seconds"], 20.0);
    }

    #[test]
    fn many_connectors_are_not_told_apart() {
        let registry = Registry::new();
        let counter = IntCounterVec::new(Opts::new("sluiceway_a", "a"), &["connector"]).unwrap();
        registry.register(Box::new(counter.clone())).unwrap();
        for number in 0..=CONNECTORS {
            counter.with_label_values(&[&number.to_string()]).inc();
        }
        assert_eq!(figures(&registry.gather()).len(), 1);
    }
}
