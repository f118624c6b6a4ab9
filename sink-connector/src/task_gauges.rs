//! What a task shows of itself while it runs: lag, last commit, partitions, whether it is held back.
//!
//! It is gone when the task has ended. A task goes on elsewhere, or nowhere: in both cases the lag that was left behind here
//! would grow old, and an alert would tell of a connector that stands still.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::metrics::SinkMetrics;

/// See the module. Gone when dropped.
pub(crate) struct TaskGauges {
    metrics: Arc<SinkMetrics>,
    connector: String,
    task: String,
    /// Topics whose lag is shown.
    topics: Mutex<BTreeSet<String>>,
}

impl TaskGauges {
    /// Those of a task that begins.
    pub(crate) fn begin(metrics: &Arc<SinkMetrics>, connector: &str, task: &str) -> Self {
        // Shown from the begin: whoever watches it must not take its absence for a no.
        let held_back = metrics.held_back.with_label_values(&[connector, task]);
        held_back.set(0);
        Self {
            metrics: Arc::clone(metrics),
            connector: connector.to_owned(),
            task: task.to_owned(),
            topics: Mutex::default(),
        }
    }

    /// Shows the lag of each topic, and of no other one: records.
    pub(crate) fn lag(&self, lags: &BTreeMap<&str, i64>) {
        let (connector, task) = (self.connector.as_str(), self.task.as_str());
        let mut shown = self.topics.lock();
        shown.retain(|topic| {
            let stays = lags.contains_key(topic.as_str());
            if !stays {
                self.hide_lag(topic);
            }
            stays
        });
        for (topic, lag) in lags {
            let labels = [connector, task, topic];
            self.metrics.lag.with_label_values(&labels).set(*lag);
            if !shown.contains(*topic) {
                shown.insert((*topic).to_owned());
            }
        }
    }

    fn hide_lag(&self, topic: &str) {
        let labels = [self.connector.as_str(), self.task.as_str(), topic];
        // Another one of the same task may have done it.
        let _gone = self.metrics.lag.remove_label_values(&labels);
    }
}

impl Drop for TaskGauges {
    fn drop(&mut self) {
        for topic in std::mem::take(&mut *self.topics.lock()) {
            self.hide_lag(&topic);
        }
        let labels = [self.connector.as_str(), self.task.as_str()];
        let metrics = &self.metrics;
        for gauge in [
            &metrics.last_commit,
            &metrics.partitions,
            &metrics.held_back,
        ] {
            // It has committed nothing, or was given nothing.
            let _gone = gauge.remove_label_values(&labels);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_task_shows_ends_with_it() {
        let registry = prometheus::Registry::new();
        let metrics = Arc::new(SinkMetrics::register(&registry).unwrap());
        let shown = || {
            let families = registry.gather();
            let of_task = |family: &&prometheus::proto::MetricFamily| {
                let mut labels = family
                    .get_metric()
                    .iter()
                    .flat_map(|metric| metric.get_label());
                labels.any(|label| label.value() == "c")
            };
            let names = families.iter().filter(of_task);
            names
                .map(|family| family.name().to_owned())
                .collect::<Vec<_>>()
        };
        let task = TaskGauges::begin(&metrics, "c", "0");
        let other = TaskGauges::begin(&metrics, "other", "0");
        assert_eq!(shown(), ["sluiceway_sink_task_held_back"]);
        crate::events::committed(&metrics, "c", "0", 7);
        crate::events::rebalanced(&metrics, "c", "0", "assigned", 2, 2);
        task.lag(&BTreeMap::from([("a", 5), ("b", 6)]));
        other.lag(&BTreeMap::from([("a", 1)]));
        task.lag(&BTreeMap::from([("b", 4)]));
        let lag = |connector: &str, topic: &str| {
            let labels = [connector, "0", topic];
            let value = metrics.lag.with_label_values(&labels).get();
            metrics.lag.remove_label_values(&labels).unwrap();
            value
        };
        assert_eq!((lag("c", "a"), lag("c", "b")), (0, 4), "a was revoked");
        task.lag(&BTreeMap::from([("b", 4)]));
        drop(task);
        // What is counted stays.
        let counters = [
            "sluiceway_sink_offset_commits_total",
            "sluiceway_sink_rebalances_total",
        ];
        assert_eq!(shown(), counters);
        assert_eq!(lag("other", "a"), 1);
    }
}
