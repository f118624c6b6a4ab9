//! The table of deliberate differences: `golden/differences.json`. It is enforced in both directions.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{Mismatch, folder};
use crate::glob;
use crate::parts::Kind;

/// One deliberate difference, or several of the same kind and reason.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// File below `golden/`; `*` at the end stands for anything.
    pub file: String,
    /// Call, case or record; `*` at the end stands for anything.
    pub at: String,
    /// Fact; `*` at the end stands for anything.
    pub fact: String,
    /// Why; the same words stand in docs/compatibility.md (with ` for ").
    pub reason: String,
    /// Only on these parts; everywhere if missing.
    #[serde(default)]
    pub only: Option<Only>,
    /// Need not be found: what was replayed may be without it.
    #[serde(skip)]
    pub optional: bool,
}

/// Parts to which a difference is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Only {
    /// The development broker and store differ from real ones.
    Embedded,
    /// The real store here differs from the one of the recording.
    Real,
}

impl Difference {
    fn covers(&self, mismatch: &Mismatch) -> bool {
        glob::matches(&self.file, &mismatch.file)
            && glob::matches(&self.at, &mismatch.at)
            && glob::matches(&self.fact, &mismatch.fact)
    }

    fn applies(&self, kind: Kind) -> bool {
        match self.only {
            None => true,
            Some(Only::Embedded) => kind == Kind::Embedded,
            Some(Only::Real) => kind == Kind::Real,
        }
    }
}

/// The table as it is in the repository.
///
/// # Errors
/// It is no such table.
pub fn load() -> Result<Vec<Difference>> {
    let text = std::fs::read_to_string(folder().join("differences.json"))?;
    serde_json::from_str(&text).context("golden/differences.json")
}

/// Whether a table explains a difference on these parts.
#[must_use]
pub fn explained(table: &[Difference], kind: Kind, mismatch: &Mismatch) -> bool {
    let mut table = table.iter();
    table.any(|difference| difference.applies(kind) && difference.covers(mismatch))
}

/// Fails on every difference that is not listed, and on every listed one of the replayed files that was not found.
///
/// # Errors
/// See above; the message lists all of them.
pub fn judge(
    table: &[Difference],
    kind: Kind,
    replayed: &[&str],
    found: &[Mismatch],
) -> Result<()> {
    let table: Vec<_> = table
        .iter()
        .filter(|difference| difference.applies(kind))
        .collect();
    let unlisted = found
        .iter()
        .filter(|one| !table.iter().any(|difference| difference.covers(one)));
    let mut complaints: Vec<String> = unlisted.map(|one| format!("not listed: {one}")).collect();
    for difference in table {
        let concerned = replayed
            .iter()
            .any(|file| glob::matches(&difference.file, file));
        if concerned && !difference.optional && !found.iter().any(|one| difference.covers(one)) {
            let Difference { file, at, fact, .. } = difference;
            complaints.push(format!("listed, but not found: {file} {at} {fact}"));
        }
    }
    let count = complaints.len();
    ensure!(
        count == 0,
        "{count} differences to the recordings:\n{}",
        complaints.join("\n")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Difference, Mismatch, Only, judge, load};
    use crate::parts::Kind;

    fn mismatch(file: &str, at: &str, fact: &str) -> Mismatch {
        Mismatch {
            file: file.into(),
            at: at.into(),
            fact: fact.into(),
            recorded: "1".into(),
            found: "2".into(),
        }
    }

    fn listed(file: &str, at: &str, fact: &str, only: Option<Only>) -> Difference {
        Difference {
            file: file.into(),
            at: at.into(),
            fact: fact.into(),
            reason: "because".into(),
            only,
            optional: false,
        }
    }

    #[test]
    fn both_directions_are_enforced() {
        let found = [mismatch("a.json", "x", "status")];
        let table = [listed("a.json", "x", "stat*", None)];
        judge(&table, Kind::Real, &["a.json"], &found).unwrap();
        assert!(judge(&[], Kind::Real, &["a.json"], &found).is_err());
        assert!(judge(&table, Kind::Real, &["a.json"], &[]).is_err());
        judge(&table, Kind::Real, &["b.json"], &[]).unwrap();
    }

    #[test]
    fn a_difference_may_be_limited_to_parts() {
        let found = [mismatch("a.json", "x", "status")];
        let table = [listed("a.json", "*", "*", Some(Only::Embedded))];
        judge(&table, Kind::Embedded, &["a.json"], &found).unwrap();
        assert!(judge(&table, Kind::Real, &["a.json"], &found).is_err());
        judge(&table, Kind::Real, &["a.json"], &[]).unwrap();
    }

    #[test]
    fn every_listed_difference_names_a_recording_and_stands_in_the_docs() {
        let docs = super::folder().join("../../docs");
        let page = std::fs::read_to_string(docs.join("compatibility.md")).unwrap();
        for difference in load().unwrap() {
            let file = super::folder().join(&difference.file);
            assert!(
                difference.file.contains('*') || file.exists(),
                "{difference:?}"
            );
            let reason = difference.reason.replace('"', "`");
            assert!(page.contains(&reason), "not in the docs: {reason}");
        }
    }
}
