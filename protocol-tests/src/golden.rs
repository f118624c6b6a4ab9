//! Recordings of the genuine programs (`golden/`), replayed and compared fact by fact.
//!
//! ```text
//!  golden/rest/*.json ── rest (send each call) ──▶ answer (compare) ─┐
//!  golden/rest/99-…   ── stored (read Kafka)   ──▶                   ├─▶ Mismatch ──▶ differences (judge)
//!  golden/sink*/*.json ── sink (run connectors) ──▶ outcome (compare)─┘
//! ```
//!
//! A recording is never edited. Where Sluiceway differs on purpose, `golden/differences.json` says so with a reason;
//! a difference that is not listed fails, and so does a listed one that is no longer there. What is still to be built
//! stands in `golden/pending/`, and a case there that has become equal fails, too.

pub mod answer;
pub mod avro_file;
pub mod case;
pub mod dead_letters;
pub mod differences;
pub(crate) mod objects;
pub mod outcome;
pub mod parquet_file;
pub mod pending;
pub mod places;
pub mod rest;
pub mod schemas;
pub mod sink;
pub mod stored;
pub mod stream;
pub mod words;

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

/// One fact that differs from a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// File below `golden/`.
    pub file: String,
    /// Call, case or record in it.
    pub at: String,
    /// What differs.
    pub fact: String,
    /// As recorded.
    pub recorded: String,
    /// As found.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            at,
            fact,
            recorded,
            found,
        } = self;
        write!(
            to,
            "{file} {at} {fact}\n    recorded: {}\n    found:    {}",
            cut(recorded),
            cut(found)
        )
    }
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(300).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Collects what differs at one place of one file.
#[derive(Debug)]
pub struct Findings {
    file: String,
    at: String,
    /// What was found so far.
    pub list: Vec<Mismatch>,
}

impl Findings {
    /// Nothing found yet.
    #[must_use]
    pub fn new(file: &str, at: &str) -> Self {
        Self {
            file: file.to_owned(),
            at: at.to_owned(),
            list: Vec::new(),
        }
    }

    /// Notes a difference.
    pub fn add(
        &mut self,
        fact: impl Into<String>,
        recorded: impl fmt::Display,
        found: impl fmt::Display,
    ) {
        self.list.push(Mismatch {
            file: self.file.clone(),
            at: self.at.clone(),
            fact: fact.into(),
            recorded: recorded.to_string(),
            found: found.to_string(),
        });
    }

    /// Notes a difference if there is one.
    pub fn compare<T: PartialEq + fmt::Debug>(
        &mut self,
        fact: impl Into<String>,
        recorded: &T,
        found: &T,
    ) {
        if recorded != found {
            self.add(fact, format!("{recorded:?}"), format!("{found:?}"));
        }
    }
}

/// The folder of the recordings.
#[must_use]
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// Text of a recording, with words of the recorded run replaced by words of this one.
///
/// # Errors
/// There is no such recording.
pub fn text(file: &str, replace: &[(&str, &str)]) -> Result<String> {
    let text = std::fs::read_to_string(folder().join(file))
        .with_context(|| format!("recording {file}"))?;
    Ok(replace
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to)))
}

/// A recording as JSON.
///
/// # Errors
/// There is no such recording, or it is no JSON.
pub fn load(file: &str, replace: &[(&str, &str)]) -> Result<Value> {
    serde_json::from_str(&text(file, replace)?).with_context(|| format!("recording {file}"))
}
