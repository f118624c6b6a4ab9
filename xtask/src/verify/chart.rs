//! The chart: its manifests as Kubernetes and its policies want them, and the programs started as its pods say.
//!
//! ```text
//!   chart.py check ─▶ lint, render, schemas, policies, refusals, README
//!   chart.py pods ──▶ plan.json: programs, files, environment, probes, time to end ─▶ started here on real Kafka and S3
//!                                      ├▶ probes and ports answer    ├▶ the connectors' job    └▶ the test of `helm test`
//!   chart.py guarded ─▶ both programs want to know who calls: that job and that test with each kind of credentials
//! ```

mod pod;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::parts::RealParts;
use crate::child::Foreground;
use crate::programs::Binaries;
use crate::{chart, ports, s3};

use pod::{Plan, Pod};

const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../protocol-tests/python/chart.py"
);

/// Everything that needs no parts.
pub(crate) fn check(binaries: &Binaries) -> Result<()> {
    let mut command = script()?;
    command
        .arg("check")
        .arg("--definitions")
        .arg(chart::definitions()?)
        .arg("--proxy")
        .arg(binaries.path("sluiceway-proxy")?)
        .arg("--sink")
        .arg(binaries.path("sluiceway-sink")?);
    run_script(&mut command)
}

/// The pods of a small installation, as processes.
pub(crate) fn run(parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let dir = crate::scratch::folder()?;
    let plan = plan(parts, dir.path())?;
    let proxy = plan.pod("proxy")?.start(binaries, dir.path())?;
    let sink = plan.pod("sink")?.start(binaries, dir.path())?;
    if let Err(error) = use_them(&plan, binaries, [&proxy, &sink]) {
        eprintln!(
            "-- end of the proxy's log\n{}\n-- end of the sink's log\n{}",
            proxy.log_tail(),
            sink.log_tail()
        );
        return Err(error);
    }
    sink.stop(plan.pod("sink")?.time_to_end())?;
    proxy.stop(plan.pod("proxy")?.time_to_end())
}

/// Probes, ports, the connectors' job (twice: the second changes nothing), the test of `helm test`.
fn use_them(plan: &Plan, binaries: &Binaries, running: [&Foreground; 2]) -> Result<()> {
    for (name, process) in ["proxy", "sink"].into_iter().zip(running) {
        plan.pod(name)?.wait_for_probes(process)?;
    }
    let job = plan.pod("connectors")?;
    let said = job.run_to_end(binaries)?;
    let wanted = ["posts: created", "posts: RUNNING, 1 tasks"];
    expect(job, &said, &wanted)?;
    let again = job.run_to_end(binaries)?;
    expect(
        job,
        &again,
        &["posts: configured", "posts: RUNNING, 1 tasks"],
    )?;
    let trial = plan.pod("trial")?;
    let said = trial.run_to_end(binaries)?;
    expect(
        trial,
        &said,
        &["offset 0", ": holds the record", ": deleted"],
    )
}

/// The pods of an installation whose APIs ask who calls.
pub(crate) fn run_guarded(parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let mut command = script()?;
    command
        .arg("guarded")
        .arg("--proxy")
        .arg(binaries.path("sluiceway-proxy")?)
        .arg("--sink")
        .arg(binaries.path("sluiceway-sink")?);
    parts_of(
        &mut command,
        parts,
        &format!("guarded-{}", std::process::id()),
    )?;
    run_script(&mut command)
}

fn expect(pod: &Pod, said: &str, wanted: &[&str]) -> Result<()> {
    for text in wanted {
        ensure!(
            said.contains(text),
            "the pod {} did not say {text:?}, but\n{said}",
            pod.name
        );
    }
    Ok(())
}

/// Renders the chart for the parts, with its files below `dir`.
fn plan(parts: &RealParts, dir: &Path) -> Result<Plan> {
    let ports = ports::free(4)?;
    let mut command = script()?;
    command.arg("pods").arg("--out").arg(dir);
    let names = [
        "proxy.ports.http",
        "proxy.ports.admin",
        "sink.ports.http",
        "sink.ports.admin",
    ];
    for (name, port) in names.iter().zip(&ports) {
        command.arg(format!("--set={name}={port}"));
    }
    parts_of(
        &mut command,
        parts,
        &format!("chart-{}", std::process::id()),
    )?;
    command.arg("--secret=sluiceway-peers/peers-secret=sixteen-or-more-characters");
    run_script(&mut command)?;
    let text = std::fs::read_to_string(dir.join("plan.json")).context("no plan was written")?;
    Ok(serde_json::from_str(&text)?)
}

/// The parts' addresses and a bucket as values, their keys as a Secret. `run` names what is made.
fn parts_of(command: &mut Command, parts: &RealParts, run: &str) -> Result<()> {
    let bucket = parts.s3.create_bucket(run)?;
    let settings = [
        ("kafka.bootstrapServers", parts.kafka.bootstrap()),
        ("sink.groupId", run.to_owned()),
        ("sink.connectors.posts.config.topics", run.to_owned()),
        ("sink.connectors.posts.config.s3\\.bucket\\.name", bucket),
        (
            "sink.connectors.posts.config.store\\.url",
            parts.s3.endpoint(),
        ),
        ("test.topic", format!("{run}-trial")),
    ];
    for (name, value) in settings {
        command.arg(format!("--set={name}={value}"));
    }
    for (name, value) in [("id", s3::ACCESS_KEY), ("secret", s3::SECRET_KEY)] {
        command.arg(format!("--secret=s3-keys/{name}={value}"));
    }
    Ok(())
}

fn script() -> Result<Command> {
    let mut command = Command::new(chart::interpreter()?);
    command
        .arg(SCRIPT)
        .arg("--helm")
        .arg(chart::helm()?)
        .arg("--chart")
        .arg(chart::folder())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

fn run_script(command: &mut Command) -> Result<()> {
    let status = Foreground::start(command)?.wait()?;
    if !status.success() {
        bail!("chart.py ended with {status}");
    }
    Ok(())
}
