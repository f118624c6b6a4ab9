//! The real-part tests of protocol-tests, run by cargo from the build that `cargo test --workspace` made.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::parts::RealParts;
use crate::child::Foreground;

/// Cases that go on for minutes, each with a reason of its own: `cargo xtask soak` runs them, or `cargo xtask verify <name>`.
const AT_LENGTH_ONLY: [&str; 3] = [
    // Waits for time-outs of broken connections, one after the other. `kills_under_s3_faults` has broken ones, too.
    "s3_broken_connections",
    // Thousands of connections that are held until the limits end them: `hostile_clients` has a thousand of each.
    "hostile_connections",
    // Memory and descriptors over time: nothing to see in seconds.
    "mixed_load",
];

/// What the runner prints: kept until the steps beside it are done, so that nothing stands between its lines.
#[derive(Debug, Default)]
pub(crate) struct Output {
    text: String,
    closing_line: String,
}

impl Output {
    /// Takes a line. A `test result:` line (and blank lines round it) is held back until another line follows.
    fn take(&mut self, line: &str) {
        let held = &mut self.closing_line;
        if !line.starts_with("test result:") && (!line.is_empty() || held.is_empty()) {
            self.text.push_str(held);
            held.clear();
            self.text.push_str(line);
            self.text.push('\n');
            return;
        }
        held.push_str(line);
        held.push('\n');
    }

    /// Puts all that another runner printed before what this one did.
    fn put_before(&mut self, other: Self) {
        let own = std::mem::take(&mut self.text);
        self.text = other.text + &other.closing_line + &own;
    }

    /// Prints all but the closing line.
    pub(crate) fn print(&mut self) {
        print!("{}", std::mem::take(&mut self.text));
    }

    /// Prints the runner's last line, the end of the whole output.
    pub(crate) fn print_closing_line(&self) {
        print!("{}", self.closing_line);
    }
}

/// Cases at once of one runner: each starts programs of its own, and some of them a broker.
const THREADS: &str = "3";

/// The replay of the sink's recordings takes as long as all the other cases, and waits most of the time: two runners.
const ALL: &str = "real_*";
const RECORDINGS: &str = "real_golden";
const OTHERS: &str = "real_[!g]*";

/// Runs them. A case named by the filter runs in any case, and is printed at once.
///
/// # Errors
/// A case failed; all have run.
pub(crate) fn run(parts: &RealParts, filter: Option<&str>, output: &mut Output) -> Result<()> {
    if filter.is_some() {
        return run_binaries(ALL, parts, filter, output);
    }
    let mut recordings = Output::default();
    let (replayed, others) = std::thread::scope(|scope| {
        let replay = scope.spawn(|| run_binaries(RECORDINGS, parts, None, &mut recordings));
        let others = run_binaries(OTHERS, parts, None, output);
        let replayed = replay.join();
        (replayed, others)
    });
    output.put_before(recordings);
    let replayed = replayed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    replayed.and(others)
}

/// Runs the cases of the test binaries whose names match `binaries`.
fn run_binaries(
    binaries: &str,
    parts: &RealParts,
    filter: Option<&str>,
    output: &mut Output,
) -> Result<()> {
    let mut command = crate::programs::cargo();
    // `--workspace`, not `-p`: with `-p` cargo would choose other features and build much of it again.
    command
        .args(["test", "--workspace", "--no-fail-fast", "--test", binaries])
        .args(["--", "--ignored"])
        .args(filter);
    for case in AT_LENGTH_ONLY {
        if filter.is_none_or(|filter| !case.contains(filter)) {
            command.args(["--skip", case]);
        }
    }
    command
        .envs(parts.environment()?)
        .env("RUST_TEST_THREADS", THREADS)
        .stdout(Stdio::piped());
    let mut runner = Foreground::start(&mut command)?;
    let stdout = runner
        .take_stdout()
        .context("no pipe from the test runner")?;
    for line in BufReader::new(stdout).lines() {
        output.take(&line?);
        if filter.is_some() {
            output.print();
        }
    }
    let status = runner.wait()?;
    if !status.success() {
        bail!("cargo test ended with {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn only_the_last_result_is_held_back() {
        let mut output = Output::default();
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
            output.take(line);
        }
        assert_eq!(
            output.text,
            "running 1 test\ntest a ... ok\n\ntest result: ok. 1\n\nrunning 2 tests\n"
        );
        assert_eq!(output.closing_line, "test result: ok. 2\n\n");
        let mut last = Output::default();
        last.take("b ... ok");
        last.take("test result: ok. 3");
        last.put_before(output);
        assert!(last.text.ends_with("test result: ok. 2\n\nb ... ok\n"));
        assert_eq!(last.closing_line, "test result: ok. 3\n");
    }
}
