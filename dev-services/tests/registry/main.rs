//! The recorded session with Confluent's registry, sent again to the embedded one; and what outlives a restart.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use dev_services::registry::{Registry, RegistryOptions};
use serde_json::{Value, json};

/// Calls of the recording that are answered in other words on purpose, and why.
const OTHERWISE: [(&str, &str); 3] = [
    ("/v1/metadata/id", "the cluster has another id"),
    (
        "Unexpected end-of-input",
        "another parser says what is wrong with a text",
    ),
    (
        "Could not parse Protobuf",
        "another parser says what is wrong with a text",
    ),
];

struct Answer {
    status: u64,
    content_type: Option<String>,
    json: Value,
}

fn call(
    registry: &Registry,
    method: &str,
    path: &str,
    content_type: Option<&str>,
    body: &str,
) -> Answer {
    let url = registry.url();
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let kind = content_type.map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{kind}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let named = |line: &str| {
        line.to_lowercase()
            .strip_prefix("content-type: ")
            .map(str::to_owned)
    };
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        content_type: head.lines().find_map(named),
        json: serde_json::from_str(body).unwrap(),
    }
}

fn post(registry: &Registry, path: &str, body: &Value) -> Answer {
    call(
        registry,
        "POST",
        path,
        Some("application/vnd.schemaregistry.v1+json"),
        &body.to_string(),
    )
}

async fn in_memory() -> Registry {
    Registry::start(RegistryOptions::default()).await.unwrap()
}

#[tokio::test]
async fn the_recorded_session_is_answered_alike() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../protocol-tests/golden/registry/confluent-7.9.0.json");
    let recording: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let registry = in_memory().await;
    let mut differences = Vec::new();
    for (number, recorded) in recording["calls"].as_array().unwrap().iter().enumerate() {
        let (request, response) = (&recorded["request"], &recorded["response"]);
        let text = |name: &str| request[name].as_str();
        let (method, path) = (text("method").unwrap(), text("path").unwrap());
        let found = call(
            &registry,
            method,
            path,
            text("content_type"),
            text("body").unwrap_or_default(),
        );
        let shown = recorded.to_string();
        let free = OTHERWISE.iter().any(|(words, _)| shown.contains(words));
        let code = |json: &Value| json["error_code"].clone();
        let same = match free {
            true => code(&found.json) == code(&response["json"]),
            false => found.json == response["json"],
        };
        let kind = response["content_type"].as_str();
        if !same
            || Some(found.status) != response["status"].as_u64()
            || found.content_type.as_deref() != kind
        {
            let Answer {
                status,
                content_type,
                json,
            } = found;
            differences.push(format!(
                "{number} {method} {path}\n  {response}\n  {status} {content_type:?} {json}"
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    registry.stop().await;
}

#[tokio::test]
async fn what_is_registered_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = RegistryOptions {
        folder: Some(folder.path().join("registry")),
        port: 0,
    };
    let registry = Registry::start(options.clone()).await.unwrap();
    let schema = json!({"schema": "\"string\""});
    assert_eq!(
        post(&registry, "/subjects/a/versions", &schema).json["id"],
        1
    );
    registry.stop().await;
    let registry = Registry::start(options).await.unwrap();
    assert_eq!(post(&registry, "/subjects/a", &schema).json["version"], 1);
    assert_eq!(
        post(
            &registry,
            "/subjects/b/versions",
            &json!({"schema": "\"int\""})
        )
        .json["id"],
        2
    );
    registry.stop().await;
}

#[tokio::test]
async fn descriptors_in_base64_become_text() {
    let registry = in_memory().await;
    let text = "syntax = \"proto3\";\npackage p;\n\nmessage A {\n  int32 a = 1;\n  repeated string s = 2;\n  map<string, int64> m = 3;\n  oneof c {\n    bool x = 4;\n    E e = 5;\n  }\n}\n\nenum E {\n  ZERO = 0;\n}\n";
    let id = post(
        &registry,
        "/subjects/p/versions",
        &json!({"schemaType": "PROTOBUF", "schema": text}),
    )
    .json["id"]
        .clone();
    let serialized = call(
        &registry,
        "GET",
        &format!("/schemas/ids/{id}?format=serialized"),
        None,
        "",
    )
    .json["schema"]
        .clone();
    let again = post(
        &registry,
        "/subjects/p/versions",
        &json!({"schemaType": "PROTOBUF", "schema": serialized}),
    );
    assert_eq!(again.json["id"], id, "{}", again.json);
    let found = call(&registry, "GET", &format!("/schemas/ids/{id}"), None, "");
    assert_eq!(found.json["schema"], text);
    registry.stop().await;
}
