//! The table of everything that is served. Rows of consumers are in [`consumers`], those of v3 in [`v3`],
//! those of the Kinesis front in [`kinesis`].

use http::Method;

use super::endpoint::Endpoint;
use super::{consumers, kinesis, v3};

/// A row of the table: path, method, endpoint, name, what it reads.
#[derive(Clone)]
pub(super) struct Row(
    pub(super) &'static str,
    pub(super) Method,
    pub(super) Endpoint,
    pub(super) &'static str,
    pub(super) Reads,
);

/// What a row of the table reads.
#[derive(Clone, Copy)]
pub(super) enum Reads {
    Anything,
    V2,
    /// The formats of produce requests; the name goes on with the format's.
    Records,
    /// Any type of v2; answers in any, too.
    Consumers,
    /// As consumers do; answers in the formats of records. The name goes on with the format's.
    Consumed,
    /// The same, whatever the request says of its body.
    ConsumedBodiless,
    /// Plain JSON, as all of v3.
    V3,
    /// Nothing; the answer is plain JSON.
    V3Bodiless,
}

/// Everything that is served. The names are those of `api.endpoints.blocklist`.
pub(super) fn table() -> Vec<Row> {
    use Endpoint as E;
    let (get, post) = (Method::GET, Method::POST);
    let mut rows = vec![
        Row("/", get.clone(), E::Root, "api.v2.root.get", Reads::V2),
        Row(
            "/",
            post.clone(),
            E::RootPost,
            "api.v2.root.post",
            Reads::V2,
        ),
        Row(
            "/brokers",
            get.clone(),
            E::Brokers,
            "api.v2.brokers.list",
            Reads::Anything,
        ),
        Row(
            "/topics",
            get.clone(),
            E::Topics,
            "api.v2.topics.list",
            Reads::V2,
        ),
        Row(
            "/topics/{topic}",
            get.clone(),
            E::Topic,
            "api.v2.topics.get",
            Reads::V2,
        ),
        Row(
            "/topics/{topic}",
            post.clone(),
            E::ProduceToTopic,
            "api.v2.produce-to-topic",
            Reads::Records,
        ),
        Row(
            "/topics/{topic}/partitions",
            get.clone(),
            E::Partitions,
            "api.v2.partitions.list",
            Reads::V2,
        ),
        Row(
            "/topics/{topic}/partitions/{partition}",
            get.clone(),
            E::Partition,
            "api.v2.partitions.get",
            Reads::V2,
        ),
        Row(
            "/topics/{topic}/partitions/{partition}",
            post,
            E::ProduceToPartition,
            "api.v2.produce-to-partition",
            Reads::Records,
        ),
        Row(
            "/topics/{topic}/partitions/{partition}/offsets",
            get.clone(),
            E::PartitionOffsets,
            "api.v2.partitions.get-offsets",
            Reads::V2,
        ),
        Row(
            "/topics/{topic}/partitions/{partition}/records",
            get,
            E::PartitionRecords,
            "api.v2.partitions.consume-",
            Reads::ConsumedBodiless,
        ),
        Row(
            "/v3/clusters/{cluster}/topics/{topic}/records",
            Method::POST,
            E::V3Records,
            "api.v3.produce.produce-to-topic",
            Reads::V3,
        ),
        Row(
            "/v3/clusters/{cluster}/topics/{topic}/records:batch",
            Method::POST,
            E::V3RecordsBatch,
            "api.v3.batch-produce.produce-to-topic",
            Reads::V3,
        ),
    ];
    rows.extend(consumers::rows());
    rows.extend(own());
    rows.extend(openapi());
    rows.extend(v3::table());
    rows.extend(kinesis::rows());
    rows
}

/// What the original does not tell.
fn own() -> [Row; 2] {
    [
        Row(
            "/sluiceway/topics",
            Method::GET,
            Endpoint::OwnTopics,
            "api.sluiceway.topics.list",
            Reads::V3Bodiless,
        ),
        Row(
            "/sluiceway/consumers",
            Method::GET,
            Endpoint::OwnConsumers,
            "api.sluiceway.consumers.list",
            Reads::V3Bodiless,
        ),
    ]
}

/// The API's description.
fn openapi() -> [Row; 2] {
    [
        Row(
            "/openapi.json",
            Method::GET,
            Endpoint::OpenApi,
            "api.openapi.get",
            Reads::V3Bodiless,
        ),
        Row(
            "/docs",
            Method::GET,
            Endpoint::Docs,
            "api.openapi.page",
            Reads::V3Bodiless,
        ),
    ]
}

/// The formats that records can be read in, as the endpoints' names have them.
pub(super) const FORMATS: [&str; 5] = ["binary", "json", "avro", "json-schema", "protobuf"];
