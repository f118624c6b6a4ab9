//! Settings of a worker that shares its connectors with others.
//!
//! In: the worker's values. Out: [`DistributedConfig`]; what Kafka Connect requires is required here too.

use std::time::Duration;

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};
use sluiceway_common::props::{Properties, with_prefix};

use super::config::millis;

/// A topic that the workers keep for themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalTopic {
    /// The setting that names it.
    pub key: &'static str,
    /// Its name.
    pub name: String,
    /// Partitions it is made with.
    pub partitions: i32,
    /// Replicas it is made with; -1 leaves it to the broker.
    pub replication: i32,
    /// Topic settings it is made with, besides being compacted.
    pub settings: Properties,
}

/// Settings of a worker that shares its connectors with others.
#[derive(Clone, Debug)]
pub struct DistributedConfig {
    /// The workers' group.
    pub group_id: String,
    /// Configurations and target states.
    pub config_topic: InternalTopic,
    /// Source offsets: made for a Connect cluster that takes over, else unused.
    pub offset_topic: InternalTopic,
    /// States.
    pub status_topic: InternalTopic,
    /// Who holds which slot.
    pub slot_topic: InternalTopic,
    /// After this long without a heartbeat a worker, and a task's consumer, is taken for dead.
    pub session_timeout: Duration,
    /// How often a worker, and a task's consumer, shows that it lives.
    pub heartbeat_interval: Duration,
    /// How long a worker may take to give up slots.
    pub rebalance_timeout: Duration,
}

/// Reads the keys of distributed mode.
pub(super) fn read(
    values: &Values,
    properties: &Properties,
    errors: &mut ConfigErrors,
) -> DistributedConfig {
    let group_id = required(values, "group.id", errors);
    let config = Keys::new("config", values, properties);
    let offset = Keys::new("offset", values, properties);
    let status = Keys::new("status", values, properties);
    let config_topic = config.topic("config.storage.topic", 1, errors);
    let slots = values.text("sluiceway.slots.topic");
    let slot_topic = InternalTopic {
        key: "sluiceway.slots.topic",
        name: if slots.is_empty() {
            format!("{group_id}-slots")
        } else {
            slots.to_owned()
        },
        partitions: int(values, "sluiceway.slots"),
        replication: config_topic.replication,
        settings: SLOT_SETTINGS
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
    };
    let session_timeout = millis(values, "session.timeout.ms");
    let heartbeat_interval = millis(values, "heartbeat.interval.ms");
    if heartbeat_interval * 3 > session_timeout {
        errors.0.push(ConfigError::invalid(
            "heartbeat.interval.ms",
            &heartbeat_interval.as_millis().to_string(),
            "it must be at most a third of session.timeout.ms",
        ));
    }
    DistributedConfig {
        offset_topic: offset.topic(
            "offset.storage.topic",
            int(values, "offset.storage.partitions"),
            errors,
        ),
        status_topic: status.topic(
            "status.storage.topic",
            int(values, "status.storage.partitions"),
            errors,
        ),
        group_id,
        config_topic,
        slot_topic,
        session_timeout,
        heartbeat_interval,
        rebalance_timeout: millis(values, "rebalance.timeout.ms"),
    }
}

/// Heartbeats go into this topic: small segments, so that compaction keeps it small.
const SLOT_SETTINGS: [(&str, &str); 3] = [
    ("segment.bytes", "1048576"),
    ("segment.ms", "600000"),
    ("min.cleanable.dirty.ratio", "0.1"),
];

struct Keys<'a> {
    values: &'a Values,
    prefix: String,
    own: Properties,
}

impl<'a> Keys<'a> {
    fn new(name: &str, values: &'a Values, properties: &Properties) -> Self {
        let prefix = format!("{name}.storage.");
        // Any other key under the prefix is a setting of the topic.
        let own = with_prefix(properties, &prefix)
            .into_iter()
            .filter(|(key, _)| {
                !["topic", "replication.factor", "partitions", "file.filename"]
                    .contains(&key.as_str())
            })
            .collect();
        Self {
            values,
            prefix,
            own,
        }
    }

    fn topic(
        &self,
        key: &'static str,
        partitions: i32,
        errors: &mut ConfigErrors,
    ) -> InternalTopic {
        InternalTopic {
            key,
            name: required(self.values, key, errors),
            partitions,
            replication: int(self.values, &format!("{}replication.factor", self.prefix)),
            settings: self.own.clone(),
        }
    }
}

fn required(values: &Values, key: &str, errors: &mut ConfigErrors) -> String {
    match values.text_opt(key).map(str::trim) {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => {
            errors.0.push(ConfigError::missing(key));
            String::new()
        }
    }
}

fn int(values: &Values, key: &str) -> i32 {
    i32::try_from(values.number(key)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::worker::WorkerConfig;
    use sluiceway_common::props::parse;

    const BASE: &str = "key.converter=K\nvalue.converter=V\n";

    #[test]
    fn a_connect_distributed_file_is_read() {
        let text = format!(
            "{BASE}group.id=connect-cluster\nconfig.storage.topic=connect-configs\n\
             config.storage.replication.factor=1\nconfig.storage.min.insync.replicas=2\n\
             offset.storage.topic=connect-offsets\nstatus.storage.topic=connect-status\n\
             status.storage.partitions=3\nsession.timeout.ms=10000\n"
        );
        let config = WorkerConfig::parse_distributed(&parse(&text).unwrap()).unwrap();
        let shared = config.distributed.unwrap();
        assert_eq!(shared.group_id, "connect-cluster");
        assert_eq!(shared.config_topic.name, "connect-configs");
        assert_eq!(
            (
                shared.config_topic.partitions,
                shared.config_topic.replication
            ),
            (1, 1)
        );
        assert_eq!(shared.config_topic.settings["min.insync.replicas"], "2");
        assert_eq!(shared.config_topic.settings.len(), 1);
        assert_eq!(shared.status_topic.partitions, 3);
        assert_eq!(shared.offset_topic.partitions, 25);
        assert_eq!(shared.slot_topic.name, "connect-cluster-slots");
        assert_eq!(shared.session_timeout.as_secs(), 10);
    }

    #[test]
    fn what_is_missing_is_named_all_at_once() {
        let text = format!("{BASE}heartbeat.interval.ms=5000\n");
        let errors = WorkerConfig::parse_distributed(&parse(&text).unwrap()).unwrap_err();
        let mut keys: Vec<&str> = errors.0.iter().map(|error| error.key.as_str()).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            [
                "config.storage.topic",
                "group.id",
                "heartbeat.interval.ms",
                "offset.storage.topic",
                "status.storage.topic"
            ]
        );
    }
}
