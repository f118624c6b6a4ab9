//! Instances: their number, names, URLs and end.

use std::time::Duration;

use http::Method;

use crate::calls::{Calls, EARLIEST, scene};
use crate::support::{V2, eventually, kafka, start};

#[tokio::test(flavor = "multi_thread")]
async fn instances_expire_are_bounded_and_unique() {
    let (_kafka, proxy) =
        scene("consumer.instance.timeout.ms=1500\nsluiceway.consumer.instances.max=2\nid=lab\n")
            .await;
    let i = proxy.create("g", EARLIEST).await;
    assert_eq!(
        proxy.refused(Method::POST, "/consumers/g", EARLIEST).await,
        (409, 40902)
    );
    let second = proxy.create("g", "").await;
    assert!(second.contains("/rest-consumer-lab-"), "{second}");
    let full = proxy.at(Method::POST, "/consumers/g", "").await;
    assert_eq!((full.status, full.header("retry-after")), (429, Some("1")));
    proxy.done(Method::DELETE, &second, "").await;
    // A read under way keeps it alive, and so does any look.
    proxy
        .assign(&i, r#"{"partitions":[{"topic":"o","partition":0}]}"#)
        .await;
    proxy.records(&i, "").await;
    proxy.records(&i, "?timeout=2500").await;
    assert_eq!(
        proxy
            .at(Method::GET, &format!("{i}/assignments"), "")
            .await
            .status,
        200
    );
    eventually("the instance expires", async || {
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.metric("sluiceway_proxy_consumer_instances") == 0.0
    })
    .await;
    assert_eq!(
        proxy
            .at(Method::GET, &format!("{i}/assignments"), "")
            .await
            .status,
        404
    );
    assert_eq!(
        proxy.metric("sluiceway_proxy_consumer_instances_closed_total{reason=\"expired\"}"),
        1.0
    );
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn urls_follow_settings_and_front_servers() {
    let kafka = kafka(true).await;
    let proxy = start(
        &kafka.bootstrap(),
        "sluiceway.forwarded.headers.enable=true\n",
    )
    .await;
    let request = format!(
        "POST /consumers/g HTTP/1.1\r\nHost: inner:1\r\nX-Forwarded-Host: api.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /kafka\r\nContent-Type: {V2}\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{{\"name\":\"a\"}}"
    );
    let answer = proxy.raw(request.as_bytes()).await;
    assert!(
        answer.contains("\"base_uri\":\"https://api.example/kafka/consumers/g/instances/a\""),
        "{answer}"
    );
    proxy.proxy.drain().await;
    let proxy = start(
        &kafka.bootstrap(),
        "sluiceway.public.url=https://rest.example/k/\n",
    )
    .await;
    let answer = proxy
        .at(Method::POST, "/consumers/g", r#"{"name":"sp ace"}"#)
        .await;
    assert_eq!(
        answer.json()["base_uri"],
        "https://rest.example/k/consumers/g/instances/sp ace"
    );
    proxy
        .done(Method::DELETE, "/consumers/g/instances/sp%20ace", "")
        .await;
    proxy.proxy.drain().await;
}
