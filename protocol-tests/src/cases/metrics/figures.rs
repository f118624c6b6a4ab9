//! The figures of a scrape, one by one, after known work.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{logs, scrape};
use crate::cases::{SINK_LIMIT, expect_status, produce, produce_ok, wait_for_objects};
use crate::connector::Connector;
use crate::exposition::Scrape;
use crate::fault_proxy::{Fault, FaultProxy, Operation, Rule};
use crate::kafka::Record;
use crate::s3::Place;
use crate::target::{Proxy, Sink};
use crate::{Session, eventually};

/// What a figure has to be.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Exactly(f64),
    AtLeast(f64),
    /// There, whatever it is.
    Shown,
    MoreThanNothing,
}

use Wanted::{AtLeast, Exactly, MoreThanNothing, Shown};

type Labels<'a> = &'a [(&'a str, &'a str)];

/// Fails unless every figure is as wanted; all that are not are told.
fn expect(scrape: &Scrape, prefix: &str, figures: &[(&str, Labels<'_>, Wanted)]) -> Result<()> {
    let wrong = figures.iter().filter_map(|(name, labels, wanted)| {
        let found = scrape.sum(&format!("{prefix}{name}"), labels);
        let good = found.is_some_and(|found| match wanted {
            Exactly(value) => (found - value).abs() < 1e-9,
            AtLeast(value) => found >= *value,
            MoreThanNothing => found > 0.0,
            Shown => true,
        });
        (!good).then(|| format!("{name}{labels:?} is {found:?}, not {wanted:?}"))
    });
    let wrong: Vec<String> = wrong.collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// After good and bad requests.
///
/// # Errors
/// The case fails.
pub async fn a_scrape_of_the_proxy(session: &Session) -> Result<()> {
    const PREFIX: &str = "sluiceway_proxy_";
    let proxy = Proxy::start(session, &[]).await?;
    let Some(admin) = &proxy.admin else {
        return Ok(());
    };
    let topic = session.topic("scraped", 1).await?;
    let path = format!("/topics/{topic}");
    scrape(admin, PREFIX).await?;
    let records = json!({"records": [{"key": "k", "value": 1}, {"value": 2}, {"value": 3}]});
    for _ in 0..4 {
        produce_ok(&proxy.http, &path, &records).await?;
    }
    let failing = json!({"records": [{"partition": 9, "value": 1}]});
    let refused = proxy.http.call(&produce(&path, &failing)).await?;
    expect_status(&refused, 200)?;
    let code = refused.json()?["offsets"][0]["error_code"].to_string();
    proxy.http.call(&produce(&path, &json!({}))).await?;
    proxy.http.get("/nope/really", None).await?;
    let after = scrape(admin, PREFIX).await?;
    let here: (&str, &str) = ("route", "/topics/{topic}");
    let json = [("format", "json")];
    let figures: [(&str, Labels<'_>, Wanted); 17] = [
        // By route and status.
        (
            "requests_total",
            &[here, ("method", "POST"), ("status", "200")],
            Exactly(5.0),
        ),
        ("requests_total", &[here, ("status", "422")], Exactly(1.0)),
        (
            "requests_total",
            &[("route", "none"), ("status", "404")],
            Exactly(1.0),
        ),
        // Latencies.
        ("request_duration_seconds_count", &[here], Exactly(6.0)),
        ("request_duration_seconds_sum", &[here], MoreThanNothing),
        (
            "request_duration_seconds_bucket",
            &[here, ("le", "+Inf")],
            Exactly(6.0),
        ),
        // Records and bytes: a quoted key and a digit a value, of the records that were decoded.
        ("produced_records_total", &json, Exactly(12.0)),
        ("produced_bytes_total", &json, AtLeast(4.0 * 6.0)),
        // Delivery errors by code.
        ("delivery_errors_total", &[("code", &*code)], Exactly(1.0)),
        // The queue, which is empty after the answers.
        ("queued_records", &[], Exactly(0.0)),
        ("queued_bytes", &[], Exactly(0.0)),
        ("queue_limit_bytes", &[], MoreThanNothing),
        ("awaiting_delivery_requests", &[], Exactly(0.0)),
        ("in_flight_requests", &[], Shown),
        ("accepted_connections_total", &[], AtLeast(7.0)),
        ("open_connections", &[], Shown),
        ("kafka_up", &[], Exactly(1.0)),
    ];
    expect(&after, PREFIX, &figures)?;
    let text = format!("{after:?}");
    ensure!(
        !text.contains(&topic) && !text.contains("/nope/really"),
        "a client chooses labels"
    );
    Ok(())
}

/// After two objects, which a store refuses until that was counted, and a record that waits for the next one.
///
/// # Errors
/// The case fails.
pub async fn a_scrape_of_the_sink(session: &Session) -> Result<()> {
    const PREFIX: &str = "sluiceway_sink_";
    let (topic, bucket) = (
        session.topic("scraped", 1).await?,
        session.bucket("scraped").await?,
    );
    let records: Vec<Record> = (0..7).map(|n| Record::value(0, n.to_string())).collect();
    session.kafka.write(&topic, &records).await?;
    let store = FaultProxy::start(&session.parts.s3.endpoint).await?;
    let refuse = Rule::of_writes(Fault::Answer(503, "SlowDown"), 1.0);
    store.set(vec![refuse.only(Operation::Put)]);
    let place = Place {
        endpoint: store.endpoint.clone(),
        ..session.parts.s3.clone()
    };
    let connector = Connector::json(session, "scraped", &topic, &bucket)
        .store(&place, bucket.name())
        .set("s3.part.retries", "0")
        .set("retry.backoff.ms", "200");
    let sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    let sum = async |name: &str| -> Result<Option<f64>> {
        Ok(scrape(&sink.admin, PREFIX).await?.sum(name, &[]))
    };
    eventually("waiting for a retry", SINK_LIMIT, async || {
        Ok(sum("sluiceway_sink_upload_retries_total").await?.map(drop))
    })
    .await?;
    store.set(Vec::new());
    let keys = wait_for_objects(&bucket, 2).await?;
    // The lag is that of the client's last statistics: one record lies behind the committed offset.
    eventually("waiting for lag and records", SINK_LIMIT, async || {
        let lag = sum("sluiceway_sink_lag_records").await?;
        let consumed = sum("sluiceway_sink_consumed_records_total").await?;
        Ok((lag == Some(1.0) && consumed == Some(7.0)).then_some(()))
    })
    .await?;
    let after = scrape(&sink.admin, PREFIX).await?;
    let name: (&str, &str) = ("connector", &connector.name);
    let (task, put) = ([name, ("task", "0")], [("operation", "PutObject")]);
    let figures: [(&str, Labels<'_>, Wanted); 22] = [
        ("consumed_records_total", &task, Exactly(7.0)),
        ("consumed_bytes_total", &task, Exactly(7.0)),
        ("files_opened_total", &[name], Exactly(3.0)),
        ("open_files", &[name], Exactly(1.0)),
        (
            "files_closed_total",
            &[name, ("reason", "flush_size")],
            Exactly(2.0),
        ),
        ("files_closed_total", &[name], Exactly(2.0)),
        ("objects_total", &[name], Exactly(2.0)),
        ("object_records_total", &[name], Exactly(6.0)),
        ("object_bytes_total", &[name], Exactly(12.0)),
        ("upload_seconds_count", &put, AtLeast(3.0)),
        ("upload_seconds_sum", &put, MoreThanNothing),
        ("upload_retries_total", &put, AtLeast(1.0)),
        (
            "offset_commits_total",
            &[name, ("result", "ok")],
            AtLeast(1.0),
        ),
        (
            "last_commit_timestamp_seconds",
            &task,
            AtLeast(now() - 300.0),
        ),
        (
            "lag_records",
            &[name, ("task", "0"), ("topic", &topic)],
            Exactly(1.0),
        ),
        ("assigned_partitions", &task, Exactly(1.0)),
        (
            "rebalances_total",
            &[name, ("kind", "assigned")],
            AtLeast(1.0),
        ),
        ("budget_bytes", &[], MoreThanNothing),
        ("budget_used_bytes", &[], Shown),
        (
            "connector_status",
            &[name, ("state", "running")],
            Exactly(1.0),
        ),
        (
            "connector_tasks",
            &[name, ("state", "running")],
            Exactly(1.0),
        ),
        ("rest_request_seconds_count", &[], AtLeast(1.0)),
    ];
    expect(&after, PREFIX, &figures)?;
    let committed = after.sum("sluiceway_sink_last_commit_timestamp_seconds", &task);
    let committed = committed.context("no time of the last commit")?;
    ensure!(committed <= now() + 300.0, "committed at {committed}");
    logs::tell_objects(&sink.program, &connector.name, &keys)
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs_f64()
}
