//! `Idempotency-Key`: what is sent again is written once and answered alike, by whichever proxy, whoever died meanwhile.

mod replicas;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{expect_status, produce};
use crate::http::{Client, Request, Response};
use crate::target::Proxy;
use crate::{Session, eventually};
pub use replicas::{
    a_killed_proxy_has_written_all_or_nothing, replicas_share_keys,
    two_proxies_that_do_not_know_one_another_write_once,
};

/// The list of these cases.
#[macro_export]
macro_rules! idempotency_cases {
    (real) => {
        $crate::tests!(real idempotency
            a_key_is_written_once a_key_of_v3_is_written_once replicas_share_keys
            two_proxies_that_do_not_know_one_another_write_once a_killed_proxy_has_written_all_or_nothing
            a_key_expires raw_records_and_strict_statuses_have_keys_too
            a_refused_record_spoils_only_its_own_request);
    };
    (embedded) => {
        $crate::tests!(embedded idempotency keys_without_transactions_are_refused);
    };
}

/// What an answer may take that has to wait for a transaction of the dead to be aborted.
const LIMIT: Duration = Duration::from_secs(60);

/// Settings of proxies that share a topic of keys.
async fn start(session: &Session, more: &[(&str, &str)]) -> Result<Proxy> {
    let topic = session.name("keys");
    let mut properties = vec![
        ("sluiceway.idempotency.enable", "true"),
        ("sluiceway.idempotency.topic", &*topic),
        ("sluiceway.idempotency.topic.partitions", "2"),
    ];
    properties.extend(more);
    Proxy::start(session, &properties).await
}

fn keyed(path: &str, key: &str, body: &Value) -> Request {
    produce(path, body).header("Idempotency-Key", key)
}

/// A request to v3 with a key.
fn v3(path: &str, key: &str, body: &str) -> Request {
    Request::new("POST", path)
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", key)
        .body(body)
}

fn is_replayed(answer: &Response) -> bool {
    answer.header("Idempotency-Replayed") == Some("true")
}

/// Sends a request until it is known what became of it.
async fn until_known(http: &Client, request: &Request) -> Result<Response> {
    eventually("an answer", LIMIT, async || {
        let answer = http.call(request).await?;
        Ok((answer.status != 503).then_some(answer))
    })
    .await
}

/// Fails unless two requests at once got one answer, which at most one of them made.
fn shared(one: &Response, two: &Response) -> Result<()> {
    ensure!(is_replayed(one) || is_replayed(two), "{one:?} {two:?}");
    ensure!(
        one.status == two.status && one.body == two.body,
        "{one:?} {two:?}"
    );
    Ok(())
}

/// Fails unless the second answer is the first one's, and says so.
fn same(first: &Response, second: &Response) -> Result<()> {
    ensure!(
        !is_replayed(first) && is_replayed(second),
        "{first:?} {second:?}"
    );
    ensure!(
        first.status == second.status,
        "{} {}",
        first.status,
        second.status
    );
    ensure!(
        first.body == second.body,
        "{:?} {:?}",
        first.text(),
        second.text()
    );
    ensure!(first.header("content-type") == second.header("content-type"));
    Ok(())
}

/// The same answer through the same proxy, and after a restart; 422 for another body or topic; two at once write once.
///
/// # Errors
/// The case fails.
pub async fn a_key_is_written_once(session: &Session) -> Result<()> {
    let (topic, other) = (
        session.topic("once", 2).await?,
        session.topic("other", 1).await?,
    );
    let (path, body) = (
        format!("/topics/{topic}"),
        json!({"records": [{"value": 1}, {"value": 2}]}),
    );
    let mut proxy = start(session, &[]).await?;
    let first = proxy.http.call(&keyed(&path, "a", &body)).await?;
    expect_status(&first, 200)?;
    same(&first, &proxy.http.call(&keyed(&path, "a", &body)).await?)?;
    let changed = json!({"records": [{"value": 1}, {"value": 3}]});
    for request in [
        keyed(&path, "a", &changed),
        keyed(&format!("/topics/{other}"), "a", &body),
        keyed(&format!("{path}/partitions/0"), "a", &body),
    ] {
        let reused = proxy.http.call(&request).await?;
        expect_status(&reused, 422)?;
        ensure!(reused.json()?["error_code"] == 422);
    }
    // Another key is another request; no key is none.
    expect_status(&proxy.http.call(&keyed(&path, "b", &body)).await?, 200)?;
    expect_status(&proxy.http.call(&produce(&path, &body)).await?, 200)?;
    // Two at once.
    let request = keyed(&path, "c", &body);
    let (one, two) = tokio::join!(proxy.http.call(&request), proxy.http.call(&request));
    let (one, two) = (one?, two?);
    shared(&one, &two)?;
    // What could not be written at all is not kept: it may work the next time.
    let absent = keyed(&format!("{path}/partitions/9"), "d", &body);
    for _ in 0..2 {
        let answer = proxy.http.call(&absent).await?;
        ensure!(!is_replayed(&answer), "{answer:?}");
    }
    for bad in ["", &"x".repeat(256)] {
        expect_status(&proxy.http.call(&keyed(&path, bad, &body)).await?, 400)?;
    }
    proxy.stop().await?;
    let proxy = start(session, &[]).await?;
    same(&first, &proxy.http.call(&keyed(&path, "a", &body)).await?)?;
    ensure!(
        session.kafka.read_committed(&topic)?.len() == 8,
        "a, b, c and no key, two records each"
    );
    ensure!(session.kafka.read_committed(&other)?.is_empty());
    Ok(())
}

