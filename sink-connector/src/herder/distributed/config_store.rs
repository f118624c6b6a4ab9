//! Connectors as the config topic tells them.
//!
//! In: the topic's records in the order of their offsets. Out: each connector's configuration, target state and task
//! configurations, the same on every worker that has read as far. Of each connector the last few writes are
//! remembered with their offsets, so that a writer can see what was written between its look and its own write.

use std::collections::{BTreeMap, HashMap, VecDeque};

use sluiceway_common::props::Properties;

use super::config_record::ConfigRecord;
use crate::connector::RestartRequest;
use crate::status::TargetState;

/// Writes remembered of each connector.
const REMEMBERED: usize = 16;

/// A connector of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// As written: references unresolved, secrets in clear.
    pub(super) config: Properties,
    /// What a user wants it to be.
    pub(super) target: TargetState,
    /// Task configurations, as the last commit counts them.
    pub(super) tasks: Vec<Properties>,
}

/// One write of a connector's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) offset: i64,
    /// `None`: deleted.
    pub(super) config: Option<Properties>,
}

/// What a record changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Connector(String),
    Restart(String, RestartRequest),
    Logger(String, String),
}

/// All connectors.
#[derive(Debug, Default)]
pub(super) struct ConfigStore {
    configs: BTreeMap<String, Properties>,
    targets: HashMap<String, TargetState>,
    writes: HashMap<String, VecDeque<Write>>,
    tasks: HashMap<String, Tasks>,
}

#[derive(Debug, Default)]
struct Tasks {
    /// Written, and not yet counted by a commit.
    written: BTreeMap<u32, Properties>,
    counted: Vec<Properties>,
}

impl ConfigStore {
    /// Takes the next record of the topic.
    pub(super) fn apply(&mut self, offset: i64, record: ConfigRecord) -> Change {
        match record {
            ConfigRecord::Connector(name, config) => {
                let writes = self.writes.entry(name.clone()).or_default();
                writes.push_back(Write {
                    offset,
                    config: config.clone(),
                });
                if writes.len() > REMEMBERED {
                    writes.pop_front();
                }
                if let Some(config) = config {
                    self.configs.insert(name.clone(), config);
                } else {
                    self.configs.remove(&name);
                    self.targets.remove(&name);
                    self.tasks.remove(&name);
                }
                Change::Connector(name)
            }
            ConfigRecord::Target(name, target) => {
                match target {
                    Some(target) => self.targets.insert(name.clone(), target),
                    None => self.targets.remove(&name),
                };
                Change::Connector(name)
            }
            ConfigRecord::Task(name, number, config) => {
                let tasks = self.tasks.entry(name.clone()).or_default();
                tasks.written.insert(number, config);
                Change::Connector(name)
            }
            ConfigRecord::Commit(name, count) => {
                let tasks = self.tasks.entry(name.clone()).or_default();
                // Compaction may have left some out: then the count waits for whoever writes them anew.
                if let Some(counted) = tasks.count(count) {
                    tasks.counted = counted;
                }
                Change::Connector(name)
            }
            ConfigRecord::Restart(name, request) => Change::Restart(name, request),
            ConfigRecord::Logger(namespace, level) => Change::Logger(namespace, level),
        }
    }

