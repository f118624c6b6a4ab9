//! Offsets: committed by request and by themselves, and read.

use http::Method;
use serde_json::json;

use crate::calls::{Calls, EARLIEST, all_but_the_first, places, scene};

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_committed_and_read() {
    let (_kafka, proxy) = scene("").await;
    let i = proxy.create("g", EARLIEST).await;
    let offsets = format!("{i}/offsets");
    let both = r#"{"partitions":[{"topic":"o","partition":0},{"topic":"o","partition":1},{"topic":"nope","partition":0}]}"#;
    let committed = async || proxy.at(Method::GET, &offsets, both).await.json()["offsets"].clone();
    assert_eq!(committed().await, json!([]));
    proxy.subscribe(&i, r#"{"topics":["o"]}"#).await;
    assert_eq!(proxy.records(&i, "").await.as_array().unwrap().len(), 6);
    let answer = proxy.at(Method::POST, &offsets, "").await;
    assert_eq!((answer.status, answer.json()), (200, json!([])));
    let at = |partition: i32, offset: i64, metadata: &str| json!({"topic": "o", "partition": partition, "offset": offset, "metadata": metadata});
    assert_eq!(committed().await, json!([at(0, 3, ""), at(1, 3, "")]));
    let explicit = r#"{"offsets":[{"topic":"o","partition":0,"offset":1,"metadata":"md"}]}"#;
    assert_eq!(proxy.at(Method::POST, &offsets, explicit).await.status, 200);
    assert_eq!(committed().await, json!([at(0, 2, "md"), at(1, 3, "")]));
    for (body, expected) in [
        (
            r#"{"offsets":[{"topic":"o","partition":0,"offset":-5}]}"#,
            (500, 500),
        ),
        (
            r#"{"offsets":[{"topic":"o","partition":0,"offset":"x"}]}"#,
            (400, 400),
        ),
        (
            r#"{"offsets":[{"topic":"o","partition":9,"offset":1}]}"#,
            (500, 50003),
        ),
        (
            r#"{"offsets":[{"topic":"nope","partition":0,"offset":1}]}"#,
            (500, 50003),
        ),
        ("{}", (500, 500)),
    ] {
        assert_eq!(
            proxy.refused(Method::POST, &offsets, body).await,
            expected,
            "{body}"
        );
    }
    assert_eq!(proxy.refused(Method::GET, &offsets, "").await, (404, 40402));
    proxy.done(Method::DELETE, &i, "").await;
    // The next member goes on where the commits say.
    let next = proxy.create("g", EARLIEST).await;
    proxy.subscribe(&next, r#"{"topics":["o"]}"#).await;
    assert_eq!(
        places(&proxy.records(&next, "?timeout=3000").await),
        [(0, 2)]
    );
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_committed_by_itself_and_no_more() {
    let (_kafka, proxy) = scene("").await;
    let options = EARLIEST.replace("\"false\"", "true");
    let i = proxy.create("auto", &options).await;
    proxy.subscribe(&i, r#"{"topics":["o"]}"#).await;
    let answered = places(&proxy.records(&i, "?max_bytes=12").await);
    proxy.done(Method::DELETE, &i, "").await;
    let next = proxy.create("auto", &options).await;
    proxy.subscribe(&next, r#"{"topics":["o"]}"#).await;
    let rest = places(&proxy.records(&next, "").await);
    assert_eq!(rest, all_but_the_first(&answered));
    proxy.proxy.drain().await;
}
