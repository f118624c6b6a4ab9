//! Records of a stream mostly differ in the data of their values alone. What stood before and behind those of one record is
//! kept; where the same stands in the next, only its data have to be read.
//!
//! ```text
//! {"value":{"type":"JSON","data":{"id":1}}}
//! └─────────── before ──────────┘        └┴ behind
//! ```
//!
//! In: the bytes from a record on. Out: the record, as [`decode`](crate::record_request::decode) would read it. What fails:
//! nothing; a record that is not alike, or that anything is wrong with, is left to `decode`.

use sluiceway_common::json::{Options, Scanner};

use super::input::OPTIONS;
use crate::envelope::Span;
use crate::format::Format;
use crate::record_request::{Data, RecordRequest, minified};

/// The limits that are left inside of a record and its value.
const INSIDE: Options = Options {
    max_depth: OPTIONS.max_depth - 2,
    ..OPTIONS
};
/// Bytes before and behind that are kept at most.
const MOST: usize = 1024;
/// Records in a row that were like none before: then no more of them are kept.
const PATIENCE: u32 = 8;

/// What is known of a stream's records.
#[derive(Debug, Default)]
pub(super) struct Alike {
    last: Option<Form>,
    misses: u32,
}

/// A record that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Its size.
    pub(super) size: usize,
    /// Whether it certainly holds no end of a line.
    pub(super) on_a_line: bool,
}

/// A record without its data.
#[derive(Debug)]
struct Form {
    before: Vec<u8>,
    behind: Vec<u8>,
    /// Whether these hold no end of a line.
    on_a_line: bool,
    format: Option<Format>,
    partition: Option<i32>,
    timestamp: Option<i64>,
}

impl Alike {
    /// Reads a record that is like the last one into `request`. Its data are appended to `json`.
    pub(super) fn read(
        &mut self,
        input: &[u8],
        json: &mut Vec<u8>,
        request: &mut RecordRequest,
    ) -> Option<Found> {
        let found = self.last.as_ref()?.read(input, json, request)?;
        self.misses = 0;
        Some(found)
    }

    /// Keeps the form of a record that was like none.
    pub(super) fn keep(&mut self, record: &[u8], request: &RecordRequest) {
        if self.misses < PATIENCE {
            self.misses += 1;
            self.last = Form::of(record, request);
        } else {
            self.last = None;
        }
    }
}

impl Form {
    /// `None`: it has more than a value that would have to be read anew.
    fn of(record: &[u8], request: &RecordRequest) -> Option<Self> {
        let data = request.value.as_ref()?;
        let alone = request.key.is_none() && request.headers.is_empty() && data.named.is_none();
        let before = record.get(..data.place.start())?;
        let behind = record.get(data.place.end()..)?;
        (alone && before.len() + behind.len() <= MOST).then(|| Self {
            before: before.to_vec(),
            behind: behind.to_vec(),
            on_a_line: memchr::memchr(b'\n', before)
                .or(memchr::memchr(b'\n', behind))
                .is_none(),
            format: data.format,
            partition: request.partition,
            timestamp: request.timestamp,
        })
    }

    fn read(&self, input: &[u8], json: &mut Vec<u8>, request: &mut RecordRequest) -> Option<Found> {
        if !input.starts_with(&self.before) {
            return None;
        }
        let begun = json.len();
        let mut scanner = Scanner::new(input, self.before.len(), &INSIDE);
        let data = minified(&mut scanner, json);
        let end = scanner.position();
        match data {
            Ok((place, data)) if input.get(end..)?.starts_with(&self.behind) => {
                self.fill(request, place, data);
                // Nothing was left out of the data. Ends of lines are between values only.
                let compact = data.is_some_and(|data| data.len() == place.len());
                Some(Found {
                    size: end + self.behind.len(),
                    on_a_line: self.on_a_line && compact,
                })
            }
            _ => {
                json.truncate(begun);
                None
            }
        }
    }

