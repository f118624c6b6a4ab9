//! Sample records: a JSON array, or JSON objects one after the other.
//!
//! ```text
//! {"topic": "orders", "partition": 0, "offset": 7, "timestamp": 1700000000000,
//!  "key": "k1", "value": {"id": 7}, "headers": [{"key": "h", "value": "x"}]}
//! ```
//!
//! In: text. Out: records as Kafka would deliver them. Everything has a default: the topic where the connector reads
//! only one, partition 0, the offset after the one before in the partition. A value, key or header value that is a JSON
//! string stands for its characters, any other JSON for its own text, null or nothing for none; bytes of any other kind
//! stand in `value_base64` and `key_base64`.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::config::TopicSelector;

/// A record as Kafka would deliver it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleRecord {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Milliseconds since 1970; -1 for a record without one, `None` for the time of the call.
    pub timestamp: Option<i64>,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub value: Option<Vec<u8>>,
    /// Headers in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Why a sample cannot be used.
#[derive(Debug, Error)]
pub enum SampleError {
    /// It is no JSON, or has a member that a record has not.
    #[error("record {number}: {error}")]
    Json {
        /// Which record, from 1.
        number: usize,
        /// What the parser says.
        error: serde_json::Error,
    },
    /// Base64 that is none.
    #[error("record {number}: {member}_base64: {error}")]
    Base64 {
        /// Which record, from 1.
        number: usize,
        /// In which member, without its ending.
        member: &'static str,
        /// What the decoder says.
        error: base64::DecodeError,
    },
    /// The same member in two forms.
    #[error("record {number}: {member} and {member}_base64 are both set")]
    Twice {
        /// Which record, from 1.
        number: usize,
        /// Which member.
        member: &'static str,
    },
    /// The connector reads several topics, or a pattern of them.
    #[error("record {number}: no topic is set, and the connector does not read just one")]
    NoTopic {
        /// Which record, from 1.
        number: usize,
    },
    /// An offset that Kafka would not deliver there.
    #[error(
        "record {number}: offset {offset} does not lie above those before it in {topic}-{partition}"
    )]
    Offset {
        /// Which record, from 1.
        number: usize,
        /// Its topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
    },
    /// The connector does not read it.
    #[error("record {number}: the connector does not read the topic {topic}")]
    OtherTopic {
        /// Which record, from 1.
        number: usize,
        /// The topic.
        topic: String,
    },
}

