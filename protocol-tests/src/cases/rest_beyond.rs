//! What goes beyond the original, on v2: strict statuses, headers and times, compressed bodies, traces. Each is looked
//! at where it lies in Kafka, and as somebody sees it who did not ask for it.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{V2, V2_JSON, expect_status, produce, produce_ok};
use crate::Session;
use crate::exposition::Scrape;
use crate::http::{Request, Response};
use crate::target::Proxy;

/// The list of these cases.
#[macro_export]
macro_rules! rest_beyond_cases {
    ($kind:ident) => {
        $crate::tests!($kind rest_beyond
            a_strict_status_tells_the_truth what_is_refused_says_when_to_try_again
            headers_and_times_go_both_ways compressed_bodies_are_read_within_limits
            a_trace_goes_on_in_the_records);
    };
}

fn strict(path: &str, body: &Value) -> Request {
    produce(path, body).header("Prefer", "status=strict")
}

/// Codes of the entries of a produce answer; 0: written.
pub(super) fn codes(answer: &Response) -> Result<Vec<i64>> {
    let body = answer.json()?;
    let entries = body["offsets"].as_array().context("no offsets")?;
    let code = |entry: &Value| entry["error_code"].as_i64().unwrap_or_default();
    Ok(entries.iter().map(code).collect())
}

/// Unknown topic, unknown partition, a record that is too large, some of several, no broker: each with the status of its
/// kind, soon; and 200 with Confluent's codes for everybody else.
///
/// # Errors
/// The case fails.
pub async fn a_strict_status_tells_the_truth(session: &Session) -> Result<()> {
    let proxy = Proxy::start_on(session, &session.parts.kafka_noauto, &[]).await?;
    let topic = session.name("strict");
    let kafka = crate::kafka::Kafka::new(&session.parts.kafka_noauto)?;
    kafka.create_topic(&topic, 1, &[]).await?;
    let path = format!("/topics/{topic}");
    let missing = format!("/topics/{}", session.name("missing"));
    let good = json!({"value": 1});
    let (far, large) = (
        json!({"partition": 9, "value": 1}),
        json!({"value": "x".repeat(1_100_000)}),
    );
    let cases = [
        (&path, vec![&good], 200, vec![0], vec![0]),
        (&path, vec![&far], 404, vec![40402], vec![50003]),
        (&path, vec![&large], 413, vec![413], vec![50002]),
        (
            &path,
            vec![&good, &far, &large],
            207,
            vec![0, 40402, 413],
            vec![0, 50003, 50002],
        ),
        (
            &path,
            vec![&far, &large],
            413,
            vec![40402, 413],
            vec![50003, 50002],
        ),
        (
            &missing,
            vec![&good, &good],
            404,
            vec![40401, 40401],
            vec![50003, 50003],
        ),
    ];
    let mut written = 0;
    for (path, records, status, told, lax) in cases {
        let body = json!({ "records": records });
        let started = Instant::now();
        let answer = proxy.http.call(&strict(path, &body)).await?;
        // A minute is what it takes to wait for it.
        ensure!(
            started.elapsed() < Duration::from_secs(30),
            "{path} was waited for"
        );
        expect_status(&answer, status)?;
        ensure!(
            codes(&answer)? == told,
            "{:?} instead of {told:?}",
            codes(&answer)?
        );
        ensure!(
            answer.header("preference-applied") == Some("status=strict")
                && answer.header("content-type") == Some(V2),
            "{:?}",
            answer.headers
        );
        let answer = proxy.http.call(&produce(path, &body)).await?;
        expect_status(&answer, 200)?;
        ensure!(
            codes(&answer)? == lax,
            "{:?} instead of {lax:?}",
            codes(&answer)?
        );
        ensure!(
            answer.header("preference-applied").is_none(),
            "{:?}",
            answer.headers
        );
        written += 2 * told.iter().filter(|code| **code == 0).count();
    }
    let stored = kafka.read_all(&topic)?.len();
    ensure!(stored == written, "{stored} records instead of {written}");
    no_broker(session).await
}

/// Once it is known that no broker answers, a strict request is told so at once.
async fn no_broker(session: &Session) -> Result<()> {
    let proxy = Proxy::start_on(session, "127.0.0.1:1", &[]).await?;
    let body = json!({"records": [{"value": 1}]});
    let known = async || {
        let admin = proxy.admin.as_ref().context("no admin listener")?;
        let ready = admin.get("/readyz", None).await?.text()?;
        Ok(ready.contains("is not reachable").then_some(()))
    };
    crate::eventually(
        "waiting for the loss of Kafka to be known",
        Duration::from_secs(60),
        known,
    )
    .await?;
    let answer = proxy.http.call(&strict("/topics/any", &body)).await?;
    expect_status(&answer, 503)?;
    ensure!(answer.json()?["error_code"] == 50302, "{}", answer.text()?);
    ensure!(seconds(&answer)? >= 1, "{:?}", answer.headers);
    Ok(())
}

