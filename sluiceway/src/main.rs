//! The quick start: broker, S3, REST proxy, S3 sink and posting emulator in one process.
//!
//! Exit code 0: all went well; with `--posts N`, every post was made and every acknowledged record
//! lies in exactly one object. 1: not so, or something did not start. 2: the command line makes no
//! sense. 130, 143: a second signal ended the drain.
#![forbid(unsafe_code)]

mod alarms;
mod args;
mod audit;
mod connector;
mod figures;
mod live;
mod objects;
mod parts;
mod ports;
mod progress;
mod session;
mod settings;
mod storage;
mod summary;
mod topics;
mod verify;
mod welcome;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use sluiceway_common::{causes, logging, shutdown};

/// The live line is the display; programs of their own log more. What the libraries of S3's server and client say of a
/// failure is told by those that use them.
const LOG_LEVELS: &str = "warn,librdkafka=error,rdkafka=error,s3s=off,aws_config=error";

fn main() -> ExitCode {
    let args = args::Args::parse();
    logging::init(logging::Format::detect(), LOG_LEVELS);
    match run(args) {
        Ok(session::Outcome::Good) => ExitCode::SUCCESS,
        Ok(session::Outcome::Bad) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sluiceway: {}", causes::line(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(args: args::Args) -> anyhow::Result<session::Outcome> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let stop = shutdown::token_on_signal().context("cannot listen for signals")?;
        session::run(args, stop).await
    })
}
