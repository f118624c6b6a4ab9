//! `PutRecord` and `PutRecords`: records with a partition key, which chooses the shard and becomes the record's key.
//!
//! Limits are Kinesis': a MiB a record (data and key), 500 records and 5 MiB a call. A call that breaks one writes
//! nothing; what Kafka refuses is each record's own result.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::{Fault, THROTTLED};
use super::front::Front;
use super::shard;
use super::which::Which;
use crate::admission::Permit;
use crate::auth::rights::Operation;
use crate::envelope::{Record, Span};
use crate::format::{Batch, Format};
use crate::produce::{Produced, produce_within};

/// Bytes of data and partition key.
pub(crate) const MAX_RECORD: usize = 1024 * 1024;
/// Bytes of the records of one call.
const MAX_CALL: usize = 5 * MAX_RECORD;
/// Records of one call.
const MAX_RECORDS: usize = 500;
/// Characters of a partition key.
const MAX_KEY: usize = 256;
/// Bytes that Kafka adds to a record at most, with room.
pub(crate) const OVERHEAD: usize = 4096;

/// `PutRecord`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutRecord<'a> {
    #[serde(flatten)]
    stream: Which,
    #[serde(borrow)]
    data: Option<Cow<'a, str>>,
    partition_key: Option<String>,
    explicit_hash_key: Option<String>,
}

/// `PutRecords`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutRecords<'a> {
    #[serde(flatten)]
    stream: Which,
    #[serde(borrow)]
    records: Option<Vec<Encoded<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Encoded<'a> {
    #[serde(borrow)]
    data: Option<Cow<'a, str>>,
    partition_key: Option<String>,
    explicit_hash_key: Option<String>,
}

/// A record to be written.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// Its data.
    pub(crate) data: Cow<'a, [u8]>,
    /// Its partition key.
    pub(crate) partition_key: String,
    /// The hash key that goes before the partition key's.
    pub(crate) explicit_hash_key: Option<String>,
}

impl Encoded<'_> {
    fn decode(self, place: &str) -> Result<Entry<'static>, Fault> {
        let null =
            |field: &str| Fault::invalid(&format!("{place}{field}"), "Member must not be null");
        let data = self.data.ok_or_else(|| null("data"))?;
        let data = STANDARD.decode(data.as_bytes()).map_err(|_| {
            Fault::client(
                "SerializationException",
                format!("{place}data is not base64."),
            )
        })?;
        Ok(Entry {
            data: Cow::Owned(data),
            partition_key: self.partition_key.ok_or_else(|| null("partitionKey"))?,
            explicit_hash_key: self.explicit_hash_key,
        })
    }
}

impl PutRecord<'_> {
    /// Writes it.
    ///
    /// # Errors
    /// It breaks a rule, or Kafka does not take it.
    pub(crate) async fn run(self, front: &Front<'_>, permit: Permit) -> Result<Value, Fault> {
        let encoded = Encoded {
            data: self.data,
            partition_key: self.partition_key,
            explicit_hash_key: self.explicit_hash_key,
        };
        put_one(front, &self.stream, encoded.decode("")?, permit).await
    }
}

impl PutRecords<'_> {
    /// Writes them.
    ///
    /// # Errors
    /// One of them breaks a rule. What Kafka does not take is told record by record.
    pub(crate) async fn run(self, front: &Front<'_>, permit: Permit) -> Result<Value, Fault> {
        let records = self.records.unwrap_or_default();
        check_count(records.len())?;
        let decode = |(at, record): (usize, Encoded<'_>)| {
            record.decode(&format!("records.{}.member.", at + 1))
        };
        let entries = records.into_iter().enumerate().map(decode);
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        put_many(front, &self.stream, entries, permit).await
    }
}

fn check_count(records: usize) -> Result<(), Fault> {
    match records {
        0 => Err(Fault::invalid(
            "records",
            "Member must have length greater than or equal to 1",
        )),
        1..=MAX_RECORDS => Ok(()),
        _ => Err(Fault::invalid(
            "records",
            "Member must have length less than or equal to 500",
        )),
    }
}

/// Writes one record.
///
/// # Errors
/// It breaks a rule, or Kafka does not take it.
pub(crate) async fn put_one(
    front: &Front<'_>,
    stream: &Which,
    entry: Entry<'_>,
    permit: Permit,
) -> Result<Value, Fault> {
    let (name, shards) = front.stream(stream, Operation::Produce).await?;
    let batch = batch(&[entry], shards)?;
    let produced = write(front, name, batch, permit).await?;
    let result = produced.results().next();
    let (partition, offset) = match result {
        Some(Ok(place)) => place,
        Some(Err(error)) => return Err(front.record_fault(name, error)),
        None => return Err(Fault::from(crate::error::Error::Internal)),
    };
    Ok(json!({
        "ShardId": shard::name(partition),
        "SequenceNumber": shard::sequence(partition, offset),
        "EncryptionType": "NONE",
    }))
}

/// Writes several.
///
/// # Errors
/// One of them breaks a rule.
pub(crate) async fn put_many(
    front: &Front<'_>,
    stream: &Which,
    entries: Vec<Entry<'_>>,
    permit: Permit,
) -> Result<Value, Fault> {
    check_count(entries.len())?;
    let (name, shards) = front.stream(stream, Operation::Produce).await?;
    let batch = batch(&entries, shards)?;
    drop(entries);
    let produced = write(front, name, batch, permit).await?;
    let mut failed = 0;
    let result = |result: Result<(i32, i64), _>| match result {
        Ok((partition, offset)) => json!({
            "ShardId": shard::name(partition),
            "SequenceNumber": shard::sequence(partition, offset),
        }),
        Err(error) => {
            failed += 1;
            let fault = front.record_fault(name, error);
            // Kinesis knows two here.
            let code = match fault.name {
                THROTTLED | "ServiceUnavailable" => THROTTLED,
                _ => "InternalFailure",
            };
            json!({"ErrorCode": code, "ErrorMessage": fault.message})
        }
    };
    let records: Vec<Value> = produced.results().map(result).collect();
    Ok(json!({"FailedRecordCount": failed, "Records": records, "EncryptionType": "NONE"}))
}

