//! Reading beyond the original: a partition without a group, and server-sent events from both kinds of reader.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{V2, V2_BINARY, V2_JSON, expect_status, produce_ok};
use crate::Session;
use crate::http::{Client, Connection, Request};
use crate::kafka::Record;
use crate::target::Proxy;

/// The list of these cases.
#[macro_export]
macro_rules! rest_streams_cases {
    ($kind:ident) => {
        $crate::tests!($kind rest_streams
            a_partition_is_read_without_a_group events_come_as_records_do_and_go_on_where_they_ended
            events_are_committed_by_themselves streams_are_bounded_and_end_with_the_proxy);
    };
}

const LIMIT: Duration = Duration::from_secs(60);
const EVENTS: &str = "text/event-stream";

fn numbers(from: i64, to: i64) -> Value {
    let records: Vec<Value> = (from..to)
        .map(|n| json!({"key": "k", "value": n}))
        .collect();
    json!({ "records": records })
}

/// By offset, from the end, by time, a few at a time, in both formats; errors say what is there.
///
/// # Errors
/// The case fails.
pub async fn a_partition_is_read_without_a_group(session: &Session) -> Result<()> {
    let topic = session.topic("peek", 1).await?;
    let proxy = Proxy::start(session, &[("sluiceway.v2.record.extras.enable", "true")]).await?;
    let records: Vec<Value> = (0..10)
        .map(|n| json!({"value": n, "timestamp": 1_600_000_000_000_i64 + n * 1000}))
        .collect();
    produce_ok(
        &proxy.http,
        &format!("/topics/{topic}"),
        &json!({ "records": records }),
    )
    .await?;
    let path = format!("/topics/{topic}/partitions/0/records");
    let read = async |query: &str| -> Result<Vec<i64>> {
        let answer = proxy
            .http
            .get(&format!("{path}?{query}"), Some(V2_JSON))
            .await?;
        expect_status(&answer, 200).context(query.to_owned())?;
        let records = answer.json()?;
        let records = records.as_array().context("no list")?;
        Ok(records
            .iter()
            .filter_map(|record| record["value"].as_i64())
            .collect())
    };
    for (query, expected) in [
        ("", (0..10).collect::<Vec<i64>>()),
        ("offset=4&count=3", vec![4, 5, 6]),
        ("offset=-2", vec![8, 9]),
        ("offset=-99&count=1", vec![0]),
        ("offset=earliest&count=1", vec![0]),
        ("offset=latest&timeout=10", vec![]),
        ("offset=10", vec![]),
        ("timestamp=1600000006500", vec![7, 8, 9]),
        ("timestamp=2020-09-13T12:26:48Z", vec![8, 9]),
        ("timestamp=1700000000000", vec![]),
        ("offset=3&max_bytes=1", vec![3]),
    ] {
        let found = read(query).await?;
        ensure!(found == expected, "{query}: {found:?}");
    }
    let answer = proxy
        .http
        .get(&format!("{path}?offset=9"), Some("*/*"))
        .await?;
    ensure!(
        answer.header("content-type") == Some(V2_BINARY),
        "{:?}",
        answer.headers
    );
    ensure!(answer.json()?[0]["value"] == "OQ==", "{}", answer.text()?);
    let missing = format!("/topics/{topic}/partitions/7/records");
    for (path, status, code) in [
        (format!("{path}?offset=11"), 416, 416),
        (format!("{path}?offset=x"), 400, 400),
        (format!("{path}?offset=1&timestamp=1"), 400, 400),
        (format!("{path}?count=0"), 400, 400),
        (format!("{path}?timestamp=soon"), 400, 400),
        (format!("{path}?include=x"), 400, 400),
        (missing, 404, 40402),
        (
            format!("/topics/{}/partitions/0/records", session.name("none")),
            404,
            40403,
        ),
    ] {
        let answer = proxy.http.get(&path, Some(V2_JSON)).await?;
        expect_status(&answer, status).context(path)?;
        ensure!(answer.json()?["error_code"] == code, "{}", answer.text()?);
    }
    Ok(())
}

/// Asks for events, perhaps behind those of an id.
pub(super) async fn follow(http: &Client, path: &str, last: Option<&str>) -> Result<Connection> {
    let mut connection = http.connect().await?;
    let last = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept: {EVENTS}\r\n{last}\r\n");
    connection.send_raw(request.as_bytes()).await?;
    Ok(connection)
}

/// Values and ids of the events in a text.
pub(super) fn events(text: &str) -> Vec<(String, i64)> {
    let mut events = Vec::new();
    let mut id = String::new();
    for line in text.lines() {
        if let Some(found) = line.strip_prefix("id: ") {
            id = found.to_owned();
        } else if let Some(data) = line.strip_prefix("data: ") {
            let record: Value = serde_json::from_str(data).unwrap_or_default();
            events.push((id.clone(), record["value"].as_i64().unwrap_or(-1)));
        }
    }
    events
}

