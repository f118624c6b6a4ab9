//! Folders for the files and logs of one run, which are gone after it even if xtask was killed.
//!
//! The owner's process stands in the folder's name, and the processes that write there in `*.pid` files
//! beside their logs, so that the next call can end and remove what a killed one left ([`sweep`]).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::{self, ProcessId};

const PREFIX: &str = "sluiceway-run-";
const GRACE: Duration = Duration::from_secs(10);

/// A new folder, removed when dropped.
pub(crate) fn folder() -> Result<TempDir> {
    let owner = ProcessId::current()?;
    TempDir::with_prefix(format!("{PREFIX}{}-{}-", owner.pid, owner.started))
        .context("no temporary folder")
}

/// Notes the process that writes to `log`.
pub(crate) fn note(log: &Path, process: ProcessId) -> Result<()> {
    fs::write(log.with_extension("pid"), serde_json::to_vec(&process)?)
        .context("cannot note a process")
}

/// Ends and removes what xtask processes left that are gone.
pub(crate) fn sweep() -> Result<()> {
    remove(|owner| !owner.is_alive())
}

/// Removes the folders of this process, after a signal.
pub(crate) fn remove_owned() -> Result<()> {
    let current = ProcessId::current()?;
    remove(|owner| owner == current)
}

fn remove(wanted: impl Fn(ProcessId) -> bool) -> Result<()> {
    for entry in fs::read_dir(std::env::temp_dir())? {
        let entry = entry?;
        if owner(&entry.file_name().to_string_lossy()).is_some_and(&wanted) {
            process::end_all(&noted(&entry.path()), GRACE)?;
            // Another call may be removing it, too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

fn owner(name: &str) -> Option<ProcessId> {
    let mut numbers = name.strip_prefix(PREFIX)?.split('-');
    let pid = numbers.next()?.parse().ok()?;
    let started = numbers.next()?.parse().ok()?;
    Some(ProcessId { pid, started })
}

fn noted(folder: &Path) -> Vec<ProcessId> {
    let files = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let read = |path: PathBuf| serde_json::from_slice(&fs::read(path).ok()?).ok();
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "pid"))
        .filter_map(read)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn what_a_killed_xtask_left_is_ended_and_removed() {
        let mut process = Command::new("sleep")
            .arg("60")
            .process_group(0)
            .spawn()
            .unwrap();
        let left = ProcessId::of(process.id()).unwrap();
        // Pid 4194304 is beyond the kernel's largest.
        let folder =
            std::env::temp_dir().join(format!("{PREFIX}4194304-{}-test", std::process::id()));
        fs::create_dir(&folder).unwrap();
        note(&folder.join("program.log"), left).unwrap();
        let mine = super::folder().unwrap();
        sweep().unwrap();
        assert!(!folder.exists());
        assert!(!left.is_alive());
        assert!(mine.path().exists());
        process.wait().unwrap();
    }

    #[test]
    fn only_folders_of_this_kind_have_an_owner() {
        assert_eq!(
            owner("sluiceway-run-12-34-abc"),
            Some(ProcessId {
                pid: 12,
                started: 34
            })
        );
        assert_eq!(owner("sluiceway-kafka-default-abc"), None);
        assert_eq!(owner("sluiceway-run-x-34-abc"), None);
    }
}
