//! The byte budget of the process: what part buffers, encoders and uploads hold, counted in one place.
//!
//! In: reservations that grow and shrink with the buffers they stand for. Out: a [`Pressure`] by which tasks upload
//! parts early, close the topic-partition that holds most, or pause.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::spare_buffers::SpareBuffers;

/// Share of the budget above which parts go out early.
const SOFT_PERCENT: usize = 60;
/// Share of the budget above which files are closed and partitions paused.
const HARD_PERCENT: usize = 85;
/// Share of the budget that buffers may hold which wait to be filled again.
const SPARE_PERCENT: usize = 17;
/// The budget when neither the user nor a cgroup sets a limit, bytes.
const DEFAULT_BYTES: usize = 160 * 1024 * 1024;
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
    spares: SpareBuffers,
}

impl Budget {
    /// A budget of `total` bytes.
    pub fn new(total: usize) -> Arc<Self> {
        Arc::new(Self {
            total: total.max(1),
            used: AtomicUsize::new(0),
            spares: SpareBuffers::new(total / 100 * SPARE_PERCENT),
        })
    }

    /// The default: half of the cgroup's memory limit, or 160 MiB when there is none.
    pub fn default_bytes() -> usize {
        cgroup_limit().map_or(DEFAULT_BYTES, |limit| {
            (limit / 100 * CGROUP_PERCENT).min(1 << 40)
        })
    }

    /// The budget in bytes.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Bytes held now, those of spare buffers included.
    pub fn used(&self) -> usize {
        self.in_use() + self.spares.bytes()
    }

    fn in_use(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// How full it is. Spare buffers go before they bring it to the hard mark, and do not count for the soft one: nobody
    /// has to wait for what can be freed at once.
    pub fn pressure(&self) -> Pressure {
        let hard = self.total / 100 * HARD_PERCENT;
        if self.used() >= hard {
            self.spares.free();
        }
        match self.in_use() {
            used if used >= hard => Pressure::Hard,
            used if used >= self.total / 100 * SOFT_PERCENT => Pressure::Soft,
            _ => Pressure::None,
        }
    }

    /// An account of no bytes yet.
    pub fn account(self: &Arc<Self>) -> Arc<Account> {
        Arc::new(Account {
            budget: Arc::clone(self),
            open: AtomicUsize::new(0),
            closed: AtomicUsize::new(0),
        })
    }

    /// Above so many bytes on their way to S3, one of `holders` holds more of the budget than the others can do without.
    pub fn share(&self, holders: usize) -> usize {
        self.total / 100 * SOFT_PERCENT / holders.max(1)
    }
}

/// What one holder (a topic-partition) has of the budget.
#[derive(Debug)]
pub struct Account {
    budget: Arc<Budget>,
    open: AtomicUsize,
    closed: AtomicUsize,
}

impl Account {
    /// Bytes in open files.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Bytes that are on their way to S3 or wait for their plan: they go by themselves.
    pub fn closed(&self) -> usize {
        self.closed.load(Ordering::Relaxed)
    }

    /// A buffer that was filled before, with the room that it then had.
    pub(crate) fn spare(&self) -> Option<Vec<u8>> {
        self.budget.spares.take()
    }

    /// Keeps a large buffer for a file to come.
    pub(crate) fn keep(&self, buffer: Vec<u8>) {
        self.budget.spares.keep(buffer);
    }

    /// A reservation of no bytes yet, for an open file.
    pub fn reserve(self: &Arc<Self>) -> Reservation {
        Reservation {
            account: Arc::clone(self),
            open: true,
            bytes: 0,
        }
    }

    fn counter(&self, open: bool) -> &AtomicUsize {
        if open { &self.open } else { &self.closed }
    }

    fn add(&self, bytes: usize, open: bool) {
        self.counter(open).fetch_add(bytes, Ordering::Relaxed);
        self.budget.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize, open: bool) {
        self.counter(open).fetch_sub(bytes, Ordering::Relaxed);
        self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Bytes that one buffer holds of the budget; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    account: Arc<Account>,
    open: bool,
    bytes: usize,
}

impl Reservation {
    /// The buffer now holds `bytes`.
    pub fn set(&mut self, bytes: usize) {
        if bytes > self.bytes {
            self.account.add(bytes - self.bytes, self.open);
        } else {
            self.account.give_back(self.bytes - bytes, self.open);
        }
        self.bytes = bytes;
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whose bytes they are.
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Hands the bytes over to a new reservation of what is closed, as when a full buffer becomes an upload.
    pub fn close(&mut self) -> Self {
        let bytes = std::mem::take(&mut self.bytes);
        self.account.give_back(bytes, self.open);
        self.account.add(bytes, false);
        Self {
            account: Arc::clone(&self.account),
            open: false,
            bytes,
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.account.give_back(self.bytes, self.open);
    }
}

/// The memory limit of this process's cgroup or of one above it, when one is set.
fn cgroup_limit() -> Option<usize> {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let read = |path: &str| std::fs::read_to_string(path).ok();
    limit_of(&own, read)
}

/// The least of the limits from the process's own group (a line of `own`, `/proc/self/cgroup`) up to the root: version 2, and
/// version 1 for its memory controller. Inside a container the group's own path may not be there; the root is its limit then.
fn limit_of(own: &str, read: impl Fn(&str) -> Option<String>) -> Option<usize> {
    let mut files = Vec::new();
    for line in own.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            list if list.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut path = path.trim_end_matches('/');
        loop {
            files.push(format!("{root}{path}/{file}"));
            match path.rsplit_once('/') {
                Some((above, _)) => path = above,
                None => break,
            }
        }
    }
    files
        .iter()
        .filter_map(|file| read(file)?.trim().parse::<usize>().ok())
        // "No limit" is written as a huge number by version 1, as a word by version 2.
        .filter(|limit| *limit < 1 << 50)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_raise_and_lower_the_pressure() {
        let budget = Budget::new(1000);
        let (one, other) = (budget.account(), budget.account());
        let mut a = one.reserve();
        a.set(500);
        assert_eq!(budget.pressure(), Pressure::None);
        let mut b = other.reserve();
        b.set(150);
        assert_eq!(budget.pressure(), Pressure::Soft);
        b.set(400);
        assert_eq!((budget.used(), budget.pressure()), (900, Pressure::Hard));
        assert_eq!((one.open(), other.open(), other.closed()), (500, 400, 0));
        let moved = b.close();
        assert_eq!((other.open(), other.closed()), (0, 400));
        assert_eq!((b.bytes(), moved.bytes(), budget.used()), (0, 400, 900));
        drop(moved);
        a.set(0);
        assert_eq!((budget.used(), budget.pressure()), (0, Pressure::None));
        assert_eq!((one.open(), other.closed()), (0, 0));
    }

    #[test]
    fn the_least_limit_on_the_way_to_the_root_counts() {
        let files = [
            ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("/sys/fs/cgroup/a/memory.max", "700\n"),
            ("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "900\n"),
            (
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
        ];
        let read = |path: &str| {
            let found = files.iter().find(|(name, _)| *name == path);
            found.map(|(_, text)| (*text).to_owned())
        };
        assert_eq!(limit_of("0::/a/b\n", read), Some(700));
        assert_eq!(
            limit_of("4:cpu:/y\n3:hugetlb,memory:/x/gone\n", read),
            Some(900)
        );
        assert_eq!(limit_of("4:memory:/\n0::/\n", read), None);
        assert_eq!(limit_of("", read), None);
    }

    #[test]
    fn the_default_is_a_usable_size() {
        assert!(Budget::default_bytes() >= 1024 * 1024);
    }
}
