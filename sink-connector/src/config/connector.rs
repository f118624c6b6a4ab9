//! Properties of the framework and of the connector as a whole.

use sluiceway_common::config_def::{ConfigErrors, Importance, Key, Kind, Values};

use super::classes::{CONNECTOR, STORAGE, is_class, no_such_class};

pub(super) fn common_keys() -> Vec<Key> {
    vec![
        Key::required("name", Kind::String, "Name of the connector; the consumer group is `connect-<name>`.").check(name),
        Key::required("connector.class", Kind::String, "`io.confluent.connect.s3.S3SinkConnector` or an alias of it."),
        Key::with("tasks.max", Kind::Int, "1", "Number of tasks; exactly so many are made.")
            .at_least(1)
            .importance(Importance::High),
        low(Key::with("tasks.max.enforce", Kind::Boolean, "true", "Accepted; there are never more tasks than `tasks.max`.")),
        low(Key::optional("key.converter", Kind::Class, "Converter of keys; the worker's when unset.")),
        low(Key::optional("value.converter", Kind::Class, "Converter of values; the worker's when unset.")),
        low(Key::optional("header.converter", Kind::Class, "Converter of headers; the worker's when unset.")),
        low(Key::with("config.action.reload", Kind::String, "restart", "Accepted; secrets are read when the connector starts.")
            .one_of(&["none", "restart"], false)),
        high(Key::with("topics", Kind::List, "", "Topics to read, comma-separated. Either this or `topics.regex`.")),
        high(Key::with(
            "topics.regex",
            Kind::String,
            "",
            "Java regular expression that a topic's whole name must match. Topics made later are found too.",
        )
        .check(super::topics::check_pattern)),
    ]
}

pub(super) fn null_keys() -> Vec<Key> {
    vec![
        low(Key::with(
            "behavior.on.null.values",
            Kind::String,
            "fail",
            "What a record with a null value does: `fail` the task, `ignore` the record, or `write` its key under \
             `tombstone.encoded.partition` (needs `store.kafka.keys`).",
        )
        .one_of_lowered(&["ignore", "fail", "write"])),
        low(Key::with(
            "report.null.values.to.dlq",
            Kind::Boolean,
            "true",
            "Whether ignored null values go to the dead-letter queue, where there is one.",
        )),
        low(Key::with(
            "tombstone.encoded.partition",
            Kind::String,
            "tombstone",
            "Folder of tombstones under `behavior.on.null.values=write`.",
        )),
    ]
}

pub(super) fn storage_keys() -> Vec<Key> {
    vec![
        Key::required("storage.class", Kind::Class, "`io.confluent.connect.s3.storage.S3Storage`."),
        high(Key::with("topics.dir", Kind::String, "topics", "First level of every key; blank for none.")),
        Key::with("directory.delim", Kind::String, "/", "Between the levels of a key."),
        Key::with("file.delim", Kind::String, "+", "Between topic, partition and offset in a name."),
        Key::optional(
            "store.url",
            Kind::String,
            "Endpoint of an S3 service other than AWS; `https://` is assumed where it names no scheme.",
        )
        .check(super::s3::check_url)
        .importance(Importance::High),
    ]
}

/// Classes that have one right value.
pub(super) fn check_classes(values: &Values, errors: &mut ConfigErrors) {
    for (key, class) in [("connector.class", CONNECTOR), ("storage.class", STORAGE)] {
        let name = values.text(key);
        let missing = errors.0.iter().any(|error| error.key == key);
        if !missing && !is_class(name, class) {
            errors.0.push(no_such_class(key, name));
        }
    }
}

/// Connect's rule for names: not empty, no control characters.
fn name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("String may not be empty".to_owned());
    }
    let controls = text.chars().filter(|character| character.is_control());
    let controls: Vec<String> = controls.map(|c| u32::from(c).to_string()).collect();
    match controls.as_slice() {
        [] => Ok(()),
        controls => Err(format!(
            "String may not contain control sequences but had the following ASCII chars: {}",
            controls.join(", ")
        )),
    }
}

fn low(key: Key) -> Key {
    key.importance(Importance::Low)
}

fn high(key: Key) -> Key {
    key.importance(Importance::High)
}
