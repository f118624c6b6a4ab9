//! `sluiceway-sink worker.properties [connector.properties|connector.json …]`: a Kafka Connect worker that runs S3 sink
//! connectors, called as `connect-standalone` is. `sluiceway-sink --distributed worker.properties`: one that shares its
//! connectors with others, called as `connect-distributed` is. Both names are taken too, as the program's own (a link) or
//! as its first argument (a container's command). `sluiceway-sink validate` and `sluiceway-sink explain` look at a
//! connector file without Kafka and S3.
//!
//! Exit status: 1 when the worker cannot start, or a file is not good; after SIGTERM 143 and after SIGINT 130, as the
//! original's, once everything has stopped. A second signal ends it at once.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use sluiceway_common::auth::login_file;
use sluiceway_common::auth::settings::LOGIN_FILE;
use sluiceway_common::props::{self, Properties};
use sluiceway_common::{causes, logging, process_metrics, shutdown};
use sluiceway_sink::apply::{self, ApplyArgs};
use sluiceway_sink::explain::{self, Sample};
use sluiceway_sink::trial::{self, TrialArgs};
use sluiceway_sink::validate::{self, Verdict};
use sluiceway_sink::worker::{ConnectorFile, Worker, WorkerConfig};

/// Runs S3 sink connectors as a Kafka Connect worker.
#[derive(Debug, Parser)]
#[command(name = "sluiceway-sink", version, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Share connectors with other workers, as connect-distributed does; needs group.id and the storage topics.
    #[arg(long)]
    distributed: bool,
    /// Worker properties, as for connect-standalone or connect-distributed.
    #[arg(required = true)]
    worker: Option<PathBuf>,
    /// Connectors to start (not with --distributed): properties files, or JSON files with a flat map or {"name": …, "config": {…}}.
    connectors: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tells everything that is wrong with a connector file; asks neither Kafka nor S3.
    #[command(after_help = VALIDATE_HELP)]
    Validate {
        /// The connector: a properties file, or a JSON file.
        connector: PathBuf,
        /// The worker's properties: its converters, config providers and override policy.
        #[arg(long)]
        worker: Option<PathBuf>,
    },
    /// Prints the objects that a connector would write for some records; writes nothing.
    #[command(after_help = EXPLAIN_HELP)]
    Explain {
        /// The connector: a properties file, or a JSON file.
        connector: PathBuf,
        /// The records: a JSON array, or JSON objects one after the other.
        #[arg(long)]
        sample: PathBuf,
        /// The worker's properties: its converters and config providers.
        #[arg(long)]
        worker: Option<PathBuf>,
        /// One JSON object instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Makes the connectors of running workers what files declare, and waits until they are.
    #[command(after_help = APPLY_HELP)]
    Apply(ApplyArgs),
    /// Posts a record through a REST proxy and finds it in S3.
    #[command(after_help = TRIAL_HELP)]
    Trial(TrialArgs),
}

const AFTER_HELP: &str = "Environment: CONNECT_… variables override worker properties as in the Docker images \
    (CONNECT_BOOTSTRAP_SERVERS is bootstrap.servers); RUST_LOG sets log levels; SLUICEWAY_LOG_FORMAT is text or json.\n\n\
    A connector file that cannot be used is logged and its connector shown FAILED; the worker and the others run.";

const VALIDATE_HELP: &str = "Exit status: 0 when the connector would run, 1 when it would be refused or fail at its start. \
    Errors are those of PUT /connector-plugins/S3SinkConnector/config/validate, a line each, all at once.";

const EXPLAIN_HELP: &str = "A record: {\"topic\": \"orders\", \"partition\": 0, \"offset\": 7, \"timestamp\": 1700000000000, \
    \"key\": \"k\", \"value\": {\"id\": 7}, \"headers\": [{\"key\": \"h\", \"value\": \"x\"}]}. Everything may be left out: \
    the topic when the connector reads one, partition 0, the next offset, the time of the call, null. A JSON string \
    stands for its characters, other JSON for its text; value_base64 and key_base64 hold bytes. The clock shows the \
    latest timestamp so far. Converters, transforms, partitioner and rotation are the real ones; only a Schema Registry \
    is asked, where a converter needs one.\n\n\
    Exit status: 1 when the connector would be refused or fail.";

