//! Raw mode: a body that is no envelope becomes records, for topics that `sluiceway.raw.topics` names.
//!
//! ```text
//! Content-Type ─▶ Kind ─┬─ anything ──────────▶ the body is one record
//!                       ├─ JSON ──────────────▶ the same, checked, kept as it came
//!                       ├─ NDJSON, CSV ───────▶ a record a line
//!                       └─ multipart/form-data ▶ a record a part
//! request headers ─▶ key, partition, time, record headers (of every record of the request)
//! ```
//!
//! In: body, headers, query. Out: a [`Batch`]. What fails: the request as a whole, before anything is written: JSON that is
//! none, a multipart body without its boundary, no record at all, headers that contradict one another. A body of lines is
//! written block by block ([`Blocks`]), so that it need not be held: what is wrong behind its first block is told beside what
//! was written.

mod blocks;
mod meta;
mod multipart;
mod split;

use http::HeaderMap;
use sluiceway_common::json::{Options, Scanner};

use crate::envelope::extras::Extras;
use crate::envelope::{Record, Span};
use crate::error::Error;
use crate::format::Batch;
use crate::media::{MediaType, parameter};
use crate::record_request::Header;

pub(crate) use blocks::Blocks;
pub(crate) use meta::Meta;

/// How a body becomes records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is one record, whatever it is.
    Whole,
    /// It is one record, which must be JSON.
    Json,
    /// A record a line, each of which must be JSON.
    JsonLines,
    /// A record a row; perhaps the first is the columns' names.
    Csv {
        /// Whether the first row is no record.
        header: bool,
    },
    /// A record a part.
    Multipart {
        /// What separates them.
        boundary: String,
    },
}

const JSON_LINES: [&str; 6] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/jsonlines",
    "application/json-lines",
];

/// Where in a body a block begins.
#[derive(Debug, Default)]
pub(crate) struct Begin {
    /// Lines before it.
    pub(crate) lines: usize,
    bytes: usize,
    /// Rows before it, the columns' names included.
    rows: usize,
}

impl Kind {
    /// The kind of a `Content-Type`. `None`: it is an envelope's, which is no raw record.
    ///
    /// # Errors
    /// `multipart/form-data` without a boundary.
    pub(crate) fn of(content_type: &[u8]) -> Result<Option<Self>, Error> {
        let text = String::from_utf8_lossy(content_type);
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let known = MediaType::from_name(name.as_bytes());
        if known.is_some_and(|media| !matches!(media, MediaType::Json | MediaType::Bytes))
            || name.is_empty()
        {
            return Ok(None);
        }
        let parameter = |wanted: &str| parameter(&text, wanted);
        Ok(Some(match name.as_str() {
            "application/json" => Self::Json,
            "text/csv" => Self::Csv {
                header: parameter("header").is_some_and(|value| value == "present"),
            },
            "multipart/form-data" => Self::Multipart {
                boundary: parameter("boundary")
                    .filter(|boundary| !boundary.is_empty())
                    .ok_or_else(|| refused("multipart/form-data needs a boundary"))?,
            },
            name if JSON_LINES.contains(&name) => Self::JsonLines,
            name if name.ends_with("+json") => Self::Json,
            _ => Self::Whole,
        }))
    }

    /// Whether a body is one record, so that a record's limit is the body's.
    pub(crate) fn is_one_record(&self) -> bool {
        matches!(self, Self::Whole | Self::Json)
    }

    /// Whether a body is a record a line, so that it need not be whole.
    pub(crate) fn is_lines(&self) -> bool {
        matches!(self, Self::JsonLines | Self::Csv { .. })
    }

    /// The blocks that a body of lines is read in.
    pub(crate) fn blocks(&self, size: usize) -> Blocks {
        Blocks::new(size, matches!(self, Self::Csv { .. }))
    }

    /// The records of a body.
    ///
    /// # Errors
    /// See the module.
    pub(crate) fn records(&self, body: Vec<u8>, meta: &Meta) -> Result<Batch, Error> {
        let batch = self.records_of_block(body, meta, &mut Begin::default())?;
        if batch.records.is_empty() {
            return Err(no_record());
        }
        Ok(batch)
    }

