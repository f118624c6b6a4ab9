//! The recorded cases of the sink, replayed: one worker runs them, a number of them at a time. Which cases: all, or those
//! that `SLUICEWAY_GOLDEN` names (`sink2/smt_cast*,sink/field_*`). A table of the results is printed.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use dev_services::registry::{Registry, RegistryOptions};
use tokio::runtime::Handle;

use super::case::{Addresses, Case};
use super::differences::{Difference, explained, judge};
use super::pending::{self, Pending};
use super::{Mismatch, folder, schemas};
use crate::target::{Sink, SinkFiles};
use crate::{Session, glob};

/// Cases under way at the same time: they mostly wait, for groups to form and for outcomes to stay as they are.
const AT_ONCE: usize = 24;
/// What a case may take.
const LIMIT: Duration = Duration::from_secs(120);
/// Recordings of another kind.
const OTHER: [&str; 2] = [
    "sink/connect-rest.json",
    "sink/rewind_conditional_writes.json",
];

/// Every recorded case.
///
/// # Errors
/// The folder can't be read.
pub fn all() -> Result<Vec<String>> {
    let mut all = Vec::new();
    for part in ["sink", "sink2"] {
        for entry in std::fs::read_dir(folder().join(part))? {
            all.push(format!("{part}/{}", entry?.file_name().to_string_lossy()));
        }
    }
    all.retain(|file| !OTHER.contains(&file.as_str()));
    all.sort();
    Ok(all)
}

/// The cases that `SLUICEWAY_GOLDEN` names; all without it.
///
/// # Errors
/// It names none.
pub fn chosen() -> Result<Vec<String>> {
    let mut cases = all()?;
    if let Ok(patterns) = std::env::var("SLUICEWAY_GOLDEN") {
        let wanted = |file: &String| {
            let plain = file.trim_end_matches(".json");
            let mut patterns = patterns.split(',').map(str::trim);
            patterns.any(|pattern| glob::matches(pattern, file) || glob::matches(pattern, plain))
        };
        cases.retain(wanted);
        ensure!(
            !cases.is_empty(),
            "SLUICEWAY_GOLDEN={patterns} names no recorded case of the sink"
        );
    }
    Ok(cases)
}

/// What was found in each case.
pub type Found = BTreeMap<String, Vec<Mismatch>>;

/// Runs cases on one worker and compares what became of each.
///
/// # Errors
/// The parts or the worker fail; differences are no errors.
pub async fn replay(session: &Session, cases: &[String], table: &[Difference]) -> Result<Found> {
    let registry = Registry::start(RegistryOptions::default()).await?;
    let addresses = Addresses {
        closed: closed_address()?,
        registry: registry.url(),
    };
    schemas::accept_everything(&session.parts.registry).await?;
    schemas::accept_everything(&addresses.registry).await?;
    let files = SinkFiles::write(session, &[], &[])?
        .environment("AWS_ACCESS_KEY_ID", &session.parts.s3.key)
        .environment("AWS_SECRET_ACCESS_KEY", &session.parts.s3.secret);
    let sink = files.start().await?;
    let run = Run {
        session,
        sink: &sink,
        addresses: &addresses,
        table,
    };
    let (queue, found) = (Mutex::new(cases.iter()), Mutex::new(Found::new()));
    let runtime = Handle::current();
    let failed = tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let work = || -> Result<()> {
                while let Some(file) = next(&queue) {
                    let mismatches = runtime.block_on(run.case(file));
                    let mismatches = mismatches.with_context(|| file.clone())?;
                    lock(&found).insert(file.clone(), mismatches);
                }
                Ok(())
            };
            let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
            let ends = threads.into_iter().map(|thread| thread.join());
            ends.filter_map(|end| {
                end.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                    .err()
            })
            .next()
        })
    });
    failed.map_or(Ok(()), Err)?;
    Ok(found
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn next<'a>(queue: &Mutex<std::slice::Iter<'a, String>>) -> Option<&'a String> {
    lock(queue).next()
}

