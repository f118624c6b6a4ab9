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
    /// As it is written.
    pub(crate) timestamp: Option<String>,
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
}

/// `POST …/positions`
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SeekRequest {
    pub(crate) offsets: Vec<Place>,
    pub(crate) timestamps: Vec<Place>,
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

impl SeekRequest {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Error> {
        let mut request = Self::default();
        let present = fields::read(body, "ConsumerSeekRequest", |name, value| {
            let (list, item) = match name {
                "offsets" => (&mut request.offsets, "PartitionOffset"),
                "timestamps" => (&mut request.timestamps, "PartitionTimestamp"),
                _ => return Ok(false),
            };
            *list = value
                .list(item, |value| place(item, value))?
                .unwrap_or_default();
            Ok(true)
        })?;
        required(present, "seekToOffset.request")?;
        Ok(request)
    }
}

fn place(item: &str, value: &mut Fields<'_, '_>) -> Result<Place, EnvelopeError> {
    let mut place = Place::default();
    let (offset, time) = (item.contains("Offset"), item.contains("Timestamp"));
    value.object(item, &mut |name, value| {
        match name {
            "topic" => place.topic = value.text()?,
            "partition" => place.partition = value.int()?,
            "offset" if offset => place.offset = value.long()?,
            "metadata" if offset || time => place.metadata = value.text()?,
            "timestamp" if time => {
                place.timestamp = if value.peek() == Some(b'"') {
                    value.text()?
                } else {
                    Some(value.raw()?.to_owned()).filter(|raw| raw != "null")
                }
            }
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
        let body = br#"{"offsets":[{"topic":"t","partition":"1","offset":7,"metadata":"m"}],"timestamps":[{"topic":"t","partition":0,"timestamp":"2026-01-01T00:00:00Z"}]}"#;
        let seek = SeekRequest::read(body).unwrap();
        assert_eq!(seek.offsets[0].required().unwrap(), ("t".to_owned(), 1));
        assert_eq!(seek.offsets[0].offset, Some(7));
        assert_eq!(
            seek.timestamps[0].timestamp.as_deref(),
            Some("2026-01-01T00:00:00Z")
        );
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
}
