//! Requests that are refused, and what HTTP asks of a server.

use serde_json::{Map, Value, json};

use crate::stage::{Stage, call, create, rest, send};

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_connect_s_status_and_text() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    create(at, "c", &stage.connector("t"), &["RUNNING", "RUNNING"]).await;
    let none = Value::Null;
    let class = "io.confluent.connect.s3.S3SinkConnector";
    let named = |name: &str, config: Value| json!({"name": name, "config": config});
    let cases = [
        (
            "GET",
            "/connectors/x",
            none.clone(),
            404,
            "Connector x not found",
        ),
        (
            "GET",
            "/connectors/x/config",
            none.clone(),
            404,
            "Connector x not found",
        ),
        (
            "GET",
            "/connectors/x/tasks",
            none.clone(),
            404,
            "Connector x not found",
        ),
        (
            "GET",
            "/connectors/x/offsets",
            none.clone(),
            404,
            "Connector x not found",
        ),
        (
            "DELETE",
            "/connectors/x",
            none.clone(),
            404,
            "Connector x not found",
        ),
        (
            "PATCH",
            "/connectors/x/config",
            json!({}),
            404,
            "Connector x not found",
        ),
        (
            "GET",
            "/connectors/x/status",
            none.clone(),
            404,
            "No status found for connector x",
        ),
        (
            "GET",
            "/connectors/c/tasks/9/status",
            none.clone(),
            404,
            "No status found for task c-9",
        ),
        (
            "PUT",
            "/connectors/x/pause",
            none.clone(),
            404,
            "Unknown connector x",
        ),
        (
            "PUT",
            "/connectors/x/resume",
            none.clone(),
            404,
            "Unknown connector x",
        ),
        (
            "PUT",
            "/connectors/x/stop",
            none.clone(),
            404,
            "Unknown connector: x",
        ),
        (
            "POST",
            "/connectors/x/restart",
            none.clone(),
            404,
            "Unknown connector: x",
        ),
        (
            "POST",
            "/connectors/x/restart?includeTasks=true",
            none.clone(),
            404,
            "Unknown connector: x",
        ),
        (
            "POST",
            "/connectors/c/tasks/9/restart",
            none.clone(),
            404,
            "Unknown task: c-9",
        ),
        ("GET", "/nope", none.clone(), 404, "HTTP 404 Not Found"),
        (
            "GET",
            "/connectors/c/tasks/x/status",
            none.clone(),
            404,
            "HTTP 404 Not Found",
        ),
        (
            "PUT",
            "/connectors",
            json!({}),
            405,
            "HTTP 405 Method Not Allowed",
        ),
        (
            "POST",
            "/connectors",
            named("c", Value::Object(stage.connector("t"))),
            409,
            "Connector c already exists",
        ),
        (
            "POST",
            "/connectors",
            named("d", json!({})),
            400,
            "Connector config {name=d} contains no connector type",
        ),
        (
            "POST",
            "/connectors",
            named("d", json!({"flush.size": 1.50, "topics": "t"})),
            400,
            "Connector config {name=d, flush.size=1.5, topics=t} contains no connector type",
        ),
        (
            "PATCH",
            "/connectors/x/config",
            json!({"name": "y"}),
            404,
            "Connector x not found",
        ),
        (
            "PATCH",
            "/connectors/c/config",
            json!({"name": "y"}),
            400,
            "The name of a connector cannot be changed",
        ),
        (
            "PATCH",
            "/connectors/c/config",
            json!({"name": null}),
            400,
            "Connector configuration is invalid and contains the following 1 error(s):\nMissing required configuration \"name\" which has no default value.\n",
        ),
        (
            "PUT",
            "/connectors/c/config",
            with_nulls(stage.connector("t")),
            400,
            "Connector configuration is invalid and contains the following 3 error(s):\n\
             Null value can not be supplied as the configuration value.\n\
             Invalid value null for configuration tasks.max: Value must be non-null\n\
             Null value can not be supplied as the configuration value.\n",
        ),
        (
            "PATCH",
            "/connectors/x/offsets",
            json!({"offsets": []}),
            400,
            "Partitions / offsets need to be provided",
        ),
        (
            "PATCH",
            "/connectors/x/offsets",
            json!({"offsets": [{}]}),
            404,
            "Connector x not found",
        ),
        (
            "PATCH",
            "/connectors/c/offsets",
            json!({"offsets": [{}]}),
            400,
            "Connectors must be in the STOPPED state",
        ),
        (
            "POST",
            "/connectors",
            named("d", json!({"connector.class": "com.Nope"})),
            400,
            "Failed to find any class that implements Connector",
        ),
        (
            "POST",
            "/connectors",
            named("d", json!({"name": "e", "connector.class": class})),
            400,
            "Connector name configuration (e) doesn't match connector name in the URL (d)",
        ),
        (
            "PUT",
            "/connectors/c/config",
            json!({"a": []}),
            400,
            "The value of \"a\" must be",
        ),
        (
            "PUT",
            "/admin/loggers/x",
            json!({}),
            400,
            "Desired 'level' parameter was not specified in request.",
        ),
        (
            "PUT",
            "/admin/loggers/x",
            json!({"level": "LOUD"}),
            404,
            "invalid log level 'LOUD'.",
        ),
        (
            "GET",
            "/admin/loggers/nope",
            none.clone(),
            404,
            "Logger nope not found.",
        ),
    ];
    for (method, path, body, status, message) in cases {
        let reply = call(at, method, path, Some(&body).filter(|body| !body.is_null())).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text);
        assert_eq!(reply.body["error_code"], status, "{method} {path}");
        let text = reply.body["message"].as_str().unwrap();
        assert!(text.starts_with(message), "{method} {path}: {text}");
        assert_eq!(reply.headers["content-type"], "application/json");
    }
    worker.stop().await;
}

