//! A claim: what stands in the compacted topic about one consumer instance.
//!
//! ```text
//! key    ["<group>","<instance>"]
//! value  {"owner":"<replica's id>","generation":2,"format":"json",…,"selection":{…},"positions":[…]}
//! value  null, headers owner and generation: the instance was deleted, or expired
//! ```
//!
//! In: records. Out: claims, and the rule by which one replaces another. A record that is none is left out.

use std::fmt::Display;

use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use serde::{Deserialize, Serialize};

use crate::consumer::include::Include;
use crate::consumer::options::Options;
use crate::consumer::restore::{Choice, Position, Restored};
use crate::format::Format;

/// Group and name of an instance.
pub(crate) type Key = (String, String);

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// The replica that has the instance; `None`: it was handed over, and whoever is asked for it takes it.
    pub(crate) owner: Option<String>,
    /// Rises with every change of the owner.
    pub(crate) generation: u64,
    pub(super) format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) offset_reset: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) auto_commit: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) min_bytes: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) wait_millis: Option<i32>,
    /// The principal that made the instance, when principals are known: only that one may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) principal: Option<String>,
    #[serde(default, skip_serializing_if = "Include::is_nothing")]
    pub(super) include: Include,
    /// What is read.
    pub(crate) selection: Choice,
    /// Where reading goes on: told when an instance is handed over. Elsewhere the committed offsets count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) positions: Vec<Position>,
}

/// Who wrote a record, and at which generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Author {
    pub(crate) owner: Option<String>,
    pub(crate) generation: u64,
}

impl Claim {
    /// The first claim on an instance.
    pub(crate) fn first(owner: &str, options: &Options) -> Self {
        Self {
            owner: Some(owner.to_owned()),
            generation: 1,
            format: options.format.name().to_owned(),
            offset_reset: options.offset_reset.clone(),
            auto_commit: options.auto_commit,
            min_bytes: options.min_bytes,
            wait_millis: options.wait_millis,
            principal: options.principal.as_deref().map(str::to_owned),
            include: options.include,
            selection: Choice::Nothing,
            positions: Vec::new(),
        }
    }

    /// The claim of the next owner.
    pub(crate) fn taken_by(&self, owner: &str) -> Self {
        Self {
            owner: Some(owner.to_owned()),
            generation: self.generation + 1,
            ..self.clone()
        }
    }

    /// What the instance was made with. `None`: this version knows no such format.
    pub(crate) fn options(&self, name: &str) -> Option<Options> {
        Some(Options {
            name: Some(name.to_owned()),
            format: Format::from_name(&self.format)?,
            offset_reset: self.offset_reset.clone(),
            auto_commit: self.auto_commit,
            min_bytes: self.min_bytes,
            wait_millis: self.wait_millis,
            principal: self.principal.as_deref().map(Into::into),
            include: self.include,
            refusal: None,
        })
    }

    /// What a new owner begins with.
    pub(crate) fn restored(&self) -> Restored {
        Restored {
            choice: self.selection.clone(),
            positions: self.positions.clone(),
        }
    }

    /// Who wrote it.
    pub(crate) fn author(&self) -> Author {
        Author {
            owner: self.owner.clone(),
            generation: self.generation,
        }
    }

    /// Whether a record of this author may replace the claim: a newer generation, or the owner's own. The log has one
    /// order, so all replicas decide alike, and of two that want the instance at once the first has it.
    pub(crate) fn yields_to(&self, author: &Author) -> bool {
        author.generation > self.generation
            || (author.generation == self.generation
                && (author.owner == self.owner || (author.owner.is_none() && self.owner.is_some())))
    }
}

impl Author {
    /// As headers of a record without a value.
    pub(crate) fn headers(&self) -> OwnedHeaders {
        let owner = self.owner.as_deref().unwrap_or_default();
        let number = self.generation.to_string();
        let headers = OwnedHeaders::new_with_capacity(2);
        let headers = headers.insert(header("owner", owner));
        headers.insert(header("generation", &number))
    }

    fn of_headers(message: &BorrowedMessage<'_>) -> Option<Self> {
        let headers = message.headers()?;
        let text = |name: &str| {
            let found = headers.iter().find(|header| header.key == name)?;
            std::str::from_utf8(found.value?).ok()
        };
        Some(Self {
            owner: text("owner").filter(|id| !id.is_empty()).map(str::to_owned),
            generation: text("generation")?.parse().ok()?,
        })
    }
}

fn header<'h>(key: &'h str, value: &'h str) -> Header<'h, &'h str> {
    Header {
        key,
        value: Some(value),
    }
}

/// A record of the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) author: Author,
    /// `None`: the instance is gone.
    pub(crate) claim: Option<Claim>,
}

impl Entry {
    /// Reads a record.
    pub(crate) fn read(message: &BorrowedMessage<'_>) -> Option<Self> {
        let told = |what: &str, error: &dyn Display| {
            let offset = message.offset();
            tracing::warn!(offset, %error, "a record of the topic of consumer instances has a strange {what}");
        };
        let key = serde_json::from_slice(message.key().unwrap_or_default());
        let key = key.inspect_err(|error| told("key", error)).ok()?;
        let Some(value) = message.payload() else {
            let author = Author::of_headers(message)?;
            return Some(Self {
                key,
                author,
                claim: None,
            });
        };
        let claim: Claim = serde_json::from_slice(value)
            .inspect_err(|error| told("value", error))
            .ok()?;
        Some(Self {
            key,
            author: claim.author(),
            claim: Some(claim),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn claim(owner: Option<&str>, generation: u64) -> Claim {
        let options = Options {
            name: None,
            format: Format::Json,
            offset_reset: Some("earliest".into()),
            auto_commit: Some(false),
            min_bytes: None,
            wait_millis: Some(7),
            principal: None,
            include: Include::default(),
            refusal: None,
        };
        Claim {
            owner: owner.map(str::to_owned),
            generation,
            ..Claim::first("x", &options)
        }
    }

    #[test]
    fn of_two_that_want_it_at_once_the_first_has_it() {
        let held = claim(Some("a"), 2);
        let yields = |owner, generation| held.yields_to(&claim(owner, generation).author());
        assert!(yields(Some("a"), 2), "its own change");
        assert!(yields(Some("b"), 3), "a take-over");
        assert!(yields(None, 2), "handed over");
        assert!(!yields(Some("b"), 2), "came second");
        assert!(!yields(Some("a"), 1), "was late");
        let handed_over = claim(None, 2);
        assert!(
            !handed_over.yields_to(&held.author()),
            "a late word of the former owner"
        );
        assert!(handed_over.yields_to(&claim(Some("b"), 3).author()));
    }

    #[test]
    fn written_and_read() {
        let mut held = claim(Some("a"), 2);
        held.selection = Choice::Partitions(vec![("t".into(), 1)]);
        held.positions = vec![("t".into(), 1, 17)];
        let text = serde_json::to_string(&held).unwrap();
        assert_eq!(
            text,
            r#"{"owner":"a","generation":2,"format":"json","offset_reset":"earliest","auto_commit":false,"wait_millis":7,"selection":{"partitions":[["t",1]]},"positions":[["t",1,17]]}"#
        );
        assert_eq!(serde_json::from_str::<Claim>(&text).unwrap(), held);
        let options = held.options("n").unwrap();
        assert_eq!(
            (options.wait_millis, options.format),
            (Some(7), Format::Json)
        );
    }
}
