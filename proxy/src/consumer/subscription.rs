//! What an instance reads: topics, a pattern of topics, or assigned partitions; one of the three at a time.
//!
//! As in the original a subscription or assignment takes effect with the next read: until then it is only noted, so that
//! positions can be set first, no group waits for a member that nobody reads with, and no client is needed. When nothing
//! is chosen any longer the client ends.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::{Offset, TopicPartitionList};
use sluiceway_common::topic_pattern::TopicPattern;

use super::error::ConsumerError;
use super::java_order::{self, TopicPartition};
use super::reader::Reader;
use crate::kafka_error::{FaultClass, KafkaFault};

/// What an instance reads.
#[derive(Debug)]
pub(crate) enum Selection {
    /// Nothing.
    None,
    /// These topics.
    Topics {
        /// In Java's order.
        names: Vec<String>,
        /// Whether the client knows.
        active: bool,
    },
    /// Topics whose names match.
    Pattern {
        /// Java's regular expression.
        pattern: TopicPattern,
        /// Those that matched.
        matched: Vec<String>,
        /// When topics were last looked up.
        checked: Option<Instant>,
    },
    /// These partitions.
    Assigned {
        /// Whether the client knows.
        active: bool,
    },
}

/// How often new topics are matched against a pattern, at most.
const PATTERN_TTL: Duration = Duration::from_secs(10);
/// The same while nothing matches.
const PATTERN_TTL_EMPTY: Duration = Duration::from_millis(500);
/// How long giving up a subscription may take.
const LEAVE_WAIT: Duration = Duration::from_secs(3);

const EXCLUSIVE: &str = "Subscription to topics, partitions and pattern are mutually exclusive";

impl Selection {
    /// Whether the group decides what is read.
    pub(super) fn is_subscription(&self) -> bool {
        matches!(self, Self::Topics { .. } | Self::Pattern { .. })
    }

    /// The topics subscribed to; of a pattern those that matched when topics were last looked up.
    pub(super) fn topics(&self) -> &[String] {
        match self {
            Self::Topics { names, .. } => names,
            Self::Pattern { matched, .. } => matched,
            Self::None | Self::Assigned { .. } => &[],
        }
    }
}

fn exclusive() -> ConsumerError {
    ConsumerError::IllegalState(EXCLUSIVE.to_owned())
}

impl Reader {
    /// The topics subscribed to.
    pub(crate) fn subscription(&self) -> Vec<String> {
        self.selection.topics().to_vec()
    }

    /// Subscribes to topics, instead of those before. None: gives up whatever was chosen. Blocks.
    ///
    /// # Errors
    /// A pattern or partitions are chosen already, or a name is empty.
    pub(crate) fn subscribe(&mut self, topics: Vec<Option<String>>) -> Result<(), ConsumerError> {
        if topics.is_empty() {
            self.give_up();
            return Ok(());
        }
        let named: Option<Vec<String>> = topics
            .into_iter()
            .map(|name| name.filter(|name| !name.trim().is_empty()))
            .collect();
        let named = named.ok_or(ConsumerError::Unforeseen("a topic without a name"))?;
        let names = java_order::topics(named);
        match &self.selection {
            Selection::None => {}
            Selection::Topics { names: before, .. } if *before == names => return Ok(()),
            Selection::Topics { .. } => {}
            Selection::Pattern { .. } | Selection::Assigned { .. } => return Err(exclusive()),
        }
        (self.stuck, self.failed) = (None, None);
        // What came of other topics is not answered any longer, even before the group knows.
        let mut kept = self.assignment();
        kept.retain(|(topic, _)| names.contains(topic));
        self.parts.assign(&kept);
        self.forget_unassigned();
        self.selection = Selection::Topics {
            names,
            active: false,
        };
        Ok(())
    }

    /// Subscribes to topics whose whole names match, now or later. Blocks.
    ///
    /// # Errors
    /// Topics or partitions are chosen already, or the expression is empty or none of Java's.
    pub(crate) fn subscribe_pattern(&mut self, pattern: &str) -> Result<(), ConsumerError> {
        if pattern.is_empty() {
            return Err(ConsumerError::Unforeseen("an empty pattern"));
        }
        let pattern = TopicPattern::new(pattern)
            .map_err(|_| ConsumerError::Unforeseen("not a regular expression"))?;
        match &self.selection {
            Selection::None | Selection::Pattern { .. } => {}
            Selection::Topics { .. } | Selection::Assigned { .. } => return Err(exclusive()),
        }
        (self.stuck, self.failed) = (None, None);
        self.selection = Selection::Pattern {
            pattern,
            matched: Vec::new(),
            checked: None,
        };
        Ok(())
    }

    /// Gives up whatever was chosen, and with it the client. Blocks until the group knows.
    pub(crate) fn give_up(&mut self) {
        self.unsubscribe();
        self.client.end();
        self.follow_anew();
    }

