//! The resources `/streams…`: what AWS's tutorial "Create a REST API as an Amazon Kinesis proxy" makes of API Gateway.
//!
//! In: requests as its mapping templates take them. Out: the operation's answer. The path names the stream, whatever the
//! body says. `record` takes `Data` as JSON and stores its text; `records` takes `data` as a string and stores what it
//! says (anything else is stored as its JSON).

use std::borrow::Cow;

use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sluiceway_common::json::{Options, minify};

use super::Kinesis;
use super::call::{json, read};
use super::fault::Fault;
use super::front::Front;
use super::get::{self, GetRecords, GetShardIterator};
use super::put::{self, Entry};
use super::streams::{self, Create, Describe, List};
use super::which::Which;
use crate::api::Request;
use crate::router::Kinesis as Resource;

/// Shards of a new stream whose maker does not say, as the template has it.
const SHARDS: i64 = 5;
const ITERATOR: &str = "shard-iterator";

/// Strings as long as the body may be.
const OPTIONS: Options = Options {
    max_string_len: usize::MAX,
    ..Options::STRICT
};

/// Answers a request: the operation's JSON, nothing for those that say nothing.
///
/// # Errors
/// See [`Fault`].
pub(super) async fn answer(
    kinesis: &Kinesis,
    resource: Resource,
    request: &Request<'_>,
    body: Incoming,
) -> Result<Vec<u8>, Fault> {
    let front = &Front { kinesis, request };
    let stream = || Ok::<_, Fault>(Which::named(request.topic()?));
    match resource {
        Resource::List => json(&streams::list(front, &List::default()).await?),
        Resource::Describe => {
            let input = Describe {
                stream: stream()?,
                limit: None,
                exclusive_start_shard_id: None,
            };
            json(&streams::describe(front, &input).await?)
        }
        Resource::Create => {
            let (body, _permit) = read(request, body).await?;
            let input = Create {
                stream: stream()?,
                shard_count: Some(shard_count(&body)?),
                stream_mode_details: None,
            };
            streams::create(front, &input).await.map(|()| Vec::new())
        }
        Resource::Delete => streams::delete(front, &stream()?)
            .await
            .map(|()| Vec::new()),
        Resource::Put => {
            let (body, permit) = read(request, body).await?;
            json(&put::put_one(front, &stream()?, record(&body)?, permit).await?)
        }
        Resource::PutMany => {
            let (body, permit) = read(request, body).await?;
            json(&put::put_many(front, &stream()?, records(&body)?, permit).await?)
        }
        Resource::Get => {
            let token = request
                .headers
                .get(ITERATOR)
                .and_then(|token| token.to_str().ok());
            let input = GetRecords {
                shard_iterator: token.map(str::to_owned),
                limit: None,
            };
            get::records(front, &input).await
        }
        Resource::Iterator => {
            let input = GetShardIterator {
                stream: stream()?,
                shard_id: request.query("shard-id"),
                shard_iterator_type: Some("TRIM_HORIZON".to_owned()),
                starting_sequence_number: None,
                timestamp: None,
            };
            json(&get::iterator(front, &input).await?)
        }
        // It has no path.
        Resource::Call => Err(crate::error::Error::NoSuchPath.into()),
    }
}

#[derive(Deserialize)]
struct Shards {
    #[serde(rename = "ShardCount")]
    count: Option<Value>,
}

fn shard_count(body: &[u8]) -> Result<i64, Fault> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(SHARDS);
    }
    let shards: Shards =
        serde_json::from_slice(body).map_err(|error| Fault::serialization(&error))?;
    let none = || Fault::invalid("shardCount", "Member must be a number");
    match shards.count {
        None | Some(Value::Null) => Ok(SHARDS),
        Some(Value::String(text)) if text.is_empty() => Ok(SHARDS),
        Some(Value::String(text)) => text.parse().map_err(|_| none()),
        Some(Value::Number(number)) => number.as_i64().ok_or_else(none),
        Some(_) => Err(none()),
    }
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, rename = "Data")]
    data: Option<&'a RawValue>,
    #[serde(rename = "PartitionKey")]
    partition_key: Option<Value>,
}

#[derive(Deserialize)]
struct Records<'a> {
    #[serde(borrow)]
    records: Option<Vec<Item<'a>>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(rename = "partition-key")]
    partition_key: Option<Value>,
}

fn record(body: &[u8]) -> Result<Entry<'_>, Fault> {
    let record: Record<'_> =
        serde_json::from_slice(body).map_err(|error| Fault::serialization(&error))?;
    let data = record
        .data
        .ok_or_else(|| Fault::invalid("Data", "Member must not be null"))?;
    Ok(Entry {
        data: text(data)?,
        partition_key: key("PartitionKey", record.partition_key)?,
        explicit_hash_key: None,
    })
}

