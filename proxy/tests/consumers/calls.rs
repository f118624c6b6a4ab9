//! The steps of the tests of consumer instances.

use http::Method;
use serde_json::Value;

use crate::support::{Answer, JSON, Kafka, Running, V2, kafka, start};

/// A proxy, a broker, and the topic `o` of two partitions with three records each.
pub(crate) async fn scene(properties: &str) -> (Kafka, Running) {
    let kafka = kafka(true).await;
    kafka.create("o", 2).await;
    let proxy = start(&kafka.bootstrap(), properties).await;
    for partition in 0..2 {
        let path = format!("/topics/o/partitions/{partition}");
        let records =
            r#"{"records":[{"key":"a","value":{"n":0}},{"value":{"n":1}},{"value":{"n":2}}]}"#;
        proxy.produce(&path, records).await;
    }
    (kafka, proxy)
}

pub(crate) trait Calls {
    async fn create(&self, group: &str, body: &str) -> String;
    async fn at(&self, method: Method, path: &str, body: &str) -> Answer;
    async fn subscribe(&self, instance: &str, body: &str);
    async fn assign(&self, instance: &str, body: &str);
    async fn assigned(&self, instance: &str) -> Value;
    async fn done(&self, method: Method, path: &str, body: &str);
    async fn records(&self, instance: &str, query: &str) -> Value;
    async fn refused(&self, method: Method, path: &str, body: &str) -> (u16, i64);
}

impl Calls for Running {
    /// The path of a new instance.
    async fn create(&self, group: &str, body: &str) -> String {
        let answer = self
            .at(Method::POST, &format!("/consumers/{group}"), body)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let created = answer.json();
        let name = created["instance_id"].as_str().unwrap();
        let path = format!("/consumers/{group}/instances/{name}");
        assert_eq!(created["base_uri"], self.url(&path));
        path
    }

    async fn at(&self, method: Method, path: &str, body: &str) -> Answer {
        let media = (!body.is_empty()).then_some(V2);
        self.call(method, path, media, body.as_bytes()).await
    }

    async fn done(&self, method: Method, path: &str, body: &str) {
        let answer = self.at(method, path, body).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (204, 0),
            "{path} {answer:?}"
        );
    }

    async fn subscribe(&self, instance: &str, body: &str) {
        let path = format!("{instance}/subscription");
        self.done(Method::POST, &path, body).await;
    }

    async fn assign(&self, instance: &str, body: &str) {
        let path = format!("{instance}/assignments");
        self.done(Method::POST, &path, body).await;
    }

    /// The answer to a look at what is assigned.
    async fn assigned(&self, instance: &str) -> Value {
        let path = format!("{instance}/assignments");
        self.at(Method::GET, &path, "").await.json()
    }

    async fn records(&self, instance: &str, query: &str) -> Value {
        let answer = self
            .accepting(&format!("{instance}/records{query}"), JSON)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some(JSON));
        answer.json()
    }

    async fn refused(&self, method: Method, path: &str, body: &str) -> (u16, i64) {
        let answer = self.at(method, path, body).await;
        (answer.status, answer.json()["error_code"].as_i64().unwrap())
    }
}

/// Partition and offset of each record: partition by partition, those of one in the order of the answer. Kafka promises
/// no order between partitions: which one is fetched first is chance.
pub(crate) fn places(records: &Value) -> Vec<(i64, i64)> {
    let place = |record: &Value| {
        (
            record["partition"].as_i64().unwrap(),
            record["offset"].as_i64().unwrap(),
        )
    };
    let mut places: Vec<_> = records.as_array().unwrap().iter().map(place).collect();
    places.sort_by_key(|(partition, _)| *partition);
    places
}

/// `ALL` but for the one record that `answered` has: the first of either partition.
pub(crate) fn all_but_the_first(answered: &[(i64, i64)]) -> Vec<(i64, i64)> {
    assert!(
        matches!(answered, [(0 | 1, 0)]),
        "not the first record of a partition: {answered:?}"
    );
    let mut rest = ALL.to_vec();
    rest.retain(|place| *place != answered[0]);
    rest
}

pub(crate) const EARLIEST: &str = r#"{"name":"i","format":"json","auto.offset.reset":"earliest","auto.commit.enable":"false","consumer.request.timeout.ms":"10000"}"#;
pub(crate) const ALL: [(i64, i64); 6] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)];
