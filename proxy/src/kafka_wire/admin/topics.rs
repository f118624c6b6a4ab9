//! Topics, their partitions, and partitions that are moving.

use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
    ListPartitionReassignmentsRequest, MetadataRequest,
};

use super::{NEWEST, WireAdmin, broker_ids, incomplete, text, topic_name};
use crate::admin_client::PartitionInfo;
use crate::cluster_admin::{CreatedTopic, NewTopic, Reassignment, Topic};
use crate::kafka_error::KafkaFault;
use crate::kafka_wire::fault::{check, check_moved};
use crate::kafka_wire::pool::To;

/// The bits of authorized operations that topics have, in the order in which the original shows them.
const OPERATIONS: [(u32, &str); 8] = [
    (3, "READ"),
    (8, "DESCRIBE"),
    (5, "CREATE"),
    (6, "DELETE"),
    (4, "WRITE"),
    (7, "ALTER"),
    (11, "ALTER_CONFIGS"),
    (10, "DESCRIBE_CONFIGS"),
];
/// Newest `DeleteTopics` with a list of names, which all brokers have; later ones take ids, too.
const DELETE_TOPICS: i16 = 5;
/// How the protocol says that authorized operations were not asked for.
const NOT_ASKED: i32 = i32::MIN;

impl WireAdmin {
    pub(super) async fn describe_topics(
        &self,
        names: Option<Vec<String>>,
        authorized_operations: bool,
    ) -> Result<Vec<Topic>, KafkaFault> {
        if let Some(fault) = self.health.hopeless() {
            return Err(fault);
        }
        let named = names.is_some();
        let wanted =
            |name: String| MetadataRequestTopic::default().with_name(Some(topic_name(&name)));
        let request = MetadataRequest::default()
            .with_topics(names.map(|names| names.into_iter().map(wanted).collect()))
            .with_allow_auto_topic_creation(false)
            .with_include_topic_authorized_operations(authorized_operations);
        let answer = self.pool.metadata(&request).await?;
        let mut topics = Vec::with_capacity(answer.topics.len());
        for topic in &answer.topics {
            match check(topic.error_code, None) {
                Ok(()) => topics.push(read_topic(topic)),
                // A topic that is just being removed is not worth failing a list of all.
                Err(fault) if named => return Err(fault),
                Err(_) => {}
            }
        }
        topics.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    /// Asks for the metadata of a topic in a way that allows brokers to create it.
    ///
    /// # Errors
    /// It is not there, not yet perhaps; or brokers refuse, or do not answer.
    pub(crate) async fn ask_for_topic(&self, name: &str) -> Result<(), KafkaFault> {
        if let Some(fault) = self.health.hopeless() {
            return Err(fault);
        }
        let topic = MetadataRequestTopic::default().with_name(Some(topic_name(name)));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![topic]))
            .with_allow_auto_topic_creation(true);
        let answer = self.pool.metadata(&request).await?;
        let topic = answer.topics.first().ok_or_else(incomplete)?;
        check(topic.error_code, None)
    }

    pub(super) async fn make_topic(&self, topic: NewTopic) -> Result<CreatedTopic, KafkaFault> {
        let request = CreateTopicsRequest::default()
            .with_topics(vec![creatable(&topic)])
            .with_timeout_ms(self.timeout_ms())
            .with_validate_only(topic.validate_only);
        let answer = self
            .call(To::Controller, &request, NEWEST, "createTopics", |answer| {
                answer.topics.iter().try_for_each(|topic| {
                    check_moved(topic.error_code, topic.error_message.as_ref())
                })
            })
            .await?;
        let made = answer.topics.first().ok_or_else(incomplete)?;
        Ok(CreatedTopic {
            partitions: made.num_partitions,
            replication_factor: made.replication_factor,
        })
    }

    pub(super) async fn remove_topic(&self, name: &str) -> Result<(), KafkaFault> {
        let request = DeleteTopicsRequest::default()
            .with_topic_names(vec![topic_name(name)])
            .with_timeout_ms(self.timeout_ms());
        let answer = self
            .call(
                To::Controller,
                &request,
                DELETE_TOPICS,
                "deleteTopics",
                |answer| {
                    answer.responses.iter().try_for_each(|topic| {
                        check_moved(topic.error_code, topic.error_message.as_ref())
                    })
                },
            )
            .await?;
        answer.responses.first().map(drop).ok_or_else(incomplete)
    }

    pub(super) async fn add_partitions(&self, name: &str, count: i32) -> Result<(), KafkaFault> {
        let topic = CreatePartitionsTopic::default()
            .with_name(topic_name(name))
            .with_count(count)
            .with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(self.timeout_ms());
        let answer = self
            .call(
                To::Controller,
                &request,
                NEWEST,
                "createPartitions",
                |answer| {
                    answer.results.iter().try_for_each(|topic| {
                        check_moved(topic.error_code, topic.error_message.as_ref())
                    })
                },
            )
            .await?;
        answer.results.first().map(drop).ok_or_else(incomplete)
    }

    pub(super) async fn list_reassignments(&self) -> Result<Vec<Reassignment>, KafkaFault> {
        let request = ListPartitionReassignmentsRequest::default()
            .with_timeout_ms(self.timeout_ms())
            .with_topics(None);
        let answer = self
            .call(
                To::Controller,
                &request,
                NEWEST,
                "listPartitionReassignments",
                |answer| check_moved(answer.error_code, answer.error_message.as_ref()),
            )
            .await?;
        let moving = answer.topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|partition| Reassignment {
                topic: topic.name.to_string(),
                partition: partition.partition_index,
                adding: broker_ids(&partition.adding_replicas),
                removing: broker_ids(&partition.removing_replicas),
            })
        });
        let mut moving: Vec<Reassignment> = moving.collect();
        moving.sort_unstable();
        Ok(moving)
    }

    fn timeout_ms(&self) -> i32 {
        i32::try_from(self.pool.timeout().as_millis()).unwrap_or(i32::MAX)
    }
}

