//! Create, pause, resume, stop, restart, reconfigure, delete.

use serde_json::{Value, json};

use crate::stage::{Stage, call, create, rest, states, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_is_paused_resumed_stopped_and_deleted() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    create(at, "c", &stage.connector("t"), &["RUNNING", "RUNNING"]).await;

    assert_eq!(
        call(at, "PUT", "/connectors/c/pause", None).await.status,
        202
    );
    until(at, "/connectors/c/status", |reply| {
        states(&reply.body) == ["PAUSED", "PAUSED"]
    })
    .await;
    assert_eq!(
        call(at, "PUT", "/connectors/c/pause", None).await.status,
        202
    );
    stage.produce("t", 0, 3).await;
    assert_eq!(
        call(at, "PUT", "/connectors/c/stop", None).await.status,
        204
    );
    let stopped = call(at, "GET", "/connectors/c/status", None).await;
    assert_eq!(states(&stopped.body), ["STOPPED"]);
    assert_eq!(
        call(at, "GET", "/connectors/c/tasks", None).await.body,
        json!([])
    );
    assert!(
        stage.objects("bucket").is_empty(),
        "a paused connector wrote objects"
    );

    assert_eq!(
        call(at, "PUT", "/connectors/c/resume", None).await.status,
        202
    );
    until(at, "/connectors/c/status", |reply| {
        states(&reply.body) == ["RUNNING", "RUNNING"]
    })
    .await;
    until(at, "/connectors/c/offsets", |reply| {
        reply.body["offsets"][0]["offset"]["kafka_offset"] == 3
    })
    .await;
    assert_eq!(
        stage.objects("bucket"),
        ["topics/t/partition=0/t+0+0000000000.json"]
    );

    assert_eq!(call(at, "DELETE", "/connectors/c", None).await.status, 204);
    assert_eq!(call(at, "GET", "/connectors", None).await.body, json!([]));
    assert_eq!(
        call(at, "GET", "/connectors/c/status", None).await.status,
        404
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_may_begin_paused_or_stopped() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    for (name, state, wanted) in [
        ("p", "paused", vec!["PAUSED", "PAUSED"]),
        ("s", "STOPPED", vec!["STOPPED"]),
    ] {
        let body = json!({"name": name, "config": stage.connector("t"), "initial_state": state});
        assert_eq!(
            call(at, "POST", "/connectors", Some(&body)).await.status,
            201
        );
        let path = format!("/connectors/{name}/status");
        until(at, &path, |reply| states(&reply.body) == wanted).await;
        // A new configuration does not change what the connector should be doing.
        let mut config = stage.connector("t");
        config.insert("flush.size".into(), "9".into());
        assert_eq!(
            call(
                at,
                "PUT",
                &format!("/connectors/{name}/config"),
                Some(&Value::Object(config))
            )
            .await
            .status,
            200
        );
        until(at, &path, |reply| states(&reply.body) == wanted).await;
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_task_shows_its_trace_and_is_restarted() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    let mut config = stage.connector("t");
    config.insert("s3.bucket.name".into(), "no-such-bucket-here".into());
    create(at, "c", &config, &["RUNNING", "FAILED"]).await;
    let task = call(at, "GET", "/connectors/c/tasks/0/status", None)
        .await
        .body;
    let trace = task["trace"].as_str().unwrap();
    let first = "org.apache.kafka.connect.errors.ConnectException: Non-existent S3 bucket: no-such-bucket-here";
    assert_eq!(trace.lines().next().unwrap(), first);

    // Restarting what has failed leaves a running connector alone.
    let path = "/connectors/c/restart?includeTasks=true&onlyFailed=true";
    let reply = call(at, "POST", path, None).await;
    assert_eq!(reply.status, 202);
    assert_eq!(states(&reply.body), ["RUNNING", "RESTARTING"]);
    assert_eq!(reply.body["tasks"][0]["trace"], trace);
    until(at, "/connectors/c/status", |reply| {
        states(&reply.body) == ["RUNNING", "FAILED"]
    })
    .await;

    stage.s3.create_bucket("no-such-bucket-here").await.unwrap();
    assert_eq!(
        call(at, "POST", "/connectors/c/tasks/0/restart", None)
            .await
            .status,
        204
    );
    until(at, "/connectors/c/status", |reply| {
        states(&reply.body) == ["RUNNING", "RUNNING"]
    })
    .await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_cannot_start_is_failed_without_tasks() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    let mut config = stage.connector("t");
    config.insert("rotate.schedule.interval.ms".into(), "60000".into());
    create(at, "c", &config, &["FAILED"]).await;
    let status = call(at, "GET", "/connectors/c/status", None).await.body;
    assert!(
        status["connector"]["trace"]
            .as_str()
            .unwrap()
            .contains("timezone"),
        "{status}"
    );

    config.insert("timezone".into(), "UTC".into());
    assert_eq!(
        call(
            at,
            "PUT",
            "/connectors/c/config",
            Some(&Value::Object(config))
        )
        .await
        .status,
        200
    );
    until(at, "/connectors/c/status", |reply| {
        states(&reply.body) == ["RUNNING", "RUNNING"]
    })
    .await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_tasks_after_a_new_configuration_and_a_limit() {
    let stage = Stage::new().await;
    stage.create_topic("t", 2).await;
    let worker = stage
        .worker_with(
            "sluiceway.max.tasks=2\nsluiceway.max.connectors=1\n",
            Vec::new(),
        )
        .await;
    let at = rest(&worker);
    create(at, "c", &stage.connector("t"), &["RUNNING", "RUNNING"]).await;
    for (tasks, wanted) in [
        ("2", vec!["RUNNING"; 3]),
        ("3", vec!["FAILED"]),
        ("1", vec!["RUNNING"; 2]),
    ] {
        let reply = call(
            at,
            "PATCH",
            "/connectors/c/config",
            Some(&json!({"tasks.max": tasks})),
        )
        .await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        until(at, "/connectors/c/status", |reply| {
            states(&reply.body) == wanted
        })
        .await;
    }
    let second = json!({"name": "d", "config": stage.connector("t")});
    let reply = call(at, "POST", "/connectors", Some(&second)).await;
    assert_eq!(reply.status, 409);
    assert!(
        reply.text.contains("sluiceway.max.connectors"),
        "{}",
        reply.text
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_were_read_are_listed_and_forgotten() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    stage.produce("t", 0, 1).await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    create(at, "c", &stage.connector("t"), &["RUNNING", "RUNNING"]).await;
    until(at, "/connectors/c/topics", |reply| {
        reply.body == json!({"c": {"topics": ["t"]}})
    })
    .await;
    assert_eq!(
        call(at, "PUT", "/connectors/c/topics/reset", None)
            .await
            .status,
        202
    );
    assert_eq!(
        call(at, "GET", "/connectors/c/topics", None).await.body,
        json!({"c": {"topics": []}})
    );
    worker.stop().await;

    let worker = stage
        .worker_with("topic.tracking.enable=false\n", Vec::new())
        .await;
    let reply = call(rest(&worker), "GET", "/connectors/c/topics", None).await;
    assert_eq!(
        (reply.status, reply.body["message"].as_str()),
        (403, Some("Topic tracking is disabled."))
    );
    worker.stop().await;
}
