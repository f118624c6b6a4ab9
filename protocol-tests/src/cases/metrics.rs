//! A real scrape of each program: well formed, every name with its prefix and unit and in docs/metrics.md, and the
//! figures are those of what was done.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{SINK_LIMIT, produce, produce_ok, wait_for_objects};
use crate::connector::Connector;
use crate::exposition::{Family, Scrape};
use crate::http::{Client, Request};
use crate::kafka::Record;
use crate::target::{Proxy, Sink};
use crate::{Session, eventually};

/// The list of these cases.
#[macro_export]
macro_rules! metrics_cases {
    ($kind:ident) => {
        $crate::tests!($kind metrics a_scrape_of_the_proxy a_scrape_of_the_sink probes_tell_life_and_readiness
            log_levels_change_while_it_runs);
    };
}

/// Units of gauges and histograms. `_ratio`, `_info` and `_status` (1 for the state that is) are Prometheus' own words;
/// the others are things of this field.
const UNITS: [&str; 20] = [
    "seconds",
    "bytes",
    "ratio",
    "info",
    "status",
    "requests",
    "instances",
    "clients",
    "records",
    "files",
    "connections",
    "partitions",
    "tasks",
    "connectors",
    "uploads",
    "streams",
    "reads",
    "slots",
    "peers",
    "callers",
];

pub(super) async fn scrape(admin: &Client, prefix: &str) -> Result<Scrape> {
    let answer = admin.get("/metrics", None).await?;
    super::expect_status(&answer, 200)?;
    let kind = answer.header("content-type").unwrap_or_default();
    ensure!(kind.starts_with("text/plain; version=0.0.4"), "type {kind}");
    let scrape = Scrape::parse(&answer.text()?)?;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let page = std::fs::read_to_string(page).context("docs/metrics.md")?;
    for (name, family) in &scrape.0 {
        check_name(name, family, prefix)?;
        ensure!(
            page.contains(&format!("`{name}`")),
            "{name} is not in docs/metrics.md"
        );
    }
    ensure!(scrape.0.len() > 5, "only {} families", scrape.0.len());
    Ok(scrape)
}

/// Counters count things (a plural) or units, and end with `_total`; gauges and histograms end with their unit, unless
/// they are a yes or no ("Whether …").
fn check_name(name: &str, family: &Family, prefix: &str) -> Result<()> {
    if name.starts_with("process_") {
        return Ok(());
    }
    let short = name
        .strip_prefix(prefix)
        .with_context(|| format!("{name} does not begin with {prefix}"))?;
    let counted = short.strip_suffix("_total");
    ensure!(
        counted.is_some() == (family.kind == "counter"),
        "{name} is a {}",
        family.kind
    );
    let unit = match counted {
        Some(things) => things.split('_').any(|word| word.ends_with('s')),
        None => {
            UNITS.contains(&short.rsplit('_').next().unwrap_or_default())
                || family.help.starts_with("Whether")
        }
    };
    ensure!(unit, "{name} has no unit");
    Ok(())
}

/// After good and bad requests.
///
/// # Errors
/// The case fails.
pub async fn a_scrape_of_the_proxy(session: &Session) -> Result<()> {
    let proxy = Proxy::start(session, &[]).await?;
    let Some(admin) = &proxy.admin else {
        return Ok(());
    };
    let topic = session.topic("scraped", 1).await?;
    let path = format!("/topics/{topic}");
    scrape(admin, "sluiceway_proxy_").await?;
    let records = json!({"records": [{"value": 1}, {"value": 2}, {"value": 3}]});
    for _ in 0..4 {
        produce_ok(&proxy.http, &path, &records).await?;
    }
    let failing = json!({"records": [{"partition": 9, "value": 1}]});
    proxy.http.call(&produce(&path, &failing)).await?;
    proxy.http.call(&produce(&path, &json!({}))).await?;
    proxy.http.get("/nope/really", None).await?;
    let after = scrape(admin, "sluiceway_proxy_").await?;
    let ok = after.sum("sluiceway_proxy_requests_total", &[("status", "200")]);
    ensure!(ok >= Some(5.0), "requests with status 200: {ok:?}");
    let refused = after.sum("sluiceway_proxy_requests_total", &[("status", "422")]);
    ensure!(
        refused == Some(1.0),
        "requests with status 422: {refused:?}"
    );
    let text = format!("{after:?}");
    ensure!(
        !text.contains(&topic) && !text.contains("/nope/really"),
        "a client chooses labels"
    );
    Ok(())
}

