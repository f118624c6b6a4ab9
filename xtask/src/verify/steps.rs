//! The steps of a run: what each took, and which failed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Collects the outcome of each step.
pub(crate) struct Steps {
    started: Instant,
    done: Vec<(String, Duration, bool)>,
}

impl Steps {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            done: Vec::new(),
        }
    }

    /// Runs a step that the rest needs: its error ends the run.
    pub(crate) fn need<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        self.timed(name, step).with_context(|| name.to_owned())
    }

    /// Runs a step; its error is printed and counted, and the next steps still run.
    pub(crate) fn run<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Option<T> {
        match self.timed(name, step) {
            Ok(value) => Some(value),
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                None
            }
        }
    }

    fn timed<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("== {name}");
        let started = Instant::now();
        let outcome = step();
        let took = started.elapsed();
        eprintln!(
            "== {name}: {} in {:.1} s",
            if outcome.is_ok() { "done" } else { "FAILED" },
            took.as_secs_f64()
        );
        self.done.push((name.to_owned(), took, outcome.is_ok()));
        outcome
    }

    /// How many failed.
    pub(crate) fn failed(&self) -> usize {
        self.done.iter().filter(|(_, _, ok)| !ok).count()
    }

    /// Prints what each took.
    pub(crate) fn print(&self) {
        eprintln!(
            "\n== checks on real parts, {:.1} s",
            self.started.elapsed().as_secs_f64()
        );
        for (name, took, ok) in &self.done {
            eprintln!(
                "{:>8.1} s  {}  {name}",
                took.as_secs_f64(),
                if *ok { "ok    " } else { "FAILED" }
            );
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_failed_step_is_counted_and_the_next_ones_run() {
        let mut steps = Steps::new();
        assert_eq!(
            steps.run("first", || -> Result<u8> { anyhow::bail!("broken") }),
            None
        );
        assert_eq!(steps.run("second", || Ok(2)), Some(2));
        assert_eq!(steps.failed(), 1);
        let error = steps
            .need("third", || -> Result<u8> { anyhow::bail!("broken") })
            .unwrap_err();
        assert_eq!(format!("{error:#}"), "third: broken");
    }
}
