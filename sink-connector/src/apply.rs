//! `sluiceway-sink apply`: makes the connectors of a running worker (or cluster) what files declare.
//!
//! ```text
//!   files ─▶ wait for GET /health ─▶ POST new ones, PUT configurations, pause/resume/stop ─▶ DELETE others (--prune)
//!                                                    └▶ wait until each is as declared; what has failed is restarted once
//! ```
//!
//! In: connector files as for the worker's command line, the REST API's URL. Out: a line for each change. What fails: a
//! refused configuration (with every error of it), a connector or task that fails again after its restart, a worker
//! that is not there in time. Calling it again changes nothing that is as declared.

mod status;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::runtime::Runtime;

use crate::rest_client::{CallError, RestClient};
use crate::status::TargetState;
use crate::worker::{ConnectorFile, ConnectorRequest};

use status::Seen;

/// Between two tries, and between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub struct ApplyArgs {
    /// Connector files, or folders of them (`*.json`, `*.properties`).
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The Connect REST API; of several workers any.
    #[arg(long, value_name = "URL")]
    connect: String,
    /// Delete connectors that no file declares. Their committed offsets stay.
    #[arg(long)]
    prune: bool,
    /// Seconds for everything together.
    #[arg(long, default_value_t = 180)]
    timeout: u64,
}

/// Why connectors are not as declared.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// A file cannot be read.
    #[error("{0}")]
    File(String),
    /// A request failed for good.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Time is up.
    #[error("not done within {limit:?}: {last}")]
    TimedOut {
        /// The limit.
        limit: Duration,
        /// What it waited for.
        last: String,
    },
    /// Some connectors were refused, or failed.
    #[error("{}", .0.join("\n"))]
    Connectors(Vec<String>),
}

/// Time that is left for everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    /// `seconds` from now.
    pub(crate) fn after(seconds: u64) -> Self {
        Self {
            started: Instant::now(),
            limit: Duration::from_secs(seconds),
        }
    }

    /// Waits a moment, or says that time is up and what for.
    pub(crate) async fn pause(self, last: impl std::fmt::Display) -> Result<(), ApplyError> {
        if self.started.elapsed() + PAUSE > self.limit {
            return Err(ApplyError::TimedOut {
                limit: self.limit,
                last: last.to_string(),
            });
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

/// Carries out the command on `runtime`; each change goes to `report`.
///
/// # Errors
/// As [`ApplyError`] says; connectors that could be changed are changed nevertheless.
pub fn run(
    args: &ApplyArgs,
    runtime: &Runtime,
    report: &mut dyn FnMut(&str),
) -> Result<(), ApplyError> {
    runtime.block_on(carry_out(args, report))
}

async fn carry_out(args: &ApplyArgs, report: &mut dyn FnMut(&str)) -> Result<(), ApplyError> {
    let wanted = read(&args.files)?;
    let apply = Apply {
        client: RestClient::new(&args.connect, "SLUICEWAY_CONNECT")?,
        deadline: Deadline::after(args.timeout),
    };
    apply.wait_for_worker().await?;
    let mut refused = Vec::new();
    for connector in &wanted {
        match apply.change(connector).await {
            Ok(change) => report(&format!("{}: {change}", connector.name)),
            // A refused configuration keeps no other from being applied.
            Err(ApplyError::Call(error)) if error.status() == Some(StatusCode::BAD_REQUEST) => {
                refused.push(format!("{}: {error}", connector.name));
            }
            Err(error) => return Err(error),
        }
    }
    if !refused.is_empty() {
        return Err(ApplyError::Connectors(refused));
    }
    for name in apply.undeclared(&wanted).await? {
        if args.prune {
            apply.send(Method::DELETE, &of(&name, ""), None).await?;
            report(&format!("{name}: deleted"));
        } else {
            report(&format!("{name}: not declared, left alone"));
        }
    }
    apply.settle(&wanted, report).await
}

/// What is to be done, and where.
pub(crate) struct Apply {
    pub(crate) client: RestClient,
    pub(crate) deadline: Deadline,
}

impl Apply {
    /// Waits until a worker is ready.
    pub(crate) async fn wait_for_worker(&self) -> Result<(), ApplyError> {
        self.send(Method::GET, "/health", None).await.map(drop)
    }

    /// A request, repeated while it fails for reasons that pass.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApplyError> {
        loop {
            match self.client.call(method.clone(), path, body).await {
                Err(error) if error.is_transient() => self.deadline.pause(&error).await?,
                answer => return Ok(answer?),
            }
        }
    }

    /// Creates a connector, or gives it its configuration and state; what was done, in a word.
    pub(crate) async fn change(
        &self,
        connector: &ConnectorRequest,
    ) -> Result<&'static str, ApplyError> {
        let existing = self.client.get(&of(&connector.name, "")).await;
        if matches!(&existing, Err(error) if error.status() == Some(StatusCode::NOT_FOUND)) {
            let body = json!({
                "name": connector.name,
                "config": connector.config,
                "initial_state": connector.initial_state.map(word),
            });
            match self
                .client
                .call(Method::POST, "/connectors", Some(&body))
                .await
            {
                Ok(_) => return Ok("created"),
                // Somebody else was faster, or the workers are changing places: as an existing one.
                Err(error) if error.is_transient() => self.deadline.pause(&error).await?,
                Err(error) => return Err(error.into()),
            }
        }
        let config = json!(connector.config);
        self.send(Method::PUT, &of(&connector.name, "/config"), Some(&config))
            .await?;
        if let Some(state) = connector.initial_state {
            let verb = match state {
                TargetState::Started => "/resume",
                TargetState::Paused => "/pause",
                TargetState::Stopped => "/stop",
            };
            self.send(Method::PUT, &of(&connector.name, verb), None)
                .await?;
        }
        Ok("configured")
    }

    async fn undeclared(&self, wanted: &[ConnectorRequest]) -> Result<Vec<String>, ApplyError> {
        let names = self.send(Method::GET, "/connectors", None).await?;
        let names = names.as_array().cloned().unwrap_or_default();
        let names = names.iter().filter_map(Value::as_str);
        Ok(names
            .filter(|name| wanted.iter().all(|connector| connector.name != *name))
            .map(str::to_owned)
            .collect())
    }

    /// Waits until every connector is as declared. What has failed is restarted once.
    async fn settle(
        &self,
        wanted: &[ConnectorRequest],
        report: &mut dyn FnMut(&str),
    ) -> Result<(), ApplyError> {
        let mut failures = Vec::new();
        for connector in wanted {
            match self.settled(connector, report).await? {
                Ok(state) => report(&format!("{}: {state}", connector.name)),
                Err(trace) => failures.push(format!("{}: {trace}", connector.name)),
            }
        }
        match failures.is_empty() {
            true => Ok(()),
            false => Err(ApplyError::Connectors(failures)),
        }
    }

    async fn settled(
        &self,
        connector: &ConnectorRequest,
        report: &mut dyn FnMut(&str),
    ) -> Result<Result<String, String>, ApplyError> {
        let mut restarted = false;
        loop {
            let status = self
                .send(Method::GET, &of(&connector.name, "/status"), None)
                .await?;
            match Seen::of(&status, connector.initial_state) {
                Seen::AsDeclared(state) => return Ok(Ok(state)),
                Seen::Failed(trace) if restarted => return Ok(Err(trace)),
                Seen::Failed(trace) => {
                    report(&format!("{}: restarting: {trace}", connector.name));
                    let path = of(
                        &connector.name,
                        "/restart?includeTasks=true&onlyFailed=true",
                    );
                    self.send(Method::POST, &path, None).await?;
                    restarted = true;
                    self.deadline.pause(trace).await?;
                }
                Seen::OnItsWay(what) => {
                    let what = format!("{}: {what}", connector.name);
                    self.deadline.pause(what).await?;
                }
            }
        }
    }
}

