//! Start, readiness, drain, and the program itself.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::{Duration, Instant};

use prometheus::Registry;
use rdkafka::mocking::MockCluster;
use sluiceway_common::props;
use sluiceway_proxy::{Config, Proxy};
use support::{eventually, kafka, start};

const RECORD: &str = r#"{"records":[{"value":1}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_are_answered_when_the_proxy_drains() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    let proxy = start(&cluster.bootstrap_servers(), "").await;
    proxy.produce("/topics/t", RECORD).await;
    cluster
        .broker_round_trip_time(1, Duration::from_millis(400))
        .unwrap();
    let url = proxy.url("/topics/t");
    let address = proxy.address();
    let client: hyper_util::client::legacy::Client<_, http_body_util::Full<bytes::Bytes>> =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
            .build_http();
    let request = http::Request::post(url)
        .header("content-type", support::JSON)
        .body(RECORD.into())
        .unwrap();
    let under_way =
        tokio::spawn(async move { support::read(client.request(request).await.unwrap()).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    let started = Instant::now();
    proxy.proxy.drain().await;
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "idle connections held the drain up"
    );
    let answer = under_way.await.unwrap();
    assert_eq!(
        (
            answer.status,
            answer.json()["offsets"][0]["offset"].as_i64()
        ),
        (200, Some(1))
    );
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "still listening"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_port_names_itself_and_its_setting() {
    let kafka = kafka(true).await;
    let first = start(&kafka.bootstrap(), "").await;
    let port = first.address().port();
    for (setting, name) in [
        ("listeners", "listeners"),
        ("sluiceway.admin.listeners", "sluiceway.admin.listeners"),
    ] {
        let text = format!(
            "bootstrap.servers={}\nlisteners=http://127.0.0.1:0\nsluiceway.admin.listeners=\n{setting}=http://127.0.0.1:{port}",
            kafka.bootstrap()
        );
        let config = Config::parse(&props::parse(&text).unwrap()).unwrap();
        let error = Proxy::start(config, Registry::new())
            .await
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains(&port.to_string()) && error.contains(name),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_kafka() {
    let cluster = MockCluster::new(1).unwrap();
    let settings = "sluiceway.metadata.timeout.ms=300\nclient.reconnect.backoff.max.ms=100";
    let proxy = start(&cluster.bootstrap_servers(), settings).await;
    let admin = proxy.proxy.admin_addresses()[0];
    let ready = async || {
        let mut stream = tokio::net::TcpStream::connect(admin).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(
            &mut stream,
            b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
        .await
        .unwrap();
        support::read_raw(&mut stream, Duration::from_secs(5)).await
    };
    eventually("ready", async || ready().await.starts_with("HTTP/1.1 200 ")).await;
    assert_eq!(proxy.metric("sluiceway_proxy_kafka_up"), 1.0);
    cluster.broker_down(1).unwrap();
    eventually("not ready", async || {
        ready().await.starts_with("HTTP/1.1 503 ")
    })
    .await;
    assert!(ready().await.contains("Kafka is not reachable"));
    cluster.broker_up(1).unwrap();
    eventually("ready again", async || {
        ready().await.starts_with("HTTP/1.1 200 ")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cors_when_it_is_on_and_when_it_is_not() {
    let kafka = kafka(true).await;
    let preflight = b"OPTIONS /topics HTTP/1.1\r\nHost: x\r\nOrigin: http://a.example\r\nAccess-Control-Request-Method: GET\r\nConnection: close\r\n\r\n";
    let off = start(&kafka.bootstrap(), "").await;
    let answer = off.raw(preflight).await.to_ascii_lowercase();
    assert!(
        answer.starts_with("http/1.1 200 ") && !answer.contains("access-control"),
        "{answer}"
    );
    assert!(answer.contains("allow: head,get,options"), "{answer}");
    let on = start(
        &kafka.bootstrap(),
        "access.control.allow.origin=http://a.example\naccess.control.allow.methods=GET,POST",
    )
    .await;
    let answer = on.raw(preflight).await.to_ascii_lowercase();
    assert!(
        answer.contains("access-control-allow-origin: http://a.example"),
        "{answer}"
    );
    assert!(
        answer.contains("access-control-allow-methods: get,post"),
        "{answer}"
    );
    let other =
        b"GET / HTTP/1.1\r\nHost: x\r\nOrigin: http://b.example\r\nConnection: close\r\n\r\n";
    assert!(
        !on.raw(other)
            .await
            .to_ascii_lowercase()
            .contains("access-control")
    );
    let same =
        b"GET / HTTP/1.1\r\nHost: x\r\nOrigin: http://a.example\r\nConnection: close\r\n\r\n";
    assert!(
        on.raw(same)
            .await
            .to_ascii_lowercase()
            .contains("access-control-allow-origin: http://a.example")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_compressed_and_headers_added() {
    let kafka = kafka(true).await;
    let proxy = start(
        &kafka.bootstrap(),
        "response.http.headers.config=set X-A: b",
    )
    .await;
    let answer = proxy
        .raw(b"GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
        .await;
    let answer = answer.to_ascii_lowercase();
    assert!(
        answer.contains("content-encoding: gzip") && answer.contains("x-a: b"),
        "{answer}"
    );
    assert!(
        answer.contains("vary: accept-encoding, user-agent"),
        "{answer}"
    );
    let head = proxy
        .raw(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .to_ascii_lowercase();
    assert!(
        head.starts_with("http/1.1 200 ") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
}

// === the program ===

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluiceway-proxy"));
    command.env_remove("RUST_LOG");
    command
}

#[test]
fn the_program_checks_files_and_lists_all_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kafka-rest.properties");
    std::fs::write(
        &file,
        "bootstrap.server=a:1\nlisteners=nonsense\nidle.timeout.ms=soon\n",
    )
    .unwrap();
    let output = program().arg("--check").arg(&file).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    let name = file.display().to_string();
    let meant = r#"did you mean \"bootstrap.servers\"?"#;
    for part in [
        &*name,
        "\"bootstrap.servers\" which",
        "nonsense",
        "idle.timeout.ms",
        meant,
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let overlaid = program()
        .arg("--check")
        .arg(&file)
        .env("KAFKA_REST_BOOTSTRAP_SERVERS", "a:1")
        .env("KAFKA_REST_LISTENERS", "http://127.0.0.1:0")
        .env("KAFKA_REST_IDLE_TIMEOUT_MS", "100")
        .env("NOT_OURS", OsStr::from_bytes(b"\xff"))
        .output()
        .unwrap();
    assert!(
        overlaid.status.success(),
        "{}",
        String::from_utf8_lossy(&overlaid.stderr)
    );
    let said = String::from_utf8(overlaid.stdout).unwrap();
    assert_eq!(said, format!("{name}: valid\n"));
}

#[test]
fn the_documentation_of_the_keys_is_that_of_the_program() {
    let output = program().arg("--print-config-docs").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let page =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration-proxy.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.ends_with(&printed),
        "run: sluiceway-proxy --print-config-docs, and put it into docs/configuration-proxy.md"
    );
}
