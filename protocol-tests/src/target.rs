//! The two programs as targets of tests: started with files as a user writes them, ready when they answer.
//! `TEST_TARGET=http://host:port` puts another REST proxy (Confluent's own, say) in the place of ours.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Result;
use rand::Rng;

use crate::connector::{Connector, write_properties};
use crate::hosts::Hosts;
use crate::http::Client;
use crate::program::Program;
use crate::{Session, eventually};

/// What a program may take from start to its first answer; on a loaded machine milliseconds become seconds.
const START_LIMIT: Duration = Duration::from_secs(30);
/// What a program may take to drain.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Lines of a properties file.
pub type Properties<'a> = &'a [(&'a str, &'a str)];

// === Proxy ===

/// A REST proxy: ours, or the one that `TEST_TARGET` names.
pub struct Proxy {
    /// The data listener.
    pub http: Client,
    /// The admin listener of ours.
    pub admin: Option<Client>,
    /// The process of ours.
    pub program: Option<Program>,
}

impl Proxy {
    /// Starts `sluiceway-proxy` on the session's broker with further properties (a later one of a name wins).
    ///
    /// # Errors
    /// It does not come up.
    pub async fn start(session: &Session, properties: Properties<'_>) -> Result<Self> {
        Self::start_on(session, &session.parts.kafka, properties).await
    }

    /// Starts `sluiceway-proxy` on another broker.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn start_on(
        session: &Session,
        kafka: &str,
        properties: Properties<'_>,
    ) -> Result<Self> {
        if let Ok(base) = std::env::var("TEST_TARGET") {
            let http = Client::new(&base)?;
            return Ok(Self {
                http,
                admin: None,
                program: None,
            });
        }
        Self::start_at(session, kafka, &free_listener()?, properties).await
    }

    /// Starts ours on this listener.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn start_at(
        session: &Session,
        kafka: &str,
        listener: &str,
        properties: Properties<'_>,
    ) -> Result<Self> {
        Self::run(session, kafka, listener, properties, &[]).await
    }

    /// Starts ours with further environment variables.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn start_in(
        session: &Session,
        kafka: &str,
        properties: Properties<'_>,
        environment: Properties<'_>,
    ) -> Result<Self> {
        Self::run(session, kafka, &free_listener()?, properties, environment).await
    }

    /// Starts ours on this listener, among names of the test's.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn start_among(
        session: &Session,
        hosts: &Hosts,
        listener: &str,
        properties: Properties<'_>,
    ) -> Result<Self> {
        let start = |file: &Path, log: &Path| hosts.start("sluiceway-proxy", file, log);
        Self::run_by(session, &session.parts.kafka, listener, properties, start).await
    }

    async fn run(
        session: &Session,
        kafka: &str,
        listener: &str,
        properties: Properties<'_>,
        environment: Properties<'_>,
    ) -> Result<Self> {
        let start =
            |file: &Path, log: &Path| Program::start("sluiceway-proxy", &[file], environment, log);
        Self::run_by(session, kafka, listener, properties, start).await
    }

    /// `start` starts it with a file of properties and a log.
    async fn run_by(
        session: &Session,
        kafka: &str,
        listener: &str,
        properties: Properties<'_>,
        start: impl FnOnce(&Path, &Path) -> Result<Program>,
    ) -> Result<Self> {
        let admin = free_listener()?;
        let mut lines = vec![
            ("bootstrap.servers", kafka),
            ("listeners", listener),
            ("sluiceway.admin.listeners", &*admin),
        ];
        lines.extend(properties);
        let file = properties_file(session, "kafka-rest.properties", &lines)?;
        let log = session.log("sluiceway-proxy");
        let mut program = start(&file, &log)?;
        let http = Client::new(listener)?;
        answers(&http, "/", &mut program).await?;
        Ok(Self {
            http,
            admin: Some(Client::new(&admin)?),
            program: Some(program),
        })
    }

    /// Ends ours with SIGTERM.
    ///
    /// # Errors
    /// It has ended before, or does not end in time, or not with 0 or 143 (Java's answer to SIGTERM).
    pub async fn stop(&mut self) -> Result<()> {
        match &mut self.program {
            Some(program) => stop(program).await,
            None => Ok(()),
        }
    }
}

// === Sink ===

/// A standalone worker with its connectors.
pub struct Sink {
    /// The Connect REST listener.
    pub http: Client,
    /// The admin listener.
    pub admin: Client,
    /// The process.
    pub program: Program,
}

/// Everything a worker is started with, so that it can be started again.
#[derive(Debug, Clone)]
pub struct SinkFiles {
    worker: PathBuf,
    connectors: Vec<PathBuf>,
    listener: String,
    admin: String,
    log: PathBuf,
    environment: Vec<(String, String)>,
    distributed: bool,
    data_limit: Option<u64>,
}

