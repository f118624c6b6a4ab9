//! One of the two programs as a child process: found beside the test binary, its output in a file, always ended
//! by its own process id.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How many last lines of a log are shown when a test fails.
const LOG_TAIL: usize = 80;

/// A running (or ended) child process.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `<target dir>/<name> <arguments>` with its output appended to `log`.
    ///
    /// # Errors
    /// The program was not built, or can't be started.
    pub fn start(
        name: &str,
        arguments: &[&Path],
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Result<Self> {
        Self::start_at(&find(name)?, arguments, environment, log)
    }

    /// Starts another program, found by its path or on `PATH`, with its output appended to `log`.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start_at(
        binary: &Path,
        arguments: &[&Path],
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        let child = Command::new(binary)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        Ok(Self {
            name: binary
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            child,
            log: log.to_owned(),
        })
    }

    /// Starts `<target dir>/<name>` with `ulimit -d`: so many KiB of data at most. Threads have stacks of half a MiB, which count.
    ///
    /// # Errors
    /// See [`Program::start`].
    pub fn start_limited(
        name: &str,
        kib: u64,
        arguments: &[&Path],
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Result<Self> {
        let script = format!("ulimit -s 512; ulimit -d {kib}; exec \"$0\" \"$@\"");
        let binary = find(name)?;
        let shell = [Path::new("-c"), Path::new(&script), &binary];
        let arguments = [&shell[..], arguments].concat();
        Self::start_at(Path::new("sh"), &arguments, environment, log)
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many of its threads have a name that begins so.
    ///
    /// # Errors
    /// It has ended, or this is not Linux.
    pub fn threads(&self, name: &str) -> Result<usize> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid()))?;
        // One that ends meanwhile has no name any more.
        let names = threads
            .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
        Ok(names.filter(|found| found.starts_with(name)).count())
    }

    /// What it has printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// Its exit status, if it has ended.
    ///
    /// # Errors
    /// The process can't be asked.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Fails if it has ended, with the end of its log.
    ///
    /// # Errors
    /// It has ended.
    pub fn ensure_runs(&mut self) -> Result<()> {
        if let Some(status) = self.exited()? {
            bail!("{} has ended: {status}\n{}", self.name, tail(&self.log));
        }
        Ok(())
    }

    /// `kill -9`: at once, nothing can be saved.
    ///
    /// # Errors
    /// The process can't be ended.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends a signal by name (`TERM`, `STOP`, `CONT`).
    ///
    /// # Errors
    /// It has ended already.
    pub fn signal(&mut self, signal: &str) -> Result<()> {
        self.ensure_runs()?;
        let pid = self.pid().to_string();
        let status = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(&pid)
            .status()?;
        ensure!(status.success(), "kill -{signal} {pid}: {status}");
        Ok(())
    }

    /// `SIGTERM`, then waits for the end.
    ///
    /// # Errors
    /// It had ended before, or does not end in time (then it is killed).
    pub async fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal("TERM")?;
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            if Instant::now() > until {
                self.kill()?;
                bail!("{} did not end within {limit:?} of SIGTERM", self.name);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The last lines of a log file.
#[must_use]
pub fn tail(log: &Path) -> String {
    let text = read(log);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LOG_TAIL);
    format!("--- {} ---\n{}", log.display(), lines[from..].join("\n"))
}

/// At the level of traces a log may hold what is no UTF-8.
fn read(log: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned()
}

/// `target/<profile>/deps/<this test>` → `target/<profile>/<name>`.
pub(crate) fn find(name: &str) -> Result<PathBuf> {
    let exe = std::env::current_exe()?;
    let profile = exe
        .parent()
        .and_then(Path::parent)
        .context("a test binary lies in target/<profile>/deps")?;
    let binary = profile.join(name);
    if !binary.exists() {
        build(name, profile)?;
    }
    Ok(binary)
}

/// A test run of this package alone does not build the programs, so it is done here: once, and only when missing.
fn build(name: &str, profile: &Path) -> Result<()> {
    static BUILD: Mutex<()> = Mutex::new(());
    let _one = BUILD
        .lock()
        .map_err(|_| anyhow::anyhow!("an earlier build panicked"))?;
    let binary = profile.join(name);
    if binary.exists() {
        return Ok(());
    }
    let hint = format!(
        "{} is missing: build it with `cargo build --workspace --bin {name}`",
        binary.display()
    );
    let cargo = std::env::var_os("CARGO").context(hint.clone())?;
    let mut command = Command::new(cargo);
    // With the whole workspace's features, as the tests were: `-p` chooses fewer and builds the dependencies anew.
    command.args(["build", "--quiet", "--workspace", "--bin", name]);
    if profile
        .file_name()
        .is_some_and(|profile| profile == "release")
    {
        command.arg("--release");
    }
    ensure!(command.status()?.success() && binary.exists(), hint);
    Ok(())
}
