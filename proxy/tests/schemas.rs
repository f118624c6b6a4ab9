//! What a registry says of schemas, and what becomes of it.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use dev_services::registry::{Registry, RegistryOptions};
use http::Method;
use serde_json::{Value, json};
use support::{Running, kafka, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const AVRO: &str = "application/vnd.kafka.avro.v2+json";
const V3: &str = "/v3/clusters/C/topics/s/records";

async fn produce(proxy: &Running, value: Value) -> Value {
    let record = json!({ "value": value }).to_string();
    let media = Some("application/json");
    let answer = proxy.call(Method::POST, V3, media, record.as_bytes());
    answer.await.json()
}

/// Id and version of the schema that a value was written with.
fn written(answer: &Value) -> (i64, i64) {
    let of = |name: &str| answer["value"][name].as_i64();
    let both = of("schema_id").zip(of("schema_version"));
    both.unwrap_or_else(|| panic!("{answer}"))
}

async fn delete(registry: &Registry, path: &str) {
    let url = registry.url();
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("DELETE {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_whose_version_was_deleted() {
    let kafka = kafka(true).await;
    let registry = Registry::start(RegistryOptions::default()).await.unwrap();
    let settings = format!("schema.registry.url={}\n", registry.url());
    let by_text = json!({"type": "AVRO", "schema": "\"int\"", "data": 1});
    let proxy = start(&kafka.bootstrap(), &settings).await;
    let (id, version) = written(&produce(&proxy, by_text.clone()).await);
    assert_eq!(version, 1);

    delete(&registry, "/subjects/s-value/versions/1").await;
    let proxy = start(&kafka.bootstrap(), &settings).await;
    let by_id = json!({"schema_id": id, "data": 2});
    assert_eq!(written(&produce(&proxy, by_id).await), (id, 1));
    // By its text it is registered anew; versions that are known are not asked for again, so by another proxy.
    let proxy = start(&kafka.bootstrap(), &settings).await;
    assert_eq!(written(&produce(&proxy, by_text).await), (id, 2));
}

/// A registry that knows one schema, and lets nobody look for its versions.
async fn forbidding() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.unwrap_or_default();
            let (status, body) = match buffer[..read].starts_with(b"GET /schemas/ids/7") {
                true => ("200 OK", r#"{"schema":"\"int\""}"#),
                false => (
                    "403 F",
                    r#"{"error_code":40301,"message":"User:x may not"}"#,
                ),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_registry_forbids_is_a_403() {
    let kafka = kafka(true).await;
    let settings = format!("schema.registry.url={}\n", forbidding().await);
    let proxy = start(&kafka.bootstrap(), &settings).await;
    for (schema, text) in [
        (
            json!({"value_schema_id": 7}),
            "Error when fetching schema version. subject = s-value, schema = \"int\"",
        ),
        (
            json!({"value_schema_id": 8}),
            "Error when fetching schema by id. schemaId = 8",
        ),
        (
            json!({"value_schema": "\"int\""}),
            "Error when registering schema. format = AVRO, subject = s-value, schema = \"int\"",
        ),
    ] {
        let mut body = schema;
        body["records"] = json!([{"value": 1}]);
        let body = body.to_string();
        let answer = proxy.call(Method::POST, "/topics/s", Some(AVRO), body.as_bytes());
        let answer = answer.await;
        let expected = json!({"error_code": 40301, "message": text});
        assert_eq!((answer.status, answer.json()), (403, expected), "{body}");
    }
}
