//! The rules and dashboards of `monitoring/`: they name only what the programs export, and a genuine Prometheus server that
//! scrapes both has an answer to every one of their expressions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    SINK_LIMIT, V2, V2_JSON, expect_status, produce, produce_ok, wait_for_commit, wait_for_objects,
};
use crate::connector::Connector;
use crate::exposition::Scrape;
use crate::http::{Client, Request};
use crate::kafka::Record;
use crate::program::Program;
use crate::promql::{self, Named, Selector};
use crate::target::{Proxy, Sink, free_listener};
use crate::{Session, eventually};

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

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../monitoring")
}

// === what the files hold ===

/// An expression and where it stands.
#[derive(Debug, Clone)]
struct Expression {
    place: String,
    text: String,
    /// The series that a rule makes of it.
    records: Option<String>,
}

/// `- record: name` or `- alert: name`, then `expr: …` on one line.
fn of_rules() -> Result<Vec<Expression>> {
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
fn of_dashboards() -> Result<Vec<Expression>> {
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
struct Row {
    labels: BTreeSet<String>,
    text: String,
}

fn documented() -> Result<BTreeMap<String, Row>> {
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

// === work to be seen ===

/// Both programs after some work of every kind that the dashboards show: records written, refused and read; objects, a bad
/// record and its letter, a commit.
async fn at_work(session: &Session) -> Result<(Proxy, Sink)> {
    let topic = session.topic("watched", 1).await?;
    let bucket = session.bucket("watched").await?;
    let letters = session.topic("watched-letters", 1).await?;
    let records: Vec<Record> = (0..7).map(|n| Record::value(0, n.to_string())).collect();
    session.kafka.write(&topic, &records).await?;
    session
        .kafka
        .write(&topic, &[Record::value(0, "no JSON")])
        .await?;
    let connector = Connector::json(session, "watched", &topic, &bucket)
        .set("errors.tolerance", "all")
        .set("errors.deadletterqueue.topic.name", &letters)
        .set("errors.deadletterqueue.topic.replication.factor", "1");
    let sink = Sink::start(session, std::slice::from_ref(&connector)).await?;
    let proxy = Proxy::start(session, &[]).await?;
    wait_for_objects(&bucket, 2).await?;
    wait_for_commit(session, &connector, &topic, &[(0, 6)]).await?;
    more_work(&proxy.http, &topic).await?;
    read(session, &proxy.http, &topic).await?;
    eventually("waiting for the lag", SINK_LIMIT, async || {
        let scrape = scrape(&sink.admin).await?;
        Ok(scrape.sum("sluiceway_sink_lag_records", &[]).map(drop))
    })
    .await?;
    Ok((proxy, sink))
}

async fn more_work(http: &Client, topic: &str) -> Result<()> {
    let path = format!("/topics/{topic}");
    produce_ok(
        http,
        &path,
        &json!({"records": [{"value": 8}, {"value": 9}]}),
    )
    .await?;
    let nowhere = json!({"records": [{"partition": 9, "value": 1}]});
    http.call(&produce(&path, &nowhere)).await.map(drop)
}

async fn read(session: &Session, http: &Client, topic: &str) -> Result<()> {
    let group = session.name("watchers");
    let call = async |method: &str, path: &str, body: Value| {
        let request = Request::new(method, path)
            .header("Content-Type", V2)
            .header("Accept", V2);
        http.call(&request.body(body.to_string())).await
    };
    let settings = json!({"name": "one", "format": "json", "auto.offset.reset": "earliest"});
    expect_status(
        &call("POST", &format!("/consumers/{group}"), settings).await?,
        200,
    )?;
    let instance = format!("/consumers/{group}/instances/one");
    // The record that is no JSON is none of the test's concern: the reader starts behind it.
    let assigned = json!({"partitions": [{"topic": topic, "partition": 0}]});
    expect_status(
        &call("POST", &format!("{instance}/assignments"), assigned).await?,
        204,
    )?;
    let behind = json!({"offsets": [{"topic": topic, "partition": 0, "offset": 8}]});
    expect_status(
        &call("POST", &format!("{instance}/positions"), behind).await?,
        204,
    )?;
    eventually("waiting for records", SINK_LIMIT, async || {
        let answer = http
            .get(&format!("{instance}/records?timeout=1000"), Some(V2_JSON))
            .await?;
        expect_status(&answer, 200)?;
        Ok(answer
            .json()?
            .as_array()
            .is_some_and(|found| !found.is_empty())
            .then_some(()))
    })
    .await
}

async fn scrape(admin: &Client) -> Result<Scrape> {
    let answer = admin.get("/metrics", None).await?;
    expect_status(&answer, 200)?;
    Scrape::parse(&answer.text()?)
}

// === the cases ===

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

fn check_labels(
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

struct Known<'k> {
    exported: &'k BTreeMap<String, Vec<BTreeMap<String, String>>>,
    documented: &'k BTreeMap<String, Row>,
    recorded: &'k BTreeMap<String, Named>,
}

impl Known<'_> {
    fn check(&self, named: &Named) -> Result<()> {
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

/// A server that looks every second.
async fn start(
    session: &Session,
    binaries: &Path,
    targets: [&Client; 2],
) -> Result<(Program, Client)> {
    let rules = folder().join("rules.yaml");
    let jobs = ["sluiceway-proxy", "sluiceway-sink"];
    let jobs = jobs.iter().zip(targets).map(|(job, target)| {
        format!(
            "  - job_name: {job}\n    static_configs:\n      - targets: [\"{}\"]\n",
            target.authority()
        )
    });
    let config = format!(
        "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files:\n  - {}\nscrape_configs:\n{}",
        rules.display(),
        jobs.collect::<String>()
    );
    let file = session.file("prometheus.yaml");
    std::fs::write(&file, config)?;
    let listener = free_listener()?;
    let http = Client::new(&listener)?;
    let arguments = [
        format!("--config.file={}", file.display()),
        format!(
            "--storage.tsdb.path={}",
            session.file("prometheus-data").display()
        ),
        format!("--web.listen-address={}", http.authority()),
    ];
    let arguments: Vec<&Path> = arguments.iter().map(Path::new).collect();
    let log = session.log("prometheus");
    let mut program = Program::start_at(&binaries.join("prometheus"), &arguments, &[], &log)?;
    eventually("waiting for Prometheus", SINK_LIMIT, async || {
        program.ensure_runs()?;
        let ready = http.get("/-/ready", None).await.ok();
        Ok(ready.filter(|answer| answer.status == 200).map(drop))
    })
    .await?;
    Ok((program, http))
}

async fn has_answer(http: &Client, expression: &Expression) -> Result<bool> {
    let query: String = expression
        .text
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    let answer = http
        .get(&format!("/api/v1/query?query={query}"), None)
        .await?;
    expect_status(&answer, 200)
        .with_context(|| format!("{}: {}", expression.place, expression.text))?;
    let body = answer.json()?;
    Ok(body["data"]["result"]
        .as_array()
        .is_some_and(|found| !found.is_empty()))
}

async fn rules_are_healthy(http: &Client) -> Result<()> {
    let body = http.get("/api/v1/rules", None).await?.json()?;
    let groups = body["data"]["groups"].as_array().context("no groups")?;
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().into_iter().flatten());
    let mut count = 0;
    for rule in rules {
        count += 1;
        ensure!(rule["health"] == "ok", "{rule}");
        // The bad record of the work is told of, rightly.
        let firing = rule["state"] == "firing" && rule["name"] != "SluicewaySinkRecordErrors";
        ensure!(!firing, "{rule}");
    }
    ensure!(count > 20, "only {count} rules");
    Ok(())
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