    /// The records of a block of a body, which may be none; `begin` moves on to the next block.
    ///
    /// # Errors
    /// See the module. They tell the place in the body.
    pub(crate) fn records_of_block(
        &self,
        block: Vec<u8>,
        meta: &Meta,
        begin: &mut Begin,
    ) -> Result<Batch, Error> {
        let mut pieces = self.pieces(&block, begin)?;
        begin.lines += memchr::memchr_iter(b'\n', &block).count();
        begin.bytes += block.len();
        let mut bytes = block;
        let key = meta.key.as_ref().map(|key| {
            let start = bytes.len();
            bytes.extend_from_slice(key);
            Span::since(start, &bytes)
        });
        let record = |piece: &Piece| Record {
            key,
            value: Some(piece.value),
            partition: meta.partition,
        };
        let records = pieces.iter().map(record).collect();
        let extras = pieces.iter_mut().enumerate().filter_map(|(index, piece)| {
            let mut headers = std::mem::take(&mut piece.headers);
            headers.splice(0..0, meta.headers.iter().cloned());
            let extras = Extras {
                headers,
                timestamp: meta.timestamp,
            };
            (extras != Extras::default()).then_some((index, extras))
        });
        let extras = extras.collect();
        Ok(Batch {
            bytes,
            records,
            extras,
        })
    }

    fn pieces(&self, body: &[u8], begin: &mut Begin) -> Result<Vec<Piece>, Error> {
        let plain = |spans: Vec<Span>| spans.into_iter().map(Piece::from).collect();
        Ok(match self {
            Self::Whole => vec![Span::new(0, body.len()).into()],
            Self::Json => {
                check_json(body).map_err(|error| refused(&error))?;
                vec![Span::new(0, body.len()).into()]
            }
            Self::JsonLines => {
                let lines = split::lines(body);
                for (number, line) in &lines {
                    let number = begin.lines + number;
                    check_json(line.of(body))
                        .map_err(|error| refused(&format!("line {number}: {error}")))?;
                }
                plain(lines.into_iter().map(|(_, line)| line).collect())
            }
            Self::Csv { header } => {
                let mut rows = split::rows(body).map_err(|opened| {
                    let at = begin.bytes + opened;
                    refused(&format!("the quote at byte {at} is not closed"))
                })?;
                let first = begin.rows == 0;
                begin.rows += rows.len();
                if *header && first && !rows.is_empty() {
                    rows.remove(0);
                }
                plain(rows)
            }
            Self::Multipart { boundary } => {
                multipart::parts(body, boundary).map_err(|error| refused(&error))?
            }
        })
    }
}

/// A record's value in the body, and what headers it has of its own.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    value: Span,
    headers: Vec<Header>,
}

impl From<Span> for Piece {
    fn from(value: Span) -> Self {
        Self {
            value,
            headers: Vec::new(),
        }
    }
}

/// A body without a record.
pub(crate) fn no_record() -> Error {
    refused("the body holds no record")
}

fn refused(why: &str) -> Error {
    Error::BadRequest(format!("This body is no raw record: {why}."))
}

/// Strings as long as the body may be.
const OPTIONS: Options = Options {
    max_string_len: usize::MAX,
    ..Options::STRICT
};

fn check_json(text: &[u8]) -> Result<(), String> {
    let mut scanner = Scanner::new(text, 0, &OPTIONS);
    if scanner.peek().is_none() {
        return Err("there is no JSON in it".to_owned());
    }
    scanner.skip().map_err(|error| error.to_string())?;
    match scanner.peek() {
        None => Ok(()),
        Some(_) => Err(format!(
            "there is more behind the JSON, from byte {} on",
            scanner.position()
        )),
    }
}

