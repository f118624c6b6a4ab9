//! Connector files, ports, health, metrics.

use std::path::Path;

use prometheus::Registry;
use serde_json::json;
use sluiceway_sink::worker::{ConnectorFile, Worker, WorkerConfig};

use crate::stage::{Stage, as_file, call, rest, send, states, until};

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_stay_visible_and_stop_nobody() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let good = stage.connector("t");
    let mut bad = good.clone();
    bad.insert("flush.size".into(), "x".into());
    let mut unknown = good.clone();
    unknown.insert("connector.class".into(), "com.Nope".into());
    let nested = json!({"name": "nested", "config": good}).to_string();
    let paths = [
        stage.file("bad.properties", &as_file("bad", &bad)),
        stage.file("unknown.properties", &as_file("unknown", &unknown)),
        stage.file("noname.properties", "flush.size=1\n"),
        stage.dir.path().join("missing.properties"),
        stage.file("good.properties", &as_file("good", &good)),
        stage.file("again.properties", &as_file("good", &good)),
        stage.file("nested.json", &nested),
    ];
    let files = paths
        .iter()
        .map(|path| ConnectorFile::read(Path::new(path)))
        .collect();
    let worker = stage.worker_with("", files).await;
    let at = rest(&worker);
    let names = call(at, "GET", "/connectors", None).await.body;
    assert_eq!(
        names,
        json!(["bad", "good", "missing", "nested", "noname", "unknown"])
    );
    for name in ["good", "nested"] {
        until(at, &format!("/connectors/{name}/status"), |reply| {
            states(&reply.body) == ["RUNNING", "RUNNING"]
        })
        .await;
    }
    for (name, says) in [
        ("bad", "flush.size"),
        ("unknown", "com.Nope"),
        ("noname", "mandatory 'name'"),
        ("missing", "missing.properties"),
    ] {
        let status = call(at, "GET", &format!("/connectors/{name}/status"), None)
            .await
            .body;
        assert_eq!(states(&status), ["FAILED"], "{name}");
        assert!(
            status["connector"]["trace"]
                .as_str()
                .unwrap()
                .contains(says),
            "{name}: {status}"
        );
    }
    // A corrected configuration brings it to life.
    let fixed = call(
        at,
        "PATCH",
        "/connectors/bad/config",
        Some(&json!({"flush.size": "1"})),
    )
    .await;
    assert_eq!(fixed.status, 200, "{}", fixed.text);
    until(at, "/connectors/bad/status", |reply| {
        states(&reply.body) == ["RUNNING", "RUNNING"]
    })
    .await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_an_error_that_names_it_and_the_option() {
    let stage = Stage::new().await;
    let worker = stage.worker().await;
    let port = rest(&worker).port();
    for (key, line) in [
        ("listeners", format!("listeners=http://127.0.0.1:{port}\n")),
        (
            "sluiceway.admin.listeners",
            format!("sluiceway.admin.listeners=http://127.0.0.1:{port}\n"),
        ),
    ] {
        let config = WorkerConfig::parse(&stage.worker_properties(&line)).unwrap();
        let error = Worker::start(config, Vec::new(), Registry::new())
            .await
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains(&port.to_string()) && error.contains(key),
            "{error}"
        );
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_follow_the_connectors() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let path = stage.file("c.properties", &as_file("c", &stage.connector("t")));
    let worker = stage
        .worker_with("", vec![ConnectorFile::read(&path)])
        .await;
    let (at, admin) = (rest(&worker), worker.admin_addresses()[0]);
    let health = call(at, "GET", "/health", None).await;
    assert_eq!(
        (health.status, &health.body["status"]),
        (200, &json!("healthy"))
    );
    assert_eq!(send(admin, "GET", "/readyz", &[], "").await.status, 200);
    until(at, "/connectors/c/status", |reply| {
        states(&reply.body) == ["RUNNING", "RUNNING"]
    })
    .await;
    let scrape = send(admin, "GET", "/metrics", &[], "").await.text;
    for line in [
        "sluiceway_sink_connector_status{connector=\"c\",state=\"running\"} 1",
        "sluiceway_sink_connector_tasks{connector=\"c\",state=\"running\"} 1",
        "sluiceway_sink_connector_tasks{connector=\"c\",state=\"failed\"} 0",
        "sluiceway_sink_rest_requests_total{method=\"GET\",route=\"/health\",status=\"200\"} 1",
    ] {
        assert!(
            scrape.lines().any(|found| found == line),
            "{line} in:\n{scrape}"
        );
    }
    worker.stop().await;
}