    /// Names of all connectors, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        self.configs.keys().cloned().collect()
    }

    /// How many connectors there are.
    pub(super) fn len(&self) -> usize {
        self.configs.len()
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.configs.contains_key(name)
    }

    /// One connector.
    pub(super) fn entry(&self, name: &str) -> Option<Entry> {
        let config = self.configs.get(name)?.clone();
        let tasks = self.tasks.get(name);
        Some(Entry {
            config,
            target: self.target(name),
            tasks: tasks.map_or_else(Vec::new, |tasks| tasks.counted.clone()),
        })
    }

    /// How many tasks the last commit counts.
    pub(super) fn task_count(&self, name: &str) -> usize {
        self.tasks.get(name).map_or(0, |tasks| tasks.counted.len())
    }

    /// A connector's configuration.
    pub(super) fn config(&self, name: &str) -> Option<&Properties> {
        self.configs.get(name)
    }

    /// A connector's target state.
    pub(super) fn target(&self, name: &str) -> TargetState {
        let target = self.targets.get(name).copied();
        target.unwrap_or(TargetState::Started)
    }

    /// Offset of the last write of a connector's configuration; -1 when none is remembered.
    pub(super) fn last_write(&self, name: &str) -> i64 {
        let last = self.writes.get(name).and_then(VecDeque::back);
        last.map_or(-1, |write| write.offset)
    }

    /// The write of a connector's configuration before the one at `offset`, if it came after `base`.
    pub(super) fn intervening(&self, name: &str, base: i64, offset: i64) -> Option<&Write> {
        let writes = self.writes.get(name)?;
        let before = writes.iter().rev().find(|write| write.offset < offset)?;
        (before.offset > base).then_some(before)
    }
}

impl Tasks {
    fn count(&mut self, count: u32) -> Option<Vec<Properties>> {
        let written = std::mem::take(&mut self.written);
        let config = |number: u32| {
            let old = self.counted.get(number as usize);
            written.get(&number).or(old).cloned()
        };
        (0..count).map(config).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn config(flush: &str) -> Properties {
        [("name", "n"), ("flush.size", flush)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into_iter()
            .collect()
    }

    fn connector(flush: &str) -> ConfigRecord {
        ConfigRecord::Connector("n".into(), Some(config(flush)))
    }

    #[test]
    fn the_last_write_counts_and_a_deletion_takes_all() {
        let mut store = ConfigStore::default();
        store.apply(
            0,
            ConfigRecord::Target("n".into(), Some(TargetState::Paused)),
        );
        store.apply(1, connector("1"));
        store.apply(2, connector("2"));
        let entry = store.entry("n").unwrap();
        assert_eq!(entry.config["flush.size"], "2");
        assert_eq!(entry.target, TargetState::Paused);
        store.apply(3, ConfigRecord::Connector("n".into(), None));
        assert_eq!(store.entry("n"), None);
        assert_eq!(store.target("n"), TargetState::Started);
        assert_eq!(store.last_write("n"), 3);
    }

    #[test]
    fn tasks_count_once_they_are_committed() {
        let mut store = ConfigStore::default();
        store.apply(0, connector("1"));
        store.apply(1, ConfigRecord::Task("n".into(), 0, config("1")));
        assert_eq!(store.task_count("n"), 0);
        store.apply(2, ConfigRecord::Commit("n".into(), 1));
        assert_eq!(store.task_count("n"), 1);
        // A second task; the first is as it was.
        store.apply(3, ConfigRecord::Task("n".into(), 1, config("1")));
        store.apply(4, ConfigRecord::Commit("n".into(), 2));
        assert_eq!(store.task_count("n"), 2);
        // Tasks that are not there are not counted.
        store.apply(5, ConfigRecord::Commit("n".into(), 4));
        assert_eq!(store.task_count("n"), 2);
        store.apply(6, ConfigRecord::Commit("n".into(), 0));
        assert_eq!(store.task_count("n"), 0);
    }

    #[test]
    fn a_writer_sees_who_was_before_it() {
        let mut store = ConfigStore::default();
        let base = store.last_write("n");
        store.apply(4, connector("theirs"));
        store.apply(7, connector("ours"));
        store.apply(9, connector("later"));
        let before = store.intervening("n", base, 7).unwrap();
        assert_eq!(
            before.config.as_ref().unwrap()["flush.size"].as_str(),
            "theirs"
        );
        assert_eq!(store.intervening("n", 4, 7), None);
        assert_eq!(store.intervening("n", base, 4), None);
    }
}