fn records(body: &[u8]) -> Result<Vec<Entry<'_>>, Fault> {
    let records: Records<'_> =
        serde_json::from_slice(body).map_err(|error| Fault::serialization(&error))?;
    let items = records.records.unwrap_or_default().into_iter().enumerate();
    let entry = |(at, item): (usize, Item<'_>)| {
        let place = |field: &str| format!("records[{at}].{field}");
        let data = item
            .data
            .ok_or_else(|| Fault::invalid(&place("data"), "Member must not be null"))?;
        let data = if data.get().starts_with('"') {
            let told: String =
                serde_json::from_str(data.get()).map_err(|error| Fault::serialization(&error))?;
            Cow::Owned(told.into_bytes())
        } else {
            Cow::Owned(text(data)?.into_owned())
        };
        Ok(Entry {
            data,
            partition_key: key(&place("partition-key"), item.partition_key)?,
            explicit_hash_key: None,
        })
    };
    items.map(entry).collect()
}

/// JSON without blanks between its parts, as API Gateway writes it.
fn text(json: &RawValue) -> Result<Cow<'_, [u8]>, Fault> {
    let mut out = Vec::with_capacity(json.get().len());
    minify(json.get().as_bytes(), 0, &mut out, &OPTIONS)
        .map_err(|error| Fault::client("SerializationException", error.to_string()))?;
    Ok(Cow::Owned(out))
}

/// The template writes numbers as they are.
fn key(place: &str, value: Option<Value>) -> Result<String, Fault> {
    match value {
        Some(Value::String(text)) => Ok(text),
        Some(scalar @ (Value::Number(_) | Value::Bool(_))) => Ok(scalar.to_string()),
        None | Some(Value::Null) => Err(Fault::invalid(place, "Member must not be null")),
        Some(_) => Err(Fault::invalid(place, "Member must be a string")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_record_keeps_its_json() {
        let body = br#"{"StreamName": "x", "Data": {"index" : 1e2, "title": "\u00e9"}, "PartitionKey": 7}"#;
        let entry = record(body).unwrap();
        assert_eq!(&*entry.data, br#"{"index":1e2,"title":"\u00e9"}"#);
        assert_eq!(entry.partition_key, "7");
        assert_eq!(
            &*record(br#"{"Data": "text", "PartitionKey": "k"}"#)
                .unwrap()
                .data,
            b"\"text\""
        );
    }

    #[test]
    fn several_records_are_what_their_strings_say() {
        let body = br#"{"records": [{"data": "{\"a\": 1}", "partition-key": "k"}, {"data": {"b": [1, 2]}, "partition-key": true}]}"#;
        let entries = records(body).unwrap();
        assert_eq!(&*entries[0].data, br#"{"a": 1}"#);
        assert_eq!(&*entries[1].data, br#"{"b":[1,2]}"#);
        assert_eq!(entries[1].partition_key, "true");
    }

    #[test]
    fn wrong_bodies_are_told() {
        for (body, name) in [
            (&b""[..], "SerializationException"),
            (b"[]", "SerializationException"),
            (b"{\"Data\": {}", "SerializationException"),
            (b"{\"PartitionKey\": \"k\"}", "ValidationException"),
            (
                b"{\"Data\": null, \"PartitionKey\": \"k\"}",
                "ValidationException",
            ),
            (b"{\"Data\": {}}", "ValidationException"),
            (
                b"{\"Data\": {}, \"PartitionKey\": {}}",
                "ValidationException",
            ),
        ] {
            assert_eq!(
                record(body).unwrap_err().name,
                name,
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        assert_eq!(
            records(b"{\"records\": [{\"data\": 1}]}").unwrap_err().name,
            "ValidationException"
        );
        assert_eq!(
            records(b"{\"records\": [{\"data\": \"\\ud800\", \"partition-key\": \"k\"}]}")
                .unwrap_err()
                .name,
            "SerializationException"
        );
    }

    #[test]
    fn shards_are_counted_as_the_template_does() {
        for (body, count) in [
            ("", 5),
            ("{}", 5),
            ("{\"ShardCount\": \"\"}", 5),
            ("{\"ShardCount\": 2}", 2),
            ("{\"ShardCount\": \"3\"}", 3),
        ] {
            assert_eq!(shard_count(body.as_bytes()), Ok(count), "{body}");
        }
        assert!(
            shard_count(b"{\"ShardCount\": []}").is_err()
                && shard_count(b"{\"ShardCount\": 1.5}").is_err()
        );
    }
}
