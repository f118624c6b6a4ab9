#![allow(clippy::unwrap_used)]
use super::*;

const GOOD: &str = "name=orders\nconnector.class=io.confluent.connect.s3.S3SinkConnector\ntopics=orders\n\
    s3.bucket.name=b\nflush.size=3\nstorage.class=io.confluent.connect.s3.storage.S3Storage\n\
    format.class=io.confluent.connect.s3.format.json.JsonFormat\n\
    key.converter=org.apache.kafka.connect.storage.StringConverter\n\
    value.converter=org.apache.kafka.connect.json.JsonConverter\nvalue.converter.schemas.enable=false\n";

fn verdict(text: &str, worker: Option<&str>) -> Result<Verdict, FileError> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.properties");
    std::fs::write(&file, text).unwrap();
    let worker = worker.map(|text| {
        let path = dir.path().join("w.properties");
        std::fs::write(&path, text).unwrap();
        path
    });
    validate(&file, worker.as_deref(), runtime.handle())
}

#[test]
fn a_good_file_is_valid() {
    let found = verdict(GOOD, None).unwrap();
    assert!(found.is_good());
    assert_eq!(found.to_string(), "orders: valid");
}

#[test]
fn every_error_is_told_at_once_also_without_a_name() {
    let text = GOOD
        .replace("name=orders\n", "")
        .replace("flush.size=3", "flush.size=many")
        .replace("s3.bucket.name", "s3.bucket.nam");
    let found = verdict(
        &format!("{text}timezone=Mars/Base\naws.secret.access.key=hidden\n"),
        None,
    );
    let found = found.unwrap();
    assert!(!found.is_good());
    let says = found.to_string();
    for part in [
        "error: name: Missing required configuration \"name\"",
        "error: flush.size: Invalid value many for configuration flush.size",
        "error: s3.bucket.name: Missing required configuration",
        "error: timezone: Invalid value Mars/Base",
        "error: aws.access.key.id: ",
        "did you mean \"s3.bucket.name\"?",
    ] {
        assert!(says.contains(part), "{part} in {says}");
    }
    assert!(!says.contains("hidden"), "{says}");
}

#[test]
fn what_fails_only_a_task_is_told_too() {
    let found = verdict(&format!("{GOOD}filename.offset.zero.pad.width=0\n"), None).unwrap();
    assert!(found.config.is_ok() && !found.is_good());
    let says = found.to_string();
    assert!(says.contains("DuplicateFormatFlagsException"), "{says}");
    assert!(
        says.ends_with("it would be created and then fail"),
        "{says}"
    );
}

#[test]
fn the_workers_converters_and_policy_count() {
    let without = GOOD.replace("value.converter", "#");
    let assumed = verdict(&without, None).unwrap();
    assert!(assumed.warnings[0].contains("--worker"), "{assumed}");
    let worker = "bootstrap.servers=b:1\nkey.converter=StringConverter\nvalue.converter=StringConverter\n\
        connector.client.config.override.policy=None\n";
    let found = verdict(&without, Some(worker)).unwrap();
    assert_eq!(found.to_string(), "orders: valid");
    let refused = verdict(
        &format!("{without}consumer.override.max.poll.records=1\n"),
        Some(worker),
    );
    assert!(refused.unwrap().to_string().contains("'None' policy"));
    assert!(matches!(
        verdict(GOOD, Some("x=1\n")),
        Err(FileError::WorkerConfig(_))
    ));
}
