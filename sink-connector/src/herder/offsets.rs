//! Committed offsets of a connector's consumer group: read, altered, removed.
//!
//! In: the group and the client settings of the connector's tasks. Out: offsets, or an error in Connect's words. The
//! calls into Kafka block and are bounded by `sluiceway.kafka.timeout.ms`; they run off the runtime's own threads.
//! An offset that is altered loses the commit's metadata with it: a plan of files to close is void once the offset it
//! starts from has moved.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use sluiceway_kafka_tokens::{LoginContext, log_in, never_by_admin_clients};

use super::HerderError;

/// Pause between two tries while a group still has members.
const PAUSE: Duration = Duration::from_millis(250);

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupOffset {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The next record to be read.
    pub offset: i64,
}

/// A change to a committed offset; `None` removes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetChange {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The new offset.
    pub offset: Option<i64>,
}

/// The consumer group of a connector's tasks and how to reach it.
pub(crate) struct Group {
    /// The connector, for messages.
    pub(crate) connector: String,
    /// The group.
    pub(crate) id: String,
    /// librdkafka's settings of the tasks' consumers.
    pub(crate) client: ClientConfig,
    /// How long one call into Kafka may take.
    pub(crate) timeout: Duration,
}

type Committed = BTreeMap<(String, i32), (i64, String)>;

impl Group {
    /// All committed offsets, by topic and partition.
    pub(crate) async fn list(self) -> Result<Vec<GroupOffset>, HerderError> {
        self.off_runtime(|group| {
            let committed = group.committed(&group.consumer()?)?;
            let offset = |((topic, partition), (offset, _))| GroupOffset {
                topic,
                partition,
                offset,
            };
            Ok(committed.into_iter().map(offset).collect())
        })
        .await
    }

    /// Makes `changes`; partitions that are not among them keep their offsets.
    pub(crate) async fn alter(self, changes: Vec<OffsetChange>) -> Result<(), HerderError> {
        self.off_runtime(move |group| group.alter_now(&changes))
            .await
    }

    /// Removes all committed offsets, and with them the group.
    pub(crate) async fn reset(self) -> Result<(), HerderError> {
        self.off_runtime(|group| group.delete("reset")).await
    }

