//! Recorded cases that are not expected to be equal yet: `golden/pending/*.txt`, a pattern a line (`*` stands for
//! anything, `#` begins a remark). A case on the list that has become equal is told; `SLUICEWAY_PENDING=strict` makes it a
//! failure, `SLUICEWAY_PENDING=write` removes its line. (Some cases on the list hang on the speed of the machine, so a
//! gate that insisted would fail by luck.)

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::folder;
use crate::glob;

/// The patterns of all lists.
#[derive(Debug, Default)]
pub struct Pending(Vec<String>);

impl Pending {
    /// Reads every list.
    ///
    /// # Errors
    /// The folder or a file in it can't be read.
    pub fn load() -> Result<Self> {
        let mut patterns = Vec::new();
        let lists = folder().join("pending");
        for list in std::fs::read_dir(&lists).with_context(|| lists.display().to_string())? {
            let text = std::fs::read_to_string(list?.path())?;
            let lines = text
                .lines()
                .map(|line| line.split('#').next().unwrap_or_default().trim());
            patterns.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
        }
        Ok(Self(patterns))
    }

    /// Whether a place (`sink2/smt_cast_float64_sl.json`, `rest/09-v3-cluster.json v3-12`) is on a list.
    #[must_use]
    pub fn holds(&self, place: &str) -> bool {
        self.0.iter().any(|pattern| glob::matches(pattern, place))
    }

    /// Patterns that are no longer true: `unequal` tells of every replayed place whether it differs from the recording
    /// without a listed reason. A pattern must not cover a place that is equal.
    #[must_use]
    pub fn outdated(&self, unequal: &BTreeMap<String, bool>) -> Vec<String> {
        let mut outdated = Vec::new();
        for pattern in &self.0 {
            let equal = unequal
                .iter()
                .filter(|(place, differs)| !**differs && glob::matches(pattern, place));
            outdated.extend(equal.map(|(place, _)| {
                format!("{place} is equal now: take it off the pending list ({pattern})")
            }));
        }
        outdated
    }
}

/// Tells outdated patterns, or fails, or removes their lines, as `SLUICEWAY_PENDING` asks for.
///
/// # Errors
/// Outdated patterns under `strict`; a list that cannot be written.
pub fn settle(pending: &Pending, unequal: &BTreeMap<String, bool>) -> Result<()> {
    let outdated = pending.outdated(unequal);
    match std::env::var("SLUICEWAY_PENDING").as_deref() {
        Ok("write") => return prune(unequal),
        Ok("strict") => ensure!(outdated.is_empty(), "{}", outdated.join("\n")),
        _ => outdated.iter().for_each(|line| eprintln!("{line}")),
    }
    Ok(())
}

/// Removes the lines that name one place each which is equal now.
fn prune(unequal: &BTreeMap<String, bool>) -> Result<()> {
    for list in std::fs::read_dir(folder().join("pending"))? {
        let path = list?.path();
        let text = std::fs::read_to_string(&path)?;
        let kept = text
            .lines()
            .filter(|line| unequal.get(*line) != Some(&false));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        std::fs::write(path, kept)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Pending;

    #[test]
    fn what_has_become_equal_must_leave_the_list() {
        let pending = Pending(vec!["sink2/smt_*".into()]);
        let unequal = |a, b| {
            BTreeMap::from([
                ("sink2/smt_a.json".to_owned(), a),
                ("sink2/smt_b.json".to_owned(), b),
            ])
        };
        assert_eq!(pending.outdated(&unequal(true, true)).len(), 0);
        assert_eq!(pending.outdated(&unequal(true, false)).len(), 1);
        assert_eq!(pending.outdated(&BTreeMap::new()).len(), 0);
        assert!(pending.holds("sink2/smt_a.json") && !pending.holds("sink/a.json"));
    }
}