    fn fill(&self, request: &mut RecordRequest, place: Span, json: Option<Span>) {
        *request = RecordRequest {
            partition: self.partition,
            timestamp: self.timestamp,
            value: Some(Data {
                format: self.format,
                place,
                json,
                named: None,
            }),
            ..RecordRequest::default()
        };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::record_request::{STREAMED, decode};

    /// A record without its data, its size, and its data.
    type Told = (RecordRequest, usize, Option<String>);

    fn told(mut request: RecordRequest, size: usize, json: &[u8]) -> Told {
        let data = request.value.as_mut().and_then(|value| value.json.take());
        let data = data.map(|span| String::from_utf8(span.of(json).to_vec()).unwrap());
        (request, size, data)
    }

    /// A record as it is read without knowledge of others; `None`: not at all.
    fn alone(record: &str) -> Option<Told> {
        let mut json = Vec::new();
        let mut scanner = Scanner::new(record.as_bytes(), 0, &OPTIONS);
        let read = decode(record.as_bytes(), &mut scanner, &mut json, &STREAMED);
        Some(told(read.ok()??, scanner.position(), &json))
    }

    /// Whether the second is read like the first, and then as it would be alone.
    fn is_alike(first: &str, second: &str) -> bool {
        let mut alike = Alike::default();
        alike.keep(first.as_bytes(), &alone(first).unwrap().0);
        let mut json = b"of others".to_vec();
        let mut request = RecordRequest::default();
        let Some(found) = alike.read(second.as_bytes(), &mut json, &mut request) else {
            assert_eq!(json, b"of others", "{second}");
            return false;
        };
        assert_eq!(
            Some(told(request, found.size, &json)),
            alone(second),
            "{second}"
        );
        assert!(
            !found.on_a_line || !second[..found.size].contains('\n'),
            "{second}"
        );
        true
    }

    #[test]
    fn what_differs_in_its_data_alone_is_read_like_the_one_before() {
        for (before, behind) in [
            (r#"{"value":{"type":"JSON","data":"#, "}}"),
            (
                r#"{ "partition_id" : 3, "value": { "data" : "#,
                r#" , "type": "JSON" } , "timestamp": 7 }"#,
            ),
            (r#"{"value":{"data":[1],"type":"STRING","data":"#, "}}"),
        ] {
            let record = |data: &str| format!("{before}{data}{behind}");
            let first = record(r#"{"a":1}"#);
            for data in [
                r#"{"a":1}"#,
                r#"{"b" : [ "}}" , {} ]}"#,
                "[1,\n2]",
                "null",
                "true",
                r#""é}}""#,
            ] {
                assert!(is_alike(&first, &record(data)), "{data}");
                assert!(is_alike(&first, &(record(data) + "{\"value\":")), "{data}");
                assert!(is_alike(&record(data), &first), "{data}");
            }
            // What follows a number at once does not end it for a walk that knows of nothing round it.
            let spaced = behind.starts_with(' ');
            assert_eq!(is_alike(&first, &record("12")), spaced);
            for data in ["", "nul", "{\"a\":1", "[1,]", "\"\u{1}\"", "{]"] {
                assert!(!is_alike(&first, &record(data)), "{data}");
            }
        }
    }

    #[test]
    fn what_has_more_to_be_read_is_like_none() {
        let plain = r#"{"value":{"type":"JSON","data":1 }}"#;
        for record in [
            r#"{"key":{"type":"JSON","data":1},"value":{"type":"JSON","data":[1]}}"#,
            r#"{"headers":[{"name":"a"}],"value":{"type":"JSON","data":[1]}}"#,
            r#"{"value":{"schema_id":1,"data":[1]}}"#,
            r#"{"partition_id":1}"#,
            r#"{"value":null}"#,
            &format!(
                r#"{{"value":{{"type":"JSON",{}"data":[1]}}}}"#,
                " ".repeat(MOST)
            ),
        ] {
            assert!(!is_alike(record, record), "{record}");
            assert!(!is_alike(plain, record), "{record}");
        }
    }

    #[test]
    fn the_limit_of_depth_is_that_of_the_whole_record() {
        let record = |depth: usize| {
            let data = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            format!(r#"{{"value":{{"type":"JSON","data":{data}}}}}"#)
        };
        assert!(is_alike(&record(1), &record(OPTIONS.max_depth - 2)));
        assert!(!is_alike(&record(1), &record(OPTIONS.max_depth - 1)));
        assert!(alone(&record(OPTIONS.max_depth - 1)).is_none());
    }

    #[test]
    fn a_stream_of_different_records_is_given_up() {
        let mut alike = Alike::default();
        let read = |alike: &mut Alike, text: &str| {
            alike.read(
                text.as_bytes(),
                &mut Vec::new(),
                &mut RecordRequest::default(),
            )
        };
        let record = |partition: usize| {
            format!(r#"{{"partition_id":{partition},"value":{{"type":"JSON","data":[1]}}}}"#)
        };
        for number in 0..20 {
            let text = record(number);
            assert!(read(&mut alike, &text).is_none());
            alike.keep(text.as_bytes(), &alone(&text).unwrap().0);
        }
        let again = record(19);
        assert!(read(&mut alike, &again).is_none());
    }
}
