//! Reads a Prometheus text exposition strictly: what a scraper would refuse is an error here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Metric name, with `_bucket`, `_sum`, `_count` for histograms.
    pub name: String,
    /// Labels by name.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// A metric family: everything between one `# HELP` and the next.
#[derive(Debug, Clone, Default)]
pub struct Family {
    /// The help text.
    pub help: String,
    /// counter, gauge, histogram, summary.
    pub kind: String,
    /// Its samples.
    pub samples: Vec<Sample>,
}

/// A whole scrape, by family name.
#[derive(Debug, Clone, Default)]
pub struct Scrape(pub BTreeMap<String, Family>);

impl Scrape {
    /// Sum of the samples of a name whose labels contain all of `labels`; none if there is none.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let wanted = |sample: &&Sample| {
            sample.name == name
                && labels
                    .iter()
                    .all(|(key, value)| sample.labels.get(*key).is_some_and(|found| found == value))
        };
        let samples = self
            .0
            .values()
            .flat_map(|family| family.samples.iter())
            .filter(wanted);
        let values: Vec<f64> = samples.map(|sample| sample.value).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// # Errors
    /// What a scraper would refuse: a sample without family or outside it, a family twice, a sample twice, a value
    /// that is no number, histogram buckets that fall or lack `+Inf`.
    pub fn parse(text: &str) -> Result<Self> {
        ensure!(text.ends_with('\n'), "the last line has no end");
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help
                    .split_once(' ')
                    .with_context(|| format!("no help text: {line}"))?;
                let family = Family {
                    help: help.to_owned(),
                    ..Family::default()
                };
                ensure!(
                    families.insert(name.to_owned(), family).is_none(),
                    "{name} twice"
                );
                name.clone_into(&mut current);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind
                    .split_once(' ')
                    .with_context(|| format!("no type: {line}"))?;
                ensure!(name == current, "TYPE of {name} does not follow its HELP");
                families.entry(name.to_owned()).or_default().kind = kind.to_owned();
            } else {
                let sample = parse_sample(line).with_context(|| line.to_owned())?;
                let family = families
                    .get_mut(&current)
                    .context("a sample before any family")?;
                ensure!(
                    belongs(&sample.name, &current, &family.kind),
                    "{line} does not belong to {current}"
                );
                family.samples.push(sample);
            }
        }
        for (name, family) in &families {
            check(name, family)?;
        }
        Ok(Self(families))
    }
}

fn belongs(sample: &str, family: &str, kind: &str) -> bool {
    match sample.strip_prefix(family) {
        Some("") => kind != "histogram",
        Some("_bucket" | "_sum" | "_count") => kind == "histogram",
        _ => false,
    }
}

fn check(name: &str, family: &Family) -> Result<()> {
    ensure!(!family.help.trim().is_empty(), "{name} has no help");
    ensure!(
        matches!(&*family.kind, "counter" | "gauge" | "histogram"),
        "{name}: type {}",
        family.kind
    );
    let mut seen = BTreeSet::new();
    for sample in &family.samples {
        ensure!(
            seen.insert((&sample.name, &sample.labels)),
            "{name}: {sample:?} twice"
        );
    }
    if family.kind == "histogram" {
        check_buckets(name, family)?;
    }
    Ok(())
}

