//! The development broker of dev-services, as a program of its own.

use anyhow::Result;
use tempfile::TempDir;

use crate::child::Foreground;
use crate::programs::{Binaries, START};
use crate::{kafka, ports};

/// The development broker of dev-services, on its own.
pub(crate) struct EmbeddedBroker {
    port: u16,
    // Ends before its data folder goes.
    _program: Foreground,
    _data: TempDir,
}

impl EmbeddedBroker {
    /// Starts it and waits until it answers.
    pub(crate) fn start(binaries: &Binaries) -> Result<Self> {
        let data = crate::scratch::folder()?;
        let port = ports::free(1)?[0];
        let mut command = binaries.command("dev-services")?;
        command
            .args(["broker", "--port", &port.to_string(), "--data-dir"])
            .arg(data.path().join("data"));
        let program = Foreground::start_logged(&mut command, &data.path().join("broker.log"))?;
        kafka::wait_for_brokers(&format!("127.0.0.1:{port}"), 1, START, || {
            program.check_running()
        })?;
        Ok(Self {
            port,
            _program: program,
            _data: data,
        })
    }

    /// `host:port`
    pub(crate) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}
