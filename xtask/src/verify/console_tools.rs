//! Kafka's own console tools (the Java clients) on a broker: topics, records, groups, settings, offsets.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

use crate::kafka::run_tool_captured as tool;

const RECORDS: usize = 500;
const RETENTION: &str = "retention.ms=777000";

/// Runs every case; the first difference is the error.
pub(crate) fn run(bootstrap: &str) -> Result<()> {
    let broker = Broker {
        bootstrap,
        topic: format!("console-tools-{}", std::process::id()),
    };
    broker.topic_is_created()?;
    broker.records_come_back()?;
    broker.group_is_reported_reset_and_deleted()?;
    broker.setting_is_changed()?;
    broker.records_are_deleted()?;
    broker.many_records_are_taken()?;
    broker.topic_is_deleted()
}

struct Broker<'a> {
    bootstrap: &'a str,
    topic: String,
}

impl Broker<'_> {
    fn tool(&self, name: &str, arguments: &[&str], input: &str) -> Result<String> {
        let arguments = [&["--bootstrap-server", self.bootstrap], arguments].concat();
        let output = tool(name, &arguments, input)?;
        eprintln!("  {name} {}", arguments[2..].join(" "));
        Ok(output)
    }

    fn topic_is_created(&self) -> Result<()> {
        self.tool(
            "kafka-topics",
            &["--create", "--topic", &self.topic, "--partitions", "3"],
            "",
        )?;
        let described = self.tool("kafka-topics", &["--describe", "--topic", &self.topic], "")?;
        ensure!(
            described.contains("PartitionCount: 3"),
            "3 partitions are not in\n{described}"
        );
        self.is_listed(true)
    }

    fn is_listed(&self, wanted: bool) -> Result<()> {
        let listed = self.tool("kafka-topics", &["--list"], "")?;
        ensure!(
            listed.lines().any(|line| line == self.topic) == wanted,
            "{} listed: not {wanted}\n{listed}",
            self.topic
        );
        Ok(())
    }

    fn records_come_back(&self) -> Result<()> {
        let mut sent: Vec<String> = (0..RECORDS)
            .map(|n| format!("key {n}\tvalue {n} ü"))
            .collect();
        let input = sent.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        });
        let produce = [
            "--topic",
            &self.topic,
            "--property",
            "parse.key=true",
            "--compression-codec",
            "lz4",
        ];
        self.tool("kafka-console-producer", &produce, &input)?;
        let count = RECORDS.to_string();
        let consume = [
            "--topic",
            &self.topic,
            "--from-beginning",
            "--max-messages",
            &count,
            "--timeout-ms",
            "30000",
        ];
        let consume = [
            &consume[..],
            &["--group", &self.topic, "--property", "print.key=true"],
        ]
        .concat();
        let output = self.tool("kafka-console-consumer", &consume, "")?;
        let mut read: Vec<String> = output.lines().map(str::to_owned).collect();
        sent.sort();
        read.sort();
        ensure!(
            read == sent,
            "read {} lines, other ones than the {} written",
            read.len(),
            sent.len()
        );
        Ok(())
    }

    fn group_is_reported_reset_and_deleted(&self) -> Result<()> {
        let groups = |arguments: &[&str]| self.tool("kafka-consumer-groups", arguments, "");
        let listed = groups(&["--list"])?;
        ensure!(
            listed.lines().any(|line| line == self.topic),
            "the group is not in\n{listed}"
        );
        self.has_lag(0)?;
        let reset = [
            "--group",
            &self.topic,
            "--topic",
            &self.topic,
            "--reset-offsets",
            "--to-earliest",
            "--execute",
        ];
        groups(&reset)?;
        self.has_lag(RECORDS)?;
        groups(&["--group", &self.topic, "--delete"])?;
        let listed = groups(&["--list"])?;
        ensure!(
            !listed.lines().any(|line| line == self.topic),
            "the group is still in\n{listed}"
        );
        Ok(())
    }

    /// The sum of the LAG column (the sixth) over the partitions of the topic.
    fn has_lag(&self, wanted: usize) -> Result<()> {
        let described = self.tool(
            "kafka-consumer-groups",
            &["--group", &self.topic, "--describe"],
            "",
        )?;
        let rows: Vec<Vec<&str>> = described
            .lines()
            .map(|line| line.split_ascii_whitespace().collect::<Vec<_>>())
            .filter(|columns| columns.get(1) == Some(&self.topic.as_str()))
            .collect();
        ensure!(rows.len() == 3, "3 partitions are not in\n{described}");
        let lags = rows
            .iter()
            .map(|columns| columns.get(5).and_then(|lag| lag.parse::<usize>().ok()));
        let sum: Option<usize> = lags.sum();
        ensure!(
            sum == Some(wanted),
            "the lag is not {wanted} in\n{described}"
        );
        Ok(())
    }

    fn setting_is_changed(&self) -> Result<()> {
        let of_topic = ["--entity-type", "topics", "--entity-name", &self.topic];
        self.tool(
            "kafka-configs",
            &[&of_topic[..], &["--alter", "--add-config", RETENTION]].concat(),
            "",
        )?;
        let described = self.tool(
            "kafka-configs",
            &[&of_topic[..], &["--describe"]].concat(),
            "",
        )?;
        ensure!(
            described.contains(RETENTION),
            "{RETENTION} is not in\n{described}"
        );
        Ok(())
    }

    fn records_are_deleted(&self) -> Result<()> {
        let before = self.offsets("-1")?;
        ensure!(
            before.iter().sum::<u64>() == RECORDS as u64,
            "the ends do not add up to {RECORDS}: {before:?}"
        );
        let partitions = (0..).zip(&before).map(|(partition, offset)| {
            format!(
                r#"{{"topic":"{}","partition":{partition},"offset":{offset}}}"#,
                self.topic
            )
        });
        let plan = format!(
            r#"{{"version":1,"partitions":[{}]}}"#,
            partitions.collect::<Vec<_>>().join(",")
        );
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), plan)?;
        let path = file.path().display().to_string();
        self.tool("kafka-delete-records", &["--offset-json-file", &path], "")?;
        ensure!(
            self.offsets("-2")? == before,
            "the starts are not where records were deleted to"
        );
        Ok(())
    }

    /// Offsets of the partitions in order: `-1` their ends, `-2` their starts.
    fn offsets(&self, time: &str) -> Result<Vec<u64>> {
        let output = self.tool(
            "kafka-get-offsets",
            &["--topic", &self.topic, "--time", time],
            "",
        )?;
        let mut found = Vec::new();
        for line in output.lines() {
            let mut fields = line.rsplit(':');
            let offset = fields.next().and_then(|field| field.parse::<u64>().ok());
            let partition = fields.next().and_then(|field| field.parse::<u32>().ok());
            found.push((
                partition.with_context(|| line.to_owned())?,
                offset.with_context(|| line.to_owned())?,
            ));
        }
        found.sort_unstable();
        ensure!(found.len() == 3, "3 partitions are not in\n{output}");
        Ok(found.into_iter().map(|(_, offset)| offset).collect())
    }

    /// The Java producer's batches under load, idempotent, and the Java consumer's fetches of them.
    fn many_records_are_taken(&self) -> Result<()> {
        let bootstrap = format!("bootstrap.servers={}", self.bootstrap);
        let produce = [
            "--topic",
            &self.topic,
            "--num-records",
            "20000",
            "--record-size",
            "500",
            "--throughput",
            "-1",
        ];
        let settings = [
            "--producer-props",
            &bootstrap,
            "acks=all",
            "enable.idempotence=true",
            "compression.type=zstd",
        ];
        let output = tool(
            "kafka-producer-perf-test",
            &[&produce[..], &settings].concat(),
            "",
        )?;
        ensure!(
            output.contains("20000 records sent"),
            "20000 records are not in\n{output}"
        );
        let consume = [
            "--topic",
            &self.topic,
            "--messages",
            "20000",
            "--timeout",
            "30000",
            "--hide-header",
        ];
        let output = self.tool("kafka-consumer-perf-test", &consume, "")?;
        let read = output
            .lines()
            .last()
            .and_then(|line| line.split(", ").nth(4))
            .map(str::trim);
        ensure!(
            read.and_then(|n| n.parse::<u64>().ok())
                .is_some_and(|n| n >= 20_000),
            "20000 records are not in\n{output}"
        );
        Ok(())
    }

    fn topic_is_deleted(&self) -> Result<()> {
        self.tool("kafka-topics", &["--delete", "--topic", &self.topic], "")?;
        self.is_listed(false)
    }
}
