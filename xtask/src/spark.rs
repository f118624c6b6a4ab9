//! Apache Spark as `analytics/` wants it: PyPI's pyspark with the package's other needs in an environment of its own,
//! and the jars for S3, Kafka, Delta and Avro from Maven Central.

use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::python::{python_of, run};

/// The Python package.
pub(crate) const ANALYTICS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../analytics");
const PROJECT: &str = include_str!("../../analytics/pyproject.toml");
const JARS: &str = include_str!("../../analytics/src/analytics/pom.xml");
/// Of pyspark.
const VERSION: &str = "4.0.2";

/// An installed Spark.
pub(crate) struct Spark {
    /// The interpreter that has pyspark.
    pub(crate) python: PathBuf,
    jars: PathBuf,
}

/// Fetches Spark if need be: about half a gigabyte.
pub(crate) fn installed() -> Result<Spark> {
    let dir = crate::cache::installed_by_spec("spark", &format!("{PROJECT}{JARS}"), |dir| {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(dir.join("venv")))?;
        // As a user installs it. It is run from the sources (see `command`): they change, what is cached does not.
        run(Command::new(python_of(dir))
            .args(["-m", "pip", "install", "--quiet", "--no-cache-dir"])
            .arg(format!("{ANALYTICS}[test]")))?;
        let output = std::io::stderr().as_fd().try_clone_to_owned()?;
        run(Command::new(python_of(dir))
            .args(["-m", "analytics", "jars", "--into"])
            .arg(dir.join("jars"))
            .stdout(output))
    })?;
    Ok(Spark {
        python: python_of(&dir),
        jars: dir.join("jars"),
    })
}

impl Spark {
    /// The Avro reader's jar.
    pub(crate) fn avro(&self) -> PathBuf {
        self.jars.join(format!("spark-avro_2.13-{VERSION}.jar"))
    }

    /// A command of the interpreter that finds the package as this checkout has it (`-m analytics …`, `-m pytest …`).
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.python);
        command
            .env("PYTHONPATH", format!("{ANALYTICS}/src"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("ANALYTICS_JARS", &self.jars)
            .env("SPARK_LOCAL_IP", "127.0.0.1");
        command
    }
}
