//! Producing and reading, against the development broker: what is answered, and what lies in Kafka afterwards.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use support::{BINARY, JSON, V2, kafka, start};

fn text(bytes: &Option<Vec<u8>>) -> Option<&str> {
    bytes
        .as_deref()
        .map(|bytes| std::str::from_utf8(bytes).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_stored_as_it_was_written() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let body = r#"{ "records": [
        {"value": { "z" : 1.0, "a":1e2, "big":12345678901234567890, "u":"\u00e9\ud83d\ude00", "sl":"a\/b" } },
        {"key": {"id": 1}, "value": [1, "é😀", null]},
        {"key": "k", "value": null}, {"key": null, "value": "x"}, {}
    ] }"#;
    let places = proxy.produce("/topics/json", body).await;
    assert_eq!(places, [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)]);
    let records = kafka.records("json", 0).await;
    let records: Vec<_> = records
        .iter()
        .map(|(key, value)| (text(key), text(value)))
        .collect();
    assert_eq!(
        records,
        [
            (
                None,
                Some(
                    r#"{"z":1.0,"a":1e2,"big":12345678901234567890,"u":"\u00e9\ud83d\ude00","sl":"a\/b"}"#
                )
            ),
            (Some(r#"{"id":1}"#), Some(r#"[1,"é😀",null]"#)),
            (Some("\"k\""), None),
            (None, Some("\"x\"")),
            (None, None),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_is_decoded() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let body = r#"{"records":[{"key":"aw==","value":"AP8="},{"value":"aGVsbG8"},{"value":""},{"value":null}]}"#;
    let answer = proxy
        .call(
            Method::POST,
            "/topics/binary",
            Some(BINARY),
            body.as_bytes(),
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let bad = proxy
        .call(
            Method::POST,
            "/topics/binary",
            Some(BINARY),
            br#"{"records":[{"value":"aGVsbG8"},{"value":"!"}]}"#,
        )
        .await;
    assert_eq!(bad.status, 400);
    assert_eq!(
        bad.json()["message"],
        "Bad Request: data=\"!\" is not a valid base64 string."
    );
    let records = kafka.records("binary", 0).await;
    let expected = [
        (Some(b"k".as_slice()), Some(b"\x00\xff".as_slice())),
        (None, Some(b"hello".as_slice())),
        (None, Some(b"".as_slice())),
        (None, None),
    ];
    let records: Vec<_> = records
        .iter()
        .map(|(key, value)| (key.as_deref(), value.as_deref()))
        .collect();
    assert_eq!(records, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_placed_as_java_places_them() {
    let kafka = kafka(false).await;
    kafka.create("keyed", 3).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let records: Vec<_> = (0..6)
        .map(|n| json!({"key": format!("key{n}"), "value": n}))
        .collect();
    let places = proxy
        .produce("/topics/keyed", &json!({"records": records}).to_string())
        .await;
    let partitions: Vec<i64> = places.iter().map(|(partition, _)| *partition).collect();
    // Recorded with the Java producer.
    assert_eq!(partitions, [0, 2, 2, 1, 2, 2]);
    let body = r#"{"records":[{"value":1},{"partition":2,"value":2},{"partition":"0","value":3}]}"#;
    let places = proxy.produce("/topics/keyed/partitions/1", body).await;
    let partitions: Vec<i64> = places.iter().map(|(partition, _)| *partition).collect();
    assert_eq!(partitions, [1, 2, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_exist_fails_at_once() {
    let kafka = kafka(false).await;
    kafka.create("known", 3).await;
    let proxy = start(&kafka.bootstrap(), "producer.max.block.ms=60000").await;
    let started = Instant::now();
    let body = r#"{"records":[{"partition":0,"value":"ok"},{"partition":77,"value":"bad"},{"partition":1,"value":"ok2"}]}"#;
    let offsets = proxy.post("/topics/known", body).await.json()["offsets"].clone();
    assert_eq!(
        offsets[0],
        json!({"partition": 0, "offset": 0, "error_code": null, "error": null})
    );
    assert_eq!(offsets[1]["error_code"], 50003);
    assert_eq!(
        offsets[1]["error"],
        "Partition 77 of topic known with partition count 3 is not present in metadata after 60000 ms."
    );
    assert_eq!(offsets[2]["partition"], 1);
    let missing = proxy
        .post(
            "/topics/missing",
            r#"{"records":[{"value":1},{"value":2}]}"#,
        )
        .await;
    assert_eq!(missing.status, 200);
    for entry in missing.json()["offsets"].as_array().unwrap() {
        assert_eq!(entry["error_code"], 50003);
        assert_eq!(
            entry["error"],
            "Topic missing not present in metadata after 60000 ms."
        );
    }
    let invalid = proxy
        .post("/topics/bad%20name", r#"{"records":[{"value":1}]}"#)
        .await
        .json();
    assert_eq!(invalid["offsets"][0]["error"], "Invalid topics: [bad name]");
    assert_eq!(invalid["offsets"][0]["error_code"], 50002);
    let negative = proxy
        .post(
            "/topics/known",
            r#"{"records":[{"value":1},{"partition":-1,"value":2}]}"#,
        )
        .await;
    assert_eq!(
        (negative.status, negative.json()["error_code"].as_i64()),
        (500, Some(500))
    );
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        kafka.records("known", 0).await.len(),
        1,
        "something of the refused request was written"
    );
    assert_eq!(
        proxy.metric(r#"sluiceway_proxy_delivery_errors_total{code="50003"}"#),
        3.0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_was_added_is_found() {
    let kafka = kafka(false).await;
    kafka.create("grows", 1).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    proxy
        .produce("/topics/grows", r#"{"records":[{"value":1}]}"#)
        .await;
    let admin: rdkafka::admin::AdminClient<_> = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", kafka.bootstrap())
        .create()
        .unwrap();
    let more = rdkafka::admin::NewPartitions::new("grows", 3);
    admin
        .create_partitions([&more], &rdkafka::admin::AdminOptions::new())
        .await
        .unwrap();
    let places = proxy
        .produce(
            "/topics/grows",
            r#"{"records":[{"partition":2,"value":1}]}"#,
        )
        .await;
    assert_eq!(places, [(2, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_fails_alone() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let large = "x".repeat(1_200_000);
    let body = format!(
        r#"{{"records":[{{"value":"small"}},{{"value":"{large}"}},{{"value":"small2"}}]}}"#
    );
    let offsets = proxy.post("/topics/sizes", &body).await.json()["offsets"].clone();
    assert_eq!(
        (offsets[0]["offset"].as_i64(), offsets[2]["offset"].as_i64()),
        (Some(0), Some(1))
    );
    assert_eq!(offsets[1]["error_code"], 50002);
    assert!(
        offsets[1]["error"]
            .as_str()
            .unwrap()
            .starts_with("The message is 1200090 bytes"),
        "{}",
        offsets[1]
    );
    let three = format!(
        r#"{{"records":[{0},{0},{0}]}}"#,
        format_args!(r#"{{"value":"{}"}}"#, "y".repeat(900_000))
    );
    assert_eq!(
        proxy.produce("/topics/sizes", &three).await,
        [(0, 2), (0, 3), (0, 4)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_at_once_each_get_their_own_offsets() {
    let kafka = kafka(false).await;
    kafka.create("crowd", 4).await;
    let proxy = std::sync::Arc::new(start(&kafka.bootstrap(), "").await);
    let clients = (0..16).map(|client| {
        let proxy = std::sync::Arc::clone(&proxy);
        tokio::spawn(async move {
            let mut places = Vec::new();
            for round in 0..20 {
                let records: Vec<_> = (0..10)
                    .map(|n| json!({"value": format!("{client}/{round}/{n}")}))
                    .collect();
                let body = json!({"records": records}).to_string();
                let found = proxy.produce("/topics/crowd", &body).await;
                places.extend(
                    found
                        .into_iter()
                        .enumerate()
                        .map(|(n, place)| (place, format!("\"{client}/{round}/{n}\""))),
                );
            }
            places
        })
    });
    let mut places = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        places.extend(client.await.unwrap());
    }
    assert_eq!(places.len(), 3200);
    let mut stored = Vec::new();
    for partition in 0..4 {
        stored.push(kafka.records("crowd", partition).await);
    }
    assert_eq!(stored.iter().map(Vec::len).sum::<usize>(), 3200);
    for ((partition, offset), value) in places {
        assert_eq!(
            text(&stored[partition as usize][offset as usize].1),
            Some(value.as_str())
        );
    }
    assert_eq!(proxy.metric("sluiceway_proxy_queued_bytes"), 0.0);
    assert_eq!(
        proxy.metric(r#"sluiceway_proxy_produced_records_total{format="json"}"#),
        3200.0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_topics_partitions_and_brokers() {
    let kafka = kafka(false).await;
    kafka.create("meta", 2).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    assert_eq!(proxy.get("/topics").await.json(), json!(["meta"]));
    let topic = proxy.get("/topics/meta").await.json();
    assert_eq!(topic["configs"]["cleanup.policy"], "delete");
    let broker = proxy.get("/brokers").await.json()["brokers"][0].clone();
    let partition = json!({"partition": 1, "leader": broker, "replicas": [{"broker": broker, "leader": true, "in_sync": true}]});
    assert_eq!(topic["partitions"][1], partition);
    assert_eq!(
        proxy.get("/topics/meta/partitions/1").await.json(),
        partition
    );
    assert_eq!(
        proxy
            .get("/topics/meta/partitions")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    proxy
        .produce(
            "/topics/meta/partitions/1",
            r#"{"records":[{"value":1},{"value":2}]}"#,
        )
        .await;
    assert_eq!(
        proxy.get("/topics/meta/partitions/1/offsets").await.json(),
        json!({"beginning_offset": 0, "end_offset": 2})
    );
    for (path, code) in [
        ("/topics/none", 40403),
        ("/topics/none/partitions", 40403),
        ("/topics/none/partitions/0", 40403),
        ("/topics/none/partitions/0/offsets", 40403),
        ("/topics/meta/partitions/9", 40402),
        ("/topics/meta/partitions/-1", 40402),
        ("/topics/meta/partitions/9/offsets", 40402),
        ("/topics/meta/partitions/x", 404),
        ("/topics/meta/partitions/99999999999", 404),
        ("/nope", 404),
    ] {
        let answer = proxy.get(path).await;
        assert_eq!(
            (answer.status, answer.json()["error_code"].as_i64()),
            (404, Some(code)),
            "{path}"
        );
        let media = if path == "/nope" { None } else { Some(V2) };
        assert_eq!(answer.header("content-type"), media, "{path}");
    }
    assert_eq!(
        proxy.get("/topics").await.json(),
        json!(["meta"]),
        "reading created a topic"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_without_tls_is_spoken_on_the_same_port() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let requests = (0..20).map(|n| {
        let body = format!(r#"{{"records":[{{"value":{n}}}]}}"#);
        let request = http::Request::post(proxy.url("/topics/h2")).header("content-type", JSON);
        client.request(request.body(Full::new(Bytes::from(body))).unwrap())
    });
    let mut offsets = Vec::new();
    for response in futures_util::future::join_all(requests).await {
        let response = response.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        offsets.push(
            support::read(response).await.json()["offsets"][0]["offset"]
                .as_i64()
                .unwrap(),
        );
    }
    offsets.sort_unstable();
    assert_eq!(offsets, (0..20).collect::<Vec<_>>());
    assert_eq!(
        proxy.metric("sluiceway_proxy_accepted_connections_total"),
        1.0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_blocked_is_refused_behind_its_media_types() {
    let proxy = start(
        "127.0.0.1:1",
        "api.endpoints.blocklist=api.v2.topics.list,api.v2.produce-to-topic.json,api.openapi.get\n",
    )
    .await;
    for (method, path, media, accepted, status, typed) in [
        ("GET", "/topics", "", "*/*", 404, true),
        ("GET", "/topics", "", "text/html", 406, false),
        ("GET", "/topics", "text/plain", V2, 415, true),
        ("HEAD", "/topics", "", "*/*", 404, true),
        ("DELETE", "/topics", "", "*/*", 405, false),
        ("POST", "/topics/t", JSON, V2, 405, true),
        ("POST", "/topics/t", "text/plain", V2, 415, true),
        ("GET", "/openapi.json", "", "*/*", 404, false),
        ("POST", "/openapi.json", "", "*/*", 405, false),
    ] {
        let request = http::Request::builder()
            .method(method)
            .uri(proxy.url(path))
            .header("content-type", media)
            .header("accept", accepted);
        let answer = proxy.send(request).await;
        let expected = (status, typed.then_some(V2));
        let told = (answer.status, answer.header("content-type"));
        assert_eq!(told, expected, "{method} {path} {media} {accepted}");
    }
    let methods = proxy.call(Method::OPTIONS, "/topics", None, b"").await;
    assert_eq!(methods.header("allow"), Some("HEAD,GET,OPTIONS"));
}
