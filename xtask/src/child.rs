//! A child in the foreground: a test runner, a program under test. It never outlives xtask.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{self, ProcessId};
use crate::{scratch, signals};

/// A running child; dropping ends it (SIGTERM, then SIGKILL).
pub(crate) struct Foreground {
    name: String,
    child: Child,
    id: Option<ProcessId>,
    log: Option<PathBuf>,
}

impl Foreground {
    /// Starts a command on this terminal (or on pipes that it was given).
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let (child, id) = signals::start_child(command.stdin(Stdio::null()))?;
        Ok(Self {
            name,
            child,
            id,
            log: None,
        })
    }

    /// Starts a program whose output goes into a file.
    pub(crate) fn start_logged(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
        let mut started = Self::start(command.stdout(file.try_clone()?).stderr(file))?;
        started.log = Some(log.to_owned());
        started.id.map_or(Ok(()), |id| scratch::note(log, id))?;
        Ok(started)
    }

    /// The child's pipe, if it was given one.
    pub(crate) fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// The child's pipe, if it was given one.
    pub(crate) fn take_stderr(&mut self) -> Option<std::process::ChildStderr> {
        self.child.stderr.take()
    }

    /// The process.
    pub(crate) fn id(&self) -> Result<ProcessId> {
        self.id
            .filter(|id| id.is_alive())
            .with_context(|| format!("{} has ended", self.name))
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait()?;
        self.id.take().into_iter().for_each(signals::forget);
        Ok(status)
    }

    /// An error with the end of its log if it has ended.
    pub(crate) fn check_running(&self) -> Result<()> {
        if self.id.is_some_and(ProcessId::is_alive) {
            return Ok(());
        }
        bail!(
            "{} has ended; its log ends with\n{}",
            self.name,
            self.log_tail()
        );
    }

    /// The last lines of its log.
    pub(crate) fn log_tail(&self) -> String {
        self.log
            .as_deref()
            .map(|log| process::tail(log, 40))
            .unwrap_or_default()
    }

    /// Asks it to stop and waits; an error when it does not end within the limit with code 0, or 143
    /// (Java's answer to SIGTERM, which our programs keep).
    pub(crate) fn stop(mut self, limit: Duration) -> Result<()> {
        let id = self.id()?;
        id.signal(process::Signal::Term, true);
        if !id.wait_gone(limit) {
            bail!(
                "{} does not stop within {limit:?}; its log ends with\n{}",
                self.name,
                self.log_tail()
            );
        }
        let status = self.wait()?;
        if !matches!(status.code(), Some(0 | 143)) {
            bail!(
                "{} ended with {status} when stopped; its log ends with\n{}",
                self.name,
                self.log_tail()
            );
        }
        Ok(())
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        if let Err(error) = process::end_all(&[id], Duration::from_secs(10)) {
            eprintln!("error: {error:#}");
        }
        // It is gone; this only takes its exit code off the system.
        let _ = self.child.wait();
        signals::forget(id);
    }
}