fn seconds(answer: &Response) -> Result<u64> {
    let seconds = answer.header("retry-after").context("no Retry-After")?;
    Ok(seconds.parse()?)
}

/// A queue that is full: 429, and a number of seconds.
///
/// # Errors
/// The case fails.
pub async fn what_is_refused_says_when_to_try_again(session: &Session) -> Result<()> {
    let topic = session.topic("full", 1).await?;
    let limit = [("sluiceway.produce.max.inflight.bytes", "100000")];
    let proxy = Proxy::start(session, &limit).await?;
    let path = format!("/topics/{topic}");
    let body = json!({"records": [{"value": "x".repeat(60_000)}]});
    // What has come of a body counts, not what it announces.
    let mut slow = proxy.http.connect().await?;
    let text = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {V2_JSON}\r\nContent-Length: {}\r\n\r\n",
        text.len()
    );
    slow.send_raw(head.as_bytes()).await?;
    slow.send_raw(&text.as_bytes()[..50_000]).await?;
    // Until then the request below might be the one that is let in.
    let admin = proxy.admin.as_ref().context("the proxy was started here")?;
    let counted = async || {
        let scrape = Scrape::parse(&admin.get("/metrics", None).await?.text()?)?;
        let queued = scrape.sum("sluiceway_proxy_queued_bytes", &[]);
        Ok(queued.filter(|bytes| *bytes >= 50_000.0))
    };
    crate::eventually("waiting for the body", Duration::from_secs(30), counted).await?;
    let refused = async || {
        let answer = proxy.http.call(&produce(&path, &body)).await?;
        Ok((answer.status == 429).then_some(answer))
    };
    let refused = crate::eventually("waiting for a 429", Duration::from_secs(30), refused).await?;
    ensure!(
        (1..=60).contains(&seconds(&refused)?),
        "{:?}",
        refused.headers
    );
    slow.send_raw(&text.as_bytes()[50_000..]).await?;
    expect_status(&slow.read().await?, 200)?;
    produce_ok(&proxy.http, &path, &body).await?;
    Ok(())
}

/// Posted with a record, stored as Kafka's own, shown to an instance that asks; unknown fields without the setting.
///
/// # Errors
/// The case fails.
pub async fn headers_and_times_go_both_ways(session: &Session) -> Result<()> {
    let topic = session.topic("extras", 1).await?;
    let on = [("sluiceway.v2.record.extras.enable", "true")];
    let proxy = Proxy::start(session, &on).await?;
    let header = json!([{"name": "h", "value": "AP8="}, {"name": "h", "value": null}]);
    let body = json!({"records": [
        {"key": "k", "value": 1, "headers": header, "timestamp": 1_600_000_000_000_i64},
        {"value": 2, "timestamp": "2020-09-13T12:26:41Z"}, {"value": 3}]});
    produce_ok(&proxy.http, &format!("/topics/{topic}"), &body).await?;
    let stored = session.kafka.read_all(&topic)?;
    let expected = [("h".to_owned(), Some(vec![0, 255])), ("h".to_owned(), None)];
    ensure!(stored[0].headers == expected, "{stored:?}");
    ensure!(
        stored[0].timestamp == Some(1_600_000_000_000)
            && stored[1].timestamp == Some(1_600_000_001_000)
            && stored[1].headers.is_empty()
            && stored[2].timestamp > Some(1_600_000_001_000),
        "{stored:?}"
    );
    let path = format!("/topics/{topic}/partitions/0/records?count=2");
    let plain = proxy.http.get(&path, Some(V2_JSON)).await?.json()?;
    let names: Vec<&String> = plain[0].as_object().context("no record")?.keys().collect();
    ensure!(
        names == ["topic", "key", "value", "partition", "offset"],
        "{plain}"
    );
    let full = proxy
        .http
        .get(&format!("{path}&include=headers,timestamp"), Some(V2_JSON))
        .await?
        .json()?;
    ensure!(
        full[0]["headers"] == header
            && full[0]["timestamp"] == 1_600_000_000_000_i64
            && full[1]["headers"] == json!([]),
        "{full}"
    );
    let bad = json!({"records": [{"value": 1, "headers": [{"name": "h", "value": "?"}]}]});
    expect_status(
        &proxy
            .http
            .call(&produce(&format!("/topics/{topic}"), &bad))
            .await?,
        400,
    )?;
    ensure!(
        session.kafka.read_all(&topic)?.len() == 3,
        "something refused was written"
    );
    Ok(())
}

