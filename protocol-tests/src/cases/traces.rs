//! Traces: from the HTTP request over the delivery of its records to the object that holds them, as a collector sees it.

use anyhow::{Context, Result, ensure};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::json;

use super::metrics::scrape;
use super::{SINK_LIMIT, produce, produce_ok};
use crate::collector::{Collector, KEY, Seen};
use crate::connector::Connector;
use crate::http::Request;
use crate::target::{Proxy, SinkFiles};
use crate::{Session, eventually};

/// The list of these cases.
#[macro_export]
macro_rules! traces_cases {
    ($kind:ident) => {
        $crate::tests!($kind traces a_trace_from_the_request_to_the_object a_collector_that_does_not_answer);
    };
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn settings(collector: &Collector) -> [(String, String); 2] {
    let key = |name: &str| format!("sluiceway.trace.otlp.{name}");
    [
        (key("endpoint"), collector.url()),
        (key("headers"), format!("{}={}", KEY.0, KEY.1)),
    ]
}

/// The one span of this name that began at or below the given one.
fn one<'s>(seen: &'s [Seen], name: &str, parent: &str) -> Result<&'s Seen> {
    let mut found = seen
        .iter()
        .filter(|seen| seen.span.name == name && seen.parent() == parent);
    let first = found.next();
    let first = first.with_context(|| format!("no span {name} below {parent}: {seen:#?}"))?;
    ensure!(
        found.next().is_none(),
        "several spans {name} below {parent}"
    );
    Ok(first)
}

/// A caller's trace and one that begins here go into one object; what a caller does not record is not recorded.
///
/// # Errors
/// The case fails.
pub async fn a_trace_from_the_request_to_the_object(session: &Session) -> Result<()> {
    let collector = Collector::start().await?;
    let (topic, bucket) = (
        session.topic("traced", 1).await?,
        session.bucket("traced").await?,
    );
    let path = format!("/topics/{topic}");
    let own = settings(&collector);
    let mut proxy_settings: Vec<(&str, &str)> = own.iter().map(|(k, v)| (&**k, &**v)).collect();
    let sink_settings = proxy_settings.clone();
    proxy_settings.push(("sluiceway.trace.context.enable", "true"));
    let mut proxy = Proxy::start(session, &proxy_settings).await?;
    let body = json!({"records": [{"value": 1}, {"value": 2}]});
    let traced = produce(&path, &body).header("traceparent", TRACE);
    for request in [
        traced,
        produce(&path, &json!({"records": [{"value": 3}]})),
        produce(&path, &json!({"records": [{"value": 4}]}))
            .header("traceparent", &TRACE.replace("-01", "-00")),
    ] {
        let answer = proxy.http.call(&request).await?;
        ensure!(answer.status == 200, "{answer:?}");
    }
    let cluster = session.kafka.cluster_id()?;
    let streamed = Request::new(
        "POST",
        &format!("/v3/clusters/{cluster}/topics/{topic}/records"),
    )
    .header("Content-Type", "application/json")
    .header(
        "traceparent",
        &TRACE.replace("00f067aa0ba902b7", "00f067aa0ba902b8"),
    )
    .body(r#"{"value": {"type": "JSON", "data": 5}}"#);
    ensure!(proxy.http.call(&streamed).await?.status == 200);
    let connector = Connector::json(session, "traced", &topic, &bucket).set("flush.size", "5");
    let files = SinkFiles::write(session, &sink_settings, std::slice::from_ref(&connector))?;
    let mut sink = files.start().await?;
    let process = format!("process {topic}");
    eventually("waiting for the object's span", SINK_LIMIT, async || {
        let seen = collector.seen();
        Ok(seen
            .iter()
            .any(|seen| seen.span.name == process)
            .then_some(()))
    })
    .await?;
    sink.stop().await?;
    proxy.stop().await?;
    ensure!(collector.wrong().is_empty(), "{:?}", collector.wrong());
    let seen = collector.seen();
    let sent = spans_of_requests(&seen, &topic)?;
    span_of_the_object(&seen, &topic, &sent)?;
    // The records carry the spans that sent them.
    let records = session.kafka.read_all(&topic)?;
    let carried: Vec<_> = records
        .iter()
        .map(|record| {
            let value = record.headers.first().and_then(|(_, value)| value.clone());
            String::from_utf8(value.unwrap_or_default()).unwrap_or_default()
        })
        .collect();
    ensure!(
        carried[0] == sent[0] && carried[1] == sent[0],
        "{carried:?}"
    );
    ensure!(
        carried[2] == sent[1] && carried[4] == sent[2],
        "{carried:?}"
    );
    ensure!(
        carried[3].starts_with(&TRACE[..36]) && carried[3].ends_with("-00"),
        "{carried:?}"
    );
    let logs = std::fs::read_to_string(files.log())?;
    ensure!(!logs.contains(KEY.1), "the collector's key is in the log");
    Ok(())
}

/// The requests' spans and those of sending their records; the latter as `traceparent`.
fn spans_of_requests(seen: &[Seen], topic: &str) -> Result<[String; 3]> {
    let (route, send) = ("POST /topics/{topic}", format!("send {topic}"));
    let request = one(seen, route, TRACE)?;
    ensure!(request.service == "sluiceway-proxy", "{request:?}");
    ensure!(request.span.kind == SpanKind::Server as i32, "{request:?}");
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/topics/{topic}"),
        ("http.response.status_code", "200"),
        ("client.address", "127.0.0.1"),
    ] {
        ensure!(
            request.attribute(name).as_deref() == Some(value),
            "{name}: {request:?}"
        );
    }
    let first = one(seen, &send, &request.context())?;
    ensure!(first.span.kind == SpanKind::Producer as i32, "{first:?}");
    ensure!(
        first.attribute("messaging.batch.message_count").as_deref() == Some("2"),
        "{first:?}"
    );
    let begun = seen.iter().filter(|seen| seen.span.name == route);
    let mut begun = begun.filter(|seen| seen.span.parent_span_id.is_empty());
    let own = begun.next().context("no trace begins here")?;
    ensure!(begun.next().is_none(), "an unrecorded trace was recorded");
    let second = one(seen, &send, &own.context())?;
    let streamed = "POST /v3/clusters/{cluster}/topics/{topic}/records";
    let streamed = one(
        seen,
        streamed,
        &TRACE.replace("00f067aa0ba902b7", "00f067aa0ba902b8"),
    )?;
    let third = one(seen, &send, &streamed.context())?;
    Ok([first.context(), second.context(), third.context()])
}

