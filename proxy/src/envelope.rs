//! The body of a produce request, decoded in one pass and without a tree.
//!
//! ```text
//! {"records":[{"key":…,"value":…,"partition":…},…], "key_schema":…, …}
//!                │         │
//!                └─────────┴── validated, minified, appended to one buffer; a record is two spans of it
//! ```
//!
//! In: the whole body (its size is bounded before). Out: an [`Envelope`], never larger than the body.
//! What fails: an [`EnvelopeError`], in the order in which the original notices it: syntax and types while reading,
//! an unknown field when its object ends, missing records last. The last of repeated fields wins.

pub mod extras;

use sluiceway_common::json::{JsonError, Options, Scanner};
use thiserror::Error;

use crate::coerce::{self, Mismatch, shorten};
use extras::{Extras, Indexed};

/// A piece of [`Envelope::json`].
///
/// Its two offsets lie in one word, which is copied as one: two halves that were stored singly and are loaded together wait
/// until the caches have them, and everything before them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Span(u64);

impl Span {
    /// The piece itself.
    #[must_use]
    pub fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start()..self.end()).unwrap_or_default()
    }

    /// From `start` to `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let limit = |at: usize| u64::from(u32::try_from(at).unwrap_or(u32::MAX));
        Self(limit(start) << 32 | limit(end))
    }

    /// Where it begins.
    pub(crate) fn start(&self) -> usize {
        (self.0 >> 32) as usize
    }

    /// Where it ends.
    pub(crate) fn end(&self) -> usize {
        (self.0 & 0xFFFF_FFFF) as usize
    }

    /// From `start` to the end of `bytes`.
    #[must_use]
    pub fn since(start: usize, bytes: &[u8]) -> Self {
        Self::new(start, bytes.len())
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.end() - self.start()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.start() == self.end()
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.start(), self.end())
    }
}

/// One record; `None` is absent or JSON `null`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record {
    /// The key.
    pub key: Option<Span>,
    /// The value.
    pub value: Option<Span>,
    /// The partition asked for.
    pub partition: Option<i32>,
}

/// A decoded produce request.
#[derive(Debug, Default)]
pub struct Envelope {
    /// Minified keys and values, which the records' spans point into.
    pub json: Vec<u8>,
    /// The records, in order.
    pub records: Vec<Record>,
    /// Schemas given with the request, for the formats that need them.
    pub schemas: Schemas,
    /// Headers and times of those records that have them, by index, in order.
    pub extras: Vec<Indexed>,
}

/// The schema fields of a produce request.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Schemas {
    /// Text of the key schema.
    pub key: Option<String>,
    /// Registered id of the key schema.
    pub key_id: Option<i32>,
    /// Text of the value schema.
    pub value: Option<String>,
    /// Registered id of the value schema.
    pub value_id: Option<i32>,
}

