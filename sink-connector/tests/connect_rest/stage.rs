//! A broker, an S3 server, workers between them, and a small HTTP client.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use dev_services::broker::{Broker, BrokerOptions};
use dev_services::s3::{S3, S3Options};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use prometheus::Registry;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Map, Value, json};
use sluiceway_common::props::{self, Properties};
use sluiceway_sink::worker::{ConnectorFile, Worker, WorkerConfig};

/// How long anything may take that happens by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Stage {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) broker: Broker,
    pub(crate) s3: S3,
}

/// An answer of the REST API.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body as JSON; null when there is none.
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::start(BrokerOptions::new(dir.path().join("kafka")))
            .await
            .unwrap();
        let s3 = S3::start(S3Options::new(dir.path().join("s3")))
            .await
            .unwrap();
        s3.create_bucket("bucket").await.unwrap();
        Self { dir, broker, s3 }
    }

    /// Worker properties: free ports on the loopback, JSON without schemas, `extra` over all.
    pub(crate) fn worker_properties(&self, extra: &str) -> Properties {
        let text = format!(
            "bootstrap.servers={}\nlisteners=http://127.0.0.1:0\nsluiceway.admin.listeners=http://127.0.0.1:0\n\
             key.converter=org.apache.kafka.connect.storage.StringConverter\n\
             value.converter=org.apache.kafka.connect.json.JsonConverter\nvalue.converter.schemas.enable=false\n\
             offset.flush.interval.ms=500\nconsumer.session.timeout.ms=6000\nconsumer.metadata.max.age.ms=1000\n{extra}",
            self.broker.bootstrap()
        );
        props::parse(&text).unwrap()
    }

    pub(crate) async fn worker_with(&self, extra: &str, connectors: Vec<ConnectorFile>) -> Worker {
        let config = WorkerConfig::parse(&self.worker_properties(extra)).unwrap();
        Worker::start(config, connectors, Registry::new())
            .await
            .unwrap()
    }

    pub(crate) async fn worker(&self) -> Worker {
        self.worker_with("", Vec::new()).await
    }

    /// A connector's configuration without its name.
    pub(crate) fn connector(&self, topic: &str) -> Map<String, Value> {
        let config = json!({
            "connector.class": "io.confluent.connect.s3.S3SinkConnector",
            "tasks.max": "1",
            "s3.region": "us-east-1",
            "store.url": self.s3.endpoint(),
            "aws.access.key.id": "dev",
            "aws.secret.access.key": "devsecret",
            "s3.bucket.name": "bucket",
            "storage.class": "io.confluent.connect.s3.storage.S3Storage",
            "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
            "flush.size": "3",
            "topics": topic,
        });
        let Value::Object(map) = config else {
            unreachable!("written as an object above")
        };
        map
    }

    pub(crate) async fn create_topic(&self, name: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        admin
            .create_topics([&topic], &AdminOptions::new())
            .await
            .unwrap()[0]
            .as_ref()
            .unwrap();
    }

    pub(crate) async fn create_compacted_topic(&self, name: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1))
            .set("cleanup.policy", "compact");
        admin
            .create_topics([&topic], &AdminOptions::new())
            .await
            .unwrap()[0]
            .as_ref()
            .unwrap();
    }

    /// Writes `count` records `{"n":…}` to a partition.
    pub(crate) async fn produce(&self, topic: &str, partition: i32, count: usize) {
        let producer: FutureProducer = self.client().create().unwrap();
        for number in 0..count {
            let value = format!("{{\"n\":{number}}}");
            let record: FutureRecord<'_, str, String> =
                FutureRecord::to(topic).partition(partition).payload(&value);
            producer.send(record, PATIENCE).await.unwrap();
        }
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.broker.bootstrap());
        config
    }

    /// Keys of the objects in a bucket, sorted.
    pub(crate) fn objects(&self, bucket: &str) -> Vec<String> {
        let root = self.dir.path().join("s3").join(bucket);
        let mut keys = Vec::new();
        walk(&root, &root, &mut keys);
        keys.sort();
        keys
    }

    /// A file in the stage's folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn walk(root: &Path, dir: &Path, keys: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, keys);
        } else {
            keys.push(
                path.strip_prefix(root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
}

/// A configuration as a properties file.
pub(crate) fn as_file(name: &str, config: &Map<String, Value>) -> String {
    let line = |(key, value): (&String, &Value)| format!("{key}={}\n", value.as_str().unwrap());
    let lines: String = config.iter().map(line).collect();
    format!("{lines}name={name}\n")
}

pub(crate) fn rest(worker: &Worker) -> SocketAddr {
    worker.rest_addresses()[0]
}

/// Sends a request with these headers; the body, when there is one, as it is.
pub(crate) async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("Host", address.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let reply = sender
        .send_request(
            request
                .body(Full::new(bytes::Bytes::from(body.to_owned())))
                .unwrap(),
        )
        .await
        .unwrap();
    let (parts, body) = reply.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap_or(Value::Null)
    };
    Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
        text,
    }
}

/// Sends JSON, or no body.
pub(crate) async fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Reply {
    match body {
        Some(body) => {
            send(
                address,
                method,
                path,
                &[("Content-Type", "application/json")],
                &body.to_string(),
            )
            .await
        }
        None => send(address, method, path, &[], "").await,
    }
}

/// Asks until the answer is as wanted.
pub(crate) async fn until(
    address: SocketAddr,
    path: &str,
    wanted: impl Fn(&Reply) -> bool,
) -> Reply {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let reply = call(address, "GET", path, None).await;
        if wanted(&reply) {
            return reply;
        }
        assert!(
            Instant::now() < deadline,
            "GET {path} still answers {} {}",
            reply.status,
            reply.text
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// States of a status: the connector's, then the tasks'.
pub(crate) fn states(status: &Value) -> Vec<&str> {
    let tasks = status["tasks"].as_array().into_iter().flatten();
    let all = std::iter::once(&status["connector"]).chain(tasks);
    all.map(|instance| instance["state"].as_str().unwrap_or("?"))
        .collect()
}

/// Creates a connector and waits until it is in these states.
pub(crate) async fn create(
    address: SocketAddr,
    name: &str,
    config: &Map<String, Value>,
    wanted: &[&str],
) {
    let reply = call(
        address,
        "POST",
        "/connectors",
        Some(&json!({"name": name, "config": config})),
    )
    .await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    until(address, &format!("/connectors/{name}/status"), |reply| {
        states(&reply.body) == wanted
    })
    .await;
}
