//! The two programs between real Kafka and real S3, with the clients and the files
//! (`examples/`) that users have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use super::parts::RealParts;
use crate::child::Foreground;
use crate::kafka::run_tool_captured as tool;
use crate::programs::{self, Binaries};
use crate::{ports, s3};

/// How long a program may drain.
const STOP: Duration = Duration::from_secs(30);
pub(super) const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
/// The user id in the examples.
const EXAMPLE_USER: &str = "0a1b2c3d4e5f";
/// The script that runs the Python clients.
pub(super) const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../protocol-tests/python/clients.py"
);
const NODE_SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../protocol-tests/node/connect_client.cjs"
);

/// Starts the programs, runs the Python and Node.js clients, and stops the programs as a service manager does.
pub(crate) fn run(parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let run = Run::new(parts)?;
    run.clients(&["prepare"])?;
    let (proxy_file, worker_file) = (run.proxy_file()?, run.worker_file()?);
    let connectors = run.connector_files()?;
    let proxy = programs::start(
        &mut binaries.command("sluiceway-proxy")?,
        &[&proxy_file],
        &run.proxy,
        &run.dir.path().join("proxy.log"),
    )?;
    let sink = programs::start(
        binaries.command("sluiceway-sink")?.envs(s3::CREDENTIALS),
        &[&worker_file, &connectors[0], &connectors[1]],
        &run.connect,
        &run.dir.path().join("sink.log"),
    )?;
    let clients = run.clients(&["pipeline"]);
    let clients = clients.and_then(|()| run.java_goes_on());
    if let Err(error) = clients.and_then(|()| run.node_client()) {
        eprintln!(
            "-- end of the proxy's log\n{}\n-- end of the sink's log\n{}",
            proxy.log_tail(),
            sink.log_tail()
        );
        return Err(error);
    }
    sink.stop(STOP)?;
    proxy.stop(STOP)
}

/// The sink alone, and Spark reading the Avro and Parquet objects that it writes.
pub(crate) fn spark(parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let spark = crate::spark::installed()?;
    let run = Run::new(parts)?;
    let sink = programs::start(
        &mut binaries.command("sluiceway-sink")?,
        &[&run.worker_file()?],
        &run.connect,
        &run.dir.path().join("sink.log"),
    )?;
    let mut command = run.python(&["spark"]);
    command
        .env("SLUICEWAY_SPARK_AVRO", spark.avro())
        .env("SLUICEWAY_SPARK_PYTHON", spark.python);
    if let Err(error) = run.with_parts(&mut command, "clients.py") {
        eprintln!("-- end of the sink's log\n{}", sink.log_tail());
        return Err(error);
    }
    sink.stop(STOP)
}

/// Names, addresses and files of one run.
struct Run<'a> {
    parts: &'a RealParts,
    dir: TempDir,
    /// Like the course's user ids: 12 hexadecimal digits.
    user: String,
    proxy: String,
    connect: String,
    admin: [String; 2],
}

impl<'a> Run<'a> {
    fn new(parts: &'a RealParts) -> Result<Self> {
        let urls: Vec<String> = ports::free(4)?
            .iter()
            .map(|port| format!("http://127.0.0.1:{port}"))
            .collect();
        Ok(Self {
            parts,
            dir: crate::scratch::folder()?,
            user: format!("{:012x}", std::process::id()),
            proxy: urls[0].clone(),
            connect: urls[1].clone(),
            admin: [urls[2].clone(), urls[3].clone()],
        })
    }

    fn bucket(&self) -> String {
        format!("user-{}-bucket", self.user)
    }

    /// The Python script.
    fn python(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.parts.python);
        command
            .arg(SCRIPT)
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// Runs the Python script with the variables that it wants.
    fn clients(&self, arguments: &[&str]) -> Result<()> {
        self.with_parts(&mut self.python(arguments), "clients.py")
    }

    /// Runs the Node.js client of Connect's REST API.
    fn node_client(&self) -> Result<()> {
        let mut command = Command::new("node");
        command
            .arg(NODE_SCRIPT)
            .env("SLUICEWAY_NODE_PACKAGES", crate::node::packages()?);
        self.with_parts(&mut command, "connect_client.cjs")
    }

