//! Bodies of v3: every resource is `kind`, `metadata`, its own fields, and links to what belongs to it.

pub mod acl;
pub mod config;
pub mod group;

use serde::Serialize;

/// A link to something related.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    /// Its URL.
    pub related: String,
}

impl Related {
    /// A link to this URL.
    pub fn to(url: impl Into<String>) -> Self {
        Self {
            related: url.into(),
        }
    }
}

/// Who a resource is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceMetadata {
    /// Its URL.
    #[serde(rename = "self")]
    pub url: String,
    /// Its name, `crn:///kafka=…`; access rules have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource<T> {
    /// `KafkaTopic` and the like.
    pub kind: &'static str,
    /// Who it is.
    pub metadata: ResourceMetadata,
    /// Its own fields.
    #[serde(flatten)]
    pub fields: T,
}

/// Where a list is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListMetadata {
    /// Its URL.
    #[serde(rename = "self")]
    pub url: String,
    /// The URL of what follows; lists are never cut.
    pub next: Option<String>,
}

/// A list of resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct List<T> {
    /// `KafkaTopicList` and the like.
    pub kind: &'static str,
    /// Where it is.
    pub metadata: ListMetadata,
    /// The resources.
    pub data: Vec<Resource<T>>,
}

/// Fields of `KafkaCluster`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cluster {
    /// Its id.
    pub cluster_id: String,
    /// The broker that is controller.
    pub controller: Option<Related>,
    /// Its access rules.
    pub acls: Related,
    /// Its brokers.
    pub brokers: Related,
    /// Settings of all brokers.
    pub broker_configs: Related,
    /// Its consumer groups.
    pub consumer_groups: Related,
    /// Its topics.
    pub topics: Related,
    /// Partitions that are moving.
    pub partition_reassignments: Related,
}

/// Fields of `KafkaBroker`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broker {
    /// The cluster's id.
    pub cluster_id: String,
    /// Its id.
    pub broker_id: i32,
    /// Where it listens.
    pub host: Option<String>,
    /// Where it listens.
    pub port: Option<i32>,
    /// Where it stands.
    pub rack: Option<String>,
    /// Its settings.
    pub configs: Related,
    /// What it holds.
    pub partition_replicas: Related,
}

/// Fields of `KafkaTopic`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topic {
    /// The cluster's id.
    pub cluster_id: String,
    /// Its name.
    pub topic_name: String,
    /// Whether brokers keep it for themselves.
    pub is_internal: bool,
    /// Copies of each partition.
    pub replication_factor: i32,
    /// Number of partitions.
    pub partitions_count: i32,
    /// Its partitions.
    pub partitions: Related,
    /// Its settings.
    pub configs: Related,
    /// Partitions of it that are moving.
    pub partition_reassignments: Related,
    /// What the principal may do with it.
    pub authorized_operations: Vec<&'static str>,
}

/// Fields of `KafkaPartition`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// The cluster's id.
    pub cluster_id: String,
    /// The topic's name.
    pub topic_name: String,
    /// Its number.
    pub partition_id: i32,
    /// The replica that leads.
    pub leader: Option<Related>,
    /// Its replicas.
    pub replicas: Related,
    /// Where it is moving to.
    pub reassignment: Related,
}

/// Fields of `KafkaReplica`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replica {
    /// The cluster's id.
    pub cluster_id: String,
    /// The topic's name.
    pub topic_name: String,
    /// The partition's number.
    pub partition_id: i32,
    /// The broker that holds it.
    pub broker_id: i32,
    /// Whether it leads.
    pub is_leader: bool,
    /// Whether it is in sync.
    pub is_in_sync: bool,
    /// The broker that holds it.
    pub broker: Related,
}

/// Fields of `KafkaPartitionWithOffsets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartitionWithOffsets {
    /// The cluster's id.
    pub cluster_id: String,
    /// The topic's name.
    pub topic_name: String,
    /// Its number.
    pub partition_id: i32,
    /// The first offset there is.
    pub earliest_offset: i64,
    /// The next offset to be written.
    pub latest_offset: i64,
}

/// Fields of `KafkaReassignment`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reassignment {
    /// The cluster's id.
    pub cluster_id: String,
    /// The topic's name.
    pub topic_name: String,
    /// The partition's number.
    pub partition_id: i32,
    /// Brokers that are to hold it.
    pub adding_replicas: Vec<i32>,
    /// Brokers that are to give it up.
    pub removing_replicas: Vec<i32>,
    /// Its replicas.
    pub replicas: Related,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_list_of_partitions_is_written_as_recorded() {
        let base = "http://h/v3/clusters/C/topics/t/partitions";
        let partition = Partition {
            cluster_id: "C".into(),
            topic_name: "t".into(),
            partition_id: 0,
            leader: Some(Related::to(format!("{base}/0/replicas/1"))),
            replicas: Related::to(format!("{base}/0/replicas")),
            reassignment: Related::to(format!("{base}/0/reassignment")),
        };
        let metadata = ResourceMetadata {
            url: format!("{base}/0"),
            resource_name: Some("crn:///kafka=C/topic=t/partition=0".into()),
        };
        let list = List {
            kind: "KafkaPartitionList",
            metadata: ListMetadata {
                url: base.into(),
                next: None,
            },
            data: vec![Resource {
                kind: "KafkaPartition",
                metadata,
                fields: partition,
            }],
        };
        let expected = r#"{"kind":"KafkaPartitionList","metadata":{"self":"B","next":null},"data":[{"kind":"KafkaPartition","metadata":{"self":"B/0","resource_name":"crn:///kafka=C/topic=t/partition=0"},"cluster_id":"C","topic_name":"t","partition_id":0,"leader":{"related":"B/0/replicas/1"},"replicas":{"related":"B/0/replicas"},"reassignment":{"related":"B/0/reassignment"}}]}"#;
        assert_eq!(
            serde_json::to_string(&list).unwrap().replace(base, "B"),
            expected
        );
    }
}