async fn instance(proxy: &Proxy, group: &str, topic: &str, commits: bool) -> Result<String> {
    let post = |path: &str, body: &Value| {
        Request::new("POST", path)
            .header("Content-Type", V2)
            .body(body.to_string())
    };
    let options = json!({"name": "i", "format": "json", "auto.offset.reset": "earliest", "auto.commit.enable": commits.to_string()});
    let made = proxy
        .http
        .call(&post(&format!("/consumers/{group}"), &options))
        .await?;
    expect_status(&made, 200)?;
    let path = format!("/consumers/{group}/instances/i");
    let topics = json!({ "topics": [topic] });
    let subscribed = proxy
        .http
        .call(&post(&format!("{path}/subscription"), &topics))
        .await?;
    expect_status(&subscribed, 204)?;
    Ok(path)
}

/// An instance's stream: records in order, ids of all partitions, new records as they come, resumption behind an id also
/// by another instance of the group, and the same commits as plain reads.
///
/// # Errors
/// The case fails.
pub async fn events_come_as_records_do_and_go_on_where_they_ended(session: &Session) -> Result<()> {
    let topic = session.topic("events", 2).await?;
    let group = session.name("event-readers");
    let proxy = Proxy::start(session, &[("sluiceway.sse.heartbeat.ms", "300")]).await?;
    for partition in 0..2 {
        let path = format!("/topics/{topic}/partitions/{partition}");
        produce_ok(
            &proxy.http,
            &path,
            &numbers(partition * 100, partition * 100 + 5),
        )
        .await?;
    }
    let path = instance(&proxy, &group, &topic, false).await?;
    let mut stream = follow(&proxy.http, &format!("{path}/records"), None).await?;
    let text = stream
        .read_text(LIMIT, |text| events(text).len() >= 10)
        .await?;
    ensure!(
        text.contains("text/event-stream") && text.contains("retry: "),
        "{text}"
    );
    let mut seen = events(&text);
    let (last, _) = seen.last().context("no event")?.clone();
    ensure!(
        last.contains(&format!("{topic}:0:4")) && last.contains(&format!("{topic}:1:4")),
        "{last}"
    );
    seen.sort_by_key(|(_, value)| *value);
    let values: Vec<i64> = seen.iter().map(|(_, value)| *value).collect();
    ensure!(
        values == [0, 1, 2, 3, 4, 100, 101, 102, 103, 104],
        "{values:?}"
    );
    let beat = stream
        .read_text(LIMIT, |text| text.contains(": still here"))
        .await?;
    ensure!(events(&beat).is_empty(), "{beat}");
    produce_ok(
        &proxy.http,
        &format!("/topics/{topic}/partitions/0"),
        &numbers(5, 6),
    )
    .await?;
    let text = stream
        .read_text(LIMIT, |text| !events(text).is_empty())
        .await?;
    ensure!(events(&text)[0].1 == 5, "{text}");
    drop(stream);
    ensure!(
        session.kafka.committed(&group, &topic)?.is_empty(),
        "something was committed"
    );
    let commit = Request::new("POST", &format!("{path}/offsets")).header("Content-Type", V2);
    expect_status(&proxy.http.call(&commit).await?, 200)?;
    let committed = session.kafka.committed(&group, &topic)?;
    let offsets: Vec<i64> = committed.values().map(|one| one.offset).collect();
    ensure!(offsets == [6, 5], "{offsets:?}");
    // Back to an older id: what came behind it comes again.
    let id = format!("{topic}:0:3,{topic}:1:1");
    let mut stream = follow(&proxy.http, &format!("{path}/records"), Some(&id)).await?;
    let text = stream
        .read_text(LIMIT, |text| events(text).len() >= 5)
        .await?;
    let mut values: Vec<i64> = events(&text).iter().map(|(_, value)| *value).collect();
    values.sort_unstable();
    ensure!(values == [4, 5, 102, 103, 104], "{values:?}");
    let gone = Request::new("DELETE", &path);
    expect_status(&proxy.http.call(&gone).await?, 204)?;
    let text = stream
        .read_text(LIMIT, |text| text.contains("\r\n0\r\n\r\n"))
        .await?;
    ensure!(
        text.contains("event: error") && text.contains("40403"),
        "{text}"
    );
    Ok(())
}