    /// Java clients in the group of a sink that left a plan beside its offset: they see the offset and go on there.
    fn java_goes_on(&self) -> Result<()> {
        let bootstrap = self.parts.kafka.bootstrap();
        let (topic, group) = (
            format!("unfinished-{}", self.user),
            format!("connect-unfinished-{}", self.user),
        );
        let described = tool(
            "kafka-consumer-groups",
            &[
                "--bootstrap-server",
                &bootstrap,
                "--describe",
                "--group",
                &group,
            ],
            "",
        )?;
        let offset = described
            .lines()
            .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
            .find(|columns| columns.get(1) == Some(&topic.as_str()))
            .and_then(|columns| columns.get(3).map(|offset| (*offset).to_owned()));
        ensure!(
            offset.as_deref() == Some("2"),
            "the committed offset is not 2 in\n{described}"
        );
        let read = [
            "--bootstrap-server",
            &bootstrap,
            "--topic",
            &topic,
            "--group",
            &group,
            "--max-messages",
            "3",
            "--timeout-ms",
            "30000",
        ];
        let records = tool("kafka-console-consumer", &read, "")?;
        ensure!(
            records.trim_end() == "record 2\nrecord 3\nrecord 4",
            "a Java consumer of the group reads\n{records}"
        );
        Ok(())
    }

    /// Runs a client that learns from variables where the parts are.
    fn with_parts(&self, command: &mut Command, name: &str) -> Result<()> {
        let (bootstrap, s3) = (self.parts.kafka.bootstrap(), self.parts.s3.endpoint());
        let bucket = self.bucket();
        command.envs([
            ("SLUICEWAY_PROXY", self.proxy.as_str()),
            ("SLUICEWAY_CONNECT", &self.connect),
            ("SLUICEWAY_BOOTSTRAP", &bootstrap),
            ("SLUICEWAY_S3", &s3),
            ("SLUICEWAY_S3_KEY", s3::ACCESS_KEY),
            ("SLUICEWAY_S3_SECRET", s3::SECRET_KEY),
            ("SLUICEWAY_BUCKET", &bucket),
            ("SLUICEWAY_USER", &self.user),
        ]);
        let status = Foreground::start(command)?.wait()?;
        if !status.success() {
            bail!("{name} ended with {status}");
        }
        Ok(())
    }

    /// A file of `examples/` for this run's user, with further lines (the later of two equal keys counts).
    fn example(&self, name: &str, lines: &[(&str, &str)]) -> Result<PathBuf> {
        let source = Path::new(EXAMPLES).join(name);
        let text = fs::read_to_string(&source)
            .with_context(|| format!("cannot read {}", source.display()))?;
        let mut text = text.replace(EXAMPLE_USER, &self.user);
        for (key, value) in lines {
            text.push_str(&format!("\n{key}={value}"));
        }
        let path = self.dir.path().join(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    fn proxy_file(&self) -> Result<PathBuf> {
        let bootstrap = self.parts.kafka.bootstrap();
        self.example(
            "kafka-rest.properties",
            &[
                // A key of ancient days that all of the course's users have.
                ("zookeeper.connect", "127.0.0.1:2181"),
                ("bootstrap.servers", &bootstrap),
                ("listeners", &self.proxy),
                ("sluiceway.admin.listeners", &self.admin[0]),
            ],
        )
    }

    fn worker_file(&self) -> Result<PathBuf> {
        let bootstrap = self.parts.kafka.bootstrap();
        self.example(
            "worker.properties",
            &[
                ("bootstrap.servers", &bootstrap),
                ("listeners", &self.connect),
                ("sluiceway.admin.listeners", &self.admin[1]),
                // The topics appear with the first post; five minutes are too long to see them.
                ("consumer.metadata.max.age.ms", "1000"),
            ],
        )
    }

    /// The course's property map as it is, and a connector for fewer, larger objects of the same topics.
    fn connector_files(&self) -> Result<[PathBuf; 2]> {
        let endpoint = self.parts.s3.endpoint();
        let single = [("name", "posts"), ("store.url", &*endpoint)];
        let batches = [
            ("name", "batches"),
            ("topics.dir", "batches"),
            ("flush.size", "100"),
            ("rotate.schedule.interval.ms", "2000"),
            ("store.url", &endpoint),
        ];
        Ok([
            self.example("bootcamp-s3-sink.properties", &single)?,
            self.example("s3-sink.properties", &batches)?,
        ])
    }
}
