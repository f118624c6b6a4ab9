//! What has to be known of an instance to go on with it elsewhere, and going on with it.
//!
//! In: what is read, and positions if the former owner could tell them. Out: a reader that answers as the former would
//! have. The group's committed offsets count where no position is told.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};
use sluiceway_common::topic_pattern::TopicPattern;

use super::error::ConsumerError;
use super::reader::Reader;
use super::subscription::Selection;

/// Topic, partition, and the offset of the next record.
pub(crate) type Position = (String, i32, i64);

/// What an instance reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Choice {
    /// Nothing.
    #[default]
    Nothing,
    /// Topics.
    Topics(Vec<String>),
    /// Topics whose names match.
    Pattern(String),
    /// Partitions.
    Partitions(Vec<(String, i32)>),
}

impl Choice {
    /// Whether the group decides what is read.
    pub(crate) fn is_subscription(&self) -> bool {
        matches!(self, Self::Topics(_) | Self::Pattern(_))
    }
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Restored {
    pub(crate) choice: Choice,
    pub(crate) positions: Vec<Position>,
}

/// How long the broker may take to tell offsets.
const ASK: Duration = Duration::from_secs(2);
/// Longest sleep while the group decides.
const TICK: Duration = Duration::from_millis(50);

impl Reader {
    /// What is read.
    pub(crate) fn choice(&self) -> Choice {
        match &self.selection {
            Selection::None => Choice::Nothing,
            Selection::Topics { names, .. } => Choice::Topics(names.clone()),
            Selection::Pattern { pattern, .. } => Choice::Pattern(pattern.as_str().to_owned()),
            Selection::Assigned { .. } => Choice::Partitions(self.assignment()),
        }
    }

    /// Where reading goes on, as far as that was answered or said.
    pub(crate) fn positions(&self) -> Vec<Position> {
        let known = |part: &super::partitions::Part| {
            Some((part.topic.clone(), part.partition, part.position?))
        };
        self.parts.assigned().filter_map(known).collect()
    }

    /// Ends the client, and tells what is needed to go on elsewhere. Blocks.
    pub(super) fn farewell(mut self) -> Restored {
        self.keep_up();
        let mut positions = self.positions();
        positions.extend(self.beginnings());
        Restored {
            choice: self.choice(),
            positions,
        }
    }

    /// Where partitions began to be read of which nothing was answered or committed yet, if that was their end then: the
    /// end is another by the time that somebody goes on. Blocks.
    fn beginnings(&self) -> Vec<Position> {
        let begun = self.client.assignments.at();
        let Some(client) = self.client.get() else {
            return Vec::new();
        };
        if !self.from_end || !self.selection.is_subscription() || begun == 0 {
            return Vec::new();
        }
        let mut list = TopicPartitionList::new();
        for part in self.parts.assigned().filter(|part| part.position.is_none()) {
            list.add_partition(&part.topic, part.partition);
        }
        if list.count() == 0 {
            return Vec::new();
        }
        let found = client.committed_offsets(list, ASK);
        let mut times = TopicPartitionList::new();
        for element in found.unwrap_or_default().elements() {
            if element.offset() == Offset::Invalid {
                let (topic, partition) = (element.topic(), element.partition());
                let _listed = times.add_partition_offset(topic, partition, Offset::Offset(begun));
            }
        }
        let found = client.offsets_for_times(times, ASK).unwrap_or_default();
        let position = |element: &TopicPartitionListElem<'_>| {
            let (topic, partition) = (element.topic(), element.partition());
            let offset = match element.offset() {
                Offset::Offset(offset) if offset >= 0 => offset,
                // Nothing came since.
                _ => client.fetch_watermarks(topic, partition, ASK).ok()?.1,
            };
            Some((topic.to_owned(), partition, offset))
        };
        found.elements().iter().filter_map(position).collect()
    }

    /// Goes on with what another reader was doing.
    pub(crate) fn restore(&mut self, restored: &Restored) -> Result<(), ConsumerError> {
        match &restored.choice {
            Choice::Nothing => {}
            Choice::Topics(names) => {
                self.client.assignments.begin_at(&restored.positions);
                self.selection = Selection::Topics {
                    names: names.clone(),
                    active: false,
                };
            }
            Choice::Pattern(pattern) => {
                self.client.assignments.begin_at(&restored.positions);
                let pattern = TopicPattern::new(pattern)
                    .map_err(|_| ConsumerError::Unforeseen("not a regular expression"))?;
                self.selection = Selection::Pattern {
                    pattern,
                    matched: Vec::new(),
                    checked: None,
                };
            }
            Choice::Partitions(list) => {
                self.parts.assign(list);
                for (topic, partition, offset) in &restored.positions {
                    if let Some(part) = self.parts.assigned_mut(topic, *partition) {
                        part.position = Some(*offset);
                    }
                }
                self.selection = Selection::Assigned { active: false };
            }
        }
        Ok(())
    }

    /// Waits until the group has said what this instance reads, at most for so long. Records that come meanwhile wait.
    ///
    /// # Errors
    /// Nothing is chosen, or the client refuses what is.
    pub(crate) async fn join(&mut self, limit: Duration) -> Result<(), ConsumerError> {
        let started = Instant::now();
        self.activate(limit).await?;
        while self.selection.is_subscription() && !self.joined() {
            self.drain(self.pending.size() + 1)?;
            let left = limit.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            self.match_topics(left).await?;
            let _woken = tokio::time::timeout(left.min(TICK), self.client.wake().notified()).await;
        }
        Ok(())
    }

    /// Whether the group has said what this instance reads, since it last chose.
    pub(super) fn joined(&self) -> bool {
        self.client.assignments.count() > self.before_join
    }
}
