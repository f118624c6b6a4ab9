//! A pod as the chart renders it, as a process: program, arguments, environment, files, probes, time to end.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::child::Foreground;
use crate::programs::{self, Binaries};

/// The pods of an installation, as `chart.py pods` writes them.
#[derive(Debug, Deserialize)]
pub(super) struct Plan {
    pods: Vec<Pod>,
}

impl Plan {
    /// The pod of that name.
    pub(super) fn pod(&self, name: &str) -> Result<&Pod> {
        let found = self.pods.iter().find(|pod| pod.name == name);
        found.with_context(|| format!("the chart renders no pod {name}"))
    }
}

/// One pod; addresses and paths are those of this machine already.
#[derive(Debug, Deserialize)]
pub(super) struct Pod {
    /// Name of its container, or of what it is for.
    pub(super) name: String,
    program: String,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    /// URLs of its probes, and of the ports of its Services.
    probes: Vec<String>,
    /// `terminationGracePeriodSeconds` without the time of `preStop`.
    seconds_to_end: u64,
}

impl Pod {
    fn command(&self, binaries: &Binaries) -> Result<Command> {
        let mut command = binaries.command(&self.program)?;
        command.args(&self.arguments).envs(&self.environment);
        Ok(command)
    }

    /// Starts it; its log lies in `dir`.
    pub(super) fn start(&self, binaries: &Binaries, dir: &Path) -> Result<Foreground> {
        let log = dir.join(format!("{}.log", self.name));
        Foreground::start_logged(&mut self.command(binaries)?, &log)
    }

    /// Waits until every probe and port is answered with 200.
    pub(super) fn wait_for_probes(&self, running: &Foreground) -> Result<()> {
        ensure!(self.probes.len() >= 4, "{}: {:?}", self.name, self.probes);
        for url in &self.probes {
            programs::wait_for_answer(running, url, Duration::from_millis(100))?;
        }
        Ok(())
    }

    /// How long it has from SIGTERM to its end.
    pub(super) fn time_to_end(&self) -> Duration {
        Duration::from_secs(self.seconds_to_end)
    }

    /// Runs it to its end; what it printed.
    ///
    /// # Errors
    /// It failed.
    pub(super) fn run_to_end(&self, binaries: &Binaries) -> Result<String> {
        let mut command = self.command(binaries)?;
        let output = command
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", self.program))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!(
                "the pod {} ended with {}: {said}{error}",
                self.name,
                output.status
            );
        }
        Ok(said)
    }
}
