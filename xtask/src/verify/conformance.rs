//! Python's confluent-kafka on a broker.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::child::Foreground;

/// Runs the conformance cases.
pub(crate) fn run(python: &Path, bootstrap: &str) -> Result<()> {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../protocol-tests/python/broker_conformance.py"
    );
    let mut command = Command::new(python);
    command
        .args([script, "--bootstrap", bootstrap])
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let status = Foreground::start(&mut command)?.wait()?;
    if !status.success() {
        bail!("broker_conformance.py ended with {status}");
    }
    Ok(())
}
