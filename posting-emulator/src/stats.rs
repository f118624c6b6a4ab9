//! What happened so far: counters that a live display reads while the emulator runs.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::table::Table;

/// Notes that wait for somebody who reads them; further ones are dropped.
const MAX_NOTES: usize = 16;

/// Counters of one run, shared between the emulator and whoever displays them.
#[derive(Debug, Default)]
pub struct Stats {
    posts: AtomicU64,
    posts_failed: AtomicU64,
    printed: AtomicU64,
    requests: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
    given_up: AtomicU64,
    acknowledged: [AtomicU64; 3],
    streamed: [AtomicU64; 3],
    notes: Mutex<Vec<String>>,
    errors: Mutex<BTreeMap<ErrorKind, u64>>,
    ends: Mutex<BTreeMap<(Table, i32), i64>>,
    acknowledgements: Option<Mutex<Vec<Acknowledgement>>>,
}

/// A record that the proxy says is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acknowledgement {
    /// The table; with the user it names the topic.
    pub table: Table,
    /// The partition it was stored in.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// The row number that was posted.
    pub row: u64,
}

/// What went wrong with one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorKind {
    /// No connection, or it broke.
    Connection,
    /// No answer in time.
    Timeout,
    /// 429: the proxy asks to come back later.
    Throttled,
    /// 502, 503 or 504.
    Unavailable,
    /// Any other status than 200.
    Status(u16),
    /// The record's `error_code` inside a 200.
    Record(i64),
    /// A 200 whose body does not say what became of the record.
    Malformed,
    /// An error of Kinesis, by its name.
    Stream(&'static str),
    /// The database did not give a row.
    Database,
    /// The request could not be made.
    Request,
}

/// The counters at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Posts of which all three records were acknowledged (or printed).
    pub posts: u64,
    /// Posts of which at least one record was not.
    pub posts_failed: u64,
    /// Rows printed.
    pub printed: u64,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Requests sent again.
    pub retries: u64,
    /// Bytes of request bodies, retries included.
    pub bytes: u64,
    /// Records given up after the last attempt.
    pub given_up: u64,
    /// Acknowledged records by table, in the order of [`Table::ALL`].
    pub acknowledged: [u64; 3],
    /// Records that Kinesis acknowledged, by table, in the order of [`Table::ALL`].
    pub streamed: [u64; 3],
    /// Failed attempts by kind.
    pub errors: BTreeMap<ErrorKind, u64>,
}

// === impl Stats ===

impl Stats {
    /// Counters only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counters, and a list of every acknowledgement (24 bytes each) for a later check.
    pub fn with_acknowledgements() -> Self {
        Self {
            acknowledgements: Some(Mutex::default()),
            ..Self::default()
        }
    }

    /// All counters.
    pub fn counts(&self) -> Counts {
        Counts {
            posts: self.posts.load(Relaxed),
            posts_failed: self.posts_failed.load(Relaxed),
            printed: self.printed.load(Relaxed),
            requests: self.requests.load(Relaxed),
            retries: self.retries.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            given_up: self.given_up.load(Relaxed),
            acknowledged: [0, 1, 2].map(|table: usize| self.acknowledged[table].load(Relaxed)),
            streamed: [0, 1, 2].map(|table: usize| self.streamed[table].load(Relaxed)),
            errors: lock(&self.errors).clone(),
        }
    }

    /// The acknowledgements so far, in no particular order; empty unless they are kept.
    pub fn acknowledgements(&self) -> Vec<Acknowledgement> {
        let kept = self.acknowledgements.as_ref();
        kept.map(|list| lock(list).clone()).unwrap_or_default()
    }

    /// The offset after the highest acknowledged one, of each table and partition.
    pub fn ends(&self) -> BTreeMap<(Table, i32), i64> {
        lock(&self.ends).clone()
    }

