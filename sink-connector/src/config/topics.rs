//! `topics` and `topics.regex`: which topics a connector reads.

use std::fmt;
use std::sync::Arc;

use fancy_regex::Regex;
use sluiceway_common::config_def::{ConfigError, ConfigErrors, Values};

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

/// A Java regular expression over whole topic names.
#[derive(Clone)]
pub struct TopicPattern {
    source: String,
    regex: Arc<Regex>,
}

impl TopicPattern {
    /// Compiles a Java regular expression.
    ///
    /// # Errors
    /// What is wrong with it, or which construct of Java's is not known here.
    pub fn new(source: &str) -> Result<Self, String> {
        let regex = Regex::new(&format!(r"\A(?:{})\z", from_java(source)))
            .map_err(|error| format!("Invalid regex: {error}"))?;
        Ok(Self {
            source: source.to_owned(),
            regex: Arc::new(regex),
        })
    }

    /// Whether the whole of `topic` matches. A pattern that backtracks without end matches nothing.
    pub fn matches(&self, topic: &str) -> bool {
        self.regex.is_match(topic).unwrap_or(false)
    }

    /// The expression as given.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl fmt::Debug for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.source)
    }
}

impl PartialEq for TopicPattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for TopicPattern {}

/// What Java writes differently: `\Q…\E` quotes become escaped characters, `\p{Alnum}` and its like POSIX classes.
fn from_java(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(slash) = rest.find('\\') {
        out.push_str(&rest[..slash]);
        let escape = &rest[slash..];
        let (translated, length) = quote(escape)
            .or_else(|| posix_class(escape))
            .unwrap_or_else(|| plain_escape(escape));
        out.push_str(&translated);
        rest = &escape[length..];
    }
    out + rest
}

/// `\Q…\E`, or to the end.
fn quote(escape: &str) -> Option<(String, usize)> {
    let quoted = escape.strip_prefix(r"\Q")?;
    let (literal, end) = match quoted.find(r"\E") {
        Some(end) => (&quoted[..end], end + 4),
        None => (quoted, escape.len()),
    };
    Some((fancy_regex::escape(literal).into_owned(), end))
}

/// `\p{Lower}`, `\P{Lower}`; a bracket class is also right inside another.
fn posix_class(escape: &str) -> Option<(String, usize)> {
    const NAMES: [&str; 13] = [
        "Lower", "Upper", "ASCII", "Alpha", "Digit", "Alnum", "Punct", "Graph", "Print", "Blank",
        "Cntrl", "XDigit", "Space",
    ];
    let negated = escape.starts_with(r"\P{");
    let inner = escape
        .strip_prefix(r"\p{")
        .or_else(|| escape.strip_prefix(r"\P{"))?;
    let name = &inner[..inner.find('}')?];
    let sign = if negated { "^" } else { "" };
    NAMES.contains(&name).then(|| {
        let class = format!("[[:{sign}{}:]]", name.to_ascii_lowercase());
        (class, name.len() + 4)
    })
}

/// A backslash and what follows it, as they are.
fn plain_escape(escape: &str) -> (String, usize) {
    let length = escape.chars().take(2).map(char::len_utf8).sum();
    (escape[..length].to_owned(), length)
}

/// Validator of `topics.regex`.
pub(super) fn check_pattern(text: &str) -> Result<(), String> {
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
    match (topics.is_empty(), pattern) {
        (true, "") => {
            // A pattern that did not compile has its own error.
            if !errors.0.iter().any(|error| error.key == "topics.regex") {
                errors
                    .0
                    .extend(both("Must configure one of topics or topics.regex"));
            }
            None
        }
        (false, "") => Some(TopicSelector::List(topics)),
        (true, pattern) => TopicPattern::new(pattern).ok().map(TopicSelector::Pattern),
        (false, _) => {
            errors.0.extend(both(
                "topics and topics.regex are mutually exclusive options, but both are set.",
            ));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names_only() {
        let pattern = TopicPattern::new("<user>.*").unwrap();
        for (topic, matches) in [
            ("<user>.pin", true),
            ("<user>", true),
            ("a<user>.pin", false),
            ("<use>", false),
        ] {
            assert_eq!(pattern.matches(topic), matches, "{topic}");
        }
        let either = TopicPattern::new("a|b").unwrap();
        assert!(either.matches("a") && either.matches("b") && !either.matches("ab"));
        assert!(TopicPattern::new("rx_.*").unwrap().matches("rx_alpha"));
    }

    #[test]
    fn java_quotes_lookahead_and_possessives_work() {
        let quoted = TopicPattern::new(r"\Qa.b\E.*").unwrap();
        assert!(quoted.matches("a.bc") && !quoted.matches("axbc"));
        assert!(TopicPattern::new(r"\Qa.b").unwrap().matches("a.b"));
        assert!(TopicPattern::new(r"a\\Qb").unwrap().matches(r"a\Qb"));
        let posix = TopicPattern::new(r"\p{Lower}[\p{Alnum}_]+\P{Digit}").unwrap();
        assert!(posix.matches("aB_1x") && !posix.matches("aB_1") && !posix.matches("AB_x"));
        let ahead = TopicPattern::new("(?!internal)[a-z&&[^x]]++").unwrap();
        assert!(ahead.matches("orders") && !ahead.matches("internal") && !ahead.matches("x"));
        assert!(TopicPattern::new("(").is_err());
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
