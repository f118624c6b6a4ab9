//! Broker settings: the fixed ones, and those that were altered for this node or for all. Altered ones are kept and
//! shown, and have no effect: their use is to try out clients that alter them.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use parking_lot::Mutex;

use super::config_keys::{ConfigKey, DYNAMIC_BROKER_KEYS, Kind};
use super::files;
use super::node::Node;

/// Altered settings of one resource.
pub(crate) type Altered = BTreeMap<String, String>;

/// The altered broker settings, by node id; `""` are those of all nodes.
#[derive(Debug)]
pub(crate) struct BrokerConfigs {
    path: PathBuf,
    altered: Mutex<BTreeMap<String, Altered>>,
}

impl BrokerConfigs {
    /// Reads what earlier runs stored in `path`.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let altered = match files::read(&path)? {
            Some(content) => {
                serde_json::from_slice(&content).map_err(|error| files::invalid(&path, error))?
            }
            None => BTreeMap::new(),
        };
        Ok(Self {
            path,
            altered: Mutex::new(altered),
        })
    }

    /// The altered settings of a node, or with `""` of all.
    pub(crate) fn altered(&self, node: &str) -> Altered {
        self.altered.lock().get(node).cloned().unwrap_or_default()
    }

    /// Replaces the altered settings of a node.
    pub(crate) fn set(&self, node: &str, configs: Altered) -> io::Result<()> {
        let mut altered = self.altered.lock();
        let mut changed = altered.clone();
        changed.insert(node.to_owned(), configs);
        files::replace(&self.path, &serde_json::to_vec_pretty(&changed)?)?;
        *altered = changed;
        Ok(())
    }
}

/// The dynamic broker setting of this name.
pub(crate) fn dynamic_key(name: &str) -> Option<&'static ConfigKey> {
    DYNAMIC_BROKER_KEYS.iter().find(|key| key.name == name)
}

/// The settings that are fixed when the broker starts: name, value, type, and whether it is Kafka's default.
pub(crate) fn fixed(node: &Node) -> Vec<(&'static str, String, Kind, bool)> {
    let options = &node.options;
    let listener = format!("PLAINTEXT://127.0.0.1:{}", node.port);
    let delay = options.group_initial_rebalance_delay.as_millis();
    let (min, max) = (
        &options.group_min_session_timeout,
        &options.group_max_session_timeout,
    );
    vec![
        (
            "advertised.listeners",
            listener.clone(),
            Kind::String,
            false,
        ),
        (
            "auto.create.topics.enable",
            options.auto_create_topics.to_string(),
            Kind::Boolean,
            false,
        ),
        ("broker.id", "1".to_owned(), Kind::Int, false),
        (
            "default.replication.factor",
            "1".to_owned(),
            Kind::Int,
            true,
        ),
        (
            "delete.topic.enable",
            "true".to_owned(),
            Kind::Boolean,
            true,
        ),
        (
            "fetch.max.bytes",
            options.fetch_max_bytes.to_string(),
            Kind::Int,
            true,
        ),
        (
            "group.initial.rebalance.delay.ms",
            delay.to_string(),
            Kind::Int,
            false,
        ),
        (
            "group.max.session.timeout.ms",
            max.as_millis().to_string(),
            Kind::Int,
            true,
        ),
        (
            "group.min.session.timeout.ms",
            min.as_millis().to_string(),
            Kind::Int,
            true,
        ),
        ("listeners", listener, Kind::String, false),
        (
            "log.dirs",
            options.data_dir.display().to_string(),
            Kind::String,
            false,
        ),
        ("log.retention.hours", "168".to_owned(), Kind::Int, true),
        ("node.id", "1".to_owned(), Kind::Int, false),
        (
            "num.partitions",
            options.default_partitions.to_string(),
            Kind::Int,
            false,
        ),
        (
            "offset.metadata.max.bytes",
            options.offset_metadata_max_bytes.to_string(),
            Kind::Int,
            true,
        ),
        (
            "offsets.topic.num.partitions",
            "50".to_owned(),
            Kind::Int,
            true,
        ),
        (
            "socket.request.max.bytes",
            options.request_max_bytes.to_string(),
            Kind::Int,
            true,
        ),
    ]
}