fn creatable(topic: &NewTopic) -> CreatableTopic {
    let assignment = |(partition, brokers): &(i32, Vec<i32>)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(*partition)
            .with_broker_ids(brokers.iter().map(|id| BrokerId(*id)).collect())
    };
    let config = |(name, value): &(String, Option<String>)| {
        CreatableTopicConfig::default()
            .with_name(text(name))
            .with_value(value.as_deref().map(text))
    };
    let assigned = !topic.assignments.is_empty();
    CreatableTopic::default()
        .with_name(topic_name(&topic.name))
        .with_num_partitions(topic.partitions.filter(|_| !assigned).unwrap_or(-1))
        .with_replication_factor(topic.replication_factor.filter(|_| !assigned).unwrap_or(-1))
        .with_assignments(topic.assignments.iter().map(assignment).collect())
        .with_configs(topic.configs.iter().map(config).collect())
}

fn read_topic(topic: &MetadataResponseTopic) -> Topic {
    let mut partitions: Vec<PartitionInfo> = topic
        .partitions
        .iter()
        .map(|partition| PartitionInfo {
            id: partition.partition_index,
            leader: partition.leader_id.0,
            replicas: broker_ids(&partition.replica_nodes),
            in_sync: broker_ids(&partition.isr_nodes),
        })
        .collect();
    partitions.sort_unstable_by_key(|partition| partition.id);
    Topic {
        name: topic
            .name
            .as_ref()
            .map(|name| name.to_string())
            .unwrap_or_default(),
        internal: topic.is_internal,
        partitions,
        authorized_operations: operations(topic.topic_authorized_operations),
    }
}

fn operations(bits: i32) -> Vec<&'static str> {
    if bits == NOT_ASKED {
        return Vec::new();
    }
    let set = OPERATIONS.iter().filter(|(bit, _)| bits & (1 << bit) != 0);
    set.map(|(_, name)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_operations() {
        assert_eq!(operations(NOT_ASKED), Vec::<&str>::new());
        assert_eq!(operations(1 << 3 | 1 << 8), ["READ", "DESCRIBE"]);
        assert_eq!(operations(0xdf8).len(), 8);
    }

    #[test]
    fn assignments_replace_counts() {
        let mut topic = NewTopic {
            name: "t".into(),
            partitions: Some(3),
            ..NewTopic::default()
        };
        let sent = creatable(&topic);
        assert_eq!((sent.num_partitions, sent.replication_factor), (3, -1));
        topic.assignments = vec![(0, vec![1, 2])];
        let sent = creatable(&topic);
        assert_eq!((sent.num_partitions, sent.assignments.len()), (-1, 1));
    }
}
