//! The steps of a run, some of them at the same time: what each took, and which failed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Collects the outcome of each step.
pub(crate) struct Steps {
    started: Instant,
    done: Mutex<Vec<Done>>,
}

struct Done {
    name: String,
    took: Duration,
    ok: bool,
}

impl Steps {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            done: Mutex::default(),
        }
    }

    /// Runs a step that the rest needs: its error ends the run.
    pub(crate) fn need<T>(&self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        self.timed(name, step).with_context(|| name.to_owned())
    }

    /// Runs a step; its error is printed and counted, and the next steps still run.
    pub(crate) fn run<T>(&self, name: &str, step: impl FnOnce() -> Result<T>) -> Option<T> {
        match self.timed(name, step) {
            Ok(value) => Some(value),
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                None
            }
        }
    }

    fn timed<T>(&self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("== {name}");
        let started = Instant::now();
        let outcome = step();
        let took = started.elapsed();
        eprintln!(
            "== {name}: {} in {:.1} s",
            if outcome.is_ok() { "done" } else { "FAILED" },
            took.as_secs_f64()
        );
        let (name, ok) = (name.to_owned(), outcome.is_ok());
        self.done().push(Done { name, took, ok });
        outcome
    }

    fn done(&self) -> MutexGuard<'_, Vec<Done>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error of the run, if a step failed.
    pub(crate) fn outcome(&self) -> Result<()> {
        let done = self.done();
        let failed: Vec<&str> = done
            .iter()
            .filter(|step| !step.ok)
            .map(|step| &*step.name)
            .collect();
        ensure!(
            failed.is_empty(),
            "{} of {} steps failed: {}",
            failed.len(),
            done.len(),
            failed.join(", ")
        );
        Ok(())
    }

    /// Prints what each took.
    pub(crate) fn print(&self) {
        eprintln!(
            "\n== checks on real parts, {:.1} s",
            self.started.elapsed().as_secs_f64()
        );
        for Done { name, took, ok } in self.done().iter() {
            let word = if *ok { "ok    " } else { "FAILED" };
            eprintln!("{:>8.1} s  {word}  {name}", took.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_failed_step_is_counted_and_the_next_ones_run() {
        let steps = Steps::new();
        assert_eq!(
            steps.run("first", || -> Result<u8> { anyhow::bail!("broken") }),
            None
        );
        assert_eq!(steps.run("second", || Ok(2)), Some(2));
        let error = steps.outcome().unwrap_err().to_string();
        assert_eq!(error, "1 of 2 steps failed: first");
        let error = steps
            .need("third", || -> Result<u8> { anyhow::bail!("broken") })
            .unwrap_err();
        assert_eq!(format!("{error:#}"), "third: broken");
    }
}
