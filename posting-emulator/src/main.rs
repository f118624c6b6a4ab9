//! The program: posts until it is told to stop, then prints what happened. `load` fills a database instead.
//!
//! Exit code 0: every post was made whole. 1: records were given up, or the run broke off.
//! 2: the command line makes no sense. 130, 143: a second signal ended the run at once.
#![forbid(unsafe_code)]

mod args;
mod progress;

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::Parser;
use posting_emulator::{Emulator, Stats, Target};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let outcome = match cli.command {
        #[cfg(feature = "mysql")]
        Some(args::Command::Load(args)) => load(&args),
        #[cfg(not(feature = "mysql"))]
        Some(other) => match other {},
        None => run(cli.args),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("posting-emulator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The command line makes no sense.
fn senseless(error: &dyn std::fmt::Display) -> anyhow::Result<ExitCode> {
    eprintln!("posting-emulator: {error}");
    Ok(ExitCode::from(2))
}

fn run(args: args::Args) -> anyhow::Result<ExitCode> {
    #[cfg(feature = "mysql")]
    let credentials = match args.database.credentials() {
        Ok(credentials) => credentials,
        Err(error) => return senseless(&error),
    };
    let options = match args.options() {
        Ok(options) => options,
        Err(error) => return senseless(&error),
    };
    // Made even where a database has the rows: it checks the options.
    let emulator = match Emulator::new(options) {
        Ok(emulator) => emulator,
        Err(error) => return senseless(&error),
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let stats = Arc::new(Stats::new());
    let outcome = runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(cancel_on_signal(stop.clone()));
        if !matches!(emulator.options().target, Target::Console) {
            tokio::spawn(progress::show(Arc::clone(&stats)));
        }
        #[cfg(feature = "mysql")]
        let emulator = match credentials {
            None => emulator,
            Some(credentials) => match of_database(&emulator, &credentials, &stop, &stats).await? {
                Some(emulator) => emulator,
                None => return Ok(()),
            },
        };
        emulator.run(stop, Arc::clone(&stats)).await?;
        anyhow::Ok(())
    });
    let counts = stats.counts();
    for note in stats.take_notes() {
        eprint!("\n{note}");
    }
    eprint!("\n{counts}");
    outcome?;
    Ok(if counts.given_up == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The same emulator over the rows of a database. None: it was stopped before the database answered.
#[cfg(feature = "mysql")]
async fn of_database(
    emulator: &Emulator,
    credentials: &posting_emulator::database::Credentials,
    stop: &CancellationToken,
    stats: &Stats,
) -> anyhow::Result<Option<Emulator>> {
    use posting_emulator::{Source, database::Database};
    let options = emulator.options().clone();
    let workers = options.workers.get();
    let database = Database::connect(credentials, workers, stop, stats).await?;
    let Some(database) = database else {
        return Ok(None);
    };
    Ok(Some(Emulator::of(Source::Database(database), options)?))
}

#[cfg(feature = "mysql")]
fn load(args: &args::LoadArgs) -> anyhow::Result<ExitCode> {
    use posting_emulator::database::{LoadOptions, load};
    let credentials = match args.database.credentials() {
        Ok(Some(credentials)) => credentials,
        Ok(None) => {
            return senseless(
                &"load needs --database-url, --database-file or POSTING_EMULATOR_DATABASE_URL",
            );
        }
        Err(error) => return senseless(&error),
    };
    let options = LoadOptions {
        rows: args.rows,
        seed: args.seed,
        batch: args.batch,
        replace: args.replace,
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(load(&credentials, &options, |table, rows| {
        if rows == options.rows {
            eprintln!("{:<18}{rows:>10} rows", table.name());
        }
    }))?;
    Ok(ExitCode::SUCCESS)
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
