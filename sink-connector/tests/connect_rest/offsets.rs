//! Committed offsets through the API.

use serde_json::{Value, json};

use crate::stage::{Stage, call, create, rest, states, until};

fn change(topic: &str, partition: i32, offset: &Value) -> Value {
    json!({"offsets": [{"partition": {"kafka_topic": topic, "kafka_partition": partition}, "offset": offset}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_a_stopped_connector_are_altered_and_removed() {
    let stage = Stage::new().await;
    stage.create_topic("t", 2).await;
    for partition in 0..2 {
        stage.produce("t", partition, 6).await;
    }
    let worker = stage.worker().await;
    let at = rest(&worker);
    create(at, "c", &stage.connector("t"), &["RUNNING", "RUNNING"]).await;
    let offset =
        |reply: &Value, index: usize| reply["offsets"][index]["offset"]["kafka_offset"].as_i64();
    until(at, "/connectors/c/offsets", |reply| {
        offset(&reply.body, 0) == Some(6) && offset(&reply.body, 1) == Some(6)
    })
    .await;

    let running = call(
        at,
        "PATCH",
        "/connectors/c/offsets",
        Some(&change("t", 0, &json!({"kafka_offset": 0}))),
    )
    .await;
    assert_eq!(running.status, 400);
    assert!(
        running.text.contains("must be in the STOPPED state"),
        "{}",
        running.text
    );
    assert_eq!(
        call(at, "DELETE", "/connectors/c/offsets", None)
            .await
            .status,
        400
    );

    assert_eq!(
        call(at, "PUT", "/connectors/c/stop", None).await.status,
        204
    );
    let nowhere = call(
        at,
        "PATCH",
        "/connectors/c/offsets",
        Some(&change("x", 0, &json!({"kafka_offset": 0}))),
    )
    .await;
    assert_eq!(nowhere.status, 400, "{}", nowhere.text);
    let unreadable = call(
        at,
        "PATCH",
        "/connectors/c/offsets",
        Some(&change("t", 0, &json!({"kafka_offset": null}))),
    )
    .await;
    assert_eq!(unreadable.status, 400);
    assert!(
        unreadable.text.contains("in the provided offsets: 'null'."),
        "{}",
        unreadable.text
    );
    let altered = call(
        at,
        "PATCH",
        "/connectors/c/offsets",
        Some(&change("t", 0, &json!({"kafka_offset": "3"}))),
    )
    .await;
    assert_eq!(altered.status, 200, "{}", altered.text);
    assert_eq!(
        call(at, "GET", "/connectors/c/offsets", None).await.body,
        json!({"offsets": [
            {"partition": {"kafka_partition": 0, "kafka_topic": "t"}, "offset": {"kafka_offset": 3}},
            {"partition": {"kafka_partition": 1, "kafka_topic": "t"}, "offset": {"kafka_offset": 6}},
        ]})
    );

    // Null removes one partition's offset and leaves the other.
    let removed = call(
        at,
        "PATCH",
        "/connectors/c/offsets",
        Some(&change("t", 0, &Value::Null)),
    )
    .await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    assert_eq!(
        call(at, "GET", "/connectors/c/offsets", None).await.body,
        json!({"offsets": [{"partition": {"kafka_partition": 1, "kafka_topic": "t"}, "offset": {"kafka_offset": 6}}]})
    );
    let reset = call(at, "DELETE", "/connectors/c/offsets", None).await;
    assert_eq!(reset.status, 200, "{}", reset.text);
    assert!(reset.text.contains("have been reset successfully"));
    assert_eq!(
        call(at, "DELETE", "/connectors/c/offsets", None)
            .await
            .status,
        200,
        "a group that is not there"
    );
    assert_eq!(
        call(at, "GET", "/connectors/c/offsets", None).await.body,
        json!({"offsets": []})
    );

    // It begins again at the first record.
    assert_eq!(
        call(at, "PUT", "/connectors/c/resume", None).await.status,
        202
    );
    until(at, "/connectors/c/offsets", |reply| {
        offset(&reply.body, 0) == Some(6)
    })
    .await;
    assert_eq!(stage.objects("bucket").len(), 4);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_with_members_keeps_its_offsets() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let worker = stage
        .worker_with("sluiceway.kafka.timeout.ms=700\n", Vec::new())
        .await;
    let at = rest(&worker);
    // Two connectors in one group: one of them is stopped, the other is not.
    let mut config = stage.connector("t");
    config.insert("consumer.override.group.id".into(), "shared".into());
    create(at, "a", &config, &["RUNNING", "RUNNING"]).await;
    create(at, "b", &config, &["RUNNING", "RUNNING"]).await;
    stage.produce("t", 0, 3).await;
    let committed =
        |reply: &crate::stage::Reply| reply.body["offsets"][0]["offset"]["kafka_offset"] == 3;
    until(at, "/connectors/a/offsets", committed).await;
    assert_eq!(
        call(at, "PUT", "/connectors/a/stop", None).await.status,
        204
    );
    let zero = change("t", 0, &json!({"kafka_offset": 0}));
    for (method, body) in [("PATCH", Some(&zero)), ("DELETE", None)] {
        let reply = call(at, method, "/connectors/a/offsets", body).await;
        assert_eq!(reply.status, 500, "{method}: {}", reply.text);
        assert!(
            reply.text.contains("tasks haven't stopped completely"),
            "{}",
            reply.text
        );
    }
    assert!(committed(
        &call(at, "GET", "/connectors/a/offsets", None).await
    ));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_are_away_are_a_bounded_wait() {
    let stage = Stage::new().await;
    let worker = stage
        .worker_with(
            "bootstrap.servers=127.0.0.1:1\nsluiceway.kafka.timeout.ms=500\n",
            Vec::new(),
        )
        .await;
    let at = rest(&worker);
    let root = call(at, "GET", "/", None).await;
    assert_eq!(
        (root.status, &root.body["kafka_cluster_id"]),
        (200, &Value::Null)
    );
    create(at, "c", &stage.connector("t"), &["RUNNING", "RUNNING"]).await;
    let offsets = call(at, "GET", "/connectors/c/offsets", None).await;
    assert_eq!(offsets.status, 500);
    assert!(offsets.text.contains("connect-c"), "{}", offsets.text);
    assert_eq!(
        states(&call(at, "GET", "/connectors/c/status", None).await.body)[0],
        "RUNNING"
    );
    worker.stop().await;
}
