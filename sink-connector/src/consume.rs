//! A task's consumer: its settings, and the topics it subscribes to.
//!
//! In: the worker's `consumer.*`, the connector's `consumer.override.*`, `topics` or `topics.regex`. Out: a consumer
//! in the group `connect-<name>`. A regular expression is Java's, over whole names, so it is matched here and the
//! subscription holds plain names; new topics are looked for every [`REFRESH`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{
    BorrowedHeaders, BorrowedMessage, Headers as KafkaHeaders, Message, OwnedHeaders,
};
use sluiceway_common::config_def::ConfigErrors;
use sluiceway_common::kafka_config::{KafkaConfig, Role, log_dropped};

use crate::config::{ConnectorConfig, TopicSelector};
use crate::events;
use crate::rebalance::TaskConsumerContext;
use crate::record::{Headers, RawHeader};
use crate::worker::WorkerConfig;

pub(crate) type TaskConsumer = BaseConsumer<TaskConsumerContext>;

/// How often topics are matched against `topics.regex`, unless `metadata.max.age.ms` says otherwise.
const REFRESH: Duration = Duration::from_secs(10);
/// Partitions of one group with which a rebalance takes the client library seconds, in which it sends no heartbeats.
const MANY_PARTITIONS: usize = 4_000;
/// A session that outlasts such a rebalance.
const LONG_SESSION: Duration = Duration::from_secs(30);
/// How long asking for the topics may take.
const METADATA_WAIT: Duration = Duration::from_secs(10);

/// librdkafka's settings for a task's consumer.
///
/// # Errors
/// Settings that cannot be honoured.
pub(crate) fn consumer_config(
    worker: &WorkerConfig,
    connector: &ConnectorConfig,
    task_id: u32,
) -> Result<KafkaConfig, ConfigErrors> {
    let mut java = worker.client_settings(Role::Consumer);
    java.extend(connector.consumer_overrides.clone());
    let mut config = KafkaConfig::translate(Role::Consumer, &java)?;
    log_dropped(
        &format!("connector-consumer-{}-{task_id}", connector.name),
        &config.dropped,
    );
    config.force("group.id", connector.group_id());
    config.force("enable.auto.commit", "false");
    config.force("enable.auto.offset.store", "false");
    if let Some(shared) = &worker.distributed {
        // A worker that is gone is missed by its tasks' groups as soon as by its own.
        let millis = |duration: Duration| duration.as_millis().to_string();
        config.default_to("session.timeout.ms", millis(shared.session_timeout));
        config.default_to("heartbeat.interval.ms", millis(shared.heartbeat_interval));
    }
    for (key, value) in DEFAULTS {
        config.default_to(key, *value);
    }
    config.default_to("client.id", client_id(&connector.name, task_id));
    Ok(config)
}

/// Connect's id of a task's consumer. Its client library writes it as it is into the JSON of its statistics, of which the lag is
/// told: what would end a string there is left out.
fn client_id(connector: &str, task_id: u32) -> String {
    let name = connector.replace(|c: char| c.is_control() || matches!(c, '"' | '\\'), "_");
    format!("connector-consumer-{name}-{task_id}")
}

/// What Kafka Connect's consumers have by default and librdkafka's have not, and bounds on memory.
const DEFAULTS: &[(&str, &str)] = &[
    ("auto.offset.reset", "earliest"),
    ("isolation.level", "read_uncommitted"),
    ("allow.auto.create.topics", "true"),
    ("check.crcs", "true"),
    ("session.timeout.ms", "45000"),
    ("heartbeat.interval.ms", "3000"),
    // Only partitions that move stop, not all of them.
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("fetch.queue.backoff.ms", "20"),
    ("fetch.wait.max.ms", "500"),
    ("socket.timeout.ms", "30000"),
    ("statistics.interval.ms", "5000"),
];

/// A message's headers, parsed only when they are asked for.
pub(crate) struct MessageHeaders<'m>(pub(crate) &'m BorrowedMessage<'m>);

impl Headers for MessageHeaders<'_> {
    fn count(&self) -> usize {
        self.0.headers().map_or(0, KafkaHeaders::count)
    }

    fn get(&self, index: usize) -> Option<RawHeader<'_>> {
        let headers = self.0.headers()?;
        // The client library panics on a name that is not UTF-8.
        let found = catch_unwind(AssertUnwindSafe(|| headers.try_get(index)));
        let header = found.ok().flatten()?;
        Some(RawHeader {
            key: header.key,
            value: header.value,
        })
    }

    fn copied(&self) -> OwnedHeaders {
        self.0
            .headers()
            .map_or_else(OwnedHeaders::new, BorrowedHeaders::detach)
    }
}

/// A topic of the cluster.
struct Topic {
    name: String,
    partitions: usize,
}

/// Keeps the subscription equal to the topics the connector selects.
pub(crate) struct Subscription {
    topics: TopicSelector,
    subscribed: Vec<String>,
    next_refresh: Instant,
    refresh: Duration,
    connector: String,
    /// The consumer's `session.timeout.ms`.
    session: Duration,
    answers: mpsc::Receiver<Vec<Topic>>,
    ask: mpsc::Sender<Vec<Topic>>,
    asking: bool,
}

