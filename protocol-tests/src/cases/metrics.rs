//! A real scrape of each program: well formed, every name with its prefix and unit and in docs/metrics.md, and the
//! figures are those of what was done. And logs: JSON where nobody looks on, a line an object, ids of requests.

mod figures;
mod logs;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::SINK_LIMIT;
use crate::exposition::{Family, Scrape};
use crate::http::{Client, Request};
use crate::target::{Proxy, Sink};
use crate::{Session, eventually};

pub use figures::{a_scrape_of_the_proxy, a_scrape_of_the_sink};
pub use logs::requests_have_ids_in_the_log;

/// The list of these cases.
#[macro_export]
macro_rules! metrics_cases {
    ($kind:ident) => {
        $crate::tests!($kind metrics a_scrape_of_the_proxy a_scrape_of_the_sink probes_tell_life_and_readiness
            log_levels_change_while_it_runs log_levels_of_the_sink_change_while_it_runs requests_have_ids_in_the_log);
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

/// The same of the sink, at its admin listener and by Connect's own `/admin/loggers`.
///
/// # Errors
/// The case fails.
pub async fn log_levels_of_the_sink_change_while_it_runs(session: &Session) -> Result<()> {
    let mut sink = Sink::start(session, &[]).await?;
    let (rest, admin, program) = (&sink.http, &sink.admin, &sink.program);
    let lines = || program.log().matches("REST request").count();
    // The line of a GET, which is one at debug, is written before its answer.
    let told = async || -> Result<bool> {
        let before = lines();
        super::expect_status(&rest.get("/connectors", None).await?, 200)?;
        Ok(lines() > before)
    };
    let set = async |method: &str, directives: &str| -> Result<String> {
        let request = Request::new(method, "/log-levels").body(directives);
        let answer = admin.call(&request).await?;
        super::expect_status(&answer, 200)?;
        answer.text()
    };
    let logger = async |name: &str, level: &str, status: u16| -> Result<()> {
        let request = Request::new("PUT", &format!("/admin/loggers/{name}"))
            .header("Content-Type", "application/json")
            .body(json!({ "level": level }).to_string());
        super::expect_status(&rest.call(&request).await?, status)
    };
    let first = set("GET", "").await?;
    ensure!(!told().await?, "at {first}");
    set("PUT", "info,sluiceway_sink::rest=debug").await?;
    ensure!(told().await?, "the admin listener changed nothing");
    let back = set("DELETE", "").await?;
    ensure!(
        back == first && !told().await?,
        "{first} became {back}, or only says so"
    );
    logger("org.apache.kafka.connect", "DEBUG", 200).await?;
    ensure!(told().await?, "/admin/loggers changed nothing");
    let levels = set("GET", "").await?;
    ensure!(levels.contains("sluiceway_sink=debug"), "{levels}");
    logger("org.apache.kafka.connect", "LOUD", 404).await?;
    logger("root", "ERROR", 200).await?;
    let before = lines();
    // A change, which is told of at info otherwise.
    logger("com.example", "INFO", 200).await?;
    ensure!(lines() == before, "root has no effect");
    ensure!(set("DELETE", "").await? == first, "not as it was started");
    sink.stop().await
}
