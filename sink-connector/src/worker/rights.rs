//! What callers of the REST API may do with connectors: `sluiceway.authorization.rules`.
//!
//! ```text
//! alice: read=orders-*; role/ops: write=* read=*; *: read=public-*
//! ```
//!
//! How rules are read and added up: [`sluiceway_common::auth::rules`]. Without rules whoever is let in may do everything, as
//! in Kafka Connect.

use sluiceway_common::auth::rules;

/// What can be done with a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Look at it, its configuration, states, offsets and objects; comes with [`Operation::Write`].
    Read,
    /// Make, configure, pause, restart and delete it, and alter its offsets.
    Write,
}

/// All rules.
pub type Rules = rules::Rules<Operation>;
/// What someone may do.
pub type Rights = rules::Rights<Operation>;

impl rules::Operation for Operation {
    const WORDS: &'static [(&'static str, Self)] = &[("read", Self::Read), ("write", Self::Write)];
    const THING: &'static str = "connector";

    fn comes_with(self, given: Self) -> bool {
        self == given || self == Self::Read
    }

    fn in_patterns(c: char) -> bool {
        !c.is_whitespace() && !c.is_control() && !",;=".contains(c)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn whoever_may_write_may_read() {
        let rules = Rules::parse("alice: read=a-* write=b_1").unwrap();
        let alice = rules.rights("alice", &[]);
        let (read, write) = (Operation::Read, Operation::Write);
        assert!(alice.allow(read, "a-1") && !alice.allow(write, "a-1"));
        assert!(alice.allow(read, "b_1") && alice.allow(write, "b_1"));
        assert!(!alice.allow(read, "c") && !rules.rights("bob", &[]).allow_some(read));
        assert!(Rules::parse("alice: delete=x").is_err());
    }
}
