//! `cargo xtask python`: a virtual environment with the real clients (requests, confluent-kafka, boto3, …) and
//! readers (fastavro, pyarrow).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

const REQUIREMENTS: &str = include_str!("../../protocol-tests/python/requirements.txt");

/// Makes the environment if need be; its interpreter.
pub(crate) fn interpreter() -> Result<PathBuf> {
    let dir = crate::cache::installed_by_spec("python", REQUIREMENTS, |dir| {
        let file = dir.join("requirements.txt");
        std::fs::write(&file, REQUIREMENTS)?;
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(dir.join("venv")))?;
        run(Command::new(python_of(dir))
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(file))
    })?;
    Ok(python_of(&dir))
}

/// Installs the packages of a client that wants older companions than the others have; the folder they are in.
pub(crate) fn old_packages() -> Result<PathBuf> {
    const REQUIREMENTS: &str = include_str!("../../protocol-tests/python/requirements-old.txt");
    let interpreter = interpreter()?;
    crate::cache::installed_by_spec("python-old", REQUIREMENTS, |dir| {
        let file = dir.join("requirements.txt");
        std::fs::write(&file, REQUIREMENTS)?;
        // Without what they ask for themselves: one of them asks for a release that only Python 2 can read.
        run(Command::new(interpreter)
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
            .arg(dir)
            .arg("--requirement")
            .arg(file))
    })
}

/// The interpreter of the virtual environment in a folder.
pub(crate) fn python_of(dir: &Path) -> PathBuf {
    dir.join("venv/bin/python")
}

/// Runs a command to its end.
///
/// # Errors
/// It cannot be run, or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
