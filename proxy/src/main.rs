//! The program: arguments, settings, run, drain.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use sluiceway_common::auth::login_file;
use sluiceway_common::auth::settings::LOGIN_FILE;
use sluiceway_common::{causes, logging, process_metrics, props, shutdown};
use sluiceway_proxy::config::ENV_PREFIX;
use sluiceway_proxy::{Config, Proxy, config_keys};

/// A drop-in for Confluent's Kafka REST Proxy.
///
/// Settings come from the file and from the environment (KAFKA_REST_BOOTSTRAP_SERVERS is bootstrap.servers), which
/// wins. RUST_LOG chooses log levels; sluiceway_proxy::access=info adds a line per request.
#[derive(Debug, Parser)]
#[command(name = "sluiceway-proxy", version)]
struct Arguments {
    /// The properties file; optional when the environment says everything.
    properties: Option<PathBuf>,
    /// Check the settings and end.
    #[arg(long)]
    check: bool,
    /// Read a password from standard input, print its entry for a password file and end.
    #[arg(long)]
    hash_password: bool,
    /// Print all settings as Markdown and end.
    #[arg(long)]
    print_config_docs: bool,
}

fn main() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The causes and no backtrace: it is told to whoever wrote the settings.
            eprintln!("sluiceway-proxy: {}", causes::line(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.print_config_docs {
        print!("{}", config_keys::definition().to_markdown());
        return Ok(());
    }
    if arguments.hash_password {
        return hash_password();
    }
    logging::init(
        logging::Format::detect(),
        "info,sluiceway_proxy::access=warn",
    );
    let config = read(arguments)?;
    if arguments.check {
        config.log_warnings();
        println!("{}: valid", origin(arguments));
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(run(config));
    // A look-up that blocks must not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(200));
    result
}

fn read(arguments: &Arguments) -> anyhow::Result<Config> {
    let mut properties = match &arguments.properties {
        Some(file) => props::read_file(file)?,
        None => props::Properties::new(),
    };
    // Others' variables may hold anything.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    properties.extend(props::env_overlay(ENV_PREFIX, variables));
    // Java options that start scripts of the original pass on; only one of them means something here.
    let options =
        ["KAFKAREST_OPTS", "KAFKA_OPTS"].map(|name| std::env::var(name).unwrap_or_default());
    if let Some(file) = options
        .iter()
        .find_map(|text| login_file::named_by_options(text))
    {
        properties.entry(LOGIN_FILE.to_owned()).or_insert(file);
    }
    Config::parse(&properties)
        .inspect_err(|_| {
            // What is missing may be there under a name that is not quite right.
            for unknown in config_keys::definition().unknown_keys(&properties) {
                tracing::warn!("{unknown}");
            }
        })
        .with_context(|| origin(arguments))
}

/// Where the settings are from, for messages.
fn origin(arguments: &Arguments) -> String {
    let file = arguments.properties.as_ref();
    file.map_or_else(
        || format!("{ENV_PREFIX}… in the environment"),
        |file| file.display().to_string(),
    )
}

#[cfg(feature = "tls")]
fn hash_password() -> anyhow::Result<()> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!password.is_empty(), "no password on standard input");
    let entry = sluiceway_common::auth::credential::hash_password(password);
    println!("{}", entry.context("the system gives no random bytes")?);
    Ok(())
}

#[cfg(not(feature = "tls"))]
fn hash_password() -> anyhow::Result<()> {
    anyhow::bail!("this build cannot make PBKDF2 entries (feature `tls`)")
}

async fn run(config: Config) -> anyhow::Result<()> {
    let stop = shutdown::token_on_signal().context("signals cannot be handled")?;
    let proxy = Proxy::start(config, process_metrics::registry()).await?;
    stop.cancelled().await;
    proxy.drain().await;
    Ok(())
}
