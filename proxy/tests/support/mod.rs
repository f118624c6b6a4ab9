//! What the tests share: a proxy in this process, an HTTP client, raw connections, and Kafka on the other side.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub
)]

pub mod relay;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use dev_services::broker::{Broker, BrokerOptions};
use dev_services::raw_http;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prometheus::{Registry, TextEncoder};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;
use sluiceway_common::props;
use sluiceway_proxy::{Config, Proxy};
use tokio::net::TcpStream;

pub const JSON: &str = "application/vnd.kafka.json.v2+json";
pub const BINARY: &str = "application/vnd.kafka.binary.v2+json";
pub const V2: &str = "application/vnd.kafka.v2+json";

/// A proxy in this process.
pub struct Running {
    pub proxy: Proxy,
    pub registry: Registry,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A proxy on this Kafka, with further properties.
pub async fn start(bootstrap: &str, properties: &str) -> Running {
    // A look-up that has begun when Kafka goes, at the end of a test, holds that up: not for long.
    let text = format!(
        "bootstrap.servers={bootstrap}\nlisteners=http://127.0.0.1:0\nsluiceway.metadata.timeout.ms=2000\n\
         sluiceway.admin.listeners=http://127.0.0.1:0\n{properties}"
    );
    let config = Config::parse(&props::parse(&text).unwrap()).unwrap();
    let registry = Registry::new();
    let proxy = Proxy::start(config, registry.clone()).await.unwrap();
    Running {
        proxy,
        registry,
        client: Client::builder(TokioExecutor::new()).build_http(),
    }
}

impl Running {
    pub fn address(&self) -> SocketAddr {
        self.proxy.addresses()[0]
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        media: Option<&str>,
        body: &[u8],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(self.url(path));
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        let request = request
            .body(Full::new(Bytes::copy_from_slice(body)))
            .unwrap();
        read(self.client.request(request).await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None, b"").await
    }

    pub async fn accepting(&self, path: &str, accept: &str) -> Answer {
        let request = Request::builder().uri(self.url(path));
        self.send(request.header("accept", accept)).await
    }

    /// Sends a request without a body.
    pub async fn send(&self, request: http::request::Builder) -> Answer {
        let request = request.body(Full::default()).unwrap();
        read(self.client.request(request).await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.call(Method::POST, path, Some(JSON), body.as_bytes())
            .await
    }

    /// Partitions and offsets of a produce answer.
    pub async fn produce(&self, path: &str, body: &str) -> Vec<(i64, i64)> {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let json = answer.json();
        let place = |entry: &Value| {
            let place = entry["partition"].as_i64().zip(entry["offset"].as_i64());
            place.unwrap_or_else(|| panic!("{entry}"))
        };
        json["offsets"]
            .as_array()
            .unwrap()
            .iter()
            .map(place)
            .collect()
    }

    pub fn metrics(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap()
    }

    pub fn metric(&self, line: &str) -> f64 {
        let text = self.metrics();
        let found = text
            .lines()
            .find_map(|have| have.strip_prefix(line)?.strip_prefix(' '));
        found
            .unwrap_or_else(|| panic!("{line} is missing in\n{text}"))
            .parse()
            .unwrap()
    }

    /// Sends bytes on a connection of its own and reads until the proxy closes it or says nothing for a second.
    pub async fn raw(&self, bytes: &[u8]) -> String {
        raw_http::exchange(self.address(), bytes).await.unwrap()
    }
}

pub async fn read(response: hyper::Response<hyper::body::Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    }
}

/// Reads until the end, or until nothing came for so long.
pub async fn read_raw(stream: &mut TcpStream, silence: Duration) -> String {
    raw_http::read(stream, silence).await
}

/// The development broker, in a folder of its own.
pub struct Kafka {
    pub broker: Broker,
    _folder: tempfile::TempDir,
}

pub async fn kafka(auto_create_topics: bool) -> Kafka {
    let folder = tempfile::tempdir().unwrap();
    let options = BrokerOptions {
        auto_create_topics,
        ..BrokerOptions::new(folder.path())
    };
    Kafka {
        broker: Broker::start(options).await.unwrap(),
        _folder: folder,
    }
}

impl Kafka {
    /// A broker that was started with settings of its own, and its folder.
    pub fn of(broker: Broker, folder: tempfile::TempDir) -> Self {
        Self {
            broker,
            _folder: folder,
        }
    }

    pub fn bootstrap(&self) -> String {
        self.broker.bootstrap()
    }

    pub async fn create(&self, topic: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
            .set("bootstrap.servers", self.bootstrap())
            .create()
            .unwrap();
        let topic = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let results = admin
            .create_topics([&topic], &AdminOptions::new())
            .await
            .unwrap();
        results.into_iter().for_each(|result| drop(result.unwrap()));
    }

    /// Everything in a partition: key, value.
    pub async fn records(&self, topic: &str, partition: i32) -> Vec<KeyValue> {
        let (bootstrap, topic) = (self.bootstrap(), topic.to_owned());
        tokio::task::spawn_blocking(move || read_partition(&bootstrap, &topic, partition))
            .await
            .unwrap()
    }
}

/// Key and value of a record as they lie in Kafka.
pub type KeyValue = (Option<Vec<u8>>, Option<Vec<u8>>);

fn read_partition(bootstrap: &str, topic: &str, partition: i32) -> Vec<KeyValue> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let (_, end) = consumer
        .fetch_watermarks(topic, partition, Duration::from_secs(10))
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Beginning)
        .unwrap();
    consumer.assign(&list).unwrap();
    let mut records = Vec::new();
    while (records.len() as i64) < end {
        let message = consumer
            .poll(Duration::from_secs(10))
            .expect("a record is missing")
            .unwrap();
        records.push((
            message.key().map(<[u8]>::to_vec),
            message.payload().map(<[u8]>::to_vec),
        ));
    }
    records
}

/// An answer that should come soon.
pub async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}
