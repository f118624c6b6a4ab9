//! Bodies that make a topic, or give one more partitions.

use super::{EMPTY, Read, Reader, required, whole, without_null};
use crate::cluster_admin::NewTopic;
use crate::envelope::EnvelopeError;
use crate::error::Error;

const NEW_TOPIC: &str = "CreateTopicRequest";
const CONFIG: &str = "ConfigEntry";
const COUNT: &str = "PartitionsCountRequest";
const NO_COUNT: &str = "Request body is empty. Partitions_count is required.";

/// `{"topic_name":…,"partitions_count":…,"replication_factor":…,"replicas_assignments":{…},"configs":[…],"validate_only":…}`
pub(in crate::api::v3) fn read_new_topic(body: &[u8]) -> Result<NewTopic, Error> {
    let topic = whole(body, NEW_TOPIC, EMPTY, |reader| {
        let (mut name, mut configs) = (None, None);
        let mut topic = NewTopic::default();
        let fields = reader.object(|reader, field| {
            match field {
                "topic_name" => name = reader.text()?,
                "partitions_count" => topic.partitions = reader.int()?,
                "replication_factor" => topic.replication_factor = reader.short()?,
                "replicas_assignments" => topic.assignments = assignments(reader)?,
                "configs" => configs = reader.objects(CONFIG, config)?,
                "validate_only" => topic.validate_only = reader.boolean()?.unwrap_or_default(),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        topic.name = required(name, NEW_TOPIC, "topicName")?;
        topic.configs = without_null(configs.unwrap_or_default(), NEW_TOPIC)?;
        fields.finish()?;
        Ok(topic)
    })?;
    let mut names: Vec<&str> = topic
        .configs
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::BadRequest(format!(
            "Multiple configs with the name {}",
            pair[0]
        ))),
        None => Ok(topic),
    }
}

/// `{"partitions_count":…}`
pub(in crate::api::v3) fn read_partitions_count(body: &[u8]) -> Result<i32, Error> {
    whole(body, COUNT, NO_COUNT, |reader| {
        let mut count = None;
        let fields = reader.object(|reader, field| {
            if field == "partitions_count" {
                count = reader.int()?;
            }
            Ok(field == "partitions_count")
        })?;
        let count = required(count, COUNT, "partitionsCount")?;
        fields.finish().map(|()| count)
    })
}

fn config(reader: &mut Reader<'_>) -> Read<(String, Option<String>)> {
    let (mut name, mut value) = (None, None);
    let fields = reader.object(|reader, field| {
        match field {
            "name" => name = reader.text()?,
            "value" => value = reader.text()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let name = required(name, CONFIG, "name")?;
    fields.finish().map(|()| (name, value))
}

/// `{"0":[1,2],"1":[2,3]}`
fn assignments(reader: &mut Reader<'_>) -> Read<Vec<(i32, Vec<i32>)>> {
    match reader.scanner.peek() {
        Some(b'{') => {}
        Some(b'n') => {
            return reader
                .scanner
                .skip()
                .map(|()| vec![])
                .map_err(super::inside);
        }
        // The map's class name ends in that of its values and a bracket, and only the end is shown.
        _ => return Err(reader.unexpected("Integer>>")),
    }
    let mut all: Vec<(i32, Vec<i32>)> = Vec::new();
    reader.object(|reader, key| {
        let partition = key.trim().parse().map_err(|_| {
            EnvelopeError::Shape(format!(
                "Cannot deserialize Map key of type `Integer` from String \"{key}\": not a valid representation, problem: not a valid Integer value"
            ))
        })?;
        let brokers = brokers(reader)?;
        all.retain(|(other, _)| *other != partition);
        all.push((partition, brokers));
        Ok(true)
    })?;
    all.sort_unstable();
    Ok(all)
}

fn brokers(reader: &mut Reader<'_>) -> Read<Vec<i32>> {
    let (mut first, mut brokers) = (true, Vec::new());
    if reader.enter_array("Integer>")? {
        while reader.scanner.element(&mut first).map_err(super::inside)? {
            brokers.extend(reader.int()?);
        }
    }
    Ok(brokers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(body: &str) -> (u32, String) {
        let error = read_new_topic(body.as_bytes()).unwrap_err();
        (error.code().number, error.to_string())
    }

    #[test]
    fn topics() {
        let body = r#"{"topic_name":"t","partitions_count":"2","replication_factor":1,"configs":[{"name":"a","value":1}],"validate_only":true,"replicas_assignments":{"1":[2],"0":[1,"2"]}}"#;
        let topic = read_new_topic(body.as_bytes()).unwrap();
        assert_eq!(
            (topic.partitions, topic.replication_factor),
            (Some(2), Some(1))
        );
        assert_eq!(topic.configs, [("a".to_owned(), Some("1".to_owned()))]);
        assert_eq!(topic.assignments, [(0, vec![1, 2]), (1, vec![2])]);
        assert!(topic.validate_only);
    }

    #[test]
    fn refusals() {
        for (body, code, message) in [
            (
                "",
                42206,
                "Payload error. Request body is empty. Data is required.",
            ),
            (
                " null ",
                42206,
                "Payload error. Request body is empty. Data is required.",
            ),
            (
                "{}",
                400,
                "Cannot construct instance of `CreateTopicRequest`, problem: Null topicName",
            ),
            (
                r#"{"zz":1}"#,
                400,
                "Cannot construct instance of `CreateTopicRequest`, problem: Null topicName",
            ),
            (
                r#"{"topic_name":"t","zz":[1,{}]}"#,
                422,
                "Unrecognized field: zz",
            ),
            (
                r#"{"topic_name":"t","partitions_count":"x"}"#,
                400,
                "Cannot deserialize value of type `Integer` from String \"x\": not a valid `java.lang.Integer` value",
            ),
            (
                r#"{"topic_name":"t","replicas_assignments":[]}"#,
                400,
                "Cannot deserialize value of type `Integer>>` from Array value (token `JsonToken.START_ARRAY`)",
            ),
            (
                r#"{"topic_name":"t","configs":[{}]}"#,
                400,
                "Cannot construct instance of `ConfigEntry`, problem: Null name",
            ),
            (
                r#"{"topic_name":"t","configs":[{"name":"a"},null]}"#,
                400,
                "Cannot construct instance of `CreateTopicRequest`, problem: at index 1",
            ),
            (
                r#"{"topic_name":"t","configs":[{"name":"a"},{"name":"a"}]}"#,
                400,
                "Multiple configs with the name a",
            ),
        ] {
            assert_eq!(refused(body), (code, message.to_owned()), "{body}");
        }
        assert_eq!(refused("{").0, 400);
        assert_eq!(refused("[]").0, 400);
        assert_eq!(refused("{} x").0, 400);
    }

    #[test]
    fn counts() {
        assert_eq!(
            read_partitions_count(b"{\"partitions_count\":4}").unwrap(),
            4
        );
        let text = |body: &[u8]| read_partitions_count(body).unwrap_err().to_string();
        assert_eq!(
            text(b"{}"),
            "Cannot construct instance of `PartitionsCountRequest`, problem: Null partitionsCount"
        );
        assert_eq!(text(b""), format!("Payload error. {NO_COUNT}"));
    }
}
