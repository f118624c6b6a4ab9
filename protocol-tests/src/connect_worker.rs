//! A genuine Kafka Connect worker as a child process, with a class of the S3 sink's name that does nothing
//! (`java/`). `SLUICEWAY_TEST_CONNECT_JAVA` holds Java's arguments with Kafka's jars, one a line;
//! `cargo xtask verify` sets it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::http::Client;
use crate::program::Program;
use crate::target::{Properties, free_listener, properties_file};
use crate::{Session, eventually};

const STAND_IN: [(&str, &str); 2] = [
    (
        "S3SinkConnector.java",
        include_str!("../java/S3SinkConnector.java"),
    ),
    ("S3SinkTask.java", include_str!("../java/S3SinkTask.java")),
];
/// What Java may take to start on a loaded machine.
const START_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// A running worker.
pub struct ConnectWorker {
    /// Its REST API.
    pub http: Client,
    program: Program,
}

impl ConnectWorker {
    /// Starts `ConnectDistributed` with these properties and waits until it answers.
    ///
    /// # Errors
    /// No Java, no jars, or it does not come up.
    pub async fn start(session: &Session, properties: Properties<'_>) -> Result<Self> {
        let given = std::env::var("SLUICEWAY_TEST_CONNECT_JAVA")
            .context("SLUICEWAY_TEST_CONNECT_JAVA is not set; `cargo xtask verify` sets it")?;
        let mut java: Vec<String> = given.lines().map(str::to_owned).collect();
        let classes = compile(session, &java)?;
        let path = java.iter().position(|argument| argument == "-cp");
        let path = path.and_then(|flag| java.get_mut(flag + 1));
        let path = path.context("no class path")?;
        *path = format!("{path}:{classes}");
        let listener = free_listener()?;
        let mut lines = vec![
            ("bootstrap.servers", &*session.parts.kafka),
            ("listeners", &*listener),
            (
                "key.converter",
                "org.apache.kafka.connect.storage.StringConverter",
            ),
            (
                "value.converter",
                "org.apache.kafka.connect.storage.StringConverter",
            ),
            ("plugin.discovery", "only_scan"),
            ("scheduled.rebalance.max.delay.ms", "0"),
        ];
        lines.extend(properties);
        let file = properties_file(session, "connect-distributed.properties", &lines)?;
        java.push("org.apache.kafka.connect.cli.ConnectDistributed".to_owned());
        let mut arguments: Vec<&Path> = java.iter().map(Path::new).collect();
        arguments.push(&file);
        let log = session.log("connect");
        let mut program = Program::start_at(Path::new("java"), &arguments, &[], &log)?;
        let http = Client::new(&listener)?;
        eventually("waiting for Kafka Connect", START_LIMIT, async || {
            program.ensure_runs()?;
            let answer = http.get("/connectors", None).await.ok();
            Ok(answer.filter(|answer| answer.status == 200))
        })
        .await?;
        Ok(Self { http, program })
    }

    /// Ends it with SIGTERM.
    ///
    /// # Errors
    /// It does not end in time.
    pub async fn stop(&mut self) -> Result<()> {
        self.program.terminate(STOP_LIMIT).await.map(drop)
    }
}

/// The folder of the stand-in's classes.
fn compile(session: &Session, java: &[String]) -> Result<String> {
    let folder = session.file("classes");
    std::fs::create_dir_all(&folder)?;
    let mut sources = Vec::new();
    for (name, text) in STAND_IN {
        let source = folder.join(name);
        std::fs::write(&source, text)?;
        sources.push(source);
    }
    let path = java.iter().skip_while(|argument| *argument != "-cp").nth(1);
    let status = Command::new("javac")
        .args(["-nowarn", "-cp", path.context("no class path")?, "-d"])
        .arg(&folder)
        .args(&sources)
        .status()
        .context("cannot run javac")?;
    ensure!(status.success(), "javac ended with {status}");
    Ok(folder.to_string_lossy().into_owned())
}
