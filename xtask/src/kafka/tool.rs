//! `cargo xtask kafka-tool <name> …`: Kafka's own console tools, from the fetched jars.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::jars;

/// The names under which Kafka ships the tools, and their main classes in 3.9.
const TOOLS: [(&str, &str); 14] = [
    ("kafka-acls", "kafka.admin.AclCommand"),
    (
        "kafka-broker-api-versions",
        "kafka.admin.BrokerApiVersionsCommand",
    ),
    ("kafka-configs", "kafka.admin.ConfigCommand"),
    (
        "kafka-console-consumer",
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
    ),
    ("kafka-console-producer", "kafka.tools.ConsoleProducer"),
    (
        "kafka-consumer-groups",
        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    ),
    (
        "kafka-consumer-perf-test",
        "org.apache.kafka.tools.ConsumerPerformance",
    ),
    (
        "kafka-delete-records",
        "org.apache.kafka.tools.DeleteRecordsCommand",
    ),
    ("kafka-dump-log", "kafka.tools.DumpLogSegments"),
    ("kafka-get-offsets", "org.apache.kafka.tools.GetOffsetShell"),
    (
        "kafka-leader-election",
        "org.apache.kafka.tools.LeaderElectionCommand",
    ),
    (
        "kafka-producer-perf-test",
        "org.apache.kafka.tools.ProducerPerformance",
    ),
    (
        "kafka-reassign-partitions",
        "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    ),
    ("kafka-topics", "org.apache.kafka.tools.TopicCommand"),
];

/// A tool and its arguments.
#[derive(Debug, Args)]
pub(crate) struct ToolArgs {
    /// kafka-topics, kafka-console-producer, kafka-console-consumer, kafka-consumer-groups, …; or the
    /// full name of a main class
    tool: String,
    /// Passed on as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs a tool on this terminal; its exit code becomes ours.
pub(crate) fn run(args: &ToolArgs) -> Result<()> {
    let status = command(&args.tool, &args.arguments)?
        .status()
        .context("cannot run java")?;
    std::process::exit(status.code().unwrap_or(1));
}

/// Runs a tool with this text on its standard input; what it printed, an error when it failed.
pub(crate) fn run_captured(tool: &str, arguments: &[&str], input: &str) -> Result<String> {
    use std::io::Write as _;
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    let mut child = command(tool, &arguments)?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run java")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{tool} {} ended with {}:\n{stdout}{stderr}",
            arguments.join(" "),
            output.status
        );
    }
    Ok(stdout)
}

fn command(tool: &str, arguments: &[String]) -> Result<Command> {
    let name = tool.strip_suffix(".sh").unwrap_or(tool);
    let class = match TOOLS.iter().find(|(known, _)| *known == name) {
        Some((_, class)) => class,
        None if tool.contains('.') => tool,
        None => {
            let known: Vec<&str> = TOOLS.iter().map(|(known, _)| *known).collect();
            bail!(
                "unknown tool {tool:?}; known: {}; or give a class name",
                known.join(", ")
            );
        }
    };
    let mut command = Command::new("java");
    command
        .args(jars::java_arguments("256m")?)
        // A tool lives for a second: the optimising compiler would not pay for itself.
        .arg("-XX:TieredStopAtLevel=1")
        .arg(class)
        .args(arguments);
    Ok(command)
}
