//! Kafka away, Kafka refusing, Kafka back: answers are bounded in time and tell the truth.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use http::Method;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr as E};
use support::{JSON, V2, eventually, start};

const RECORD: &str = r#"{"records":[{"value":1}]}"#;

fn cluster() -> MockCluster<'static, rdkafka::producer::DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 2, 1).unwrap();
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn no_broker_at_all_is_a_bounded_wait() {
    // Nothing listens on this port: it was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let settings = "producer.max.block.ms=700\nsluiceway.metadata.timeout.ms=2000";
    let proxy = start(&format!("127.0.0.1:{port}"), settings).await;
    let started = Instant::now();
    // Many at once wait no longer than one, though few can look at a time.
    let answers = futures_util::future::join_all((0..40).map(|_| proxy.post("/topics/t", RECORD)));
    let answers = answers.await;
    let took = started.elapsed();
    for answer in answers {
        assert_eq!(answer.status, 200);
        let entry = answer.json()["offsets"][0].clone();
        assert_eq!(entry["error_code"], 50003);
        assert_eq!(
            entry["error"],
            "Topic t not present in metadata after 700 ms."
        );
    }
    assert!(
        took > Duration::from_millis(600) && took < Duration::from_secs(5),
        "{took:?}"
    );
    assert_eq!(proxy.get("/").await.status, 200);
    let hurried = start(
        &format!("127.0.0.1:{port}"),
        "sluiceway.metadata.timeout.ms=300",
    )
    .await;
    let topics = hurried.get("/topics").await;
    assert_eq!(
        (topics.status, topics.json()["error_code"].as_i64()),
        (500, Some(50003))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_away_and_comes_back() {
    let cluster = cluster();
    let settings = "producer.delivery.timeout.ms=1500\nproducer.request.timeout.ms=1000\nproducer.reconnect.backoff.max.ms=200";
    let proxy = start(&cluster.bootstrap_servers(), settings).await;
    proxy.produce("/topics/t", RECORD).await;
    cluster.broker_down(1).unwrap();
    let started = Instant::now();
    let answer = proxy
        .post("/topics/t", r#"{"records":[{"value":1},{"value":2}]}"#)
        .await;
    assert_eq!(answer.status, 200);
    for entry in answer.json()["offsets"].as_array().unwrap() {
        assert_eq!(entry["error_code"], 50003, "{entry}");
        assert!(entry["partition"].is_null());
    }
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(proxy.metric("sluiceway_proxy_queued_bytes"), 0.0);
    cluster.broker_up(1).unwrap();
    eventually("records are written again", async || {
        proxy.post("/topics/t", RECORD).await.json()["offsets"][0]["error_code"].is_null()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_does_not_keep_its_bytes() {
    let cluster = cluster();
    let proxy = start(&cluster.bootstrap_servers(), "").await;
    proxy.produce("/topics/t", RECORD).await;
    cluster
        .broker_round_trip_time(1, Duration::from_millis(700))
        .unwrap();
    let impatient =
        tokio::time::timeout(Duration::from_millis(200), proxy.post("/topics/t", RECORD)).await;
    assert!(impatient.is_err());
    assert!(proxy.metric("sluiceway_proxy_queued_bytes") > 0.0);
    eventually("the bytes are given back", async || {
        proxy.metric("sluiceway_proxy_queued_bytes") == 0.0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_their_codes_and_statuses() {
    let cluster = cluster();
    let proxy = start(&cluster.bootstrap_servers(), "").await;
    proxy.produce("/topics/t", RECORD).await;
    for (error, status, code, text) in [
        (
            E::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            403,
            40301,
            "Not authorized to access topics: [t]",
        ),
        (
            E::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
            403,
            40301,
            "Cluster authorization failed.",
        ),
        (
            E::RD_KAFKA_RESP_ERR_INVALID_RECORD,
            200,
            50002,
            "This record has failed the validation on the broker and hence be rejected.",
        ),
        (
            E::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
            200,
            50002,
            "The request included a message larger than the max message size the server will accept.",
        ),
    ] {
        // Others than idempotent producers are told these once and go on.
        cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        let answer = proxy.post("/topics/t", RECORD).await;
        let entry = answer.json()["offsets"][0].clone();
        assert_eq!(
            (answer.status, entry["error_code"].as_i64()),
            (status, Some(code)),
            "{error:?} {entry}"
        );
        assert_eq!(entry["error"], text);
        cluster.clear_request_errors(RDKafkaApiKey::Produce);
        eventually("records are written again", async || {
            proxy.post("/topics/t", RECORD).await.json()["offsets"][0]["error_code"].is_null()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_tried_again() {
    let cluster = cluster();
    let proxy = start(&cluster.bootstrap_servers(), "").await;
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[
            E::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            E::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        ],
    );
    // One batch: this cluster looks at no sequence numbers, so that it would take a second one before the first.
    for expected in [(1, 0), (1, 1)] {
        let written = proxy.produce("/topics/t/partitions/1", RECORD).await;
        assert_eq!(written, [expected]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_that_fails_for_good_is_replaced() {
    let cluster = cluster();
    let proxy = start(&cluster.bootstrap_servers(), "").await;
    // To a partition: records that may go anywhere are written by the proxy itself.
    let path = "/topics/t/partitions/0";
    proxy.produce(path, RECORD).await;
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[E::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER],
    );
    let first = proxy.post(path, RECORD).await;
    assert_eq!(first.status, 200);
    eventually("records are written again", async || {
        proxy.post(path, RECORD).await.json()["offsets"][0]["error_code"].is_null()
    })
    .await;
    assert_eq!(
        proxy.metric("sluiceway_proxy_producer_replacements_total"),
        1.0
    );
}

/// The group's coordinator refuses to tell the committed offset once, as one that has just moved does.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_offset_does_not_end_an_instance() {
    let cluster = cluster();
    let proxy = start(&cluster.bootstrap_servers(), "").await;
    proxy.produce("/topics/t/partitions/0", RECORD).await;
    let instance = r#"{"name":"i","format":"json","auto.offset.reset":"earliest"}"#;
    let post = async |path: &str, body: &str| {
        let body = body.as_bytes();
        proxy.call(Method::POST, path, Some(V2), body).await.status
    };
    assert_eq!(post("/consumers/g", instance).await, 200);
    let chosen = r#"{"partitions":[{"topic":"t","partition":0},{"topic":"t","partition":1}]}"#;
    let path = "/consumers/g/instances/i";
    let assignments = format!("{path}/assignments");
    assert_eq!(post(&assignments, chosen).await, 204);
    let refusal = E::RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    cluster.request_errors(RDKafkaApiKey::OffsetFetch, &[refusal]);
    let records = format!("{path}/records?timeout=1000");
    let read = async || {
        let answer = proxy.accepting(&records, JSON).await.json();
        answer.as_array().map_or(usize::MAX, Vec::len)
    };
    let mut counts = vec![read().await];
    while counts.len() < 20 && counts.last() == Some(&0) {
        counts.push(read().await);
    }
    counts.push(read().await);
    counts.retain(|count| *count > 0);
    assert_eq!(counts, [1], "read once");
    // While there is a cluster: to leave without one takes its time.
    let deleted = proxy.call(Method::DELETE, path, Some(V2), b"").await;
    assert_eq!(deleted.status, 204);
}