    /// Gives up whatever was chosen; the client stays. Blocks until the group knows.
    pub(super) fn unsubscribe(&mut self) {
        let before = std::mem::replace(&mut self.selection, Selection::None);
        match before {
            Selection::None | Selection::Assigned { active: false } => {}
            Selection::Topics { .. } | Selection::Pattern { .. } => self.leave(),
            Selection::Assigned { active: true } => {
                let _state = self.client.get().map(|client| client.unassign());
            }
        }
        self.parts.assign(&[]);
        self.forget_unassigned();
        (self.stuck, self.failed) = (None, None);
    }

    /// Leaves the group: the client does so in steps, between which it has to be polled.
    fn leave(&mut self) {
        let Some(client) = self.client.get() else {
            return;
        };
        client.unsubscribe();
        let started = Instant::now();
        let assigned = || client.assignment().is_ok_and(|list| list.count() > 0);
        while assigned() && started.elapsed() < LEAVE_WAIT {
            let _given_up = client.poll(Duration::from_millis(20));
        }
        self.keep_up();
    }

    /// Reads these partitions, instead of those before, without the group. None: gives them up. Blocks.
    ///
    /// # Errors
    /// There is a subscription.
    pub(crate) fn assign(&mut self, list: Vec<TopicPartition>) -> Result<(), ConsumerError> {
        if list.is_empty() {
            self.give_up();
            return Ok(());
        }
        if self.selection.is_subscription() {
            return Err(exclusive());
        }
        self.parts.assign(&java_order::partitions(list, false));
        self.forget_unassigned();
        (self.stuck, self.failed) = (None, None);
        self.selection = Selection::Assigned { active: false };
        Ok(())
    }

    /// What is read, as far as the group has said by the last read.
    pub(crate) fn assignment(&self) -> Vec<TopicPartition> {
        let named = |part: &super::partitions::Part| (part.topic.clone(), part.partition);
        self.parts.assigned().map(named).collect()
    }

    /// Makes the client read what was chosen.
    ///
    /// # Errors
    /// Nothing is chosen, or the client refuses it.
    pub(super) async fn activate(&mut self, wait: Duration) -> Result<(), ConsumerError> {
        match &self.selection {
            Selection::None => {
                return Err(ConsumerError::Unforeseen("no subscription, no assignment"));
            }
            Selection::Topics { active: true, .. } | Selection::Assigned { active: true } => {
                return Ok(());
            }
            Selection::Pattern { .. } => return self.match_topics(wait).await,
            Selection::Topics { .. } | Selection::Assigned { .. } => {}
        }
        // First the client: whoever waits for it may go away, and then nothing is active yet.
        self.client.needed().await?;
        match &mut self.selection {
            Selection::Topics { names, active } => {
                *active = true;
                let names = names.clone();
                self.subscribe_client(&names)
            }
            Selection::Assigned { active } => {
                *active = true;
                self.assign_client()
            }
            Selection::None | Selection::Pattern { .. } => Ok(()),
        }
    }

    /// Looks up which topics match, if that is due.
    pub(super) async fn match_topics(&mut self, wait: Duration) -> Result<(), ConsumerError> {
        let Selection::Pattern {
            pattern,
            matched,
            checked,
        } = &mut self.selection
        else {
            return Ok(());
        };
        let ttl = if matched.is_empty() {
            PATTERN_TTL_EMPTY
        } else {
            PATTERN_TTL
        };
        if checked.is_some_and(|checked| checked.elapsed() < ttl) {
            return Ok(());
        }
        let found = tokio::time::timeout(wait, self.admin.topics()).await;
        *checked = Some(Instant::now());
        // Kafka is away: what matched before is read on.
        let Ok(Ok(all)) = found else {
            return Ok(());
        };
        let names = all.into_iter().filter(|name| pattern.matches(name));
        let names = java_order::topics(names.collect());
        if names == *matched {
            return Ok(());
        }
        if !names.is_empty() {
            self.client.needed().await?;
        }
        matched.clone_from(&names);
        if names.is_empty() {
            if let Some(client) = self.client.get() {
                client.unsubscribe();
            }
            return Ok(());
        }
        self.subscribe_client(&names)
    }

    fn subscribe_client(&mut self, names: &[String]) -> Result<(), ConsumerError> {
        self.before_join = self.client.assignments.count();
        self.chosen = Instant::now();
        let client = self.client.need()?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        client.subscribe(&names).map_err(refused)
    }

    pub(super) fn assign_client(&mut self) -> Result<(), ConsumerError> {
        let mut list = TopicPartitionList::new();
        for part in self.parts.assigned() {
            let position = part.position.map(Offset::Offset);
            let offset = part.start.or(position).unwrap_or(Offset::Invalid);
            list.add_partition_offset(&part.topic, part.partition, offset)
                .map_err(refused)?;
        }
        self.client.need()?.assign(&list).map_err(refused)
    }
}

fn refused(error: rdkafka::error::KafkaError) -> ConsumerError {
    ConsumerError::Kafka(KafkaFault::new(FaultClass::Fatal, error.to_string()))
}
