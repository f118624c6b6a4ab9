//! States of what runs here → the status topic.
//!
//! In: what the worker's connectors show. Out: a record for each change, under the slot's present generation. What
//! another process wrote over it meanwhile (one that did not know that it had lost the slot) is written again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::config_record::Written;
use super::speaker::Speaker;
use super::status_record::{Item, Said, Seen, StatusRecord};
use super::work::Local;
use crate::status::{InstanceStatus, State, TargetState};

/// Changes that come close together go out together.
const GATHER: Duration = Duration::from_millis(5);
/// What was sent and is not in the topic after this long is sent again.
const AGAIN: Duration = Duration::from_secs(3);

/// Writes states down.
pub(super) struct Publisher {
    speaker: Speaker,
    topic: String,
    sent: HashMap<Item, (Said, Instant)>,
    sent_topics: HashSet<(String, String)>,
}

impl Publisher {
    /// Nothing has been written yet.
    pub(super) fn new(speaker: Speaker, topic: String) -> Self {
        Self {
            speaker,
            topic,
            sent: HashMap::new(),
            sent_topics: HashSet::new(),
        }
    }

    /// Writes what has changed, now or after at most `interval`, for ever.
    pub(super) async fn run(publisher: Arc<tokio::sync::Mutex<Self>>, interval: Duration) {
        let host = Arc::clone(&publisher.lock().await.speaker.host);
        loop {
            // A time-out is as good: it finds what has to be written again.
            let _ = tokio::time::timeout(interval, host.changed.notified()).await;
            tokio::time::sleep(GATHER).await;
            publisher.lock().await.publish().await;
        }
    }

    /// Writes what has changed.
    pub(super) async fn publish(&mut self) {
        let shown = self.shown();
        let mut records: Vec<Written> = Vec::new();
        let mut gone: Vec<Item> = Vec::new();
        for (item, (said, _)) in &self.sent {
            if !shown.contains_key(item) {
                records.push(self.farewell(item, said));
                gone.push(item.clone());
            }
        }
        let now = Instant::now();
        let changed: Vec<(Item, Said)> = shown
            .into_iter()
            .filter(|(item, said)| self.is_news(item, said, now))
            .collect();
        let state = |(item, said): &(Item, Said)| {
            StatusRecord::State(item.clone(), Some(said.clone())).write()
        };
        records.extend(changed.iter().map(state));
        let topics = self.new_topics();
        records.extend(topics.iter().map(|(connector, topic, seen)| {
            StatusRecord::Topic {
                connector: connector.clone(),
                topic: topic.clone(),
                seen: Some(*seen),
            }
            .write()
        }));
        if records.is_empty() {
            return;
        }
        match self
            .speaker
            .appender
            .append(&self.topic, None, &records)
            .await
        {
            Err(error) => tracing::warn!(%error, "states are not written down, trying again"),
            Ok(_) => {
                gone.iter().for_each(|item| drop(self.sent.remove(item)));
                let changed = changed.into_iter().map(|(item, said)| (item, (said, now)));
                self.sent.extend(changed);
                let names = topics
                    .into_iter()
                    .map(|(connector, topic, _)| (connector, topic));
                self.sent_topics.extend(names);
            }
        }
    }

    /// What the connectors of this worker show, of items whose slots it holds.
    fn shown(&self) -> HashMap<Item, Said> {
        let held = self.speaker.work.held();
        let mut shown = HashMap::new();
        for local in self.speaker.work.locals() {
            let status = local.connector.status();
            let mut add = |task: Option<u32>, instance: InstanceStatus| {
                let slot = self.speaker.cluster.slot(&status.name, task.unwrap_or(0));
                let Some(generation) = held.get(&slot).filter(|_| local.has_slot(slot)) else {
                    return;
                };
                let item = Item {
                    connector: status.name.clone(),
                    task,
                };
                let said = Said {
                    state: instance.state,
                    trace: instance.trace,
                    worker_id: self.speaker.cluster.me.worker_id.clone(),
                    generation: *generation,
                };
                shown.insert(item, said);
            };
            add(None, status.connector);
            for task in status.tasks {
                add(Some(task.id), task.instance);
            }
        }
        shown
    }

    fn is_news(&self, item: &Item, said: &Said, now: Instant) -> bool {
        match self.sent.get(item) {
            Some((before, at)) if before == said => {
                now.saturating_duration_since(*at) > AGAIN
                    && self
                        .speaker
                        .cluster
                        .look(|view| view.statuses.last_word(item) != Some(said))
            }
            _ => true,
        }
    }

    /// The last word on an item that does not run here any more: `UNASSIGNED`, or nothing when it is no more.
    fn farewell(&self, item: &Item, said: &Said) -> Written {
        let exists = self.speaker.cluster.look(|view| {
            let (configs, name) = (&view.configs, &item.connector);
            configs.contains(name)
                && item.task.is_none_or(|task| {
                    configs.target(name) != TargetState::Stopped
                        && task < self.speaker.cluster.tasks_at_most(view, name)
                })
        });
        let last = exists.then(|| Said {
            state: State::Unassigned,
            trace: None,
            ..said.clone()
        });
        StatusRecord::State(item.clone(), last).write()
    }

    /// Topics that were read and are not written down yet.
    fn new_topics(&mut self) -> Vec<(String, String, Seen)> {
        if !self.speaker.host.worker.topic_tracking {
            return Vec::new();
        }
        let millis = SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_millis();
        let seen = Seen {
            task: 0,
            at: i64::try_from(millis).unwrap_or(i64::MAX),
        };
        let locals = self.speaker.work.locals();
        let read = locals.iter().flat_map(|local: &Arc<Local>| {
            local.connector.look(|view| {
                let pair = |topic: &String| (view.name.clone(), topic.clone());
                view.topics.iter().map(pair).collect::<Vec<_>>()
            })
        });
        let read: HashSet<(String, String)> = read.collect();
        self.sent_topics.retain(|pair| read.contains(pair));
        let is_new = |pair: &(String, String)| {
            !self.sent_topics.contains(pair)
                && self
                    .speaker
                    .cluster
                    .look(|view| !view.statuses.has_topic(&pair.0, &pair.1))
        };
        read.into_iter()
            .filter(is_new)
            .map(|(connector, topic)| (connector, topic, seen))
            .collect()
    }
}
