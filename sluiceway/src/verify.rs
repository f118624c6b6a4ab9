//! Does every acknowledged record lie in exactly one object?
//!
//! In: the objects of one topic-partition, one after the other in the order of the offsets in their
//! names, each with the acknowledged records that belong there. Out: what is wrong; nothing when
//! all is well. Memory: one object at a time.
//!
//! With the default partitioner an object holds consecutive records: its name gives the first
//! offset, and line *i* is the record at that offset plus *i*. Records that are skipped by rule
//! (tombstones) leave no line; the lines after them move up. Equality is that of JSON values:
//! member order and number spelling may differ from what was posted.

use std::fmt;

use serde_json::Value;

/// How many problems are kept one by one.
const LISTED: usize = 20;

/// A topic and a partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TopicPartition {
    pub(crate) topic: String,
    pub(crate) partition: i32,
}

/// An object as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) key: String,
    /// The offset of its first record, from its name.
    pub(crate) start: i64,
    /// Its lines; none when a line is not JSON.
    pub(crate) lines: Vec<Option<Value>>,
}

/// An acknowledged record that does not lie in exactly one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No object holds the offset.
    Missing { at: TopicPartition, offset: i64 },
    /// More than one object holds the offset.
    Twice {
        at: TopicPartition,
        offset: i64,
        keys: [String; 2],
    },
    /// The object that should hold the offset holds something else there.
    Different {
        at: TopicPartition,
        offset: i64,
        key: String,
    },
    /// Two records were acknowledged with one offset.
    AcknowledgedTwice { at: TopicPartition, offset: i64 },
}

/// Problems found: how many, and the first of them.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    pub(crate) count: u64,
    pub(crate) first: Vec<Problem>,
}

/// Compares acknowledged records with objects, ascending.
#[derive(Debug)]
pub(crate) struct Verifier {
    at: TopicPartition,
    problems: Problems,
    /// The earlier object that reaches furthest: its key and the offset after its last record.
    reach: Option<(String, i64)>,
}

/// Shares out ascending offsets among objects with ascending starts: the offsets below the first
/// start, then for each object those from its start up to the next one's.
pub(crate) fn share_out<'a, T>(
    records: &'a [T],
    starts: &[i64],
    offset: impl Fn(&T) -> i64,
) -> (&'a [T], Vec<&'a [T]>) {
    let from = |start: &i64| records.partition_point(|record| offset(record) < *start);
    let mut bounds: Vec<usize> = starts.iter().map(from).collect();
    bounds.push(records.len());
    let shares = bounds.windows(2).map(|pair| &records[pair[0]..pair[1]]);
    (&records[..bounds[0]], shares.collect())
}

// === impl Verifier ===

impl Verifier {
    pub(crate) fn new(at: TopicPartition) -> Self {
        Self {
            at,
            problems: Problems::default(),
            reach: None,
        }
    }

    /// Finds offsets that were acknowledged for more than one record.
    pub(crate) fn offsets(&mut self, ascending: impl IntoIterator<Item = i64>) {
        let mut before = None;
        for offset in ascending {
            if before == Some(offset) {
                let at = self.at.clone();
                self.problems.add(Problem::AcknowledgedTwice { at, offset });
            }
            before = Some(offset);
        }
    }

    /// An acknowledged offset below the first object.
    pub(crate) fn below(&mut self, offset: i64) {
        let at = self.at.clone();
        self.problems.add(Problem::Missing { at, offset });
    }

    /// The next object, with the acknowledged records from its start up to the next one's.
    pub(crate) fn object(&mut self, object: &Object, records: &[(i64, Value)]) {
        let mut reader = Reader::new(object);
        for (offset, value) in records {
            let (at, offset) = (&self.at, *offset);
            if let Some((key, _)) = self.reach.as_ref().filter(|(_, end)| offset < *end) {
                let keys = [key.clone(), object.key.clone()];
                let at = at.clone();
                self.problems.add(Problem::Twice { at, offset, keys });
            }
            if let Some(problem) = reader.find(at, offset, value) {
                self.problems.add(problem);
            }
        }
        let end = object.end();
        if self.reach.as_ref().is_none_or(|(_, reach)| end > *reach) {
            self.reach = Some((object.key.clone(), end));
        }
    }

    /// What was found.
    pub(crate) fn finish(self) -> Problems {
        self.problems
    }
}

// === impl Problems ===

impl Problems {
    fn add(&mut self, problem: Problem) {
        self.count += 1;
        if self.first.len() < LISTED {
            self.first.push(problem);
        }
    }

    /// Takes over another partition's problems.
    pub(crate) fn extend(&mut self, other: Problems) {
        self.count += other.count;
        let room = LISTED - self.first.len();
        self.first.extend(other.first.into_iter().take(room));
    }
}

/// Finds records of ascending offsets in one object.
struct Reader<'a> {
    object: &'a Object,
    /// Records so far that left no line.
    skipped: i64,
    /// Lines before this one belong to lower offsets.
    next_line: i64,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    fn new(object: &'a Object) -> Self {
        Self {
            object,
            skipped: 0,
            next_line: 0,
        }
    }

    /// Where the record of `offset` should be, or up to there when records were skipped.
    fn find(&mut self, at: &TopicPartition, offset: i64, value: &Value) -> Option<Problem> {
        let highest = offset - self.object.start - self.skipped;
        let last = self.object.lines.len() as i64 - 1;
        let candidates = (self.next_line..=highest.min(last)).rev();
        for line in candidates {
            if self.line(line) == Some(value) {
                self.skipped += highest - line;
                self.next_line = line + 1;
                return None;
            }
        }
        let at = at.clone();
        if highest > last {
            return Some(Problem::Missing { at, offset });
        }
        let key = self.object.key.clone();
        Some(Problem::Different { at, offset, key })
    }

    fn line(&self, line: i64) -> Option<&Value> {
        let line = usize::try_from(line).ok()?;
        self.object.lines.get(line)?.as_ref()
    }
}

// === impl Object ===

impl Object {
    /// An object with this key and content.
    pub(crate) fn read(key: &str, start: i64, content: &[u8]) -> Self {
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        let lines: Vec<&[u8]> = match content {
            [] => Vec::new(),
            content => content.split(|byte| *byte == b'\n').collect(),
        };
        Self {
            key: key.to_owned(),
            start,
            lines: lines
                .into_iter()
                .map(|line| serde_json::from_slice(line).ok())
                .collect(),
        }
    }

    fn end(&self) -> i64 {
        self.start + self.lines.len() as i64
    }
}

/// The first offset that an object's name gives: `…+<partition>+<offset>.json`.
pub(crate) fn start_of(key: &str) -> Option<i64> {
    let name = key.rsplit('/').next()?.strip_suffix(".json")?;
    name.rsplit('+').next()?.parse().ok()
}

// === impl Problem ===

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Missing { at, offset } => {
                write!(f, "{at} offset {offset}: in no object")
            }
            Problem::Twice { at, offset, keys } => {
                write!(f, "{at} offset {offset}: in {} and {}", keys[0], keys[1])
            }
            Problem::Different { at, offset, key } => {
                write!(f, "{at} offset {offset}: {key} holds another value there")
            }
            Problem::AcknowledgedTwice { at, offset } => {
                write!(f, "{at} offset {offset}: acknowledged for two records")
            }
        }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

#[cfg(test)]
mod tests;
