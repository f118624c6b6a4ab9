//! Secrets: masked in every answer, kept when a mask comes back, read from config providers.

use serde_json::{Value, json};

use crate::stage::{Stage, call, create, rest, states, until};

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_shows_a_secret() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    let mut config = stage.connector("t");
    config.insert("consumer.override.client.rack".into(), "r1".into());
    create(at, "c", &config, &["RUNNING", "RUNNING"]).await;
    for path in [
        "/connectors/c",
        "/connectors/c/config",
        "/connectors/c/tasks",
        "/connectors/c/tasks-config",
        "/connectors?expand=info&expand=status",
    ] {
        let reply = call(at, "GET", path, None).await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(!reply.text.contains("devsecret"), "{path}: {}", reply.text);
    }
    let shown = call(at, "GET", "/connectors/c/config", None).await.body;
    assert_eq!(shown["aws.secret.access.key"], "********");
    assert_eq!(shown["aws.access.key.id"], "dev");
    assert_eq!(shown["consumer.override.client.rack"], "r1");
    let wrong = json!({"name": "d", "config": {"aws.secret.access.key": "devsecret"}});
    let refused = call(at, "POST", "/connectors", Some(&wrong)).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("contains no connector type") && !refused.text.contains("devsecret")
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_was_read_may_be_put_back() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    stage.produce("t", 0, 2).await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    create(at, "c", &stage.connector("t"), &["RUNNING", "RUNNING"]).await;
    let mut shown = call(at, "GET", "/connectors/c/config", None).await.body;
    shown["flush.size"] = json!(2);
    let put = call(at, "PUT", "/connectors/c/config", Some(&shown)).await;
    assert_eq!(put.status, 200, "{}", put.text);
    assert_eq!(put.body["config"]["flush.size"], "2");
    // The old secret still signs requests.
    until(at, "/connectors/c/offsets", |reply| {
        reply.body["offsets"][0]["offset"]["kafka_offset"] == 2
    })
    .await;
    assert_eq!(
        stage.objects("bucket"),
        ["topics/t/partition=0/t+0+0000000000.json"]
    );

    shown["name"] = json!("d");
    let elsewhere = call(at, "PUT", "/connectors/d/config", Some(&shown)).await;
    assert_eq!(elsewhere.status, 400);
    assert!(
        elsewhere.text.contains("aws.secret.access.key"),
        "{}",
        elsewhere.text
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn references_are_resolved_for_the_task_and_shown_as_references() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    stage.produce("t", 0, 3).await;
    let file = stage.file("s3.properties", "secret=devsecret\nflush=three-of-them\n");
    let provider = "config.providers=file\n\
        config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider\n";
    let worker = stage.worker_with(provider, Vec::new()).await;
    let at = rest(&worker);
    let reference = |key: &str| Value::String(format!("${{file:{}:{key}}}", file.display()));
    let mut config = stage.connector("t");
    config.insert("aws.secret.access.key".into(), reference("secret"));
    create(at, "c", &config, &["RUNNING", "RUNNING"]).await;
    until(at, "/connectors/c/offsets", |reply| {
        reply.body["offsets"][0]["offset"]["kafka_offset"] == 3
    })
    .await;
    let shown = call(at, "GET", "/connectors/c/config", None).await.body;
    assert_eq!(shown["aws.secret.access.key"], reference("secret"));

    // What a reference stands for is not shown in errors either.
    config.insert("flush.size".into(), reference("flush"));
    let refused = call(
        at,
        "PUT",
        "/connectors/c/config",
        Some(&Value::Object(config.clone())),
    )
    .await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("flush.size") && !refused.text.contains("three-of-them"),
        "{}",
        refused.text
    );
    config.insert("flush.size".into(), reference("nope"));
    let missing = call(
        at,
        "PUT",
        "/connectors/c/config",
        Some(&Value::Object(config)),
    )
    .await;
    assert!(missing.text.contains("has no key nope"), "{}", missing.text);
    assert_eq!(
        states(&call(at, "GET", "/connectors/c/status", None).await.body),
        ["RUNNING", "RUNNING"]
    );
    worker.stop().await;
}
