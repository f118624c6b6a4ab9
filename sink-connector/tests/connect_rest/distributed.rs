//! Workers that share their connectors.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use prometheus::Registry;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use sluiceway_sink::worker::{Worker, WorkerConfig, WorkerError};

use crate::stage::{PATIENCE, Reply, Stage, call, create, rest, states, until};

const TOPICS: &str = "group.id=cluster\nconfig.storage.topic=configs\nconfig.storage.replication.factor=1\n\
    offset.storage.topic=offsets\noffset.storage.replication.factor=1\noffset.storage.partitions=1\n\
    status.storage.topic=statuses\nstatus.storage.replication.factor=1\nstatus.storage.partitions=2\nsluiceway.slots=16\n";

impl Stage {
    pub(crate) async fn try_shared_worker(&self, extra: &str) -> Result<Worker, WorkerError> {
        let properties = self.worker_properties(&format!("{TOPICS}{extra}"));
        let config = WorkerConfig::parse_distributed(&properties).unwrap();
        Worker::start(config, Vec::new(), Registry::new()).await
    }

    async fn shared_worker(&self) -> Worker {
        self.try_shared_worker("").await.unwrap()
    }

    /// The last value of each key of a topic; nothing for a tombstone.
    fn compacted(&self, topic: &str) -> BTreeMap<String, Option<Value>> {
        let consumer: BaseConsumer = self.client().set("group.id", "look").create().unwrap();
        let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
        let mut list = TopicPartitionList::new();
        let mut left = 0;
        for partition in metadata.topics()[0].partitions() {
            let (low, high) = consumer
                .fetch_watermarks(topic, partition.id(), PATIENCE)
                .unwrap();
            left += high - low;
            list.add_partition_offset(topic, partition.id(), Offset::Beginning)
                .unwrap();
        }
        consumer.assign(&list).unwrap();
        let mut found = BTreeMap::new();
        for _ in 0..left {
            let message = consumer.poll(PATIENCE).unwrap().unwrap();
            let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
            let value = message
                .payload()
                .map(|value| serde_json::from_slice(value).unwrap());
            found.insert(key, value);
        }
        found
    }

    /// Writes a record as Connect does.
    async fn write(&self, topic: &str, key: &str, value: &Value) {
        let producer: FutureProducer = self.client().create().unwrap();
        let value = value.to_string();
        let record = FutureRecord::to(topic)
            .key(key)
            .partition(0)
            .payload(&value);
        producer.send(record, PATIENCE).await.unwrap();
    }

