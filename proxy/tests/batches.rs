//! Batches that the proxy writes itself: they land once, whatever becomes of answers, and what a broker does not take is not
//! lost.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dev_services::broker::{Broker, BrokerOptions};
use futures_util::future::join_all;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr as E};
use serde_json::json;
use support::relay::Relay;
use support::{Kafka, Running, kafka, start};

const BATCHES: &str = "sluiceway_proxy_batches_total";

/// How many batches had this result.
fn batches(proxy: &Running, result: &str) -> f64 {
    let line = format!("{BATCHES}{{result=\"{result}\"}}");
    let text = proxy.metrics();
    let found = text.lines().find_map(|have| have.strip_prefix(&line));
    found.map_or(0.0, |number| number.trim().parse().unwrap())
}

/// A request of so many records whose values begin with `from`.
fn records(from: usize, count: usize, padding: usize) -> String {
    let padding = "x".repeat(padding);
    let record = |number| json!({"value": {"n": number, "p": padding}});
    let records: Vec<_> = (from..from + count).map(record).collect();
    json!({ "records": records }).to_string()
}

/// The numbers of all records of a partition, in order.
async fn numbers(kafka: &Kafka, topic: &str, partition: i32) -> Vec<u64> {
    let number = |value: Vec<u8>| {
        let value: serde_json::Value = serde_json::from_slice(&value).unwrap();
        value["n"].as_u64().unwrap()
    };
    let records = kafka.records(topic, partition).await;
    records
        .into_iter()
        .map(|(_, value)| number(value.unwrap()))
        .collect()
}

