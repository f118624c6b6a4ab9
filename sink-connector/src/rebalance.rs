//! What happens when topic-partitions come and go: the consumer's callbacks.
//!
//! They run inside `poll`, on the task's thread. An assigned topic-partition starts from the committed offset *and*
//! its metadata (the plan of the last owner). A revoked one ends inside the callback, before the group is joined
//! again: what is planned may finish within [`REVOKE_WAIT`], then the offset is committed and the state dropped.

use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::assignment::{Assignment, Failure};
use crate::commit::Committer;
use crate::error::{CONNECT_EXCEPTION, Exception};
use crate::events;
use crate::task_gauges::TaskGauges;
use crate::topic_partition::Tools;

/// How long a revocation waits for objects whose plan is committed.
const REVOKE_WAIT: Duration = Duration::from_secs(3);
/// How long a task that lost its partitions waits to be told to stop, before it joins its group anew.
const LOST_WAIT: Duration = Duration::from_secs(1);
/// How long one request for committed offsets may take, and how often it is made.
const COMMITTED_WAIT: Duration = Duration::from_secs(20);
const COMMITTED_TRIES: usize = 6;

/// The context of a task's consumer.
pub(crate) struct TaskConsumerContext {
    pub(crate) assignment: Arc<Mutex<Assignment>>,
    pub(crate) committer: Arc<Committer>,
    pub(crate) tools: Arc<Tools>,
    pub(crate) gauges: TaskGauges,
    /// Set when the assignment changed, so that the loop pauses new partitions if it should.
    pub(crate) changed: AtomicBool,
    /// The worker shares its tasks with others.
    pub(crate) shared: bool,
    /// The task is told to stop.
    pub(crate) stopping: Arc<AtomicBool>,
    /// The consumer is closing.
    pub(crate) closing: AtomicBool,
    /// Since when the group is being joined anew: the client may have no member id yet.
    pub(crate) joining: Mutex<Option<Instant>>,
    /// Assignments and revocations so far.
    pub(crate) rebalances: AtomicU64,
}

impl ConsumerContext for TaskConsumerContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        err: RDKafkaRespErr,
        tpl: &mut TopicPartitionList,
    ) {
        let cooperative = matches!(
            consumer.rebalance_protocol(),
            RebalanceProtocol::Cooperative
        );
        let result = if err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            *self.joining.lock() = None;
            self.assigned(consumer, tpl);
            if cooperative {
                consumer.incremental_assign(tpl)
            } else {
                consumer.assign(tpl)
            }
        } else {
            self.revoked(consumer, tpl);
            if cooperative {
                consumer.incremental_unassign(tpl)
            } else {
                consumer.unassign()
            }
        };
        if let Err(error) = result {
            self.assignment
                .lock()
                .fail(Failure::Exception(Exception::new(
                    CONNECT_EXCEPTION,
                    error.to_string(),
                )));
        }
        self.changed.store(true, Ordering::Relaxed);
        self.rebalances.fetch_add(1, Ordering::Relaxed);
    }
}

impl ClientContext for TaskConsumerContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn StdError>> {
        sluiceway_kafka_tokens::answer(config)
    }

    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        crate::consume::log_client(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(connector = self.committer.connector, %error, reason, "Kafka client");
    }

    fn stats(&self, statistics: Statistics) {
        let committed = self.assignment.lock().committed();
        let lag = |topic: &str, ours: &[(i32, Option<i64>)]| {
            let found = statistics.topics.get(topic)?;
            let of = |(number, committed): &(i32, Option<i64>)| {
                let log = found.partitions.get(number)?;
                Some((log.hi_offset - committed.unwrap_or(log.lo_offset).max(0)).max(0))
            };
            Some(ours.iter().filter_map(of).sum())
        };
        let lags = committed
            .iter()
            .filter_map(|(topic, ours)| Some((topic.as_str(), lag(topic, ours)?)));
        self.gauges.lag(&lags.collect());
    }
}

impl TaskConsumerContext {
    /// The client is about to join as somebody new.
    pub(crate) fn begins_to_join(&self) {
        *self.joining.lock() = Some(Instant::now());
    }