impl Subscription {
    /// A subscription that is not made yet, of a consumer with these settings.
    pub(crate) fn new(connector: &ConnectorConfig, settings: &ClientConfig) -> Self {
        let (ask, answers) = mpsc::channel();
        let configured = connector
            .consumer_overrides
            .get("metadata.max.age.ms")
            .and_then(|text| text.parse().ok());
        Self {
            topics: connector.topics.clone(),
            subscribed: Vec::new(),
            next_refresh: Instant::now(),
            refresh: configured.map_or(REFRESH, Duration::from_millis),
            connector: connector.name.clone(),
            session: settings
                .get("session.timeout.ms")
                .and_then(|text| text.parse().ok())
                .map_or(LONG_SESSION, Duration::from_millis),
            answers,
            ask,
            asking: false,
        }
    }

    /// Subscribes on the first call; with a pattern, looks for new topics when it is time (in the background).
    ///
    /// # Errors
    /// The client refuses the subscription.
    pub(crate) fn keep_up(
        &mut self,
        consumer: &Arc<TaskConsumer>,
        runtime: &tokio::runtime::Handle,
    ) -> Result<(), KafkaError> {
        match &self.topics {
            TopicSelector::List(topics) if self.subscribed.is_empty() => {
                let topics = topics.clone();
                self.subscribe(consumer, topics)
            }
            TopicSelector::List(_) => Ok(()),
            TopicSelector::Pattern(_) => {
                if let Ok(all) = self.answers.try_recv() {
                    self.asking = false;
                    self.next_refresh = Instant::now()
                        + if all.is_empty() {
                            self.refresh / 10
                        } else {
                            self.refresh
                        };
                    return self.match_topics(consumer, all);
                }
                if !self.asking && Instant::now() >= self.next_refresh {
                    self.asking = true;
                    ask_topics(Arc::clone(consumer), self.ask.clone(), runtime);
                }
                Ok(())
            }
        }
    }

    /// One of the topics that are subscribed to.
    pub(crate) fn topic(&self) -> Option<&str> {
        self.subscribed.first().map(String::as_str)
    }

    fn match_topics(&mut self, consumer: &TaskConsumer, all: Vec<Topic>) -> Result<(), KafkaError> {
        let (mut matched, mut partitions) = (Vec::new(), 0);
        for topic in all {
            if self.topics.selects(&topic.name) {
                matched.push(topic.name);
                partitions += topic.partitions;
            }
        }
        matched.sort_unstable();
        if matched.is_empty() {
            // Soon again: the connector was probably started before its topics were.
            self.next_refresh = Instant::now() + (self.refresh / 10);
        }
        if matched == self.subscribed || matched.is_empty() {
            return Ok(());
        }
        if partitions > MANY_PARTITIONS && self.session < LONG_SESSION {
            events::session_too_short(&self.connector, partitions, self.session);
        }
        self.subscribe(consumer, matched)
    }

    fn subscribe(
        &mut self,
        consumer: &TaskConsumer,
        topics: Vec<String>,
    ) -> Result<(), KafkaError> {
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        if self.subscribed.is_empty() {
            consumer.context().begins_to_join();
        }
        consumer.subscribe(&names)?;
        tracing::info!(topics = topics.len(), first = topics.first(), "subscribed");
        self.subscribed = topics;
        Ok(())
    }
}

fn ask_topics(
    consumer: Arc<TaskConsumer>,
    answer: mpsc::Sender<Vec<Topic>>,
    runtime: &tokio::runtime::Handle,
) {
    runtime.spawn_blocking(move || {
        let topics = match consumer.fetch_metadata(None, METADATA_WAIT) {
            Ok(metadata) => metadata
                .topics()
                .iter()
                .map(|topic| Topic {
                    name: topic.name().to_owned(),
                    partitions: topic.partitions().len(),
                })
                .collect(),
            Err(error) => {
                tracing::warn!(%error, "the cluster's topics cannot be listed, trying again");
                Vec::new()
            }
        };
        // Given back before the answer: the last handle on a consumer must not be dropped here, since that closes
        // it and runs callbacks.
        drop(consumer);
        let _ = answer.send(topics);
    });
}

/// A log line of librdkafka's.
pub(crate) fn log_client(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => {
            tracing::error!(target: "librdkafka", facility, message);
        }
        RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, message),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", facility, message)
        }
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, message),
    }
}

#[cfg(test)]
mod tests {
    use super::client_id;

    #[test]
    fn a_client_id_leaves_statistics_readable() {
        assert_eq!(client_id("s3-sink", 0), "connector-consumer-s3-sink-0");
        let odd = client_id("a \"b\\\n ü", 1);
        let statistics = format!("{{\"client_id\": \"{odd}\"}}");
        let read: serde_json::Value = serde_json::from_str(&statistics).unwrap_or_default();
        assert_eq!(read["client_id"], "connector-consumer-a _b__ ü-1");
    }
}