async fn write(
    front: &Front<'_>,
    name: &str,
    batch: Batch,
    permit: Permit,
) -> Result<Produced, Fault> {
    front.request.charge(0, batch.records.len());
    let limit = MAX_RECORD + OVERHEAD;
    let produced = produce_within(
        front.app(),
        name,
        None,
        Format::Binary,
        batch,
        permit,
        limit,
    )
    .await;
    Ok(produced?)
}

/// Places the records.
///
/// # Errors
/// One of them breaks a rule.
fn batch(entries: &[Entry<'_>], shards: i32) -> Result<Batch, Fault> {
    let several = entries.len() > 1;
    let place = |at: usize, field: &str| {
        if several {
            format!("records.{}.member.{field}", at + 1)
        } else {
            field.to_owned()
        }
    };
    let size: usize = entries.iter().map(size_of).sum();
    if size > MAX_CALL {
        return Err(Fault::argument("Records size exceeds 5 MB limit"));
    }
    let (mut bytes, mut records) = (Vec::with_capacity(size), Vec::with_capacity(entries.len()));
    for (at, entry) in entries.iter().enumerate() {
        if size_of(entry) > MAX_RECORD {
            return Err(Fault::invalid(
                &place(at, "data"),
                "Member must have length less than or equal to 1048576",
            ));
        }
        let length = entry.partition_key.chars().count();
        if length == 0 || length > MAX_KEY {
            let rule = if length == 0 {
                "greater than or equal to 1"
            } else {
                "less than or equal to 256"
            };
            return Err(Fault::invalid(
                &place(at, "partitionKey"),
                &format!("Member must have length {rule}"),
            ));
        }
        let hash = match &entry.explicit_hash_key {
            None => shard::hash_key(&entry.partition_key),
            Some(text) => explicit(text).ok_or_else(|| {
                Fault::argument(
                    "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1].",
                )
            })?,
        };
        let mut append = |piece: &[u8]| {
            let start = bytes.len();
            bytes.extend_from_slice(piece);
            Some(Span::since(start, &bytes))
        };
        records.push(Record {
            key: append(entry.partition_key.as_bytes()),
            value: append(&entry.data),
            partition: Some(shard::of_hash(hash, shards)),
        });
    }
    Ok(Batch {
        bytes,
        records,
        ..Batch::default()
    })
}

fn size_of(entry: &Entry<'_>) -> usize {
    entry.data.len() + entry.partition_key.len()
}

/// `0|([1-9]\d{0,38})`
fn explicit(text: &str) -> Option<u128> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = text == "0" || !text.starts_with('0');
    text.parse().ok().filter(|_| digits && plain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entry(data: usize, key: &str, hash: Option<&str>) -> Entry<'static> {
        Entry {
            data: Cow::Owned(vec![b'x'; data]),
            partition_key: key.to_owned(),
            explicit_hash_key: hash.map(str::to_owned),
        }
    }

    #[test]
    fn keys_choose_shards_unless_a_hash_key_does() {
        let last = u128::MAX.to_string();
        let entries = [
            entry(1, "abc", None),
            entry(1, "abc", Some("0")),
            entry(1, "abc", Some(&last)),
        ];
        let batch = batch(&entries, 2).unwrap();
        let shards: Vec<_> = batch
            .records
            .iter()
            .map(|record| record.partition.unwrap())
            .collect();
        // 0x9001… is in the upper half.
        assert_eq!(shards, [1, 0, 1]);
        assert_eq!(batch.key(&batch.records[0]), Some(&b"abc"[..]));
        assert_eq!(batch.value(&batch.records[2]), Some(&b"x"[..]));
    }

    #[test]
    fn limits_are_those_of_kinesis() {
        let name = |entries: &[Entry<'_>]| batch(entries, 1).map(drop).map_err(|fault| fault.name);
        assert_eq!(name(&[entry(MAX_RECORD - 1, "k", None)]), Ok(()));
        assert_eq!(
            name(&[entry(MAX_RECORD, "k", None)]),
            Err("ValidationException")
        );
        let five = || {
            (0..5)
                .map(|_| entry(MAX_RECORD - 1, "k", None))
                .collect::<Vec<_>>()
        };
        assert_eq!(name(&five()), Ok(()));
        let mut more = five();
        more.push(entry(1, "k", None));
        assert_eq!(name(&more), Err("InvalidArgumentException"));
        assert_eq!(name(&[entry(1, "", None)]), Err("ValidationException"));
        assert_eq!(name(&[entry(1, &"é".repeat(256), None)]), Ok(()));
        assert_eq!(
            name(&[entry(1, &"é".repeat(257), None)]),
            Err("ValidationException")
        );
        for hash in [
            "",
            "-1",
            "+1",
            "01",
            "1x",
            "340282366920938463463374607431768211456",
        ] {
            assert_eq!(
                name(&[entry(1, "k", Some(hash))]),
                Err("InvalidArgumentException"),
                "{hash}"
            );
        }
        assert!(check_count(500).is_ok() && check_count(501).is_err() && check_count(0).is_err());
    }
}
