//! The proxy alone, by clients that nobody here wrote: packages of PyPI and npm, Python's serializers of Avro, JSON
//! Schema and Protobuf by the same real registry, Java's console tools on the other side of Kafka.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::parts::RealParts;
use super::pipeline::SCRIPT;
use crate::child::Foreground;
use crate::kafka::run_tool_captured as tool;
use crate::programs::{self, Binaries};
use crate::{node, ports, python};

const STOP: Duration = Duration::from_secs(30);

/// Starts a proxy that serves older clients, too, runs the clients, and stops it.
pub(crate) fn run(parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let (dir, ports) = (crate::scratch::folder()?, ports::free(2)?);
    let url = format!("http://127.0.0.1:{}", ports[0]);
    let file = dir.path().join("kafka-rest.properties");
    let bootstrap = parts.kafka.bootstrap();
    std::fs::write(
        &file,
        format!(
            "bootstrap.servers={bootstrap}\nlisteners={url}\nschema.registry.url={}\n\
             schema.registry.http.read.timeout.ms=60000\n\
             sluiceway.admin.listeners=http://127.0.0.1:{}\nsluiceway.lenient.media.types=true\n",
            parts.registry.url(),
            ports[1]
        ),
    )?;
    let proxy = programs::start(
        &mut binaries.command("sluiceway-proxy")?,
        &[&file],
        &url,
        &dir.path().join("proxy.log"),
    )?;
    let run = Run {
        parts,
        url,
        name: std::process::id().to_string(),
        old_packages: python::old_packages()?,
        node_modules: node::packages()?.join("node_modules"),
    };
    let outcome = run
        .java_writes()
        .and_then(|()| run.python())
        .and_then(|()| run.java_reads());
    if let Err(error) = outcome {
        eprintln!("-- end of the proxy's log\n{}", proxy.log_tail());
        return Err(error);
    }
    proxy.stop(STOP)
}

struct Run<'a> {
    parts: &'a RealParts,
    url: String,
    name: String,
    old_packages: PathBuf,
    node_modules: PathBuf,
}

impl Run<'_> {
    fn java_topic(&self) -> String {
        format!("java-{}", self.name)
    }

    fn java_writes(&self) -> Result<()> {
        let lines: String = (0..3)
            .map(|n| format!("{n}\t{{\"java\": {n}}}\n"))
            .collect();
        let (bootstrap, topic) = (self.parts.kafka.bootstrap(), self.java_topic());
        let arguments = [
            "--bootstrap-server",
            &bootstrap,
            "--topic",
            &topic,
            "--property",
            "parse.key=true",
        ];
        tool("kafka-console-producer", &arguments, &lines).map(drop)
    }

    fn python(&self) -> Result<()> {
        let mut command = Command::new(&self.parts.python);
        command
            .args([SCRIPT, "rest"])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("KAFKAREST_LOG_LEVEL", "WARNING")
            .env("SLUICEWAY_PROXY", &self.url)
            .env("SLUICEWAY_BOOTSTRAP", self.parts.kafka.bootstrap())
            .env("SLUICEWAY_REGISTRY", self.parts.registry.url())
            .env("SLUICEWAY_RUN", &self.name)
            .env("SLUICEWAY_OLD_PACKAGES", &self.old_packages)
            .env("SLUICEWAY_NODE_MODULES", &self.node_modules);
        let status = Foreground::start(&mut command)?.wait()?;
        if !status.success() {
            bail!("clients.py rest ended with {status}");
        }
        Ok(())
    }

    fn java_reads(&self) -> Result<()> {
        let (bootstrap, topic) = (self.parts.kafka.bootstrap(), self.java_topic());
        let arguments = [
            "--bootstrap-server",
            &bootstrap,
            "--topic",
            &topic,
            "--from-beginning",
            "--max-messages",
            "6",
            "--timeout-ms",
            "30000",
            "--property",
            "print.key=true",
        ];
        let read = tool("kafka-console-consumer", &arguments, "")?;
        let written: Vec<String> = (0..3).map(|n| format!("{n}\t{{\"proxy\":{n}}}")).collect();
        let last: Vec<&str> = read.lines().skip(3).collect();
        ensure!(last == written, "the console consumer read\n{read}");
        Ok(())
    }
}
