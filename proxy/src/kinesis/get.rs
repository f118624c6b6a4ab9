//! `GetShardIterator` and `GetRecords`.
//!
//! ```text
//! type, number or time ─▶ Place (topic, partition, offset or time) ─ sealed ─▶ ShardIterator
//! ShardIterator ─ opened ─▶ Place ─▶ a read without a group ─▶ Records, the next ShardIterator
//! ```
//!
//! An iterator is all there is: nothing is kept between two calls, any replica takes any iterator (with a secret in the
//! settings). A call at the end of a shard costs a look-up of two offsets and no client.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::fault::Fault;
use super::front::{Front, now};
use super::shard;
use super::token::{Kind, Refused};
use super::which::Which;
use crate::auth::rights::Operation;
use crate::consumer::include::Include;
use crate::consumer::partition_read::{Start, Wanted};
use crate::consumer::read::Want;
use crate::format::Format;

/// Records of one answer.
const MAX_RECORDS: usize = 10_000;
/// Bytes of data and keys of one answer.
const MAX_BYTES: usize = 10 * 1024 * 1024;
/// Time for records that are known to be there.
const PATIENCE: Duration = Duration::from_secs(10);
/// The partition key of records that have none.
const NO_KEY: &str = "-";

/// `GetShardIterator`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetShardIterator {
    #[serde(flatten)]
    pub(crate) stream: Which,
    pub(crate) shard_id: Option<String>,
    pub(crate) shard_iterator_type: Option<String>,
    pub(crate) starting_sequence_number: Option<String>,
    /// Seconds since 1970.
    pub(crate) timestamp: Option<f64>,
}

/// `GetRecords`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetRecords {
    pub(crate) shard_iterator: Option<String>,
    pub(crate) limit: Option<i64>,
}

/// Where in a shard reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Offset(i64),
    /// Epoch milliseconds; there was no such record yet.
    Time(i64),
}

/// What an iterator stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    topic: String,
    partition: i32,
    from: From,
}

impl Place {
    fn to_bytes(&self) -> Vec<u8> {
        let (kind, number) = match self.from {
            From::Offset(offset) => (b'o', offset),
            From::Time(millis) => (b't', millis),
        };
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&number.to_be_bytes());
        bytes.extend_from_slice(&self.partition.to_be_bytes());
        bytes.extend_from_slice(self.topic.as_bytes());
        bytes
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (partition, topic) = rest.split_first_chunk()?;
        let number = i64::from_be_bytes(*number);
        Some(Self {
            topic: std::str::from_utf8(topic).ok()?.to_owned(),
            partition: i32::from_be_bytes(*partition),
            from: match kind {
                b'o' => From::Offset(number),
                b't' => From::Time(number),
                _ => return None,
            },
        })
    }
}

/// Where to begin.
///
/// # Errors
/// No such stream or shard, a type that is none, a number or a time that is not of the shard.
pub(crate) async fn iterator(front: &Front<'_>, input: &GetShardIterator) -> Result<Value, Fault> {
    let null = |place: &str| Fault::invalid(place, "Member must not be null");
    let (name, shards) = front.stream(&input.stream, Operation::Consume).await?;
    let id = input.shard_id.as_deref().ok_or_else(|| null("shardId"))?;
    let partition = shard::of_name(id)
        .filter(|shard| *shard < shards)
        .ok_or_else(|| {
            let account = &front.config().account;
            let shown: String = id.chars().take(128).collect();
            Fault::not_found(format!(
                "Shard {shown} in stream {name} under account {account} does not exist"
            ))
        })?;
    let kind = input
        .shard_iterator_type
        .as_deref()
        .ok_or_else(|| null("shardIteratorType"))?;
    let offsets = front.app().admin.offsets(name, partition).await;
    let (beginning, end) = offsets.map_err(|fault| front.fault(name, fault))?;
    let sequence = || {
        let text = input.starting_sequence_number.as_deref();
        let text = text.ok_or_else(|| {
            Fault::argument(format!(
                "Must either specify StartingSequenceNumber or another type than {kind}."
            ))
        })?;
        let invalid = || {
            let shown: String = text.chars().take(128).collect();
            Fault::argument(format!(
                "StartingSequenceNumber {shown} used in GetShardIterator on shard {id} in stream {name} is invalid because it did not come from this shard."
            ))
        };
        let (of, offset) = shard::of_sequence(text).ok_or_else(invalid)?;
        if of == partition && offset <= end {
            Ok(offset)
        } else {
            Err(invalid())
        }
    };
    let from = match kind {
        "TRIM_HORIZON" => From::Offset(beginning),
        "LATEST" => From::Offset(end),
        "AT_SEQUENCE_NUMBER" => From::Offset(sequence()?),
        "AFTER_SEQUENCE_NUMBER" => From::Offset(sequence()?.saturating_add(1).min(end)),
        "AT_TIMESTAMP" => From::Time(millis(input.timestamp)?),
        _ => {
            return Err(Fault::invalid(
                "shardIteratorType",
                "Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
            ));
        }
    };
    let place = Place {
        topic: name.to_owned(),
        partition,
        from,
    };
    Ok(json!({ "ShardIterator": front.seal(Kind::Iterator, &place.to_bytes()) }))
}

