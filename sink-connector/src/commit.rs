//! The only caller of Kafka's offset commit.
//!
//! In: the commits that are due (offset and plan per topic-partition). Out: acknowledgements to the topic-partitions.
//! Commits are synchronous and sent from the thread that polls, so that none can be under way when a rebalance
//! callback gives a topic-partition up: Kafka accepts a late commit of a member that has joined again, even for a
//! partition it no longer owns.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use crate::assignment::{Assignment, TpCommit};
use crate::events;
use crate::metrics::SinkMetrics;

/// Pause after a commit that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);

/// Commits for one task.
pub(crate) struct Committer {
    pub(crate) connector: String,
    pub(crate) task: String,
    not_before: Mutex<Option<Instant>>,
}

impl Committer {
    /// For the task `task` of `connector`.
    pub(crate) fn new(connector: &str, task: &str) -> Self {
        Self {
            connector: connector.to_owned(),
            task: task.to_owned(),
            not_before: Mutex::new(None),
        }
    }

    /// Makes the commits that are due. After a failure it waits a moment before it tries again, unless `now`.
    pub(crate) fn commit<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        assignment: &Mutex<Assignment>,
        metrics: &SinkMetrics,
        now: bool,
    ) {
        if !now
            && self
                .not_before
                .lock()
                .is_some_and(|time| Instant::now() < time)
        {
            return;
        }
        let due = assignment.lock().commits_due();
        if due.is_empty() {
            return;
        }
        match send(consumer, &due) {
            Ok(()) => self.acknowledge(assignment, metrics, due),
            Err(error) if due.len() > 1 && concerns_one_partition(&error) => {
                for one in due {
                    self.commit_one(consumer, assignment, metrics, one);
                }
            }
            Err(error) => self.refuse(assignment, metrics, due, &error),
        }
    }

    fn commit_one<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        assignment: &Mutex<Assignment>,
        metrics: &SinkMetrics,
        one: TpCommit,
    ) {
        match send(consumer, std::slice::from_ref(&one)) {
            Ok(()) => self.acknowledge(assignment, metrics, vec![one]),
            Err(error) => self.refuse(assignment, metrics, vec![one], &error),
        }
    }

    fn acknowledge(
        &self,
        assignment: &Mutex<Assignment>,
        metrics: &SinkMetrics,
        due: Vec<TpCommit>,
    ) {
        *self.not_before.lock() = None;
        events::committed(metrics, &self.connector, &self.task, unix_seconds());
        let mut assignment = assignment.lock();
        for commit in due {
            assignment.acknowledged(commit);
        }
    }

    fn refuse(
        &self,
        assignment: &Mutex<Assignment>,
        metrics: &SinkMetrics,
        due: Vec<TpCommit>,
        error: &KafkaError,
    ) {
        *self.not_before.lock() = Some(Instant::now() + PAUSE_AFTER_FAILURE);
        if in_rebalance(error) {
            events::commit_postponed(metrics, &self.connector, due.len());
        } else {
            events::commit_failed(metrics, &self.connector, &error.to_string(), due.len());
        }
        let mut assignment = assignment.lock();
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::OffsetMetadataTooLarge) {
            assignment.shrink_metadata();
        }
        assignment.refused(due);
    }
}

fn send<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    due: &[TpCommit],
) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::with_capacity(due.len());
    for TpCommit {
        topic,
        partition,
        commit,
        ..
    } in due
    {
        let mut element = list.add_partition(topic, *partition);
        element.set_offset(Offset::Offset(commit.offset))?;
        element.set_metadata(commit.metadata.as_str());
    }
    consumer.commit(&list, CommitMode::Sync)
}

/// The group is changing: the commit is made again, or its partition turns out to be another's.
fn in_rebalance(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(Code::RebalanceInProgress | Code::IllegalGeneration | Code::UnknownMemberId)
    )
}

fn concerns_one_partition(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::OffsetMetadataTooLarge
                | Code::UnknownTopicOrPartition
                | Code::TopicAuthorizationFailed
                | Code::InvalidCommitOffsetSize
                | Code::UnknownPartition
        )
    )
}

fn unix_seconds() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
