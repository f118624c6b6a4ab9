//! Apache Airflow from PyPI, in an environment of its own: its companions' versions are those of `analytics/dags/`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::python::{python_of, run};

const REQUIREMENTS: &str = include_str!("../../analytics/dags/requirements.txt");
const CONSTRAINTS: &str = include_str!("../../analytics/dags/constraints.txt");

/// Fetches Airflow if need be: about 150 MB; its command.
pub(crate) fn installed() -> Result<PathBuf> {
    let spec = format!("{REQUIREMENTS}{CONSTRAINTS}");
    let dir = crate::cache::installed_by_spec("airflow", &spec, |dir| {
        let constraints = dir.join("constraints.txt");
        std::fs::write(&constraints, CONSTRAINTS)?;
        // The path of the constraints in a managed environment is not this machine's.
        let wanted = REQUIREMENTS
            .lines()
            .filter(|line| !line.starts_with(['#', '-']) && !line.is_empty());
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(dir.join("venv")))?;
        run(Command::new(python_of(dir))
            .args(["-m", "pip", "install", "--quiet", "--no-cache-dir"])
            .arg("--constraint")
            .arg(constraints)
            .arg("apache-airflow")
            .args(wanted))
    })?;
    Ok(dir.join("venv/bin/airflow"))
}
