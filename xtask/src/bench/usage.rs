//! CPU time and memory of a process, from `/proc`.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time that the process and its threads have used so far, user and system.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the process has ended")?;
    let after_name = stat
        .rsplit_once(')')
        .context("unexpected /proc/<pid>/stat")?
        .1;
    let field = |index: usize| -> Option<u64> {
        after_name.split_ascii_whitespace().nth(index)?.parse().ok()
    };
    // utime and stime: fields 14 and 15 of the line, 12 and 13 behind the name.
    let ticks = field(11).zip(field(12)).map(|(user, system)| user + system);
    Ok(from_ticks(ticks.context("unexpected /proc/<pid>/stat")?))
}

/// CPU time of the children of this process that have been waited for.
pub(crate) fn cpu_of_children() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat
        .rsplit_once(')')
        .context("unexpected /proc/self/stat")?
        .1;
    let fields = after_name.split_ascii_whitespace().skip(13).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(from_ticks(ticks))
}

fn from_ticks(ticks: u64) -> Duration {
    static PER_SECOND: OnceLock<u64> = OnceLock::new();
    let per_second = *PER_SECOND.get_or_init(|| {
        let output = Command::new("getconf").arg("CLK_TCK").output().ok();
        let text = output.and_then(|output| String::from_utf8(output.stdout).ok());
        text.and_then(|text| text.trim().parse().ok())
            .filter(|ticks| *ticks > 0)
            .unwrap_or(100)
    });
    Duration::from_millis(ticks * 1_000 / per_second)
}

/// Memory of a process in MiB: resident now, and the most there ever was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// VmRSS
    pub(crate) resident: f64,
    /// VmHWM
    pub(crate) peak: f64,
}

/// Memory of a process.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).context("the process has ended")?;
    let of = |name: &str| -> Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse::<f64>().ok());
        Ok(kib.with_context(|| format!("no {name} in /proc/{pid}/status"))? / 1024.0)
    };
    Ok(Memory {
        resident: of("VmRSS")?,
        peak: of("VmHWM")?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn this_process_uses_cpu_and_memory() {
        let pid = std::process::id();
        let before = cpu(pid).unwrap();
        let mut sum = 0_u64;
        while cpu(pid).unwrap() - before < Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let memory = memory(pid).unwrap();
        assert!(
            memory.resident > 0.5 && memory.peak >= memory.resident * 0.9,
            "{memory:?}"
        );
    }
}