    fn assigned(&self, consumer: &BaseConsumer<Self>, tpl: &mut TopicPartitionList) {
        let committed = match committed_offsets(consumer, tpl) {
            Ok(committed) => committed,
            Err(error) => {
                let message = format!("the committed offsets cannot be read: {error}");
                self.assignment
                    .lock()
                    .fail(Failure::Exception(Exception::new(
                        CONNECT_EXCEPTION,
                        message,
                    )));
                return;
            }
        };
        let mut assignment = self.assignment.lock();
        for element in committed.elements() {
            let offset = match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            };
            assignment.add(
                element.topic(),
                element.partition(),
                offset,
                element.metadata(),
            );
            let start = offset.map_or(Offset::Invalid, Offset::Offset);
            // The element came out of this list.
            let _ = tpl.set_partition_offset(element.topic(), element.partition(), start);
        }
        self.tools
            .uploader
            .abort_orphans(self.file_name_starts(tpl));
        self.report("assigned", tpl.count(), assignment.len());
    }

    fn revoked(&self, consumer: &BaseConsumer<Self>, tpl: &TopicPartitionList) {
        let lost = consumer.assignment_lost();
        if lost {
            self.begins_to_join();
        }
        let partitions: Vec<(String, i32)> = tpl
            .elements()
            .iter()
            .map(|element| (element.topic().to_owned(), element.partition()))
            .collect();
        if !lost {
            self.finish(consumer, &partitions);
        }
        let mut assignment = self.assignment.lock();
        for (topic, partition) in &partitions {
            assignment.remove(topic, *partition);
        }
        self.report(
            if lost { "lost" } else { "revoked" },
            partitions.len(),
            assignment.len(),
        );
        drop(assignment);
        if lost && self.shared {
            self.end_if_told(consumer);
        }
    }

    /// A worker that slept past its session finds out at one time that it has to end its tasks and that they are members of
    /// their group no more. The client joins anew as soon as this callback is over; a member that joined only to leave again
    /// costs the others two rebalances, and when it closes in between, its session. So what is about to be told to
    /// stop is waited for, and the consumer closes before it joins.
    fn end_if_told(&self, consumer: &BaseConsumer<Self>) {
        let until = Instant::now() + LOST_WAIT;
        let told = || self.stopping.load(Ordering::Relaxed);
        while !told() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        if told() && consumer.close_queue().is_ok() {
            self.closing.store(true, Ordering::Relaxed);
        }
    }

    /// Waits for objects that are as good as there, and commits what is done, while these partitions are still ours.
    fn finish(&self, consumer: &BaseConsumer<Self>, partitions: &[(String, i32)]) {
        let deadline = Instant::now() + REVOKE_WAIT;
        loop {
            let mut assignment = self.assignment.lock();
            if let Err(failure) = assignment.absorb_uploads(Duration::ZERO) {
                assignment.fail(failure);
                break;
            }
            if !assignment.completing(partitions) || Instant::now() >= deadline {
                break;
            }
            drop(assignment);
            std::thread::sleep(Duration::from_millis(2));
        }
        self.committer
            .commit(consumer, &self.assignment, &self.tools.metrics, true);
    }

    fn report(&self, kind: &str, changed: usize, now: usize) {
        let Committer {
            connector, task, ..
        } = &*self.committer;
        events::rebalanced(&self.tools.metrics, connector, task, kind, changed, now);
    }

    /// Per folder of a topic, how the names of our files in it begin.
    fn file_name_starts(&self, tpl: &TopicPartitionList) -> HashMap<String, HashSet<String>> {
        let path = &self.tools.config.path;
        let (dir, delim) = (&path.directory_delim, &path.file_delim);
        let root = if path.topics_dir.trim().is_empty() {
            String::new()
        } else {
            format!("{}{dir}", path.topics_dir)
        };
        let mut folders: HashMap<String, HashSet<String>> = HashMap::new();
        for element in tpl.elements() {
            let topic = element.topic();
            let start = format!("{dir}{topic}{delim}{}{delim}", element.partition());
            folders
                .entry(format!("{root}{topic}{dir}"))
                .or_default()
                .insert(start);
        }
        folders
    }
}

/// Committed offsets with their metadata. They cannot change between this answer and the assignment: we own the
/// partitions, and Kafka refuses commits of earlier generations.
fn committed_offsets(
    consumer: &BaseConsumer<TaskConsumerContext>,
    tpl: &TopicPartitionList,
) -> KafkaResult<TopicPartitionList> {
    let mut tries = 0;
    loop {
        tries += 1;
        let result = consumer
            .committed_offsets(tpl.clone(), COMMITTED_WAIT)
            .and_then(|list| {
                let failed = list
                    .elements()
                    .iter()
                    .find_map(|element| element.error().err());
                failed.map_or(Ok(list), Err)
            });
        match result {
            Ok(list) => return Ok(list),
            Err(error) if tries >= COMMITTED_TRIES => return Err(error),
            Err(error) => {
                tracing::warn!(%error, tries, "committed offsets cannot be read, trying again");
                std::thread::sleep(Duration::from_millis(200 * tries as u64));
            }
        }
    }
}
