//! `cargo xtask fuzz`: the targets of `fuzz/` by libFuzzer, guided by coverage, on the toolchain at hand.
//!
//! The instrumentation is LLVM's and needs no nightly compiler: cargo-fuzz would pass the same flags. What a target has
//! learnt stays in the target folder for the next run; a finding goes to `fuzz/artifacts/<target>/`, and is an error.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::child::Foreground;
use crate::programs::cargo;

/// Which targets, and how long.
#[derive(Debug, Args)]
pub(crate) struct FuzzArgs {
    /// Minutes for each target
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Memory that a target may take, MiB
    #[arg(long, default_value_t = 1024)]
    memory: u32,
    /// Where random choices begin; 0: anywhere
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// Targets; none: all of them
    targets: Vec<String>,
}

/// The folder of the targets.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz");

/// What makes LLVM count the edges and comparisons that an input meets.
const FLAGS: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Ccodegen-units=1",
    "--cfg=fuzzing",
];

/// Longest time for one input, seconds; longest input, bytes.
const INPUT_SECONDS: u32 = 10;
const INPUT_BYTES: u32 = 16 * 1024;

/// Builds the targets and runs them one after the other.
pub(crate) fn run(args: &FuzzArgs) -> Result<()> {
    let known = known_targets()?;
    if let Some(unknown) = args.targets.iter().find(|name| !known.contains(name)) {
        bail!("no target {unknown}; there are {}", known.join(", "));
    }
    let chosen = if args.targets.is_empty() {
        &known
    } else {
        &args.targets
    };
    let programs = build()?;
    println!(
        "| target | inputs | a second | edges and comparisons met | inputs kept | slowest | memory at most | |\n|---|---|---|---|---|---|---|---|"
    );
    let mut found = Vec::new();
    for target in chosen {
        let outcome = fuzz(args, &programs, target)?;
        println!("| {target} | {} |", outcome.row());
        if !outcome.ended_well {
            found.push(target.as_str());
        }
    }
    ensure!(
        found.is_empty(),
        "findings in {}: see fuzz/artifacts",
        found.join(", ")
    );
    Ok(())
}

fn known_targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(Path::new(FOLDER).join("fuzz_targets"))? {
        let path = entry?.path();
        if let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) {
            names.push(stem.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Where the targets' programs, and what they learn, are kept.
struct Programs {
    binaries: PathBuf,
    learnt: PathBuf,
}

fn build() -> Result<Programs> {
    let base = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    let (target, host) = (base.join("fuzz"), host()?);
    let mut command = cargo();
    command
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(Path::new(FOLDER).join("Cargo.toml"))
        // Named, so that the flags are not those of build scripts, too.
        .args(["--target", &host])
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_INCREMENTAL", "0")
        .env("RUSTFLAGS", FLAGS.join(" "));
    let status = Foreground::start(&mut command)?.wait()?;
    ensure!(status.success(), "cargo build ended with {status}");
    Ok(Programs {
        binaries: target.join(&host).join("release"),
        learnt: target.join("learnt"),
    })
}

/// The compiler's own triple.
fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

/// What libFuzzer says at its end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    inputs: String,
    a_second: String,
    features: String,
    kept: String,
    slowest: String,
    memory: String,
    ended_well: bool,
}

impl Outcome {
    fn take(&mut self, line: &str) {
        // `#1024 NEW cov: 310 ft: 1290 corp: 45/1210b …`
        if let Some((_, rest)) = line.split_once(" ft: ") {
            let mut words = rest.split_ascii_whitespace();
            self.features = words.next().unwrap_or_default().to_owned();
            let kept = words.nth(1).and_then(|word| word.split('/').next());
            self.kept = kept.unwrap_or_default().to_owned();
        }
        let Some((name, value)) = line
            .strip_prefix("stat::")
            .and_then(|stat| stat.split_once(':'))
        else {
            return;
        };
        let value = value.trim().to_owned();
        match name {
            "number_of_executed_units" => self.inputs = value,
            "average_exec_per_sec" => self.a_second = value,
            "slowest_unit_time_sec" => self.slowest = format!("{value} s"),
            "peak_rss_mb" => self.memory = format!("{value} MiB"),
            _ => {}
        }
    }

    fn row(&self) -> String {
        let word = if self.ended_well { "" } else { "FINDING" };
        [
            &*self.inputs,
            &self.a_second,
            &self.features,
            &self.kept,
            &self.slowest,
            &self.memory,
            word,
        ]
        .join(" | ")
    }
}

fn fuzz(args: &FuzzArgs, programs: &Programs, target: &str) -> Result<Outcome> {
    let folder = |path: PathBuf| -> Result<PathBuf> {
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    };
    let learnt = folder(programs.learnt.join(target))?;
    let artifacts = folder(Path::new(FOLDER).join("artifacts").join(target))?;
    let mut command = Command::new(programs.binaries.join(target));
    command
        .arg(&learnt)
        .arg(Path::new(FOLDER).join("seeds").join(target))
        .arg(format!("-max_total_time={:.0}", args.minutes * 60.0))
        .arg(format!("-rss_limit_mb={}", args.memory))
        .arg(format!("-timeout={INPUT_SECONDS}"))
        .arg(format!("-max_len={INPUT_BYTES}"))
        .arg(format!("-seed={}", args.seed))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg("-print_final_stats=1")
        .stderr(Stdio::piped());
    let mut program = Foreground::start(&mut command)?;
    let output = program.take_stderr().context("no pipe from the target")?;
    let mut outcome = Outcome::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        outcome.take(&line);
        // Progress is for the log only; what a finding says is for everybody.
        if !line.starts_with('#') && !line.starts_with("stat::") && !line.starts_with("INFO:") {
            eprintln!("{target}: {line}");
        }
    }
    outcome.ended_well = program.wait()?.success();
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let mut outcome = Outcome::default();
        for line in [
            "#2\tINITED cov: 71 ft: 72 corp: 1/1b exec/s: 0 rss: 33Mb",
            "#1024\tpulse  cov: 310 ft: 1290 corp: 45/1210b lim: 14 exec/s: 512 rss: 40Mb",
            "Done 4096 runs in 2 second(s)",
            "stat::number_of_executed_units: 4096",
            "stat::average_exec_per_sec:     2048",
            "stat::new_units_added:          45",
            "stat::slowest_unit_time_sec:    0",
            "stat::peak_rss_mb:              41",
        ] {
            outcome.take(line);
        }
        outcome.ended_well = true;
        assert_eq!(outcome.row(), "4096 | 2048 | 1290 | 45 | 0 s | 41 MiB | ");
    }

    #[test]
    fn every_target_has_seeds() {
        let targets = known_targets().unwrap_or_default();
        assert!(targets.len() >= 7, "{targets:?}");
        for target in targets {
            assert!(
                Path::new(FOLDER).join("seeds").join(&target).is_dir(),
                "{target}"
            );
        }
    }
}
