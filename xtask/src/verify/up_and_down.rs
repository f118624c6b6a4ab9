//! `cargo xtask kafka …` and `s3 …` as they are typed: up, up again, status, down, down again. Afterwards nothing of them is left,
//! and what others run of the same programs is still there, since parts are ended by process id.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use super::parts::RealParts;
use crate::process::ProcessId;
use crate::{http, kafka};

/// What a broker may take to answer that has just said that it does.
const ANSWER: Duration = Duration::from_secs(30);

/// Both kinds, at the same time.
pub(crate) fn run(parts: &RealParts) -> Result<()> {
    std::thread::scope(|scope| {
        let kinds = [
            scope.spawn(|| Typed::new("s3", &[]).and_then(|s3| s3.check(&answers_s3))),
            scope.spawn(|| {
                Typed::new("kafka", &["--heap", "256m"])
                    .and_then(|kafka| kafka.check(&answers_kafka))
            }),
        ];
        kinds.into_iter().try_for_each(|kind| {
            kind.join()
                .map_err(|_| anyhow!("a thread that types commands panicked"))?
        })
    })?;
    http::get(&parts.s3.endpoint()).context("another S3 server was ended")?;
    ensure!(
        parts.kafka.first_process().is_some_and(ProcessId::is_alive),
        "another broker was ended"
    );
    Ok(())
}

/// A request without a signature is refused, which is an answer.
fn answers_s3(lines: &str) -> Result<()> {
    let endpoint = value(lines, "endpoint=")?;
    http::get(endpoint).map(drop)
}

fn answers_kafka(lines: &str) -> Result<()> {
    let bootstrap = value(lines, "bootstrap.servers=")?;
    kafka::wait_for_brokers(bootstrap, 1, ANSWER, || Ok(()))
}

fn value<'a>(lines: &'a str, name: &str) -> Result<&'a str> {
    let mut values = lines.lines().filter_map(|line| line.strip_prefix(name));
    values.next().with_context(|| format!("no {name}: {lines}"))
}

/// A kind of part under a name of this run; dropping ends it, whatever happened.
struct Typed {
    program: PathBuf,
    kind: &'static str,
    name: String,
    options: &'static [&'static str],
}

impl Typed {
    fn new(kind: &'static str, options: &'static [&'static str]) -> Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            kind,
            name: format!("typed-{}", std::process::id()),
            options,
        })
    }

    /// Types `xtask <kind> <verb> --name <name>`.
    fn call(&self, verb: &str) -> Result<Output> {
        let options = if verb == "up" { self.options } else { &[] };
        let mut command = Command::new(&self.program);
        command.args([self.kind, verb, "--name", &self.name]);
        Ok(command.args(options).output()?)
    }

    /// What it prints; an error unless it ends well.
    fn done(&self, verb: &str) -> Result<(String, String)> {
        let output = self.call(verb)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (printed, said) = (text(&output.stdout), text(&output.stderr));
        ensure!(
            output.status.success(),
            "{} {verb} ended with {}: {printed}{said}",
            self.kind,
            output.status
        );
        Ok((printed, said))
    }

    fn check(&self, answers: &dyn Fn(&str) -> Result<()>) -> Result<()> {
        let (lines, _) = self.done("up")?;
        answers(&lines).with_context(|| format!("{} does not answer", self.kind))?;
        let (status, _) = self.done("status")?;
        let (again, said) = self.done("up")?;
        ensure!(again == lines, "up again says {again} instead of {lines}");
        ensure!(said.contains("is running already"), "{said}");
        let (processes, folder) = (processes(&status)?, folder(&status)?);
        ensure!(folder.is_dir(), "{} is no folder", folder.display());
        self.done("down")?;
        ensure!(
            !processes.iter().any(|process| process.is_alive()),
            "processes are left: {status}"
        );
        ensure!(!folder.exists(), "{} is left", folder.display());
        let mut words = lines.split(['=', '/', '\n']);
        let place = words.find(|word| word.starts_with("127.0.0.1:"));
        let place = place.with_context(|| format!("no address: {lines}"))?;
        ensure!(TcpStream::connect(place).is_err(), "{place} still answers");
        let status = self.call("status")?.status;
        ensure!(status.code() == Some(1), "status ended with {status}");
        let (_, said) = self.done("down")?;
        ensure!(said.contains("is not running"), "{said}");
        Ok(())
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        if let Err(error) = self.done("down") {
            eprintln!("error: {error:#}");
        }
    }
}

/// The processes that `status` tells of.
fn processes(status: &str) -> Result<Vec<ProcessId>> {
    let pids = status.lines().filter_map(|line| line.split_once(", pid "));
    let found: Vec<ProcessId> = pids
        .filter_map(|(_, pid)| ProcessId::of(pid.trim().parse().ok()?))
        .collect();
    ensure!(!found.is_empty(), "no process: {status}");
    Ok(found)
}

/// The data folder that `status` tells of.
fn folder(status: &str) -> Result<&Path> {
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.split_once("  data "));
    let (_, folder) = line.with_context(|| format!("no folder: {status}"))?;
    Ok(Path::new(folder))
}
