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
    // No partitions: all that are assigned.
    let none = r#"{"partitions":[]}"#;
    for (end, query, expected) in [
        ("beginning", "", &ALL[..]),
        ("end", "?timeout=500", &[][..]),
    ] {
        proxy
            .done(Method::POST, &format!("{i}/positions/{end}"), none)
            .await;
        assert_eq!(places(&proxy.records(&i, query).await), expected);
    }
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
            r#"{"offsets":[{"topic":"nope","partition":0,"offset":-1}]}"#,
            (500, 500),
        ),
        (
            "positions",
            r#"{"timestamps":[{"topic":"nope","partition":0,"timestamp":"1969-12-31T23:59:59Z"}]}"#,
            (500, 500),
        ),
        (
            "positions/end",
            r#"{"partitions":[{"topic":"o"}]}"#,
            (500, 500),
        ),
        ("positions/end", "{}", (500, 500)),
        ("positions", "[]", (400, 400)),
        // Told before the instance is looked for.
        (
            "x/positions",
            r#"{"offsets":[{"partition":0,"offset":1}]}"#,
            (400, 400),
        ),
        ("x/positions", r#"{"offsets":[]}"#, (404, 40403)),
    ] {
        let path = format!("{i}/{path}").replace("/x/", "x/");
        assert_eq!(
            proxy.refused(Method::POST, &path, body).await,
            expected,
            "{path} {body}"
        );
    }
    for (path, body, named) in [
        (
            "positions",
            r#"{"offsets":[{"topic":"t","partition":-1}]}"#,
            "t--1",
        ),
        ("positions", r#"{"offsets":[{"topic":""}]}"#, "-0"),
        (
            "positions/end",
            r#"{"partitions":[{"partition":0}]}"#,
            "null-0",
        ),
        (
            "positions/end",
            r#"{"partitions":[{"topic":"","partition":1}]}"#,
            "-1",
        ),
    ] {
        let answer = proxy.at(Method::POST, &format!("{i}/{path}"), body).await;
        let text = format!("Illegal state: No current assignment for partition {named}");
        let expected = json!({"error_code": 40903, "message": text});
        assert_eq!((answer.status, answer.json()), (409, expected), "{body}");
    }
    // The offset has been sought by the time that the two times are met.
    let twice = r#"{"offsets":[{"topic":"o","partition":0,"offset":2}],"timestamps":[{"topic":"o","partition":1,"timestamp":-1},{"topic":"o","partition":1,"timestamp":1,"metadata":"m"}]}"#;
    let answer = proxy
        .at(Method::POST, &format!("{i}/positions"), twice)
        .await;
    let text = "Illegal state: Duplicate key o-1 (attempted merging values Optional.empty and Optional[m])";
    let expected = json!({"error_code": 40903, "message": text});
    assert_eq!((answer.status, answer.json()), (409, expected));
    assert_eq!(places(&proxy.records(&i, "").await), [(0, 2)]);
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
