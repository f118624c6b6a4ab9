//! The files of `examples/` are accepted by the programs they are for, with no warnings but the expected ones.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use sluiceway_common::props::{Properties, read_file};
use sluiceway_sink::{
    config::{ConnectorConfig, definition},
    worker::WorkerConfig,
};

fn example(name: &str) -> Properties {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    read_file(folder.join(name)).unwrap()
}

#[test]
fn the_proxy_takes_its_files() {
    let config = sluiceway_proxy::Config::parse(&example("kafka-rest.properties")).unwrap();
    assert_eq!(config.warnings(), [""; 0]);
}

/// The file asks for TLS. A build that speaks it says only that ZooKeeper is not used any more; one
/// that does not, such as the quick start by itself, says only that.
#[test]
fn the_proxy_takes_the_courses_file() {
    let properties = example("bootcamp-kafka-rest.properties");
    assert_eq!(properties["client.sasl.mechanism"], "AWS_MSK_IAM");
    match sluiceway_proxy::Config::parse(&properties) {
        Ok(config) => {
            let [warning] = config.warnings() else {
                panic!("{:?}", config.warnings());
            };
            assert!(warning.contains("zookeeper.connect"), "{warning}");
        }
        Err(errors) => {
            let errors: Vec<&str> = errors
                .0
                .iter()
                .map(|error| error.message.as_str())
                .collect();
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(
                errors[0].contains("OpenSSL not available at build time"),
                "{errors:?}"
            );
        }
    }
}

#[test]
fn the_worker_takes_its_file() {
    let properties = example("worker.properties");
    WorkerConfig::parse(&properties).unwrap();
    assert!(WorkerConfig::unknown_keys(&properties).is_empty());
    let properties = example("connect-distributed.properties");
    let config = WorkerConfig::parse_distributed(&properties).unwrap();
    assert!(config.distributed.is_some());
    assert!(WorkerConfig::unknown_keys(&properties).is_empty());
}

#[test]
fn connectors_are_taken_with_comments_inside_the_map() {
    let worker = example("worker.properties");
    for name in ["s3-sink.properties", "bootcamp-s3-sink.properties"] {
        let properties = example(name);
        let config = ConnectorConfig::parse(&properties, &worker).unwrap();
        assert!(definition().unknown_keys(&properties).is_empty(), "{name}");
        for table in ["pin", "geo", "user"] {
            assert!(
                config.topics.selects(&format!("0a1b2c3d4e5f.{table}")),
                "{name}"
            );
        }
    }
}