/// Why a body is no produce request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// Not JSON, noticed outside of a known field.
    #[error("{0}")]
    Syntax(JsonError),
    /// Not JSON, noticed inside of a known field: names in the text are shortened.
    #[error("{}", shorten(&.0.to_string()))]
    SyntaxInside(JsonError),
    /// JSON of another shape.
    #[error("{0}")]
    Shape(String),
    /// A field nobody knows.
    #[error("Unrecognized field: {0}")]
    UnknownField(String),
    /// No body, or `null`; the method that needs it.
    #[error("{0}.request must not be null (was null)")]
    Missing(&'static str),
    /// No records; the method that needs them.
    #[error("{0}.request.records must not be empty (was [])")]
    NoRecords(&'static str),
}

impl EnvelopeError {
    /// Whether well-formed JSON broke a rule (422) or the JSON itself is wrong (400).
    #[must_use]
    pub fn is_rule(&self) -> bool {
        matches!(
            self,
            Self::UnknownField(_) | Self::Missing(_) | Self::NoRecords(_)
        )
    }

    fn inside(mismatch: Mismatch) -> Self {
        match mismatch {
            Mismatch::Syntax(error) => Self::SyntaxInside(error),
            Mismatch::Shape(message) => Self::Shape(message),
        }
    }
}

const REQUEST: &str = "ProduceRequest";
const RECORD: &str = "ProduceRecord";

/// Jackson's limits, without the one on strings: the body is bounded as a whole.
const OPTIONS: Options = Options {
    max_string_len: usize::MAX,
    ..Options::STRICT
};

/// Decodes a produce request. `method` names the operation in errors (`produceJson`).
///
/// # Errors
/// See [`EnvelopeError`].
pub fn decode(body: &[u8], method: &'static str) -> Result<Envelope, EnvelopeError> {
    decode_extended(body, method, false)
}

/// The same; `extended`: records may have `headers` and `timestamp`, which are unknown fields otherwise.
///
/// # Errors
/// See [`EnvelopeError`].
pub fn decode_extended(
    body: &[u8],
    method: &'static str,
    extended: bool,
) -> Result<Envelope, EnvelopeError> {
    let mut decoder = Decoder {
        body,
        scanner: Scanner::document(body, &OPTIONS),
        envelope: Envelope {
            json: Vec::with_capacity(body.len()),
            ..Envelope::default()
        },
        null_record: None,
        extended,
    };
    if !decoder.request()? {
        return Err(EnvelopeError::Missing(method));
    }
    coerce::nothing_behind(&mut decoder.scanner, body, REQUEST).map_err(told)?;
    if decoder.envelope.records.is_empty() {
        return Err(EnvelopeError::NoRecords(method));
    }
    Ok(decoder.envelope)
}

struct Decoder<'b> {
    body: &'b [u8],
    scanner: Scanner<'b>,
    envelope: Envelope,
    /// Index of the first record that is `null`, which the original finds only when it copies the list.
    null_record: Option<usize>,
    /// Whether records may have headers and a time.
    extended: bool,
}

