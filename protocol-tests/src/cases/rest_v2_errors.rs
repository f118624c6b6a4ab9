//! What is refused, and how: statuses, codes, and that nothing of a refused request is written. Exact texts are
//! compared by the replay of the recordings.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{V2, V2_BINARY, V2_JSON, expect_status, produce};
use crate::Session;
use crate::http::{Request, Response};
use crate::target::Proxy;

/// The list of these cases.
#[macro_export]
macro_rules! rest_v2_errors_cases {
    ($kind:ident) => {
        $crate::tests!($kind rest_v2_errors
            bodies_are_checked base64_is_checked content_types_are_checked accept_is_checked
            unknown_topics_and_partitions_are_not_found an_unknown_partition_fails_its_record_at_once
            an_unknown_topic_fails_its_records_at_once too_large_records_fail_alone
            a_missing_broker_is_a_bounded_wait hostile_bytes_do_no_harm);
    };
}

/// What "at once" means on a slow machine: the genuine proxy needs its max.block.ms, a minute by default.
const AT_ONCE: Duration = Duration::from_secs(5);

fn expect_error(answer: &Response, status: u16, code: i64) -> Result<()> {
    expect_status(answer, status)?;
    let json = answer.json()?;
    ensure!(
        json["error_code"] == code,
        "error_code {code} expected: {json}"
    );
    ensure!(
        json["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "no message: {json}"
    );
    ensure!(
        json.as_object().is_some_and(|members| members.len() == 2),
        "more than code and message: {json}"
    );
    Ok(())
}

/// Each of these is refused as a whole, also where only its last record is wrong.
///
/// # Errors
/// The case fails.
pub async fn bodies_are_checked(session: &Session) -> Result<()> {
    let topic = session.topic("bodies", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let deep = format!(
        "{{\"records\":[{{\"value\":{}{}}}]}}",
        "[".repeat(1200),
        "]".repeat(1200)
    );
    let bodies: [(&str, u16, i64); 20] = [
        ("", 422, 422),
        ("{}", 422, 422),
        ("{\"records\":[]}", 422, 422),
        ("{\"records\":null}", 422, 422),
        ("{\"records\":[{\"value\":1}],\"extra\":1}", 422, 422),
        ("{\"records\":[{\"value\":1,\"headers\":[]}]}", 422, 422),
        (
            "{\"records\":[{\"value\":1},{\"value\":2,\"timestamp\":3}]}",
            422,
            422,
        ),
        ("hello", 400, 400),
        ("[]", 400, 400),
        ("\"x\"", 400, 400),
        ("{", 400, 400),
        ("{\"records\":[{\"value\":1}", 400, 400),
        ("{\"records\":[{\"value\":1}]} x", 400, 400),
        ("{\"records\":[{\"value\":1},]}", 400, 400),
        ("{\"records\":[{\"value\":NaN}]}", 400, 400),
        ("{\"records\":[{\"value\":'a'}]}", 400, 400),
        ("{\"records\":[null]}", 400, 400),
        ("{\"records\":[\"x\"]}", 400, 400),
        ("{\"records\":[{\"value\":\"a\u{1}b\"}]}", 400, 400),
        (&deep, 400, 400),
    ];
    for (body, status, code) in bodies {
        let mut request = produce(&format!("/topics/{topic}"), &json!(null));
        request.body = Some(body.as_bytes().to_vec());
        let answer = proxy.http.call(&request).await?;
        let shown: String = body.chars().take(80).collect();
        expect_error(&answer, status, code).with_context(|| format!("body {shown}"))?;
        ensure!(
            answer.header("content-type") == Some(V2),
            "{:?}",
            answer.headers
        );
    }
    ensure!(
        session.kafka.read_all(&topic)?.is_empty(),
        "something of a refused request was written"
    );
    Ok(())
}

/// In values and keys; one bad record refuses the request.
///
/// # Errors
/// The case fails.
pub async fn base64_is_checked(session: &Session) -> Result<()> {
    let topic = session.topic("base64", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let bad = [
        json!({"value": "!!!"}),
        json!({"value": "-_-_"}),
        json!({"value": "aGVs\nbG8="}),
        json!({"value": {"a": 1}}),
        json!({"key": "%%%%", "value": "eA=="}),
    ];
    for record in bad {
        let body = json!({"records": [{"value": "b2s="}, record]});
        let mut request = produce(&format!("/topics/{topic}"), &body);
        request.headers[0].1 = V2_BINARY.into();
        let answer = proxy.http.call(&request).await?;
        expect_error(&answer, 400, 400).with_context(|| record.to_string())?;
        let message = answer.json()?["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        ensure!(
            message.starts_with("Bad Request: data=") && message.ends_with("base64 string."),
            "{message}"
        );
    }
    ensure!(
        session.kafka.read_all(&topic)?.is_empty(),
        "something of a refused request was written"
    );
    Ok(())
}

/// Exact types, with a charset if need be, or none at all.
///
/// # Errors
/// The case fails.
pub async fn content_types_are_checked(session: &Session) -> Result<()> {
    let topic = session.topic("types", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let body = json!({"records": [{"value": "aGk="}]}).to_string();
    let post = |kind: Option<&str>| {
        let request = Request::new("POST", &format!("/topics/{topic}")).body(body.clone());
        kind.iter().fold(request, |request, kind| {
            request.header("Content-Type", kind)
        })
    };
    for refused in [
        "application/json",
        V2,
        "text/plain",
        "application/vnd.kafka.v1+json",
        "*/*",
        "application/x-www-form-urlencoded",
    ] {
        let answer = proxy.http.call(&post(Some(refused))).await?;
        expect_error(&answer, 415, 415).with_context(|| refused.to_owned())?;
    }
    let charset = format!("{V2_JSON}; charset=utf-8");
    for accepted in [Some(V2_JSON), Some(&*charset), Some(V2_BINARY), None] {
        let answer = proxy.http.call(&post(accepted)).await?;
        expect_status(&answer, 200).with_context(|| format!("{accepted:?}"))?;
    }
    let stored: Vec<_> = session
        .kafka
        .read_all(&topic)?
        .iter()
        .map(crate::kafka::Record::text)
        .collect();
    ensure!(
        stored == ["\"aGk=\"", "\"aGk=\"", "hi", "\"aGk=\""],
        "{stored:?}"
    );
    Ok(())
}

/// 406 without a type, before anything is written.
///
/// # Errors
/// The case fails.
pub async fn accept_is_checked(session: &Session) -> Result<()> {
    let topic = session.topic("accept", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let path = format!("/topics/{topic}");
    for refused in [
        "application/json",
        "text/html",
        V2_JSON,
        "application/vnd.kafka.v1+json",
    ] {
        let mut request = produce(&path, &json!({"records": [{"value": 1}]}));
        request.headers[1].1 = refused.into();
        for answer in [
            proxy.http.get(&path, Some(refused)).await?,
            proxy.http.call(&request).await?,
        ] {
            expect_error(&answer, 406, 406).with_context(|| refused.to_owned())?;
            ensure!(
                answer.header("content-type").is_none(),
                "{:?}",
                answer.headers
            );
        }
    }
    for accepted in [
        None,
        Some("*/*"),
        Some("application/*"),
        Some(V2),
        Some("text/html, */*;q=0.1"),
    ] {
        let answer = proxy.http.get(&path, accepted).await?;
        expect_status(&answer, 200).with_context(|| format!("{accepted:?}"))?;
        ensure!(
            answer.header("content-type") == Some(V2),
            "{accepted:?}: {:?}",
            answer.headers
        );
    }
    ensure!(
        session.kafka.read_all(&topic)?.is_empty(),
        "something of a refused request was written"
    );
    Ok(())
}

/// Codes of reading: topic, partition, what is no partition, what is no path.
///
/// # Errors
/// The case fails.
pub async fn unknown_topics_and_partitions_are_not_found(session: &Session) -> Result<()> {
    let topic = session.topic("known", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let missing = session.name("missing");
    let paths = [
        (format!("/topics/{missing}"), 40403),
        (format!("/topics/{missing}/partitions"), 40403),
        (format!("/topics/{missing}/partitions/0"), 40403),
        (format!("/topics/{missing}/partitions/0/offsets"), 40403),
        (format!("/topics/{topic}/partitions/1"), 40402),
        (format!("/topics/{topic}/partitions/-1"), 40402),
        (format!("/topics/{topic}/partitions/1/offsets"), 40402),
        (format!("/topics/{topic}/partitions/x"), 404),
        ("/nope".to_owned(), 404),
        ("/topics/a/b".to_owned(), 404),
    ];
    for (path, code) in paths {
        let answer = proxy.http.get(&path, Some(V2)).await?;
        expect_error(&answer, 404, code).with_context(|| path.clone())?;
    }
    let list = proxy.http.get("/topics", Some(V2)).await?.json()?;
    ensure!(
        !list.to_string().contains(&missing),
        "reading created a topic"
    );
    Ok(())
}

/// The record fails with 50003, its neighbours are written, nobody waits a minute.
///
/// # Errors
/// The case fails.
pub async fn an_unknown_partition_fails_its_record_at_once(session: &Session) -> Result<()> {
    let topic = session.topic("mixed", 3).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let body = json!({"records": [{"partition": 0, "value": "a"}, {"partition": 77, "value": "bad"}, {"partition": 1, "value": "b"}]});
    let start = Instant::now();
    let answer = proxy
        .http
        .call(&produce(&format!("/topics/{topic}"), &body))
        .await?;
    expect_status(&answer, 200)?;
    let offsets = answer.json()?["offsets"].clone();
    ensure!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    let good = |partition: i32| json!({"partition": partition, "offset": 0, "error_code": null, "error": null});
    ensure!(offsets[0] == good(0) && offsets[2] == good(1), "{offsets}");
    expect_failed(
        &offsets[1],
        50003,
        &format!("Partition 77 of topic {topic}"),
    )?;
    let stored: Vec<_> = session
        .kafka
        .read_all(&topic)?
        .iter()
        .map(crate::kafka::Record::text)
        .collect();
    ensure!(stored == ["\"a\"", "\"b\""], "{stored:?}");
    Ok(())
}

fn expect_failed(entry: &Value, code: i64, text: &str) -> Result<()> {
    ensure!(
        entry["partition"].is_null() && entry["offset"].is_null(),
        "{entry}"
    );
    ensure!(entry["error_code"] == code, "{code} expected: {entry}");
    ensure!(
        entry["error"]
            .as_str()
            .is_some_and(|error| error.contains(text)),
        "{text} expected: {entry}"
    );
    Ok(())
}

/// On a broker that does not create topics.
///
/// # Errors
/// The case fails.
pub async fn an_unknown_topic_fails_its_records_at_once(session: &Session) -> Result<()> {
    let proxy = Proxy::start_on(session, &session.parts.kafka_noauto, &[]).await?;
    let topic = session.name("never");
    let body = json!({"records": [{"value": 1}, {"value": 2, "partition": 0}]});
    let start = Instant::now();
    let answer = proxy
        .http
        .call(&produce(&format!("/topics/{topic}"), &body))
        .await?;
    expect_status(&answer, 200)?;
    ensure!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    for entry in answer.json()?["offsets"].as_array().context("no offsets")? {
        expect_failed(
            entry,
            50003,
            &format!("Topic {topic} not present in metadata"),
        )?;
    }
    Ok(())
}

/// 50002 for the record above 1 MiB, its neighbours are written.
///
/// # Errors
/// The case fails.
pub async fn too_large_records_fail_alone(session: &Session) -> Result<()> {
    let topic = session.topic("huge", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let body =
        json!({"records": [{"value": "a"}, {"value": "x".repeat(1_200_000)}, {"value": "b"}]});
    let answer = proxy
        .http
        .call(&produce(&format!("/topics/{topic}"), &body))
        .await?;
    expect_status(&answer, 200)?;
    let offsets = answer.json()?["offsets"].clone();
    ensure!(
        offsets[0]["offset"] == 0 && offsets[2]["offset"] == 1,
        "{offsets}"
    );
    expect_failed(&offsets[1], 50002, "larger than")
}

/// Nobody at `bootstrap.servers`: the answer comes after `max.block.ms`, with 50003 for every record.
///
/// # Errors
/// The case fails.
pub async fn a_missing_broker_is_a_bounded_wait(session: &Session) -> Result<()> {
    let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
    let nobody = socket.local_addr()?.to_string();
    drop(socket);
    let proxy = Proxy::start_on(session, &nobody, &[("producer.max.block.ms", "2000")]).await?;
    let start = Instant::now();
    let body = json!({"records": [{"value": 1}, {"value": 2}]});
    let answer = proxy
        .http
        .call(&produce("/topics/unreachable", &body))
        .await?;
    expect_status(&answer, 200)?;
    ensure!(
        start.elapsed() < Duration::from_secs(2) + AT_ONCE,
        "{:?}",
        start.elapsed()
    );
    let json = answer.json()?;
    let entries = json["offsets"].as_array().context("no offsets")?;
    ensure!(
        entries.len() == 2 && entries.iter().all(|entry| entry["error_code"] == 50003),
        "{json}"
    );
    Ok(())
}

/// Requests that are no HTTP, no path, or never end: the next client is served.
///
/// # Errors
/// The case fails.
pub async fn hostile_bytes_do_no_harm(session: &Session) -> Result<()> {
    let proxy = Proxy::start(session, &[]).await?;
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000));
    let headers = format!(
        "GET / HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "X: y\r\n".repeat(5000)
    );
    let attacks: [&[u8]; 7] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\r\n\r\n\r\n",
        b"POST /topics/t HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\nabcde",
        b"POST /topics/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        b"GET /topics/%ff%00%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n",
        long.as_bytes(),
        headers.as_bytes(),
    ];
    for (number, attack) in attacks.into_iter().enumerate() {
        let mut connection = proxy.http.connect().await?;
        connection
            .send_raw(attack)
            .await
            .or_else(|_| anyhow::Ok(()))?;
        if let Ok(Ok(answer)) =
            tokio::time::timeout(Duration::from_secs(2), connection.read()).await
        {
            ensure!(
                (400..500).contains(&answer.status),
                "attack {number}: {}",
                answer.status
            );
        }
        expect_status(&proxy.http.get("/", None).await?, 200)
            .with_context(|| format!("after attack {number}"))?;
    }
    Ok(())
}
