//! Subscriptions: by topics and by pattern, what excludes what, what replaces what.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use crate::calls::{ALL, Calls, EARLIEST, places, scene};
use crate::support::JSON;

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_reads_everything_and_answers_before_its_time() {
    let (_kafka, proxy) = scene("").await;
    let i = proxy.create("g", EARLIEST).await;
    assert_eq!(
        proxy
            .at(Method::GET, &format!("{i}/subscription"), "")
            .await
            .json(),
        json!({"topics": []})
    );
    proxy
        .subscribe(&i, r#"{"topics":["o"],"topic_pattern":"x"}"#)
        .await;
    assert_eq!(
        proxy
            .at(Method::GET, &format!("{i}/subscription"), "")
            .await
            .json(),
        json!({"topics": ["o"]})
    );
    assert_eq!(proxy.assigned(&i).await, json!({"partitions": []}));
    let started = Instant::now();
    let records = proxy.records(&i, "").await;
    assert!(
        started.elapsed() < Duration::from_secs(9),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(places(&records), ALL);
    let first = records
        .as_array()
        .unwrap()
        .iter()
        .find(|record| record["offset"] == 0)
        .unwrap();
    let members: Vec<_> = first.as_object().unwrap().keys().collect();
    assert_eq!(members, ["topic", "key", "value", "partition", "offset"]);
    assert_eq!(
        (&first["key"], &first["value"]),
        (&json!("a"), &json!({"n": 0}))
    );
    let assigned = proxy.assigned(&i).await;
    assert_eq!(assigned["partitions"].as_array().unwrap().len(), 2);
    // Nothing new: the whole time is waited.
    let started = Instant::now();
    assert_eq!(proxy.records(&i, "?timeout=400").await, json!([]));
    assert!(started.elapsed() >= Duration::from_millis(390));
    // A record that comes meanwhile ends the wait.
    let started = Instant::now();
    let produce = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        proxy
            .produce("/topics/o/partitions/1", r#"{"records":[{"value":3}]}"#)
            .await;
    };
    let (records, ()) = tokio::join!(proxy.records(&i, "?timeout=8000"), produce);
    assert_eq!(places(&records), [(1, 3)]);
    assert!(started.elapsed() < Duration::from_secs(6));
    assert_eq!(
        proxy.metric("sluiceway_proxy_consumed_records_total{format=\"json\"}"),
        7.0
    );
    proxy.done(Method::DELETE, &i, "").await;
    assert_eq!(proxy.refused(Method::DELETE, &i, "").await, (404, 40403));
    assert_eq!(proxy.metric("sluiceway_proxy_consumer_instances"), 0.0);
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_topics_pattern_and_partitions_at_a_time() {
    let (_kafka, proxy) = scene("").await;
    let i = proxy.create("g", EARLIEST).await;
    let (subscription, assignments) = (format!("{i}/subscription"), format!("{i}/assignments"));
    let (topics, pattern, partitions) = (
        r#"{"topics":["o"]}"#,
        r#"{"topic_pattern":"o|u"}"#,
        r#"{"partitions":[{"topic":"o","partition":0}]}"#,
    );
    let records = format!("{i}/records");
    assert_eq!(proxy.accepting(&records, JSON).await.status, 500);
    proxy.done(Method::POST, &subscription, "{}").await;
    proxy.done(Method::POST, &subscription, topics).await;
    assert_eq!(
        proxy.refused(Method::POST, &assignments, partitions).await,
        (409, 40903)
    );
    assert_eq!(
        proxy.refused(Method::POST, &subscription, pattern).await,
        (409, 40903)
    );
    proxy.records(&i, "").await;
    proxy.done(Method::DELETE, &subscription, "").await;
    proxy.done(Method::DELETE, &subscription, "").await;
    assert_eq!(proxy.accepting(&records, JSON).await.status, 500);
    proxy.done(Method::POST, &assignments, partitions).await;
    assert_eq!(
        proxy.refused(Method::POST, &subscription, topics).await,
        (409, 40903)
    );
    assert_eq!(
        proxy.refused(Method::POST, &assignments, "{}").await,
        (500, 500)
    );
    assert_eq!(
        proxy
            .refused(
                Method::POST,
                &assignments,
                r#"{"partitions":[{"topic":"o"}]}"#
            )
            .await,
        (500, 500)
    );
    proxy
        .done(Method::POST, &assignments, r#"{"partitions":[]}"#)
        .await;
    for none in [r#"{"topic_pattern":"["}"#, r#"{"topic_pattern":""}"#] {
        let refused = proxy.refused(Method::POST, &subscription, none).await;
        assert_eq!(refused, (500, 500), "{none}");
    }
    proxy.done(Method::POST, &subscription, pattern).await;
    assert_eq!(
        proxy.at(Method::GET, &subscription, "").await.json(),
        json!({"topics": []})
    );
    assert_eq!(proxy.records(&i, "").await.as_array().unwrap().len(), 6);
    assert_eq!(
        proxy.at(Method::GET, &subscription, "").await.json(),
        json!({"topics": ["o"]})
    );
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_replaced_by_the_next() {
    let (_kafka, proxy) = scene("").await;
    proxy
        .produce("/topics/p", r#"{"records":[{"value":1},{"value":2}]}"#)
        .await;
    let i = proxy.create("g", EARLIEST).await;
    let subscription = format!("{i}/subscription");
    proxy
        .done(Method::POST, &subscription, r#"{"topics":["o"]}"#)
        .await;
    // One record is answered, the others are not: they are not seen again.
    assert_eq!(places(&proxy.records(&i, "?max_bytes=1").await).len(), 1);
    proxy
        .done(Method::POST, &subscription, r#"{"topics":["p"]}"#)
        .await;
    let mut values = Vec::new();
    for _ in 0..5 {
        let records = proxy.records(&i, "?timeout=3000").await;
        for record in records.as_array().unwrap() {
            assert_eq!(record["topic"], "p");
            values.push(record["value"].clone());
        }
        if values.len() == 2 {
            break;
        }
    }
    assert_eq!(values, [json!(1), json!(2)]);
    let assigned = proxy.assigned(&i).await;
    assert_eq!(
        assigned,
        json!({"partitions": [{"topic": "p", "partition": 0}]})
    );
    proxy.proxy.drain().await;
}