impl SinkFiles {
    /// Writes `worker.properties` (with further properties) and a file a connector.
    ///
    /// # Errors
    /// No free port, no disk.
    pub fn write(
        session: &Session,
        worker: Properties<'_>,
        connectors: &[Connector],
    ) -> Result<Self> {
        let (listener, admin) = (free_listener()?, free_listener()?);
        let offsets = session.file("connect.offsets");
        let offsets = offsets.to_string_lossy();
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
            ("offset.storage.file.filename", &*offsets),
            ("sluiceway.admin.listeners", &*admin),
        ];
        lines.extend(worker);
        let written = connectors.iter().map(|connector| connector.write(session));
        Ok(Self {
            worker: properties_file(session, "worker.properties", &lines)?,
            connectors: written.collect::<Result<_>>()?,
            log: session.log("sluiceway-sink"),
            environment: Vec::new(),
            distributed: false,
            data_limit: None,
            listener,
            admin,
        })
    }

    /// Another property of the worker, or another value of one.
    ///
    /// # Errors
    /// No disk.
    pub fn set(&self, key: &str, value: &str) -> Result<()> {
        let line = format!("{key}={value}\n");
        let mut file = File::options().append(true).open(&self.worker)?;
        // A later line of a name wins.
        file.write_all(line.as_bytes())?;
        Ok(())
    }

    /// A client of the worker's REST API.
    ///
    /// # Errors
    /// Not an address.
    pub fn http(&self) -> Result<Client> {
        Client::new(&self.listener)
    }

    /// A client of the worker's admin listener.
    ///
    /// # Errors
    /// Not an address.
    pub fn admin_http(&self) -> Result<Client> {
        Client::new(&self.admin)
    }

    /// Adds an environment variable for the process.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Makes it a worker that shares its connectors with others.
    #[must_use]
    pub fn distributed(mut self) -> Self {
        self.distributed = true;
        self
    }

    /// The process may allocate so much (`ulimit -d`), in KiB; more, and it dies.
    #[must_use]
    pub fn limit_data(mut self, kib: u64) -> Self {
        self.data_limit = Some(kib);
        self
    }

    /// Where its output goes.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Adds the file of a connector.
    #[must_use]
    pub fn connector_file(mut self, file: PathBuf) -> Self {
        self.connectors.push(file);
        self
    }

    /// Starts the process without waiting for anything.
    ///
    /// # Errors
    /// It can't be started.
    pub fn spawn(&self) -> Result<Program> {
        let mut arguments: Vec<&Path> = Vec::new();
        if self.distributed {
            arguments.push(Path::new("--distributed"));
        }
        arguments.push(&self.worker);
        arguments.extend(self.connectors.iter().map(PathBuf::as_path));
        let environment: Vec<_> = self
            .environment
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let program = "sluiceway-sink";
        match self.data_limit {
            None => Program::start(program, &arguments, &environment, &self.log),
            Some(kib) => Program::start_limited(program, kib, &arguments, &environment, &self.log),
        }
    }

    /// Starts the process and waits until its REST listener answers.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn start(&self) -> Result<Sink> {
        let mut program = self.spawn()?;
        let http = Client::new(&self.listener)?;
        answers(&http, "/", &mut program).await?;
        Ok(Sink {
            http,
            admin: Client::new(&self.admin)?,
            program,
        })
    }
}

impl Sink {
    /// Starts `sluiceway-sink worker.properties <a file a connector>` on the session's broker.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn start(session: &Session, connectors: &[Connector]) -> Result<Self> {
        SinkFiles::write(session, &[], connectors)?.start().await
    }

    /// `GET /connectors/<name>/status`; none if there is no such connector (yet).
    ///
    /// # Errors
    /// No answer, or no JSON.
    pub async fn status(&self, connector: &Connector) -> Result<Option<serde_json::Value>> {
        let path = format!("/connectors/{}/status", connector.name);
        let answer = self.http.get(&path, None).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        Ok(Some(answer.json()?))
    }

    /// States of the tasks of a connector, in their order.
    ///
    /// # Errors
    /// See [`Sink::status`].
    pub async fn task_states(&self, connector: &Connector) -> Result<Vec<String>> {
        let status = self.status(connector).await?.unwrap_or_default();
        let tasks = status["tasks"].as_array().cloned().unwrap_or_default();
        Ok(tasks
            .iter()
            .map(|task| task["state"].as_str().unwrap_or_default().to_owned())
            .collect())
    }

    /// Ends it with SIGTERM.
    ///
    /// # Errors
    /// It has ended before, or does not end in time, or not with 0 or 143 (Java's answer to SIGTERM).
    pub async fn stop(&mut self) -> Result<()> {
        stop(&mut self.program).await
    }
}

// === shared ===

async fn stop(program: &mut Program) -> Result<()> {
    let status = program.terminate(STOP_LIMIT).await?;
    anyhow::ensure!(
        matches!(status.code(), Some(0 | 143)),
        "ended with {status} after SIGTERM"
    );
    Ok(())
}

async fn answers(http: &Client, path: &str, program: &mut Program) -> Result<()> {
    eventually("waiting for the first answer", START_LIMIT, async || {
        program.ensure_runs()?;
        Ok(http.get(path, None).await.ok().map(|_| ()))
    })
    .await
}

/// Writes a properties file of the session.
///
/// # Errors
/// No disk.
pub(crate) fn properties_file(
    session: &Session,
    name: &str,
    lines: Properties<'_>,
) -> Result<PathBuf> {
    let file = session.file(name);
    let lines: Vec<_> = lines
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    write_properties(&file, &lines)?;
    Ok(file)
}

/// `http://127.0.0.1:<port>` of a free port. The ports lie below those that the kernel gives to clients, so that one can
/// be used again after its program was killed; no port is given twice.
///
/// # Errors
/// There is none.
pub fn free_listener() -> Result<String> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN
        .lock()
        .map_err(|_| anyhow::anyhow!("a test panicked"))?;
    for _ in 0..1000 {
        let port = rand::rng().random_range(10_000..20_000);
        if !given.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            given.insert(port);
            return Ok(format!("http://127.0.0.1:{port}"));
        }
    }
    anyhow::bail!("no free port")
}
