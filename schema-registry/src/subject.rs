//! Names of subjects (`key.subject.name.strategy`, `value.subject.name.strategy`).

/// How a schema's subject is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectNameStrategy {
    /// `<topic>-key` or `<topic>-value`.
    #[default]
    TopicName,
    /// The record's full name.
    RecordName,
    /// `<topic>-<full name>`.
    TopicRecordName,
}

impl SubjectNameStrategy {
    /// The strategy of a Java class, full or simple name, or of the name that API v3 uses.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let simple = name.trim().rsplit('.').next().unwrap_or(name);
        match simple {
            "TopicNameStrategy" | "TOPIC_NAME" => Some(Self::TopicName),
            "RecordNameStrategy" | "RECORD_NAME" => Some(Self::RecordName),
            "TopicRecordNameStrategy" | "TOPIC_RECORD_NAME" => Some(Self::TopicRecordName),
            _ => None,
        }
    }

    /// The subject. `record_name` is the schema's full name; `None` when the strategy needs one and there is none.
    #[must_use]
    pub fn subject(self, topic: &str, is_key: bool, record_name: Option<&str>) -> Option<String> {
        match self {
            Self::TopicName => Some(format!("{topic}-{}", if is_key { "key" } else { "value" })),
            Self::RecordName => record_name.map(str::to_owned),
            Self::TopicRecordName => record_name.map(|name| format!("{topic}-{name}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SubjectNameStrategy as Strategy;

    #[test]
    fn subjects_of_the_three_strategies() {
        for (strategy, key, value) in [
            (Strategy::TopicName, Some("t-key"), Some("t-value")),
            (Strategy::RecordName, Some("a.R"), Some("a.R")),
            (Strategy::TopicRecordName, Some("t-a.R"), Some("t-a.R")),
        ] {
            assert_eq!(strategy.subject("t", true, Some("a.R")).as_deref(), key);
            assert_eq!(strategy.subject("t", false, Some("a.R")).as_deref(), value);
        }
        assert_eq!(Strategy::RecordName.subject("t", false, None), None);
    }

    #[test]
    fn strategies_by_class_and_by_name() {
        let class = "io.confluent.kafka.serializers.subject.RecordNameStrategy";
        assert_eq!(Strategy::from_name(class), Some(Strategy::RecordName));
        assert_eq!(
            Strategy::from_name("TOPIC_RECORD_NAME"),
            Some(Strategy::TopicRecordName)
        );
        assert_eq!(Strategy::from_name("x"), None);
    }
}
