//! `/connectors/{name}/offsets`: committed offsets of the connector's consumer group.

use http::Method;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::respond::{self, ApiError, Reply};
use super::{Api, body};
use crate::herder::{HerderError, OffsetChange};

#[derive(Serialize)]
struct Item<'a> {
    partition: Partition<'a>,
    offset: Offset,
}

#[derive(Serialize)]
struct Partition<'a> {
    kafka_partition: i32,
    kafka_topic: &'a str,
}

#[derive(Serialize)]
struct Offset {
    kafka_offset: i64,
}

/// Answers GET, PATCH and DELETE.
pub(super) async fn serve(api: &Api, name: &str, call: &Call) -> Result<Reply, ApiError> {
    match call.method {
        Method::PATCH => {
            let items = items(body::object(&call.body)?)?;
            api.herder.alter_offsets(name, changes(&items)).await?;
            Ok(done("altered"))
        }
        Method::DELETE => {
            api.herder.reset_offsets(name).await?;
            Ok(done("reset"))
        }
        _ => {
            let offsets = api.herder.offsets(name).await?;
            let items: Vec<Item<'_>> = offsets
                .iter()
                .map(|found| Item {
                    partition: Partition {
                        kafka_partition: found.partition,
                        kafka_topic: &found.topic,
                    },
                    offset: Offset {
                        kafka_offset: found.offset,
                    },
                })
                .collect();
            Ok(respond::ok(&json!({ "offsets": items })))
        }
    }
}

fn done(verb: &str) -> Reply {
    let message = format!(
        "The Connect framework-managed offsets for this connector have been {verb} successfully. However, if this \
         connector manages offsets externally, they will need to be manually {verb} in the system that the connector uses."
    );
    respond::ok(&json!({ "message": message }))
}

/// The items of a PATCH's body. What they hold is looked at once the connector is known to be there and stopped.
fn items(mut map: Map<String, Value>) -> Result<Vec<Value>, ApiError> {
    match map.shift_remove("offsets") {
        Some(Value::Array(items)) if !items.is_empty() => Ok(items),
        _ => Err(ApiError::bad_request(
            "Partitions / offsets need to be provided for an alter offsets request",
        )),
    }
}

fn changes(items: &[Value]) -> Result<Vec<OffsetChange>, HerderError> {
    items.iter().map(change).collect()
}

fn change(item: &Value) -> Result<OffsetChange, HerderError> {
    let Some(partition) = item.get("partition").and_then(Value::as_object) else {
        return refused("The partition for a sink connector offset cannot be null or missing");
    };
    let (Some(topic), Some(number)) = (
        partition.get("kafka_topic"),
        partition.get("kafka_partition"),
    ) else {
        return refused(
            "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'",
        );
    };
    if topic.is_null() {
        return refused("Kafka topic names must be valid strings and may not be null");
    }
    Ok(OffsetChange {
        topic: java_text(topic),
        partition: partition_number(number)?,
        offset: offset(item.get("offset"))?,
    })
}

fn partition_number(value: &Value) -> Result<i32, HerderError> {
    if value.is_null() {
        return refused("Kafka partitions must be valid numbers and may not be null");
    }
    let text = java_text(value);
    text.parse().or_else(|_| {
        refused(format!(
            "Failed to parse the following Kafka partition value in the provided offsets: '{text}'. Partition values for \
             sink connectors need to be integers."
        ))
    })
}

fn offset(value: Option<&Value>) -> Result<Option<i64>, HerderError> {
    let value = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let Some(number) = value.get("kafka_offset") else {
        return refused(
            "The offset for a sink connector should either be null or contain the key 'kafka_offset'",
        );
    };
    let text = java_text(number);
    match text.parse::<i64>() {
        Ok(number) if number >= 0 => Ok(Some(number)),
        Ok(number) => refused(format!("Invalid negative offset: {number}")),
        Err(_) => refused(format!(
            "Failed to parse the following Kafka offset value in the provided offsets: '{text}'. Offset values for sink \
             connectors need to be integers."
        )),
    }
}

fn refused<T>(message: impl Into<String>) -> Result<T, HerderError> {
    Err(HerderError::BadRequest(message.into()))
}

/// A JSON value as Java makes text of it: `true`, `null`, `[1, x]`, `{a=1}`.
fn java_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(java_text).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| format!("{key}={}", java_text(value));
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(body: Value) -> Result<Vec<OffsetChange>, String> {
        let Value::Object(map) = body else {
            return Err("no object".into());
        };
        let items = items(map).map_err(|error| error.message)?;
        changes(&items).map_err(|error| error.to_string())
    }

    fn one(partition: Value, offset: Value) -> Result<Vec<OffsetChange>, String> {
        parse(json!({"offsets": [{"partition": partition, "offset": offset}]}))
    }

    #[test]
    fn changes_are_read() {
        let expected = |offset| {
            vec![OffsetChange {
                topic: "t".into(),
                partition: 1,
                offset,
            }]
        };
        let partition = json!({"kafka_topic": "t", "kafka_partition": 1});
        assert_eq!(
            one(partition.clone(), json!({"kafka_offset": 7})).unwrap(),
            expected(Some(7))
        );
        assert_eq!(one(partition, Value::Null).unwrap(), expected(None));
        let texts = one(
            json!({"kafka_topic": "t", "kafka_partition": "1"}),
            json!({"kafka_offset": "7"}),
        );
        assert_eq!(texts.unwrap(), expected(Some(7)));
        let number = json!({"kafka_topic": 1, "kafka_partition": 1});
        assert_eq!(one(number, Value::Null).unwrap()[0].topic, "1");
    }

    #[test]
    fn each_mistake_has_its_text() {
        let good = || json!({"kafka_topic": "t", "kafka_partition": 1});
        assert!(
            parse(json!({}))
                .unwrap_err()
                .starts_with("Partitions / offsets need")
        );
        assert!(
            parse(json!({"offsets": []}))
                .unwrap_err()
                .starts_with("Partitions / offsets need")
        );
        let cases = [
            (
                Value::Null,
                json!({"kafka_offset": 1}),
                "cannot be null or missing",
            ),
            (
                json!({"kafka_topic": "t"}),
                Value::Null,
                "must contain the keys",
            ),
            (json!({}), Value::Null, "must contain the keys"),
            (
                json!({"kafka_topic": null, "kafka_partition": 1}),
                Value::Null,
                "topic names must be valid",
            ),
            (
                json!({"kafka_topic": "t", "kafka_partition": true}),
                Value::Null,
                "'true'. Partition values",
            ),
            (
                json!({"kafka_topic": "t", "kafka_partition": null}),
                Value::Null,
                "must be valid numbers",
            ),
            (
                json!({"kafka_topic": "t", "kafka_partition": "x"}),
                Value::Null,
                "'x'. Partition values",
            ),
            (good(), json!({}), "contain the key 'kafka_offset'"),
            (good(), json!({"kafka_offset": "y"}), "'y'. Offset values"),
            (
                good(),
                json!({"kafka_offset": null}),
                "'null'. Offset values",
            ),
            (
                good(),
                json!({"kafka_offset": [1, {"a": "b"}]}),
                "'[1, {a=b}]'. Offset values",
            ),
            (good(), json!({"kafka_offset": -1}), "negative"),
        ];
        for (partition, offset, text) in cases {
            let error = one(partition, offset).unwrap_err();
            assert!(error.contains(text), "{text}: {error}");
        }
    }
}
