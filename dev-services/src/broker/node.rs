//! Everything that the broker's request handlers share, opened from the data folder.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kafka_protocol::messages::BrokerId;
use kafka_protocol::protocol::StrBytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::broker_configs::BrokerConfigs;
use super::files;
use super::groups::Groups;
use super::offsets::Offsets;
use super::producer_ids::ProducerIds;
use super::topics::Topics;
use super::{BrokerError, BrokerOptions};

/// The id of the one node.
pub(crate) const NODE_ID: BrokerId = BrokerId(1);
/// The host that clients are told to connect to.
pub(crate) const HOST: StrBytes = StrBytes::from_static_str("127.0.0.1");

/// The broker's state.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) options: BrokerOptions,
    pub(crate) port: i32,
    pub(crate) cluster_id: StrBytes,
    pub(crate) topics: Topics,
    pub(crate) groups: Groups,
    pub(crate) offsets: Offsets,
    pub(crate) producer_ids: ProducerIds,
    pub(crate) broker_configs: BrokerConfigs,
    /// Locked while this broker runs.
    _lock: File,
}

/// Content of `cluster.json`.
#[derive(Serialize, Deserialize)]
struct ClusterRecord {
    cluster_id: String,
}

impl Node {
    /// Locks and recovers the data folder.
    pub(crate) fn open(options: BrokerOptions, port: u16) -> Result<Self, BrokerError> {
        let dir = options.data_dir.clone();
        std::fs::create_dir_all(&dir).map_err(BrokerError::data_dir(&dir))?;
        let lock = lock(&dir)?;
        Self::recover(&dir, lock, options, port).map_err(BrokerError::data_dir(&dir))
    }

    fn recover(dir: &Path, lock: File, options: BrokerOptions, port: u16) -> io::Result<Self> {
        let offsets = Offsets::open(dir.join("offsets.log"))?;
        let groups = Groups::new(options.group_initial_rebalance_delay);
        for group in offsets.groups() {
            groups.get_or_create(&group);
        }
        Ok(Self {
            cluster_id: cluster_id(&dir.join("cluster.json"))?,
            topics: Topics::open(dir.join("topics"), options.message_max_bytes)?,
            groups,
            offsets,
            producer_ids: ProducerIds::open(dir.join("producer-ids"))?,
            broker_configs: BrokerConfigs::open(dir.join("broker-configs.json"))?,
            port: i32::from(port),
            options,
            _lock: lock,
        })
    }
}

fn lock(dir: &Path) -> Result<File, BrokerError> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(BrokerError::data_dir(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BrokerError::DataDirInUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(BrokerError::data_dir(&path)(error)),
    }
}

/// The cluster id of the folder: 22 characters, made at the first start as Kafka's tools make it.
fn cluster_id(path: &Path) -> io::Result<StrBytes> {
    if let Some(content) = files::read(path)? {
        let record: ClusterRecord =
            serde_json::from_slice(&content).map_err(|error| files::invalid(path, error))?;
        return Ok(StrBytes::from_string(record.cluster_id));
    }
    let cluster_id = URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes());
    let content = serde_json::to_vec(&ClusterRecord {
        cluster_id: cluster_id.clone(),
    })?;
    files::replace(path, &content)?;
    Ok(StrBytes::from_string(cluster_id))
}
