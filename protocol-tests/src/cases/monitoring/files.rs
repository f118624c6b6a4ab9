//! What the files hold: expressions of rules and dashboards, and the rows of docs/metrics.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../monitoring")
}

/// An expression and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub(super) place: String,
    pub(super) text: String,
    /// The series that a rule makes of it.
    pub(super) records: Option<String>,
}

/// `- record: name` or `- alert: name`, then `expr: …` on one line.
pub(super) fn of_rules() -> Result<Vec<Expression>> {
    let text = std::fs::read_to_string(folder().join("rules.yaml"))?;
    let (mut found, mut rule) = (Vec::new(), None);
    for line in text.lines().map(str::trim) {
        if let Some((kind, name)) = line
            .strip_prefix("- ")
            .and_then(|rest| rest.split_once(": "))
        {
            rule = Some((kind, name));
        }
        if let Some(text) = line.strip_prefix("expr: ") {
            let (kind, name) = rule.context("an expression without rule")?;
            found.push(Expression {
                place: format!("rules.yaml, {name}"),
                text: text.to_owned(),
                records: (kind == "record").then(|| name.to_owned()),
            });
        }
    }
    ensure!(found.len() > 20, "only {} rules are read", found.len());
    ensure!(
        found.len() == text.matches("expr:").count(),
        "not every rule is read"
    );
    Ok(found)
}

/// Every target of every panel, with Grafana's variables replaced.
pub(super) fn of_dashboards() -> Result<Vec<Expression>> {
    let mut found = Vec::new();
    for file in ["proxy.json", "sink.json"] {
        let text = std::fs::read_to_string(folder().join("dashboards").join(file))?;
        let board: Value = serde_json::from_str(&text)?;
        for panel in board["panels"].as_array().context("no panels")? {
            let title = panel["title"].as_str().unwrap_or_default();
            for target in panel["targets"].as_array().context("no targets")? {
                let text = target["expr"].as_str().context("no expression")?;
                let text = text
                    .replace("$__rate_interval", "15s")
                    .replace("$job", ".*")
                    .replace("$connector", ".*");
                ensure!(
                    !text.contains('$'),
                    "{file}, {title}: a variable is left in {text}"
                );
                found.push(Expression {
                    place: format!("{file}, {title}"),
                    text,
                    records: None,
                });
            }
        }
    }
    ensure!(found.len() > 40, "only {} expressions", found.len());
    Ok(found)
}

/// A row of docs/metrics.md.
pub(super) struct Row {
    pub(super) labels: BTreeSet<String>,
    pub(super) text: String,
}

pub(super) fn documented() -> Result<BTreeMap<String, Row>> {
    let text = std::fs::read_to_string(folder().join("../docs/metrics.md"))?;
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        let labels = cells.get(3)?.split(',').map(str::trim);
        let row = Row {
            labels: labels
                .filter(|label| !label.is_empty())
                .map(str::to_owned)
                .collect(),
            text: line.to_owned(),
        };
        Some((name.to_owned(), row))
    });
    Ok(rows.collect())
}
