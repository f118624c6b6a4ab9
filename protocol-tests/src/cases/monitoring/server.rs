//! A genuine Prometheus server that scrapes both programs, and what it says of rules and expressions.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::files::{Expression, folder};
use crate::cases::{SINK_LIMIT, expect_status};
use crate::http::Client;
use crate::program::Program;
use crate::target::free_listener;
use crate::{Session, eventually};

/// A server that looks every second.
pub(super) async fn start(
    session: &Session,
    binaries: &Path,
    targets: [&Client; 2],
) -> Result<(Program, Client)> {
    let rules = folder().join("rules.yaml");
    let jobs = ["sluiceway-proxy", "sluiceway-sink"];
    let jobs = jobs.iter().zip(targets).map(|(job, target)| {
        format!(
            "  - job_name: {job}\n    static_configs:\n      - targets: [\"{}\"]\n",
            target.authority()
        )
    });
    let config = format!(
        "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files:\n  - {}\nscrape_configs:\n{}",
        rules.display(),
        jobs.collect::<String>()
    );
    let file = session.file("prometheus.yaml");
    std::fs::write(&file, config)?;
    let listener = free_listener()?;
    let http = Client::new(&listener)?;
    let arguments = [
        format!("--config.file={}", file.display()),
        format!(
            "--storage.tsdb.path={}",
            session.file("prometheus-data").display()
        ),
        format!("--web.listen-address={}", http.authority()),
    ];
    let arguments: Vec<&Path> = arguments.iter().map(Path::new).collect();
    let log = session.log("prometheus");
    let mut program = Program::start_at(&binaries.join("prometheus"), &arguments, &[], &log)?;
    eventually("waiting for Prometheus", SINK_LIMIT, async || {
        program.ensure_runs()?;
        let ready = http.get("/-/ready", None).await.ok();
        Ok(ready.filter(|answer| answer.status == 200).map(drop))
    })
    .await?;
    Ok((program, http))
}

pub(super) async fn has_answer(http: &Client, expression: &Expression) -> Result<bool> {
    let query: String = expression
        .text
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    let answer = http
        .get(&format!("/api/v1/query?query={query}"), None)
        .await?;
    expect_status(&answer, 200)
        .with_context(|| format!("{}: {}", expression.place, expression.text))?;
    let body = answer.json()?;
    Ok(body["data"]["result"]
        .as_array()
        .is_some_and(|found| !found.is_empty()))
}

pub(super) async fn rules_are_healthy(http: &Client) -> Result<()> {
    let body = http.get("/api/v1/rules", None).await?.json()?;
    let groups = body["data"]["groups"].as_array().context("no groups")?;
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let mut count = 0;
    for rule in rules {
        count += 1;
        ensure!(rule["health"] == "ok", "{rule}");
        // The bad record of the work is told of, rightly.
        let firing = rule["state"] == "firing" && rule["name"] != "SluicewaySinkRecordErrors";
        ensure!(!firing, "{rule}");
    }
    ensure!(count > 20, "only {count} rules");
    Ok(())
}
