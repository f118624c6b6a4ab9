//! What a principal may do with topics: `sluiceway.authorization.rules`.
//!
//! ```text
//! alice: produce=orders.*,clicks consume=orders.*; role/ops: admin=* produce=* consume=*; *: consume=public.*
//! ```
//!
//! How rules are read and added up: [`sluiceway_common::auth::rules`].

use sluiceway_common::auth::rules;

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

/// All rules.
pub type Rules = rules::Rules<Operation>;
/// What someone may do.
pub type Rights = rules::Rights<Operation>;

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

impl rules::Operation for Operation {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("produce", Self::Produce),
        ("consume", Self::Consume),
        ("admin", Self::Admin),
    ];
    const THING: &'static str = "topic";

    fn comes_with(self, given: Self) -> bool {
        self == given || self == Self::Describe
    }

    fn in_patterns(c: char) -> bool {
        c.is_ascii_alphanumeric() || "._-*".contains(c)
    }
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
