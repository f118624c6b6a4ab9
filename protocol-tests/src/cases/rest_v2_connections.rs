//! How requests come in and answers go out: in parallel, in chunks, one after the other on a connection, over HTTP/2,
//! zipped, and while the proxy ends.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{V2, acknowledged, expect_status, produce};
use crate::http::{Framing, Request};
use crate::kafka::Record;
use crate::target::Proxy;
use crate::{Session, http2};

/// The list of these cases.
#[macro_export]
macro_rules! rest_v2_connections_cases {
    ($kind:ident) => {
        $crate::tests!($kind rest_v2_connections
            parallel_requests_lose_nothing a_body_may_come_in_chunks connections_are_kept http2_without_tls_works
            gzip_is_given_when_asked draining_answers_what_was_begun);
    };
}

/// Many clients at once: each acknowledged record lies exactly once at its place, nothing else lies there.
///
/// # Errors
/// The case fails.
pub async fn parallel_requests_lose_nothing(session: &Session) -> Result<()> {
    const CLIENTS: usize = 16;
    const REQUESTS: usize = 25;
    let topic = session.topic("parallel", 4).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let (http, path) = (proxy.http.clone(), format!("/topics/{topic}"));
        tasks.spawn(async move {
            let mut connection = http.connect().await?;
            let mut places = Vec::new();
            for request in 0..REQUESTS {
                let values: Vec<String> = (0..3)
                    .map(|record| format!("{client}/{request}/{record}"))
                    .collect();
                let records: Vec<Value> = values
                    .iter()
                    .map(|value| json!({ "value": value }))
                    .collect();
                let answer = connection
                    .call(&produce(&path, &json!({ "records": records })))
                    .await?;
                expect_status(&answer, 200)?;
                places.extend(acknowledged(&answer.json()?)?.into_iter().zip(values));
            }
            anyhow::Ok(places)
        });
    }
    let mut told = Vec::new();
    while let Some(places) = tasks.join_next().await {
        told.extend(
            places??
                .into_iter()
                .map(|((partition, offset), value)| (partition, offset, format!("\"{value}\""))),
        );
    }
    told.sort();
    let stored = session.kafka.read_all(&topic)?;
    let stored: Vec<_> = stored
        .iter()
        .map(|record| (i64::from(record.partition), record.offset, record.text()))
        .collect();
    ensure!(
        told.len() == CLIENTS * REQUESTS * 3 && told == stored,
        "{} told, {} stored",
        told.len(),
        stored.len()
    );
    Ok(())
}