impl Decoder<'_> {
    /// `false`: there is none.
    fn request(&mut self) -> Result<bool, EnvelopeError> {
        match self.scanner.peek() {
            None => return Ok(false),
            Some(b'{') => {}
            Some(b'n') => {
                return self
                    .scanner
                    .skip()
                    .map(|()| false)
                    .map_err(EnvelopeError::Syntax);
            }
            Some(_) => {
                return Err(
                    match coerce::not_an_object(&mut self.scanner, self.body, REQUEST) {
                        Mismatch::Syntax(error) => EnvelopeError::Syntax(error),
                        Mismatch::Shape(message) => EnvelopeError::Shape(message),
                    },
                );
            }
        }
        self.scanner.enter().map_err(EnvelopeError::Syntax)?;
        let (mut first, mut unknown) = (true, None);
        while let Some(name) = self
            .scanner
            .member(&mut first)
            .map_err(EnvelopeError::Syntax)?
        {
            let start = self.scanner.position();
            let result = match name.bytes().as_ref() {
                b"records" => self.records(),
                b"key_schema" => self.text(|schemas, text| schemas.key = text),
                b"value_schema" => self.text(|schemas, text| schemas.value = text),
                b"key_schema_id" => self.int(|schemas, id| schemas.key_id = id),
                b"value_schema_id" => self.int(|schemas, id| schemas.value_id = id),
                _ => {
                    unknown.get_or_insert_with(|| name.decode().into_owned());
                    self.scanner.skip().map_err(EnvelopeError::Syntax)
                }
            };
            result.map_err(|error| at_first_byte(error, start))?;
        }
        match (self.null_record, unknown) {
            (Some(index), _) => {
                let message =
                    format!("Cannot construct instance of `{REQUEST}`, problem: at index {index}");
                Err(EnvelopeError::Shape(message))
            }
            (None, Some(name)) => Err(EnvelopeError::UnknownField(name)),
            (None, None) => Ok(true),
        }
    }

    fn text(&mut self, set: fn(&mut Schemas, Option<String>)) -> Result<(), EnvelopeError> {
        let text = coerce::text(self.body, &mut self.scanner).map_err(EnvelopeError::inside)?;
        set(&mut self.envelope.schemas, text);
        Ok(())
    }

    fn int(&mut self, set: fn(&mut Schemas, Option<i32>)) -> Result<(), EnvelopeError> {
        let id = coerce::int(self.body, &mut self.scanner).map_err(EnvelopeError::inside)?;
        set(&mut self.envelope.schemas, id);
        Ok(())
    }

    fn records(&mut self) -> Result<(), EnvelopeError> {
        self.envelope.records.clear();
        self.envelope.json.clear();
        self.envelope.extras.clear();
        self.null_record = None;
        match self.scanner.peek() {
            Some(b'[') => self.scanner.enter().map_err(EnvelopeError::SyntaxInside)?,
            Some(b'n') => return self.scanner.skip().map_err(EnvelopeError::SyntaxInside),
            // The list's class name ends in that of its items and a bracket, and only the end is shown.
            _ => {
                let wanted = format!("{RECORD}>");
                return Err(EnvelopeError::inside(coerce::unexpected(
                    &mut self.scanner,
                    self.body,
                    &wanted,
                )));
            }
        }
        let mut first = true;
        while self
            .scanner
            .element(&mut first)
            .map_err(EnvelopeError::SyntaxInside)?
        {
            let record = match self.scanner.peek() {
                Some(b'{') => self.record()?,
                Some(b'n') => {
                    self.scanner.skip().map_err(EnvelopeError::SyntaxInside)?;
                    self.null_record.get_or_insert(self.envelope.records.len());
                    Record::default()
                }
                _ => {
                    let mismatch = coerce::not_an_object(&mut self.scanner, self.body, RECORD);
                    return Err(EnvelopeError::inside(mismatch));
                }
            };
            self.envelope.records.push(record);
        }
        Ok(())
    }

    fn record(&mut self) -> Result<Record, EnvelopeError> {
        self.scanner.enter().map_err(EnvelopeError::SyntaxInside)?;
        let mut record = Record::default();
        let (mut first, mut unknown) = (true, None);
        let mut extras: Option<Extras> = None;
        while let Some(name) = self
            .scanner
            .member(&mut first)
            .map_err(EnvelopeError::SyntaxInside)?
        {
            match name.bytes().as_ref() {
                b"value" => record.value = self.value()?,
                b"key" => record.key = self.value()?,
                b"partition" => {
                    record.partition =
                        coerce::int(self.body, &mut self.scanner).map_err(EnvelopeError::inside)?;
                }
                b"headers" if self.extended => {
                    let headers = extras::headers(&mut self.scanner);
                    extras.get_or_insert_default().headers =
                        headers.map_err(EnvelopeError::inside)?;
                }
                b"timestamp" if self.extended => {
                    let time = extras::timestamp(self.body, &mut self.scanner);
                    extras.get_or_insert_default().timestamp =
                        time.map_err(EnvelopeError::inside)?;
                }
                _ => {
                    unknown.get_or_insert_with(|| name.decode().into_owned());
                    self.scanner.skip().map_err(EnvelopeError::SyntaxInside)?;
                }
            }
        }
        if let Some(extras) = extras.filter(|extras| *extras != Extras::default()) {
            let index = self.envelope.records.len();
            self.envelope.extras.push((index, extras));
        }
        unknown.map_or(Ok(record), |name| Err(EnvelopeError::UnknownField(name)))
    }

    fn value(&mut self) -> Result<Option<Span>, EnvelopeError> {
        let json = &mut self.envelope.json;
        let start = json.len();
        self.scanner
            .minify(json)
            .map_err(EnvelopeError::SyntaxInside)?;
        if json.get(start..) == Some(b"null") {
            json.truncate(start);
            return Ok(None);
        }
        Ok(Some(Span::since(start, json)))
    }
}

/// A mismatch outside of every field: syntax errors are told unshortened there.
pub(crate) fn told(mismatch: Mismatch) -> EnvelopeError {
    match mismatch {
        Mismatch::Syntax(error) => EnvelopeError::Syntax(error),
        Mismatch::Shape(message) => EnvelopeError::Shape(message),
    }
}

/// The original reads a field's first token before it knows the field, so an error there is told unshortened.
fn at_first_byte(error: EnvelopeError, start: usize) -> EnvelopeError {
    match error {
        EnvelopeError::SyntaxInside(error) if error.offset == start => EnvelopeError::Syntax(error),
        other => other,
    }
}

#[cfg(test)]
#[path = "envelope_tests.rs"]
mod tests;
