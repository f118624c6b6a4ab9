//! The jars of Apache Kafka, fetched from Maven Central once.

use std::fs;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

const POM: &str = include_str!("../../kafka/pom.xml");
const LOG4J: &str = include_str!("../../kafka/log4j.properties");

/// Fetches the jars if need be, and returns how to run one of their main classes:
/// `java <these arguments> <class> …`.
pub(crate) fn java_arguments(heap: &str) -> Result<Vec<String>> {
    let dir = installed()?;
    Ok(vec![
        "-cp".to_owned(),
        dir.join("lib/*").display().to_string(),
        format!(
            "-Dlog4j.configuration=file:{}",
            dir.join("log4j.properties").display()
        ),
        format!("-Xmx{heap}"),
        "-XX:+UseSerialGC".to_owned(),
        "-Djava.awt.headless=true".to_owned(),
    ])
}

fn installed() -> Result<PathBuf> {
    crate::cache::installed("kafka-3.9.1", &format!("{POM}{LOG4J}"), |dir| {
        let pom = dir.join("pom.xml");
        fs::write(&pom, POM)?;
        fs::write(dir.join("log4j.properties"), LOG4J)?;
        let status = Command::new("mvn")
            .args(["--quiet", "--batch-mode", "--file"])
            .arg(&pom)
            .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
            .arg(format!("-DoutputDirectory={}", dir.join("lib").display()))
            // Standard output is for what `up` and the tools print.
            .stdout(std::io::stderr().as_fd().try_clone_to_owned()?)
            .status()
            .context("cannot run mvn (Maven fetches Kafka's jars)")?;
        if !status.success() {
            bail!("mvn ended with {status}");
        }
        Ok(())
    })
}