    pub(crate) fn post_made(&self, whole: bool) {
        let counter = if whole {
            &self.posts
        } else {
            &self.posts_failed
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn row_printed(&self) {
        self.printed.fetch_add(1, Relaxed);
    }

    pub(crate) fn request_sent(&self, bytes: usize) {
        self.requests.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(crate) fn failed(&self, kind: ErrorKind) {
        *lock(&self.errors).entry(kind).or_insert(0) += 1;
    }

    /// A record was put into the stream of its table.
    pub(crate) fn streamed(&self, table: Table) {
        self.streamed[table.position()].fetch_add(1, Relaxed);
    }

    /// Something that a person should hear of, once.
    pub(crate) fn note(&self, text: String) {
        let mut notes = lock(&self.notes);
        if notes.len() < MAX_NOTES && !notes.contains(&text) {
            notes.push(text);
        }
    }

    /// What a person should hear of; each is given out once.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.notes))
    }

    pub(crate) fn gave_up(&self) {
        self.given_up.fetch_add(1, Relaxed);
    }

    pub(crate) fn acknowledged(&self, record: Acknowledgement) {
        self.acknowledged[record.table.position()].fetch_add(1, Relaxed);
        lock(&self.ends)
            .entry((record.table, record.partition))
            .and_modify(|end| *end = (*end).max(record.offset + 1))
            .or_insert(record.offset + 1);
        if let Some(list) = &self.acknowledgements {
            lock(list).push(record);
        }
    }
}

/// The counters stay readable when a thread died while it held the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Counts ===

impl Counts {
    /// Acknowledged records of all tables.
    pub fn records(&self) -> u64 {
        self.acknowledged.iter().sum()
    }

    /// Records that Kinesis acknowledged, of all tables.
    pub fn streamed(&self) -> u64 {
        self.streamed.iter().sum()
    }

    /// Failed attempts of all kinds.
    pub fn failures(&self) -> u64 {
        self.errors.values().sum()
    }
}

impl fmt::Display for Counts {
    /// The summary table, one figure a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: u64| writeln!(f, "{name:<28}{value:>12}");
        line("posts", self.posts)?;
        line("posts failed", self.posts_failed)?;
        if self.printed > 0 {
            return line("rows printed", self.printed);
        }
        line("requests", self.requests)?;
        line("requests retried", self.retries)?;
        line("bytes sent", self.bytes)?;
        for (table, count) in Table::ALL.iter().zip(self.acknowledged) {
            line(&format!("records acknowledged .{}", table.suffix()), count)?;
        }
        if self.streamed() > 0 {
            for (table, count) in Table::ALL.iter().zip(self.streamed) {
                line(&format!("records in streams -{}", table.suffix()), count)?;
            }
        }
        line("records given up", self.given_up)?;
        for (kind, count) in &self.errors {
            line(&format!("errors: {kind}"), *count)?;
        }
        Ok(())
    }
}

// === impl ErrorKind ===

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Connection => f.write_str("connection"),
            ErrorKind::Timeout => f.write_str("time-out"),
            ErrorKind::Throttled => f.write_str("throttled (429)"),
            ErrorKind::Unavailable => f.write_str("unavailable (502-504)"),
            ErrorKind::Status(status) => write!(f, "status {status}"),
            ErrorKind::Record(code) => write!(f, "record error {code}"),
            ErrorKind::Malformed => f.write_str("unreadable answer"),
            ErrorKind::Stream(name) => f.write_str(name),
            ErrorKind::Database => f.write_str("database"),
            ErrorKind::Request => f.write_str("unmade request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: Acknowledgement = Acknowledgement {
        table: Table::Geo,
        partition: 0,
        offset: 7,
        row: 3,
    };

    #[test]
    fn acknowledgements_are_kept_only_when_asked() {
        let (counting, keeping) = (Stats::new(), Stats::with_acknowledgements());
        for stats in [&counting, &keeping] {
            stats.acknowledged(RECORD);
            assert_eq!(stats.counts().acknowledged, [0, 1, 0]);
        }
        let earlier = Acknowledgement {
            offset: 3,
            ..RECORD
        };
        counting.acknowledged(earlier);
        assert_eq!(counting.ends(), [((Table::Geo, 0), 8)].into());
        assert_eq!(counting.acknowledgements(), []);
        assert_eq!(keeping.acknowledgements(), [RECORD]);
    }

    #[test]
    fn the_summary_names_every_error() {
        let stats = Stats::new();
        stats.post_made(true);
        stats.failed(ErrorKind::Throttled);
        stats.failed(ErrorKind::Record(50002));
        stats.failed(ErrorKind::Record(50002));
        let counts = stats.counts();
        assert_eq!(counts.failures(), 3);
        let summary = counts.to_string();
        assert!(
            summary.contains("errors: record error 50002             2\n"),
            "{summary}"
        );
        assert!(
            summary.contains("errors: throttled (429)                1\n"),
            "{summary}"
        );
    }
}
