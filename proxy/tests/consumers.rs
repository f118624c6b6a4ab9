//! Consumer instances against the development broker: every sub-resource, what each refuses, and what they leave behind.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use support::{Answer, BINARY, JSON, Kafka, Running, V2, eventually, kafka, start};

/// A proxy, a broker, and the topic `o` of two partitions with three records each.
async fn scene(properties: &str) -> (Kafka, Running) {
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

trait Calls {
    async fn create(&self, group: &str, body: &str) -> String;
    async fn at(&self, method: Method, path: &str, body: &str) -> Answer;
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

/// Partition and offset of each record.
fn places(records: &Value) -> Vec<(i64, i64)> {
    let place = |record: &Value| {
        (
            record["partition"].as_i64().unwrap(),
            record["offset"].as_i64().unwrap(),
        )
    };
    records.as_array().unwrap().iter().map(place).collect()
}

const EARLIEST: &str = r#"{"name":"i","format":"json","auto.offset.reset":"earliest","auto.commit.enable":"false","consumer.request.timeout.ms":"10000"}"#;
const ALL: [(i64, i64); 6] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)];

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_reads_everything_and_answers_before_its_time() {
    let (_kafka, proxy) = scene("").await;
    let i = proxy.create("g", EARLIEST).await;
    assert_eq!(
        proxy
            .at(Method::GET, &format!("{i}/subscription"), "")
            .await
            .json(),
        json!({"topics": []})
    );
    proxy
        .done(
            Method::POST,
            &format!("{i}/subscription"),
            r#"{"topics":["o"],"topic_pattern":"x"}"#,
        )
        .await;
    assert_eq!(
        proxy
            .at(Method::GET, &format!("{i}/subscription"), "")
            .await
            .json(),
        json!({"topics": ["o"]})
    );
    assert_eq!(
        proxy
            .at(Method::GET, &format!("{i}/assignments"), "")
            .await
            .json(),
        json!({"partitions": []})
    );
    let started = Instant::now();
    let records = proxy.records(&i, "").await;
    assert!(
        started.elapsed() < Duration::from_secs(9),
        "{:?}",
        started.elapsed()
    );
    let mut found = places(&records);
    found.sort_unstable();
    assert_eq!(found, ALL);
    let first = records
        .as_array()
        .unwrap()
        .iter()
        .find(|record| record["offset"] == 0)
        .unwrap();
    let members: Vec<_> = first.as_object().unwrap().keys().collect();
    assert_eq!(members, ["topic", "key", "value", "partition", "offset"]);
    assert_eq!(
        (&first["key"], &first["value"]),
        (&json!("a"), &json!({"n": 0}))
    );
    let assigned = proxy
        .at(Method::GET, &format!("{i}/assignments"), "")
        .await
        .json();
    assert_eq!(assigned["partitions"].as_array().unwrap().len(), 2);
    // Nothing new: the whole time is waited.
    let started = Instant::now();
    assert_eq!(proxy.records(&i, "?timeout=400").await, json!([]));
    assert!(started.elapsed() >= Duration::from_millis(390));
    // A record that comes meanwhile ends the wait.
    let started = Instant::now();
    let produce = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        proxy
            .produce("/topics/o/partitions/1", r#"{"records":[{"value":3}]}"#)
            .await;
    };
    let (records, ()) = tokio::join!(proxy.records(&i, "?timeout=8000"), produce);
    assert_eq!(places(&records), [(1, 3)]);
    assert!(started.elapsed() < Duration::from_secs(6));
    assert_eq!(
        proxy.metric("sluiceway_proxy_consumed_records_total{format=\"json\"}"),
        7.0
    );
    proxy.done(Method::DELETE, &i, "").await;
    assert_eq!(proxy.refused(Method::DELETE, &i, "").await, (404, 40403));
    assert_eq!(proxy.metric("sluiceway_proxy_consumer_instances"), 0.0);
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_committed_and_read() {
    let (_kafka, proxy) = scene("").await;
    let i = proxy.create("g", EARLIEST).await;
    let offsets = format!("{i}/offsets");
    let both = r#"{"partitions":[{"topic":"o","partition":0},{"topic":"o","partition":1},{"topic":"nope","partition":0}]}"#;
    let committed = async || proxy.at(Method::GET, &offsets, both).await.json()["offsets"].clone();
    assert_eq!(committed().await, json!([]));
    proxy
        .done(
            Method::POST,
            &format!("{i}/subscription"),
            r#"{"topics":["o"]}"#,
        )
        .await;
    assert_eq!(proxy.records(&i, "").await.as_array().unwrap().len(), 6);
    let answer = proxy.at(Method::POST, &offsets, "").await;
    assert_eq!((answer.status, answer.json()), (200, json!([])));
    let at = |partition: i32, offset: i64, metadata: &str| json!({"topic": "o", "partition": partition, "offset": offset, "metadata": metadata});
    assert_eq!(committed().await, json!([at(0, 3, ""), at(1, 3, "")]));
    let explicit = r#"{"offsets":[{"topic":"o","partition":0,"offset":1,"metadata":"md"}]}"#;
    assert_eq!(proxy.at(Method::POST, &offsets, explicit).await.status, 200);
    assert_eq!(committed().await, json!([at(0, 2, "md"), at(1, 3, "")]));
    for (body, expected) in [
        (
            r#"{"offsets":[{"topic":"o","partition":0,"offset":-5}]}"#,
            (500, 500),
        ),
        (
            r#"{"offsets":[{"topic":"o","partition":0,"offset":"x"}]}"#,
            (400, 400),
        ),
        (
            r#"{"offsets":[{"topic":"o","partition":9,"offset":1}]}"#,
            (500, 50003),
        ),
        (
            r#"{"offsets":[{"topic":"nope","partition":0,"offset":1}]}"#,
            (500, 50003),
        ),
        ("{}", (500, 500)),
    ] {
        assert_eq!(
            proxy.refused(Method::POST, &offsets, body).await,
            expected,
            "{body}"
        );
    }
    assert_eq!(proxy.refused(Method::GET, &offsets, "").await, (404, 40402));
    proxy.done(Method::DELETE, &i, "").await;
    // The next member goes on where the commits say.
    let next = proxy.create("g", EARLIEST).await;
    proxy
        .done(
            Method::POST,
            &format!("{next}/subscription"),
            r#"{"topics":["o"]}"#,
        )
        .await;
    assert_eq!(
        places(&proxy.records(&next, "?timeout=3000").await),
        [(0, 2)]
    );
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_committed_by_itself_and_no_more() {
    let (_kafka, proxy) = scene("").await;
    let options = EARLIEST.replace("\"false\"", "true");
    let i = proxy.create("auto", &options).await;
    proxy
        .done(
            Method::POST,
            &format!("{i}/subscription"),
            r#"{"topics":["o"]}"#,
        )
        .await;
    assert_eq!(places(&proxy.records(&i, "?max_bytes=12").await), [(0, 0)]);
    proxy.done(Method::DELETE, &i, "").await;
    let next = proxy.create("auto", &options).await;
    proxy
        .done(
            Method::POST,
            &format!("{next}/subscription"),
            r#"{"topics":["o"]}"#,
        )
        .await;
    let mut rest = places(&proxy.records(&next, "").await);
    rest.sort_unstable();
    assert_eq!(rest, ALL[1..]);
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_move_both_ways() {
    let (_kafka, proxy) = scene("").await;
    let i = proxy.create("g", EARLIEST).await;
    let both = r#"{"partitions":[{"topic":"o","partition":0},{"topic":"o","partition":1}]}"#;
    proxy
        .done(Method::POST, &format!("{i}/assignments"), both)
        .await;
    // Before anything was read, too.
    let to_two = r#"{"offsets":[{"topic":"o","partition":0,"offset":2},{"topic":"o","partition":1,"offset":2}]}"#;
    proxy
        .done(Method::POST, &format!("{i}/positions"), to_two)
        .await;
    assert_eq!(places(&proxy.records(&i, "").await), [(0, 2), (1, 2)]);
    for _ in 0..5 {
        proxy
            .done(Method::POST, &format!("{i}/positions/beginning"), both)
            .await;
        assert_eq!(places(&proxy.records(&i, "?max_bytes=17").await), ALL[..1]);
        assert_eq!(places(&proxy.records(&i, "").await), ALL[1..]);
    }
    let one = r#"{"offsets":[{"topic":"o","partition":0,"offset":1}]}"#;
    proxy
        .done(Method::POST, &format!("{i}/positions"), one)
        .await;
    assert_eq!(places(&proxy.records(&i, "").await), [(0, 1), (0, 2)]);
    proxy
        .done(Method::POST, &format!("{i}/positions/beginning"), both)
        .await;
    proxy
        .done(Method::POST, &format!("{i}/positions/end"), both)
        .await;
    assert_eq!(proxy.records(&i, "?timeout=500").await, json!([]));
    let times = r#"{"timestamps":[{"topic":"o","partition":0,"timestamp":"2001-01-01T00:00:00Z"},{"topic":"o","partition":1,"timestamp":"2101-01-01T00:00:00Z"}]}"#;
    proxy
        .done(Method::POST, &format!("{i}/positions"), times)
        .await;
    assert_eq!(places(&proxy.records(&i, "").await), ALL[..3]);
    proxy
        .done(Method::POST, &format!("{i}/positions"), "{}")
        .await;
    for (path, body, expected) in [
        (
            "positions",
            r#"{"offsets":[{"topic":"nope","partition":0,"offset":1}]}"#,
            (409, 40903),
        ),
        (
            "positions/beginning",
            r#"{"partitions":[{"topic":"o","partition":9}]}"#,
            (409, 40903),
        ),
        (
            "positions",
            r#"{"offsets":[{"topic":"o","partition":0,"offset":-1}]}"#,
            (422, 422),
        ),
        ("positions/end", "{}", (500, 500)),
        ("positions", "[]", (400, 400)),
    ] {
        let path = format!("{i}/{path}");
        assert_eq!(
            proxy.refused(Method::POST, &path, body).await,
            expected,
            "{path} {body}"
        );
    }
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_topics_pattern_and_partitions_at_a_time() {
    let (_kafka, proxy) = scene("").await;
    let i = proxy.create("g", EARLIEST).await;
    let (subscription, assignments) = (format!("{i}/subscription"), format!("{i}/assignments"));
    let (topics, pattern, partitions) = (
        r#"{"topics":["o"]}"#,
        r#"{"topic_pattern":"o|u"}"#,
        r#"{"partitions":[{"topic":"o","partition":0}]}"#,
    );
    let records = format!("{i}/records");
    assert_eq!(proxy.accepting(&records, JSON).await.status, 500);
    proxy.done(Method::POST, &subscription, "{}").await;
    proxy.done(Method::POST, &subscription, topics).await;
    assert_eq!(
        proxy.refused(Method::POST, &assignments, partitions).await,
        (409, 40903)
    );
    assert_eq!(
        proxy.refused(Method::POST, &subscription, pattern).await,
        (409, 40903)
    );
    proxy.records(&i, "").await;
    proxy.done(Method::DELETE, &subscription, "").await;
    proxy.done(Method::DELETE, &subscription, "").await;
    assert_eq!(proxy.accepting(&records, JSON).await.status, 500);
    proxy.done(Method::POST, &assignments, partitions).await;
    assert_eq!(
        proxy.refused(Method::POST, &subscription, topics).await,
        (409, 40903)
    );
    assert_eq!(
        proxy.refused(Method::POST, &assignments, "{}").await,
        (500, 500)
    );
    assert_eq!(
        proxy
            .refused(
                Method::POST,
                &assignments,
                r#"{"partitions":[{"topic":"o"}]}"#
            )
            .await,
        (500, 500)
    );
    proxy
        .done(Method::POST, &assignments, r#"{"partitions":[]}"#)
        .await;
    assert_eq!(
        proxy
            .refused(Method::POST, &subscription, r#"{"topic_pattern":"["}"#)
            .await,
        (500, 500)
    );
    proxy.done(Method::POST, &subscription, pattern).await;
    assert_eq!(
        proxy.at(Method::GET, &subscription, "").await.json(),
        json!({"topics": []})
    );
    assert_eq!(proxy.records(&i, "").await.as_array().unwrap().len(), 6);
    assert_eq!(
        proxy.at(Method::GET, &subscription, "").await.json(),
        json!({"topics": ["o"]})
    );
    proxy.proxy.drain().await;
}

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
    for query in ["?timeout=x", "?max_bytes=x"] {
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
    proxy
        .done(
            Method::POST,
            &format!("{i}/subscription"),
            r#"{"topics":["raw"]}"#,
        )
        .await;
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
    assert_eq!(proxy.records(&i, "").await[0]["value"], json!({"n": 1}));
    let binary = proxy.create("b", r#"{"auto.offset.reset":"earliest","fetch.min.bytes":1,"consumer.request.timeout.ms":9000}"#).await;
    proxy
        .done(
            Method::POST,
            &format!("{binary}/subscription"),
            r#"{"topics":["raw"]}"#,
        )
        .await;
    let answer = proxy.get(&format!("{binary}/records")).await;
    assert_eq!(answer.header("content-type"), Some(BINARY));
    assert_eq!(
        answer.json()[0],
        json!({"topic": "raw", "key": null, "value": "aGVsbG8=", "partition": 0, "offset": 0})
    );
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reset_policy_is_told_until_someone_seeks() {
    let (_kafka, proxy) = scene("").await;
    let i = proxy
        .create("g", &EARLIEST.replace("earliest", "none"))
        .await;
    proxy
        .done(
            Method::POST,
            &format!("{i}/assignments"),
            r#"{"partitions":[{"topic":"o","partition":0}]}"#,
        )
        .await;
    for _ in 0..2 {
        let answer = proxy.accepting(&format!("{i}/records"), JSON).await;
        let text = "Undefined offset with no reset policy for partitions: [o-0]";
        assert_eq!(
            (answer.status, answer.json()),
            (500, json!({"error_code": 50002, "message": text}))
        );
    }
    proxy
        .done(
            Method::POST,
            &format!("{i}/positions/beginning"),
            r#"{"partitions":[{"topic":"o","partition":0}]}"#,
        )
        .await;
    assert_eq!(places(&proxy.records(&i, "").await), ALL[..3]);
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_shares_partitions_and_a_slow_member_holds_up_no_other_instance() {
    let (_kafka, proxy) = scene("consumer.instance.timeout.ms=60000\n").await;
    let a = proxy.create("g", &EARLIEST.replace("10000", "1000")).await;
    let b = proxy
        .create(
            "g",
            &EARLIEST.replace("10000", "1000").replace("\"i\"", "\"j\""),
        )
        .await;
    for i in [&a, &b] {
        proxy
            .done(
                Method::POST,
                &format!("{i}/subscription"),
                r#"{"topics":["o"]}"#,
            )
            .await;
    }
    let other = proxy.create("other", EARLIEST).await;
    proxy
        .done(
            Method::POST,
            &format!("{other}/assignments"),
            r#"{"partitions":[{"topic":"o","partition":0}]}"#,
        )
        .await;
    let shared = async {
        for _ in 0..30 {
            tokio::join!(proxy.records(&a, ""), proxy.records(&b, ""));
            let one = |i: &str| format!("{i}/assignments");
            let first = proxy.at(Method::GET, &one(&a), "").await.json();
            let second = proxy.at(Method::GET, &one(&b), "").await.json();
            let count = |found: &Value| found["partitions"].as_array().unwrap().len();
            if (count(&first), count(&second)) == (1, 1) {
                assert_ne!(first, second);
                return;
            }
        }
        panic!("the partitions were never shared");
    };
    let quick = async {
        assert_eq!(places(&proxy.records(&other, "").await), ALL[..3]);
        // A read that waits for nothing does not hold up a look at another instance.
        let (started, look) = (Instant::now(), format!("{a}/subscription"));
        let (_, answer) = tokio::join!(
            proxy.records(&other, "?timeout=2000"),
            proxy.at(Method::GET, &look, "")
        );
        assert_eq!(answer.status, 200);
        assert!(started.elapsed() < Duration::from_secs(4));
    };
    tokio::join!(shared, quick);
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_expire_are_bounded_and_unique() {
    let (_kafka, proxy) =
        scene("consumer.instance.timeout.ms=1500\nsluiceway.consumer.instances.max=2\nid=lab\n")
            .await;
    let i = proxy.create("g", EARLIEST).await;
    assert_eq!(
        proxy.refused(Method::POST, "/consumers/g", EARLIEST).await,
        (409, 40902)
    );
    let second = proxy.create("g", "").await;
    assert!(second.contains("/rest-consumer-lab-"), "{second}");
    let full = proxy.at(Method::POST, "/consumers/g", "").await;
    assert_eq!((full.status, full.header("retry-after")), (429, Some("1")));
    proxy.done(Method::DELETE, &second, "").await;
    // A read under way keeps it alive, and so does any look.
    proxy
        .done(
            Method::POST,
            &format!("{i}/assignments"),
            r#"{"partitions":[{"topic":"o","partition":0}]}"#,
        )
        .await;
    proxy.records(&i, "").await;
    proxy.records(&i, "?timeout=2500").await;
    assert_eq!(
        proxy
            .at(Method::GET, &format!("{i}/assignments"), "")
            .await
            .status,
        200
    );
    eventually("the instance expires", async || {
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.metric("sluiceway_proxy_consumer_instances") == 0.0
    })
    .await;
    assert_eq!(
        proxy
            .at(Method::GET, &format!("{i}/assignments"), "")
            .await
            .status,
        404
    );
    assert_eq!(
        proxy.metric("sluiceway_proxy_consumer_instances_closed_total{reason=\"expired\"}"),
        1.0
    );
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_follow_settings_and_front_servers() {
    let kafka = kafka(true).await;
    let proxy = start(
        &kafka.bootstrap(),
        "sluiceway.forwarded.headers.enable=true\n",
    )
    .await;
    let request = format!(
        "POST /consumers/g HTTP/1.1\r\nHost: inner:1\r\nX-Forwarded-Host: api.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /kafka\r\nContent-Type: {V2}\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{{\"name\":\"a\"}}"
    );
    let answer = proxy.raw(request.as_bytes()).await;
    assert!(
        answer.contains("\"base_uri\":\"https://api.example/kafka/consumers/g/instances/a\""),
        "{answer}"
    );
    proxy.proxy.drain().await;
    let proxy = start(
        &kafka.bootstrap(),
        "sluiceway.public.url=https://rest.example/k/\n",
    )
    .await;
    let answer = proxy
        .at(Method::POST, "/consumers/g", r#"{"name":"sp ace"}"#)
        .await;
    assert_eq!(
        answer.json()["base_uri"],
        "https://rest.example/k/consumers/g/instances/sp ace"
    );
    proxy
        .done(Method::DELETE, "/consumers/g/instances/sp%20ace", "")
        .await;
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_instances_read_side_by_side() {
    let (_kafka, proxy) = scene("").await;
    let proxy = std::sync::Arc::new(proxy);
    let started = Instant::now();
    let mut reads = tokio::task::JoinSet::new();
    for number in 0..40 {
        let proxy = std::sync::Arc::clone(&proxy);
        reads.spawn(async move {
            let i = proxy.create(&format!("g{number}"), EARLIEST).await;
            let one = r#"{"partitions":[{"topic":"o","partition":0},{"topic":"o","partition":1}]}"#;
            proxy
                .done(Method::POST, &format!("{i}/assignments"), one)
                .await;
            places(&proxy.records(&i, "").await)
        });
    }
    while let Some(found) = reads.join_next().await {
        let mut found = found.unwrap();
        found.sort_unstable();
        assert_eq!(found, ALL);
    }
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(proxy.metric("sluiceway_proxy_consumer_instances"), 40.0);
    std::sync::Arc::try_unwrap(proxy)
        .ok()
        .unwrap()
        .proxy
        .drain()
        .await;
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
    proxy
        .done(
            Method::POST,
            &format!("{i}/subscription"),
            r#"{"topics":["a"]}"#,
        )
        .await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_replaced_by_the_next() {
    let (_kafka, proxy) = scene("").await;
    proxy
        .produce("/topics/p", r#"{"records":[{"value":1},{"value":2}]}"#)
        .await;
    let i = proxy.create("g", EARLIEST).await;
    let subscription = format!("{i}/subscription");
    proxy
        .done(Method::POST, &subscription, r#"{"topics":["o"]}"#)
        .await;
    // One record is answered, the others are not: they are not seen again.
    assert_eq!(places(&proxy.records(&i, "?max_bytes=1").await).len(), 1);
    proxy
        .done(Method::POST, &subscription, r#"{"topics":["p"]}"#)
        .await;
    let mut values = Vec::new();
    for _ in 0..5 {
        let records = proxy.records(&i, "?timeout=3000").await;
        for record in records.as_array().unwrap() {
            assert_eq!(record["topic"], "p");
            values.push(record["value"].clone());
        }
        if values.len() == 2 {
            break;
        }
    }
    assert_eq!(values, [json!(1), json!(2)]);
    let assigned = proxy
        .at(Method::GET, &format!("{i}/assignments"), "")
        .await
        .json();
    assert_eq!(
        assigned,
        json!({"partitions": [{"topic": "p", "partition": 0}]})
    );
    proxy.proxy.drain().await;
}
