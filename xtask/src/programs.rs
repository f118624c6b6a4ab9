//! Our own programs: built by cargo, started with properties files, ready when they answer.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::child::Foreground;
use crate::http;

/// How long a program may take until it answers, with both cores busy.
pub(crate) const START: Duration = Duration::from_secs(30);

/// Where the programs are.
pub(crate) struct Binaries {
    dir: PathBuf,
}

impl Binaries {
    /// The programs beside this one: all come from one build.
    pub(crate) fn beside_this() -> Result<Self> {
        let this = std::env::current_exe()?;
        let dir = this.parent().context("no folder of programs")?.to_owned();
        Ok(Self { dir })
    }

    /// The file of the program `name`.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf> {
        let path = self.dir.join(name);
        if !path.is_file() {
            bail!("{} has not been built", path.display());
        }
        Ok(path)
    }

    /// A command that runs the program `name`.
    pub(crate) fn command(&self, name: &str) -> Result<Command> {
        Ok(Command::new(self.path(name)?))
    }
}

/// The packages of programs that are measured.
const MEASURED: [&str; 8] = [
    "-p",
    "xtask",
    "-p",
    "sluiceway",
    "-p",
    "sluiceway-proxy",
    "-p",
    "sluiceway-sink",
];

/// A `cargo` command.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Builds the programs as `cargo test --workspace` builds them: the same features, so after it this
/// has next to nothing to do.
pub(crate) fn build() -> Result<Binaries> {
    let profile: &[&str] = if cfg!(debug_assertions) {
        &[]
    } else {
        &["--release"]
    };
    build_with(&[&["--workspace", "--bins"], profile].concat())?;
    Binaries::beside_this()
}

/// In a debug build: builds the programs and xtask with optimisations, and goes on there (does not
/// return). In a release build: nothing.
pub(crate) fn continue_in_release_build() -> Result<()> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    build_with(&[&["--release", "--bins"], &MEASURED[..]].concat())?;
    let debug = Binaries::beside_this()?.dir;
    let program = debug
        .parent()
        .context("no target folder")?
        .join("release/xtask");
    let error = Command::new(&program)
        .args(std::env::args_os().skip(1))
        .exec();
    Err(error).with_context(|| format!("cannot run {}", program.display()))
}

/// Builds a program of the S3 sink's `examples` beside those that are measured; a command that runs it.
pub(crate) fn example(name: &str) -> Result<Command> {
    build_with(&[&["--release", "--example", name], &MEASURED[..]].concat())?;
    Binaries::beside_this()?.command(&format!("examples/{name}"))
}

fn build_with(arguments: &[&str]) -> Result<()> {
    let status = Foreground::start(cargo().arg("build").args(arguments))?.wait()?;
    if !status.success() {
        bail!("cargo build ended with {status}");
    }
    Ok(())
}

/// Starts a program with its properties files and waits until `GET url` is answered with 200.
pub(crate) fn start(
    command: &mut Command,
    files: &[&Path],
    url: &str,
    log: &Path,
) -> Result<Foreground> {
    let program = Foreground::start_logged(command.args(files), log)?;
    wait_for_answer(&program, url, Duration::from_millis(20))?;
    Ok(program)
}

/// Asks every `pause` until the answer is 200.
pub(crate) fn wait_for_answer(program: &Foreground, url: &str, pause: Duration) -> Result<()> {
    let deadline = Instant::now() + START;
    while http::get(url).map(|answer| answer.status).ok() != Some(200) {
        program.check_running()?;
        if Instant::now() >= deadline {
            let log = program.log_tail();
            bail!("{url} was not answered with 200 within {START:?}; the log ends with\n{log}");
        }
        std::thread::sleep(pause);
    }
    Ok(())
}
