//! Java regular expressions with groups and replacements, as topic routers use them.

use std::fmt::Write as _;

use fancy_regex::{Captures, Regex};
use sluiceway_common::topic_pattern::from_java;

use crate::error::Exception;

/// A compiled expression: once for the whole text, once for its first match.
pub(crate) struct JavaRegex {
    whole: Regex,
    first: Regex,
}

impl JavaRegex {
    /// Compiles a Java regular expression.
    ///
    /// # Errors
    /// What is wrong with it, in Java's words where the mistake is a usual one.
    pub(crate) fn new(source: &str) -> Result<Self, String> {
        let translated = from_java(source);
        let compile = |text: &str| {
            Regex::new(text).map_err(|error| syntax_error(source).unwrap_or(error.to_string()))
        };
        Ok(Self {
            first: compile(&translated)?,
            whole: compile(&format!(r"\A(?:{translated})\z"))?,
        })
    }

    /// Whether the whole of `text` matches. A pattern that backtracks without end matches nothing.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text).unwrap_or(false)
    }

    /// `text` with its first match replaced; `$1`, `${name}` are groups, a backslash takes what follows as it is.
    ///
    /// # Errors
    /// A group that the expression has not, or a replacement that Java does not read.
    pub(crate) fn replace_first(&self, text: &str, replacement: &str) -> Result<String, Exception> {
        let Ok(Some(captures)) = self.first.captures(text) else {
            return Ok(text.to_owned());
        };
        let Some(all) = captures.get(0) else {
            return Ok(text.to_owned());
        };
        let mut out = text[..all.start()].to_owned();
        expand(&captures, replacement, &mut out)?;
        out.push_str(&text[all.end()..]);
        Ok(out)
    }
}

fn illegal(message: impl Into<String>) -> Exception {
    Exception::new("java.lang.IllegalArgumentException", message)
}

fn expand(captures: &Captures<'_>, replacement: &str, out: &mut String) -> Result<(), Exception> {
    let mut rest = replacement;
    while let Some(at) = rest.find(['\\', '$']) {
        out.push_str(&rest[..at]);
        let special = &rest[at..];
        rest = match special.strip_prefix('\\') {
            Some(after) => {
                let Some(c) = after.chars().next() else {
                    return Err(illegal("character to be escaped is missing"));
                };
                out.push(c);
                &after[c.len_utf8()..]
            }
            None => group(captures, &special[1..], out)?,
        };
    }
    out.push_str(rest);
    Ok(())
}

/// Appends the group that `text` begins with; answers what follows it.
fn group<'t>(
    captures: &Captures<'_>,
    text: &'t str,
    out: &mut String,
) -> Result<&'t str, Exception> {
    if let Some(named) = text.strip_prefix('{') {
        let (name, rest) = named
            .split_once('}')
            .ok_or_else(|| illegal("named capturing group is missing trailing '}'"))?;
        let group = captures.name(name);
        let group = group.ok_or_else(|| illegal(format!("No group with name {{{name}}}")))?;
        out.push_str(group.as_str());
        return Ok(rest);
    }
    let digit = |at: usize| match text.as_bytes().get(at) {
        Some(byte) if byte.is_ascii_digit() => Some(usize::from(byte - b'0')),
        _ => None,
    };
    let Some(mut number) = digit(0) else {
        return Err(if text.is_empty() {
            illegal("Illegal group reference: group index is missing")
        } else {
            illegal("Illegal group reference")
        });
    };
    if number >= captures.len() {
        let message = format!("No group {number}");
        return Err(Exception::new(
            "java.lang.IndexOutOfBoundsException",
            message,
        ));
    }
    let mut length = 1;
    // Further digits belong to the number while there is such a group.
    while let Some(next) = digit(length)
        && number * 10 + next < captures.len()
    {
        number = number * 10 + next;
        length += 1;
    }
    out.push_str(captures.get(number).map_or("", |group| group.as_str()));
    Ok(&text[length..])
}

/// `PatternSyntaxException`'s message for brackets without their pair and repetitions of nothing.
fn syntax_error(source: &str) -> Option<String> {
    let mut open = 0;
    let mut class = false;
    let mut may_repeat = false;
    let mut chars = source.chars().enumerate();
    let length = source.chars().count();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if chars.next().is_none() => {
                return Some(told("Unexpected internal error", Some(length), source));
            }
            '\\' => {}
            ']' if class => class = false,
            _ if class => {}
            '[' => class = true,
            '(' => open += 1,
            ')' if open == 0 => {
                return Some(told("Unmatched closing ')'", at.checked_sub(1), source));
            }
            ')' => open -= 1,
            '*' | '+' | '?'
                if !may_repeat && (at == 0 || source.chars().nth(at - 1) != Some('(')) =>
            {
                let what = format!("Dangling meta character '{c}'");
                return Some(told(&what, Some(at), source));
            }
            _ => {}
        }
        may_repeat = !matches!(c, '(' | '|');
    }
    if class {
        return Some(told(
            "Unclosed character class",
            Some(length.saturating_sub(1)),
            source,
        ));
    }
    (open > 0).then(|| told("Unclosed group", Some(length), source))
}

fn told(what: &str, index: Option<usize>, source: &str) -> String {
    let mut text = what.to_owned();
    if let Some(index) = index {
        // Writing to a String does not fail.
        let _ = write!(text, " near index {index}");
    }
    let _ = write!(text, "\n{source}");
    if let Some(index) = index.filter(|index| *index < source.chars().count()) {
        let _ = write!(text, "\n{}^", " ".repeat(index));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn groups_are_filled_in_as_java_does() {
        for (regex, text, replacement, result) in [
            ("t_(.*)", "t_a", "new_$1", "new_a"),
            (".*", "t_a", "merged", "merged"),
            ("(a)(b)?", "a", "$1-$2-", "a--"),
            ("(.)(.*)", "xy", "$12", "x2"),
            ("(?<n>.*)", "x", "${n}$0\\$1", "xx$1"),
        ] {
            let regex = JavaRegex::new(regex).unwrap();
            assert!(regex.matches(text));
            assert_eq!(regex.replace_first(text, replacement).unwrap(), result);
        }
        let regex = JavaRegex::new("(.*)").unwrap();
        let error = |replacement| {
            regex
                .replace_first("a", replacement)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error("$2"),
            "java.lang.IndexOutOfBoundsException: No group 2"
        );
        assert_eq!(
            error("$x"),
            "java.lang.IllegalArgumentException: Illegal group reference"
        );
    }

    #[test]
    fn usual_mistakes_are_told_as_java_tells_them() {
        for (source, message) in [
            ("(", "Unclosed group near index 1\n("),
            ("*", "Dangling meta character '*' near index 0\n*\n^"),
            ("\\", "Unexpected internal error near index 1\n\\"),
            ("[a", "Unclosed character class near index 1\n[a\n ^"),
            ("a)", "Unmatched closing ')' near index 0\na)\n^"),
        ] {
            assert_eq!(JavaRegex::new(source).err().unwrap(), message);
        }
    }
}
