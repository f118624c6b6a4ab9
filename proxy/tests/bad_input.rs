//! Bad input: each kind has its code, nothing of it is written, and the connection goes on.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use dev_services::registry::{Registry, RegistryOptions};
use http::Method;
use serde_json::json;
use support::{BINARY, JSON, Running, kafka, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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
    // What else is wrong with a schema is not looked at then.
    let both = json!({"value_schema": "x", "value_schema_id": 1, "records": [{"value": 1}]});
    assert_eq!(post(&proxy, both).await, (422, Some(42206)));
    let untyped = br#"{"value":{"schema":"\"int\"","data":1}}"#;
    let answer = proxy.call(Method::POST, V3, Some("application/json"), untyped);
    let expected = json!({
        "error_code": 422,
        "message": "Error: 42206 : Payload error. Schema Registry must be configured when using schemas.",
    });
    assert_eq!(answer.await.json(), expected);
    // No schema is named, which the original notices later.
    for value in [json!(1), json!(null)] {
        let records = json!({"records": [{"value": value}]}).to_string();
        let answer = proxy.call(Method::POST, "/topics/s", Some(AVRO), records.as_bytes());
        let text = "Error serializing message. Schema Registry not defined, no Schema Registry client available to serialize message.";
        let answer = answer.await;
        let expected = json!({"error_code": 42207, "message": text});
        assert_eq!((answer.status, answer.json()), (422, expected));
    }
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

/// The answer that comes next on a connection which stays open: its status and body. Length or chunks end it.
async fn next_answer(stream: &mut TcpStream) -> (u16, String) {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let whole = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = whole.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.trim().parse::<usize>().ok());
            let ended = match length {
                Some(length) => body.len() >= length,
                None => body.ends_with("0\r\n\r\n"),
            };
            if ended {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return (status, body.to_owned());
            }
        }
        let limit = Duration::from_secs(10);
        let read = tokio::time::timeout(limit, stream.read(&mut buffer)).await;
        let count = read.unwrap().unwrap();
        assert_ne!(count, 0, "closed after {whole:?}");
        text.extend_from_slice(&buffer[..count]);
    }
}

fn request(path: &str, media: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// One connection for everything: each refusal leaves it usable.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_outlives_its_bad_requests() {
    let kafka = kafka(true).await;
    kafka.create("t", 1).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let (good, good_v3) = (
        br#"{"records":[{"value":1}]}"#,
        br#"{"value":{"type":"JSON","data":1}}"#,
    );
    let deep = format!("{{\"records\":[{{\"value\":{}", "[".repeat(5000));
    let bad: [(&str, &str, &[u8], u16); 12] = [
        (JSON, "/topics/t", deep.as_bytes(), 400),
        (
            JSON,
            "/topics/t",
            b"{\"records\":[{\"value\":\"\xc3\x28\"}]}",
            400,
        ),
        (
            JSON,
            "/topics/t",
            b"{\"records\":[{\"value\":\"\0\"}]}",
            400,
        ),
        (JSON, "/topics/t", b"{\"records\":[{\"val", 400),
        (JSON, "/topics/t", br#"{"records":[],"records":[]}"#, 422),
        (
            JSON,
            "/topics/t",
            br#"{"records":[{"value":1}],"x":1}"#,
            422,
        ),
        (JSON, "/topics/t", b"", 422),
        (
            BINARY,
            "/topics/t",
            br#"{"records":[{"value":"%%%"}]}"#,
            400,
        ),
        (AVRO, "/topics/t", br#"{"records":[{"value":1}]}"#, 422),
        ("text/plain", "/topics/t", b"x", 415),
        (JSON, "/topics/t/partitions/x", good, 404),
        (JSON, "/nowhere", good, 404),
    ];
    for (media, path, body, status) in bad {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        stream.write_all(&request(path, media, body)).await.unwrap();
        let (found, text) = next_answer(&mut stream).await;
        assert_eq!(found, status, "{shown}: {text}");
        stream
            .write_all(&request("/topics/t", JSON, good))
            .await
            .unwrap();
        let (found, text) = next_answer(&mut stream).await;
        assert_eq!(found, 200, "after {shown}: {text}");
    }
    assert_eq!(kafka.records("t", 0).await.len(), bad.len());
    // A value that is none is the record's own failure in a stream.
    let json = "application/json";
    let mixed = [
        &good_v3[..],
        br#"{"value":{"type":"BINARY","data":"%"}}"#,
        good_v3,
    ]
    .concat();
    stream.write_all(&request(V3, json, &mixed)).await.unwrap();
    let (status, text) = next_answer(&mut stream).await;
    assert_eq!(
        (status, text.matches("\"error_code\":200").count()),
        (200, 2),
        "{text}"
    );
    stream
        .write_all(&request("/topics/t", JSON, good))
        .await
        .unwrap();
    assert_eq!(next_answer(&mut stream).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_come_a_byte_at_a_time() {
    let kafka = kafka(true).await;
    kafka.create("t", 1).await;
    let proxy = start(&kafka.bootstrap(), "sluiceway.body.timeout.ms=5000").await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let bytes = request(
        "/topics/t",
        JSON,
        "{\"records\":[{\"value\":\"é\"}]}".as_bytes(),
    );
    let v3 = request(
        V3,
        "application/json",
        br#"{"value":{"type":"STRING","data":"x"}}"#,
    );
    for request in [bytes, v3] {
        for byte in request {
            stream.write_all(&[byte]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (status, text) = next_answer(&mut stream).await;
        assert!(status == 200 && text.contains("\"offset\":"), "{text}");
    }
    let found = kafka.records("t", 0).await;
    let values: Vec<_> = found.into_iter().filter_map(|(_, value)| value).collect();
    assert_eq!(values, ["\"é\"".as_bytes(), b"x"]);
}
