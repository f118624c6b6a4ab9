//! The bodies of an instance's sub-resources.
//!
//! In: bodies. Out: what they ask for, missing fields as `None`: which of them may be missing is each operation's rule.
//! What fails: wrong JSON (400), unknown fields, a missing body (422).

use super::error::ConsumerError;
use super::fields::{self, Fields};
use crate::envelope::EnvelopeError;
use crate::error::Error;

/// `POST …/subscription`
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SubscriptionRequest {
    pub(crate) topics: Option<Vec<Option<String>>>,
    pub(crate) pattern: Option<String>,
}

/// A partition with what is to be done there.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) topic: Option<String>,
    pub(crate) partition: Option<i32>,
    pub(crate) offset: Option<i64>,
    pub(crate) metadata: Option<String>,
}

impl Place {
    /// Its topic and partition.
    ///
    /// # Errors
    /// One of them is missing, which is a 500 in the original.
    pub(crate) fn required(&self) -> Result<(String, i32), ConsumerError> {
        match (&self.topic, self.partition) {
            (Some(topic), Some(partition)) if !topic.is_empty() => Ok((topic.clone(), partition)),
            _ => Err(ConsumerError::Unforeseen("a topic or partition is missing")),
        }
    }

    /// Its topic, which may be missing, and its partition.
    ///
    /// # Errors
    /// The partition is missing, which is a 500 in the original.
    pub(crate) fn numbered(&self) -> Result<(Option<&str>, i32), ConsumerError> {
        let missing = ConsumerError::Unforeseen("a partition is missing");
        Ok((self.topic.as_deref(), self.partition.ok_or(missing)?))
    }
}

/// Where reading of a partition goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seek {
    pub(crate) topic: String,
    /// 0 when it is missing, as in the original.
    pub(crate) partition: i32,
    /// Among `offsets` the offset, 0 when it is missing; among `timestamps` the time in epoch milliseconds.
    pub(crate) at: i64,
    /// Kafka keeps none of a position; an error shows it.
    pub(crate) metadata: Option<String>,
}

/// `POST …/positions`
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SeekRequest {
    pub(crate) offsets: Vec<Seek>,
    pub(crate) timestamps: Vec<Seek>,
}