#[allow(clippy::cast_possible_truncation)]
fn millis(seconds: Option<f64>) -> Result<i64, Fault> {
    let seconds =
        seconds.ok_or_else(|| Fault::argument("Must specify Timestamp for AT_TIMESTAMP."))?;
    let millis = (seconds * 1000.0).round();
    if (0.0..=1e15).contains(&millis) {
        Ok(millis as i64)
    } else {
        Err(Fault::argument("Timestamp is out of range."))
    }
}

/// What a record lies in Kafka as, in the JSON of reads without a group.
#[derive(Debug, Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    offset: i64,
    timestamp: Option<i64>,
}

/// Reads on.
///
/// # Errors
/// An iterator that is none, or too old; no such stream any longer; too many readers.
pub(crate) async fn records(front: &Front<'_>, input: &GetRecords) -> Result<Vec<u8>, Fault> {
    let token = input.shard_iterator.as_deref();
    let token = token.ok_or_else(|| Fault::invalid("shardIterator", "Member must not be null"))?;
    let limit = match input.limit {
        None => MAX_RECORDS,
        Some(number) if number < 1 => {
            return Err(Fault::invalid(
                "limit",
                "Member must have value greater than or equal to 1",
            ));
        }
        Some(number) => match usize::try_from(number) {
            Ok(number) if number <= MAX_RECORDS => number,
            _ => {
                return Err(Fault::invalid(
                    "limit",
                    "Member must have value less than or equal to 10000",
                ));
            }
        },
    };
    let place = open(front, token)?;
    let name = front.visible(&place.topic)?;
    front.request.check(Operation::Consume, name)?;
    let offsets = front.app().admin.offsets(name, place.partition).await;
    let (beginning, end) = offsets.map_err(|fault| front.fault(name, fault))?;
    let start = match place.from {
        From::Offset(offset) if offset > end => {
            let message = format!(
                "The iterator is behind the end of its shard: stream {name} was made anew."
            );
            return Err(Fault::argument(message));
        }
        // What was trimmed is gone.
        From::Offset(offset) => Start::Offset(offset.max(beginning)),
        From::Time(millis) => Start::Time(millis),
    };
    let mut answer = Answer::default();
    let mut from = match start {
        Start::Offset(offset) => From::Offset(offset),
        Start::Time(millis) => From::Time(millis),
    };
    if start != Start::Offset(end) && beginning < end {
        let asked = Instant::now();
        // So many there are at most: with them in hand there is nothing to wait for.
        let left = match start {
            Start::Offset(offset) => usize::try_from(end - offset).unwrap_or(limit),
            Start::Time(_) => limit,
        };
        let body = read(front, &place, start, limit.min(left)).await?;
        let stored: Vec<Stored<'_>> =
            serde_json::from_slice(&body).map_err(|_| crate::error::Error::Internal)?;
        answer.add_all(place.partition, &stored)?;
        match (stored.last(), start) {
            (Some(last), _) => from = From::Offset(last.offset + 1),
            // Nothing but gaps lies before the end (a transaction's marks, say).
            (None, Start::Offset(_)) if asked.elapsed() < PATIENCE => from = From::Offset(end),
            (None, _) => {}
        }
    }
    let behind = match (from, answer.last_time) {
        (From::Offset(offset), Some(time)) if offset < end => now().saturating_sub(time).max(1),
        _ => 0,
    };
    let next = Place { from, ..place };
    Ok(answer.finish(&front.seal(Kind::Iterator, &next.to_bytes()), behind))
}

fn open(front: &Front<'_>, token: &str) -> Result<Place, Fault> {
    let now = now();
    let opened = front.kinesis.seals.open(Kind::Iterator, token, now);
    let meaning = opened.map_err(|refused| match refused {
        Refused::Garbled => Fault::argument("Invalid ShardIterator."),
        Refused::Expired(at) => {
            let lives = front.config().iterator_expiry.as_millis();
            Fault::client(
                "ExpiredIteratorException",
                format!("Iterator expired {} milliseconds ago: an iterator lives for {lives} milliseconds.", now - at),
            )
        }
    })?;
    Place::of_bytes(&meaning).ok_or_else(|| Fault::argument("Invalid ShardIterator."))
}