const APPLY_HELP: &str = "New connectors are created in their initial_state; existing ones get their configuration, and their \
    state where the file has an initial_state. What has failed is restarted once. User and password of the REST API: \
    SLUICEWAY_CONNECT_USER and SLUICEWAY_CONNECT_PASSWORD, SLUICEWAY_CONNECT_TOKEN, or SLUICEWAY_CONNECT_API_KEY; for https PEM files: \
    SLUICEWAY_CONNECT_CA_FILE names what is trusted, SLUICEWAY_CONNECT_CERT_FILE and SLUICEWAY_CONNECT_KEY_FILE (without it, the key is in the \
    same file) the certificate that is shown.\n\n\
    Exit status: 0 when every connector is as declared, 1 otherwise; a refused configuration is told with all of its errors.";

const TRIAL_HELP: &str = "The connector is made for the trial and deleted after it. What the proxy asks for: \
    SLUICEWAY_PROXY_USER and the other variables of `apply` with SLUICEWAY_PROXY_ instead of SLUICEWAY_CONNECT_; what the Connect REST API asks for: \
    SLUICEWAY_CONNECT_USER and so on, as for `apply`. S3's \
    credentials are found as a connector finds them.";

/// Log levels when RUST_LOG is not set: of a worker, and of a look at a file, which tells everything by itself.
const LOG_LEVELS: &str = "info";
const QUIET_LEVELS: &str = "off";
/// How long calls that block may go on after everything has stopped.
const LAST_CALLS: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let args = Args::parse_from(arguments(std::env::args_os().collect()));
    let levels = args.command.as_ref().map_or(LOG_LEVELS, |_| QUIET_LEVELS);
    logging::init(logging::Format::detect(), levels);
    let code = match (&args.command, &args.worker) {
        (Some(Command::Validate { connector, worker }), _) => check(connector, worker.as_deref()),
        (
            Some(Command::Explain {
                connector,
                sample,
                worker,
                json,
            }),
            _,
        ) => show(connector, sample, worker.as_deref(), *json),
        (Some(Command::Apply(args)), _) => make_so(args),
        (Some(Command::Trial(args)), _) => try_out(args),
        (None, Some(worker)) => run(worker, args.distributed, &args.connectors)
            .map(|signal| ExitCode::from(u8::try_from(signal.exit_code()).unwrap_or(1))),
        (None, None) => Err(anyhow::anyhow!("no worker properties; see --help")),
    };
    code.unwrap_or_else(|error| {
        eprintln!("sluiceway-sink: {}", causes::line(error.as_ref()));
        ExitCode::FAILURE
    })
}

/// The command line with the names of Connect's scripts turned into this program's option.
fn arguments(mut given: Vec<OsString>) -> Vec<OsString> {
    let script = |argument: Option<&OsString>| {
        let name = Path::new(argument?).file_name()?.to_str()?.to_owned();
        match name.strip_suffix(".sh").unwrap_or(&name) {
            "connect-distributed" => Some(true),
            "connect-standalone" => Some(false),
            _ => None,
        }
    };
    let mut distributed = script(given.first());
    if let Some(mode) = script(given.get(1)) {
        distributed = Some(mode);
        given.remove(1);
    }
    if distributed == Some(true) {
        given.insert(1, "--distributed".into());
    }
    given
}

fn check(connector: &Path, worker: Option<&Path>) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    let verdict = validate::validate(connector, worker, runtime.handle())?;
    println!("{verdict}");
    Ok(status(verdict.is_good()))
}

