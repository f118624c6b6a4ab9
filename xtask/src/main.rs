//! `cargo xtask`: the real parts (Kafka, S3, a database, a schema registry, Python clients) up and down, and the checks against them.
#![forbid(unsafe_code)]

mod airflow;
mod background;
mod bench;
mod cache;
mod chart;
mod child;
mod chromium;
mod fuzz;
mod http;
mod kafka;
mod mysql;
mod node;
mod part;
mod pipeline;
mod ports;
mod process;
mod programs;
mod prometheus;
mod python;
mod registry;
mod s3;
mod scratch;
mod signals;
mod single;
mod soak;
mod spark;
mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Real parts for tests and benches: fetched into a cache outside the repository, run on free ports of
/// 127.0.0.1 with data in temporary folders, ended by process id.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A real Kafka
    #[command(subcommand)]
    Kafka(kafka::Command),
    /// A real S3 server
    #[command(subcommand)]
    S3(single::Command),
    /// A real database for the posting emulator; installed by apt if need be
    #[command(subcommand)]
    Mysql(single::Command),
    /// A real schema registry
    #[command(subcommand)]
    Registry(single::Command),
    /// Kafka's own console tools
    KafkaTool(kafka::ToolArgs),
    /// Make the environment of the Python clients and print its interpreter
    Python,
    /// Python's confluent-kafka and Kafka's console tools on a broker that runs already
    CheckBroker {
        /// Its address; it must create topics when they are written to
        #[arg(value_name = "HOST:PORT")]
        bootstrap: String,
    },
    /// Figures: speed, memory, start, build; ratios to a bare librdkafka loop of the same run
    Bench(bench::BenchArgs),
    /// Faults at length on real parts: kills, zombies, broker failures, a store that misbehaves, hostile clients, mixed load
    Soak(soak::SoakArgs),
    /// The parsers by libFuzzer, guided by coverage
    Fuzz(fuzz::FuzzArgs),
    /// The course's pipelines from end to end, and the counts at every station
    Pipeline(pipeline::PipelineArgs),
    /// The checks against real parts; starts and ends them itself
    Verify(verify::VerifyArgs),
}

fn main() -> ExitCode {
    let outcome = run(Cli::parse());
    signals::wait_if_closing();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    signals::install()?;
    part::sweep()?;
    scratch::sweep()?;
    match cli.command {
        Command::Kafka(command) => kafka::run(command),
        Command::S3(command) => s3::KIND.run(command),
        Command::Mysql(command) => mysql::KIND.run(command),
        Command::Registry(command) => registry::KIND.run(command),
        Command::Pipeline(args) => pipeline::run(&args),
        Command::KafkaTool(args) => kafka::run_tool(&args),
        Command::CheckBroker { bootstrap } => verify::check_broker(&bootstrap),
        Command::Bench(args) => bench::run(&args),
        Command::Soak(args) => soak::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Python => {
            println!("{}", python::interpreter()?.display());
            Ok(())
        }
    }
}
