//! Plugins, definitions, validation.

use serde_json::{Value, json};

use crate::stage::{Stage, call, rest};

const S3_SINK: &str = "io.confluent.connect.s3.S3SinkConnector";

#[tokio::test(flavor = "multi_thread")]
async fn plugins_and_their_definitions() {
    let stage = Stage::new().await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    let connectors = call(at, "GET", "/connector-plugins", None).await.body;
    assert_eq!(
        connectors,
        json!([{"class": S3_SINK, "type": "sink", "version": "12.2.0"}])
    );
    let all = call(at, "GET", "/connector-plugins?connectorsOnly=false", None)
        .await
        .body;
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .any(|plugin| plugin["type"] == "converter"),
        "{all}"
    );

    let keys = call(at, "GET", "/connector-plugins/S3SinkConnector/config", None)
        .await
        .body;
    let flush = keys
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["name"] == "flush.size")
        .unwrap();
    assert_eq!(
        (&flush["type"], &flush["required"], &flush["group"]),
        (&json!("INT"), &json!(true), &json!("Connector"))
    );
    let unknown = call(at, "GET", "/connector-plugins/Nope/config", None).await;
    assert_eq!(
        (unknown.status, unknown.body["message"].as_str()),
        (404, Some("Unknown plugin Nope."))
    );
    worker.stop().await;
}

fn entry<'a>(infos: &'a Value, name: &str) -> &'a Value {
    infos["configs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|config| config["value"]["name"] == name)
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn validation_names_every_error_and_hides_secrets() {
    let stage = Stage::new().await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    let path = format!("/connector-plugins/{S3_SINK}/config/validate");
    let mut config = stage.connector("t");
    config.insert("name".into(), "c".into());
    let good = call(at, "PUT", &path, Some(&Value::Object(config.clone()))).await;
    assert_eq!(
        (good.status, &good.body["error_count"]),
        (200, &json!(0)),
        "{}",
        good.text
    );
    assert_eq!(good.body["name"], S3_SINK);
    assert_eq!(
        entry(&good.body, "aws.secret.access.key")["value"]["value"],
        "[hidden]"
    );
    assert_eq!(entry(&good.body, "flush.size")["value"]["value"], "3");
    assert_eq!(entry(&good.body, "topics.dir")["value"]["value"], "topics");
    assert!(
        good.body["groups"]
            .as_array()
            .unwrap()
            .contains(&json!("S3"))
    );
    assert!(!good.text.contains("devsecret"));

    assert_eq!(
        entry(&good.body, "s3.proxy.password")["value"]["value"],
        "[hidden]"
    );

    config.insert("flush.size".into(), "x".into());
    config.insert("value.converter".into(), "JsonConverter".into());
    config.insert("value.converter.schemas.enable".into(), "maybe".into());
    config.insert("no.such.key".into(), Value::Null);
    config.insert("connector.class".into(), "S3SinkConnector".into());
    config.remove("format.class");
    let bad = call(
        at,
        "PUT",
        "/connector-plugins/S3SinkConnector/config/validate",
        Some(&Value::Object(config)),
    )
    .await;
    assert_eq!(
        (bad.status, &bad.body["error_count"]),
        (200, &json!(4)),
        "{}",
        bad.text
    );
    assert_eq!(
        entry(&bad.body, "flush.size")["value"]["errors"],
        json!(["Invalid value x for configuration flush.size: Not a number of type INT"])
    );
    assert_eq!(
        entry(&bad.body, "format.class")["value"]["errors"],
        json!(["Missing required configuration \"format.class\" which has no default value."])
    );
    assert_eq!(bad.body["name"], "S3SinkConnector");
    assert_eq!(
        entry(&bad.body, "value.converter")["value"]["value"],
        "org.apache.kafka.connect.json.JsonConverter"
    );
    assert_eq!(
        bad.body["configs"][0],
        json!({"definition": null, "value": {"name": "no.such.key", "value": null, "recommended_values": [],
            "errors": ["Null value can not be supplied as the configuration value."], "visible": true}})
    );
    assert_eq!(
        entry(&bad.body, "value.converter.schemas.enable")["value"]["errors"],
        json!([
            "Invalid value maybe for configuration schemas.enable: Expected value to be either true or false"
        ])
    );
    assert_eq!(
        entry(&bad.body, "value.converter.converter.type")["value"]["value"],
        "value"
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn validation_of_another_class_is_refused() {
    let stage = Stage::new().await;
    let worker = stage.worker().await;
    let at = rest(&worker);
    let path = format!("/connector-plugins/{S3_SINK}/config/validate");
    let cases = [
        (json!({}), "contains no connector type"),
        (
            json!({"connector.class": "com.Nope"}),
            "Included connector type com.Nope does not match request type",
        ),
    ];
    for (body, message) in cases {
        let reply = call(at, "PUT", &path, Some(&body)).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.text.contains(message), "{}", reply.text);
    }
    worker.stop().await;
}
