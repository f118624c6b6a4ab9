//! Apache Spark with its Avro reader: PyPI's pyspark in an environment of its own, and spark-avro from Maven Central.

use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::python::{python_of, run};

/// One version for both.
const VERSION: &str = "4.0.2";

/// An installed Spark.
pub(crate) struct Spark {
    /// The interpreter that has pyspark.
    pub(crate) python: PathBuf,
    /// The Avro reader's jar.
    pub(crate) avro: PathBuf,
}

/// Fetches Spark if need be: about half a gigabyte.
pub(crate) fn installed() -> Result<Spark> {
    let dir = crate::cache::installed_by_spec("spark", VERSION, |dir| {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(dir.join("venv")))?;
        run(Command::new(python_of(dir))
            .args(["-m", "pip", "install", "--quiet", "--no-cache-dir"])
            .arg(format!("pyspark=={VERSION}")))?;
        run(Command::new("mvn")
            .args(["--quiet", "--batch-mode", "dependency:copy"])
            .arg(format!(
                "-Dartifact=org.apache.spark:spark-avro_2.13:{VERSION}"
            ))
            .arg(format!("-DoutputDirectory={}", dir.display()))
            .stdout(std::io::stderr().as_fd().try_clone_to_owned()?))
    })?;
    Ok(Spark {
        python: python_of(&dir),
        avro: dir.join(format!("spark-avro_2.13-{VERSION}.jar")),
    })
}
