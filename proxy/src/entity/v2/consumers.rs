//! Answers of `/consumers`.

use serde::Serialize;

/// `POST /consumers/{group}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreateConsumer {
    /// The instance's name.
    pub instance_id: String,
    /// Where its resources are.
    pub base_uri: String,
}

/// `GET …/subscription`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// Names of topics.
    pub topics: Vec<String>,
}

/// `GET …/assignments`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// What is read.
    pub partitions: Vec<TopicPartition>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopicPartition {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
}

/// `GET …/offsets`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommittedOffsets {
    /// Those that were committed.
    pub offsets: Vec<CommittedOffset>,
}

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommittedOffset {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Where reading goes on.
    pub offset: i64,
    /// What was committed with it.
    pub metadata: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fields_and_their_order() {
        let created = CreateConsumer {
            instance_id: "i".into(),
            base_uri: "http://h/consumers/g/instances/i".into(),
        };
        assert_eq!(
            serde_json::to_string(&created).unwrap(),
            r#"{"instance_id":"i","base_uri":"http://h/consumers/g/instances/i"}"#
        );
        let offset = CommittedOffset {
            topic: "t".into(),
            partition: 0,
            offset: 20,
            metadata: String::new(),
        };
        let offsets = CommittedOffsets {
            offsets: vec![offset],
        };
        assert_eq!(
            serde_json::to_string(&offsets).unwrap(),
            r#"{"offsets":[{"topic":"t","partition":0,"offset":20,"metadata":""}]}"#
        );
    }
}