/// A broker behind a relay that loses answers when told to.
async fn behind_a_relay() -> (Kafka, Arc<AtomicUsize>) {
    let relay = Relay::bind().await;
    let folder = tempfile::tempdir().unwrap();
    let options = BrokerOptions {
        advertised_port: Some(relay.port()),
        ..BrokerOptions::new(folder.path())
    };
    let broker = Broker::start(options).await.unwrap();
    let losing = relay.forward(broker.bootstrap().parse().unwrap());
    (Kafka::of(broker, folder), losing)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_answer_is_lost_lies_there_once() {
    let (kafka, losing) = behind_a_relay().await;
    kafka.create("t", 1).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let first = proxy.produce("/topics/t", &records(0, 3, 0)).await;
    assert_eq!(first, [(0, 0), (0, 1), (0, 2)]);
    for round in 1..=3 {
        losing.store(round, Ordering::SeqCst);
        let from = round * 3;
        let written = proxy.produce("/topics/t", &records(from, 3, 0)).await;
        let expected: Vec<_> = (from..from + 3)
            .map(|n| (0, i64::try_from(n).unwrap()))
            .collect();
        assert_eq!(written, expected, "round {round}");
        assert_eq!(losing.load(Ordering::SeqCst), 0);
    }
    let all: Vec<u64> = (0..12).collect();
    assert_eq!(numbers(&kafka, "t", 0).await, all);
    assert_eq!(batches(&proxy, "landed"), 4.0);
    assert_eq!(batches(&proxy, "repeated"), 6.0);
    assert_eq!(
        batches(&proxy, "handed_over") + batches(&proxy, "failed"),
        0.0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_answers_in_time_the_records_fail_and_the_next_ones_do_not() {
    let (kafka, losing) = behind_a_relay().await;
    kafka.create("t", 1).await;
    let settings = "producer.delivery.timeout.ms=1500\nproducer.request.timeout.ms=1000";
    let proxy = start(&kafka.bootstrap(), settings).await;
    proxy.produce("/topics/t", &records(0, 1, 0)).await;
    losing.store(usize::MAX, Ordering::SeqCst);
    let answer = proxy.post("/topics/t", &records(1, 2, 0)).await;
    for entry in answer.json()["offsets"].as_array().unwrap() {
        assert_eq!(entry["error_code"], 50003, "{entry}");
    }
    assert_eq!(batches(&proxy, "failed"), 1.0);
    losing.store(0, Ordering::SeqCst);
    let next = proxy.produce("/topics/t", &records(3, 1, 0)).await;
    assert_eq!(next, [(0, 3)], "those of the batch before did land");
    assert_eq!(numbers(&kafka, "t", 0).await, [0, 1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broker_does_not_take_now_goes_by_the_client_library() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let proxy = start(&cluster.bootstrap_servers(), "").await;
    assert_eq!(
        proxy.produce("/topics/t", &records(0, 1, 0)).await,
        [(0, 0)]
    );
    for (number, error) in [
        E::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        E::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
    ]
    .into_iter()
    .enumerate()
    {
        cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        let offset = i64::try_from(number + 1).unwrap();
        let written = proxy.produce("/topics/t", &records(1, 1, 0)).await;
        assert_eq!(written, [(0, offset)], "{error:?}");
    }
    assert_eq!(batches(&proxy, "handed_over"), 2.0);
    assert_eq!(batches(&proxy, "landed"), 1.0);
    assert_eq!(batches(&proxy, "repeated"), 0.0);
    assert_eq!(
        proxy.produce("/topics/t", &records(5, 1, 0)).await,
        [(0, 3)]
    );
    assert_eq!(
        batches(&proxy, "landed"),
        2.0,
        "the next is written by the proxy again"
    );
}

/// A broker may have appended what it answers so: when it ceases to lead while others copy the batch.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_moves_is_looked_up_and_gets_the_same_batch() {
    let cluster = MockCluster::new(2).unwrap();
    cluster.create_topic("t", 1, 2).unwrap();
    cluster.partition_leader("t", 0, Some(1)).unwrap();
    let proxy = start(&cluster.bootstrap_servers(), "").await;
    assert_eq!(
        proxy.produce("/topics/t", &records(0, 1, 0)).await,
        [(0, 0)]
    );
    cluster.partition_leader("t", 0, Some(2)).unwrap();
    assert_eq!(
        proxy.produce("/topics/t", &records(1, 2, 0)).await,
        [(0, 1), (0, 2)]
    );
    assert_eq!(batches(&proxy, "repeated"), 1.0);
    assert_eq!(batches(&proxy, "landed"), 2.0);
    assert_eq!(batches(&proxy, "handed_over"), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_too_large_together_land_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let options = BrokerOptions {
        message_max_bytes: 5_000,
        ..BrokerOptions::new(folder.path())
    };
    let kafka = Kafka::of(Broker::start(options).await.unwrap(), folder);
    kafka.create("t", 1).await;
    // However long the batches before take: none of these goes by the client library.
    let settings = "sluiceway.produce.turn.wait.ms=10000";
    let proxy = start(&kafka.bootstrap(), settings).await;
    let bodies: Vec<_> = (0..60)
        .map(|n| records(n, 1, if n == 30 { 6_000 } else { 2_000 }))
        .collect();
    let answers = join_all(bodies.iter().map(|body| proxy.post("/topics/t", body))).await;
    for (number, answer) in answers.iter().enumerate() {
        let entry = answer.json()["offsets"][0].clone();
        let code = (number == 30).then_some(50002);
        assert_eq!(entry["error_code"].as_i64(), code, "{number}: {entry}");
    }
    let mut written = numbers(&kafka, "t", 0).await;
    written.sort_unstable();
    let expected: Vec<u64> = (0..60).filter(|n| *n != 30).collect();
    assert_eq!(written, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_only_the_client_library_knows_are_honoured() {
    let kafka = kafka(true).await;
    for settings in [
        "producer.compression.type=gzip",
        "producer.acks=0",
        "sluiceway.produce.batch.connections=0",
    ] {
        let proxy = start(&kafka.bootstrap(), settings).await;
        let answer = proxy.post("/topics/u", &records(0, 2, 0)).await;
        assert!(
            answer.json()["offsets"][0]["error_code"].is_null(),
            "{answer:?}"
        );
        assert_eq!(batches(&proxy, "landed"), 0.0, "{settings}");
    }
    assert_eq!(numbers(&kafka, "u", 0).await.len(), 6);
}
