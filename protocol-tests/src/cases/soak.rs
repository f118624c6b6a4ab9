//! Both programs under faults, on real parts: most of them short in the gate, all of them at length by `cargo xtask soak`.
//!
//! Each case repeats one kind of fault and ends with a line of the table that `xtask soak` prints: how often, records lost,
//! records written twice. `SLUICEWAY_SOAK_SECONDS` is how long a case goes on; without it a few rounds must do.

pub mod brokers;
pub mod distributed;
pub mod hostile;
pub mod memory;
pub mod mixed;
pub mod s3_faults;
pub mod uneven;
pub mod workers;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::tiling::Census;

/// The list of these cases. `xtask soak` asks for the same names.
#[macro_export]
macro_rules! soak_cases {
    ($kind:ident) => {
        $crate::tests!($kind soak_s3_faults
            s3_refusals s3_broken_connections s3_lost_answers s3_says_no);
        $crate::tests!($kind soak_workers
            kills_under_s3_faults zombies_under_s3_faults rebalances_in_uploads);
        $crate::tests!($kind soak_distributed kills_of_distributed_workers);
        $crate::tests!($kind soak_brokers brokers_are_killed);
        $crate::tests!($kind soak_memory a_budget_keeps_the_worker_alive ten_thousand_open_files);
        $crate::tests!($kind soak_uneven one_slow_partition one_hot_partition);
        $crate::tests!($kind soak_hostile hostile_connections hostile_clients);
        $crate::tests!($kind soak_mixed mixed_load);
    };
}

/// The case that needs libfaketime.
#[macro_export]
macro_rules! soak_clock_cases {
    ($kind:ident) => {
        $crate::tests!($kind soak_workers clock_jumps);
    };
}

/// The rounds of a case.
pub(super) struct Rounds {
    until: Option<Instant>,
    done: u32,
    least: u32,
}

impl Rounds {
    /// `least` rounds, and more while there is time.
    pub(super) fn start(least: u32) -> Result<Self> {
        let until = duration()?.map(|time| Instant::now() + time);
        Ok(Self {
            until,
            done: 0,
            least,
        })
    }

    /// Whether there is another round to go.
    pub(super) fn another(&mut self) -> bool {
        let more = self.done < self.least || self.until.is_some_and(|until| Instant::now() < until);
        self.done += u32::from(more);
        more
    }

    /// Rounds so far.
    pub(super) fn done(&self) -> u32 {
        self.done
    }
}

/// How long a case is to go on, if somebody said so.
pub(super) fn duration() -> Result<Option<Duration>> {
    match std::env::var("SLUICEWAY_SOAK_SECONDS") {
        Ok(text) => {
            let seconds = text.parse().context("SLUICEWAY_SOAK_SECONDS")?;
            Ok(Some(Duration::from_secs(seconds)))
        }
        Err(_) => Ok(None),
    }
}

/// Prints a line of the table: `xtask soak` looks for these.
pub(super) fn report(fault: &str, times: u64, census: &Census, note: &str) {
    let Census {
        records,
        objects,
        lost,
        duplicated,
        orphaned,
    } = census;
    println!(
        "soak| {fault} | {times} | {records} | {objects} | {lost} | {duplicated} | {orphaned} | {note}"
    );
}

/// Nothing was lost, written twice or left behind. Else `xtask soak` finds the figures for its table here.
pub(crate) fn judge(census: &Census) -> Result<()> {
    let Census {
        records,
        objects,
        lost,
        duplicated,
        orphaned,
    } = census;
    if lost + duplicated + orphaned == 0 {
        return Ok(());
    }
    println!("soak-wrong| {records} | {objects} | {lost} | {duplicated} | {orphaned}");
    bail!("{census}")
}
