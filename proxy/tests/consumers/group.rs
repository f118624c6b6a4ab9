//! Several instances: in one group, and side by side.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::Value;

use crate::calls::{ALL, Calls, EARLIEST, places, scene};

#[tokio::test(flavor = "multi_thread")]
async fn a_group_shares_partitions_and_a_slow_member_holds_up_no_other_instance() {
    let (_kafka, proxy) = scene("consumer.instance.timeout.ms=60000\n").await;
    let a = proxy.create("g", &EARLIEST.replace("10000", "1000")).await;
    let b = proxy
        .create(
            "g",
            &EARLIEST.replace("10000", "1000").replace("\"i\"", "\"j\""),
        )
        .await;
    for i in [&a, &b] {
        proxy.subscribe(i, r#"{"topics":["o"]}"#).await;
    }
    let other = proxy.create("other", EARLIEST).await;
    proxy
        .assign(&other, r#"{"partitions":[{"topic":"o","partition":0}]}"#)
        .await;
    let shared = async {
        for _ in 0..30 {
            tokio::join!(proxy.records(&a, ""), proxy.records(&b, ""));
            let one = |i: &str| format!("{i}/assignments");
            let first = proxy.at(Method::GET, &one(&a), "").await.json();
            let second = proxy.at(Method::GET, &one(&b), "").await.json();
            let count = |found: &Value| found["partitions"].as_array().unwrap().len();
            if (count(&first), count(&second)) == (1, 1) {
                assert_ne!(first, second);
                return;
            }
        }
        panic!("the partitions were never shared");
    };
    let quick = async {
        assert_eq!(places(&proxy.records(&other, "").await), ALL[..3]);
        // A read that waits for nothing does not hold up a look at another instance.
        let (started, look) = (Instant::now(), format!("{a}/subscription"));
        let (_, answer) = tokio::join!(
            proxy.records(&other, "?timeout=2000"),
            proxy.at(Method::GET, &look, "")
        );
        assert_eq!(answer.status, 200);
        assert!(started.elapsed() < Duration::from_secs(4));
    };
    tokio::join!(shared, quick);
    proxy.proxy.drain().await;
}

/// Rebalances happen inside of reads: a member that nobody reads holds the next one's join up, and that is not waited for longer
/// than `sluiceway.consumer.join.wait.ms` and the read's own time.
#[tokio::test(flavor = "multi_thread")]
async fn the_wait_for_the_join_is_bounded() {
    let (_kafka, proxy) = scene("sluiceway.consumer.join.wait.ms=3000\n").await;
    let a = proxy.create("g", EARLIEST).await;
    proxy.subscribe(&a, r#"{"topics":["o"]}"#).await;
    assert_eq!(places(&proxy.records(&a, "").await), ALL);
    let b = proxy.create("g", &EARLIEST.replace("\"i\"", "\"j\"")).await;
    proxy.subscribe(&b, r#"{"topics":["o"]}"#).await;
    let started = Instant::now();
    assert!(places(&proxy.records(&b, "?timeout=200").await).is_empty());
    let waited = started.elapsed();
    assert!(waited >= Duration::from_millis(3190), "{waited:?}");
    assert!(waited < Duration::from_secs(20), "{waited:?}");
    assert_eq!(
        proxy.assigned(&b).await["partitions"],
        serde_json::json!([])
    );
    // The time is that of the subscription, not of each read.
    let started = Instant::now();
    assert!(places(&proxy.records(&b, "?timeout=200").await).is_empty());
    let waited = started.elapsed();
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    // Once the first is read again, the second gets its part.
    for _ in 0..60 {
        tokio::join!(
            proxy.records(&a, "?timeout=200"),
            proxy.records(&b, "?timeout=200")
        );
        let assigned = proxy.assigned(&b).await;
        if assigned["partitions"].as_array().unwrap().len() == 1 {
            return proxy.proxy.drain().await;
        }
    }
    panic!("the second never got a partition");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_instances_read_side_by_side() {
    let (_kafka, proxy) = scene("").await;
    let proxy = std::sync::Arc::new(proxy);
    let started = Instant::now();
    let mut reads = tokio::task::JoinSet::new();
    for number in 0..40 {
        let proxy = std::sync::Arc::clone(&proxy);
        reads.spawn(async move {
            let i = proxy.create(&format!("g{number}"), EARLIEST).await;
            let one = r#"{"partitions":[{"topic":"o","partition":0},{"topic":"o","partition":1}]}"#;
            proxy.assign(&i, one).await;
            places(&proxy.records(&i, "").await)
        });
    }
    while let Some(found) = reads.join_next().await {
        assert_eq!(found.unwrap(), ALL);
    }
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(proxy.metric("sluiceway_proxy_consumer_instances"), 40.0);
    std::sync::Arc::try_unwrap(proxy)
        .ok()
        .unwrap()
        .proxy
        .drain()
        .await;
}
