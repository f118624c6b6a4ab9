//! Rules that say who may do what: `sluiceway.authorization.rules`.
//!
//! ```text
//! alice: OPERATION=orders.*,clicks OPERATION=…; role/ops: OPERATION=*; *: OPERATION=public.*
//! ```
//!
//! In: rules, a name and roles. Out: [`Rights`]. Rights add up; what no rule gives is denied. A `*` in a pattern stands for
//! any text. Which operations there are, and what is named (topics, connectors), each program says: [`Operation`].

use std::sync::Arc;

use crate::glob;

/// What can be done with a thing that has a name.
pub trait Operation: Copy + PartialEq + 'static {
    /// The words that rules may give, as they are written.
    const WORDS: &'static [(&'static str, Self)];
    /// What the patterns are of, for errors: `topic`.
    const THING: &'static str;

    /// Whether whoever was given `given` may do this.
    fn comes_with(self, given: Self) -> bool;

    /// Whether patterns may have this character. Never a blank, `,` or `;`, which separate.
    fn in_patterns(c: char) -> bool;
}

/// All rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules<O>(Vec<Rule<O>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule<O> {
    who: Who,
    given: Vec<Given<O>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Everyone,
    Name(String),
    Role(String),
}

/// An operation, and what it may be done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<O> {
    operation: O,
    pattern: String,
}

/// What someone may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights<O> {
    /// Everything: there are no rules.
    All,
    /// This.
    Some(Arc<[Given<O>]>),
}

impl<O> Default for Rules<O> {
    /// None.
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<O: Operation> Rules<O> {
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
    pub fn rights(&self, name: &str, roles: &[String]) -> Rights<O> {
        let applies = |rule: &&Rule<O>| match &rule.who {
            Who::Everyone => true,
            Who::Name(wanted) => wanted == name,
            Who::Role(wanted) => roles.contains(wanted),
        };
        let rules = self.0.iter().filter(applies);
        Rights::Some(rules.flat_map(|rule| rule.given.iter().cloned()).collect())
    }
}

impl<O: Operation> Rule<O> {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("the rule \"{text}\": {why}; {}", form::<O>());
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
        let mut given = Vec::new();
        for word in rest.split_whitespace() {
            let (name, patterns) = word
                .split_once('=')
                .ok_or_else(|| wrong(&format!("{word} is not operation={}s", O::THING)))?;
            let known = O::WORDS.iter().find(|(word, _)| *word == name);
            let (_, operation) =
                known.ok_or_else(|| wrong(&format!("there is no operation {name}")))?;
            for pattern in patterns.split(',').filter(|pattern| !pattern.is_empty()) {
                if !pattern.chars().all(O::in_patterns) {
                    return Err(wrong(&format!("{pattern} is no {} pattern", O::THING)));
                }
                given.push(Given {
                    operation: *operation,
                    pattern: pattern.to_owned(),
                });
            }
        }
        Ok(Self { who, given })
    }
}

/// How rules are written: ``write `name: produce=topic,other.* consume=…` ``.
fn form<O: Operation>() -> String {
    let mut words = O::WORDS.iter().map(|(word, _)| *word);
    let first = words.next().unwrap_or_default();
    let rest: String = words.map(|word| format!(" {word}=…")).collect();
    format!(
        "write `name: {first}={},other.*{rest}`, `role/NAME: …` or `*: …`",
        O::THING
    )
}

impl<O: Operation> Rights<O> {
    /// Whether this may be done with what has this name.
    #[must_use]
    pub fn allow(&self, operation: O, name: &str) -> bool {
        self.any_of(operation, |pattern| glob::fits(pattern, name))
    }

    /// Whether this may be done with everything, and so with what concerns all.
    #[must_use]
    pub fn allow_all(&self, operation: O) -> bool {
        self.any_of(operation, |pattern| pattern == "*")
    }

    /// Whether this may be done with anything at all.
    #[must_use]
    pub fn allow_some(&self, operation: O) -> bool {
        self.any_of(operation, |_| true)
    }

    fn any_of(&self, operation: O, fits: impl Fn(&str) -> bool) -> bool {
        let Self::Some(given) = self else {
            return true;
        };
        given
            .iter()
            .any(|given| operation.comes_with(given.operation) && fits(&given.pattern))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Use {
        Look,
        Take,
    }

    impl Operation for Use {
        const WORDS: &'static [(&'static str, Self)] =
            &[("look", Self::Look), ("take", Self::Take)];
        const THING: &'static str = "book";

        fn comes_with(self, given: Self) -> bool {
            self == given || self == Self::Look
        }

        fn in_patterns(c: char) -> bool {
            c.is_ascii_alphanumeric() || c == '*'
        }
    }

    #[test]
    fn rights_add_up_and_nothing_else_is_allowed() {
        let rules: Rules<Use> =
            Rules::parse("CN=a,O=b: take=x*,y; role/r: look=*; *: look=z;").unwrap();
        let one = rules.rights("CN=a,O=b", &[]);
        assert!(
            one.allow(Use::Take, "xy") && one.allow(Use::Look, "y") && one.allow(Use::Look, "z")
        );
        assert!(!one.allow(Use::Take, "z") && !one.allow_all(Use::Look));
        let reader = rules.rights("b", &["r".to_owned()]);
        assert!(reader.allow_all(Use::Look) && !reader.allow_some(Use::Take));
        assert!(!rules.rights("b", &[]).allow(Use::Look, "x"));
        assert!(Rights::All.allow_all(Use::Take));
    }

    #[test]
    fn what_is_wrong_is_told_with_the_right_form() {
        for (wrong, told) in [
            ("a", "it has no `: `"),
            (": look=x", "it names nobody"),
            ("a: look", "look is not operation=books"),
            ("a: burn=x", "there is no operation burn"),
            ("a: look=x/y", "x/y is no book pattern"),
        ] {
            let error = Rules::<Use>::parse(wrong).unwrap_err();
            assert!(error.contains(told), "{error}");
            assert!(
                error.ends_with("write `name: look=book,other.* take=…`, `role/NAME: …` or `*: …`"),
                "{error}"
            );
        }
    }
}