/// The path of a connector's resource.
pub(crate) fn of(name: &str, rest: &str) -> String {
    let mut path = String::from("/connectors/");
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                path.push(char::from(byte));
            }
            other => path.push_str(&format!("%{other:02X}")),
        }
    }
    path + rest
}

fn word(state: TargetState) -> &'static str {
    match state {
        TargetState::Started => "RUNNING",
        TargetState::Paused => "PAUSED",
        TargetState::Stopped => "STOPPED",
    }
}

/// The connectors of files and folders, by name.
fn read(paths: &[PathBuf]) -> Result<Vec<ConnectorRequest>, ApplyError> {
    let mut connectors: Vec<ConnectorRequest> = Vec::new();
    for path in paths {
        for file in files(path).map_err(|error| unreadable(path, &error))? {
            let connector = ConnectorFile::read(&file)
                .content
                .map_err(ApplyError::File)?;
            if connectors.iter().any(|other| other.name == connector.name) {
                return Err(ApplyError::File(format!(
                    "two files declare the connector {}",
                    connector.name
                )));
            }
            connectors.push(connector);
        }
    }
    Ok(connectors)
}

fn unreadable(path: &Path, error: &std::io::Error) -> ApplyError {
    ApplyError::File(format!("cannot read {}: {error}", path.display()))
}

/// The file itself, or the connector files of a folder. (A mounted ConfigMap has hidden links besides.)
fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        let known = file
            .extension()
            .is_some_and(|end| end == "json" || end == "properties");
        if known && file.is_file() {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_in_paths() {
        assert_eq!(of("a b/ü", "/config"), "/connectors/a%20b%2F%C3%BC/config");
        assert_eq!(of("s3-sink.v1", ""), "/connectors/s3-sink.v1");
    }

    #[test]
    fn a_folder_is_its_connector_files() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("b.properties", "name=b\nflush.size=1\n");
        write(
            "a.json",
            r#"{"name": "a", "config": {}, "initial_state": "paused"}"#,
        );
        write("notes.txt", "nothing");
        let read_here = || read(&[dir.path().to_owned()]);
        let found = read_here().unwrap();
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(found[0].initial_state, Some(TargetState::Paused));
        write("c.properties", "name=b\n");
        assert!(
            read_here()
                .unwrap_err()
                .to_string()
                .contains("two files declare")
        );
        write("c.properties", "flush.size=1\n");
        assert!(read_here().unwrap_err().to_string().contains("'name'"));
    }
}
