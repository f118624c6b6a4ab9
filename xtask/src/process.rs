//! Processes that outlive xtask: started detached, known by pid *and* start time, ended for certain.
//!
//! A pid alone may have been given to somebody else meanwhile, so every signal is preceded by a look
//! at the start time in `/proc/<pid>/stat` (Linux only, like the benches).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// How a process is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Signal {
    /// At once, without a chance to write anything (SIGKILL).
    Kill,
    /// Asked to stop (SIGTERM).
    Term,
}

/// A process: its pid, and when it started (clock ticks since boot), so that a reused pid is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessId {
    /// The pid.
    pub(crate) pid: u32,
    /// When it started, in clock ticks since boot.
    pub(crate) started: u64,
}

impl ProcessId {
    /// The running process `pid`, or `None` when there is none (a zombie counts as none).
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the name in parentheses and may hold anything; state is the third field.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        (!matches!(state, "Z" | "X")).then_some(Self { pid, started })
    }

    /// This very process.
    pub(crate) fn current() -> Result<Self> {
        Self::of(std::process::id())
            .context("cannot read /proc/self/stat: xtask needs Linux's /proc")
    }

    /// Whether this process still runs.
    pub(crate) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends a signal, to the whole process group when `group` (detached processes lead their own).
    pub(crate) fn signal(self, signal: Signal, group: bool) {
        if !self.is_alive() {
            return;
        }
        let target = if group {
            format!("-{}", self.pid)
        } else {
            self.pid.to_string()
        };
        let name = match signal {
            Signal::Kill => "-KILL",
            Signal::Term => "-TERM",
        };
        // It may end between the look and the signal: then there is nothing left to do.
        let _ = Command::new("kill")
            .args([name, "--", &target])
            .stderr(Stdio::null())
            .status();
    }

    /// Waits until the process is gone; `false` when it still runs after `limit`.
    pub(crate) fn wait_gone(self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.is_alive() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }
}

/// Ends all of these: SIGTERM, up to `grace` for all together, then SIGKILL. Returns when none runs.
pub(crate) fn end_all(processes: &[ProcessId], grace: Duration) -> Result<()> {
    for process in processes {
        process.signal(Signal::Term, true);
    }
    let deadline = Instant::now() + grace;
    for process in processes {
        if !process.wait_gone(deadline.saturating_duration_since(Instant::now())) {
            process.signal(Signal::Kill, true);
        }
    }
    for process in processes {
        if !process.wait_gone(Duration::from_secs(10)) {
            bail!("process {} does not end, not even by SIGKILL", process.pid);
        }
    }
    Ok(())
}

/// What is needed to start a process, and to start it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CommandLine {
    /// Program and arguments.
    pub(crate) argv: Vec<String>,
    /// Environment variables on top of xtask's own.
    pub(crate) env: BTreeMap<String, String>,
    /// Both outputs are appended here.
    pub(crate) log: PathBuf,
}

impl CommandLine {
    /// Starts it in a process group of its own (the terminal's Ctrl-C does not reach it).
    pub(crate) fn spawn(&self) -> Result<ProcessId> {
        let (program, args) = self.argv.split_first().context("empty command line")?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot open {}", self.log.display()))?;
        let child = Command::new(program)
            .args(args)
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        match ProcessId::of(child.id()) {
            Some(process) => Ok(process),
            None => bail!("{program} ended at once:\n{}", tail(&self.log, 20)),
        }
    }
}

/// The last lines of a log, for an error message.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn command(argv: &[&str], dir: &Path) -> CommandLine {
        CommandLine {
            argv: argv.iter().map(ToString::to_string).collect(),
            env: BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]),
            log: dir.join("log"),
        }
    }

    #[test]
    fn ends_what_it_started_even_when_sigterm_is_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let stubborn = command(
            &[
                "sh",
                "-c",
                "trap '' TERM; echo $GREETING; while :; do sleep 0.05; done",
            ],
            dir.path(),
        );
        let process = stubborn.spawn().unwrap();
        while !tail(&stubborn.log, 1).contains("hello") {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(process.is_alive());
        end_all(&[process], Duration::from_millis(200)).unwrap();
        assert!(!process.is_alive());
    }

    #[test]
    fn another_process_under_the_same_pid_is_not_taken_for_it() {
        let mut current = ProcessId::current().unwrap();
        assert!(current.is_alive());
        current.started += 1;
        assert!(!current.is_alive());
    }

    #[test]
    fn tail_gives_the_last_lines_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "a\nb\nc\n").unwrap();
        assert_eq!(tail(&path, 2), "b\nc");
        assert_eq!(tail(&dir.path().join("missing"), 2), "");
    }
}
