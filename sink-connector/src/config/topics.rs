//! `topics` and `topics.regex`: which topics a connector reads.

use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};

use super::java_regex::JavaRegex;
pub use sluiceway_common::topic_pattern::TopicPattern;

/// Topics a connector reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicSelector {
    /// `topics`: these, whether they exist yet or not.
    List(Vec<String>),
    /// `topics.regex`: every topic whose whole name matches, now or later.
    Pattern(TopicPattern),
}

impl TopicSelector {
    /// Whether the topic is read. A pattern never reads Kafka's own topics, as consumers exclude them.
    pub fn selects(&self, topic: &str) -> bool {
        const INTERNAL: [&str; 3] = [
            "__consumer_offsets",
            "__transaction_state",
            "__share_group_state",
        ];
        match self {
            Self::List(topics) => topics.iter().any(|listed| listed == topic),
            Self::Pattern(pattern) => !INTERNAL.contains(&topic) && pattern.matches(topic),
        }
    }
}

/// Validator of `topics.regex`.
pub(super) fn check_pattern(text: &str) -> Result<(), String> {
    JavaRegex::new(text).map_err(|reason| format!("Invalid regex: {reason}"))?;
    TopicPattern::new(text).map(drop)
}

/// Reads `topics` and `topics.regex`; exactly one may be set. The error stands once at each key, as Connect has it.
pub(super) fn select(values: &Values, errors: &mut ConfigErrors) -> Option<TopicSelector> {
    let topics: Vec<String> = values
        .list("topics")
        .iter()
        .filter(|topic| !topic.is_empty())
        .cloned()
        .collect();
    let pattern = values.text("topics.regex");
    let both =
        |message: &str| ["topics", "topics.regex"].map(|key| ConfigError::other(key, message));
    let letters = values.text("errors.deadletterqueue.topic.name");
    if !letters.is_empty() {
        errors
            .0
            .extend(reads_dead_letters(&topics, pattern, letters));
    }
    // A pattern that did not compile has its own error, and no value.
    let bad_pattern = errors.0.iter().any(|error| error.key == "topics.regex");
    match (topics.is_empty(), pattern) {
        (true, "") => {
            if !bad_pattern {
                errors
                    .0
                    .extend(both("Must configure one of topics or topics.regex"));
            }
            None
        }
        (false, "") if !bad_pattern => Some(TopicSelector::List(topics)),
        (true, pattern) => TopicPattern::new(pattern).ok().map(TopicSelector::Pattern),
        (false, _) => {
            errors.0.extend(both(
                "topics and topics.regex are mutually exclusive options, but both are set.",
            ));
            None
        }
    }
}

/// A connector that read its own dead letters would never end.
fn reads_dead_letters(topics: &[String], pattern: &str, letters: &str) -> Option<ConfigError> {
    if topics.iter().any(|topic| topic == letters) {
        let listed = topics.join(", ");
        let message = format!(
            "The DLQ topic '{letters}' may not be included in the list of topics ('topics=[{listed}]') consumed by the \
             connector"
        );
        return Some(ConfigError::other("topics", message));
    }
    let matched = !pattern.is_empty()
        && TopicPattern::new(pattern).is_ok_and(|pattern| pattern.matches(letters));
    matched.then(|| {
        let message = format!(
            "The DLQ topic '{letters}' may not be matched by the regex for the topics ('topics.regex={pattern}') \
             consumed by the connector"
        );
        ConfigError::other("topics.regex", message)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn kafkas_own_topics_are_never_matched_by_a_pattern() {
        let all = TopicSelector::Pattern(TopicPattern::new(".*").unwrap());
        assert!(all.selects("t") && !all.selects("__consumer_offsets"));
        assert!(
            TopicSelector::List(vec!["__consumer_offsets".into()]).selects("__consumer_offsets")
        );
    }
}
