//! `cargo xtask soak`: the faults of protocol-tests at length, one after the other, and a table of what came of them.

mod table;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use table::Table;

use crate::child::Foreground;
use crate::programs;
use crate::verify::parts::RealParts;

/// How long, and which faults.
#[derive(Debug, Args)]
pub(crate) struct SoakArgs {
    /// Minutes for all of them together; each gets its share, and a few rounds at least
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Only the faults whose names contain this; may be repeated
    #[arg(long = "fault")]
    faults: Vec<String>,
    /// Only the mixed load on the proxy: produce, consume, admin, errors
    #[arg(long)]
    mixed: bool,
    /// Print the names of the faults
    #[arg(long)]
    list: bool,
}

/// A case, and the test binary it is in.
struct Case {
    name: &'static str,
    binary: &'static str,
    /// Whether it goes on for the time it is given, or for a number of kills.
    timed: bool,
}

const fn timed(name: &'static str) -> Case {
    Case {
        name,
        binary: "real_soak",
        timed: true,
    }
}

const fn kills(name: &'static str) -> Case {
    Case {
        name,
        binary: "real_kill",
        timed: false,
    }
}

/// The worker that is cut off from Kafka: among the workers' own cases.
const CUT_OFF: Case = Case {
    name: "a_worker_without_kafka_stops_before_others_start",
    binary: "real_sink",
    timed: true,
};

/// Kills of a case (of one with large objects half of them, of the other rotations a few each): 200 of all together.
const KILLS: u32 = 40;

const CASES: [Case; 23] = [
    kills("kills_with_scheduled_rotation"),
    kills("kills_with_flush_size_only"),
    kills("kills_with_flush_size_one"),
    kills("kills_with_uploads_in_parts"),
    kills("kills_of_one_of_two_workers"),
    kills("kills_with_other_rotations"),
    kills("kills_with_folders_by_the_wall_clock"),
    timed("kills_under_s3_faults"),
    timed("kills_of_distributed_workers"),
    timed("zombies_under_s3_faults"),
    timed("rebalances_in_uploads"),
    CUT_OFF,
    timed("brokers_are_killed"),
    timed("s3_refusals"),
    timed("s3_broken_connections"),
    timed("s3_lost_answers"),
    timed("s3_says_no"),
    timed("one_slow_partition"),
    timed("one_hot_partition"),
    timed("a_budget_keeps_the_worker_alive"),
    timed("ten_thousand_open_files"),
    timed("hostile_connections"),
    timed("mixed_load"),
];

const CLOCK: Case = Case {
    name: "clock_jumps",
    binary: "soak_clock",
    timed: true,
};

/// Where Debian and others put libfaketime.
const FAKETIME: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// Runs the cases and prints the table.
pub(crate) fn run(args: &SoakArgs) -> Result<()> {
    let cases: Vec<&Case> = CASES
        .iter()
        .chain([&CLOCK])
        .filter(|case| args.wants(case.name))
        .collect();
    if args.list {
        cases.iter().for_each(|case| println!("{}", case.name));
        return Ok(());
    }
    ensure!(!cases.is_empty(), "no fault of that name; see --list");
    programs::build()?;
    let parts = RealParts::start()?;
    let timed = cases.iter().filter(|case| case.timed).count().max(1) as u64;
    let seconds = args.minutes * 60 / timed;
    let (mut table, mut failed) = (Table::default(), Vec::new());
    for case in cases {
        let started = Instant::now();
        eprintln!("== {}", case.name);
        if let Err(error) = run_case(case, &parts, seconds, &mut table) {
            eprintln!("error: {}: {error:#}", case.name);
            failed.push(case.name);
        }
        eprintln!("== {}: {:.0} s", case.name, started.elapsed().as_secs_f64());
    }
    print!("{table}");
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

impl SoakArgs {
    fn wants(&self, name: &str) -> bool {
        if self.mixed {
            return name == "mixed_load";
        }
        self.faults.is_empty()
            || self
                .faults
                .iter()
                .any(|fault| name.contains(fault.as_str()))
    }
}

/// Runs one case; its rows, also that of a failure, go into the table.
fn run_case(case: &Case, parts: &RealParts, seconds: u64, table: &mut Table) -> Result<()> {
    let mut wrong = None;
    let result = command(case, parts, seconds).and_then(|command| {
        watch(command, |line| {
            if let Some((_, row)) = line.split_once("soak| ")
                && table.add(row)
            {
                eprintln!("{}", table.last());
            } else if let Some((_, counted)) = line.split_once("soak-wrong| ") {
                wrong = Some(counted.to_owned());
            } else {
                eprintln!("{line}");
            }
        })
    });
    if let Err(error) = &result {
        table.add_failed(case.name, wrong.as_deref(), &format!("{error:#}"));
    }
    result
}

fn command(case: &Case, parts: &RealParts, seconds: u64) -> Result<Command> {
    let mut command: Command = programs::cargo();
    command
        .args(["test", "--workspace", "--quiet", "--test", case.binary])
        .args(["--", "--ignored", "--exact", "--nocapture", case.name])
        .envs(parts.environment()?)
        .stdout(Stdio::piped());
    if case.timed {
        command.env("SLUICEWAY_SOAK_SECONDS", seconds.to_string());
    } else {
        command.env("SLUICEWAY_TEST_KILLS", KILLS.to_string());
    }
    if case.name == CLOCK.name {
        let library = FAKETIME.iter().find(|path| Path::new(path).exists());
        let library = library.context("needs libfaketime (Debian: apt-get install libfaketime)")?;
        command.env("SLUICEWAY_TEST_FAKETIME", library);
    }
    Ok(command)
}

/// Runs a test to its end; each line that it prints goes to `take`.
fn watch(mut command: Command, mut take: impl FnMut(&str)) -> Result<()> {
    let mut runner = Foreground::start(&mut command)?;
    let stdout = runner.take_stdout().context("no pipe from the test")?;
    for line in BufReader::new(stdout).lines() {
        take(&line?);
    }
    let status = runner.wait()?;
    if !status.success() {
        bail!("the test ended with {status}");
    }
    Ok(())
}
