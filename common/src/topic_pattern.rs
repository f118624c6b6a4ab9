//! Java regular expressions over whole topic names: `topics.regex` of connectors, `topic_pattern` of consumers.
//!
//! In: the expression as a Java program takes it. Out: whether a topic's whole name matches. What fails: expressions
//! that Java would refuse, and constructs of Java's that are not known here, with the reason as text.

use std::fmt;
use std::sync::Arc;

use fancy_regex::Regex;

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
pub fn from_java(source: &str) -> String {
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
}
