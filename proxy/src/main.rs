//! The program: arguments, settings, run, drain.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use prometheus::Registry;
use sluiceway_common::{logging, props, shutdown};
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
    /// Print all settings as Markdown and end.
    #[arg(long)]
    print_config_docs: bool,
}

fn main() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The causes and no backtrace: it is told to whoever wrote the settings.
            eprintln!("sluiceway-proxy: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.print_config_docs {
        print!("{}", config_keys::definition().to_markdown());
        return Ok(());
    }
    logging::init(
        logging::Format::detect(),
        "info,sluiceway_proxy::access=warn",
    );
    let config = read(arguments)?;
    if arguments.check {
        config.log_warnings();
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
    properties.extend(props::env_overlay(ENV_PREFIX, std::env::vars()));
    Ok(Config::parse(&properties)?)
}

async fn run(config: Config) -> anyhow::Result<()> {
    let stop = shutdown::token_on_signal().context("signals cannot be handled")?;
    let proxy = Proxy::start(config, Registry::new()).await?;
    stop.cancelled().await;
    proxy.drain().await;
    Ok(())
}