/// gzip and zstd, a bomb, an encoding that is not known, damage; and the original's 400 without the setting.
///
/// # Errors
/// The case fails.
pub async fn compressed_bodies_are_read_within_limits(session: &Session) -> Result<()> {
    let topic = session.topic("packed", 1).await?;
    let settings = [
        ("sluiceway.request.decompression.enable", "true"),
        ("sluiceway.request.max.bytes", "1000000"),
    ];
    let proxy = Proxy::start(session, &settings).await?;
    let plain = json!({"records": [{"value": "y".repeat(100_000)}]}).to_string();
    let bomb = format!(
        "{{\"records\":[{{\"value\":\"{}\"}}]}}",
        " ".repeat(50_000_000)
    );
    let gzip = |text: &str| -> Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes())?;
        Ok(encoder.finish()?)
    };
    let zstd = |text: &str| zstd::encode_all(text.as_bytes(), 3);
    let (packed, large) = (gzip(&plain)?, gzip(&bomb)?);
    ensure!(large.len() < 100_000, "{}", large.len());
    let post = |encoding: &str, body: &[u8]| {
        let mut request = produce(&format!("/topics/{topic}"), &json!(null));
        request.body = Some(body.to_vec());
        request.header("Content-Encoding", encoding)
    };
    let cases: [(&str, &[u8], u16); 7] = [
        ("gzip", &packed, 200),
        ("zstd", &zstd(&plain)?, 200),
        ("gzip", &large, 413),
        ("zstd", &zstd(&bomb)?, 413),
        ("gzip", &packed[..packed.len() - 9], 400),
        ("zstd", &packed, 400),
        ("br", &packed, 415),
    ];
    for (encoding, body, status) in cases {
        let answer = proxy.http.call(&post(encoding, body)).await?;
        expect_status(&answer, status).context(encoding.to_owned())?;
        let told = answer.header("accept-encoding").is_some();
        ensure!(told == (status == 415), "{:?}", answer.headers);
    }
    let lengths: Vec<_> = session
        .kafka
        .read_all(&topic)?
        .iter()
        .map(|r| r.text().len())
        .collect();
    ensure!(lengths == [100_002, 100_002], "{lengths:?}");
    let off = Proxy::start(session, &[]).await?;
    expect_status(&off.http.call(&post("gzip", &packed)).await?, 400)
}

/// v2, v3 and raw requests; a record's own context wins; nothing without the setting.
///
/// # Errors
/// The case fails.
pub async fn a_trace_goes_on_in_the_records(session: &Session) -> Result<()> {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let topic = session.topic("traced", 1).await?;
    let path = format!("/topics/{topic}");
    let settings = [
        ("sluiceway.trace.context.enable", "true"),
        ("sluiceway.v2.record.extras.enable", "true"),
        ("sluiceway.raw.topics", &*topic),
    ];
    let proxy = Proxy::start(session, &settings).await?;
    let traced = |request: Request| {
        request
            .header("traceparent", TRACE)
            .header("tracestate", "vendor=1")
    };
    let own = json!([{"name": "traceparent", "value": "b3du"}]);
    let body = json!({"records": [{"value": 1}, {"value": 2, "headers": own}]});
    expect_status(&proxy.http.call(&traced(produce(&path, &body))).await?, 200)?;
    let raw = Request::new("POST", &path)
        .header("Content-Type", "text/plain")
        .body("raw");
    expect_status(&proxy.http.call(&traced(raw)).await?, 200)?;
    let cluster = session.kafka.cluster_id()?;
    let streamed = Request::new(
        "POST",
        &format!("/v3/clusters/{cluster}/topics/{topic}/records"),
    )
    .header("Content-Type", "application/json")
    .body(r#"{"value": {"type": "JSON", "data": 4}}"#);
    expect_status(&proxy.http.call(&traced(streamed)).await?, 200)?;
    let plain = Proxy::start(session, &[]).await?;
    let untraced = traced(produce(&path, &json!({"records": [{"value": 5}]})));
    expect_status(&plain.http.call(&untraced).await?, 200)?;
    let headers: Vec<Vec<String>> = session
        .kafka
        .read_all(&topic)?
        .iter()
        .map(|record| {
            let text = |value: &Option<Vec<u8>>| {
                String::from_utf8_lossy(value.as_deref().unwrap_or_default()).into_owned()
            };
            record
                .headers
                .iter()
                .map(|(name, value)| format!("{name}={}", text(value)))
                .collect()
        })
        .collect();
    let both = vec![
        format!("traceparent={TRACE}"),
        "tracestate=vendor=1".to_owned(),
    ];
    let wanted = [
        both.clone(),
        vec!["traceparent=own".to_owned()],
        both.clone(),
        both,
        Vec::new(),
    ];
    ensure!(headers == wanted, "{headers:?}");
    Ok(())
}
