//! Bodies of consumer groups, their members, and how far behind they are.

use serde::Serialize;

use super::Related;

/// Fields of `KafkaConsumerGroup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsumerGroup {
    /// The cluster's id.
    pub cluster_id: String,
    /// Its id.
    pub consumer_group_id: String,
    /// Whether it only commits offsets.
    pub is_simple: bool,
    /// How partitions are spread over members.
    pub partition_assignor: String,
    /// `STABLE`, `EMPTY` and so on.
    pub state: String,
    /// The broker that coordinates it.
    pub coordinator: Related,
    /// Its members.
    pub consumers: Related,
    /// How far behind it is.
    pub lag_summary: Related,
}

/// Fields of `KafkaConsumer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consumer {
    /// The cluster's id.
    pub cluster_id: String,
    /// The group's id.
    pub consumer_group_id: String,
    /// Its id.
    pub consumer_id: String,
    /// Its static id.
    pub instance_id: Option<String>,
    /// Its client's id.
    pub client_id: String,
    /// What it reads.
    pub assignments: Related,
}

/// Fields of `KafkaConsumerLag`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsumerLag {
    /// The cluster's id.
    pub cluster_id: String,
    /// The group's id.
    pub consumer_group_id: String,
    /// The topic's name.
    pub topic_name: String,
    /// The partition's number.
    pub partition_id: i32,
    /// Who reads it.
    pub consumer_id: String,
    /// The reader's static id.
    pub instance_id: Option<String>,
    /// The reader's client's id.
    pub client_id: String,
    /// The committed offset.
    pub current_offset: i64,
    /// The partition's end.
    pub log_end_offset: i64,
    /// The distance between the two.
    pub lag: i64,
}

/// Fields of `KafkaConsumerAssignment`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsumerAssignment {
    /// The cluster's id.
    pub cluster_id: String,
    /// The group's id.
    pub consumer_group_id: String,
    /// The reader.
    pub consumer_id: String,
    /// The topic's name.
    pub topic_name: String,
    /// The partition's number.
    pub partition_id: i32,
    /// The partition.
    pub partition: Related,
    /// How far behind the group is there.
    pub lag: Related,
}

/// Fields of `KafkaConsumerGroupLagSummary`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LagSummary {
    /// The cluster's id.
    pub cluster_id: String,
    /// The group's id.
    pub consumer_group_id: String,
    /// The largest distance.
    pub max_lag: i64,
    /// The sum of all.
    pub total_lag: i64,
    /// Who reads the partition with the largest; empty for nobody.
    pub max_lag_consumer_id: String,
    /// The same, or all members when nobody does.
    pub max_lag_consumer: Related,
    /// The reader's client's id.
    pub max_lag_client_id: String,
    /// The reader's static id.
    pub max_lag_instance_id: Option<String>,
    /// The topic of that partition.
    pub max_lag_topic_name: String,
    /// Its number.
    pub max_lag_partition_id: i32,
    /// That partition.
    pub max_lag_partition: Related,
}
