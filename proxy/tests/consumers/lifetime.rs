//! Instances: their number, names, URLs and end.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::calls::{ALL, Calls, EARLIEST, places, scene};
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
    // A name is looked for before the client is made.
    let bad = r#"{"name":"i","auto.commit.enable":"maybe"}"#;
    for (body, expected) in [
        (bad.to_owned(), (409, 40902)),
        (bad.replace("\"i\"", "\"j\""), (422, 42204)),
    ] {
        let refused = proxy.refused(Method::POST, "/consumers/g", &body).await;
        assert_eq!(refused, expected, "{body}");
    }
    let second = proxy.create("g", "").await;
    assert!(second.contains("/rest-consumer-lab-"), "{second}");
    let full = proxy.at(Method::POST, "/consumers/g", "").await;
    // Until the older of the two has expired and is swept away: 2.5 s, less what has passed.
    let wait: u32 = full.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(full.status, 429);
    assert!((1..=3).contains(&wait), "{wait}");
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
    // An empty name is one, but not to be seen in the URL.
    let nameless = r#"{"name":"a","id":""}"#;
    let answer = proxy.at(Method::POST, "/consumers/g", nameless).await;
    let base_uri = "https://rest.example/k/consumers/g/instances";
    let created = json!({"instance_id": "", "base_uri": base_uri});
    assert_eq!(answer.json(), created);
    let again = proxy.refused(Method::POST, "/consumers/g", nameless).await;
    assert_eq!(again, (409, 40902));
    let answer = proxy
        .at(Method::POST, "/consumers/%2Fg%2F", r#"{"name":"a/"}"#)
        .await;
    assert_eq!(answer.json()["base_uri"], format!("{base_uri}/a"));
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_has_a_client_only_while_it_reads() {
    let (_kafka, proxy) = scene("").await;
    let clients = || proxy.metric("sluiceway_proxy_consumer_clients");
    let ended = async |what: &str, left: f64| {
        eventually(what, async || clients() == left).await;
    };
    let topics = r#"{"topics":["o"]}"#;
    let partitions = r#"{"partitions":[{"topic":"o","partition":1}]}"#;
    let mut instances = Vec::new();
    for number in 0..20 {
        let i = proxy.create(&format!("g{number}"), EARLIEST).await;
        if number % 2 == 0 {
            proxy.subscribe(&i, topics).await;
        } else {
            proxy.assign(&i, partitions).await;
            let path = format!("{i}/positions/beginning");
            proxy.done(Method::POST, &path, partitions).await;
        }
        assert!(proxy.assigned(&i).await["partitions"].is_array());
        instances.push(i);
    }
    assert_eq!(clients(), 0.0);
    let (group, assigned, committing) = (&instances[0], &instances[1], &instances[2]);
    let read = async |i: &str| places(&proxy.records(i, "?timeout=20000").await);
    assert_eq!(read(group).await, ALL);
    assert_eq!(read(assigned).await, ALL[3..]);
    assert_eq!(clients(), 2.0);
    // A commit needs Kafka, too; reading begins behind it.
    let offsets = format!("{committing}/offsets");
    let commit = r#"{"offsets":[{"topic":"o","partition":0,"offset":1}]}"#;
    let answer = proxy.at(Method::POST, &offsets, commit).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(clients(), 3.0);
    assert_eq!(read(committing).await, ALL[2..]);
    assert_eq!(clients(), 3.0);
    // Nothing is chosen any longer: what is chosen next is read by a client of its own, from what is committed.
    let answer = proxy.at(Method::POST, &offsets, "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for (i, resource) in [(committing, "subscription"), (assigned, "subscription")] {
        let path = format!("{i}/{resource}");
        proxy.done(Method::DELETE, &path, "").await;
    }
    ended("the clients of two end", 1.0).await;
    proxy.subscribe(committing, topics).await;
    assert_eq!(clients(), 1.0);
    let one = r#"{"records":[{"value":3}]}"#;
    let (records, _) = tokio::join!(
        proxy.records(committing, "?timeout=20000"),
        proxy.produce("/topics/o/partitions/1", one)
    );
    assert_eq!(places(&records), [(1, 3)]);
    proxy.subscribe(assigned, topics).await;
    assert_eq!(clients(), 2.0);
    for i in &instances {
        proxy.done(Method::DELETE, i, "").await;
    }
    ended("all clients end", 0.0).await;
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_contradict_one_another_are_told_at_creation() {
    let kafka = kafka(true).await;
    // Where brokers decide a session's time it cannot be set.
    let settings = "consumer.group.protocol=consumer\nconsumer.session.timeout.ms=10000\n";
    let proxy = start(&kafka.bootstrap(), settings).await;
    for _ in 0..2 {
        let refused = proxy.refused(Method::POST, "/consumers/g", EARLIEST).await;
        assert_eq!(refused, (422, 42204));
    }
    assert_eq!(proxy.metric("sluiceway_proxy_consumer_instances"), 0.0);
    proxy.proxy.drain().await;
}
