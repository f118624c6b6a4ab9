//! Bodies that change settings: of one resource, or of many topics.

use super::{EMPTY, NULL, Read, Reader, required, required_list, whole};
use crate::cluster_admin::{ConfigChange, ConfigOperation};
use crate::error::Error;

const BATCH: &str = "AlterConfigBatchRequestData";
const ENTRY: &str = "AlterEntry";
const MANY: &str = "AlterMultipleTopicsConfigsBatchRequestData";
const TOPIC: &str = "TopicEntry";
/// In the order of their numbers.
const OPERATIONS: &[&str] = &["SET", "DELETE"];

/// Changes of one resource's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api::v3) struct Batch {
    /// In order.
    pub(in crate::api::v3) changes: Vec<ConfigChange>,
    /// Only check whether they could be made.
    pub(in crate::api::v3) validate_only: bool,
}

/// Changes of many topics' settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api::v3) struct TopicsBatch {
    /// Topic and its changes.
    pub(in crate::api::v3) topics: Vec<(String, Vec<ConfigChange>)>,
    /// Only check whether they could be made.
    pub(in crate::api::v3) validate_only: bool,
}

/// `{"value":…}`; `class` is the request's.
pub(in crate::api::v3) fn read_value(body: &[u8], class: &str) -> Result<Option<String>, Error> {
    whole(body, class, EMPTY, |reader| {
        let mut value = None;
        let fields = reader.object(|reader, field| {
            if field == "value" {
                value = reader.text()?;
            }
            Ok(field == "value")
        })?;
        fields.finish().map(|()| value)
    })
}

/// `{"data":[{"name":…,"value":…,"operation":…}],"validate_only":…}`
pub(in crate::api::v3) fn read_batch(body: &[u8]) -> Result<Batch, Error> {
    whole(body, BATCH, NULL, |reader| {
        let (mut data, mut validate_only) = (None, None);
        let fields = reader.object(|reader, field| {
            match field {
                "data" => data = reader.objects(ENTRY, change)?,
                "validate_only" => validate_only = reader.boolean()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let changes = required_list(data, BATCH)?;
        fields.finish()?;
        Ok(Batch {
            changes,
            validate_only: validate_only.unwrap_or_default(),
        })
    })
}

/// `{"data":[{"topic_name":…,"configs":[…]}],"validate_only":…}`
pub(in crate::api::v3) fn read_topics_batch(body: &[u8]) -> Result<TopicsBatch, Error> {
    whole(body, MANY, NULL, |reader| {
        let (mut data, mut validate_only) = (None, None);
        let fields = reader.object(|reader, field| {
            match field {
                "data" => data = reader.objects(TOPIC, topic)?,
                "validate_only" => validate_only = reader.boolean()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let topics = required_list(data, MANY)?;
        fields.finish()?;
        Ok(TopicsBatch {
            topics,
            validate_only: validate_only.unwrap_or_default(),
        })
    })
}

fn topic(reader: &mut Reader<'_>) -> Read<(String, Vec<ConfigChange>)> {
    let (mut name, mut configs) = (None, None);
    let fields = reader.object(|reader, field| {
        match field {
            "topic_name" => name = reader.text()?,
            "configs" => configs = reader.objects(ENTRY, change)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let name = required(name, TOPIC, "topicName")?;
    let configs = required_list(configs, TOPIC)?;
    fields.finish().map(|()| (name, configs))
}

fn change(reader: &mut Reader<'_>) -> Read<ConfigChange> {
    let (mut name, mut value, mut operation) = (None, None, None);
    let fields = reader.object(|reader, field| {
        match field {
            "name" => name = reader.text()?,
            "value" => value = reader.text()?,
            "operation" => {
                operation = reader.one_of("AlterOperation", "SET, DELETE", OPERATIONS)?
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let name = required(name, ENTRY, "name")?;
    fields.finish()?;
    let operation = match operation.and_then(|place| OPERATIONS.get(place)) {
        Some(&"DELETE") => ConfigOperation::Reset,
        _ => ConfigOperation::Set(value),
    };
    Ok(ConfigChange { name, operation })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn batches() {
        let body = br#"{"data":[{"name":"a","value":"1"},{"name":"b","operation":"DELETE"},{"name":"c","operation":null},{"name":"d","operation":1}]}"#;
        let batch = read_batch(body).unwrap();
        let change = |name: &str, operation| ConfigChange {
            name: name.to_owned(),
            operation,
        };
        assert_eq!(
            batch.changes,
            [
                change("a", ConfigOperation::Set(Some("1".into()))),
                change("b", ConfigOperation::Reset),
                change("c", ConfigOperation::Set(None)),
                change("d", ConfigOperation::Reset),
            ]
        );
        assert!(!batch.validate_only);
        let many = br#"{"data":[{"topic_name":"t","configs":[]}],"validate_only":"true"}"#;
        let many = read_topics_batch(many).unwrap();
        assert_eq!(many.topics, [("t".to_owned(), vec![])]);
        assert!(many.validate_only);
    }

    #[test]
    fn refusals() {
        for (body, code, message) in [
            (
                "{}",
                400,
                "Cannot construct instance of `AlterConfigBatchRequestData`, problem: Cannot invoke \"java.util.Collection.toArray()\" because \"elements\" is null",
            ),
            (
                r#"{"data":[{"name":"a","operation":"ZAP"}]}"#,
                400,
                "Cannot deserialize value of type `AlterOperation` from String \"ZAP\": not one of the values accepted for Enum class: [SET, DELETE]",
            ),
            (
                r#"{"data":[{}]}"#,
                400,
                "Cannot construct instance of `AlterEntry`, problem: Null name",
            ),
            (
                r#"{"data":[1]}"#,
                400,
                "Cannot construct instance of `AlterEntry` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (1)",
            ),
            (
                r#"{"data":[null]}"#,
                400,
                "Cannot construct instance of `AlterConfigBatchRequestData`, problem: at index 0",
            ),
            (
                r#"{"data":[{"name":"a","operation":9}]}"#,
                400,
                "Cannot deserialize value of type `AlterOperation` from number 9: index value outside legal index range [0..1]",
            ),
            (r#"{"data":[],"x":1}"#, 422, "Unrecognized field: x"),
            (
                "",
                42206,
                "Payload error. Null input provided. Data is required.",
            ),
            (
                "null",
                42206,
                "Payload error. Null input provided. Data is required.",
            ),
        ] {
            let error = read_batch(body.as_bytes()).unwrap_err();
            assert_eq!(
                (error.code().number, error.to_string()),
                (code, message.to_owned())
            );
        }
        let error = read_topics_batch(b"").unwrap_err();
        assert_eq!(error.to_string(), format!("Payload error. {NULL}"));
    }

    #[test]
    fn values() {
        let read = |body: &[u8]| read_value(body, "UpdateTopicConfigRequest");
        assert_eq!(read(br#"{"value":5}"#).unwrap().unwrap(), "5");
        assert_eq!(read(b"{}").unwrap(), None);
        assert_eq!(read(br#"{"value":null}"#).unwrap(), None);
        assert_eq!(read(b"").unwrap_err().code().number, 42206);
    }
}
