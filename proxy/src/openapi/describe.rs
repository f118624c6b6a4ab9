//! What each endpoint does, for people and programs: the part of the document that the routing table does not know.

use crate::router::{Endpoint, Kinesis, V3};

/// An endpoint in words; names of bodies and parameters are those of `components.json`.
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) summary: &'static str,
    pub(super) tag: &'static str,
    pub(super) parameters: &'static [&'static str],
    pub(super) body: Option<&'static str>,
    /// Statuses of success, and the bodies they come with.
    pub(super) answers: &'static [(u16, Option<&'static str>)],
    /// The schema of errors.
    pub(super) error: &'static str,
    /// The media type of an answer that is no JSON of ours.
    pub(super) media: Option<&'static str>,
}

impl Operation {
    /// Whether its body may be anything where `sluiceway.raw.topics` allows it.
    pub(super) fn takes_raw(&self) -> bool {
        self.body == Some("ProduceRequest")
    }

    const fn new(
        tag: &'static str,
        summary: &'static str,
        answers: &'static [(u16, Option<&'static str>)],
    ) -> Self {
        Self {
            id: String::new(),
            summary,
            tag,
            parameters: &[],
            body: None,
            answers,
            error: "Error",
            media: None,
        }
    }

    fn body(self, schema: &'static str) -> Self {
        Self {
            body: Some(schema),
            ..self
        }
    }

    fn parameters(self, parameters: &'static [&'static str]) -> Self {
        Self { parameters, ..self }
    }
}

/// What a status of success means.
pub(super) fn meaning(status: u16) -> &'static str {
    match status {
        201 => "It was made.",
        204 => "Done; there is nothing to say.",
        207 => "Some, or each with a result of its own.",
        _ => "It was done.",
    }
}

/// What an endpoint does.
pub(super) fn operation(endpoint: Endpoint) -> Operation {
    let (id, operation) = match endpoint {
        Endpoint::V3(v3) => (format!("v3{v3:?}"), of_v3(v3)),
        Endpoint::Kinesis(kinesis) => (format!("kinesis{kinesis:?}"), of_kinesis(kinesis)),
        other => (format!("{other:?}"), of_v2(other)),
    };
    Operation { id, ..operation }
}

macro_rules! ok {
    ($schema:literal) => {
        &[(200, Some($schema))]
    };
}
const DONE: &[(u16, Option<&str>)] = &[(204, None)];
const PRODUCED: &[(u16, Option<&str>)] = &[
    (200, Some("ProduceResponse")),
    (207, Some("ProduceResponse")),
];
const READ: &[&str] = &[
    "offset",
    "timestamp",
    "count",
    "max_bytes",
    "timeout",
    "include",
    "format",
    "Last-Event-ID",
];
const ACL: &[&str] = &[
    "resource_type",
    "resource_name",
    "pattern_type",
    "principal",
    "host",
    "operation",
    "permission",
];

