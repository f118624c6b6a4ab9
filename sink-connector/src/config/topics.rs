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
    let topics = listed(values);
    let pattern = values.text("topics.regex");
    // A pattern that did not compile has its own error, and no value.
    let bad_pattern = errors.0.iter().any(|error| error.key == "topics.regex");
    let selector = match (topics.is_empty(), pattern) {
        (true, "") if bad_pattern => None,
        (true, "") => told(errors, "Must configure one of topics or topics.regex"),
        (false, "") if !bad_pattern => Some(TopicSelector::List(topics.clone())),
        (true, pattern) => TopicPattern::new(pattern).ok().map(TopicSelector::Pattern),
        (false, _) => told(
            errors,
            "topics and topics.regex are mutually exclusive options, but both are set.",
        ),
    };
    let letters = values.text("errors.deadletterqueue.topic.name");
    if !letters.is_empty() {
        reads_dead_letters(&topics, pattern, letters, errors);
    }
    selector
}

/// The topics of `topics`, each once.
fn listed(values: &Values) -> Vec<String> {
    let mut topics: Vec<String> = Vec::new();
    for topic in values.list("topics") {
        if !topic.is_empty() && !topics.contains(topic) {
            topics.push(topic.clone());
        }
    }
    topics
}

/// Tells `message` of both properties.
fn told(errors: &mut ConfigErrors, message: &str) -> Option<TopicSelector> {
    let keys = ["topics", "topics.regex"];
    errors
        .0
        .extend(keys.map(|key| ConfigError::other(key, message)));
    None
}

/// A connector that read its own dead letters would never end.
fn reads_dead_letters(topics: &[String], pattern: &str, letters: &str, errors: &mut ConfigErrors) {
    if topics.iter().any(|topic| topic == letters) {
        let listed = topics.join(", ");
        let message = format!(
            "The DLQ topic '{letters}' may not be included in the list of topics ('topics=[{listed}]') consumed by the \
             connector"
        );
        errors.0.push(ConfigError::other("topics", message));
    }
    if !pattern.is_empty()
        && TopicPattern::new(pattern).is_ok_and(|pattern| pattern.matches(letters))
    {
        let message = format!(
            "The DLQ topic '{letters}' may not be matched by the regex for the topics ('topics.regex={pattern}') \
             consumed by the connector"
        );
        errors.0.push(ConfigError::other("topics.regex", message));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn selected(pairs: &[(&str, &str)]) -> (Option<TopicSelector>, Vec<String>) {
        let pairs = pairs.iter();
        let pairs = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let (values, _) = super::super::definition().parse_all(&pairs.collect());
        let mut errors = ConfigErrors::default();
        let selector = select(&values, &mut errors);
        let told = errors.0.into_iter();
        (selector, told.map(|error| error.message).collect())
    }

    #[test]
    fn a_topic_counts_once_and_its_dead_letters_are_not_read() {
        let (topics, errors) = selected(&[("topics", "a, b,a,,")]);
        let list = TopicSelector::List(vec!["a".into(), "b".into()]);
        assert_eq!((topics, errors.len()), (Some(list), 0));
        let letters = ("errors.deadletterqueue.topic.name", "a");
        let (_, errors) = selected(&[("topics", "a,b,a"), ("topics.regex", ".*"), letters]);
        let both = "topics and topics.regex are mutually exclusive options, but both are set.";
        assert_eq!(
            errors,
            [
                both,
                both,
                "The DLQ topic 'a' may not be included in the list of topics ('topics=[a, b]') consumed by the connector",
                "The DLQ topic 'a' may not be matched by the regex for the topics ('topics.regex=.*') consumed by the \
                 connector",
            ]
        );
    }

    #[test]
    fn kafkas_own_topics_are_never_matched_by_a_pattern() {
        let all = TopicSelector::Pattern(TopicPattern::new(".*").unwrap());
        assert!(all.selects("t") && !all.selects("__consumer_offsets"));
        assert!(
            TopicSelector::List(vec!["__consumer_offsets".into()]).selects("__consumer_offsets")
        );
    }
}
