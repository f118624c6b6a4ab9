//! What the programs export and what their documents say of it, against which names, labels and values of an expression are held.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};

use super::files::Row;
use crate::promql::{Named, Selector};

/// Exported only where something is switched on or has gone wrong that a short test cannot bring about; their rows in
/// docs/metrics.md stand for them.
const ON_OCCASION: [&str; 4] = [
    "sluiceway_proxy_peers_lost_total",
    "sluiceway_proxy_authenticated_requests_total",
    "sluiceway_proxy_authentication_failures_total",
    "sluiceway_sink_upload_retries_total",
];
/// Labels that a scrape adds.
const OF_THE_SCRAPE: [&str; 3] = ["job", "instance", "le"];

pub(super) fn check_labels(
    family: &str,
    labels: &BTreeMap<String, String>,
    documented: &BTreeMap<String, Row>,
) -> Result<()> {
    if family.starts_with("process_") {
        return Ok(());
    }
    let row = documented
        .get(family)
        .with_context(|| format!("{family} has no row in docs/metrics.md"))?;
    let found: BTreeSet<String> = labels
        .keys()
        .filter(|label| *label != "le")
        .cloned()
        .collect();
    ensure!(
        found == row.labels,
        "{family} has the labels {found:?}, in docs/metrics.md {:?}",
        row.labels
    );
    Ok(())
}

pub(super) struct Known<'k> {
    pub(super) exported: &'k BTreeMap<String, Vec<BTreeMap<String, String>>>,
    pub(super) documented: &'k BTreeMap<String, Row>,
    pub(super) recorded: &'k BTreeMap<String, Named>,
}

impl Known<'_> {
    pub(super) fn check(&self, named: &Named) -> Result<()> {
        let mut labels = BTreeSet::new();
        for selector in &named.selectors {
            let own = self.labels(&selector.name)?;
            for (label, operator, value) in &selector.matchers {
                ensure!(
                    own.contains(label),
                    "{} has no label {label}",
                    selector.name
                );
                if operator == "=" || operator == "!=" {
                    ensure!(
                        self.has_value(selector, label, value),
                        "{}: {label} is never {value}",
                        selector.name
                    );
                }
            }
            labels.extend(own);
        }
        let unknown: Vec<_> = named.groups.difference(&labels).collect();
        ensure!(unknown.is_empty(), "no label is called {unknown:?}");
        Ok(())
    }

    fn labels(&self, name: &str) -> Result<BTreeSet<String>> {
        let mut labels: BTreeSet<String> = OF_THE_SCRAPE.map(str::to_owned).into();
        if name == "up" {
            return Ok(labels);
        }
        if let Some(rule) = self.recorded.get(name) {
            // What a rule keeps: its groups, or everything of what it is made of.
            if !rule.groups.is_empty() {
                labels.extend(rule.groups.iter().cloned());
                return Ok(labels);
            }
            for selector in &rule.selectors {
                labels.extend(self.labels(&selector.name)?);
            }
            return Ok(labels);
        }
        match self.exported.get(name) {
            Some(samples) => {
                labels.extend(samples.iter().flat_map(|labels| labels.keys().cloned()))
            }
            None => {
                ensure!(ON_OCCASION.contains(&name), "{name} is not exported");
                let row = self
                    .documented
                    .get(name)
                    .context("no row in docs/metrics.md")?;
                labels.extend(row.labels.iter().cloned());
            }
        }
        Ok(labels)
    }

    fn has_value(&self, selector: &Selector, label: &str, value: &str) -> bool {
        let mut names = vec![&selector.name];
        let rule = self.recorded.get(&selector.name);
        names.extend(
            rule.into_iter()
                .flat_map(|rule| rule.selectors.iter().map(|one| &one.name)),
        );
        names.into_iter().any(|name| {
            let samples = self.exported.get(name).into_iter().flatten();
            let family = ["_bucket", "_count", "_sum"]
                .iter()
                .find_map(|end| name.strip_suffix(end));
            let row = self.documented.get(family.unwrap_or(name));
            samples
                .into_iter()
                .any(|labels| labels.get(label).is_some_and(|found| found == value))
                || row.is_some_and(|row| row.text.contains(&format!("`{value}`")))
        })
    }
}
