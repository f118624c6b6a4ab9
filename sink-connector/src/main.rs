//! `sluiceway-sink worker.properties [connector.properties|connector.json …]`: a standalone Kafka Connect worker that
//! runs S3 sink connectors, called as `connect-standalone` is.
//!
//! Exit status: 1 when the worker cannot start; after SIGTERM 143 and after SIGINT 130, as the original's, once
//! everything has stopped. A second signal ends it at once.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use prometheus::Registry;
use sluiceway_common::props::{self, Properties};
use sluiceway_common::{logging, shutdown};
use sluiceway_sink::worker::{ConnectorFile, Worker, WorkerConfig};

/// Runs S3 sink connectors as a standalone Kafka Connect worker.
#[derive(Debug, Parser)]
#[command(name = "sluiceway-sink", version, after_help = AFTER_HELP)]
struct Args {
    /// Worker properties, as for connect-standalone.
    worker: PathBuf,
    /// Connectors to start: properties files, or JSON files with a flat map or {"name": …, "config": {…}}.
    connectors: Vec<PathBuf>,
}

const AFTER_HELP: &str = "Environment: CONNECT_… variables override worker properties as in the Docker images \
    (CONNECT_BOOTSTRAP_SERVERS is bootstrap.servers); RUST_LOG sets log levels; SLUICEWAY_LOG_FORMAT is text or json.\n\n\
    A connector file that cannot be used is logged and its connector shown FAILED; the worker and the others run.";

/// Log levels when RUST_LOG is not set.
const LOG_LEVELS: &str = "info";
/// How long calls that block may go on after everything has stopped.
const LAST_CALLS: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let args = Args::parse();
    logging::init(logging::Format::detect(), LOG_LEVELS);
    match run(&args) {
        Ok(signal) => ExitCode::from(u8::try_from(signal.exit_code()).unwrap_or(1)),
        Err(error) => {
            eprintln!("sluiceway-sink: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<shutdown::Signal> {
    let properties = worker_properties(args)?;
    let config = WorkerConfig::parse(&properties)
        .with_context(|| format!("the worker cannot start with {}", args.worker.display()))?;
    for unknown in WorkerConfig::unknown_keys(&properties) {
        tracing::warn!(file = %args.worker.display(), "{unknown}");
    }
    let connectors = args
        .connectors
        .iter()
        .map(|path| ConnectorFile::read(path))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(work(config, connectors));
    runtime.shutdown_timeout(LAST_CALLS);
    ended
}

/// The worker file with the environment laid over it.
fn worker_properties(args: &Args) -> anyhow::Result<Properties> {
    let mut properties = props::read_file(&args.worker)?;
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    properties.extend(props::env_overlay("CONNECT_", variables));
    Ok(properties)
}

async fn work(
    config: WorkerConfig,
    connectors: Vec<ConnectorFile>,
) -> anyhow::Result<shutdown::Signal> {
    let mut signal = std::pin::pin!(shutdown::wait_for_signal());
    let worker = tokio::select! {
        biased;
        signal = &mut signal => return Ok(signal?),
        started = Worker::start(config, connectors, Registry::new()) => started?,
    };
    let signal = signal.await?;
    tracing::info!(?signal, "stopping (once more ends at once)");
    tokio::select! {
        () = worker.stop() => {}
        _ = shutdown::wait_for_signal() => tracing::warn!("ending at once"),
    }
    Ok(signal)
}