#[rustfmt::skip]
fn of_v2(endpoint: Endpoint) -> Operation {
    use Endpoint as E;
    let topics = |summary, answers| Operation::new("v2 topics", summary, answers);
    let consumers = |summary, answers| Operation::new("v2 consumers", summary, answers);
    match endpoint {
        E::Root => topics("Nothing, but alive", ok!("Empty")),
        E::RootPost => topics("The same", ok!("Empty")).body("Texts"),
        E::Brokers => topics("Ids of the brokers", ok!("Brokers")),
        E::Topics => topics("Names of the topics", ok!("Names")),
        E::Topic => topics("A topic, its settings and partitions", ok!("Topic")),
        E::ProduceToTopic => topics("Produce records", PRODUCED).body("ProduceRequest").parameters(&["Prefer", "Idempotency-Key"]),
        E::Partitions => topics("Partitions of a topic", ok!("Partitions")),
        E::Partition => topics("A partition", ok!("Partition")),
        E::ProduceToPartition => topics("Produce records to a partition", PRODUCED).body("ProduceRequest").parameters(&["Prefer", "Idempotency-Key"]),
        E::PartitionOffsets => topics("First and next offset of a partition", ok!("Offsets")),
        E::PartitionRecords => topics("Records of a partition, without a group", ok!("Records")).parameters(READ),
        E::CreateConsumer => consumers("Make a consumer instance", ok!("Instance")).body("CreateInstance"),
        E::DeleteConsumer => consumers("End a consumer instance", DONE),
        E::Subscribe => consumers("Subscribe to topics or a pattern of topics", DONE).body("SubscriptionRequest"),
        E::Subscription => consumers("Topics subscribed to", ok!("Subscription")),
        E::Unsubscribe => consumers("Give the subscription up", DONE),
        E::Assign => consumers("Read these partitions", DONE).body("PartitionList"),
        E::Assignments => consumers("Partitions that are read", ok!("Assignment")),
        E::Seek => consumers("Go on at offsets or times", DONE).body("Positions"),
        E::SeekToBeginning => consumers("Go on at the beginning", DONE).body("PartitionList"),
        E::SeekToEnd => consumers("Go on at the end", DONE).body("PartitionList"),
        E::Commit => consumers("Commit offsets: these, or all that were answered", ok!("Committed")).body("CommitRequest"),
        E::Committed => consumers("Committed offsets (of the partitions in the body, which curl sends with -X GET -d)", ok!("CommittedOffsets")).body("PartitionList"),
        E::Records => consumers("Read records, or follow them as events", ok!("Records")).parameters(&["timeout", "max_bytes", "Last-Event-ID"]),
        E::V3Records => Operation::new("v3 records", "Produce records, streamed both ways", ok!("RecordResult")).body("RecordRequest").parameters(&["Idempotency-Key"]),
        E::V3RecordsBatch => Operation::new("v3 records", "Produce a batch of records", &[(207, Some("BatchResponse"))]).body("BatchRequest").parameters(&["Idempotency-Key"]),
        E::OwnTopics => Operation::new("beyond", "Topics with their sizes, a page at a time", ok!("TopicPage")).parameters(&["contains", "internal", "sort", "skip", "limit"]),
        E::OwnConsumers => Operation::new("beyond", "Consumer instances of this replica", ok!("Instances")),
        E::OpenApi => Operation::new("this page", "This API as OpenAPI", ok!("OpenApi")),
        E::Docs => Operation { media: Some("text/html"), ..Operation::new("this page", "A page to read and try it", &[]) },
        E::V3(v3) => of_v3(v3),
        E::Kinesis(kinesis) => of_kinesis(kinesis),
    }
}

#[rustfmt::skip]
fn of_kinesis(endpoint: Kinesis) -> Operation {
    let streams = |summary, answers| Operation {
        error: "KinesisError",
        ..Operation::new("Kinesis streams", summary, answers)
    };
    match endpoint {
        Kinesis::Call => streams("A call of an AWS SDK", &[(200, None)]),
        Kinesis::List => streams("Streams", ok!("KinesisStreams")),
        Kinesis::Describe => streams("A stream and its shards", ok!("KinesisStream")),
        Kinesis::Create => streams("Make a stream", &[(200, None)]).body("KinesisCreate"),
        Kinesis::Delete => streams("Remove a stream", &[(200, None)]),
        Kinesis::Put => streams("Put a record", ok!("KinesisPut")).body("KinesisRecord"),
        Kinesis::PutMany => streams("Put several records", ok!("KinesisPuts")).body("KinesisRecords"),
        Kinesis::Get => streams("Read on", ok!("KinesisGot")).parameters(&["Shard-Iterator"]),
        Kinesis::Iterator => streams("An iterator at the beginning of a shard", ok!("KinesisIterator")).parameters(&["shard-id"]),
    }
}

