//! States of connectors and tasks as metrics, read from the herder at each scrape, so that they are never stale.
//! Each worker tells of what runs on it, so that sums over workers are right.

use std::collections::HashMap;
use std::sync::Weak;

use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};

use super::{Herder, LocalStatus};
use crate::status::State;

/// Gauges of the connectors of a herder.
pub(crate) struct ConnectorStates {
    herder: Weak<dyn Herder>,
    connectors: IntGaugeVec,
    tasks: IntGaugeVec,
    /// Held while the gauges are set and read, so that two scrapes don't mix.
    scrape: Mutex<()>,
}

impl ConnectorStates {
    /// Gauges of `herder`, to be registered.
    pub(crate) fn new(herder: Weak<dyn Herder>) -> prometheus::Result<Self> {
        let connectors = Opts::new(
            "sluiceway_sink_connector_status",
            "1 for the state a connector is in, by connector and state.",
        );
        let tasks = Opts::new(
            "sluiceway_sink_connector_tasks",
            "Tasks of a connector by connector and state.",
        );
        Ok(Self {
            herder,
            connectors: IntGaugeVec::new(connectors, &["connector", "state"])?,
            tasks: IntGaugeVec::new(tasks, &["connector", "state"])?,
            scrape: Mutex::new(()),
        })
    }

    fn set(&self, LocalStatus { status, instance }: &LocalStatus) {
        let name = status.name.as_str();
        let state = status.connector.state.label();
        if *instance {
            self.connectors.with_label_values(&[name, state]).set(1);
        }
        let mut counts: HashMap<State, i64> =
            State::ALL.into_iter().map(|state| (state, 0)).collect();
        for task in &status.tasks {
            *counts.entry(task.instance.state).or_default() += 1;
        }
        for (state, count) in counts {
            self.tasks
                .with_label_values(&[name, state.label()])
                .set(count);
        }
    }
}

impl Collector for ConnectorStates {
    fn desc(&self) -> Vec<&Desc> {
        [self.connectors.desc(), self.tasks.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let _scrape = self.scrape.lock();
        self.connectors.reset();
        self.tasks.reset();
        if let Some(herder) = self.herder.upgrade() {
            let statuses = herder.local_statuses();
            statuses.iter().for_each(|status| self.set(status));
        }
        [self.connectors.collect(), self.tasks.collect()].concat()
    }
}