/// With `auto.commit.enable`, what a stream has sent is committed while it goes on, and no more: another instance of the group
/// begins right behind it.
///
/// # Errors
/// The case fails.
pub async fn events_are_committed_by_themselves(session: &Session) -> Result<()> {
    let (topic, group) = (session.topic("sent", 1).await?, session.name("senders"));
    let settings = [("consumer.auto.commit.interval.ms", "200")];
    let proxy = Proxy::start(session, &settings).await?;
    let records = format!("/topics/{topic}");
    produce_ok(&proxy.http, &records, &numbers(0, 5)).await?;
    let path = instance(&proxy, &group, &topic, true).await?;
    let mut stream = follow(&proxy.http, &format!("{path}/records"), None).await?;
    for (from, to) in [(0, 5), (5, 8)] {
        if from > 0 {
            produce_ok(&proxy.http, &records, &numbers(from, to)).await?;
        }
        let count = usize::try_from(to - from)?;
        stream
            .read_text(LIMIT, |text| events(text).len() >= count)
            .await?;
        crate::eventually("waiting for the commit", LIMIT, async || {
            let committed = session.kafka.committed(&group, &topic)?;
            let offset = committed.get(&0).map(|one| one.offset);
            ensure!(offset.is_none_or(|offset| offset <= to), "{committed:?}");
            Ok((offset == Some(to)).then_some(()))
        })
        .await?;
    }
    drop(stream);
    let gone = Request::new("DELETE", &path);
    expect_status(&proxy.http.call(&gone).await?, 204)?;
    produce_ok(&proxy.http, &records, &numbers(8, 10)).await?;
    let path = instance(&proxy, &group, &topic, true).await?;
    let mut stream = follow(&proxy.http, &format!("{path}/records"), None).await?;
    let text = stream
        .read_text(LIMIT, |text| events(text).len() >= 2)
        .await?;
    let values: Vec<i64> = events(&text).iter().map(|(_, value)| *value).collect();
    ensure!(values == [8, 9], "{values:?}");
    Ok(())
}

/// More than the limit is a 429, a bad id a 400; a client that does not read is let go; the end of the proxy ends streams.
///
/// # Errors
/// The case fails.
pub async fn streams_are_bounded_and_end_with_the_proxy(session: &Session) -> Result<()> {
    let topic = session.topic("bounded", 1).await?;
    let settings = [
        ("sluiceway.sse.streams.max", "1"),
        ("sluiceway.sse.stall.ms", "500"),
        ("idle.timeout.ms", "1000"),
    ];
    let mut proxy = Proxy::start(session, &settings).await?;
    let value = format!("\"{}\"", "z".repeat(900_000));
    let records: Vec<Record> = (0..30).map(|_| Record::value(0, value.clone())).collect();
    session.kafka.write(&topic, &records).await?;
    let path = format!("/topics/{topic}/partitions/0/records?format=json");
    let refused = Request::new("GET", &path)
        .header("Accept", EVENTS)
        .header("Last-Event-ID", "nonsense");
    expect_status(&proxy.http.call(&refused).await?, 400)?;
    let mut unread = follow(&proxy.http, &path, None).await?;
    let one_more = Request::new("GET", &path).header("Accept", EVENTS);
    let full = async || {
        let admin = proxy.admin.as_ref().context("no admin listener")?;
        let text = admin.get("/metrics", None).await?.text()?;
        Ok(text
            .contains("sluiceway_proxy_open_event_streams 1\n")
            .then_some(()))
    };
    crate::eventually("waiting for the stream", LIMIT, full).await?;
    let answer = proxy.http.call(&one_more).await?;
    expect_status(&answer, 429)?;
    // The one that is open may stay for an hour: the longest wait that is told.
    ensure!(
        answer.header("retry-after") == Some("60"),
        "{:?}",
        answer.headers
    );
    let stalled = async || {
        let admin = proxy.admin.as_ref().context("no admin listener")?;
        let text = admin.get("/metrics", None).await?.text()?;
        let line = "sluiceway_proxy_event_streams_ended_total{reason=\"stalled\"} 1\n";
        Ok(text.contains(line).then_some(()))
    };
    crate::eventually("waiting for the stalled stream to end", LIMIT, stalled).await?;
    // What waits in the sockets may be read, then the connection is closed: all of it cannot come.
    let cut = unread
        .read_text(LIMIT, |text| events(text).len() >= 30)
        .await;
    ensure!(cut.is_err(), "a client that did not read got everything");
    let latest = format!("{path}&offset=latest");
    let mut stream = follow(&proxy.http, &latest, None).await?;
    stream
        .read_text(LIMIT, |text| text.contains("retry: "))
        .await?;
    proxy.stop().await?;
    stream
        .read_text(LIMIT, |text| text.contains("0\r\n\r\n"))
        .await?;
    Ok(())
}