/// `Transfer-Encoding: chunked`, with chunk borders in the middle of a record.
///
/// # Errors
/// The case fails.
pub async fn a_body_may_come_in_chunks(session: &Session) -> Result<()> {
    let topic = session.topic("chunks", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let mut connection = proxy.http.connect().await?;
    let head = format!(
        "POST /topics/{topic} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        super::V2_JSON
    );
    connection.send_raw(head.as_bytes()).await?;
    for piece in [
        "{\"records\":[{\"val",
        "ue\":\"one\"},{\"value\":\"t",
        "wo\"}]}",
    ] {
        connection
            .send_raw(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes())
            .await?;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    connection.send_raw(b"0\r\n\r\n").await?;
    let answer = connection.read().await?;
    expect_status(&answer, 200)?;
    ensure!(
        acknowledged(&answer.json()?)? == [(0, 0), (0, 1)],
        "{:?}",
        answer.text()
    );
    let stored: Vec<_> = session
        .kafka
        .read_all(&topic)?
        .iter()
        .map(Record::text)
        .collect();
    ensure!(stored == ["\"one\"", "\"two\""], "{stored:?}");
    Ok(())
}

/// Good and bad requests in turn on one connection.
///
/// # Errors
/// The case fails.
pub async fn connections_are_kept(session: &Session) -> Result<()> {
    let topic = session.topic("kept", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let mut connection = proxy.http.connect().await?;
    let good = produce(
        &format!("/topics/{topic}"),
        &json!({"records": [{"value": 1}]}),
    );
    let bad = produce(&format!("/topics/{topic}"), &json!({"records": []}));
    for turn in 0..5 {
        let answer = connection.call(&good).await?;
        expect_status(&answer, 200)?;
        ensure!(
            acknowledged(&answer.json()?)? == [(0, turn)],
            "{:?}",
            answer.text()
        );
        expect_status(&connection.call(&bad).await?, 422)?;
        expect_status(&connection.call(&Request::new("GET", "/nope")).await?, 404)?;
    }
    Ok(())
}

/// Prior knowledge, as Java's and Go's clients use it behind a mesh.
///
/// # Errors
/// The case fails.
pub async fn http2_without_tls_works(session: &Session) -> Result<()> {
    let topic = session.topic("h2c", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let request = produce(
        &format!("/topics/{topic}"),
        &json!({"records": [{"value": "two"}]}),
    );
    let answer = http2::call(proxy.http.authority(), &request).await?;
    expect_status(&answer, 200)?;
    ensure!(
        answer.header("content-type") == Some(V2),
        "{:?}",
        answer.headers
    );
    ensure!(
        acknowledged(&answer.json()?)? == [(0, 0)],
        "{:?}",
        answer.text()
    );
    Ok(())
}

/// And only then; the body is the same.
///
/// # Errors
/// The case fails.
pub async fn gzip_is_given_when_asked(session: &Session) -> Result<()> {
    let topic = session.topic("gzip", 3).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let path = format!("/topics/{topic}");
    let plain = proxy.http.get(&path, Some(V2)).await?;
    ensure!(
        plain.header("content-encoding").is_none(),
        "{:?}",
        plain.headers
    );
    let zipped = proxy
        .http
        .call(&Request::new("GET", &path).header("Accept-Encoding", "gzip"))
        .await?;
    ensure!(
        zipped.header("content-encoding") == Some("gzip"),
        "{:?}",
        zipped.headers
    );
    ensure!(zipped.framing != Framing::Close, "{:?}", zipped.framing);
    ensure!(
        zipped.body.len() < plain.body.len(),
        "{} bytes",
        zipped.body.len()
    );
    ensure!(zipped.json()? == plain.json()?, "another body");
    Ok(())
}

/// SIGTERM in the middle of traffic: every request that was begun is answered, the proxy ends with 0, and exactly the
/// acknowledged records lie in Kafka.
///
/// # Errors
/// The case fails.
pub async fn draining_answers_what_was_begun(session: &Session) -> Result<()> {
    if std::env::var("TEST_TARGET").is_ok() {
        return Ok(());
    }
    let topic = session.topic("drain", 1).await?;
    let mut proxy = Proxy::start(session, &[]).await?;
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..8 {
        let (http, path) = (proxy.http.clone(), format!("/topics/{topic}"));
        tasks.spawn(async move {
            let mut told = Vec::new();
            for number in 0.. {
                let body = json!({"records": [{"value": format!("{client}/{number}")}]});
                // A connection a request: one that can't be opened any more was not begun.
                let Ok(mut connection) = http.connect().await else {
                    break;
                };
                match connection.call(&produce(&path, &body)).await {
                    Ok(answer) if answer.status == 200 => {
                        told.extend(acknowledged(&answer.json()?)?)
                    }
                    Ok(answer) => ensure!(answer.status == 503, "{}", answer.status),
                    Err(_) => break,
                }
            }
            Ok(told)
        });
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    proxy.stop().await?;
    let mut told = Vec::new();
    while let Some(places) = tasks.join_next().await {
        told.extend(places??);
    }
    told.sort_unstable();
    let stored = session.kafka.read_all(&topic)?;
    let stored: Vec<_> = stored
        .iter()
        .map(|record| (i64::from(record.partition), record.offset))
        .collect();
    ensure!(
        !told.is_empty() && told == stored,
        "{} acknowledged, {} stored",
        told.len(),
        stored.len()
    );
    Ok(())
}
