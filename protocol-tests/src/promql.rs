//! Which series an expression of PromQL names: enough of the language for rules and dashboards, no more.
//!
//! In: an expression. Out: its selectors (name, matchers) and the labels it groups or joins by.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};

/// `name{label="value", …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// The metric, or what a rule records.
    pub name: String,
    /// Label, operator (`=`, `!=`, `=~`, `!~`), value.
    pub matchers: Vec<(String, String, String)>,
}

/// What an expression names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// In their order.
    pub selectors: Vec<Selector>,
    /// Labels of `by`, `without`, `on`, `ignoring`.
    pub groups: BTreeSet<String>,
}

const GROUPINGS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
const OPERATORS: [&str; 6] = ["and", "or", "unless", "bool", "offset", "atan2"];
const AGGREGATIONS: [&str; 9] = [
    "sum", "min", "max", "avg", "count", "topk", "bottomk", "quantile", "stddev",
];

/// Reads an expression.
///
/// # Errors
/// A bracket or a string that does not end, a matcher that is none.
pub fn read(expression: &str) -> Result<Named> {
    let mut named = Named::default();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        match first {
            '"' => rest = string(rest)?.1,
            '[' => rest = &rest[rest.find(']').context("[ without ]")? + 1..],
            // Numbers, and durations after `offset`.
            '0'..='9' | '.' => {
                rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.')
            }
            _ if starts_word(first) => rest = word(rest, &mut named)?,
            _ => rest = &rest[first.len_utf8()..],
        }
    }
    Ok(named)
}

fn starts_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == ':'
}

fn word<'e>(text: &'e str, named: &mut Named) -> Result<&'e str> {
    let end = text
        .find(|c: char| !(starts_word(c) || c.is_ascii_digit()))
        .unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    let after = after.trim_start();
    if GROUPINGS.contains(&word) {
        let Some(list) = after.strip_prefix('(') else {
            return Ok(after);
        };
        let (list, after) = list.split_once(')').context("( without )")?;
        let labels = list
            .split(',')
            .map(str::trim)
            .filter(|label| !label.is_empty());
        named.groups.extend(labels.map(str::to_owned));
        return Ok(after);
    }
    if OPERATORS.contains(&word) || AGGREGATIONS.contains(&word) || after.starts_with('(') {
        return Ok(after);
    }
    let (matchers, after) = match after.strip_prefix('{') {
        Some(inside) => matchers(inside)?,
        None => (Vec::new(), after),
    };
    named.selectors.push(Selector {
        name: word.to_owned(),
        matchers,
    });
    Ok(after)
}

type Matchers = Vec<(String, String, String)>;

fn matchers(mut rest: &str) -> Result<(Matchers, &str)> {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start().trim_start_matches(',').trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((found, after));
        }
        let end = rest
            .find(['=', '!'])
            .context("a matcher without operator")?;
        let (label, after) = rest.split_at(end);
        let operators = ["=~", "!~", "!=", "="];
        let operator = operators
            .into_iter()
            .find(|operator| after.starts_with(operator));
        let operator = operator.context("no operator")?;
        let after = after[operator.len()..].trim_start();
        ensure!(after.starts_with('"'), "no value after {label}{operator}");
        let (value, after) = string(after)?;
        found.push((label.trim().to_owned(), operator.to_owned(), value));
        rest = after;
    }
}

/// A string from its opening quote on, without escapes, and what follows.
fn string(text: &str) -> Result<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    bail!("a string without end")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_expressions_name() {
        let named = read(
            "histogram_quantile(0.99, sum by (route, le) (rate(a_bucket{job=~\"x.*\", route!=\"}\"}[5m]))) > 2 and on (job) b:c or vector(0)",
        )
        .unwrap();
        let groups: Vec<_> = named.groups.iter().map(String::as_str).collect();
        assert_eq!(groups, ["job", "le", "route"]);
        let names: Vec<_> = named
            .selectors
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, ["a_bucket", "b:c"]);
        let matcher = |label: &str, operator: &str, value: &str| {
            (label.to_owned(), operator.to_owned(), value.to_owned())
        };
        assert_eq!(
            named.selectors[0].matchers,
            [matcher("job", "=~", "x.*"), matcher("route", "!=", "}")]
        );
    }

    #[test]
    fn broken_ones_are_refused() {
        for broken in ["a{", "a{b}", "a{b=1}", "a{b=\"c}", "a[5m"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }
}
