//! Reading records: formats, parameters, schemas.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::calls::{Calls, EARLIEST, scene};
use crate::support::{BINARY, JSON, V2, kafka, start};

#[tokio::test(flavor = "multi_thread")]
async fn formats_and_parameters() {
    let (_kafka, proxy) = scene("").await;
    proxy
        .call(
            Method::POST,
            "/topics/raw",
            Some(BINARY),
            br#"{"records":[{"value":"aGVsbG8="},{"value":"eyJuIjoxfQ=="}]}"#,
        )
        .await;
    let i = proxy.create("g", EARLIEST).await;
    let records = format!("{i}/records");
    for media in [BINARY, V2, "*/*"] {
        let answer = proxy.accepting(&records, media).await;
        assert_eq!(
            (answer.status, answer.json()["error_code"].as_i64()),
            (406, Some(40601)),
            "{media}"
        );
    }
    assert_eq!(
        proxy
            .accepting(&records, "text/html")
            .await
            .header("content-type"),
        None
    );
    for query in ["?timeout=x", "?max_bytes=x", "?timeout=&max_bytes=1.5"] {
        assert_eq!(
            proxy
                .accepting(&format!("{records}{query}"), JSON)
                .await
                .status,
            404
        );
    }
    assert_eq!(
        proxy
            .accepting("/consumers/g/instances/zz/records", JSON)
            .await
            .status,
        404
    );
    // The type of a body that there is none of, before anything else.
    for path in [&records, "/consumers/g/instances/zz/records"] {
        for (named, accepted, status) in [
            ("text/plain", JSON, 415),
            ("application/json", "text/html", 415),
            ("text/plain", "text/event-stream", 415),
            ("nonsense", JSON, 400),
        ] {
            let request = http::Request::builder()
                .uri(proxy.url(path))
                .header("content-type", named)
                .header("accept", accepted);
            let answer = proxy.send(request).await;
            let body = answer.body.len();
            assert_eq!(
                (answer.status, body == 0),
                (status, status == 400),
                "{named}"
            );
        }
    }
    proxy.subscribe(&i, r#"{"topics":["raw"]}"#).await;
    for _ in 0..2 {
        let answer = proxy.accepting(&records, JSON).await;
        assert_eq!(
            (answer.status, answer.json()["error_code"].as_i64()),
            (408, Some(40801)),
            "{answer:?}"
        );
    }
    // Behind it everything is fine.
    proxy
        .done(
            Method::POST,
            &format!("{i}/positions"),
            r#"{"offsets":[{"topic":"raw","partition":0,"offset":1}]}"#,
        )
        .await;
    let records = proxy.records(&i, "?timeout=&max_bytes=%20").await;
    assert_eq!(records[0]["value"], json!({"n": 1}));
    let binary = proxy.create("b", r#"{"auto.offset.reset":"earliest","fetch.min.bytes":1,"consumer.request.timeout.ms":9000}"#).await;
    proxy.subscribe(&binary, r#"{"topics":["raw"]}"#).await;
    let answer = proxy.get(&format!("{binary}/records")).await;
    assert_eq!(answer.header("content-type"), Some(BINARY));
    assert_eq!(
        answer.json()[0],
        json!({"topic": "raw", "key": null, "value": "aGVsbG8=", "partition": 0, "offset": 0})
    );
    proxy.proxy.drain().await;
}

/// A registry that knows the Avro schema 1 and counts how often it was asked.
async fn registry() -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let count = std::sync::Arc::clone(&count);
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                count.fetch_add(1, Ordering::Relaxed);
                let schema = r#"{"type":"record","name":"R","fields":[{"name":"f","type":"int"},{"name":"s","type":["null","string"]}]}"#;
                let (status, body) = if request.starts_with("GET /schemas/ids/1") {
                    ("200 OK", json!({"schema": schema}))
                } else {
                    (
                        "404 Not Found",
                        json!({"error_code": 40403, "message": "Schema not found"}),
                    )
                };
                let body = body.to_string();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/vnd.schemaregistry.v1+json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _sent = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (url, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn avro_is_decoded_with_registered_schemas() {
    const AVRO: &str = "application/vnd.kafka.avro.v2+json";
    use base64::Engine as _;
    let encoded = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let kafka = kafka(true).await;
    let (url, asked) = registry().await;
    let proxy = start(&kafka.bootstrap(), &format!("schema.registry.url={url}\n")).await;
    let body = json!({"records": [
        {"value": encoded(b"\0\0\0\0\x01\x02\x02\x02x")},
        {"value": encoded(b"\0\0\0\0\x01\x04\0")},
        {"value": null},
        {"value": encoded(b"\0\0\0\0\x63\x04\0")},
    ]});
    let sent = proxy
        .call(
            Method::POST,
            "/topics/a",
            Some(BINARY),
            body.to_string().as_bytes(),
        )
        .await;
    assert_eq!(sent.status, 200);
    let i = proxy
        .create("g", &EARLIEST.replace("\"json\"", "\"Avro\""))
        .await;
    proxy.subscribe(&i, r#"{"topics":["a"]}"#).await;
    let records = format!("{i}/records");
    let answer = proxy.accepting(&records, AVRO).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some(AVRO)),
        "{answer:?}"
    );
    let values: Vec<Value> = answer
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["value"].clone())
        .collect();
    assert_eq!(
        values,
        [
            json!({"f": 1, "s": {"string": "x"}}),
            json!({"f": 2, "s": null}),
            json!(null)
        ]
    );
    // Of the three formats with schemas none is told from another, of those without each.
    assert_eq!(proxy.accepting(&records, JSON).await.status, 406);
    let unknown = proxy.accepting(&records, AVRO).await;
    let text = "Error deserializing VALUE for partition a-0 at offset 3. If needed, please seek past the record to continue consumption.";
    assert_eq!(
        (unknown.status, unknown.json()),
        (408, json!({"error_code": 40801, "message": text}))
    );
    assert!(asked.load(std::sync::atomic::Ordering::Relaxed) >= 2);
    proxy
        .done(
            Method::POST,
            &format!("{i}/positions"),
            r#"{"offsets":[{"topic":"a","partition":0,"offset":2}]}"#,
        )
        .await;
    assert_eq!(
        proxy
            .accepting(&records, AVRO)
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    proxy.proxy.drain().await;
}

/// Behind a read that leaves more, the next one is made ready: nothing of that is lost, told twice, or committed before it is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_read_in_order_whatever_is_made_ready() {
    let (_kafka, proxy) = scene("").await;
    let text = "x".repeat(2_000);
    let batch: Vec<_> = (0..100)
        .map(|_| json!({"value": text, "partition": 0}))
        .collect();
    let batch = json!({ "records": batch }).to_string();
    for _ in 0..15 {
        let body = batch.as_bytes();
        let answer = proxy
            .call(Method::POST, "/topics/backlog", Some(JSON), body)
            .await;
        assert_eq!(answer.status, 200);
    }
    let options = EARLIEST.replace("\"false\"", "true");
    let mut next = 0;
    // Of the first instance two reads of some, of the second what is left.
    for (group_reads, most) in [(2, 300_000), (50, 1_200_000)] {
        let i = proxy.create("backlog", &options).await;
        proxy.subscribe(&i, r#"{"topics":["backlog"]}"#).await;
        for _ in 0..group_reads {
            let records = proxy.records(&i, &format!("?max_bytes={most}")).await;
            for record in records.as_array().unwrap() {
                assert_eq!(record["offset"], json!(next));
                next += 1;
            }
            if next == 1_500 {
                break;
            }
            // Time to be made ready.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        proxy.done(Method::DELETE, &i, "").await;
    }
    assert_eq!(next, 1_500);
    proxy.proxy.drain().await;
}
