//! `POST /topics/{topic}` and `/topics/{topic}/partitions/{partition}`: what is acknowledged lies in Kafka, once, at
//! the told place, with the meaning it was posted with.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{V2, V2_BINARY, acknowledged, expect_status, produce, produce_ok};
use crate::http::{Framing, Request};
use crate::target::Proxy;
use crate::{Session, http2, json};

/// The list of these cases.
#[macro_export]
macro_rules! rest_v2_produce_cases {
    ($kind:ident) => {
        $crate::tests!($kind rest_v2_produce
            json_values_keep_their_meaning keys_choose_partitions_as_java_does a_record_may_name_its_partition
            null_is_a_tombstone base64_becomes_bytes order_is_kept_within_a_request parallel_requests_lose_nothing
            a_large_body_of_small_records_passes a_body_may_come_in_chunks connections_are_kept
            http2_without_tls_works gzip_is_given_when_asked draining_answers_what_was_begun);
    };
}

/// Every kind of JSON value, with texts that a careless writer would break.
///
/// # Errors
/// The case fails.
pub async fn json_values_keep_their_meaning(session: &Session) -> Result<()> {
    let topic = session.topic("values", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let values = [
        r#"{"z" : 1, "a":[1, 2.50, -0.0, 1e2], "long":9007199254740993}"#,
        r#""text with \"quotes\", \u00e9, \ud83d\ude00 and 😀""#,
        r#"{"":null,"a\/b":true,"nested":{"deep":[[],{}]}}"#,
        "true",
        "[]",
        "0",
        "\"\"",
        "12345678901234567890",
    ];
    let records: Vec<String> = values
        .iter()
        .map(|value| format!("{{\"value\" : {value} }}"))
        .collect();
    let body = format!("{{ \"records\" : [ {} ] }}", records.join(" , "));
    let mut request = produce(&format!("/topics/{topic}"), &json!(null));
    request.body = Some(body.into_bytes());
    let answer = proxy.http.call(&request).await?;
    expect_status(&answer, 200)?;
    ensure!(
        acknowledged(&answer.json()?)?.len() == values.len(),
        "not all are acknowledged"
    );
    let stored = session.kafka.read_all(&topic)?;
    ensure!(stored.len() == values.len(), "{} records", stored.len());
    for (value, record) in values.iter().zip(&stored) {
        let text = record.text();
        ensure!(json::same_text(value, &text), "{value} became {text}");
        ensure!(
            !text.contains(" :") && !text.ends_with(' '),
            "not compact: {text}"
        );
        ensure!(
            record.key.is_none() && record.headers.is_empty(),
            "{record:?}"
        );
    }
    Ok(())
}

/// Keys are hashed with murmur2 over the bytes that are stored, `"key0"` with its quotes: places as in the recordings.
///
/// # Errors
/// The case fails.
pub async fn keys_choose_partitions_as_java_does(session: &Session) -> Result<()> {
    let topic = session.topic("keys", 3).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let records: Vec<Value> = (0..6)
        .map(|i| json!({"key": format!("key{i}"), "value": i}))
        .collect();
    let body = json!({ "records": records });
    let places = produce_ok(&proxy.http, &format!("/topics/{topic}"), &body).await?;
    let partitions: Vec<i64> = places.iter().map(|place| place.0).collect();
    ensure!(partitions == [0, 2, 2, 1, 2, 2], "{partitions:?}");
    for record in session.kafka.read_all(&topic)? {
        let key = String::from_utf8_lossy(record.key.as_deref().unwrap_or_default()).into_owned();
        ensure!(
            key == format!("\"key{}\"", record.text()),
            "{key}: {}",
            record.text()
        );
    }
    Ok(())
}

/// In the record or in the path; the record wins.
///
/// # Errors
/// The case fails.
pub async fn a_record_may_name_its_partition(session: &Session) -> Result<()> {
    let topic = session.topic("places", 3).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let body = json!({"records": [{"partition": 2, "value": "a"}, {"partition": 0, "key": "k", "value": "b"}]});
    let places = produce_ok(&proxy.http, &format!("/topics/{topic}"), &body).await?;
    ensure!(places == [(2, 0), (0, 0)], "{places:?}");
    let body = json!({"records": [{"value": "c"}, {"key": "k", "value": "d"}, {"partition": 2, "value": "e"}]});
    let places = produce_ok(&proxy.http, &format!("/topics/{topic}/partitions/1"), &body).await?;
    ensure!(places == [(1, 0), (1, 1), (2, 1)], "{places:?}");
    let stored: Vec<_> = session
        .kafka
        .read_all(&topic)?
        .iter()
        .map(|record| (record.partition, record.text()))
        .collect();
    let expected =
        [(0, "b"), (1, "c"), (1, "d"), (2, "a"), (2, "e")].map(|(p, v)| (p, format!("\"{v}\"")));
    ensure!(stored == expected, "{stored:?}");
    Ok(())
}

/// `null` and a missing value; the same for keys.
///
/// # Errors
/// The case fails.
pub async fn null_is_a_tombstone(session: &Session) -> Result<()> {
    let topic = session.topic("nulls", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let body = json!({"records": [{"key": "k", "value": null}, {"key": "k"}, {"key": null, "value": 1}, {}]});
    produce_ok(&proxy.http, &format!("/topics/{topic}"), &body).await?;
    let stored: Vec<_> = session
        .kafka
        .read_all(&topic)?
        .into_iter()
        .map(|record| (record.key, record.value))
        .collect();
    let key = || Some(b"\"k\"".to_vec());
    let expected = [
        (key(), None),
        (key(), None),
        (None, Some(b"1".to_vec())),
        (None, None),
    ];
    ensure!(stored == expected, "{stored:?}");
    Ok(())
}

/// With and without padding, empty, bytes that are no text.
///
/// # Errors
/// The case fails.
pub async fn base64_becomes_bytes(session: &Session) -> Result<()> {
    let topic = session.topic("bytes", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let body = json!({"records": [
        {"key": "aw==", "value": "AP8="}, {"value": "aGVsbG8"}, {"value": ""}, {"value": "+/+/"}, {"value": null}]});
    let mut request = produce(&format!("/topics/{topic}"), &body);
    request.headers[0].1 = V2_BINARY.into();
    let answer = proxy.http.call(&request).await?;
    expect_status(&answer, 200)?;
    acknowledged(&answer.json()?)?;
    let stored: Vec<_> = session
        .kafka
        .read_all(&topic)?
        .into_iter()
        .map(|record| (record.key, record.value))
        .collect();
    let expected = [
        (Some(b"k".to_vec()), Some(vec![0, 255])),
        (None, Some(b"hello".to_vec())),
        (None, Some(vec![])),
        (None, Some(vec![0xfb, 0xff, 0xbf])),
        (None, None),
    ];
    ensure!(stored == expected, "{stored:?}");
    Ok(())
}

/// A thousand records of one request keep their order in the partition, and the answer its order of entries.
///
/// # Errors
/// The case fails.
pub async fn order_is_kept_within_a_request(session: &Session) -> Result<()> {
    let topic = session.topic("order", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let records: Vec<Value> = (0..1000).map(|i| json!({ "value": i })).collect();
    let places = produce_ok(
        &proxy.http,
        &format!("/topics/{topic}"),
        &json!({ "records": records }),
    )
    .await?;
    ensure!(
        places.iter().map(|place| place.1).eq(0..1000),
        "offsets are not in order"
    );
    let stored = session.kafka.read_all(&topic)?;
    ensure!(
        stored
            .iter()
            .map(super::super::kafka::Record::text)
            .eq((0..1000).map(|i| i.to_string())),
        "values are not in order"
    );
    Ok(())
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

/// 2.7 MB in one request, each record below the limit.
///
/// # Errors
/// The case fails.
pub async fn a_large_body_of_small_records_passes(session: &Session) -> Result<()> {
    let topic = session.topic("large", 1).await?;
    let proxy = Proxy::start(session, &[]).await?;
    let text = "y".repeat(900_000);
    let body = json!({"records": [{"value": text}, {"value": text}, {"value": text}]});
    let places = produce_ok(&proxy.http, &format!("/topics/{topic}"), &body).await?;
    ensure!(places == [(0, 0), (0, 1), (0, 2)], "{places:?}");
    let lengths: Vec<_> = session
        .kafka
        .read_all(&topic)?
        .iter()
        .map(|record| record.text().len())
        .collect();
    ensure!(lengths == [900_002; 3], "{lengths:?}");
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
        .map(super::super::kafka::Record::text)
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