/// After some objects.
///
/// # Errors
/// The case fails.
pub async fn a_scrape_of_the_sink(session: &Session) -> Result<()> {
    let (topic, bucket) = (
        session.topic("scraped", 1).await?,
        session.bucket("scraped").await?,
    );
    let records: Vec<Record> = (0..7).map(|n| Record::value(0, n.to_string())).collect();
    session.kafka.write(&topic, &records).await?;
    let connector = Connector::json(session, "scraped", &topic, &bucket);
    let sink = Sink::start(session, &[connector]).await?;
    wait_for_objects(&bucket, 2).await?;
    let scrape = eventually("waiting for the count of records", SINK_LIMIT, async || {
        let scrape = scrape(&sink.admin, "sluiceway_sink_").await?;
        let consumed = scrape.sum("sluiceway_sink_consumed_records_total", &[]);
        Ok((consumed == Some(7.0)).then_some(scrape))
    })
    .await?;
    let closed = scrape.sum("sluiceway_sink_files_closed_total", &[]);
    ensure!(closed == Some(2.0), "files closed: {closed:?}");
    Ok(())
}

/// /livez and /readyz of both.
///
/// # Errors
/// The case fails.
pub async fn probes_tell_life_and_readiness(session: &Session) -> Result<()> {
    let proxy = Proxy::start(session, &[]).await?;
    let sink = Sink::start(session, &[]).await?;
    for admin in proxy.admin.iter().chain([&sink.admin]) {
        super::expect_status(&admin.get("/livez", None).await?, 200)?;
        eventually("waiting for readiness", SINK_LIMIT, async || {
            Ok((admin.get("/readyz", None).await?.status == 200).then_some(()))
        })
        .await?;
        super::expect_status(&admin.get("/nope", None).await?, 404)?;
    }
    Ok(())
}

/// A line a request is off, on, and off again.
///
/// # Errors
/// The case fails.
pub async fn log_levels_change_while_it_runs(session: &Session) -> Result<()> {
    let mut proxy = Proxy::start(session, &[]).await?;
    let (Some(admin), Some(program)) = (&proxy.admin, &proxy.program) else {
        return Ok(());
    };
    let lines = || program.log().matches("sluiceway_proxy::access").count();
    let set = async |method: &str, directives: &str| {
        let request = Request::new(method, "/log-levels").body(directives);
        admin.call(&request).await
    };
    let first = set("GET", "").await?.text()?;
    ensure!(first.contains("info"), "{first}");
    proxy.http.get("/", None).await?;
    let before = lines();
    let changed = set("PUT", "info,sluiceway_proxy::access=info").await?;
    super::expect_status(&changed, 200)?;
    proxy.http.get("/", None).await?;
    eventually("waiting for the line", SINK_LIMIT, async || {
        Ok((lines() > before).then_some(()))
    })
    .await?;
    for wrong in ["debgu", "info,sluiceway_proxy=loud", ""] {
        let refused = set("PUT", wrong).await?;
        super::expect_status(&refused, 400)?;
    }
    super::expect_status(&set("PUT", &"x".repeat(5000)).await?, 400)?;
    super::expect_status(&set("POST", "info").await?, 405)?;
    let back = set("DELETE", "").await?;
    super::expect_status(&back, 200)?;
    ensure!(back.text()? == first, "{first} became {}", back.text()?);
    let before = lines();
    proxy.http.get("/", None).await?;
    // What would come is there before the answer to the next request.
    admin.get("/livez", None).await?;
    ensure!(lines() == before, "requests are still logged");
    proxy.stop().await
}
