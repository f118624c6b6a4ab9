//! How many rows of each table every station has, side by side.

use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

/// What follows the user in the names of topics.
pub(super) const TABLES: [&str; 3] = ["pin", "geo", "user"];

/// Rows of `pin`, `geo` and `user`.
pub(super) type Counts = [u64; 3];

const KAFKA: Duration = Duration::from_secs(30);
const COUNT_OBJECTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../protocol-tests/python/count_objects.py"
);

/// All stations.
pub(super) struct Report {
    posts: u64,
    stations: Vec<(&'static str, Counts)>,
}

impl Report {
    /// Of so many posts.
    pub(super) fn new(posts: u64) -> Self {
        Self {
            posts,
            stations: Vec::new(),
        }
    }

    /// One more station.
    pub(super) fn add(&mut self, name: &'static str, counts: Counts) {
        self.stations.push((name, counts));
    }

    /// # Errors
    /// A station has more rows of a table, or fewer, than posts were made.
    pub(super) fn verdict(&self) -> Result<()> {
        let wrong = |(_, counts): &&(&str, Counts)| counts.iter().any(|count| *count != self.posts);
        let wrong: Vec<&str> = self
            .stations
            .iter()
            .filter(wrong)
            .map(|(name, _)| *name)
            .collect();
        ensure!(
            wrong.is_empty(),
            "not {} rows of each table: {}",
            self.posts,
            wrong.join("; ")
        );
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<34}{:>10}{:>10}{:>10}", "", "pin", "geo", "user")?;
        for (name, [pin, geo, user]) in &self.stations {
            let same = [pin, geo, user].iter().all(|count| **count == self.posts);
            let mark = if same { "" } else { "   WRONG" };
            writeln!(f, "{name:<34}{pin:>10}{geo:>10}{user:>10}{mark}")?;
        }
        Ok(())
    }
}

/// The figures of the emulator's final table whose lines begin so.
pub(super) fn of_table(text: &str, start: &str) -> Result<Counts> {
    let find = |table: &str| {
        let name = format!("{start}{table}");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        let number = line.and_then(|rest| rest.trim().parse().ok());
        number.with_context(|| format!("no \"{name}\" in\n{text}"))
    };
    Ok([find(TABLES[0])?, find(TABLES[1])?, find(TABLES[2])?])
}

/// Records of three topics, all partitions.
pub(super) fn in_kafka(bootstrap: &str, topics: &[String; 3]) -> Result<Counts> {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()?;
    let mut counts = [0; 3];
    for (count, name) in counts.iter_mut().zip(topics) {
        let metadata = client.fetch_metadata(Some(name), KAFKA)?;
        let topic = metadata.topics().first().context("no metadata")?;
        for partition in topic.partitions() {
            let (low, high) = client.fetch_watermarks(name, partition.id(), KAFKA)?;
            *count += u64::try_from(high - low)?;
        }
    }
    Ok(counts)
}

/// Lines of all objects of three topics, as boto3 reads them.
pub(super) fn in_s3(
    python: &Path,
    endpoint: &str,
    bucket: &str,
    topics: &[String; 3],
) -> Result<Counts> {
    let output = Command::new(python)
        .args([COUNT_OBJECTS, endpoint, bucket])
        .args(topics)
        .envs(crate::s3::CREDENTIALS)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "count_objects.py ended with {}: {errors}",
        output.status
    );
    let numbers: Vec<u64> = text
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    numbers
        .try_into()
        .map_err(|_| anyhow::anyhow!("three numbers are not in\n{text}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_station_that_differs_is_named() {
        let mut report = Report::new(5);
        report.add("first", [5, 5, 5]);
        assert!(report.verdict().is_ok());
        report.add("second", [5, 4, 5]);
        let error = report.verdict().unwrap_err().to_string();
        assert_eq!(error, "not 5 rows of each table: second");
        let shown = report.to_string();
        assert!(
            shown
                .lines()
                .any(|line| line.starts_with("second") && line.ends_with("WRONG")),
            "{shown}"
        );
    }

    #[test]
    fn the_emulators_table_is_read() {
        let text = "posts   3\nrecords acknowledged .pin              7\nrecords acknowledged .geo   8\nrecords acknowledged .user  9\n";
        assert_eq!(of_table(text, "records acknowledged .").unwrap(), [7, 8, 9]);
        assert!(of_table(text, "records in streams -").is_err());
    }
}