fn show(
    connector: &Path,
    sample: &Path,
    worker: Option<&Path>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let runtime = runtime()?;
    let verdict = validate::validate(connector, worker, runtime.handle())?;
    if !verdict.is_good() {
        println!("{verdict}");
        return Ok(ExitCode::FAILURE);
    }
    let Verdict {
        config: Ok(config), ..
    } = verdict
    else {
        return Ok(ExitCode::FAILURE);
    };
    let text = std::fs::read_to_string(sample)
        .with_context(|| format!("cannot read the sample {}", sample.display()))?;
    let records = Sample::parse(&text).and_then(|sample| sample.records(&config.topics));
    let records = records.with_context(|| sample.display().to_string())?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let explanation = explain::explain(*config, &records, now_ms, runtime.handle())
        .map_err(|exception| anyhow::anyhow!("{}", exception.stacktrace()))?;
    if json {
        println!("{}", serde_json::to_string_pretty(&explanation)?);
    } else {
        println!("{explanation}");
    }
    Ok(status(explanation.failure.is_none()))
}

fn tell(line: &str) {
    println!("{line}");
}

fn make_so(args: &ApplyArgs) -> anyhow::Result<ExitCode> {
    apply::run(args, &runtime()?, &mut tell)?;
    Ok(ExitCode::SUCCESS)
}

fn try_out(args: &TrialArgs) -> anyhow::Result<ExitCode> {
    trial::run(args, &runtime()?, &mut tell)?;
    Ok(ExitCode::SUCCESS)
}

fn status(good: bool) -> ExitCode {
    match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

fn run(
    worker: &Path,
    distributed: bool,
    connectors: &[PathBuf],
) -> anyhow::Result<shutdown::Signal> {
    let properties = worker_properties(worker)?;
    let config = if distributed {
        WorkerConfig::parse_distributed(&properties)
    } else {
        WorkerConfig::parse(&properties)
    };
    // Before the errors: what is missing may be there under a name that is not quite right.
    for unknown in WorkerConfig::unknown_keys(&properties) {
        tracing::warn!(file = %worker.display(), "{unknown}");
    }
    let config =
        config.with_context(|| format!("the worker cannot start with {}", worker.display()))?;
    let connectors = connectors
        .iter()
        .map(|path| ConnectorFile::read(path))
        .collect();
    let runtime = runtime()?;
    let ended = runtime.block_on(work(config, connectors));
    runtime.shutdown_timeout(LAST_CALLS);
    ended
}

/// The worker file with the environment laid over it.
fn worker_properties(path: &Path) -> anyhow::Result<Properties> {
    let mut properties = props::read_file(path)?;
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    properties.extend(props::env_overlay("CONNECT_", variables));
    // A Java option that start scripts of the original pass on.
    let options = std::env::var("KAFKA_OPTS").unwrap_or_default();
    if let Some(file) = login_file::named_by_options(&options) {
        properties.entry(LOGIN_FILE.to_owned()).or_insert(file);
    }
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
        started = Worker::start(config, connectors, process_metrics::registry()) => started?,
    };
    let signal = signal.await?;
    tracing::info!(?signal, "stopping (once more ends at once)");
    tokio::select! {
        () = worker.stop() => {}
        _ = shutdown::wait_for_signal() => tracing::warn!("ending at once"),
    }
    Ok(signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(given: &[&str]) -> Option<(bool, PathBuf)> {
        let given = given.iter().map(OsString::from).collect();
        let args = Args::try_parse_from(arguments(given)).ok()?;
        Some((args.distributed, args.worker?))
    }

    #[test]
    fn called_as_connects_scripts_are() {
        let worker = |distributed| Some((distributed, PathBuf::from("w.properties")));
        assert_eq!(parsed(&["sluiceway-sink", "w.properties"]), worker(false));
        for given in [
            &["sluiceway-sink", "--distributed", "w.properties"][..],
            &["sluiceway-sink", "connect-distributed", "w.properties"],
            &["/usr/bin/connect-distributed.sh", "w.properties"],
            &["connect-distributed", "w.properties"],
        ] {
            assert_eq!(parsed(given), worker(true), "{given:?}");
        }
        assert_eq!(
            parsed(&["sluiceway-sink", "connect-standalone", "w.properties"]),
            worker(false)
        );
        assert_eq!(parsed(&["connect-distributed"]), None);
    }
}