/// A batch, and a single record: the same answer through the same proxy, through another one, and after a restart; 422 for another
/// body or resource, wherever that is sent; several records in one stream are refused.
///
/// # Errors
/// The case fails.
pub async fn a_key_of_v3_is_written_once(session: &Session) -> Result<()> {
    let topic = session.topic("v3", 1).await?;
    let mut proxy = start(session, &[]).await?;
    let records = format!("/v3/clusters/c/topics/{topic}/records");
    let record = r#"{"value":{"type":"JSON","data":1}}"#;
    let batch = r#"{"entries":[{"id":"1","value":{"type":"JSON","data":2}},{"id":"2","value":{"type":"JSON","data":3}}]}"#;
    let plain = Request::new("POST", &records)
        .header("Content-Type", "application/json")
        .body(record);
    let plain = proxy.http.call(&plain).await?;
    let path = format!("{records}:batch");
    let requests = [v3(&records, "s", record), v3(&path, "b", batch)];
    let single = proxy.http.call(&requests[0]).await?;
    expect_status(&single, 200)?;
    let shape = |answer: &Response| -> Result<Vec<String>> {
        let json = answer.json()?;
        let fields = json.as_object().context("no object")?;
        Ok(fields.keys().cloned().collect())
    };
    ensure!(
        shape(&plain)? == shape(&single)?,
        "{:?} {:?}",
        plain.text(),
        single.text()
    );
    let several = proxy.http.call(&requests[1]).await?;
    expect_status(&several, 207)?;
    let firsts = [single, several];
    let others = [
        v3(&records, "s", &record.replace('1', "7")),
        v3(&path, "b", &batch.replace("\"data\":3", "\"data\":7")),
        v3(&path, "s", batch),
        v3(&records, "b", record),
    ];
    let known = async |http: &Client| -> Result<()> {
        for (request, first) in requests.iter().zip(&firsts) {
            same(first, &until_known(http, request).await?)?;
        }
        for other in &others {
            let reused = until_known(http, other).await?;
            expect_status(&reused, 422)?;
            ensure!(reused.json()?["error_code"] == 422, "{:?}", reused.text());
        }
        Ok(())
    };
    known(&proxy.http).await?;
    let two = format!("{record}{record}");
    expect_status(&proxy.http.call(&v3(&records, "t", &two)).await?, 422)?;
    // It does not know the first one, only the topic of keys.
    let other = start(session, &[]).await?;
    known(&other.http).await.context("through another proxy")?;
    proxy.stop().await?;
    let proxy = start(session, &[]).await?;
    known(&proxy.http).await.context("after a restart")?;
    ensure!(session.kafka.read_committed(&topic)?.len() == 4);
    Ok(())
}

/// A key that is older than the retention is as good as new.
///
/// # Errors
/// The case fails.
pub async fn a_key_expires(session: &Session) -> Result<()> {
    let topic = session.topic("expires", 1).await?;
    let proxy = start(session, &[("sluiceway.idempotency.retention.ms", "1500")]).await?;
    let request = keyed(
        &format!("/topics/{topic}"),
        "k",
        &json!({"records": [{"value": 1}]}),
    );
    let first = proxy.http.call(&request).await?;
    expect_status(&first, 200)?;
    let second = eventually("the key expires", LIMIT, async || {
        let answer = proxy.http.call(&request).await?;
        Ok((!is_replayed(&answer)).then_some(answer))
    });
    expect_status(&second.await?, 200)?;
    ensure!(session.kafka.read_committed(&topic)?.len() == 2);
    Ok(())
}

