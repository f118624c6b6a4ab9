//! The real-part tests of protocol-tests, run by cargo from the build that `cargo test --workspace` made.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::parts::RealParts;
use crate::child::Foreground;

/// Cases that go on for minutes, each with a reason of its own: `cargo xtask soak` runs them, or `cargo xtask verify <name>`.
/// The same faults in a few rounds are part of the gate, in the cases beside them.
const AT_LENGTH_ONLY: [&str; 6] = [
    // Three workers, each ended and started again: a minute.
    "a_rolling_restart_moves_only_what_it_must",
    // 10,000 uploads are begun and written.
    "ten_thousand_open_files",
    // Waits for time-outs of broken connections, one after the other.
    "s3_broken_connections",
    // A cluster of three brokers, each killed in turn.
    "brokers_are_killed",
    // Thousands of connections that are held until the limits end them.
    "hostile_connections",
    // Memory and descriptors over time: nothing to see in seconds.
    "mixed_load",
];

/// Runs them. A case named by the filter runs in any case. The runner's last line is kept back in `closing_line`, for the end of the whole output.
pub(crate) fn run(
    parts: &RealParts,
    filter: Option<&str>,
    closing_line: &mut String,
) -> Result<()> {
    let mut command = crate::programs::cargo();
    // `--workspace`, not `-p`: with `-p` cargo would choose other features and build much of it again.
    command
        .args([
            "test",
            "--workspace",
            "--no-fail-fast",
            "--test",
            "real_*",
            "--",
            "--ignored",
        ])
        .args(filter);
    for case in AT_LENGTH_ONLY {
        if filter.is_none_or(|filter| !case.contains(filter)) {
            command.args(["--skip", case]);
        }
    }
    command.envs(parts.environment()?).stdout(Stdio::piped());
    let mut runner = Foreground::start(&mut command)?;
    let stdout = runner
        .take_stdout()
        .context("no pipe from the test runner")?;
    for line in BufReader::new(stdout).lines() {
        if let Some(earlier) = hold_back(closing_line, &line?) {
            print!("{earlier}");
        }
    }
    let status = runner.wait()?;
    if !status.success() {
        bail!("cargo test ended with {status}");
    }
    Ok(())
}

/// Keeps a `test result:` line (and blank lines round it) until another line follows; what can be
/// printed now.
fn hold_back(held: &mut String, line: &str) -> Option<String> {
    if line.starts_with("test result:") || (line.is_empty() && !held.is_empty()) {
        held.push_str(line);
        held.push('\n');
        return None;
    }
    let mut now = std::mem::take(held);
    now.push_str(line);
    now.push('\n');
    Some(now)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_the_last_result_is_held_back() {
        let mut held = String::new();
        let mut printed = String::new();
        for line in [
            "running 1 test",
            "test a ... ok",
            "",
            "test result: ok. 1",
            "",
            "running 2 tests",
            "test result: ok. 2",
            "",
        ] {
            printed.extend(hold_back(&mut held, line));
        }
        assert_eq!(
            printed,
            "running 1 test\ntest a ... ok\n\ntest result: ok. 1\n\nrunning 2 tests\n"
        );
        assert_eq!(held, "test result: ok. 2\n\n");
    }
}