struct Run<'a> {
    session: &'a Session,
    sink: &'a Sink,
    addresses: &'a Addresses,
    table: &'a [Difference],
}

impl Run<'_> {
    async fn case(&self, file: &str) -> Result<Vec<Mismatch>> {
        let case = Case::begin(self.session, self.sink, file, self.addresses).await?;
        case.go_on(self.session).await?;
        let found = self.final_findings(&case).await?;
        case.end(self.sink).await?;
        Ok(found)
    }

    /// Waits until nothing changes any more: shortly when the outcome is the recorded one, longer when it is not.
    async fn final_findings(&self, case: &Case) -> Result<Vec<Mismatch>> {
        if !case.begins_equal() {
            return case.findings(self.session, self.sink).await;
        }
        let (begun, patience) = (Instant::now(), case.patience());
        let (mut last, mut since, mut checked) = (String::new(), Instant::now(), false);
        loop {
            let now = case.summary(self.session, self.sink).await?;
            if now != last {
                (last, since, checked) = (now, Instant::now(), false);
            }
            if since.elapsed() >= patience && !checked {
                let found = case.findings(self.session, self.sink).await?;
                let kind = self.session.parts.kind;
                if found.iter().all(|one| explained(self.table, kind, one)) {
                    return Ok(found);
                }
                checked = true;
            }
            if since.elapsed() >= case.quiet() || begun.elapsed() > LIMIT {
                return case.findings(self.session, self.sink).await;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

/// Prints a line a case, and what differs without a reason; fails on differences that no list explains, and on entries of
/// the lists that are not true.
///
/// # Errors
/// See above; the message lists all of them.
pub fn verdict(
    session: &Session,
    found: &Found,
    table: &[Difference],
    pending: &Pending,
) -> Result<()> {
    let kind = session.parts.kind;
    let mut unequal = BTreeMap::new();
    let mut counts = BTreeMap::new();
    for (file, mismatches) in found {
        let unexplained: Vec<_> = mismatches
            .iter()
            .filter(|one| !explained(table, kind, one))
            .collect();
        let word = match (
            mismatches.is_empty(),
            unexplained.is_empty(),
            pending.holds(file),
        ) {
            (true, _, _) => "equal",
            (_, true, _) => "explained",
            (_, _, true) => "pending",
            _ => "UNEXPLAINED",
        };
        println!(
            "{word:<11} {file}{}",
            if pending.holds(file) && unexplained.is_empty() {
                "  (still on the pending list)"
            } else {
                ""
            }
        );
        if std::env::var_os("SLUICEWAY_GOLDEN").is_some() || word == "UNEXPLAINED" {
            unexplained.iter().for_each(|one| println!("    {one}"));
        }
        *counts.entry(word).or_insert(0) += 1;
        unequal.insert(file.clone(), !unexplained.is_empty());
    }
    println!("{counts:?}");
    pending::settle(pending, &unequal)?;
    let table = named(table);
    let due = found.iter().filter(|(file, _)| !pending.holds(file));
    let (files, all): (Vec<_>, Vec<_>) = due
        .map(|(file, list)| (file.as_str(), list.clone()))
        .unzip();
    judge(&table, kind, &files, &all.concat())
}

/// When only some cases were run, a difference that is listed for many need not be found in them.
fn named(table: &[Difference]) -> Vec<Difference> {
    let some = std::env::var_os("SLUICEWAY_GOLDEN").is_some();
    let mut table = table.to_vec();
    if some {
        for difference in table
            .iter_mut()
            .filter(|difference| difference.file.contains('*'))
        {
            difference.optional = true;
        }
    }
    table
}

/// `host:port` where nobody listens.
fn closed_address() -> Result<String> {
    let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(socket.local_addr()?.to_string())
}
