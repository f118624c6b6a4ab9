//! What a process uses, from `/proc`: memory, threads, descriptors, files it writes.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// One look at a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory, KiB.
    pub resident_kib: u64,
    /// The most there ever was, KiB.
    pub peak_kib: u64,
    /// Threads.
    pub threads: u64,
    /// Open descriptors.
    pub descriptors: u64,
}

impl Usage {
    /// Looks.
    ///
    /// # Errors
    /// The process has ended.
    pub fn of(pid: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))
            .with_context(|| format!("process {pid} has ended"))?;
        let number = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let text = line.and_then(|line| line.split_ascii_whitespace().next());
            let text = text.with_context(|| format!("no {name} in /proc/{pid}/status"))?;
            Ok(text.parse()?)
        };
        Ok(Self {
            resident_kib: number("VmRSS:")?,
            peak_kib: number("VmHWM:")?,
            threads: number("Threads:")?,
            descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64,
        })
    }

    /// Resident memory in MiB.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn resident_mib(&self) -> f64 {
        self.resident_kib as f64 / 1024.0
    }
}

/// Regular files that a process has open for writing.
///
/// # Errors
/// The process has ended.
pub fn written_files(pid: u32) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let entry = entry?;
        // One that is closed meanwhile is none.
        let Ok(target) = fs::read_link(entry.path()) else {
            continue;
        };
        let info = entry.file_name().into_string().unwrap_or_default();
        let flags = fs::read_to_string(format!("/proc/{pid}/fdinfo/{info}")).unwrap_or_default();
        let flags = flags.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|text| u32::from_str_radix(text.trim(), 8).ok());
        if flags.is_some_and(|flags| flags & 3 != 0) && target.is_file() {
            found.push(target);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn this_process_is_seen() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let pid = std::process::id();
        let usage = Usage::of(pid).unwrap();
        assert!(usage.resident_kib > 500 && usage.threads > 0 && usage.descriptors > 2);
        let path = file.path().canonicalize().unwrap();
        assert!(written_files(pid).unwrap().contains(&path));
    }
}