/// A broker without transactions (the development one): a clear refusal, and nothing written. Switched off, the header
/// has no effect.
///
/// # Errors
/// The case fails.
pub async fn keys_without_transactions_are_refused(session: &Session) -> Result<()> {
    let topic = session.topic("refused", 1).await?;
    let (path, body) = (
        format!("/topics/{topic}"),
        json!({"records": [{"value": 1}]}),
    );
    let on = start(session, &[]).await?;
    let answer = on.http.call(&keyed(&path, "k", &body)).await?;
    expect_status(&answer, 501)?;
    ensure!(answer.json()?["error_code"] == 501);
    let off = Proxy::start(session, &[]).await?;
    for _ in 0..2 {
        let answer = off.http.call(&keyed(&path, "k", &body)).await?;
        expect_status(&answer, 200)?;
        ensure!(!is_replayed(&answer));
    }
    ensure!(session.kafka.read_all(&topic)?.len() == 2);
    Ok(())
}

/// Many at once share transactions. One that Kafka refuses fails as a whole, and alone; a repeated key is written once.
///
/// # Errors
/// The case fails.
pub async fn a_refused_record_spoils_only_its_own_request(session: &Session) -> Result<()> {
    const MANY: usize = 24;
    let topic = session.name("spoilt");
    let small = [("max.message.bytes", "3000")];
    session.kafka.create_topic(&topic, 1, &small).await?;
    let proxy = start(session, &[]).await?;
    let path = format!("/topics/{topic}");
    let body = |number: usize| {
        let text = "x".repeat(if number == 7 { 5000 } else { 10 });
        json!({"records": [{"value": number}, {"value": text}]})
    };
    // Each key twice.
    let requests: Vec<Request> = (0..2 * MANY)
        .map(|number| keyed(&path, &format!("k{}", number % MANY), &body(number % MANY)))
        .collect();
    let send = |request: Request| {
        let http = proxy.http.clone();
        tokio::spawn(async move { http.call(&request).await })
    };
    let calls: Vec<_> = requests.into_iter().map(send).collect();
    for (number, call) in calls.into_iter().enumerate() {
        let answer = call.await??;
        if number % MANY == 7 {
            ensure!(answer.status >= 400, "{answer:?}");
            ensure!(
                answer.text()?.contains("larger than"),
                "{:?}",
                answer.text()
            );
        } else {
            expect_status(&answer, 200)?;
        }
    }
    let written = session.kafka.read_committed(&topic)?;
    ensure!(written.len() == 2 * (MANY - 1), "{} records", written.len());
    ensure!(
        written.iter().all(|record| record.text() != "7"),
        "half a request"
    );
    Ok(())
}

/// A raw body is written once with its key, and is another request when what stands in its headers differs; a strict status comes
/// with the first answer.
///
/// # Errors
/// The case fails.
pub async fn raw_records_and_strict_statuses_have_keys_too(session: &Session) -> Result<()> {
    let topic = session.topic("rawonce", 1).await?;
    let path = format!("/topics/{topic}");
    let mut proxy = start(session, &[("sluiceway.raw.topics", &topic)]).await?;
    let raw = |key: &str, record_key: &str| {
        Request::new("POST", &path)
            .header("Content-Type", "application/x-ndjson")
            .header("Idempotency-Key", key)
            .header("Kafka-Key", record_key)
            .body("{\"n\": 1}\n{\"n\": 2}\n")
    };
    let first = proxy.http.call(&raw("r", "k")).await?;
    expect_status(&first, 200)?;
    same(&first, &proxy.http.call(&raw("r", "k")).await?)?;
    expect_status(&proxy.http.call(&raw("r", "other")).await?, 422)?;
    let far = json!({"records": [{"value": 3}, {"partition": 9, "value": 4}]});
    let strict = keyed(&path, "s", &far).header("Prefer", "status=strict");
    let some = proxy.http.call(&strict).await?;
    expect_status(&some, 207)?;
    ensure!(
        some.header("Preference-Applied") == Some("status=strict"),
        "{:?}",
        some.headers
    );
    same(&some, &proxy.http.call(&strict).await?)?;
    proxy.stop().await?;
    let written = session.kafka.read_committed(&topic)?;
    ensure!(written.len() == 3, "{written:?}");
    Ok(())
}