/// Records as the file has them.
pub struct Sample(Vec<Given>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    topic: Option<String>,
    #[serde(default)]
    partition: i32,
    offset: Option<i64>,
    timestamp: Option<i64>,
    key: Option<Box<RawValue>>,
    key_base64: Option<String>,
    value: Option<Box<RawValue>>,
    value_base64: Option<String>,
    #[serde(default)]
    headers: Vec<GivenHeader>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenHeader {
    key: String,
    value: Option<Box<RawValue>>,
}

impl Sample {
    /// Reads a sample.
    ///
    /// # Errors
    /// The first record that is none.
    pub fn parse(text: &str) -> Result<Self, SampleError> {
        if text.trim_start().starts_with('[') {
            let records: Vec<&RawValue> = serde_json::from_str(text)
                .map_err(|error| SampleError::Json { number: 1, error })?;
            let records = records
                .iter()
                .map(|record| serde_json::from_str(record.get()));
            return collect(records);
        }
        collect(serde_json::Deserializer::from_str(text).into_iter())
    }

    /// The records, for a connector that reads `topics`.
    ///
    /// # Errors
    /// The first record that cannot be used.
    pub fn records(self, topics: &TopicSelector) -> Result<Vec<SampleRecord>, SampleError> {
        let only = match topics {
            TopicSelector::List(topics) if topics.len() == 1 => topics.first().cloned(),
            _ => None,
        };
        let mut next = HashMap::new();
        let mut records = Vec::with_capacity(self.0.len());
        for (index, given) in self.0.into_iter().enumerate() {
            let number = index + 1;
            let topic = given.topic.clone().or_else(|| only.clone());
            let topic = topic.ok_or(SampleError::NoTopic { number })?;
            if !topics.selects(&topic) {
                return Err(SampleError::OtherTopic { number, topic });
            }
            let next = next.entry((topic.clone(), given.partition)).or_insert(0);
            let (partition, offset) = (given.partition, given.offset.unwrap_or(*next));
            if offset < *next {
                return Err(SampleError::Offset {
                    number,
                    topic,
                    partition,
                    offset,
                });
            }
            *next = offset + 1;
            records.push(given.record(topic, offset, number)?);
        }
        Ok(records)
    }
}

fn collect(
    records: impl Iterator<Item = Result<Given, serde_json::Error>>,
) -> Result<Sample, SampleError> {
    records
        .enumerate()
        .map(|(index, record)| {
            record.map_err(|error| SampleError::Json {
                number: index + 1,
                error,
            })
        })
        .collect::<Result<_, _>>()
        .map(Sample)
}

impl Given {
    fn record(
        self,
        topic: String,
        offset: i64,
        number: usize,
    ) -> Result<SampleRecord, SampleError> {
        let headers = self.headers.into_iter();
        Ok(SampleRecord {
            topic,
            partition: self.partition,
            offset,
            timestamp: self.timestamp,
            key: bytes(self.key, self.key_base64, "key", number)?,
            value: bytes(self.value, self.value_base64, "value", number)?,
            headers: headers
                .map(|header| (header.key, header.value.map(|value| text(&value))))
                .collect(),
        })
    }
}

fn bytes(
    json: Option<Box<RawValue>>,
    base64: Option<String>,
    member: &'static str,
    number: usize,
) -> Result<Option<Vec<u8>>, SampleError> {
    match (json, base64) {
        (Some(_), Some(_)) => Err(SampleError::Twice { number, member }),
        (Some(json), None) => Ok(Some(text(&json))),
        (None, Some(base64)) => {
            STANDARD
                .decode(base64)
                .map(Some)
                .map_err(|error| SampleError::Base64 {
                    number,
                    member,
                    error,
                })
        }
        (None, None) => Ok(None),
    }
}

/// A string's characters, any other JSON as it stands there.
fn text(json: &RawValue) -> Vec<u8> {
    let string = serde_json::from_str::<String>(json.get());
    string.map_or_else(|_| json.get().into(), String::into_bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn topics(names: &[&str]) -> TopicSelector {
        TopicSelector::List(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn records(text: &str, names: &[&str]) -> Result<Vec<SampleRecord>, String> {
        let sample = Sample::parse(text).map_err(|error| error.to_string())?;
        sample
            .records(&topics(names))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn everything_has_a_default() {
        let lines = "{\"value\": {\"a\":1.10}}\n{\"value\": \"text\", \"key\": 7, \"offset\": 9}\n{\"partition\": 1}\n{}";
        let found = records(lines, &["t"]).unwrap();
        let places: Vec<_> = found
            .iter()
            .map(|one| (one.partition, one.offset))
            .collect();
        assert_eq!(places, [(0, 0), (0, 9), (1, 0), (0, 10)]);
        assert_eq!(found[0].value.as_deref(), Some(&b"{\"a\":1.10}"[..]));
        assert_eq!(found[1].value.as_deref(), Some(&b"text"[..]));
        assert_eq!(found[1].key.as_deref(), Some(&b"7"[..]));
        assert_eq!(found[2].value, None);
        assert!(
            found
                .iter()
                .all(|one| one.topic == "t" && one.timestamp.is_none())
        );
    }

    #[test]
    fn an_array_and_bytes_and_headers() {
        let text = r#"[{"topic":"u","timestamp":5,"value_base64":"AAE=","headers":[{"key":"h","value":"x"},{"key":"n"}]}]"#;
        let found = records(text, &["t", "u"]).unwrap();
        assert_eq!(found[0].value.as_deref(), Some(&[0, 1][..]));
        assert_eq!(
            found[0].headers,
            [
                ("h".to_owned(), Some(b"x".to_vec())),
                ("n".to_owned(), None)
            ]
        );
        assert_eq!(found[0].timestamp, Some(5));
    }

    #[test]
    fn mistakes_name_the_record() {
        for (text, says) in [
            ("{}\n{\"valeu\": 1}", "record 2: unknown field `valeu`"),
            ("[{}, 3]", "record 2: invalid type"),
            ("[{}", "record 1: EOF"),
            (
                "{\"value\": 1, \"value_base64\": \"\"}",
                "record 1: value and value_base64 are both set",
            ),
            ("{\"key_base64\": \"?\"}", "record 1: key_base64: Invalid"),
            (
                "{\"offset\":3}{\"offset\":3}",
                "record 2: offset 3 does not lie above those before it in t-0",
            ),
            (
                "{\"topic\": \"u\"}",
                "record 1: the connector does not read the topic u",
            ),
        ] {
            let error = records(text, &["t"]).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(records("{}", &["t", "u"]).unwrap_err().contains("no topic"));
    }
}
