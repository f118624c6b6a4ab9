//! The rules and dashboards of `monitoring/`: they name only what the programs export, and a genuine Prometheus server that
//! scrapes both has an answer to every one of their expressions.

mod files;
mod known;
mod server;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::SINK_LIMIT;
use crate::promql::{self, Selector};
use crate::{Session, eventually};
use files::{Expression, documented, folder, of_dashboards, of_rules};
use known::{Known, check_labels};
use server::{has_answer, rules_are_healthy, start};
use work::{at_work, more_work, scrape};

/// The list of these cases.
#[macro_export]
macro_rules! monitoring_cases {
    (embedded) => {
        $crate::tests!(embedded monitoring expressions_name_what_is_exported every_rule_has_its_tests);
    };
    (real) => {
        $crate::tests!(real monitoring prometheus_has_answers);
    };
}

/// What is scraped has the labels of its row in docs/metrics.md; each name and label of an expression is exported; each value
/// that is compared with is one that the program has, or the row names.
///
/// # Errors
/// The case fails.
pub async fn expressions_name_what_is_exported(session: &Session) -> Result<()> {
    let (mut proxy, mut sink) = at_work(session).await?;
    let documented = documented()?;
    let mut exported: BTreeMap<String, Vec<BTreeMap<String, String>>> = BTreeMap::new();
    for admin in proxy.admin.iter().chain([&sink.admin]) {
        for (family, found) in scrape(admin).await?.0 {
            for sample in found.samples {
                check_labels(&family, &sample.labels, &documented)?;
                exported.entry(sample.name).or_default().push(sample.labels);
            }
        }
    }
    let rules = of_rules()?;
    let mut recorded = BTreeMap::new();
    for rule in &rules {
        if let Some(name) = &rule.records {
            recorded.insert(name.clone(), promql::read(&rule.text)?);
        }
    }
    for expression in rules.iter().chain(&of_dashboards()?) {
        let named = promql::read(&expression.text).with_context(|| expression.place.clone())?;
        ensure!(
            !named.selectors.is_empty(),
            "{} names nothing",
            expression.place
        );
        let known = Known {
            exported: &exported,
            documented: &documented,
            recorded: &recorded,
        };
        known
            .check(&named)
            .with_context(|| format!("{}: {}", expression.place, expression.text))?;
    }
    sink.stop().await?;
    proxy.stop().await
}

/// promtool takes the rules and their tests; a server scrapes both programs, evaluates the rules without error, fires nothing,
/// and every expression of the dashboards and every recording rule has an answer.
///
/// # Errors
/// The case fails.
pub async fn prometheus_has_answers(session: &Session) -> Result<()> {
    let binaries = std::env::var("SLUICEWAY_TEST_PROMETHEUS")
        .context("SLUICEWAY_TEST_PROMETHEUS is not set; `cargo xtask verify` sets it")?;
    let binaries = PathBuf::from(binaries);
    for arguments in [
        ["check", "rules", "rules.yaml"],
        ["test", "rules", "rules_test.yaml"],
        ["test", "rules", "rules_quiet_test.yaml"],
        ["check", "config", "prometheus.yaml"],
    ] {
        let output = Command::new(binaries.join("promtool"))
            .args(arguments)
            .current_dir(folder())
            .output()?;
        let text =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "promtool {arguments:?}: {text}");
    }
    let (mut proxy, mut sink) = at_work(session).await?;
    let admin = proxy.admin.clone().context("no admin listener")?;
    let (mut server, http) = start(session, &binaries, [&admin, &sink.admin]).await?;
    let mut missing: Vec<Expression> = of_dashboards()?;
    missing.extend(of_rules()?.into_iter().filter_map(|rule| {
        let text = rule.records.clone()?;
        Some(Expression { text, ..rule })
    }));
    let topic = session.name("watched");
    let all = eventually("waiting for answers", SINK_LIMIT, async || {
        // Rates need figures that change.
        more_work(&proxy.http, &topic).await?;
        let mut left = Vec::new();
        for expression in missing.drain(..) {
            if !has_answer(&http, &expression).await? {
                left.push(expression);
            }
        }
        missing = left;
        tokio::time::sleep(Duration::from_millis(500)).await;
        Ok(missing.is_empty().then_some(()))
    });
    if let Err(error) = all.await {
        let left: Vec<_> = missing
            .iter()
            .map(|one| format!("{}: {}", one.place, one.text))
            .collect();
        return Err(error.context(format!("no answer to:\n{}", left.join("\n"))));
    }
    rules_are_healthy(&http).await?;
    server.terminate(Duration::from_secs(30)).await?;
    sink.stop().await?;
    proxy.stop().await
}

/// What an expression looks at, with what recording rules look at in place of their names.
fn looks_at(text: &str, rules: &[Expression]) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for Selector { name, .. } in promql::read(text)?.selectors {
        let rule = rules
            .iter()
            .find(|rule| rule.records.as_ref() == Some(&name));
        match rule {
            Some(rule) => found.extend(looks_at(&rule.text, rules)?),
            None => {
                found.insert(name);
            }
        }
    }
    Ok(found)
}

/// Every recording rule has an expected value, every alert fires in a test of promtool, and whatever an alert looks at is there in
/// the test where none fires.
///
/// # Errors
/// The case fails.
pub async fn every_rule_has_its_tests(_: &Session) -> Result<()> {
    let read = |file: &str| std::fs::read_to_string(folder().join(file));
    let (loud, quiet) = (read("rules_test.yaml")?, read("rules_quiet_test.yaml")?);
    let rules = of_rules()?;
    for rule in &rules {
        let name = rule.place.rsplit(' ').next().unwrap_or_default();
        if rule.records.is_some() {
            let mut asked = loud.lines().filter(|line| line.contains("- expr: "));
            let has_value = asked.any(|line| line.contains(name));
            ensure!(has_value, "{name} has no expected value");
            continue;
        }
        let ways = [format!("alertname: {name}"), format!("\"{name}\"")];
        let fires = ways.iter().any(|way| loud.contains(way));
        ensure!(fires, "{name} fires in no test");
        for series in looks_at(&rule.text, &rules)? {
            let there = quiet.contains(&format!("- series: {series}{{"));
            ensure!(there, "{name}: {series} is not among what is quiet");
        }
    }
    Ok(())
}
