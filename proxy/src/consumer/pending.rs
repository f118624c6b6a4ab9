//! Records that were taken from the client and not answered yet, as the JSON they will be answered in.
//!
//! ```text
//! record ─▶ Pending::push ─▶ one buffer: [{…},{…},… ─▶ Pending::take ─▶ the body, without another copy when all go
//! ```
//!
//! In: records' JSON with its partition, offset and size. Out: bodies of at most so many bytes of keys and values,
//! at least one record each. A record that could not be decoded stands where it was; nothing behind it is answered
//! before it is passed by a seek.

use std::ops::Range;

use super::error::ConsumerError;

/// A record in the buffer.
#[derive(Debug)]
struct Entry {
    /// Index of its partition.
    part: usize,
    offset: i64,
    /// Where its JSON begins, and where the comma behind it ends.
    start: usize,
    end: usize,
    /// Bytes of key and value.
    size: usize,
    /// Why it is no record of the format.
    fault: Option<Box<str>>,
}

/// What was answered of a partition: the index, and the offset behind the last record.
pub(crate) type Answered = (usize, i64);

/// A body, and how far it goes.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) body: Vec<u8>,
    pub(crate) records: usize,
    pub(crate) bytes: usize,
    pub(crate) answered: Vec<Answered>,
    /// Where the records are in the body, if that was asked for.
    pub(crate) events: Vec<Event>,
    /// The partitions of those events: index, topic, number.
    pub(crate) names: Vec<(usize, String, i32)>,
}

/// Where a record is in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Index of its partition.
    pub(crate) part: usize,
    pub(crate) offset: i64,
    pub(crate) json: Range<usize>,
}

/// How much is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// Bytes of keys and values, which the answer stays below (if it has more than one record).
    pub(crate) bytes: usize,
    /// Records.
    pub(crate) records: usize,
    /// Whether the answer says where its records are.
    pub(crate) events: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// `[` and the entries' JSON.
    json: Vec<u8>,
    entries: Vec<Entry>,
    size: usize,
    faults: usize,
    /// Entries before this one were ordered by an earlier read.
    ordered: usize,
}

impl Pending {
    /// The buffer, for a record's JSON to be appended to; then [`Pending::push`].
    pub(crate) fn json(&mut self) -> &mut Vec<u8> {
        if self.json.is_empty() {
            self.json.push(b'[');
        }
        &mut self.json
    }

    /// A record whose JSON was appended since `start`. With a fault there is no such JSON.
    pub(crate) fn push(
        &mut self,
        part: usize,
        offset: i64,
        start: usize,
        size: usize,
        fault: Option<String>,
    ) {
        if fault.is_some() {
            self.json.truncate(start);
        } else {
            self.json.push(b',');
        }
        self.size += size;
        self.faults += usize::from(fault.is_some());
        self.entries.push(Entry {
            part,
            offset,
            start,
            end: self.json.len(),
            size,
            fault: fault.map(String::into_boxed_str),
        });
    }

    /// Bytes of keys and values.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether one of them could not be decoded.
    pub(crate) fn has_fault(&self) -> bool {
        self.faults > 0
    }

    /// Keeps the records of partitions that `keep` says yes to.
    pub(crate) fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        if self.entries.iter().all(|entry| keep(entry.part)) {
            return;
        }
        let kept: Vec<Entry> = std::mem::take(&mut self.entries)
            .into_iter()
            .filter(|entry| keep(entry.part))
            .collect();
        self.rebuild(kept);
    }

    /// The next records: as many as stay below the limit, but at least one. `rank` orders the partitions of what
    /// came since the last call.
    ///
    /// # Errors
    /// The first record could not be decoded.
    pub(crate) fn take(
        &mut self,
        limit: Limit,
        rank: impl Fn(usize) -> usize,
    ) -> Result<Taken, ConsumerError> {
        self.order(rank);
        let (mut count, mut bytes) = (0, 0);
        for entry in &self.entries {
            if let Some(fault) = &entry.fault {
                if count == 0 {
                    return Err(ConsumerError::Undecodable(fault.to_string()));
                }
                break;
            }
            if count > 0 && (bytes + entry.size >= limit.bytes || count >= limit.records) {
                break;
            }
            count += 1;
            bytes += entry.size;
        }
        let rest = self.entries.split_off(count);
        let taken = std::mem::take(&mut self.entries);
        let answered = answered(&taken);
        let events = if limit.events {
            events(&taken)
        } else {
            Vec::new()
        };
        let body = self.body(&taken, rest.is_empty());
        self.rebuild(rest);
        Ok(Taken {
            body,
            records: count,
            bytes,
            answered,
            events,
            names: Vec::new(),
        })
    }

    fn order(&mut self, rank: impl Fn(usize) -> usize) {
        if let Some(new) = self.entries.get_mut(self.ordered..) {
            new.sort_by_key(|entry| rank(entry.part));
        }
        self.ordered = self.entries.len();
    }

    fn body(&mut self, taken: &[Entry], all: bool) -> Vec<u8> {
        let in_place = taken
            .iter()
            .zip(taken.iter().skip(1))
            .all(|(a, b)| a.end == b.start);
        let mut body = match taken.first() {
            None => return b"[]".to_vec(),
            Some(_) if all && in_place => std::mem::take(&mut self.json),
            Some(first) if in_place => {
                let end = taken.last().map_or(first.end, |last| last.end);
                let mut body = Vec::with_capacity(1 + end - first.start);
                body.push(b'[');
                body.extend_from_slice(self.json.get(first.start..end).unwrap_or_default());
                body
            }
            Some(_) => {
                let mut body = vec![b'['];
                for entry in taken {
                    body.extend_from_slice(
                        self.json.get(entry.start..entry.end).unwrap_or_default(),
                    );
                }
                body
            }
        };
        body.pop();
        body.push(b']');
        body
    }

    /// Puts these entries, whose JSON stands in the buffer as it was, into a buffer of their own.
    fn rebuild(&mut self, entries: Vec<Entry>) {
        let old = std::mem::take(&mut self.json);
        self.size = entries.iter().map(|entry| entry.size).sum();
        self.faults = entries.iter().filter(|entry| entry.fault.is_some()).count();
        self.ordered = self.ordered.min(entries.len());
        self.entries = entries;
        if self.entries.is_empty() {
            return;
        }
        let mut json = vec![b'['];
        for entry in &mut self.entries {
            let start = json.len();
            json.extend_from_slice(old.get(entry.start..entry.end).unwrap_or_default());
            (entry.start, entry.end) = (start, json.len());
        }
        self.json = json;
    }
}

