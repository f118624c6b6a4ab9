//! `sluiceway-sink validate`: everything that is wrong with a connector file.
//!
//! In: a connector file, and the worker's file where there is one. Out: a [`Verdict`]: what a worker would refuse, what
//! would fail the connector or its tasks although they were created, and warnings. Neither Kafka nor S3 is asked.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sluiceway_common::config_def::ConfigErrors;
use sluiceway_common::props::{self, Properties};
use thiserror::Error;
use tokio::runtime::Handle;

use crate::config::{ConnectorConfig, definition};
use crate::error::Exception;
use crate::herder::Validator;
use crate::pipeline::Pipeline;
use crate::worker::{ConnectorFile, WorkerConfig};

/// What a worker is taken to say when its file is not given.
const ASSUMED_WORKER: [(&str, &str); 3] = [
    ("bootstrap.servers", "localhost:9092"),
    (
        "key.converter",
        "org.apache.kafka.connect.json.JsonConverter",
    ),
    (
        "value.converter",
        "org.apache.kafka.connect.json.JsonConverter",
    ),
];

/// A file that cannot be used at all.
#[derive(Debug, Error)]
pub enum FileError {
    /// The connector's file.
    #[error("{0}")]
    Connector(String),
    /// The worker's file.
    #[error("{0}")]
    Worker(String),
    /// The worker's configuration.
    #[error("the worker's file: {0}")]
    WorkerConfig(#[from] ConfigErrors),
}

/// A connector file's configuration, checked.
#[derive(Debug)]
pub struct Verdict {
    /// Name of the connector.
    pub name: String,
    /// The configuration, or every error at once.
    pub config: Result<Box<ConnectorConfig>, ConfigErrors>,
    /// What fails the connector or its tasks although a worker creates it.
    pub start_error: Option<Exception>,
    /// What is accepted and should be looked at, a sentence each.
    pub warnings: Vec<String>,
}

impl Verdict {
    /// Whether the connector would run.
    pub fn is_good(&self) -> bool {
        self.config.is_ok() && self.start_error.is_none()
    }
}

/// Checks the connector file at `connector` for a worker with the file at `worker`. `runtime` is for converters that
/// ask a registry; it is not asked.
///
/// # Errors
/// A file that cannot be read, or a worker's file that no worker would start with.
pub fn validate(
    connector: &Path,
    worker: Option<&Path>,
    runtime: &Handle,
) -> Result<Verdict, FileError> {
    let (properties, nulls) =
        ConnectorFile::configuration(connector).map_err(FileError::Connector)?;
    let name = properties.get("name").cloned();
    let name = name.unwrap_or_else(|| connector.display().to_string());
    let validator = Validator::new(Arc::new(worker_config(worker)?));
    let checked = validator.check(&properties, &nulls);
    let mut warnings = match &checked {
        Ok(config) => config.warnings.clone(),
        Err(_) => {
            let unknown = definition().unknown_keys(&properties);
            unknown.iter().map(ToString::to_string).collect()
        }
    };
    if worker.is_none() {
        warnings.extend(assumed(&properties));
    }
    let start_error = match &checked {
        Ok(config) => finds_at_start(config, runtime).err(),
        Err(_) => None,
    };
    Ok(Verdict {
        name,
        config: checked.map(Box::new),
        start_error,
        warnings,
    })
}

/// What the worker would say that nobody named.
fn assumed(properties: &Properties) -> impl Iterator<Item = String> {
    let missing = ["key.converter", "value.converter"].into_iter();
    let missing = missing.filter(|key| !properties.contains_key(*key));
    missing.map(|key| {
        format!(
            "{key} is not set, so that the worker's counts; taken to be JsonConverter with schemas (name the worker's \
             file with --worker)"
        )
    })
}

fn worker_config(path: Option<&Path>) -> Result<WorkerConfig, FileError> {
    let properties: Properties = match path {
        Some(path) => {
            props::read_file(path).map_err(|error| FileError::Worker(error.to_string()))?
        }
        None => ASSUMED_WORKER
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
    };
    Ok(WorkerConfig::parse(&properties)?)
}

/// What the connector and its tasks find before they read a record.
fn finds_at_start(config: &ConnectorConfig, runtime: &Handle) -> Result<(), Exception> {
    config.start_check()?;
    config.s3.objects.check(config.s3.endpoint.as_deref())?;
    let _entered = runtime.enter();
    Pipeline::new(config).map(drop)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        let name = &self.name;
        match (&self.config, &self.start_error) {
            (Err(errors), _) => {
                for error in &errors.0 {
                    writeln!(f, "error: {}: {}", error.key, error.message)?;
                }
                write!(f, "{name}: {} errors", errors.0.len())
            }
            (Ok(_), Some(exception)) => {
                writeln!(f, "error: {}", exception.stacktrace())?;
                write!(f, "{name}: it would be created and then fail")
            }
            (Ok(_), None) => write!(f, "{name}: valid"),
        }
    }
}

#[cfg(test)]
mod tests;
