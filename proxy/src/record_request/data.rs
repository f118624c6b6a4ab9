//! The `key` or `value` of a record: its data, and how they are to be written.
//!
//! ```text
//! {"type":…,"data":…}    {"subject":…,"subject_name_strategy":…,"schema_id":…|"schema_version":…|"schema":…,"data":…}
//! ```

use sluiceway_common::json::{JsonError, Scanner};
use sluiceway_schemas::SubjectNameStrategy as Strategy;

use super::{INTEGER, Reader, STRING, cannot_construct, unrecognized};
use crate::coerce::{self, Mismatch};
use crate::envelope::Span;
use crate::format::Format;

/// A key or value and how it is to be written.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Data {
    /// `type`
    pub format: Option<Format>,
    /// `data`; `None` is `null`.
    pub json: Option<Span>,
    /// Where `data` stands in the record.
    pub place: Span,
    /// What it says of a schema. Most say nothing, and a record is moved often: so it lies elsewhere.
    pub named: Option<Box<NamedSchema>>,
}

/// What a key or value says of its schema.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct NamedSchema {
    /// `subject`
    pub subject: Option<String>,
    /// `subject_name_strategy`
    pub strategy: Option<Strategy>,
    /// `schema_id`
    pub id: Option<i32>,
    /// `schema_version`
    pub version: Option<i32>,
    /// `schema`, as text
    pub text: Option<String>,
}

const DATA: &str = "io.confluent.kafkarest.entities.v3.ProduceRequest$ProduceRequestData";
const STRICT_DATA: (&str, &str) = (
    "io.confluent.kafkarest.entities.v3.AutoValue_ProduceRequest_ProduceRequestData",
    "0 known properties: ",
);
const FORMAT: &str = "io.confluent.kafkarest.entities.EmbeddedFormat";
const STRATEGY: &str = "io.confluent.kafkarest.entities.v3.ProduceRequest$EnumSubjectNameStrategy";

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
pub(crate) fn name_of(format: Format) -> &'static str {
    FORMATS
        .get(format as usize)
        .map_or("BINARY", |(name, _)| name)
}

impl Data {
    fn named(&mut self) -> &mut NamedSchema {
        self.named.get_or_insert_default()
    }

    /// What excludes something else.
    fn contradiction(&self) -> Option<String> {
        match (&self.named, self.format) {
            (None, None) => None,
            (None, Some(format)) if !format.requires_schema() => None,
            (None, Some(_)) => NamedSchema::default().contradiction(self.format),
            (Some(named), format) => named.contradiction(format),
        }
    }
}

impl NamedSchema {
    fn contradiction(&self, format: Option<Format>) -> Option<String> {
        if self.subject.is_some() && self.strategy.is_some() {
            return Some("Only one of 'subject_name_strategy' or 'subject' can be used.".into());
        }
        let sources = [
            self.id.is_some(),
            self.version.is_some(),
            self.text.is_some(),
        ];
        if sources.into_iter().filter(|given| *given).count() > 1 {
            return Some(
                "Only one of 'schema_id', 'schema_version' or 'schema' can be used.".into(),
            );
        }
        let format = format?;
        if format.requires_schema() {
            let instead = match (self.id, self.version, &self.text) {
                (Some(id), ..) => format!("schema_id={id}"),
                (_, Some(version), _) => format!("schema_version={version}"),
                (_, _, None) => "schema_version=latest".to_owned(),
                _ => return None,
            };
            return Some(format!("'{instead}' cannot be used with 'serializer'."));
        }
        let given = [
            ("subject_strategy", self.strategy.is_some()),
            ("subject", self.subject.is_some()),
            ("schema_id", self.id.is_some()),
            ("schema_version", self.version.is_some()),
            ("schema", self.text.is_some()),
        ];
        let (field, _) = given.into_iter().find(|(_, given)| *given)?;
        let name = name_of(format);
        Some(format!("'type={name}' cannot be used with '{field}'."))
    }
}

/// Appends a value without insignificant whitespace to `json`: where it stood, and where it lies now; `None` is `null`.
///
/// # Errors
/// The first offence. `json` may then hold a part of the value.
pub(crate) fn minified(
    scanner: &mut Scanner<'_>,
    json: &mut Vec<u8>,
) -> Result<(Span, Option<Span>), JsonError> {
    let begun = json.len();
    // Passes over whitespace.
    let _ = scanner.peek();
    let start = scanner.position();
    scanner.minify(json)?;
    let place = Span::new(start, scanner.position());
    if json.get(begun..) == Some(b"null") {
        json.truncate(begun);
        return Ok((place, None));
    }
    Ok((place, Some(Span::since(begun, json))))
}

impl Reader<'_, '_, '_> {
    /// Reads a key or value. `None` is a `null`.
    pub(super) fn data(&mut self) -> Result<Option<Data>, Mismatch> {
        if !self.enter(DATA)? {
            return Ok(None);
        }
        let mut data = Data::default();
        let (mut first, mut unknown, mut given) = (true, None, false);
        while let Some(name) = self.scanner.member(&mut first)? {
            match name.bytes().as_ref() {
                b"type" => data.format = self.one_of(FORMAT, FORMATS, FORMATS_SHOWN)?,
                b"data" => {
                    given = true;
                    (data.place, data.json) = minified(self.scanner, self.json)?;
                }
                b"subject" => data.named().subject = self.text()?,
                b"subject_name_strategy" => {
                    data.named().strategy = self.one_of(STRATEGY, STRATEGIES, STRATEGIES_SHOWN)?;
                }
                b"schema_id" => data.named().id = self.int()?,
                b"schema_version" => data.named().version = self.int()?,
                b"schema" => data.named().text = self.text()?,
                _ => {
                    unknown.get_or_insert_with(|| name.decode().into_owned());
                    self.scanner.skip()?;
                }
            }
        }
        let problem = match given {
            true => data.contradiction(),
            false => Some("Null data".to_owned()),
        };
        if let Some(problem) = problem {
            return Err(cannot_construct(DATA, &problem));
        }
        unknown.map_or(Ok(Some(data)), |name| Err(unrecognized(&name, STRICT_DATA)))
    }

    fn text(&mut self) -> Result<Option<String>, Mismatch> {
        coerce::text_named(self.input, self.scanner, STRING)
    }

    pub(super) fn int(&mut self) -> Result<Option<i32>, Mismatch> {
        coerce::int_named(self.input, self.scanner, INTEGER)
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
