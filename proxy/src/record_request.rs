//! One record of v3, decoded in one pass and without a tree.
//!
//! ```text
//! {"partition_id":…,"headers":[{"name":…,"value":…},…],"key":{…},"value":{"type":…,"data":…},"timestamp":…}
//!                                                                                    └── validated, minified: a span
//! ```
//!
//! In: a scanner in front of a value. Out: a [`RecordRequest`], whose data are spans of the caller's buffer.
//! What fails: a [`Mismatch`] in Jackson's words with its classes' full names, in the order in which the original
//! notices it: types while reading, what contradicts itself when a part ends, unknown fields when the record ends.

mod data;
mod header;
pub(crate) mod timestamp;

use sluiceway_common::json::Scanner;

use crate::coerce::{self, Mismatch};

pub use data::{Data, NamedSchema};
pub(crate) use data::{minified, name_of};
pub use header::Header;

/// A record to be produced.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RecordRequest {
    /// The id of an entry of a batch, if it is a string.
    pub id: Option<String>,
    /// The partition asked for.
    pub partition: Option<i32>,
    /// Headers, in order.
    pub headers: Vec<Header>,
    /// The key.
    pub key: Option<Data>,
    /// The value.
    pub value: Option<Data>,
    /// Epoch milliseconds.
    pub timestamp: Option<i64>,
}

/// Which class the original reads a record into, for its errors.
#[derive(Debug, Clone, Copy)]
pub struct Classes {
    /// The class of the record.
    pub record: &'static str,
    /// The class that complains of unknown fields, and what it knows.
    pub strict: (&'static str, &'static str),
    /// Whether a record has to have an `id`; else it is an unknown field.
    pub identified: bool,
}

/// Records of a stream.
pub const STREAMED: Classes = Classes {
    record: "io.confluent.kafkarest.entities.v3.ProduceRequest$Builder",
    strict: (
        "io.confluent.kafkarest.entities.v3.AutoValue_ProduceRequest$Builder",
        "6 known properties: \"value\", \"originalSize\", \"partitionId\", \"headers\", \"key\", \"timestamp\"",
    ),
    identified: false,
};

/// Entries of a batch.
pub const BATCHED: Classes = Classes {
    record: "io.confluent.kafkarest.entities.v3.ProduceBatchRequestEntry$Builder",
    strict: (
        "io.confluent.kafkarest.entities.v3.AutoValue_ProduceBatchRequestEntry$Builder",
        "7 known properties: \"value\", \"originalSize\", \"partitionId\", \"headers\", \"id\", \"key\", \"timestamp\"",
    ),
    identified: true,
};

pub(crate) const INTEGER: &str = "java.lang.Integer";
pub(crate) const STRING: &str = "java.lang.String";

/// Reads a record. Its data are minified into `json`. `None` is a `null`.
///
/// # Errors
/// See the module. `json` may then hold a part of the record.
pub fn decode(
    input: &[u8],
    scanner: &mut Scanner<'_>,
    json: &mut Vec<u8>,
    classes: &Classes,
) -> Result<Option<RecordRequest>, Mismatch> {
    let mut reader = Reader {
        input,
        scanner,
        json,
    };
    reader.record(classes)
}

struct Reader<'r, 'i, 's> {
    input: &'i [u8],
    scanner: &'r mut Scanner<'s>,
    json: &'r mut Vec<u8>,
}

impl Reader<'_, '_, '_> {
    fn record(&mut self, classes: &Classes) -> Result<Option<RecordRequest>, Mismatch> {
        if !self.enter(classes.record)? {
            return Ok(None);
        }
        let mut record = RecordRequest::default();
        let (mut first, mut unknown, mut no_id) = (true, None, classes.identified);
        while let Some(name) = self.scanner.member(&mut first)? {
            match name.bytes().as_ref() {
                b"value" => record.value = self.data()?,
                b"key" => record.key = self.data()?,
                b"partition_id" | b"partitionId" => record.partition = self.int()?,
                b"headers" => {
                    record.headers = header::list(self.input, self.scanner, classes.record)?;
                }
                b"timestamp" => record.timestamp = timestamp::read(self.input, self.scanner)?,
                b"id" if classes.identified => {
                    no_id = false;
                    record.id = self.id()?;
                }
                b"originalSize" => self.scanner.skip()?,
                _ => {
                    unknown.get_or_insert_with(|| name.decode().into_owned());
                    self.scanner.skip()?;
                }
            }
        }
        if no_id {
            return Err(cannot_construct(classes.record, "Null id"));
        }
        unknown.map_or(Ok(Some(record)), |name| {
            Err(unrecognized(&name, classes.strict))
        })
    }

    /// Enters an object; `false`: there is a `null` instead, which is passed over.
    fn enter(&mut self, class: &str) -> Result<bool, Mismatch> {
        match self.scanner.peek() {
            Some(b'{') => self.scanner.enter().map(|()| true).map_err(Into::into),
            Some(b'n') => self.scanner.skip().map(|()| false).map_err(Into::into),
            _ => Err(coerce::not_an_object(self.scanner, self.input, class)),
        }
    }

    /// Only a string is an id; what is wrong with another one is for the caller to say.
    fn id(&mut self) -> Result<Option<String>, Mismatch> {
        match self.scanner.peek() {
            Some(b'"') => Ok(Some(self.scanner.string()?.decode().into_owned())),
            _ => Ok(self.scanner.skip().map(|()| None)?),
        }
    }
}

pub(crate) fn cannot_construct(class: &str, problem: &str) -> Mismatch {
    Mismatch::Shape(format!(
        "Cannot construct instance of `{class}`, problem: {problem}"
    ))
}

pub(crate) fn unrecognized(name: &str, (class, known): (&str, &str)) -> Mismatch {
    Mismatch::Shape(format!(
        "Unrecognized field \"{name}\" (class {class}), not marked as ignorable ({known}])"
    ))
}

#[cfg(test)]
#[path = "record_request/tests.rs"]
mod tests;