fn span_of_the_object(seen: &[Seen], topic: &str, sent: &[String; 3]) -> Result<()> {
    let object = one(seen, &format!("process {topic}"), &sent[0])?;
    ensure!(object.service == "sluiceway-sink", "{object:?}");
    ensure!(object.span.kind == SpanKind::Consumer as i32, "{object:?}");
    ensure!(object.links() == sent, "{:?} {sent:?}", object.links());
    let key = format!("topics/{topic}/partition=0/{topic}+0+0000000000.json");
    for (name, value) in [
        ("aws.s3.key", &*key),
        ("messaging.batch.message_count", "5"),
        ("sluiceway.offset.first", "0"),
        ("sluiceway.offset.last", "4"),
        ("sluiceway.close.reason", "flush_size"),
    ] {
        ensure!(
            object.attribute(name).as_deref() == Some(value),
            "{name}: {object:?}"
        );
    }
    let times: Vec<_> = object
        .span
        .events
        .iter()
        .map(|event| event.time_unix_nano)
        .collect();
    let (begin, end) = (
        object.span.start_time_unix_nano,
        object.span.end_time_unix_nano,
    );
    ensure!(times.len() == 2 && begin <= times[0], "{object:?}");
    ensure!(times[0] <= times[1] && times[1] <= end, "{object:?}");
    Ok(())
}

/// 503 is tried again; with nobody there, spans are lost and counted, a full queue drops them, and requests are answered as ever.
///
/// # Errors
/// The case fails.
pub async fn a_collector_that_does_not_answer(session: &Session) -> Result<()> {
    let collector = Collector::start().await?;
    let topic = session.topic("untraced", 1).await?;
    let path = format!("/topics/{topic}");
    let own = settings(&collector);
    let mut settings: Vec<(&str, &str)> = own.iter().map(|(k, v)| (&**k, &**v)).collect();
    settings.push(("sluiceway.trace.otlp.timeout.ms", "1000"));
    settings.push(("sluiceway.trace.queue.max", "8"));
    let mut proxy = Proxy::start(session, &settings).await?;
    let body = json!({"records": [{"value": 1}]});
    collector.refuse(1);
    produce_ok(&proxy.http, &path, &body).await?;
    eventually("waiting for spans after a 503", SINK_LIMIT, async || {
        Ok((collector.seen().len() >= 2 && collector.refused() == 1).then_some(()))
    })
    .await?;
    drop(collector);
    let admin = proxy.admin.clone().context("no admin listener")?;
    let outcome = |name: &'static str| {
        let admin = admin.clone();
        async move {
            let all = scrape(&admin, "sluiceway_").await?;
            Ok::<_, anyhow::Error>(all.sum("sluiceway_trace_spans_total", &[("outcome", name)]))
        }
    };
    for _ in 0..20 {
        produce_ok(&proxy.http, &path, &body).await?;
    }
    eventually("waiting for lost spans", SINK_LIMIT, async || {
        let (failed, dropped) = (outcome("failed").await?, outcome("dropped").await?);
        Ok((failed > Some(0.0) && dropped > Some(0.0)).then_some(()))
    })
    .await?;
    ensure!(outcome("exported").await? >= Some(2.0));
    proxy.stop().await
}
