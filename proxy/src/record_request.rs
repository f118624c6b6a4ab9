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

mod header;
pub(crate) mod timestamp;

use sluiceway_common::json::Scanner;
use sluiceway_schemas::SubjectNameStrategy as Strategy;

use crate::coerce::{self, Mismatch};
use crate::envelope::Span;
use crate::format::Format;

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

/// A key or value and how it is to be written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Data {
    /// `type`
    pub format: Option<Format>,
    /// `subject`
    pub subject: Option<String>,
    /// `subject_name_strategy`
    pub strategy: Option<Strategy>,
    /// `schema_id`
    pub schema_id: Option<i32>,
    /// `schema_version`
    pub schema_version: Option<i32>,
    /// `schema`, as text
    pub schema: Option<String>,
    /// `data`; `None` is `null`.
    pub json: Option<Span>,
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

const DATA: &str = "io.confluent.kafkarest.entities.v3.ProduceRequest$ProduceRequestData";
const STRICT_DATA: (&str, &str) = (
    "io.confluent.kafkarest.entities.v3.AutoValue_ProduceRequest_ProduceRequestData",
    "0 known properties: ",
);
const FORMAT: &str = "io.confluent.kafkarest.entities.EmbeddedFormat";
const STRATEGY: &str = "io.confluent.kafkarest.entities.v3.ProduceRequest$EnumSubjectNameStrategy";
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
            match name.decode().as_ref() {
                "value" => record.value = self.data()?,
                "key" => record.key = self.data()?,
                "partition_id" | "partitionId" => record.partition = self.int()?,
                "headers" => {
                    record.headers = header::list(self.input, self.scanner, classes.record)?;
                }
                "timestamp" => record.timestamp = timestamp::read(self.input, self.scanner)?,
                "id" if classes.identified => {
                    no_id = false;
                    record.id = self.id()?;
                }
                "originalSize" => self.scanner.skip()?,
                other => {
                    unknown.get_or_insert_with(|| other.to_owned());
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

    fn data(&mut self) -> Result<Option<Data>, Mismatch> {
        if !self.enter(DATA)? {
            return Ok(None);
        }
        let mut data = Data::default();
        let (mut first, mut unknown, mut given) = (true, None, false);
        while let Some(name) = self.scanner.member(&mut first)? {
            match name.decode().as_ref() {
                "type" => data.format = self.one_of(FORMAT, FORMATS, FORMATS_SHOWN)?,
                "data" => {
                    given = true;
                    data.json = self.minified()?;
                }
                "subject" => data.subject = self.text()?,
                "subject_name_strategy" => {
                    data.strategy = self.one_of(STRATEGY, STRATEGIES, STRATEGIES_SHOWN)?;
                }
                "schema_id" => data.schema_id = self.int()?,
                "schema_version" => data.schema_version = self.int()?,
                "schema" => data.schema = self.text()?,
                other => {
                    unknown.get_or_insert_with(|| other.to_owned());
                    self.scanner.skip()?;
                }
            }
        }
        let problem = if given {
            contradiction(&data)
        } else {
            Some("Null data".to_owned())
        };
        if let Some(problem) = problem {
            return Err(cannot_construct(DATA, &problem));
        }
        unknown.map_or(Ok(Some(data)), |name| Err(unrecognized(&name, STRICT_DATA)))
    }

    fn minified(&mut self) -> Result<Option<Span>, Mismatch> {
        let start = self.json.len();
        self.scanner.minify(self.json)?;
        if self.json.get(start..) == Some(b"null") {
            self.json.truncate(start);
            return Ok(None);
        }
        Ok(Some(Span::since(start, self.json)))
    }

    fn int(&mut self) -> Result<Option<i32>, Mismatch> {
        coerce::int_named(self.input, self.scanner, INTEGER)
    }

    fn text(&mut self) -> Result<Option<String>, Mismatch> {
        coerce::text_named(self.input, self.scanner, STRING)
    }

    /// Only a string is an id; what is wrong with another one is for the caller to say.
    fn id(&mut self) -> Result<Option<String>, Mismatch> {
        match self.scanner.peek() {
            Some(b'"') => Ok(Some(self.scanner.string()?.decode().into_owned())),
            _ => Ok(self.scanner.skip().map(|()| None)?),
        }
    }

    fn one_of<T: Copy>(
        &mut self,
        class: &str,
        values: &[(&str, T)],
        shown: &str,
    ) -> Result<Option<T>, Mismatch> {
        let names = values.iter().map(|(name, _)| *name);
        let place = coerce::one_of(self.input, self.scanner, class, shown, names)?;
        Ok(place.and_then(|place| values.get(place).map(|(_, value)| *value)))
    }
}

/// In the order of their numbers.
const FORMATS: &[(&str, Format)] = &[
    ("BINARY", Format::Binary),
    ("JSON", Format::Json),
    ("AVRO", Format::Avro),
    ("JSONSCHEMA", Format::JsonSchema),
    ("PROTOBUF", Format::Protobuf),
    ("STRING", Format::String),
];
/// In the order of a Java hash table.
const FORMATS_SHOWN: &str = "BINARY, AVRO, JSON, JSONSCHEMA, PROTOBUF, STRING";
const STRATEGIES: &[(&str, Strategy)] = &[
    ("TOPIC_NAME", Strategy::TopicName),
    ("RECORD_NAME", Strategy::RecordName),
    ("TOPIC_RECORD_NAME", Strategy::TopicRecordName),
];
const STRATEGIES_SHOWN: &str = "RECORD_NAME, TOPIC_NAME, TOPIC_RECORD_NAME";

/// The name of a format in v3.
#[must_use]
pub fn name_of(format: Format) -> &'static str {
    let named = FORMATS.iter().find(|(_, known)| *known == format);
    named.map_or("BINARY", |(name, _)| name)
}

/// What of a key or value excludes something else of it.
fn contradiction(data: &Data) -> Option<String> {
    if data.subject.is_some() && data.strategy.is_some() {
        return Some("Only one of 'subject_name_strategy' or 'subject' can be used.".into());
    }
    let sources = [
        data.schema_id.is_some(),
        data.schema_version.is_some(),
        data.schema.is_some(),
    ];
    if sources.into_iter().filter(|given| *given).count() > 1 {
        return Some("Only one of 'schema_id', 'schema_version' or 'schema' can be used.".into());
    }
    let format = data.format?;
    if format.requires_schema() {
        let instead = match (data.schema_id, data.schema_version, &data.schema) {
            (Some(id), ..) => format!("schema_id={id}"),
            (_, Some(version), _) => format!("schema_version={version}"),
            (_, _, None) => "schema_version=latest".to_owned(),
            _ => return None,
        };
        return Some(format!("'{instead}' cannot be used with 'serializer'."));
    }
    let given = [
        ("subject_strategy", data.strategy.is_some()),
        ("subject", data.subject.is_some()),
        ("schema_id", data.schema_id.is_some()),
        ("schema_version", data.schema_version.is_some()),
        ("schema", data.schema.is_some()),
    ];
    let (field, _) = given.into_iter().find(|(_, given)| *given)?;
    let name = name_of(format);
    Some(format!("'type={name}' cannot be used with '{field}'."))
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
