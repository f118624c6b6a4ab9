//! The byte budget of the process: what part buffers, encoders and uploads hold, counted in one place.
//!
//! In: reservations that grow and shrink with the buffers they stand for. Out: a [`Pressure`] by which tasks upload
//! parts early, close their coldest topic-partition, or pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Share of the budget above which parts go out early.
const SOFT_PERCENT: usize = 60;
/// Share of the budget above which files are closed and partitions paused.
const HARD_PERCENT: usize = 85;
/// The budget when neither the user nor a cgroup sets a limit, bytes.
const DEFAULT_BYTES: usize = 256 * 1024 * 1024;
/// The part of a cgroup's memory limit that is ours to fill, percent; the rest is for fetch queues, code and stacks.
const CGROUP_PERCENT: usize = 50;

/// How full the budget is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// Below the soft mark.
    None,
    /// Above the soft mark: send parts early.
    Soft,
    /// Above the hard mark: close files, take no more records.
    Hard,
}

/// Counts the bytes that tasks hold.
#[derive(Debug)]
pub struct Budget {
    total: usize,
    used: AtomicUsize,
}

impl Budget {
    /// A budget of `total` bytes.
    pub fn new(total: usize) -> Arc<Self> {
        Arc::new(Self {
            total: total.max(1),
            used: AtomicUsize::new(0),
        })
    }

    /// The default: half of the cgroup's memory limit, or 256 MiB when there is none.
    pub fn default_bytes() -> usize {
        cgroup_limit().map_or(DEFAULT_BYTES, |limit| {
            (limit / 100 * CGROUP_PERCENT).min(1 << 40)
        })
    }

    /// The budget in bytes.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// How full it is.
    pub fn pressure(&self) -> Pressure {
        match self.used() {
            used if used >= self.total / 100 * HARD_PERCENT => Pressure::Hard,
            used if used >= self.total / 100 * SOFT_PERCENT => Pressure::Soft,
            _ => Pressure::None,
        }
    }

    /// A reservation of no bytes yet.
    pub fn reserve(self: &Arc<Self>) -> Reservation {
        Reservation {
            budget: Arc::clone(self),
            bytes: 0,
        }
    }
}

/// Bytes that one buffer holds of the budget; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Reservation {
    /// The buffer now holds `bytes`.
    pub fn set(&mut self, bytes: usize) {
        if bytes > self.bytes {
            self.budget
                .used
                .fetch_add(bytes - self.bytes, Ordering::Relaxed);
        } else {
            self.budget
                .used
                .fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Hands the bytes over to a new reservation, as when a full buffer becomes an upload.
    pub fn take(&mut self) -> Self {
        Self {
            budget: Arc::clone(&self.budget),
            bytes: std::mem::take(&mut self.bytes),
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The memory limit of this process's cgroup (v2, then v1), when one is set.
fn cgroup_limit() -> Option<usize> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let v2 = own
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .map(|path| format!("/sys/fs/cgroup{path}/memory.max"));
    [
        v2.as_deref(),
        Some("/sys/fs/cgroup/memory.max"),
        Some("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    ]
    .into_iter()
    .flatten()
    .find_map(|path| {
        std::fs::read_to_string(path)
            .ok()?
            .trim()
            .parse::<usize>()
            .ok()
    })
    // "No limit" is written as a huge number by v1.
    .filter(|limit| *limit < 1 << 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_raise_and_lower_the_pressure() {
        let budget = Budget::new(1000);
        let mut a = budget.reserve();
        a.set(500);
        assert_eq!(budget.pressure(), Pressure::None);
        let mut b = budget.reserve();
        b.set(150);
        assert_eq!(budget.pressure(), Pressure::Soft);
        b.set(400);
        assert_eq!((budget.used(), budget.pressure()), (900, Pressure::Hard));
        let moved = b.take();
        assert_eq!((b.bytes(), moved.bytes(), budget.used()), (0, 400, 900));
        drop(moved);
        a.set(0);
        assert_eq!((budget.used(), budget.pressure()), (0, Pressure::None));
    }

    #[test]
    fn the_default_is_a_usable_size() {
        assert!(Budget::default_bytes() >= 1024 * 1024);
    }
}
