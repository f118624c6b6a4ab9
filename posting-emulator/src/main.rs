//! The program: posts until it is told to stop, then prints what happened.
//!
//! Exit code 0: every post was made whole. 1: records were given up, or the run broke off.
//! 2: the command line makes no sense. 130, 143: a second signal ended the run at once.
#![forbid(unsafe_code)]

mod args;

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::Parser;
use posting_emulator::{Emulator, Stats};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match run(args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("posting-emulator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: args::Args) -> anyhow::Result<ExitCode> {
    let emulator = match args.options().and_then(Emulator::new) {
        Ok(emulator) => emulator,
        Err(error) => {
            eprintln!("posting-emulator: {error}");
            return Ok(ExitCode::from(2));
        }
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let stats = Arc::new(Stats::new());
    let outcome = runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(cancel_on_signal(stop.clone()));
        emulator.run(stop, Arc::clone(&stats)).await
    });
    let counts = stats.counts();
    eprint!("\n{counts}");
    outcome?;
    Ok(if counts.given_up == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Cancels `stop` on Ctrl-C or SIGTERM; a second one ends the process at once.
async fn cancel_on_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return;
    };
    let mut next = async || {
        tokio::select! {
            _ = interrupt.recv() => 130,
            _ = terminate.recv() => 143,
        }
    };
    next().await;
    stop.cancel();
    std::process::exit(next().await);
}
