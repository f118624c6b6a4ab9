//! Our own programs, from the same build as the tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::child::Foreground;
use crate::{http, kafka, ports};

/// How long a program may take until it answers, with both cores busy.
const START: Duration = Duration::from_secs(30);

/// Where the programs are.
pub(crate) struct Binaries {
    dir: PathBuf,
}

/// Builds the programs as `cargo test --workspace` builds them: the same features, so after it this
/// has nothing to do.
pub(crate) fn build() -> Result<Binaries> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status =
        Foreground::start(Command::new(cargo).args(["build", "--workspace", "--bins"]))?.wait()?;
    if !status.success() {
        bail!("cargo build ended with {status}");
    }
    // xtask is one of them, so the others lie beside it.
    let this = std::env::current_exe()?;
    Ok(Binaries {
        dir: this.parent().context("no folder of programs")?.to_owned(),
    })
}

impl Binaries {
    /// A command that runs the program `name`.
    pub(crate) fn command(&self, name: &str) -> Result<Command> {
        let path = self.dir.join(name);
        if !path.is_file() {
            bail!("{} has not been built", path.display());
        }
        Ok(Command::new(path))
    }
}

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
        let data = TempDir::with_prefix("sluiceway-embedded-")?;
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

/// Starts a program with its properties files and waits until `GET url` is answered with 200.
pub(crate) fn start(
    command: &mut Command,
    files: &[&Path],
    url: &str,
    log: &Path,
) -> Result<Foreground> {
    let program = Foreground::start_logged(command.args(files), log)?;
    let deadline = Instant::now() + START;
    while http::get(url).map(|answer| answer.status).ok() != Some(200) {
        program.check_running()?;
        if Instant::now() >= deadline {
            bail!(
                "{url} was not answered with 200 within {START:?}; the log ends with\n{}",
                program.log_tail()
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(program)
}
