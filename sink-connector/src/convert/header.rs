//! Header converters: header bytes → Connect's schema and value.
//!
//! In: a record's headers. Out: a [`Header`] each, in order. `SimpleHeaderConverter` reads texts as numbers, dates,
//! lists … and never fails; the others are the converters of keys and values.

use super::{Converter, Shape};
use crate::config::HeaderConverterConfig;
use crate::error::{Exception, RecordError, Stage};
use crate::record::{Header, Headers, RawHeader};
use crate::value::parse::parse_text;
use crate::value::{SchemaRef, Value};

const SIMPLE: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// Reads headers.
pub(crate) enum HeaderConverter {
    /// `SimpleHeaderConverter`.
    Simple,
    /// A converter of keys and values.
    Converter(Box<dyn Converter>),
}

impl HeaderConverter {
    /// The header converter of a configuration.
    ///
    /// # Errors
    /// As [`super::new`].
    pub(crate) fn new(config: &HeaderConverterConfig) -> Result<Self, Exception> {
        Ok(match config {
            HeaderConverterConfig::Simple => Self::Simple,
            HeaderConverterConfig::Converter(config) => {
                Self::Converter(super::new(config, Stage::HeaderConverter, Shape::Tree)?)
            }
        })
    }

    /// Whether there are headers that it cannot read.
    pub(crate) fn may_fail(&self) -> bool {
        matches!(self, Self::Converter(_))
    }

    /// All headers of a record of `topic`.
    ///
    /// # Errors
    /// A header that the converter cannot read, or whose name is no text.
    pub(crate) fn convert(
        &mut self,
        topic: &str,
        headers: &dyn Headers,
    ) -> Result<Vec<Header>, RecordError> {
        let mut converted = Vec::with_capacity(headers.count());
        for index in 0..headers.count() {
            let header = headers
                .get(index)
                .ok_or_else(|| self.unreadable(topic, index))?;
            converted.push(self.one(topic, header)?);
        }
        Ok(converted)
    }

    fn one(&mut self, topic: &str, header: RawHeader<'_>) -> Result<Header, RecordError> {
        let (schema, value) = match self {
            Self::Simple => simple(header.value),
            Self::Converter(converter) => {
                let mut datum = converter.convert(topic, header.value)?;
                let value = datum.take();
                (datum.schema, value)
            }
        };
        Ok(Header {
            key: header.key.to_owned(),
            schema,
            value,
        })
    }

    fn unreadable(&self, topic: &str, index: usize) -> RecordError {
        let class = match self {
            Self::Simple => SIMPLE,
            Self::Converter(converter) => converter.class(),
        };
        let message =
            format!("The name of header {index} of a record of topic '{topic}' is not UTF-8");
        RecordError::new(Stage::HeaderConverter, class, Exception::data(message))
    }
}

fn simple(bytes: Option<&[u8]>) -> (Option<SchemaRef>, Value) {
    let Some(bytes) = bytes else {
        return (None, Value::Null);
    };
    match parse_text(&String::from_utf8_lossy(bytes)) {
        Some((schema, value)) => (Some(schema), value),
        // The text `null`.
        None => (None, Value::Null),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::value::Type;
    use crate::value::text::to_text;

    #[test]
    fn texts_become_values_and_values_texts() {
        let raw = |key, value| RawHeader { key, value };
        let headers = vec![
            raw("a", Some(&b"1.50"[..])),
            raw("a", None),
            raw("bin", Some(&b"\xff\0"[..])),
            raw("e", Some(&b""[..])),
        ];
        let converted = HeaderConverter::Simple.convert("t", &headers).unwrap();
        let texts: Vec<_> = converted.iter().map(|one| to_text(&one.value)).collect();
        assert_eq!(
            texts,
            [
                Some("1.5".into()),
                None,
                Some("\u{fffd}\0".into()),
                Some(String::new())
            ]
        );
        assert_eq!(converted[0].schema.as_ref().unwrap().kind, Type::Float32);
    }
}
