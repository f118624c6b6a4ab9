//! What there is to be done: an endpoint of the API each.

use super::{Kinesis, V3};

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `GET /`
    Root,
    /// `POST /`
    RootPost,
    /// `GET /brokers`
    Brokers,
    /// `GET /topics`
    Topics,
    /// `GET /topics/{topic}`
    Topic,
    /// `POST /topics/{topic}`
    ProduceToTopic,
    /// `GET /topics/{topic}/partitions`
    Partitions,
    /// `GET /topics/{topic}/partitions/{partition}`
    Partition,
    /// `POST /topics/{topic}/partitions/{partition}`
    ProduceToPartition,
    /// `GET /topics/{topic}/partitions/{partition}/offsets`
    PartitionOffsets,
    /// `GET /topics/{topic}/partitions/{partition}/records`
    PartitionRecords,
    /// `POST /consumers/{group}`
    CreateConsumer,
    /// `DELETE /consumers/{group}/instances/{instance}`
    DeleteConsumer,
    /// `POST /consumers/{group}/instances/{instance}/subscription`
    Subscribe,
    /// `GET /consumers/{group}/instances/{instance}/subscription`
    Subscription,
    /// `DELETE /consumers/{group}/instances/{instance}/subscription`
    Unsubscribe,
    /// `POST /consumers/{group}/instances/{instance}/assignments`
    Assign,
    /// `GET /consumers/{group}/instances/{instance}/assignments`
    Assignments,
    /// `POST /consumers/{group}/instances/{instance}/positions`
    Seek,
    /// `POST /consumers/{group}/instances/{instance}/positions/beginning`
    SeekToBeginning,
    /// `POST /consumers/{group}/instances/{instance}/positions/end`
    SeekToEnd,
    /// `POST /consumers/{group}/instances/{instance}/offsets`
    Commit,
    /// `GET /consumers/{group}/instances/{instance}/offsets`
    Committed,
    /// `GET /consumers/{group}/instances/{instance}/records`
    Records,
    /// The Kinesis front
    Kinesis(Kinesis),
    /// `GET /sluiceway/topics`
    OwnTopics,
    /// `GET /sluiceway/consumers`
    OwnConsumers,
    /// `GET /openapi.json`
    OpenApi,
    /// `GET /docs`
    Docs,
    /// The v3 API but for records.
    V3(V3),
    /// `POST /v3/clusters/{cluster}/topics/{topic}/records`
    V3Records,
    /// `POST /v3/clusters/{cluster}/topics/{topic}/records:batch`
    V3RecordsBatch,
}
