//! Bad input: each kind has its code, nothing of it is written, and the connection goes on.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use dev_services::registry::{Registry, RegistryOptions};
use http::Method;
use serde_json::json;
use support::{BINARY, JSON, Running, kafka, start};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

const AVRO: &str = "application/vnd.kafka.avro.v2+json";
const V3: &str = "/v3/clusters/C/topics/t/records";

async fn status(proxy: &Running, media: &str, body: &[u8]) -> u16 {
    let answer = proxy.call(Method::POST, "/topics/t", Some(media), body);
    answer.await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_has_its_code() {
    let kafka = kafka(true).await;
    kafka.create("t", 1).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{{\"records\":[{{\"value\":{open}{close}}}]}}")
    };
    let bad: [(&str, &str, Vec<u8>); 8] = [
        ("deep nesting", JSON, nested(2000).into_bytes()),
        (
            "invalid UTF-8",
            JSON,
            b"{\"records\":[{\"value\":\"\xff\"}]}".to_vec(),
        ),
        (
            "a NUL in a string",
            JSON,
            b"{\"records\":[{\"value\":\"a\0\"}]}".to_vec(),
        ),
        ("a NUL between tokens", JSON, b"{\"records\":\0[]}".to_vec()),
        ("truncated", JSON, b"{\"records\":[{\"value\":1".to_vec()),
        (
            "no number",
            JSON,
            b"{\"records\":[{\"value\":1e}]}".to_vec(),
        ),
        (
            "bad base64",
            BINARY,
            b"{\"records\":[{\"value\":\"eA==\"},{\"value\":\"!\"}]}".to_vec(),
        ),
        ("no text", JSON, b"\x89PNG".to_vec()),
    ];
    for (what, media, body) in &bad {
        assert_eq!(status(&proxy, media, body).await, 400, "{what}");
        let answer = proxy.call(Method::POST, V3, Some("application/json"), body);
        let answer = answer.await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 200, "{what}");
        assert!(text.starts_with("{\"error_code\":400,"), "{what}: {text}");
    }
    assert!(kafka.records("t", 0).await.is_empty());
    let strange = br#"{"records":[{"value":"\ud800"},{"value":1e400},{"value":{"a":1,"a":2}}]}"#;
    assert_eq!(status(&proxy, JSON, strange).await, 200);
    assert_eq!(status(&proxy, JSON, nested(900).as_bytes()).await, 200);
    assert_eq!(kafka.records("t", 0).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_that_are_too_large_unknown_or_out_of_reach() {
    let kafka = kafka(true).await;
    let registry = Registry::start(RegistryOptions::default()).await.unwrap();
    let settings = format!("schema.registry.url={}\n", registry.url());
    let proxy = start(&kafka.bootstrap(), &settings).await;
    let post = async |proxy: &Running, body: serde_json::Value| {
        let body = body.to_string();
        let answer = proxy.call(Method::POST, "/topics/s", Some(AVRO), body.as_bytes());
        let answer = answer.await;
        (answer.status, answer.json()["error_code"].as_i64())
    };
    let value = |schema: String| json!({"value_schema": schema, "records": [{"value": 1}]});
    let doc = "x".repeat(1 << 20);
    let large = json!({"type": "int", "doc": doc}).to_string();
    let (code, _) = post(&proxy, value(large)).await;
    assert!(code == 200 || code == 422, "{code}");
    let broken = format!("{{\"type\":\"{}\"}}", "y".repeat(1 << 20));
    assert_eq!(post(&proxy, value(broken)).await, (422, Some(42205)));
    let unknown = json!({"value_schema_id": 4242, "records": [{"value": 1}]});
    assert_eq!(post(&proxy, unknown.clone()).await, (422, Some(42207)));
    registry.stop().await;
    drop(registry);
    let other = json!({"value_schema_id": 4243, "records": [{"value": 1}]});
    assert_eq!(post(&proxy, other).await, (422, Some(42207)));

    // One that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = format!(
        "schema.registry.url=http://{}\nschema.registry.http.read.timeout.ms=300\n",
        silent.local_addr().unwrap()
    );
    let proxy = start(&kafka.bootstrap(), &settings).await;
    let started = Instant::now();
    assert_eq!(post(&proxy, unknown.clone()).await, (422, Some(42207)));
    assert!(started.elapsed() < Duration::from_secs(10));

    let proxy = start(&kafka.bootstrap(), "schema.registry.url=\n").await;
    assert_eq!(post(&proxy, unknown).await, (422, Some(42206)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_leaves_nothing_behind() {
    let kafka = kafka(true).await;
    kafka.create("t", 1).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let record = r#"{"value":{"type":"STRING","data":"x"}}"#;
    let head = format!(
        "POST {V3} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    for _ in 0..5 {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        let chunk = format!("{head}{:x}\r\n{record}\r\n", record.len());
        stream.write_all(chunk.as_bytes()).await.unwrap();
        let answer = support::read_raw(&mut stream, Duration::from_millis(300)).await;
        assert!(answer.contains("\"error_code\":200"), "{answer}");
        drop(stream);
    }
    assert_eq!(kafka.records("t", 0).await.len(), 5);
    let deadline = Instant::now() + Duration::from_secs(10);
    let gone = |proxy: &Running| {
        proxy.metric("sluiceway_proxy_queued_bytes") == 0.0
            && proxy.metric("sluiceway_proxy_in_flight_requests") == 0.0
    };
    while !gone(&proxy) {
        assert!(Instant::now() < deadline, "{}", proxy.metrics());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
