#![allow(clippy::unwrap_used)]
use super::*;
use crate::worker::AdminApi;
use sluiceway_common::props::parse;

const MINIMAL: &str = "bootstrap.servers=k1:9092, k2:9092\n\
    key.converter=org.apache.kafka.connect.storage.StringConverter\n\
    value.converter=org.apache.kafka.connect.json.JsonConverter\n\
    value.converter.schemas.enable=false\n";

fn config(extra: &str) -> Result<WorkerConfig, ConfigErrors> {
    WorkerConfig::parse(&parse(&format!("{MINIMAL}{extra}")).unwrap())
}

fn keys_of(errors: ConfigErrors) -> Vec<String> {
    errors.0.into_iter().map(|error| error.key).collect()
}

#[test]
fn a_standalone_file_with_defaults() {
    let config =
        config("offset.storage.file.filename=/tmp/connect.offsets\nplugin.path=/usr/share/java\n")
            .unwrap();
    assert_eq!(config.bootstrap_servers, "k1:9092,k2:9092");
    assert_eq!(config.rest.listeners[0].to_string(), "http://:8083");
    assert_eq!(config.rest.admin, AdminApi::OnListeners);
    assert_eq!(config.task_shutdown_timeout, Duration::from_secs(5));
    assert_eq!(config.admin_listeners, ["http://0.0.0.0:9103"]);
    assert_eq!(config.override_policy, OverridePolicy::All);
    assert_eq!(config.converters["value.converter.schemas.enable"], "false");
    assert_eq!(
        config.converters["header.converter"],
        "org.apache.kafka.connect.storage.SimpleHeaderConverter"
    );
}

#[test]
fn every_error_is_reported_at_once() {
    let text = "offset.flush.interval.ms=x\nlisteners=ftp://h:1,nonsense\nrest.extension.classes=com.Auth\n\
        connector.client.config.override.policy=Some\nsluiceway.max.tasks=0\n";
    let errors = WorkerConfig::parse(&parse(text).unwrap()).unwrap_err();
    let keys = keys_of(errors);
    for key in [
        "key.converter",
        "value.converter",
        "offset.flush.interval.ms",
        "listeners",
        "rest.extension.classes",
        "connector.client.config.override.policy",
        "sluiceway.max.tasks",
    ] {
        assert!(keys.iter().any(|found| found == key), "{key} in {keys:?}");
    }
    assert_eq!(keys.iter().filter(|key| *key == "listeners").count(), 2);
}

#[test]
fn client_settings_have_the_worker_s_brokers_and_the_prefixed_keys_only() {
    let config = config(
        "consumer.max.poll.records=7\nproducer.acks=1\nsecurity.protocol=PLAINTEXT\nclient.id=w\n",
    )
    .unwrap();
    let consumer = config.client_settings(Role::Consumer);
    assert_eq!(consumer.get("max.poll.records").unwrap(), "7");
    assert_eq!(
        consumer.get("bootstrap.servers").unwrap(),
        "k1:9092,k2:9092"
    );
    assert_eq!(consumer.len(), 2);
    let own = config.own_client_settings();
    assert_eq!(own.get("security.protocol").unwrap(), "PLAINTEXT");
    assert_eq!(own.get("client.id").unwrap(), "w");
    assert!(!own.contains_key("max.poll.records"));
}

#[test]
fn a_bad_client_setting_is_an_error_of_the_worker_file() {
    let errors = config("consumer.security.protocol=NOPE\n").unwrap_err();
    assert_eq!(keys_of(errors), ["consumer.security.protocol"]);
}

#[test]
fn the_old_rest_keys_make_a_listener() {
    let old = config("rest.port=18083\nrest.host.name=127.0.0.1\n").unwrap();
    assert_eq!(old.rest.listeners[0].to_string(), "http://127.0.0.1:18083");
    let both = config("rest.port=1\nlisteners=http://127.0.0.1:2\n").unwrap();
    assert_eq!(both.rest.listeners[0].to_string(), "http://127.0.0.1:2");
}

#[test]
fn admin_listeners_unset_empty_and_own() {
    assert_eq!(
        config("admin.listeners=\n").unwrap().rest.admin,
        AdminApi::Off
    );
    let AdminApi::On(own) = config("admin.listeners=http://127.0.0.1:0\n")
        .unwrap()
        .rest
        .admin
    else {
        panic!("no listeners of its own");
    };
    assert_eq!(own[0].port, 0);
}

#[test]
fn references_are_resolved_in_the_worker_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.properties");
    std::fs::write(&path, "brokers=k9:9092\n").unwrap();
    let text = format!(
        "config.providers=file\nconfig.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider\n\
         bootstrap.servers=${{file:{}:brokers}}\n",
        path.display()
    );
    assert_eq!(config(&text).unwrap().bootstrap_servers, "k9:9092");
}

#[test]
fn unknown_keys_name_the_nearest() {
    let properties =
        parse("offset.flush.intervall.ms=1\nconsumer.anything=1\nssl.key.password=x\n").unwrap();
    let unknown = WorkerConfig::unknown_keys(&properties);
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0].nearest, Some("offset.flush.interval.ms"));
}