/// Where the records will be in the body: one behind the other, each with a comma or bracket behind it.
fn events(taken: &[Entry]) -> Vec<Event> {
    let mut at = 1;
    let event = |entry: &Entry| {
        let start = at;
        at += entry.end - entry.start;
        Event {
            part: entry.part,
            offset: entry.offset,
            json: start..at - 1,
        }
    };
    taken.iter().map(event).collect()
}

fn answered(taken: &[Entry]) -> Vec<Answered> {
    let mut answered: Vec<Answered> = Vec::new();
    for entry in taken {
        match answered.last_mut() {
            Some((part, next)) if *part == entry.part => *next = entry.offset + 1,
            _ => answered.push((entry.part, entry.offset + 1)),
        }
    }
    answered
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn push(pending: &mut Pending, part: usize, offset: i64) {
        let json = pending.json();
        let start = json.len();
        json.extend_from_slice(format!("\"{part}:{offset}\"").as_bytes());
        pending.push(part, offset, start, 10, None);
    }

    fn limit(bytes: usize) -> Limit {
        Limit {
            bytes,
            records: usize::MAX,
            events: true,
        }
    }

    fn take(pending: &mut Pending, max_bytes: usize) -> (String, Vec<Answered>) {
        let taken = pending.take(limit(max_bytes), |part| part).unwrap();
        for event in &taken.events {
            let json = &taken.body[event.json.clone()];
            let expected = format!("\"{}:{}\"", event.part, event.offset);
            assert_eq!(json, expected.as_bytes(), "an event is elsewhere");
        }
        assert_eq!(taken.events.len(), taken.records);
        (String::from_utf8(taken.body).unwrap(), taken.answered)
    }

    #[test]
    fn bodies_stay_below_the_limit() {
        let mut pending = Pending::default();
        assert_eq!(take(&mut pending, 100), ("[]".into(), vec![]));
        for offset in 0..4 {
            push(&mut pending, 0, offset);
        }
        assert_eq!(take(&mut pending, 21).0, r#"["0:0","0:1"]"#);
        assert_eq!(pending.size(), 20);
        assert_eq!(take(&mut pending, 1).0, r#"["0:2"]"#);
        push(&mut pending, 0, 4);
        assert_eq!(
            take(&mut pending, 1000),
            (r#"["0:3","0:4"]"#.into(), vec![(0, 5)])
        );
        assert!(pending.is_empty() && pending.size() == 0);
    }

    #[test]
    fn partitions_in_order_but_old_ones_first() {
        let mut pending = Pending::default();
        push(&mut pending, 1, 0);
        push(&mut pending, 0, 0);
        push(&mut pending, 1, 1);
        assert_eq!(take(&mut pending, 11), (r#"["0:0"]"#.into(), vec![(0, 1)]));
        push(&mut pending, 0, 1);
        let expected = r#"["1:0","1:1","0:1"]"#;
        assert_eq!(
            take(&mut pending, 1000),
            (expected.into(), vec![(1, 2), (0, 2)])
        );
    }

    #[test]
    fn an_undecodable_record_stops_what_is_behind_it() {
        let mut pending = Pending::default();
        push(&mut pending, 0, 0);
        let start = pending.json().len();
        pending.json().extend_from_slice(b"{half");
        pending.push(0, 1, start, 5, Some("no JSON".into()));
        push(&mut pending, 0, 2);
        assert_eq!(take(&mut pending, 1000).0, r#"["0:0"]"#);
        for _ in 0..2 {
            let fault = pending.take(limit(1000), |part| part).unwrap_err();
            assert_eq!(fault, ConsumerError::Undecodable("no JSON".into()));
        }
        assert!(pending.has_fault());
        pending.retain(|part| part != 0);
        assert!(pending.is_empty());
    }

    #[test]
    fn partitions_can_be_dropped() {
        let mut pending = Pending::default();
        push(&mut pending, 0, 0);
        push(&mut pending, 1, 0);
        push(&mut pending, 0, 1);
        pending.retain(|part| part == 0);
        assert_eq!(pending.size(), 20);
        assert_eq!(take(&mut pending, 1000).0, r#"["0:0","0:1"]"#);
    }
}
