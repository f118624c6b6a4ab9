//! What a record shows besides key and value, when its reader asks for it: `timestamp` and `headers`.
//!
//! In: the names, as an instance's option `sluiceway.include` or a query parameter has them. Out: further members of the
//! record's JSON, behind `offset`. Who does not ask gets the original's five members and pays nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rdkafka::message::{BorrowedMessage, Headers, Message};

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use crate::decimal;
use crate::envelope::EnvelopeError;

/// What a record shows besides key and value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Include {
    /// `"headers":[{"name":…,"value":base64 or null},…]`
    pub headers: bool,
    /// `"timestamp":` epoch milliseconds, `null` if it has none.
    pub timestamp: bool,
}

impl Include {
    /// Reads `headers,timestamp`.
    ///
    /// # Errors
    /// A name that is none of the two.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut include = Self::default();
        let names = text.split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            include.add(name)?;
        }
        Ok(include)
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        match name {
            "headers" => self.headers = true,
            "timestamp" => self.timestamp = true,
            _ => {
                let shown: String = name.chars().take(64).collect();
                return Err(format!(
                    "include knows headers and timestamp, not \"{shown}\""
                ));
            }
        }
        Ok(())
    }

    /// Whether it shows no more than the original.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The members that a record gets, each with a comma in front.
    pub(super) fn json(self, message: &BorrowedMessage<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        if self.timestamp {
            out.extend_from_slice(b",\"timestamp\":");
            match message.timestamp().to_millis() {
                Some(millis) => decimal::append(&mut out, millis),
                None => out.extend_from_slice(b"null"),
            }
        }
        if self.headers {
            out.extend_from_slice(b",\"headers\":[");
            if let Some(headers) = message.headers() {
                for (index, header) in headers.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    header_json(&mut out, header.key, header.value);
                }
            }
            out.push(b']');
        }
        out
    }
}

fn header_json(out: &mut Vec<u8>, name: &str, value: Option<&[u8]>) {
    out.extend_from_slice(b"{\"name\":");
    out.extend_from_slice(&serde_json::to_vec(name).unwrap_or_default());
    out.extend_from_slice(b",\"value\":");
    match value {
        Some(value) => {
            out.push(b'"');
            out.extend_from_slice(STANDARD.encode(value).as_bytes());
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
}

/// The option's value: text with commas, or a list.
pub(super) fn read(value: &mut Fields<'_, '_>) -> Result<Include, EnvelopeError> {
    if value.peek() != Some(b'[') {
        let text = value.text()?.unwrap_or_default();
        return Include::parse(&text).map_err(EnvelopeError::Shape);
    }
    let names = value.list("String", |item| item.text())?;
    let mut include = Include::default();
    for name in names.into_iter().flatten().flatten() {
        include.add(&name).map_err(EnvelopeError::Shape)?;
    }
    Ok(include)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::consumer::options::Options;

    #[test]
    fn names() {
        let both = Include {
            headers: true,
            timestamp: true,
        };
        assert_eq!(Include::parse("headers, timestamp"), Ok(both));
        assert_eq!(Include::parse(""), Ok(Include::default()));
        assert!(Include::parse("header").unwrap_err().contains("\"header\""));
    }

    #[test]
    fn an_instances_option() {
        for body in [
            r#"{"sluiceway.include":"headers"}"#,
            r#"{"sluiceway.include":["headers"]}"#,
        ] {
            let include = Options::read(body.as_bytes()).unwrap().include;
            assert!(include.headers && !include.timestamp, "{body}");
        }
        let error = Options::read(br#"{"sluiceway.include":["x"]}"#).unwrap_err();
        assert_eq!(error.code().number, 400, "{error}");
    }

    #[test]
    fn a_header_in_json() {
        let mut out = Vec::new();
        header_json(&mut out, "a\"b", Some(b"\x00\xff"));
        header_json(&mut out, "n", None);
        assert_eq!(
            out,
            br#"{"name":"a\"b","value":"AP8="}{"name":"n","value":null}"#
        );
    }
}