/// Buckets of one series rise and end with `+Inf`, which equals the count.
fn check_buckets(name: &str, family: &Family) -> Result<()> {
    let mut series: BTreeMap<BTreeMap<String, String>, Vec<(String, f64)>> = BTreeMap::new();
    for sample in family
        .samples
        .iter()
        .filter(|sample| sample.name.ends_with("_bucket"))
    {
        let mut labels = sample.labels.clone();
        let le = labels
            .remove("le")
            .with_context(|| format!("{name}: a bucket without le"))?;
        series.entry(labels).or_default().push((le, sample.value));
    }
    for (labels, buckets) in series {
        ensure!(
            buckets.is_sorted_by(|l, r| l.1 <= r.1),
            "{name}{labels:?}: buckets fall"
        );
        let (le, all) = buckets.last().context("no bucket")?;
        let is_count =
            |sample: &&Sample| sample.name.ends_with("_count") && sample.labels == labels;
        let count = family
            .samples
            .iter()
            .find(is_count)
            .with_context(|| format!("{name}: no count"))?;
        #[allow(clippy::float_cmp)]
        let complete = le == "+Inf" && *all == count.value;
        ensure!(
            complete,
            "{name}{labels:?}: the last bucket is not the count"
        );
    }
    Ok(())
}

fn parse_sample(line: &str) -> Result<Sample> {
    let end = line.find(['{', ' ']).context("no value")?;
    let (name, rest) = line.split_at(end);
    ensure!(is_name(name), "no metric name: {name}");
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => parse_labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = match value.trim() {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        number => number.parse()?,
    };
    Ok(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().all(good) && name.starts_with(|first: char| first.is_ascii_lowercase())
}

fn parse_labels(mut rest: &str) -> Result<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        if let Some(value) = rest.strip_prefix('}') {
            return Ok((labels, value));
        }
        let (name, after) = rest.split_once("=\"").context("no label")?;
        ensure!(is_name(name), "no label name: {name}");
        let (value, after) = parse_text(after)?;
        ensure!(
            labels.insert(name.to_owned(), value).is_none(),
            "label {name} twice"
        );
        rest = after.strip_prefix(',').unwrap_or(after);
    }
}

/// The text up to the closing quote, without escapes, and what follows.
fn parse_text(rest: &str) -> Result<(String, &str)> {
    let mut text = String::new();
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((text, &rest[at + 1..])),
            '\\' => match characters.next().context("the line ends in an escape")?.1 {
                'n' => text.push('\n'),
                escaped @ ('\\' | '"') => text.push(escaped),
                other => bail!("no escape: \\{other}"),
            },
            other => text.push(other),
        }
    }
    bail!("a label without end")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Scrape;

    const GOOD: &str = "# HELP a_seconds Time.\n# TYPE a_seconds histogram\n\
        a_seconds_bucket{p=\"x\\\"y\",le=\"0.1\"} 1\na_seconds_bucket{p=\"x\\\"y\",le=\"+Inf\"} 2\n\
        a_seconds_sum{p=\"x\\\"y\"} 0.5\na_seconds_count{p=\"x\\\"y\"} 2\n\
        # HELP b_total Things.\n# TYPE b_total counter\nb_total{k=\"1\"} 3\nb_total{k=\"2\"} 4\n";

    #[test]
    fn a_scrape_is_read() {
        let scrape = Scrape::parse(GOOD).unwrap();
        assert_eq!(scrape.sum("b_total", &[]), Some(7.0));
        assert_eq!(scrape.sum("b_total", &[("k", "2")]), Some(4.0));
        assert_eq!(scrape.sum("b_total", &[("k", "3")]), None);
        assert_eq!(scrape.sum("a_seconds_count", &[("p", "x\"y")]), Some(2.0));
    }

    #[test]
    fn what_a_scraper_refuses_is_refused() {
        for (good, bad) in [
            ("le=\"+Inf\"} 2", "le=\"+Inf\"} 3"),
            ("le=\"+Inf\"} 2", "le=\"5\"} 2"),
            ("} 0.5", "} half"),
            ("k=\"2\"", "k=\"1\""),
            ("# TYPE b_total counter\n", ""),
            ("b_total{k=\"1\"}", "c_total{k=\"1\"}"),
            ("Things.", " "),
            ("k=\"1\"} 3", "k=\"1} 3"),
        ] {
            let text = GOOD.replacen(good, bad, 1);
            assert_ne!(text, GOOD);
            assert!(Scrape::parse(&text).is_err(), "{text}");
        }
    }
}
