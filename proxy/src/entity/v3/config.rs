//! Bodies of settings.

use serde::Serialize;

/// Fields of `KafkaTopicConfig`, `KafkaBrokerConfig` and `KafkaClusterConfig`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Config {
    /// The cluster's id.
    pub cluster_id: String,
    /// The setting.
    pub name: String,
    /// Its value; sensitive ones have none.
    pub value: Option<String>,
    /// Whether it cannot be changed.
    pub is_read_only: bool,
    /// Whether it is secret.
    pub is_sensitive: bool,
    /// Where the value comes from.
    pub source: &'static str,
    /// Where values stand, nearest first.
    pub synonyms: Vec<Synonym>,
    /// What it belongs to.
    #[serde(flatten)]
    pub owner: Owner,
    /// Whether the value is the default.
    pub is_default: bool,
}

/// A place where a setting's value stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Synonym {
    /// The setting's name there.
    pub name: String,
    /// The value.
    pub value: Option<String>,
    /// Which place it is.
    pub source: &'static str,
}

/// What a setting belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Owner {
    /// A topic.
    Topic {
        /// Its name.
        topic_name: String,
    },
    /// A broker.
    Broker {
        /// Its id.
        broker_id: i32,
    },
    /// All brokers.
    Cluster {
        /// `BROKER`.
        config_type: &'static str,
    },
}

/// What a change of many topics' settings could not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlterFailures {
    /// One entry a topic.
    pub failures: Vec<AlterFailure>,
}

/// Why one topic's settings were not changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlterFailure {
    /// The topic's name.
    pub topic_name: String,
    /// Confluent's code.
    pub error_code: u32,
    /// What went wrong.
    pub message: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_owner_stands_before_the_last_field() {
        let config = Config {
            cluster_id: "C".into(),
            name: "n".into(),
            value: None,
            is_read_only: false,
            is_sensitive: true,
            source: "DEFAULT_CONFIG",
            synonyms: vec![],
            owner: Owner::Broker { broker_id: 1 },
            is_default: true,
        };
        let expected = r#"{"cluster_id":"C","name":"n","value":null,"is_read_only":false,"is_sensitive":true,"source":"DEFAULT_CONFIG","synonyms":[],"broker_id":1,"is_default":true}"#;
        assert_eq!(serde_json::to_string(&config).unwrap(), expected);
    }
}
