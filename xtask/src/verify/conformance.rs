//! Python's confluent-kafka on a broker.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::child::Foreground;

const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../protocol-tests/python/broker_conformance.py"
);

/// Runs the conformance cases; what the runner printed comes out in one piece.
pub(crate) fn run(python: &Path, bootstrap: &str) -> Result<()> {
    let mut command = Command::new(python);
    command
        .args([SCRIPT, "--bootstrap", bootstrap])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stderr(Stdio::piped());
    let mut runner = Foreground::start(&mut command)?;
    let mut output = Vec::new();
    runner
        .take_stderr()
        .context("no pipe from the test runner")?
        .read_to_end(&mut output)?;
    let status = runner.wait()?;
    eprintln!(
        "-- broker_conformance.py --bootstrap {bootstrap}\n{}",
        String::from_utf8_lossy(&output).trim_end()
    );
    ensure!(
        status.success(),
        "broker_conformance.py ended with {status}"
    );
    Ok(())
}
