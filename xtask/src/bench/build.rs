//! Cold builds, each in a target folder of its own that is removed afterwards.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};

use super::usage;
use crate::child::Foreground;
use crate::programs::cargo;

/// Builds the quick start and the tests from nothing (crates are downloaded before), and prints sizes.
pub(crate) fn run() -> Result<()> {
    super::print_surroundings();
    let fetched = Foreground::start(cargo().arg("fetch"))?.wait()?;
    if !fetched.success() {
        bail!("cargo fetch ended with {fetched}");
    }
    let target = crate::scratch::folder()?;
    cold(
        "quick start (cargo build --release)",
        &["build", "--release"],
        target.path(),
    )?;
    print_size(target.path(), "sluiceway")?;
    cold(
        "programs on top of it",
        &[
            "build",
            "--release",
            "-p",
            "sluiceway-proxy",
            "-p",
            "sluiceway-sink",
        ],
        target.path(),
    )?;
    print_size(target.path(), "sluiceway-proxy")?;
    print_size(target.path(), "sluiceway-sink")?;
    drop(target);
    let target = crate::scratch::folder()?;
    cold(
        "tests (cargo test --workspace --no-run)",
        &["test", "--workspace", "--no-run"],
        target.path(),
    )
}

fn cold(what: &str, arguments: &[&str], target: &Path) -> Result<()> {
    let (start, cpu) = (Instant::now(), usage::cpu_of_children()?);
    let mut command = cargo();
    command
        .args(arguments)
        .arg("--quiet")
        .env("CARGO_TARGET_DIR", target);
    let status = Foreground::start(&mut command)?.wait()?;
    if !status.success() {
        bail!("cargo {} ended with {status}", arguments.join(" "));
    }
    let cpu = usage::cpu_of_children()? - cpu;
    println!(
        "{what}: {:.0} s, {:.0} CPU seconds",
        start.elapsed().as_secs_f64(),
        cpu.as_secs_f64()
    );
    Ok(())
}

fn print_size(target: &Path, program: &str) -> Result<()> {
    let bytes = fs::metadata(target.join("release").join(program))?.len();
    println!("{program}: {:.1} MiB", bytes as f64 / 1_048_576.0);
    Ok(())
}
