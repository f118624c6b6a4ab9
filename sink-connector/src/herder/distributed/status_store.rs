//! States as the status topic tells them.
//!
//! In: the topic's records. Out: what was last said of each item, and the topics that each connector has read. What
//! was said counts only while the worker that said it still holds the item's slot ([`super::members`]). A worker that
//! lost a slot may say a last word after the next holder's first: that one does not count, and the holder writes its
//! own anew, because compaction keeps the last word.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::status_record::{Item, Said, StatusRecord};

/// Everything that was said.
#[derive(Debug, Default)]
pub(super) struct StatusStore {
    connectors: HashMap<String, Said>,
    tasks: HashMap<String, BTreeMap<u32, Said>>,
    /// What former holders wrote over it.
    late: HashMap<Item, Said>,
    topics: HashMap<String, BTreeSet<String>>,
}

impl StatusStore {
    /// Takes the next record of the topic. `holds` tells whether who said something holds the item's slot.
    pub(super) fn apply(&mut self, record: StatusRecord, holds: impl Fn(&Item, &Said) -> bool) {
        match record {
            StatusRecord::State(item, Some(said)) if self.is_late(&item, &said, &holds) => {
                self.late.insert(item, said);
            }
            StatusRecord::State(item, said) => {
                self.late.remove(&item);
                self.set(item, said);
            }
            StatusRecord::Topic {
                connector,
                topic,
                seen,
            } => {
                let topics = self.topics.entry(connector).or_default();
                if seen.is_some() {
                    topics.insert(topic);
                } else {
                    topics.remove(&topic);
                }
            }
        }
    }

    /// An earlier claim's word after the present one's. Claims of a slot topic that was made anew are earlier by
    /// number only.
    fn is_late(&self, item: &Item, said: &Said, holds: impl Fn(&Item, &Said) -> bool) -> bool {
        let known = self.said(&item.connector, item.task);
        known.is_some_and(|known| said.generation < known.generation && holds(item, known))
    }

    fn set(&mut self, item: Item, said: Option<Said>) {
        match (item.task, said) {
            (None, Some(said)) => drop(self.connectors.insert(item.connector, said)),
            (None, None) => drop(self.connectors.remove(&item.connector)),
            (Some(number), Some(said)) => {
                let tasks = self.tasks.entry(item.connector).or_default();
                tasks.insert(number, said);
            }
            (Some(number), None) => {
                if let Some(tasks) = self.tasks.get_mut(&item.connector) {
                    tasks.remove(&number);
                }
            }
        }
    }

    /// What was last said of an item.
    pub(super) fn said(&self, connector: &str, task: Option<u32>) -> Option<&Said> {
        match task {
            None => self.connectors.get(connector),
            Some(number) => self.tasks.get(connector)?.get(&number),
        }
    }

    /// What the topic has last of an item, whether it counts or not.
    pub(super) fn last_word(&self, item: &Item) -> Option<&Said> {
        let late = self.late.get(item);
        late.or_else(|| self.said(&item.connector, item.task))
    }

    /// The tasks of which something was said.
    pub(super) fn tasks(&self, connector: &str) -> impl Iterator<Item = (u32, &Said)> {
        let tasks = self.tasks.get(connector).into_iter().flatten();
        tasks.map(|(number, said)| (*number, said))
    }

    /// Topics that a connector has read, sorted.
    pub(super) fn topics(&self, connector: &str) -> Vec<String> {
        let topics = self.topics.get(connector).into_iter().flatten();
        topics.cloned().collect()
    }

    /// Whether a connector is known to have read a topic.
    pub(super) fn has_topic(&self, connector: &str, topic: &str) -> bool {
        let topics = self.topics.get(connector);
        topics.is_some_and(|topics| topics.contains(topic))
    }
}
