//! The three-broker cluster that `cargo xtask` started, and the way to kill its brokers: xtask's own commands.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// A cluster that a case may harm; one case at a time.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Bootstrap servers.
    pub bootstrap: String,
    name: String,
    xtask: PathBuf,
}

/// How a broker goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `kill -9`.
    Kill,
    /// SIGTERM: leaders move first.
    Term,
}

impl Cluster {
    /// The cluster of `SLUICEWAY_TEST_CLUSTER` (bootstrap servers), `SLUICEWAY_TEST_CLUSTER_NAME` and
    /// `SLUICEWAY_TEST_XTASK` (the program).
    ///
    /// # Errors
    /// A variable is missing.
    pub fn from_environment() -> Result<Self> {
        let variable = |name: &str| {
            let value = std::env::var(name);
            value.with_context(|| format!("{name} is not set; `cargo xtask verify` sets it"))
        };
        Ok(Self {
            bootstrap: variable("SLUICEWAY_TEST_CLUSTER")?,
            name: variable("SLUICEWAY_TEST_CLUSTER_NAME")?,
            xtask: variable("SLUICEWAY_TEST_XTASK")?.into(),
        })
    }

    /// Ends a broker (ids from 1).
    ///
    /// # Errors
    /// xtask does not get it done.
    pub async fn stop(&self, broker: u32, way: Way) -> Result<()> {
        let signal = match way {
            Way::Kill => "kill",
            Way::Term => "term",
        };
        self.xtask("stop-broker", broker, &["--signal", signal])
            .await
    }

    /// Starts it again on the same port and data; it answers when this returns.
    ///
    /// # Errors
    /// xtask does not get it done.
    pub async fn start(&self, broker: u32) -> Result<()> {
        self.xtask("start-broker", broker, &[]).await
    }

    async fn xtask(&self, command: &str, broker: u32, further: &[&str]) -> Result<()> {
        let broker = broker.to_string();
        let output = Command::new(&self.xtask)
            .args(["kafka", command, "--name", &self.name, "--broker", &broker])
            .args(further)
            .stdin(Stdio::null())
            .output()
            .await
            .with_context(|| format!("running {}", self.xtask.display()))?;
        ensure!(
            output.status.success(),
            "{command} {broker}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}