impl SubscriptionRequest {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Error> {
        let mut request = Self::default();
        let present = fields::read(body, "ConsumerSubscriptionRecord", |name, value| {
            match name {
                "topics" => request.topics = value.list("String", |item| item.text())?,
                "topic_pattern" => request.pattern = value.text()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        required(present, "subscribe.subscription")?;
        Ok(request)
    }
}

/// A body with one list of places. `None`: no body; `Some(None)`: no list in it.
pub(crate) fn places(
    body: &[u8],
    class: &'static str,
    list: &'static str,
    item: &'static str,
) -> Result<Option<Option<Vec<Place>>>, Error> {
    let mut places = None;
    let present = fields::read(body, class, |name, value| {
        if name != list {
            return Ok(false);
        }
        places = value.list(item, |value| place(item, value))?;
        Ok(true)
    })?;
    Ok(present.then_some(places))
}

/// The places of a body that must be there; `method` names the operation and its parameter in errors.
pub(crate) fn partitions(
    body: &[u8],
    class: &'static str,
    method: &'static str,
) -> Result<Vec<Place>, Error> {
    let places = places(body, class, "partitions", "TopicPartition")?;
    required(places.is_some(), method)?;
    let missing = ConsumerError::Unforeseen("no partitions");
    Ok(places.flatten().ok_or(missing)?)
}

const SEEK: &str = "ConsumerSeekRequest";
const SEEK_TIME: &str = "PartitionTimestamp";

impl SeekRequest {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Error> {
        let (mut offsets, mut timestamps) = (Vec::new(), Vec::new());
        let read = fields::read(body, SEEK, |name, value| {
            let (list, item) = match name {
                "offsets" => (&mut offsets, "PartitionOffset"),
                "timestamps" => (&mut timestamps, SEEK_TIME),
                _ => return Ok(false),
            };
            *list = value
                .list(item, |value| seek(item, value))?
                .unwrap_or_default();
            Ok(true)
        });
        let built = without_null(offsets).and_then(|offsets| {
            let timestamps = without_null(timestamps)?;
            Ok(Self {
                offsets,
                timestamps,
            })
        });
        let (present, request) = fields::build(read, built)?;
        required(present, "seekToOffset.request")?;
        Ok(request)
    }
}

/// One of `offsets` or `timestamps`; `None` is `null`.
fn seek(item: &str, value: &mut Fields<'_, '_>) -> Result<Option<Seek>, EnvelopeError> {
    let (mut topic, mut partition, mut at, mut metadata) = (None, None, None, None);
    let timed = item == SEEK_TIME;
    let read = value.object(item, &mut |name, value| {
        match name {
            "topic" => topic = value.text()?,
            "partition" => partition = value.int()?,
            "offset" if !timed => at = value.long()?,
            "timestamp" if timed => at = value.instant()?,
            "metadata" => metadata = value.text()?,
            _ => return Ok(false),
        }
        Ok(true)
    });
    if matches!(read, Ok(false)) {
        return Ok(None);
    }
    let built = match (topic, at) {
        (None, _) => Err(cannot_construct(item, "Null topic")),
        (_, None) if timed => Err(cannot_construct(item, "Null timestamp")),
        (Some(topic), at) => Ok(Seek {
            topic,
            partition: partition.unwrap_or(0),
            at: at.unwrap_or(0),
            metadata,
        }),
    };
    fields::build(read, built).map(|(_, seek)| Some(seek))
}

/// The items of a list that may not have a `null` in it.
fn without_null(list: Vec<Option<Seek>>) -> Result<Vec<Seek>, EnvelopeError> {
    match list.iter().position(Option::is_none) {
        Some(index) => Err(cannot_construct(SEEK, &format!("at index {index}"))),
        None => Ok(list.into_iter().flatten().collect()),
    }
}

fn cannot_construct(class: &str, problem: &str) -> EnvelopeError {
    EnvelopeError::Shape(format!(
        "Cannot construct instance of `{class}`, problem: {problem}"
    ))
}

fn place(item: &str, value: &mut Fields<'_, '_>) -> Result<Place, EnvelopeError> {
    let mut place = Place::default();
    let offset = item.contains("Offset");
    value.object(item, &mut |name, value| {
        match name {
            "topic" => place.topic = value.text()?,
            "partition" => place.partition = value.int()?,
            "offset" if offset => place.offset = value.long()?,
            "metadata" if offset => place.metadata = value.text()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(place)
}

fn required(present: bool, method: &'static str) -> Result<(), ConsumerError> {
    if present {
        Ok(())
    } else {
        Err(ConsumerError::Rule(format!(
            "{method} must not be null (was null)"
        )))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn subscriptions() {
        let read = |body: &str| SubscriptionRequest::read(body.as_bytes());
        for nothing in ["{}", "\u{feff}{}"] {
            assert_eq!(read(nothing).unwrap(), SubscriptionRequest::default());
        }
        let both = read(r#"{"topics":["a",null],"topic_pattern":"x.*"}"#).unwrap();
        assert_eq!(both.topics, Some(vec![Some("a".into()), None]));
        assert_eq!(both.pattern.as_deref(), Some("x.*"));
        let error = |body: &str| read(body).unwrap_err();
        assert_eq!(
            error(r#"{"topics":["a"],"zz":1}"#).to_string(),
            "Unrecognized field: zz"
        );
        assert_eq!(
            error(r#"{"topics":"a"}"#).to_string(),
            "Cannot construct instance of `ArrayList` (although at least one Creator exists): no String-argument \
             constructor/factory method to deserialize from String value ('a')"
        );
        assert_eq!(
            error("").to_string(),
            "subscribe.subscription must not be null (was null)"
        );
        assert_eq!(error("{").code().number, 400);
    }

    #[test]
    fn places_of_every_kind() {
        let body = br#"{"offsets":[{"topic":"t","partition":"1","offset":7,"metadata":"m"}]}"#;
        let committed = places(
            body,
            "ConsumerOffsetCommitRequest",
            "offsets",
            "TopicPartitionOffsetMetadata",
        );
        let committed = committed.unwrap().unwrap().unwrap();
        assert_eq!(committed[0].required().unwrap(), ("t".to_owned(), 1));
        assert_eq!(committed[0].offset, Some(7));
        assert_eq!(committed[0].metadata.as_deref(), Some("m"));
        let no_topic = &partitions(br#"{"partitions":[{"partition":3}]}"#, "C", "m").unwrap()[0];
        assert_eq!(no_topic.numbered(), Ok((None, 3)));
        assert!(no_topic.required().is_err() && Place::default().numbered().is_err());
        let text = br#"{"offsets":[{"topic":"t","partition":0,"offset":"x"}]}"#;
        let error = places(
            text,
            "ConsumerOffsetCommitRequest",
            "offsets",
            "TopicPartitionOffsetMetadata",
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "Cannot deserialize value of type `Long` from String \"x\": not a valid `java.lang.Long` value"
        );
        let none = places(b"", "C", "offsets", "TopicPartitionOffsetMetadata").unwrap();
        assert_eq!(none, None);
        let missing = partitions(
            b"{}",
            "ConsumerAssignmentRequest",
            "assign.assignmentRequest",
        );
        assert_eq!(missing.unwrap_err().code().number, 500);
        let unknown = br#"{"partitions":[{"topic":"t","partition":0,"offset":1}]}"#;
        let unknown = partitions(unknown, "ConsumerSeekToRequest", "m").unwrap_err();
        assert_eq!(unknown.code().number, 422);
    }

    #[test]
    fn seeks() {
        let read = |body: &str| SeekRequest::read(body.as_bytes());
        let both = r#"{"offsets":[{"topic":"t","partition":"1","offset":-7,"metadata":"m"},{"topic":""}],"timestamps":[{"topic":"t","timestamp":"1970-01-01T00:00:01.5Z"},{"topic":"t","timestamp":1.5}]}"#;
        let seek = |topic: &str, partition, at| Seek {
            topic: topic.into(),
            partition,
            at,
            metadata: None,
        };
        let with_metadata = Seek {
            metadata: Some("m".into()),
            ..seek("t", 1, -7)
        };
        let expected = SeekRequest {
            offsets: vec![with_metadata, seek("", 0, 0)],
            timestamps: vec![seek("t", 0, 1500), seek("t", 0, 1500)],
        };
        assert_eq!(read(both).unwrap(), expected);
        assert_eq!(read("{}").unwrap(), SeekRequest::default());
        let cannot = |class: &str, problem: &str| {
            format!("Cannot construct instance of `{class}`, problem: {problem}")
        };
        for (body, status, message) in [
            (
                r#"{"offsets":[{"partition":0,"zz":1}]}"#,
                400,
                cannot("PartitionOffset", "Null topic"),
            ),
            (
                r#"{"timestamps":[{"topic":null,"timestamp":1}]}"#,
                400,
                cannot("PartitionTimestamp", "Null topic"),
            ),
            (
                r#"{"timestamps":[{"topic":"t","timestamp":""}]}"#,
                400,
                cannot("PartitionTimestamp", "Null timestamp"),
            ),
            (
                r#"{"offsets":[{"topic":"t"},null],"zz":1}"#,
                400,
                cannot("ConsumerSeekRequest", "at index 1"),
            ),
            (
                r#"{"timestamps":[{"topic":"t","timestamp":"x"}]}"#,
                400,
                "Cannot deserialize value of type `Instant` from String \"x\": Failed to deserialize java.time.Instant: \
                 (java.time.format.DateTimeParseException) Text 'x' could not be parsed at index 0"
                    .into(),
            ),
            (
                r#"{"offsets":[{"topic":"t","timestamp":1}]}"#,
                422,
                "Unrecognized field: timestamp".into(),
            ),
            ("", 422, "seekToOffset.request must not be null (was null)".into()),
        ] {
            let error = read(body).unwrap_err();
            let told = (error.code().status.as_u16(), error.to_string());
            assert_eq!(told, (status, message), "{body}");
        }
    }
}