#[rustfmt::skip]
fn of_v3(endpoint: V3) -> Operation {
    let brokers = |summary, answers| Operation::new("v3 brokers", summary, answers);
    let topics = |summary, answers| Operation::new("v3 topics", summary, answers);
    let groups = |summary, answers| Operation::new("v3 consumer groups", summary, answers);
    let acls = |summary, answers| Operation::new("v3 access rules", summary, answers);
    match endpoint {
        V3::Clusters => brokers("The cluster, as a list", ok!("KafkaClusterList")),
        V3::Cluster => brokers("The cluster", ok!("KafkaCluster")),
        V3::Brokers => brokers("Brokers", ok!("KafkaBrokerList")),
        V3::Broker => brokers("A broker", ok!("KafkaBroker")),
        V3::AllBrokersConfigs => brokers("Settings of all brokers, each", ok!("KafkaBrokerConfigList")),
        V3::BrokerConfigs => brokers("Settings of a broker", ok!("KafkaBrokerConfigList")),
        V3::BrokerConfig => brokers("A setting of a broker", ok!("KafkaBrokerConfig")),
        V3::SetBrokerConfig => brokers("Set it", DONE).body("SetConfig"),
        V3::ResetBrokerConfig => brokers("Set it back", DONE),
        V3::AlterBrokerConfigs => brokers("Change several settings of a broker", DONE).body("AlterConfigs"),
        V3::BrokerReplicas => brokers("What a broker holds", ok!("KafkaReplicaList")),
        V3::ClusterConfigs => brokers("Settings of all brokers together", ok!("KafkaClusterConfigList")),
        V3::ClusterConfig => brokers("A setting of all brokers", ok!("KafkaClusterConfig")),
        V3::SetClusterConfig => brokers("Set it", DONE).body("SetConfig"),
        V3::ResetClusterConfig => brokers("Set it back", DONE),
        V3::AlterClusterConfigs => brokers("Change several settings of all brokers", DONE).body("AlterConfigs"),
        V3::Topics => topics("Topics", ok!("KafkaTopicList")),
        V3::CreateTopic => topics("Make a topic", &[(201, Some("KafkaTopic")), (200, Some("KafkaTopic"))]).body("CreateTopic"),
        V3::Topic => topics("A topic", ok!("KafkaTopic")),
        V3::GrowTopic => topics("Give it more partitions", ok!("KafkaTopic")).body("GrowTopic"),
        V3::DeleteTopic => topics("Delete it", DONE),
        V3::AllTopicsConfigs => topics("Settings of all topics", ok!("KafkaTopicConfigList")),
        V3::AlterAllTopicsConfigs => topics("Change settings of several topics", &[(204, None), (207, Some("AlterFailures"))]).body("AlterTopicsConfigs"),
        V3::TopicConfigs => topics("Settings of a topic", ok!("KafkaTopicConfigList")),
        V3::TopicConfig => topics("A setting of a topic", ok!("KafkaTopicConfig")),
        V3::SetTopicConfig => topics("Set it", DONE).body("SetConfig"),
        V3::ResetTopicConfig => topics("Set it back", DONE),
        V3::AlterTopicConfigs => topics("Change several settings of a topic", DONE).body("AlterConfigs"),
        V3::Partitions => topics("Partitions of a topic", ok!("KafkaPartitionList")),
        V3::Partition => topics("A partition", ok!("KafkaPartition")),
        V3::PartitionOffsets => topics("First and next offset of a partition", ok!("KafkaPartitionWithOffsets")),
        V3::Replicas => topics("Replicas of a partition", ok!("KafkaReplicaList")),
        V3::Replica => topics("A replica", ok!("KafkaReplica")),
        V3::AllReassignments => topics("Partitions that are moving", ok!("KafkaReassignmentList")),
        V3::TopicReassignments => topics("Those of a topic", ok!("KafkaReassignmentList")),
        V3::Reassignment => topics("Where a partition is moving", ok!("KafkaReassignment")),
        V3::ConsumerGroups => groups("Consumer groups", ok!("KafkaConsumerGroupList")),
        V3::ConsumerGroup => groups("A consumer group", ok!("KafkaConsumerGroup")),
        V3::Consumers => groups("Its members", ok!("KafkaConsumerList")),
        V3::Consumer => groups("A member", ok!("KafkaConsumer")),
        V3::Assignments => groups("What a member reads", ok!("KafkaConsumerAssignmentList")),
        V3::Assignment => groups("A partition that a member reads", ok!("KafkaConsumerAssignment")),
        V3::LagSummary => groups("How far a group is behind", ok!("KafkaConsumerGroupLagSummary")),
        V3::Lags => groups("The same by partition", ok!("KafkaConsumerLagList")),
        V3::Lag => groups("The same of a partition", ok!("KafkaConsumerLag")),
        V3::Acls => acls("Access rules", ok!("KafkaAclList")).parameters(ACL),
        V3::CreateAcl => acls("Make a rule", &[(201, None)]).body("CreateAcl"),
        V3::DeleteAcls => acls("Delete the rules that a filter finds", ok!("DeletedAcls")).parameters(ACL),
        V3::CreateAcls => acls("Make rules", DONE).body("CreateAcls"),
    }
}
