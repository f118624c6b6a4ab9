//! `cargo xtask kafka …`: a real Apache Kafka (KRaft, combined controllers and brokers) on loopback.

mod cluster;
mod jars;
mod server_properties;
mod tool;

use anyhow::Result;
use clap::{Args, Subcommand};

pub(crate) use cluster::{Cluster, wait_for_brokers};
pub(crate) use tool::{ToolArgs, run as run_tool, run_captured as run_tool_captured};

use crate::process::Signal;

/// How to run one of Kafka's main classes: Java's arguments before the class.
pub(crate) fn java_arguments(heap: &str) -> Result<Vec<String>> {
    jars::java_arguments(heap)
}

/// Fetches the jars, unless they are there.
pub(crate) fn fetch() -> Result<()> {
    jars::java_arguments("64m").map(drop)
}

/// What to do with a cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a cluster in the background and print `bootstrap.servers=…` when it answers
    Up(UpArgs),
    /// End it and remove its data
    Down(NameArg),
    /// Print what runs; exit code 1 when a named cluster does not
    Status(StatusArgs),
    /// End one broker; its port and data are kept
    StopBroker {
        #[command(flatten)]
        name: NameArg,
        /// Which broker (ids start with 1)
        #[arg(long, default_value_t = 1)]
        broker: u32,
        /// How
        #[arg(long, value_enum, default_value = "term")]
        signal: Signal,
    },
    /// Start a stopped broker again on the same port and data, and wait until it answers
    StartBroker {
        #[command(flatten)]
        name: NameArg,
        /// Which broker (ids start with 1)
        #[arg(long, default_value_t = 1)]
        broker: u32,
    },
}

/// Which cluster.
#[derive(Debug, Args)]
pub(crate) struct NameArg {
    /// Name of the cluster; several can run side by side
    #[arg(long, default_value = "default")]
    pub(crate) name: String,
}

/// Which clusters to report on.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Only this one
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// Options of `kafka up`.
#[derive(Debug, Clone, Args)]
pub(crate) struct UpArgs {
    /// Name of the cluster; several can run side by side
    #[arg(long, default_value = "default")]
    pub(crate) name: String,
    /// How many brokers: 1 or 3
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=5))]
    pub(crate) brokers: u32,
    /// auto.create.topics.enable
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) auto_create: bool,
    /// A broker setting; may be repeated (`--set num.partitions=4`)
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) settings: Vec<(String, String)>,
    /// Largest heap of each broker
    #[arg(long, default_value = "512m")]
    pub(crate) heap: String,
    /// A second listener of the first broker, for tests
    #[arg(skip)]
    pub(crate) line: Option<Line>,
}

/// A listener whose clients are told to connect elsewhere: to a proxy that a test puts before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// Where clients are told to connect.
    pub(crate) advertised: u16,
    /// Where the broker listens.
    pub(crate) end: u16,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// Runs one `kafka` command.
pub(crate) fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(args) => cluster::up(&args),
        Command::Down(name) => crate::background::down("kafka", &name.name),
        Command::Status(args) => crate::background::status("kafka", args.name.as_deref()),
        Command::StopBroker {
            name,
            broker,
            signal,
        } => cluster::stop_broker(&name.name, broker, signal),
        Command::StartBroker { name, broker } => cluster::start_broker(&name.name, broker),
    }
}
