//! `ssl.principal.mapping.rules`: the name of a client out of its certificate's distinguished name.
//!
//! Kafka's syntax: `RULE:pattern/replacement/[L|U]` and `DEFAULT`, with commas between them; the first rule whose
//! pattern matches the whole name counts. `$1` in a replacement is the pattern's first group.

use fancy_regex::Regex;

/// Rules, in order.
#[derive(Debug, Clone)]
pub struct MappingRules(Vec<Rule>);

#[derive(Debug, Clone)]
enum Rule {
    Default,
    Pattern {
        pattern: Regex,
        replacement: String,
        case: Case,
    },
}

#[derive(Debug, Clone, Copy)]
enum Case {
    Kept,
    Lower,
    Upper,
}

impl Default for MappingRules {
    fn default() -> Self {
        Self(vec![Rule::Default])
    }
}

impl MappingRules {
    /// Reads rules.
    ///
    /// # Errors
    /// What is wrong with which rule.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("DEFAULT") {
                rules.push(Rule::Default);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("RULE:") {
                let (rule, after) = pattern(after)?;
                rules.push(rule);
                rest = after;
            } else {
                return Err(format!(
                    "\"{rest}\" is neither DEFAULT nor RULE:pattern/replacement/[LU]"
                ));
            }
            rest = rest.trim_start();
            rest = match rest.strip_prefix(',') {
                Some(after) => after.trim_start(),
                None if rest.is_empty() => rest,
                None => return Err(format!("a comma is missing before \"{rest}\"")),
            };
        }
        Ok(Self(rules))
    }

    /// The client's name; `None` when no rule fits.
    #[must_use]
    pub fn apply(&self, name: &str) -> Option<String> {
        self.0.iter().find_map(|rule| match rule {
            Rule::Default => Some(name.to_owned()),
            Rule::Pattern {
                pattern,
                replacement,
                case,
            } => {
                let found = pattern.captures(name).ok()??;
                let mut out = String::new();
                found.expand(replacement, &mut out);
                let out = out.trim().to_owned();
                Some(match case {
                    Case::Kept => out,
                    Case::Lower => out.to_lowercase(),
                    Case::Upper => out.to_uppercase(),
                })
            }
        })
    }
}

fn pattern(text: &str) -> Result<(Rule, &str), String> {
    let incomplete = || format!("RULE:{text} is not RULE:pattern/replacement/[LU]");
    let (regex, rest) = until_slash(text).ok_or_else(incomplete)?;
    let (replacement, rest) = until_slash(rest).ok_or_else(incomplete)?;
    let (case, rest) = match rest.chars().next() {
        Some('L') => (Case::Lower, &rest[1..]),
        Some('U') => (Case::Upper, &rest[1..]),
        _ => (Case::Kept, rest),
    };
    let pattern = Regex::new(&format!("^(?:{regex})$"))
        .map_err(|error| format!("RULE:{regex}: the pattern is wrong: {error}"))?;
    let rule = Rule::Pattern {
        pattern,
        replacement: java_references(&replacement),
        case,
    };
    Ok((rule, rest))
}

/// The text before the next slash that no backslash guards.
fn until_slash(text: &str) -> Option<(String, &str)> {
    let mut guarded = false;
    let end = text.find(|c: char| {
        let found = c == '/' && !guarded;
        guarded = c == '\\' && !guarded;
        found
    })?;
    Some((text[..end].to_owned(), &text[end + 1..]))
}

/// `$1x` is group 1 and an x in Java; here it would be a group called `1x`.
fn java_references(replacement: &str) -> String {
    let mut out = String::new();
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('$', Some(digit)) if digit.is_ascii_digit() => {
                out.push_str("${");
                out.extend(chars.next());
                out.push('}');
            }
            ('$', _) => out.push_str("$$"),
            ('\\', Some(_)) => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rules_of_kafkas_documentation() {
        let rules = MappingRules::parse(
            "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L,\
             RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/U,DEFAULT",
        )
        .unwrap();
        let apply = |name: &str| rules.apply(name).unwrap();
        assert_eq!(
            apply("CN=kafka,OU=ServiceUsers,O=Unknown,C=Unknown"),
            "kafka"
        );
        assert_eq!(
            apply("CN=Duke,OU=JavaSoft,O=Sun,L=X,ST=Y,C=US"),
            "duke@javasoft"
        );
        assert_eq!(apply("OU=A,CN=web.1,O=B"), "WEB.1");
        assert_eq!(apply("O=nobody"), "O=nobody");
    }

    #[test]
    fn without_a_rule_that_fits_there_is_no_name() {
        let rules = MappingRules::parse("RULE:CN=(.*),O=ours/$1/").unwrap();
        assert_eq!(rules.apply("CN=x,O=theirs"), None);
        assert_eq!(rules.apply("CN=x,O=ours").unwrap(), "x");
    }

    #[test]
    fn wrong_rules_are_refused() {
        for wrong in ["RULE:a/b", "RULE:(/x/", "OTHER", "DEFAULT DEFAULT"] {
            assert!(MappingRules::parse(wrong).is_err(), "{wrong}");
        }
    }
}
