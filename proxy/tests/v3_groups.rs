//! v3: consumer groups, their members, assignments and lags.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::json;
use support::{kafka, start};

/// A member of group `g` that reads topic `t` and has committed offset 1 of both partitions.
fn member(bootstrap: &str) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "g")
        .set("client.id", "reader")
        .set("partition.assignment.strategy", "range")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    consumer.subscribe(&["t"]).unwrap();
    for _ in 0..200 {
        drop(consumer.poll(Duration::from_millis(50)));
        if consumer.assignment().unwrap().count() == 2 {
            break;
        }
    }
    let mut offsets = TopicPartitionList::new();
    for partition in 0..2 {
        offsets
            .add_partition_offset("t", partition, Offset::Offset(1))
            .unwrap();
    }
    consumer.commit(&offsets, CommitMode::Sync).unwrap();
    consumer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_its_member_and_its_lags() {
    let kafka = kafka(false).await;
    kafka.create("t", 2).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    let records = r#"{"records":[{"value":1,"partition":0},{"value":2,"partition":0},{"value":3,"partition":0},{"value":1,"partition":1}]}"#;
    proxy.produce("/topics/t", records).await;
    let bootstrap = kafka.bootstrap();
    let consumer = tokio::task::spawn_blocking(move || member(&bootstrap))
        .await
        .unwrap();

    let clusters = proxy.get("/v3/clusters").await.json();
    let id = clusters["data"][0]["cluster_id"].as_str().unwrap();
    let base = format!("/v3/clusters/{id}/consumer-groups");
    let get = async |tail: &str| proxy.get(&format!("{base}{tail}")).await.json();
    let group = get("/g").await;
    assert_eq!(
        (&group["state"], &group["is_simple"]),
        (&json!("STABLE"), &json!(false))
    );
    assert_eq!(group["partition_assignor"], "range");
    assert_eq!(get("").await["data"], json!([group]));

    let members = get("/g/consumers").await;
    let member = &members["data"][0];
    assert_eq!(
        (&member["client_id"], &member["instance_id"]),
        (&json!("reader"), &json!(null))
    );
    let member_id = member["consumer_id"].as_str().unwrap();
    assert_eq!(get(&format!("/g/consumers/{member_id}")).await, *member);
    let tail = format!("/g/consumers/{member_id}/assignments");
    let assignments = get(&tail).await;
    assert_eq!(assignments["data"].as_array().unwrap().len(), 2);
    let assignment = get(&format!("{tail}/t/partitions/1")).await;
    assert_eq!(assignments["data"][1], assignment);

    let lags = get("/g/lags").await;
    let told: Vec<_> = lags["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| {
            (
                l["partition_id"].as_i64().unwrap(),
                l["lag"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [(0, 2), (1, 0)]);
    assert_eq!(get("/g/lags/t/partitions/0").await, lags["data"][0]);
    assert_eq!(lags["data"][0]["consumer_id"], member_id);
    let summary = get("/g/lag-summary").await;
    assert_eq!(
        (&summary["max_lag"], &summary["total_lag"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(summary["max_lag_partition_id"], 0);

    for (tail, text) in [
        ("/none", "HTTP 404 Not Found"),
        ("/none/consumers", "Consumer Group none does not exist."),
        ("/none/lags", "Consumer Group none could not be found."),
        (
            "/none/lag-summary",
            "Consumer Group none could not be found.",
        ),
        ("/g/consumers/zz", "HTTP 404 Not Found"),
        ("/g/consumers/zz/assignments", "Consumer zz does not exist."),
        ("/g/lags/t/partitions/9", "HTTP 404 Not Found"),
    ] {
        assert_eq!(get(tail).await, json!({"error_code": 404, "message": text}));
    }
    tokio::task::spawn_blocking(move || drop(consumer))
        .await
        .unwrap();
    let left = get("/g").await;
    assert_eq!(
        (&left["state"], &left["partition_assignor"]),
        (&json!("EMPTY"), &json!(""))
    );
    let summary = get("/g/lag-summary").await;
    assert_eq!(summary["max_lag_consumer_id"], "");
    let all = summary["max_lag_consumer"]["related"].as_str().unwrap();
    assert!(all.ends_with("/g/consumers"), "{all}");
}
