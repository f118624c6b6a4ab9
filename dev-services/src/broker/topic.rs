//! One topic: its name and id, its partitions' logs and its altered settings, as they stand in its folder.
//! `topic.json` is written last when a topic is made and first when partitions are added, so what it says exists
//! or is created (empty) at the next start.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol::StrBytes;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::config_keys::TopicSettings;
use super::files;
use super::log::Log;

const TOPIC_FILE: &str = "topic.json";

/// Content of `topic.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TopicRecord {
    pub(crate) id: String,
    pub(crate) partitions: usize,
    /// Altered settings only; defaults are not stored.
    pub(crate) configs: BTreeMap<String, String>,
}

/// A topic and its logs.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: TopicName,
    pub(crate) id: Uuid,
    dir: PathBuf,
    message_max_bytes: i32,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    logs: Vec<Arc<Log>>,
    configs: BTreeMap<String, String>,
    settings: TopicSettings,
}

impl Topic {
    /// Writes a new topic into `dir`, which must not exist.
    pub(crate) fn write(dir: &Path, record: &TopicRecord) -> io::Result<()> {
        std::fs::create_dir(dir)?;
        save(dir, record)
    }

    /// Opens a topic, recovering its logs.
    pub(crate) fn open(name: &str, dir: PathBuf, message_max_bytes: i32) -> io::Result<Self> {
        let path = dir.join(TOPIC_FILE);
        let content = std::fs::read(&path)?;
        let record: TopicRecord =
            serde_json::from_slice(&content).map_err(|error| files::invalid(&path, error))?;
        let id = Uuid::parse_str(&record.id).map_err(|error| files::invalid(&path, error))?;
        let logs = (0..record.partitions)
            .map(|index| Log::open(dir.join(index.to_string())).map(Arc::new))
            .collect::<io::Result<_>>()?;
        let settings = TopicSettings::new(&record.configs, message_max_bytes);
        let name = TopicName(StrBytes::from_string(name.to_owned()));
        let state = RwLock::new(State {
            logs,
            configs: record.configs,
            settings,
        });
        Ok(Self {
            name,
            id,
            dir,
            message_max_bytes,
            state,
        })
    }

    /// The log of a partition; `None` when there is no such partition.
    pub(crate) fn log(&self, partition: i32) -> Option<Arc<Log>> {
        let index = usize::try_from(partition).ok()?;
        self.state.read().logs.get(index).map(Arc::clone)
    }

    /// The logs of all partitions, in order.
    pub(crate) fn logs(&self) -> Vec<Arc<Log>> {
        self.state.read().logs.clone()
    }

    /// Number of partitions.
    pub(crate) fn partitions(&self) -> usize {
        self.state.read().logs.len()
    }

    /// The settings that differ from the defaults.
    pub(crate) fn configs(&self) -> BTreeMap<String, String> {
        self.state.read().configs.clone()
    }

    /// The settings that the broker acts on.
    pub(crate) fn settings(&self) -> TopicSettings {
        self.state.read().settings
    }

    /// Replaces the altered settings, which have been checked.
    pub(crate) fn set_configs(&self, configs: BTreeMap<String, String>) -> io::Result<()> {
        let mut state = self.state.write();
        let partitions = state.logs.len();
        save(&self.dir, &self.record(partitions, &configs))?;
        state.settings = TopicSettings::new(&configs, self.message_max_bytes);
        state.configs = configs;
        Ok(())
    }

    /// Adds empty partitions until there are `partitions`.
    pub(crate) fn grow(&self, partitions: usize) -> io::Result<()> {
        let mut state = self.state.write();
        save(&self.dir, &self.record(partitions, &state.configs))?;
        for index in state.logs.len()..partitions {
            let log = Log::open(self.dir.join(index.to_string()))?;
            state.logs.push(Arc::new(log));
        }
        Ok(())
    }

    fn record(&self, partitions: usize, configs: &BTreeMap<String, String>) -> TopicRecord {
        TopicRecord {
            id: self.id.to_string(),
            partitions,
            configs: configs.clone(),
        }
    }

    /// Ends reads and appends, and removes the folder.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for log in self.logs() {
            log.mark_deleted();
        }
        let gone = self.dir.with_file_name(format!("~{}", self.id));
        std::fs::rename(&self.dir, &gone)?;
        std::fs::remove_dir_all(gone)
    }
}

fn save(dir: &Path, record: &TopicRecord) -> io::Result<()> {
    files::replace(&dir.join(TOPIC_FILE), &serde_json::to_vec_pretty(record)?)
}
