//! The tests of `analytics/` on real Kafka, real S3 and a real Spark, and its DAG in a real Airflow.

use std::os::fd::AsFd as _;
use std::process::Command;

use anyhow::{Result, ensure};

use super::parts::RealParts;
use crate::child::Foreground;
use crate::programs::Binaries;
use crate::spark::ANALYTICS;
use crate::{airflow, s3, spark};

/// The package's tests, without those that start a cluster.
pub(crate) fn run(parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let bucket = parts
        .s3
        .create_bucket(&format!("analytics-{}", std::process::id()))?;
    let mut command = pytest("tests", "not cluster")?;
    command
        .envs([
            ("ANALYTICS_TEST_KAFKA", parts.kafka.bootstrap()),
            ("ANALYTICS_TEST_S3", parts.s3.endpoint()),
            ("ANALYTICS_TEST_BUCKET", bucket),
        ])
        .envs(s3::CREDENTIALS)
        .env(
            "ANALYTICS_TEST_EMULATOR",
            binaries.path("posting-emulator")?,
        );
    to_end(&mut command)
}

/// Those that start a cluster.
pub(crate) fn cluster() -> Result<()> {
    to_end(pytest("tests", "cluster")?.env("ANALYTICS_TEST_CLUSTER", "1"))
}

/// The DAG, twice, over the objects of a short run of the quick start.
pub(crate) fn dag(binaries: &Binaries) -> Result<()> {
    let mut command = pytest("dags/tests", "")?;
    command
        .env("ANALYTICS_TEST_AIRFLOW", airflow::installed()?)
        .env("ANALYTICS_TEST_QUICK_START", binaries.path("sluiceway")?);
    to_end(&mut command)
}

/// The tests of a folder with these marks. A part that is missing is a failure there, not a skip.
fn pytest(folder: &str, marks: &str) -> Result<Command> {
    let mut command = spark::installed()?.command();
    command
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", folder])
        .args(["-m", marks])
        .current_dir(ANALYTICS)
        .env("ANALYTICS_TEST_ALL", "1");
    Ok(command)
}

fn to_end(command: &mut Command) -> Result<()> {
    // The closing line of standard output is that of the last step.
    command.stdout(std::io::stderr().as_fd().try_clone_to_owned()?);
    let status = Foreground::start(command)?.wait()?;
    ensure!(status.success(), "pytest ended with {status}");
    Ok(())
}
