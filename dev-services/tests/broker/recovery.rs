//! What is left after a stop, after `kill -9`, and when somebody else has the port or the folder.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dev_services::broker::{Broker, BrokerError, BrokerOptions};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::{Bench, SOON, consumer, numbered, produce, read, text};

#[tokio::test]
async fn records_survive_a_restart() {
    let bench = Bench::start().await;
    let values = numbered(500);
    produce(
        &bench.bootstrap(),
        "t",
        &values,
        &[("compression.codec", "zstd")],
    );
    let bench = bench.restart().await;
    let records = read(&bench.bootstrap(), "t", 0, 500);
    assert!(
        records
            .iter()
            .map(text)
            .eq(values.iter().map(String::as_str))
    );
    assert_eq!(
        produce(&bench.bootstrap(), "t", &numbered(1), &[]),
        [Ok(500)]
    );
}

/// The broker as a process of its own, which can be killed.
struct Process {
    child: Child,
    bootstrap: String,
}

impl Process {
    fn start(dir: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dev-services"))
            .args(["broker", "--port", "0", "--data-dir"])
            .arg(dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut bootstrap = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut bootstrap)
            .unwrap();
        Self {
            child,
            bootstrap: bootstrap.trim().to_owned(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn nothing_that_was_acknowledged_is_lost_by_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut offset = 0;
    for round in 0..3 {
        let process = Process::start(dir.path());
        let answers = produce(
            &process.bootstrap,
            "t",
            &numbered(400),
            &[("enable.idempotence", "true")],
        );
        assert!(
            answers.into_iter().eq((offset..offset + 400).map(Ok)),
            "round {round}"
        );
        offset += 400;
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset("t", 0, Offset::Offset(offset))
            .unwrap();
        consumer(&process.bootstrap, "g")
            .commit(&offsets, CommitMode::Sync)
            .unwrap();
        drop(process); // SIGKILL
        // What a write leaves that was cut short.
        let segment = dir.path().join("topics/t/0/00000000000000000000.log");
        let start: Vec<u8> = std::fs::read(&segment)
            .unwrap()
            .into_iter()
            .take(90)
            .collect();
        for (file, torn) in [
            (segment, start),
            (
                dir.path().join("offsets.log"),
                b"{\"group\":\"g\",".to_vec(),
            ),
        ] {
            std::fs::OpenOptions::new()
                .append(true)
                .open(file)
                .unwrap()
                .write_all(&torn)
                .unwrap();
        }
    }
    let process = Process::start(dir.path());
    let records = read(&process.bootstrap, "t", 0, 1_200);
    assert!(
        records.iter().map(text).eq((0..3)
            .flat_map(|_| numbered(400))
            .collect::<Vec<_>>()
            .iter())
    );
    let consumer = consumer(&process.bootstrap, "g");
    assert_eq!(consumer.fetch_watermarks("t", 0, SOON).unwrap(), (0, 1_200));
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition("t", 0);
    let committed = consumer.committed_offsets(wanted, SOON).unwrap();
    assert_eq!(committed.elements()[0].offset(), Offset::Offset(1_200));
}

#[test]
fn the_program_ends_on_sigterm() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path());
    let pid = process.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(process.child.wait().unwrap().success());
}

#[tokio::test]
async fn a_port_or_folder_in_use_is_an_error_that_names_it() {
    let bench = Bench::start().await;
    let port = bench
        .bootstrap()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let other = tempfile::tempdir().unwrap();
    let error = Broker::start(BrokerOptions {
        port,
        ..BrokerOptions::new(other.path())
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains(&bench.bootstrap()), "{error}");
    let error = Broker::start(BrokerOptions::new(bench.dir.path()))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, BrokerError::DataDirInUse(path) if path == bench.dir.path()),
        "{error}"
    );
}

#[test]
fn a_dropped_broker_frees_its_port_and_folder() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let start = |port| {
        Broker::start(BrokerOptions {
            port,
            ..BrokerOptions::new(dir.path())
        })
    };
    let broker = runtime.block_on(start(0)).unwrap();
    let port = broker
        .bootstrap()
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    drop(broker);
    runtime.block_on(start(port)).unwrap();
}

#[test]
fn a_folder_that_is_not_a_brokers_is_refused_with_the_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("topics/t")).unwrap();
    std::fs::write(dir.path().join("topics/t/topic.json"), "{}").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let error = runtime
        .block_on(Broker::start(BrokerOptions::new(dir.path())))
        .unwrap_err();
    assert!(error.to_string().contains("topics/t/topic.json"), "{error}");
}