/// The `Content-Type` of a request.
pub(crate) fn content_type(headers: &HeaderMap) -> &[u8] {
    headers
        .get(http::header::CONTENT_TYPE)
        .map_or(&[], |value| value.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn values(kind: &str, body: &str) -> Result<Vec<String>, String> {
        let kind = Kind::of(kind.as_bytes()).map_err(|error| error.to_string())?;
        let batch = kind
            .unwrap()
            .records(body.as_bytes().to_vec(), &Meta::default());
        let batch = batch.map_err(|error| error.to_string())?;
        let text = |record| String::from_utf8(batch.value(record).unwrap().to_vec()).unwrap();
        Ok(batch.records.iter().map(text).collect())
    }

    #[test]
    fn kinds() {
        let of = |text: &str| Kind::of(text.as_bytes()).unwrap();
        assert_eq!(
            of("application/vnd.kafka.json.v2+json; charset=utf-8"),
            None
        );
        assert_eq!(of("Application/JSON; charset=utf-8"), Some(Kind::Json));
        assert_eq!(of("application/cloudevents+json"), Some(Kind::Json));
        assert_eq!(of("application/x-ndjson"), Some(Kind::JsonLines));
        assert_eq!(
            of("text/csv; header=present"),
            Some(Kind::Csv { header: true })
        );
        assert_eq!(of("application/x-www-form-urlencoded"), Some(Kind::Whole));
        assert_eq!(of("nonsense"), Some(Kind::Whole));
        assert_eq!(of("application/octet-stream"), Some(Kind::Whole));
        let boundary = "multipart/form-data; charset=x; boundary=\"a;b\"; y=z";
        assert_eq!(
            of(boundary),
            Some(Kind::Multipart {
                boundary: "a;b".into()
            })
        );
        assert!(Kind::of(b"multipart/form-data").is_err());
    }

    #[test]
    fn one_record_or_one_a_line() {
        assert_eq!(values("text/plain", "a\nb"), Ok(vec!["a\nb".into()]));
        assert_eq!(values("image/png", ""), Ok(vec![String::new()]));
        let json = " {\"a\" : 1 } ";
        assert_eq!(values("application/json", json), Ok(vec![json.into()]));
        assert_eq!(
            values("application/x-ndjson", "1\r\n\n {\"a\":2}\n"),
            Ok(vec!["1".into(), " {\"a\":2}".into()])
        );
        assert_eq!(
            values("text/csv;header=present", "x,y\r\n1,\"a\nb\"\r\n2,c"),
            Ok(vec!["1,\"a\nb\"".into(), "2,c".into()])
        );
    }

    #[test]
    fn refusals_say_where() {
        for (kind, body, words) in [
            ("application/json", "", "there is no JSON"),
            ("application/json", "{\"a\":", "no raw record"),
            ("application/json", "1 2", "from byte 2 on"),
            ("application/x-ndjson", "1\n\n{\n", "line 3"),
            ("application/x-ndjson", "\n", "no record"),
            ("text/csv", "1,\"a", "quote"),
            ("multipart/form-data; boundary=x", "abc", "boundary"),
        ] {
            let error = values(kind, body).unwrap_err();
            assert!(error.contains(words), "{kind} {body}: {error}");
        }
    }

    #[test]
    fn blocks_are_read_as_the_whole_is() {
        let mut begin = Begin::default();
        let kind = Kind::Csv { header: true };
        let mut found = Vec::new();
        for block in ["\n", "x,y\n1,2\n", "3,4\n"] {
            let batch = kind.records_of_block(block.into(), &Meta::default(), &mut begin);
            let batch = batch.unwrap();
            let text = |record| String::from_utf8(batch.value(record).unwrap().to_vec()).unwrap();
            found.extend(batch.records.iter().map(text));
        }
        assert_eq!(found, ["1,2", "3,4"]);
        let error = kind.records_of_block(b"5,\"6".to_vec(), &Meta::default(), &mut begin);
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("the quote at byte 15")
        );
        let mut begin = Begin::default();
        let mut lines = |text: &[u8]| {
            Kind::JsonLines.records_of_block(text.to_vec(), &Meta::default(), &mut begin)
        };
        assert!(lines(b"1\n\n2\n").is_ok());
        let error = lines(b"3\nx\n").unwrap_err().to_string();
        assert!(error.contains("line 5"), "{error}");
    }

    #[test]
    fn every_record_has_key_headers_and_time() {
        let meta = Meta {
            key: Some(b"k".to_vec()),
            partition: Some(3),
            timestamp: Some(5),
            headers: vec![Header {
                name: "h".into(),
                value: Some(b"v".to_vec()),
            }],
        };
        let batch = Kind::JsonLines.records(b"1\n2".to_vec(), &meta).unwrap();
        for (index, record) in batch.records.iter().enumerate() {
            assert_eq!(batch.key(record), Some(&b"k"[..]));
            assert_eq!(record.partition, Some(3));
            let extras = batch.extras(index).unwrap();
            assert_eq!(
                (extras.timestamp, &extras.headers),
                (Some(5), &meta.headers)
            );
        }
    }
}
