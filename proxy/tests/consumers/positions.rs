//! Positions: beginning, end, offset, time, and none at all.

use http::Method;
use serde_json::json;

use crate::calls::{ALL, Calls, EARLIEST, all_but_the_first, places, scene};
use crate::support::JSON;

#[tokio::test(flavor = "multi_thread")]
async fn positions_move_both_ways() {
    let (_kafka, proxy) = scene("").await;
    let i = proxy.create("g", EARLIEST).await;
    let both = r#"{"partitions":[{"topic":"o","partition":0},{"topic":"o","partition":1}]}"#;
    proxy.assign(&i, both).await;
    // Before anything was read, too.
    let to_two = r#"{"offsets":[{"topic":"o","partition":0,"offset":2},{"topic":"o","partition":1,"offset":2}]}"#;
    proxy
        .done(Method::POST, &format!("{i}/positions"), to_two)
        .await;
    assert_eq!(places(&proxy.records(&i, "").await), [(0, 2), (1, 2)]);
    for _ in 0..5 {
        proxy
            .done(Method::POST, &format!("{i}/positions/beginning"), both)
            .await;
        let answered = places(&proxy.records(&i, "?max_bytes=17").await);
        let rest = places(&proxy.records(&i, "").await);
        assert_eq!(rest, all_but_the_first(&answered));
    }
    let one = r#"{"offsets":[{"topic":"o","partition":0,"offset":1}]}"#;
    proxy
        .done(Method::POST, &format!("{i}/positions"), one)
        .await;
    assert_eq!(places(&proxy.records(&i, "").await), [(0, 1), (0, 2)]);
    proxy
        .done(Method::POST, &format!("{i}/positions/beginning"), both)
        .await;
    proxy
        .done(Method::POST, &format!("{i}/positions/end"), both)
        .await;
    assert_eq!(proxy.records(&i, "?timeout=500").await, json!([]));
    let times = r#"{"timestamps":[{"topic":"o","partition":0,"timestamp":"2001-01-01T00:00:00Z"},{"topic":"o","partition":1,"timestamp":"2101-01-01T00:00:00Z"}]}"#;
    proxy
        .done(Method::POST, &format!("{i}/positions"), times)
        .await;
    assert_eq!(places(&proxy.records(&i, "").await), ALL[..3]);
    proxy
        .done(Method::POST, &format!("{i}/positions"), "{}")
        .await;
    for (path, body, expected) in [
        (
            "positions",
            r#"{"offsets":[{"topic":"nope","partition":0,"offset":1}]}"#,
            (409, 40903),
        ),
        (
            "positions/beginning",
            r#"{"partitions":[{"topic":"o","partition":9}]}"#,
            (409, 40903),
        ),
        (
            "positions",
            r#"{"offsets":[{"topic":"o","partition":0,"offset":-1}]}"#,
            (422, 422),
        ),
        ("positions/end", "{}", (500, 500)),
        ("positions", "[]", (400, 400)),
    ] {
        let path = format!("{i}/{path}");
        assert_eq!(
            proxy.refused(Method::POST, &path, body).await,
            expected,
            "{path} {body}"
        );
    }
    proxy.proxy.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reset_policy_is_told_until_someone_seeks() {
    let (_kafka, proxy) = scene("").await;
    let i = proxy
        .create("g", &EARLIEST.replace("earliest", "none"))
        .await;
    proxy
        .assign(&i, r#"{"partitions":[{"topic":"o","partition":0}]}"#)
        .await;
    for _ in 0..2 {
        let answer = proxy.accepting(&format!("{i}/records"), JSON).await;
        let text = "Undefined offset with no reset policy for partitions: [o-0]";
        assert_eq!(
            (answer.status, answer.json()),
            (500, json!({"error_code": 50002, "message": text}))
        );
    }
    proxy
        .done(
            Method::POST,
            &format!("{i}/positions/beginning"),
            r#"{"partitions":[{"topic":"o","partition":0}]}"#,
        )
        .await;
    assert_eq!(places(&proxy.records(&i, "").await), ALL[..3]);
    proxy.proxy.drain().await;
}
