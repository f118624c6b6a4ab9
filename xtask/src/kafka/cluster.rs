//! Bringing a cluster up, one of its brokers down and up again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::server_properties::{self, Node};
use super::{UpArgs, jars};
use crate::part::{Member, Part};
use crate::process::{CommandLine, ProcessId, Signal};
use crate::{background, ports};

/// How long a cluster may take to answer, with both cores busy.
const START: Duration = Duration::from_secs(120);

/// A cluster for one run of checks: ends when dropped, and with this process in any case.
pub(crate) struct Cluster {
    part: Part,
}

impl Cluster {
    /// Starts a cluster that this process owns.
    pub(crate) fn start(args: &UpArgs) -> Result<Self> {
        let part = Part::reserve("kafka", &args.name, "")?;
        let mut cluster = Self {
            part: part.with_context(|| format!("kafka {} is running already", args.name))?,
        };
        bring_up(&mut cluster.part, args)?;
        Ok(cluster)
    }

    /// The process of the first broker, while it is not stopped.
    pub(crate) fn first_process(&self) -> Option<ProcessId> {
        self.part.members.first().and_then(|member| member.process)
    }

    /// The name by which other calls of xtask find it.
    pub(crate) fn name(&self) -> &str {
        &self.part.name
    }

    /// `host:port,…` of all brokers.
    pub(crate) fn bootstrap(&self) -> String {
        bootstrap(&self.part)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Another call may have stopped and started brokers.
        if let Ok(Some(now)) = Part::load("kafka", &self.part.name) {
            self.part = now;
        }
        if let Err(error) = self.part.end() {
            eprintln!("error: {error:#}");
        }
    }
}

/// `kafka up`.
pub(crate) fn up(args: &UpArgs) -> Result<()> {
    // Fetched before the name is reserved: a download may take a while.
    jars::java_arguments(&args.heap)?;
    let settings = settings_text(args);
    let Some(mut part) = background::reserve_or_report("kafka", &args.name, &settings)? else {
        return Ok(());
    };
    match bring_up(&mut part, args) {
        Ok(()) => background::leave_running(part),
        Err(error) => {
            part.end()?;
            Err(error)
        }
    }
}

fn settings_text(args: &UpArgs) -> String {
    let set: Vec<String> = args
        .settings
        .iter()
        .map(|(key, value)| format!(" {key}={value}"))
        .collect();
    format!(
        "brokers={} auto-create={}{}",
        args.brokers,
        args.auto_create,
        set.concat()
    )
}

fn bring_up(part: &mut Part, args: &UpArgs) -> Result<()> {
    let java = jars::java_arguments(&args.heap)?;
    let nodes = choose_nodes(args.brokers)?;
    for node in &nodes {
        let dir = part.dir.join(format!("broker-{}", node.id));
        fs::create_dir_all(&dir)?;
        let file = dir.join("server.properties");
        fs::write(
            &file,
            server_properties::render(args, *node, &nodes, &dir.join("data")),
        )?;
        part.members.push(Member {
            id: node.id,
            port: node.port,
            command: broker(&java, &file, &dir),
            process: None,
        });
    }
    format_storage(part, &java)?;
    for node in &nodes {
        part.start(node.id)?;
    }
    wait_for_brokers(&bootstrap(part), nodes.len(), START, || {
        part.check_running()
    })?;
    part.lines = vec![format!("bootstrap.servers={}", bootstrap(part))];
    part.save()
}

fn choose_nodes(count: u32) -> Result<Vec<Node>> {
    let ports = ports::free(2 * count as usize)?;
    let pairs = ports.chunks_exact(2).zip(1..);
    Ok(pairs
        .map(|(pair, id)| Node {
            id,
            port: pair[0],
            controller_port: pair[1],
        })
        .collect())
}

fn broker(java: &[String], properties: &Path, dir: &Path) -> CommandLine {
    let mut argv = vec!["java".to_owned()];
    argv.extend(java.iter().cloned());
    argv.extend(["kafka.Kafka".to_owned(), properties.display().to_string()]);
    CommandLine {
        argv,
        env: BTreeMap::new(),
        log: dir.join("broker.log"),
    }
}

/// Writes the cluster id and the first metadata into each data folder, as KRaft wants it.
fn format_storage(part: &Part, java: &[String]) -> Result<()> {
    // 16 bytes in URL-safe base64; every cluster has its own data folders, so one id will do for all.
    const CLUSTER_ID: &str = "c2x1aWNld2F5LXh0YXNrLQ";
    let format = |member: &Member| {
        let properties = part
            .dir
            .join(format!("broker-{}", member.id))
            .join("server.properties");
        let mut command = Command::new("java");
        command.args(java).args([
            "kafka.tools.StorageTool",
            "format",
            "--ignore-formatted",
            "-t",
            CLUSTER_ID,
            "-c",
        ]);
        command
            .arg(properties)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command
            .spawn()
            .context("cannot run java (Kafka needs Java 11 or later)")
    };
    let running = part
        .members
        .iter()
        .map(format)
        .collect::<Result<Vec<_>>>()?;
    for child in running {
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!(
                "formatting the data folder failed:\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
    Ok(())
}

fn bootstrap(part: &Part) -> String {
    let addresses: Vec<String> = part
        .members
        .iter()
        .map(|m| format!("127.0.0.1:{}", m.port))
        .collect();
    addresses.join(",")
}

/// Waits until `count` brokers stand in the metadata that `bootstrap` answers with. `still_there`
/// ends the wait early when what should answer has died.
pub(crate) fn wait_for_brokers(
    bootstrap: &str,
    count: usize,
    limit: Duration,
    still_there: impl Fn() -> Result<()>,
) -> Result<()> {
    let deadline = Instant::now() + limit;
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("reconnect.backoff.max.ms", "500")
        .set("log_level", "0")
        .create()?;
    loop {
        still_there()?;
        let answer = client.fetch_metadata(None, Duration::from_secs(2));
        if answer
            .as_ref()
            .is_ok_and(|metadata| metadata.brokers().len() >= count)
        {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let found = answer.map(|metadata| metadata.brokers().len());
            bail!(
                "{bootstrap} did not show {count} brokers within {limit:?}; last answer: {found:?}"
            );
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// `kafka stop-broker`.
pub(crate) fn stop_broker(name: &str, id: u32, signal: Signal) -> Result<()> {
    let mut part = running(name)?;
    part.stop(id, signal)?;
    eprintln!("broker {id} of {name} stopped");
    Ok(())
}

/// `kafka start-broker`.
pub(crate) fn start_broker(name: &str, id: u32) -> Result<()> {
    let mut part = running(name)?;
    part.start(id)?;
    let address = format!("127.0.0.1:{}", part.member(id)?.port);
    wait_for_brokers(&address, 1, START, || part.check_running())?;
    println!("bootstrap.servers={address}");
    Ok(())
}

fn running(name: &str) -> Result<Part> {
    Part::load("kafka", name)?.with_context(|| format!("kafka {name} is not running"))
}
