//! The tests of `analytics/` on real Kafka, real S3 and a real Spark.

use std::os::fd::AsFd as _;
use std::process::Command;

use anyhow::{Result, ensure};

use super::parts::RealParts;
use crate::child::Foreground;
use crate::programs::Binaries;
use crate::spark::ANALYTICS;
use crate::{s3, spark};

/// The package's tests.
pub(crate) fn run(parts: &RealParts, binaries: &Binaries) -> Result<()> {
    let spark = spark::installed()?;
    let bucket = parts
        .s3
        .create_bucket(&format!("analytics-{}", std::process::id()))?;
    let mut command = spark.command();
    command
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"])
        .current_dir(ANALYTICS)
        .envs([
            ("ANALYTICS_TEST_KAFKA", parts.kafka.bootstrap()),
            ("ANALYTICS_TEST_S3", parts.s3.endpoint()),
            ("ANALYTICS_TEST_BUCKET", bucket),
            ("AWS_ACCESS_KEY_ID", s3::ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", s3::SECRET_KEY.to_owned()),
        ])
        .env(
            "ANALYTICS_TEST_EMULATOR",
            binaries.path("posting-emulator")?,
        );
    to_end(&mut command)
}

/// Runs tests; a part that is missing is a failure there, not a skip.
fn to_end(command: &mut Command) -> Result<()> {
    // The closing line of standard output is that of the last step.
    command
        .env("ANALYTICS_TEST_ALL", "1")
        .stdout(std::io::stderr().as_fd().try_clone_to_owned()?);
    let status = Foreground::start(command)?.wait()?;
    ensure!(status.success(), "pytest ended with {status}");
    Ok(())
}