    async fn until_objects(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.objects("bucket").len() != count {
            let found = self.objects("bucket");
            assert!(
                Instant::now() < deadline,
                "{count} objects wanted: {found:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn all_are(reply: &Reply, state: &str, tasks: usize) -> bool {
    states(&reply.body) == vec![state; tasks + 1]
}

fn workers_of_tasks(status: &Value) -> BTreeSet<String> {
    let tasks = status["tasks"].as_array().into_iter().flatten();
    tasks
        .map(|task| task["worker_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_connectors_and_either_answers() {
    let stage = Stage::new().await;
    stage.create_topic("t", 4).await;
    let first = stage.shared_worker().await;
    let (a, status) = (rest(&first), "/connectors/n/status");
    until(a, "/health", |reply| reply.status == 200).await;
    let mut config = stage.connector("t");
    config.insert("tasks.max".into(), "4".into());
    create(a, "n", &config, &["RUNNING"; 5]).await;

    // The second takes half of the slots; nothing is asked of the first for that.
    let second = stage.shared_worker().await;
    let b = rest(&second);
    let both = BTreeSet::from([first.worker_id().to_owned(), second.worker_id().to_owned()]);
    for address in [a, b] {
        let shared =
            |reply: &Reply| all_are(reply, "RUNNING", 4) && workers_of_tasks(&reply.body) == both;
        until(address, status, shared).await;
    }
    for partition in 0..4 {
        stage.produce("t", partition, 3).await;
    }
    stage.until_objects(4).await;
    until(b, "/connectors/n/topics", |reply| {
        reply.body["n"]["topics"] == json!(["t"])
    })
    .await;

    changes_by_either(a, b).await;
    whatever_one_worker_refuses_the_other_refuses(a, b, &config).await;
    restarts_by_either(a, b).await;

    // One leaves: the other has all of it, and goes on.
    first.stop().await;
    let alone = BTreeSet::from([second.worker_id().to_owned()]);
    until(b, status, |reply| {
        all_are(reply, "RUNNING", 4) && workers_of_tasks(&reply.body) == alone
    })
    .await;
    for partition in 0..4 {
        stage.produce("t", partition, 3).await;
    }
    stage.until_objects(8).await;
    assert_eq!(call(b, "DELETE", "/connectors/n", None).await.status, 204);
    assert_eq!(call(b, "GET", "/connectors", None).await.body, json!([]));
    assert_eq!(call(b, "GET", status, None).await.status, 404);
    second.stop().await;
    // As Connect deletes: tombstones, so that a Connect worker does not find it again.
    assert_eq!(stage.compacted("configs")["connector-n"], None);
    assert_eq!(stage.compacted("statuses")["status-connector-n"], None);
}

async fn changes_by_either(a: std::net::SocketAddr, b: std::net::SocketAddr) {
    for (one, other) in [(a, b), (b, a)] {
        // What one worker has answered the worker that was asked knows, whichever of them carried it out.
        let paused = call(one, "PUT", "/connectors/n/pause", None).await;
        assert_eq!((paused.status, paused.text.as_str()), (202, ""));
        until(other, "/connectors/n/status", |reply| {
            all_are(reply, "PAUSED", 4)
        })
        .await;
        let resumed = call(one, "PUT", "/connectors/n/resume", None).await;
        assert_eq!(resumed.status, 202);
        until(other, "/connectors/n/status", |reply| {
            all_are(reply, "RUNNING", 4)
        })
        .await;
        let name = one.port().to_string();
        let patch = json!({ "sluiceway.test": name });
        let patched = call(one, "PATCH", "/connectors/n/config", Some(&patch)).await;
        assert_eq!(patched.status, 200, "{}", patched.text);
        let seen = call(one, "GET", "/connectors/n/config", None).await;
        assert_eq!(seen.body["sluiceway.test"], json!(name));
        until(other, "/connectors/n/config", |reply| {
            reply.body["sluiceway.test"] == json!(name)
        })
        .await;
    }
    let stopped = call(b, "PUT", "/connectors/n/stop", None).await;
    assert_eq!(stopped.status, 204);
    until(a, "/connectors/n/status", |reply| {
        all_are(reply, "STOPPED", 0)
    })
    .await;
    let offsets = call(a, "GET", "/connectors/n/offsets", None).await;
    assert_eq!(offsets.body["offsets"].as_array().map(Vec::len), Some(4));
    let body = json!({"offsets": [{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": {"kafka_offset": 3}}]});
    for address in [a, b] {
        let altered = call(address, "PATCH", "/connectors/n/offsets", Some(&body)).await;
        assert_eq!(altered.status, 200, "{}", altered.text);
    }
    let resumed = call(a, "PUT", "/connectors/n/resume", None).await;
    assert_eq!(resumed.status, 202);
    until(b, "/connectors/n/status", |reply| {
        all_are(reply, "RUNNING", 4)
    })
    .await;
}

async fn whatever_one_worker_refuses_the_other_refuses(
    a: std::net::SocketAddr,
    b: std::net::SocketAddr,
    config: &serde_json::Map<String, Value>,
) {
    for address in [a, b] {
        let again = json!({"name": "n", "config": config});
        let again = call(address, "POST", "/connectors", Some(&again)).await;
        assert_eq!(again.status, 409, "{}", again.text);
        let reply = call(address, "PUT", "/connectors/none/pause", None).await;
        assert_eq!(reply.status, 404);
        let bad = call(
            address,
            "PATCH",
            "/connectors/n/config",
            Some(&json!({"flush.size": "x"})),
        )
        .await;
        assert_eq!(bad.status, 400, "{}", bad.text);
    }
    // Both at once: one has created it, and its configuration stands.
    let with = |flush: &str| {
        let mut config = config.clone();
        config.insert("flush.size".into(), flush.into());
        json!({"name": "twice", "config": config, "initial_state": "STOPPED"})
    };
    let (with_a, with_b) = (with("11"), with("12"));
    let (one, other) = tokio::join!(
        call(a, "POST", "/connectors", Some(&with_a)),
        call(b, "POST", "/connectors", Some(&with_b))
    );
    let mut codes = [one.status, other.status];
    codes.sort_unstable();
    assert_eq!(codes, [201, 409], "{} {}", one.text, other.text);
    let winner = if one.status == 201 { "11" } else { "12" };
    for address in [a, b] {
        until(address, "/connectors/twice/config", |reply| {
            reply.body["flush.size"] == json!(winner)
        })
        .await;
        until(address, "/connectors/twice/status", |reply| {
            all_are(reply, "STOPPED", 0)
        })
        .await;
    }
    assert_eq!(
        call(a, "DELETE", "/connectors/twice", None).await.status,
        204
    );
    until(b, "/connectors", |reply| reply.body == json!(["n"])).await;
}

async fn restarts_by_either(a: std::net::SocketAddr, b: std::net::SocketAddr) {
    for address in [a, b] {
        for task in 0..4 {
            let path = format!("/connectors/n/tasks/{task}/restart");
            let reply = call(address, "POST", &path, None).await;
            assert_eq!(reply.status, 204, "{}", reply.text);
        }
        let path = "/connectors/n/tasks/9/restart";
        assert_eq!(call(address, "POST", path, None).await.status, 404);
        let plain = call(address, "POST", "/connectors/n/restart", None).await;
        assert_eq!(plain.status, 204, "{}", plain.text);
        let path = "/connectors/n/restart?includeTasks=true";
        let reply = call(address, "POST", path, None).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        assert!(all_are(&reply, "RESTARTING", 4), "{}", reply.text);
        until(address, "/connectors/n/status", |reply| {
            all_are(reply, "RUNNING", 4)
        })
        .await;
    }
    let level = json!({"level": "WARN"});
    let path = "/admin/loggers/com.example.Nothing";
    let reply = call(a, "PUT", &format!("{path}?scope=cluster"), Some(&level)).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    for address in [a, b] {
        until(address, path, |reply| reply.body["level"] == "WARN").await;
    }
}

/// Topics as a Connect cluster left them: its connectors go on here, and what a sink does not know stays.
#[tokio::test(flavor = "multi_thread")]
async fn the_topics_of_a_connect_cluster_are_taken_over() {
    let stage = Stage::new().await;
    stage.create_topic("t", 2).await;
    for topic in ["configs", "statuses"] {
        stage.create_compacted_topic(topic, 1).await;
    }
    let mut config = stage.connector("t");
    config.insert("name".into(), "s3".into());
    config.insert("tasks.max".into(), "2".into());
    let foreign =
        json!({"name": "cdc", "connector.class": "com.example.SourceConnector", "tasks.max": "1"});
    let properties = |config: &Value| json!({ "properties": config });
    let s3 = Value::Object(config);
    let session_key =
        json!({"key": "c2VjcmV0", "algorithm": "HmacSHA256", "creation-timestamp": 1});
    for (key, value) in [
        ("session-key", session_key.clone()),
        ("connector-cdc", properties(&foreign)),
        ("connector-gone", properties(&foreign)),
        (
            "target-state-s3",
            json!({"state": "PAUSED", "state.v2": "PAUSED"}),
        ),
        ("connector-s3", properties(&s3)),
        ("task-s3-0", properties(&s3)),
        ("task-s3-1", properties(&s3)),
        ("commit-s3", json!({"tasks": 2})),
        ("connector-gone", Value::Null),
    ] {
        stage.write("configs", key, &value).await;
    }
    for key in [
        "status-connector-s3",
        "status-task-s3-0",
        "status-task-s3-1",
    ] {
        let said =
            json!({"state": "RUNNING", "trace": null, "worker_id": "java:8083", "generation": 7});
        stage.write("statuses", key, &said).await;
    }
    let worker = stage.shared_worker().await;
    let address = rest(&worker);
    let names = until(address, "/connectors", |reply| reply.status == 200).await;
    assert_eq!(names.body, json!(["cdc", "s3"]));
    let paused = until(address, "/connectors/s3/status", |reply| {
        all_are(reply, "PAUSED", 2)
    })
    .await;
    assert_eq!(
        paused.body["connector"]["worker_id"],
        json!(worker.worker_id())
    );
    let failed = until(address, "/connectors/cdc/status", |reply| {
        all_are(reply, "FAILED", 0)
    })
    .await;
    let trace = failed.body["connector"]["trace"].as_str().unwrap();
    assert!(trace.contains("com.example.SourceConnector"), "{trace}");
    let resumed = call(address, "PUT", "/connectors/s3/resume", None).await;
    assert_eq!(resumed.status, 202);
    until(address, "/connectors/s3/status", |reply| {
        all_are(reply, "RUNNING", 2)
    })
    .await;
    stage.produce("t", 1, 3).await;
    stage.until_objects(1).await;
    worker.stop().await;

    let configs = stage.compacted("configs");
    assert_eq!(configs["session-key"], Some(session_key));
    assert_eq!(configs["connector-cdc"], Some(properties(&foreign)));
    assert_eq!(configs["connector-s3"], Some(properties(&s3)));
    let started = json!({"state": "STARTED", "state.v2": "STARTED"});
    assert_eq!(configs["target-state-s3"], Some(started));
    assert_eq!(configs["commit-s3"], Some(json!({"tasks": 2})));
    let task = configs["task-s3-1"].clone().unwrap();
    assert_eq!(
        task["properties"]["task.class"],
        json!("io.confluent.connect.s3.S3SinkTask")
    );
    let said = stage.compacted("statuses")["status-task-s3-0"]
        .clone()
        .unwrap();
    assert_eq!(said["state"], json!("UNASSIGNED"));
    assert!(
        said["generation"].is_i64() && said["trace"].is_null(),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_would_lose_connectors_is_refused() {
    let stage = Stage::new().await;
    stage.create_topic("configs", 1).await;
    let error = stage.try_shared_worker("").await.err().unwrap().to_string();
    assert!(
        error.contains("config.storage.topic") && error.contains("cleanup.policy=delete"),
        "{error}"
    );
    stage.create_compacted_topic("wide", 3).await;
    let error = stage
        .try_shared_worker("config.storage.topic=wide\n")
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("partitions=3"), "{error}");
}