/// Null as the value of a key that nobody knows, of one with a check, and of the connector's name.
fn with_nulls(mut config: Map<String, Value>) -> Value {
    for key in ["x", "tasks.max", "name"] {
        config.insert(key.into(), Value::Null);
    }
    Value::Object(config)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_but_allowed() {
    let stage = Stage::new().await;
    stage.create_topic("t", 1).await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    assert_eq!(
        call(at, "GET", "/connectors/nope/topics", None).await.body,
        json!({"nope": {"topics": []}})
    );
    let body = json!({"name": "c", "config": stage.connector("t")});
    let created = call(at, "POST", "/connectors", Some(&body)).await;
    assert_eq!(
        created.headers["location"],
        format!("http://{at}/connectors/c")
    );
    assert_eq!(
        call(at, "GET", "/connectors?expand=bogus", None).await.body,
        json!({"c": {}})
    );
    let both = call(at, "GET", "/connectors?expand=info&expand=status", None)
        .await
        .body;
    assert_eq!(
        (&both["c"]["info"]["name"], &both["c"]["status"]["name"]),
        (&json!("c"), &json!("c"))
    );
    // Numbers and booleans become text, null takes a key out.
    let patch = json!({"flush.size": 7, "connect.meta.data": false, "s3.region": null});
    let patched = call(at, "PATCH", "/connectors/c/config", Some(&patch))
        .await
        .body;
    assert_eq!(
        (
            &patched["config"]["flush.size"],
            &patched["config"]["connect.meta.data"]
        ),
        (&json!("7"), &json!("false"))
    );
    assert_eq!(patched["config"].get("s3.region"), None);
    // Numbers keep their text.
    let numbers = r#"{"x": 1.50, "y": 1e3, "z": 123456789012345678901}"#;
    let json = [("Content-Type", "application/json")];
    let patched = send(at, "PATCH", "/connectors/c/config", &json, numbers).await;
    for (key, text) in [("x", "1.50"), ("y", "1e3"), ("z", "123456789012345678901")] {
        assert_eq!(patched.body["config"][key], text, "{}", patched.text);
    }
    // A connector that is put under a new name is created.
    let put = call(
        at,
        "PUT",
        "/connectors/a%20b/config",
        Some(&Value::Object(stage.connector("t"))),
    )
    .await;
    assert_eq!(put.status, 201, "{}", put.text);
    assert_eq!(
        put.headers["location"],
        format!("http://{at}/connectors/a%20b")
    );
    assert_eq!(
        call(at, "GET", "/connectors/a%20b", None).await.body["name"],
        "a b"
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_types_methods_and_sizes() {
    let stage = Stage::new().await;
    let worker = stage
        .worker_with("sluiceway.rest.max.body.bytes=100\n", Vec::new())
        .await;
    let at = rest(&worker);
    let text = [("Content-Type", "text/plain")];
    assert_eq!(
        send(at, "POST", "/connectors", &text, "{}").await.status,
        415
    );
    assert_eq!(
        send(at, "GET", "/", &[("Accept", "text/html")], "")
            .await
            .status,
        406
    );
    assert_eq!(
        send(at, "POST", "/connectors", &[], &"x".repeat(101))
            .await
            .status,
        413
    );
    for body in ["", "{", "[]", r#"{"name":"n"}"#] {
        assert_eq!(
            send(at, "POST", "/connectors", &[], body).await.status,
            400,
            "{body}"
        );
    }
    let head = send(at, "HEAD", "/connectors", &[], "").await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    let options = send(at, "OPTIONS", "/connectors", &[], "").await;
    assert_eq!(
        (options.status, options.headers["allow"].to_str().unwrap()),
        (200, "GET,POST,HEAD,OPTIONS")
    );
    let wrong = send(at, "DELETE", "/connectors", &[], "").await;
    assert_eq!(
        (wrong.status, wrong.headers["allow"].to_str().unwrap()),
        (405, "GET,POST,HEAD,OPTIONS")
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_and_configured_headers() {
    let stage = Stage::new().await;
    let extra = "access.control.allow.origin=http://ui\naccess.control.allow.methods=GET,PUT\n\
        response.http.headers.config=set X-Frame-Options: DENY\n";
    let worker = stage.worker_with(extra, Vec::new()).await;
    let at = rest(&worker);
    let reply = send(at, "GET", "/connectors", &[("Origin", "http://ui")], "").await;
    assert_eq!(reply.headers["access-control-allow-origin"], "http://ui");
    assert_eq!(reply.headers["x-frame-options"], "DENY");
    let stranger = send(at, "GET", "/connectors", &[("Origin", "http://other")], "").await;
    assert!(!stranger.headers.contains_key("access-control-allow-origin"));
    let asks = [
        ("Origin", "http://ui"),
        ("Access-Control-Request-Method", "PUT"),
    ];
    let preflight = send(at, "OPTIONS", "/connectors/c/config", &asks, "").await;
    assert_eq!(preflight.headers["access-control-allow-methods"], "GET,PUT");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_part_can_listen_elsewhere_or_nowhere() {
    let stage = Stage::new().await;
    let worker = stage
        .worker_with("admin.listeners=http://127.0.0.1:0\n", Vec::new())
        .await;
    let [main, admin] = worker.rest_addresses() else {
        panic!("two listeners")
    };
    assert_eq!(call(*main, "GET", "/admin/loggers", None).await.status, 404);
    assert_eq!(call(*admin, "GET", "/connectors", None).await.status, 404);
    let put = call(
        *admin,
        "PUT",
        "/admin/loggers/a.b",
        Some(&json!({"level": "warn"})),
    )
    .await;
    assert_eq!((put.status, put.body), (200, json!(["a.b"])));
    let got = call(*admin, "GET", "/admin/loggers/a.b", None).await.body;
    assert_eq!(got["level"], "WARN");
    assert!(got["last_modified"].is_u64());
    worker.stop().await;

    let worker = stage.worker_with("admin.listeners=\n", Vec::new()).await;
    assert_eq!(
        call(rest(&worker), "GET", "/admin/loggers", None)
            .await
            .status,
        404
    );
    worker.stop().await;
}