async fn read(
    front: &Front<'_>,
    place: &Place,
    start: Start,
    limit: usize,
) -> Result<Vec<u8>, Fault> {
    let consumers = &front.app().consumers;
    let wanted = Wanted {
        topic: place.topic.clone(),
        partition: place.partition,
        start,
        format: Format::Binary,
        include: Include {
            timestamp: true,
            headers: false,
        },
    };
    let config = &front.app().config.consumers;
    let want = Want {
        wait: PATIENCE,
        max_bytes: MAX_BYTES.min(config.max_bytes),
        max_records: limit,
        min_bytes: None,
        linger: config.linger,
        join: Duration::ZERO,
        until_end: true,
        events: false,
    };
    let mut reader = consumers.read_partition(wanted).await?;
    let taken = reader.read(want).await;
    let counted = taken
        .as_ref()
        .ok()
        .map(|taken| (taken.records, taken.bytes));
    consumers.metrics.read(Format::Binary, counted);
    Ok(taken?.body)
}

/// The answer's JSON. Data stays the base64 that it was read as.
#[derive(Default)]
struct Answer {
    records: Vec<u8>,
    last_time: Option<i64>,
}

impl Answer {
    fn add_all(&mut self, partition: i32, stored: &[Stored<'_>]) -> Result<(), Fault> {
        for record in stored {
            if !self.records.is_empty() {
                self.records.push(b',');
            }
            let key = match &record.key {
                Some(key) => {
                    let bytes = STANDARD.decode(key.as_bytes()).unwrap_or_default();
                    String::from_utf8_lossy(&bytes).into_owned()
                }
                None => NO_KEY.to_owned(),
            };
            let key = serde_json::to_string(&key).map_err(|_| crate::error::Error::Internal)?;
            let time = record.timestamp.unwrap_or(0);
            let (seconds, millis) = (time.div_euclid(1000), time.rem_euclid(1000));
            let data = record.value.map_or("\"\"", |value| value.get());
            let sequence = shard::sequence(partition, record.offset);
            let text = format!(
                "{{\"SequenceNumber\":\"{sequence}\",\"ApproximateArrivalTimestamp\":{seconds}.{millis:03},\"Data\":{data},\"PartitionKey\":{key}}}"
            );
            self.records.extend_from_slice(text.as_bytes());
            self.last_time = record.timestamp.or(self.last_time);
        }
        Ok(())
    }

    fn finish(self, next: &str, behind: i64) -> Vec<u8> {
        let mut body = b"{\"Records\":[".to_vec();
        body.extend_from_slice(&self.records);
        let tail = format!("],\"NextShardIterator\":\"{next}\",\"MillisBehindLatest\":{behind}}}");
        body.extend_from_slice(tail.as_bytes());
        body
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn places_are_read_back() {
        for from in [
            From::Offset(0),
            From::Offset(i64::MAX),
            From::Time(1_600_000_000_000),
        ] {
            let place = Place {
                topic: "a.b".into(),
                partition: 7,
                from,
            };
            assert_eq!(Place::of_bytes(&place.to_bytes()), Some(place));
        }
        for garbled in [&b""[..], b"o", b"o12345678123", b"x123456781234a"] {
            assert_eq!(Place::of_bytes(garbled), None);
        }
    }

    #[test]
    fn times_are_seconds() {
        assert_eq!(millis(Some(1_600_000_000.123)), Ok(1_600_000_000_123));
        for bad in [None, Some(-1.0), Some(f64::NAN), Some(1e300)] {
            assert!(millis(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn records_have_kinesis_members() {
        let body = br#"[{"topic":"t","key":"aw==","value":"AP8=","partition":1,"offset":5,"timestamp":1500},{"topic":"t","key":null,"value":null,"partition":1,"offset":6,"timestamp":null}]"#;
        let stored: Vec<Stored<'_>> = serde_json::from_slice(body).unwrap();
        let mut answer = Answer::default();
        answer.add_all(1, &stored).unwrap();
        let answer: Value = serde_json::from_slice(&answer.finish("next", 3)).unwrap();
        assert_eq!(answer["MillisBehindLatest"], 3);
        assert_eq!(answer["Records"][0]["ApproximateArrivalTimestamp"], 1.5);
        assert_eq!(answer["Records"][0]["PartitionKey"], "k");
        assert_eq!(answer["Records"][0]["Data"], "AP8=");
        assert_eq!(answer["Records"][1]["PartitionKey"], "-");
        assert_eq!(answer["Records"][1]["Data"], "");
        assert_eq!(
            answer["Records"][1]["SequenceNumber"],
            shard::sequence(1, 6)
        );
    }
}
