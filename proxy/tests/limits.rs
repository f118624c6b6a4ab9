//! Each limit answers with its code, and the proxy goes on.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use rdkafka::mocking::MockCluster;
use support::{eventually, kafka, read_raw, start};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const RECORD: &str = r#"{"records":[{"value":1}]}"#;

fn head(path: &str, further: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\n{further}\r\n",
        support::JSON
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "sluiceway.request.max.bytes=1000").await;
    let told = proxy
        .raw(head("/topics/a", "Content-Length: 1001\r\n").as_bytes())
        .await;
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
    assert!(told.contains("sluiceway.request.max.bytes"), "{told}");
    let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400));
    let untold = proxy
        .raw(
            format!(
                "{}{chunk}0\r\n\r\n",
                head("/topics/a", "Transfer-Encoding: chunked\r\n")
            )
            .as_bytes(),
        )
        .await;
    assert!(untold.starts_with("HTTP/1.1 413 "), "{untold}");
    assert_eq!(
        proxy.metric(r#"sluiceway_proxy_rejected_requests_total{reason="body_size"}"#),
        2.0
    );
    proxy.produce("/topics/a", RECORD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_too_large() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "max.request.header.size=1024").await;
    let answer = proxy
        .raw(
            format!(
                "GET / HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n",
                "a".repeat(1100)
            )
            .as_bytes(),
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let fine = proxy.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(fine.starts_with("HTTP/1.1 200 "), "{fine}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "sluiceway.body.timeout.ms=200").await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let started = Instant::now();
    stream
        .write_all(head("/topics/a", "Content-Length: 100\r\n").as_bytes())
        .await
        .unwrap();
    stream.write_all(b"{\"rec").await.unwrap();
    let answer = read_raw(&mut stream, Duration::from_secs(5)).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(4));
    assert_eq!(proxy.metric("sluiceway_proxy_queued_bytes"), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_in_mid_body() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "").await;
    for _ in 0..5 {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream
            .write_all(head("/topics/a", "Content-Length: 100\r\n").as_bytes())
            .await
            .unwrap();
        stream.write_all(b"{\"rec").await.unwrap();
    }
    // Counted first: until the proxy has taken a connection from its queue, nothing is held for it either.
    eventually("connections are taken and let go", async || {
        proxy.metric("sluiceway_proxy_accepted_connections_total") >= 5.0
            && proxy.metric("sluiceway_proxy_open_connections") == 0.0
            && proxy.metric("sluiceway_proxy_queued_bytes") == 0.0
            && proxy.metric("sluiceway_proxy_in_flight_requests") == 0.0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_without_requests_are_closed() {
    let kafka = kafka(true).await;
    let proxy = start(&kafka.bootstrap(), "idle.timeout.ms=300").await;
    let started = Instant::now();
    for beginning in ["", "GET / HTTP/1.1\r\nHos"] {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        assert_eq!(read_raw(&mut stream, Duration::from_secs(5)).await, "");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "not closed");
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let answer = read_raw(&mut stream, Duration::from_millis(50)).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 "),
            "a used connection was closed: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_connections_is_bounded() {
    let kafka = kafka(true).await;
    let proxy = start(
        &kafka.bootstrap(),
        "server.connection.limit=2\nidle.timeout.ms=600",
    )
    .await;
    let held = [
        TcpStream::connect(proxy.address()).await.unwrap(),
        TcpStream::connect(proxy.address()).await.unwrap(),
    ];
    let mut waiting = TcpStream::connect(proxy.address()).await.unwrap();
    waiting
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(
        read_raw(&mut waiting, Duration::from_millis(200)).await,
        "",
        "a third was served"
    );
    drop(held);
    let answer = read_raw(&mut waiting, Duration::from_secs(3)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// A cluster whose brokers answer slowly.
fn slow_cluster(
    delay: Duration,
) -> MockCluster<'static, rdkafka::producer::DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("slow", 1, 1).unwrap();
    cluster.broker_round_trip_time(1, delay).unwrap();
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_at_once() {
    let cluster = slow_cluster(Duration::from_millis(500));
    let proxy = start(&cluster.bootstrap_servers(), "sluiceway.requests.max=3").await;
    proxy.produce("/topics/slow", RECORD).await;
    let answers =
        futures_util::future::join_all((0..8).map(|_| proxy.post("/topics/slow", RECORD))).await;
    let count = |status: u16| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!((count(200), count(503)), (3, 5));
    let refused = answers.iter().find(|answer| answer.status == 503).unwrap();
    assert!((1..=60).contains(&retry_after(refused)), "{refused:?}");
    assert_eq!(refused.json()["error_code"], 503);
    assert_eq!(
        proxy.metric(r#"sluiceway_proxy_rejected_requests_total{reason="concurrency"}"#),
        5.0
    );
}

/// Seconds, which depend on how fast the queue has been draining.
fn retry_after(answer: &support::Answer) -> u64 {
    answer.header("retry-after").unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_bytes_on_their_way() {
    let cluster = slow_cluster(Duration::from_millis(500));
    let proxy = start(
        &cluster.bootstrap_servers(),
        "sluiceway.produce.max.inflight.bytes=4000",
    )
    .await;
    proxy.produce("/topics/slow", RECORD).await;
    let body = format!(r#"{{"records":[{{"value":"{}"}}]}}"#, "x".repeat(1000));
    let answers =
        futures_util::future::join_all((0..8).map(|_| proxy.post("/topics/slow", &body))).await;
    let accepted = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((2..=3).contains(&accepted), "{accepted} were accepted");
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert!((1..=60).contains(&retry_after(refused)), "{refused:?}");
    assert_eq!(refused.json()["error_code"], 429);
    // Alone, a request larger than the limit is taken.
    let large = format!(r#"{{"records":[{{"value":"{}"}}]}}"#, "x".repeat(9000));
    proxy.produce("/topics/slow", &large).await;
    assert_eq!(proxy.metric("sluiceway_proxy_queued_bytes"), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_take_too_long() {
    let cluster = slow_cluster(Duration::from_millis(600));
    let proxy = start(&cluster.bootstrap_servers(), "request.timeout.ms=200").await;
    let started = Instant::now();
    let answer = proxy.post("/topics/slow", RECORD).await;
    assert_eq!(
        (answer.status, answer.json()["error_code"].as_i64()),
        (504, Some(504))
    );
    assert!(started.elapsed() < Duration::from_millis(590));
}
