//! `cargo xtask registry …`: a real schema registry (Apicurio, in memory, with Confluent's API) on loopback.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::part::Part;
use crate::process::CommandLine;
use crate::single::{self, Kind, Single};
use crate::{http, ports};

const POM: &str = include_str!("../registry/pom.xml");
/// Where Confluent's API begins.
const BASE: &str = "/apis/ccompat/v7";
const HEAP: &str = "-Xmx256m";
/// A JVM on a busy machine.
const START: Duration = Duration::from_secs(120);

/// The kind of part.
pub(crate) const KIND: Kind = Kind {
    name: "registry",
    install: || installed().map(drop),
    bring_up,
};

/// A registry for one run of checks: ends when dropped, and with this process in any case.
pub(crate) struct Server(Single);

impl Server {
    /// Starts a registry that this process owns.
    pub(crate) fn start(name: &str) -> Result<Self> {
        KIND.start(name).map(Self)
    }

    /// The value for `schema.registry.url`.
    pub(crate) fn url(&self) -> String {
        url(&self.0.part)
    }
}

fn bring_up(part: &mut Part) -> Result<()> {
    let (dir, port) = (installed()?, ports::free(1)?[0]);
    let command = command_line(part, &runner(&dir)?, port);
    single::start_process(part, port, command)?;
    part.lines = vec![format!("schema.registry.url={}", url(part))];
    wait_until_it_answers(part)?;
    part.save()
}

fn command_line(part: &Part, runner: &Path, port: u16) -> CommandLine {
    let mut argv = vec![
        "java".to_owned(),
        HEAP.to_owned(),
        "-XX:+UseSerialGC".to_owned(),
    ];
    argv.push("-Dquarkus.http.host=127.0.0.1".to_owned());
    argv.push(format!("-Dquarkus.http.port={port}"));
    argv.extend(["-jar".to_owned(), runner.display().to_string()]);
    CommandLine {
        argv,
        env: BTreeMap::new(),
        log: part.dir.join("registry.log"),
    }
}

fn wait_until_it_answers(part: &Part) -> Result<()> {
    let (deadline, subjects) = (Instant::now() + START, format!("{}/subjects", url(part)));
    while !http::get(&subjects).is_ok_and(|answer| answer.status == 200) {
        part.check_running()?;
        if Instant::now() >= deadline {
            bail!("the registry did not answer within {START:?}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn url(part: &Part) -> String {
    format!("{}{BASE}", single::base_url(part))
}

/// Fetches the distribution from Maven Central once and unpacks it.
pub(crate) fn installed() -> Result<PathBuf> {
    crate::cache::installed("registry", POM, |dir| {
        let pom = dir.join("pom.xml");
        fs::write(&pom, POM)?;
        let copied = format!("-DoutputDirectory={}", dir.display());
        let mut maven = Process::new("mvn");
        maven.args(["--quiet", "--batch-mode", "--file"]).arg(&pom);
        maven.args([
            "dependency:copy-dependencies",
            "-DexcludeTransitive=true",
            &copied,
        ]);
        run_quietly(maven, "mvn (Maven fetches the registry)")?;
        let archive = with_suffix(dir, ".tar.gz")?;
        let mut tar = Process::new("tar");
        tar.arg("-xzf").arg(&archive).arg("-C").arg(dir);
        run_quietly(tar, "tar")?;
        runner(dir)?;
        Ok(fs::remove_file(archive)?)
    })
}

fn run_quietly(mut command: Process, what: &str) -> Result<()> {
    // Standard output is for what `up` prints.
    command.stdout(std::io::stderr().as_fd().try_clone_to_owned()?);
    let status = command
        .status()
        .with_context(|| format!("cannot run {what}"))?;
    if !status.success() {
        bail!("{what} ended with {status}");
    }
    Ok(())
}

fn runner(dir: &Path) -> Result<PathBuf> {
    with_suffix(dir, "-runner.jar")
}

fn with_suffix(dir: &Path, suffix: &str) -> Result<PathBuf> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(suffix) {
            return Ok(entry.path());
        }
    }
    bail!("no *{suffix} in {}", dir.display())
}