    async fn off_runtime<T: Send + 'static>(
        self,
        call: impl FnOnce(&Self) -> Result<T, HerderError> + Send + 'static,
    ) -> Result<T, HerderError> {
        let done = tokio::task::spawn_blocking(move || call(&self)).await;
        done.unwrap_or_else(|error| {
            Err(HerderError::Internal(format!(
                "the request was given up: {error}"
            )))
        })
    }

    fn consumer(&self) -> Result<BaseConsumer<LoginContext>, HerderError> {
        let mut config = self.client.clone();
        config
            .set("group.id", &self.id)
            .set("enable.auto.commit", "false")
            .remove("group.instance.id");
        let consumer = config
            .create_with_context(LoginContext)
            .map_err(|error| self.failed("reach", &error))?;
        log_in(&config, &consumer);
        Ok(consumer)
    }

    fn committed(&self, consumer: &BaseConsumer<LoginContext>) -> Result<Committed, HerderError> {
        let failed = |error| self.failed("read", &error);
        let metadata = consumer
            .fetch_metadata(None, self.timeout)
            .map_err(failed)?;
        let mut wanted = TopicPartitionList::new();
        for topic in metadata.topics() {
            for partition in topic.partitions() {
                wanted.add_partition(topic.name(), partition.id());
            }
        }
        if wanted.count() == 0 {
            return Ok(Committed::new());
        }
        let found = consumer
            .committed_offsets(wanted, self.timeout)
            .map_err(failed)?;
        Ok(found
            .elements()
            .iter()
            .filter_map(committed_offset)
            .collect())
    }

    fn alter_now(&self, changes: &[OffsetChange]) -> Result<(), HerderError> {
        let consumer = self.consumer()?;
        self.check_partitions(&consumer, changes)?;
        let removed: Vec<(&str, i32)> = changes
            .iter()
            .filter(|change| change.offset.is_none())
            .map(|change| (change.topic.as_str(), change.partition))
            .collect();
        let mut commits = Committed::new();
        if !removed.is_empty() {
            // Kafka has a call to remove single offsets, the client library has not: remove all, write back the rest.
            commits = self.committed(&consumer)?;
            tracing::warn!(connector = self.connector, group = self.id, offsets = ?commits, "removing committed offsets: all are removed and the others written back");
            self.delete("alter")?;
            commits
                .retain(|(topic, partition), _| !removed.contains(&(topic.as_str(), *partition)));
        }
        for change in changes {
            if let Some(offset) = change.offset {
                commits.insert(
                    (change.topic.clone(), change.partition),
                    (offset, String::new()),
                );
            }
        }
        self.commit(&consumer, &commits)
    }

    fn check_partitions(
        &self,
        consumer: &BaseConsumer<LoginContext>,
        changes: &[OffsetChange],
    ) -> Result<(), HerderError> {
        let metadata = consumer
            .fetch_metadata(None, self.timeout)
            .map_err(|error| self.failed("read", &error))?;
        let exists = |change: &OffsetChange| {
            let topic = metadata
                .topics()
                .iter()
                .find(|topic| topic.name() == change.topic);
            topic.is_some_and(|topic| {
                topic
                    .partitions()
                    .iter()
                    .any(|known| known.id() == change.partition)
            })
        };
        match changes
            .iter()
            .find(|change| change.offset.is_some() && !exists(change))
        {
            None => Ok(()),
            Some(OffsetChange {
                topic, partition, ..
            }) => Err(HerderError::BadRequest(format!(
                "There is no partition {partition} of topic {topic}"
            ))),
        }
    }

    fn commit(
        &self,
        consumer: &BaseConsumer<LoginContext>,
        commits: &Committed,
    ) -> Result<(), HerderError> {
        if commits.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        for ((topic, partition), (offset, metadata)) in commits {
            let added = list.add_partition_offset(topic, *partition, Offset::Offset(*offset));
            added.map_err(|error| self.failed("alter", &error))?;
            if let Some(mut element) = list.find_partition(topic, *partition) {
                element.set_metadata(metadata);
            }
        }
        self.once_empty("alter", || consumer.commit(&list, CommitMode::Sync))
    }

    fn delete(&self, verb: &str) -> Result<(), HerderError> {
        if never_by_admin_clients(&self.client) {
            return Err(HerderError::BadRequest(format!(
                "Offsets of connector {} cannot be removed over AWS_MSK_IAM and OAUTHBEARER; set them with PATCH, or remove the group {} with \
                 kafka-consumer-groups.sh --delete",
                self.connector, self.id
            )));
        }
        let admin: AdminClient<DefaultClientContext> = admin_settings(&self.client)
            .create()
            .map_err(|error| self.failed(verb, &error))?;
        let options = AdminOptions::new().request_timeout(Some(self.timeout));
        self.once_empty(verb, || {
            let call = admin.delete_groups(&[&self.id], &options);
            let results = tokio::runtime::Handle::current().block_on(call)?;
            let refused = results.into_iter().filter_map(Result::err);
            match refused
                .map(|(_, code)| code)
                .find(|code| *code != RDKafkaErrorCode::GroupIdNotFound)
            {
                None => Ok(()),
                Some(code) => Err(KafkaError::AdminOp(code)),
            }
        })
    }

    /// Makes a call that Kafka refuses as long as the group has members. Tasks that have just ended may still be
    /// leaving it, so it is tried again for a while.
    fn once_empty(
        &self,
        verb: &str,
        call: impl Fn() -> Result<(), KafkaError>,
    ) -> Result<(), HerderError> {
        let deadline = Instant::now() + self.timeout;
        loop {
            match call() {
                Ok(()) => return Ok(()),
                Err(error) if !has_members(&error) => return Err(self.failed(verb, &error)),
                Err(_) if Instant::now() < deadline => std::thread::sleep(PAUSE),
                Err(_) => return Err(self.busy(verb)),
            }
        }
    }

    fn busy(&self, verb: &str) -> HerderError {
        HerderError::Internal(format!(
            "Failed to {verb} consumer group offsets for connector {} either because its tasks haven't stopped completely \
             yet or the connector was resumed before the request to {verb} its offsets could be successfully completed. \
             If the connector is in a stopped state, this operation can be safely retried.",
            self.connector
        ))
    }

    fn failed(&self, verb: &str, error: &KafkaError) -> HerderError {
        HerderError::Internal(format!(
            "Failed to {verb} consumer group offsets for connector {} (group {}): {error}",
            self.connector, self.id
        ))
    }
}

/// Whether Kafka refused because of members of the group.
fn has_members(error: &KafkaError) -> bool {
    const CODES: [RDKafkaErrorCode; 4] = [
        RDKafkaErrorCode::UnknownMemberId,
        RDKafkaErrorCode::IllegalGeneration,
        RDKafkaErrorCode::RebalanceInProgress,
        RDKafkaErrorCode::NonEmptyGroup,
    ];
    let code = match error {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    };
    code.is_some_and(|code| CODES.contains(&code))
}

/// Settings that an admin client takes too: the connection, not the consumption.
fn admin_settings(client: &ClientConfig) -> ClientConfig {
    const PREFIXES: [&str; 6] = [
        "bootstrap.",
        "security.",
        "sasl.",
        "ssl.",
        "socket.",
        "broker.",
    ];
    let mut config = ClientConfig::new();
    for (key, value) in client.config_map() {
        let (key, value): (&str, &str) = (key, value);
        if PREFIXES.iter().any(|prefix| key.starts_with(prefix)) {
            config.set(key, value);
        }
    }
    config
}

fn committed_offset(
    element: &TopicPartitionListElem<'_>,
) -> Option<((String, i32), (i64, String))> {
    let Offset::Offset(offset) = element.offset() else {
        return None;
    };
    let key = (element.topic().to_owned(), element.partition());
    Some((key, (offset, element.metadata().to_owned())))
}
