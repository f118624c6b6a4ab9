//! The REST proxy as the benches start it: one program beside this one, on free ports.

use std::fs;

use anyhow::Result;
use tempfile::TempDir;

use super::{Settings, usage};
use crate::child::Foreground;
use crate::kafka::Cluster;
use crate::ports;
use crate::programs::{self, Binaries};

/// A running proxy.
pub(super) struct Proxy {
    /// The process.
    pub(super) program: Foreground,
    /// `host:port` of its listener.
    pub(super) address: String,
}

impl Proxy {
    /// Starts it on `broker` with `settings` on top; its files go to `dir`.
    pub(super) fn start(broker: &Cluster, dir: &TempDir, settings: &Settings) -> Result<Self> {
        let ports = ports::free(2)?;
        let (address, admin) = (
            format!("127.0.0.1:{}", ports[0]),
            format!("127.0.0.1:{}", ports[1]),
        );
        let file = dir.path().join("kafka-rest.properties");
        let bootstrap = broker.bootstrap();
        fs::write(
            &file,
            format!(
                "bootstrap.servers={bootstrap}\nlisteners=http://{address}\nsluiceway.admin.listeners=http://{admin}\n{}",
                settings.lines()
            ),
        )?;
        let mut command = Binaries::beside_this()?.command("sluiceway-proxy")?;
        let url = format!("http://{address}/topics");
        let program = programs::start(&mut command, &[&file], &url, &dir.path().join("proxy.log"))?;
        Ok(Self { program, address })
    }

    /// Its memory now.
    pub(super) fn memory(&self) -> Result<usage::Memory> {
        usage::memory(self.pid()?)
    }

    /// Its process id.
    pub(super) fn pid(&self) -> Result<u32> {
        Ok(self.program.id()?.pid)
    }
}
