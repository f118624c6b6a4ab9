//! What a principal may do: `sluiceway.authorization.rules`.
//!
//! ```text
//! alice: produce=orders.*,clicks consume=orders.*; role/ops: admin=* produce=* consume=*; *: consume=public.*
//! ```
//!
//! In: rules, a name and roles. Out: [`Rights`]. Rights add up; what no rule gives is denied. A `*` in a topic pattern
//! stands for any text. Whoever may do something with a topic may also look at it.

use std::sync::Arc;

/// What can be done with a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Write records.
    Produce,
    /// Read records, and move the offsets of consumer groups.
    Consume,
    /// Make, change and delete.
    Admin,
    /// Look at it: comes with any of the others.
    Describe,
}

impl Operation {
    /// The word in rules and in the audit log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Produce => "produce",
            Self::Consume => "consume",
            Self::Admin => "admin",
            Self::Describe => "describe",
        }
    }
}

/// All rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    who: Who,
    rights: Patterns,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Everyone,
    Name(String),
    Role(String),
}

/// Topic patterns by operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    produce: Vec<String>,
    consume: Vec<String>,
    admin: Vec<String>,
}

/// What someone may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights {
    /// Everything: there are no rules.
    All,
    /// This.
    Some(Arc<Patterns>),
}

impl Rules {
    /// Reads rules.
    ///
    /// # Errors
    /// Which rule is wrong, and how.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rules = text.split(';').map(str::trim).filter(|r| !r.is_empty());
        rules.map(Rule::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What someone of this name and with these roles may do.
    #[must_use]
    pub fn rights(&self, name: &str, roles: &[String]) -> Rights {
        let applies = |rule: &&Rule| match &rule.who {
            Who::Everyone => true,
            Who::Name(wanted) => wanted == name,
            Who::Role(wanted) => roles.contains(wanted),
        };
        let mut all = Patterns::default();
        for rule in self.0.iter().filter(applies) {
            all.produce.extend(rule.rights.produce.iter().cloned());
            all.consume.extend(rule.rights.consume.iter().cloned());
            all.admin.extend(rule.rights.admin.iter().cloned());
        }
        Rights::Some(Arc::new(all))
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str =
            "write `name: produce=topic,other.* consume=… admin=…`, `role/NAME: …` or `*: …`";
        let wrong = |why: &str| format!("the rule \"{text}\": {why}; {FORM}");
        // Distinguished names hold `=` and `,`, but no colon that is followed by a blank.
        let (who, rest) = text
            .split_once(": ")
            .ok_or_else(|| wrong("it has no `: `"))?;
        let who = match who.trim() {
            "" => return Err(wrong("it names nobody")),
            "*" => Who::Everyone,
            who => match who.strip_prefix("role/") {
                Some(role) => Who::Role(role.to_owned()),
                None => Who::Name(who.to_owned()),
            },
        };
        let mut rights = Patterns::default();
        for word in rest.split_whitespace() {
            let (operation, topics) = word
                .split_once('=')
                .ok_or_else(|| wrong(&format!("{word} is not operation=topics")))?;
            let list = match operation {
                "produce" => &mut rights.produce,
                "consume" => &mut rights.consume,
                "admin" => &mut rights.admin,
                _ => return Err(wrong(&format!("there is no operation {operation}"))),
            };
            for topic in topics.split(',').filter(|topic| !topic.is_empty()) {
                let allowed = |c: char| c.is_ascii_alphanumeric() || "._-*".contains(c);
                if !topic.chars().all(allowed) {
                    return Err(wrong(&format!("{topic} is no topic pattern")));
                }
                list.push(topic.to_owned());
            }
        }
        Ok(Self { who, rights })
    }
}

impl Rights {
    /// Whether this may be done with this topic.
    #[must_use]
    pub fn allow(&self, operation: Operation, topic: &str) -> bool {
        self.any_of(operation, |pattern| glob(pattern, topic))
    }

    /// Whether this may be done with every topic, and so with the cluster as a whole.
    #[must_use]
    pub fn allow_all(&self, operation: Operation) -> bool {
        self.any_of(operation, |pattern| pattern == "*")
    }

    /// Whether this may be done with any topic at all.
    #[must_use]
    pub fn allow_some(&self, operation: Operation) -> bool {
        self.any_of(operation, |_| true)
    }

    fn any_of(&self, operation: Operation, fits: impl Fn(&str) -> bool) -> bool {
        let Self::Some(rights) = self else {
            return true;
        };
        let any = |list: &[String]| list.iter().any(|pattern| fits(pattern));
        match operation {
            Operation::Produce => any(&rights.produce),
            Operation::Consume => any(&rights.consume),
            Operation::Admin => any(&rights.admin),
            Operation::Describe => {
                any(&rights.produce) || any(&rights.consume) || any(&rights.admin)
            }
        }
    }
}

/// Whether the text fits a pattern in which `*` stands for any text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_no_rule_gives_is_denied() {
        let rules = Rules::parse(
            "alice: produce=orders.*,clicks consume=orders.eu; role/ops: admin=*; *: consume=public.*",
        )
        .unwrap();
        let alice = rules.rights("alice", &[]);
        assert!(alice.allow(Operation::Produce, "orders.eu"));
        assert!(alice.allow(Operation::Produce, "clicks"));
        assert!(!alice.allow(Operation::Produce, "orders"));
        assert!(!alice.allow(Operation::Produce, "clicks2"));
        assert!(!alice.allow(Operation::Consume, "orders.us"));
        assert!(alice.allow(Operation::Consume, "public.news"));
        assert!(alice.allow(Operation::Describe, "orders.us"));
        assert!(!alice.allow(Operation::Describe, "secret"));
        assert!(!alice.allow_all(Operation::Consume));
        let ops = rules.rights("bob", &["ops".into()]);
        assert!(ops.allow_all(Operation::Admin) && !ops.allow(Operation::Produce, "clicks"));
        let nobody = Rules::parse("a: produce=x").unwrap().rights("b", &[]);
        assert!(!nobody.allow_some(Operation::Describe));
    }

    #[test]
    fn names_out_of_certificates() {
        let rules = Rules::parse("CN=a,O=b: produce=x").unwrap();
        assert!(rules.rights("CN=a,O=b", &[]).allow(Operation::Produce, "x"));
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a*", "a", true),
            ("a*c", "abc", true),
            ("a*c", "ab", false),
            ("*b*d", "abcd", true),
            ("*b*d", "adcb", false),
            ("a*a", "a", false),
            ("ab", "abc", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn wrong_rules_are_refused() {
        for wrong in [
            "alice",
            "alice: write=x",
            "alice: produce",
            ": produce=x",
            "a: produce=x/y",
        ] {
            assert!(Rules::parse(wrong).is_err(), "{wrong}");
        }
    }
}
