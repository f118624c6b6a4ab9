//! What a record may carry besides key and value: headers and a time. The original's v2 has neither, so they are read
//! only where `sluiceway.v2.record.extras.enable` is set.
//!
//! ```text
//! "headers":[{"name":"trace","value":"YWJj"},…]   values in base64 or null, as in v3
//! "timestamp":1600000000000                       epoch milliseconds (also as text), or "2026-01-31T12:00:00Z"
//! ```
//!
//! In: a scanner in front of a value. Out: [`Extras`]. What fails: another shape, text that is no base64, a time that is
//! none or lies before 1970; the error says what is wanted instead.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rdkafka::message::OwnedHeaders;
use sluiceway_common::json::Scanner;

use crate::coerce::Mismatch;
use crate::instant;
use crate::produce::prepare;
use crate::record_request::Header;

/// A record's headers and time.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Extras {
    /// Its headers, in order.
    pub headers: Vec<Header>,
    /// Its time in epoch milliseconds; `None`: now.
    pub timestamp: Option<i64>,
}

impl Extras {
    /// The headers as Kafka's client takes them, and the bytes they take in a batch, their number included.
    #[must_use]
    pub fn kafka_headers(&self) -> (Option<OwnedHeaders>, usize) {
        prepare::headers(&self.headers)
    }
}

/// A record's extras and its index.
pub type Indexed = (usize, Extras);

/// The extras of the record of this index; the list is in order, and empty where nobody uses them.
#[must_use]
pub fn find(list: &[Indexed], index: usize) -> Option<&Extras> {
    if list.is_empty() {
        return None;
    }
    let at = list
        .binary_search_by_key(&index, |(index, _)| *index)
        .ok()?;
    list.get(at).map(|(_, extras)| extras)
}

/// Kafka's times are not negative, and its client takes 0 for none.
#[must_use]
pub fn kafka_time(millis: i64) -> Option<i64> {
    (millis >= 0).then(|| millis.max(1))
}

/// A time in words: epoch milliseconds, or an instant.
///
/// # Errors
/// It is neither, or lies before 1970.
pub fn time_of_text(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let millis = match text.parse::<i64>() {
        Ok(millis) => millis,
        Err(_) => instant::parse(text).map_err(|_| {
            format!("\"{text}\" is no time: write epoch milliseconds, or an instant like 2026-01-31T12:00:00Z")
        })?,
    };
    kafka_time(millis)
        .ok_or_else(|| format!("the time {text} lies before 1970, which Kafka does not take"))
}

const HEADERS: &str = "headers must be a list of {\"name\": text, \"value\": base64 text or null}";

/// Reads `headers`; `null` is none.
pub(super) fn headers(scanner: &mut Scanner<'_>) -> Result<Vec<Header>, Mismatch> {
    match scanner.peek() {
        Some(b'[') => scanner.enter()?,
        Some(b'n') => return Ok(scanner.skip().map(|()| Vec::new())?),
        _ => return wrong(scanner, HEADERS),
    }
    let (mut headers, mut first) = (Vec::new(), true);
    while scanner.element(&mut first)? {
        headers.push(header(scanner)?);
    }
    Ok(headers)
}

fn header(scanner: &mut Scanner<'_>) -> Result<Header, Mismatch> {
    match scanner.peek() {
        Some(b'{') => scanner.enter()?,
        _ => return wrong(scanner, HEADERS),
    }
    let (mut name, mut value, mut first) = (None, None, true);
    while let Some(field) = scanner.member(&mut first)? {
        match (field.decode().as_ref(), scanner.peek()) {
            // `key` is what other proxies call it.
            ("name" | "key", Some(b'"')) => name = Some(scanner.string()?.decode().into_owned()),
            ("value", Some(b'"')) => value = Some(bytes(&scanner.string()?.decode())?),
            ("value", Some(b'n')) => {
                scanner.skip()?;
                value = None;
            }
            _ => return wrong(scanner, HEADERS),
        }
    }
    match name {
        Some(name) => Ok(Header { name, value }),
        None => Err(Mismatch::Shape(HEADERS.to_owned())),
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, Mismatch> {
    STANDARD.decode(text).map_err(|error| {
        let shown: String = text.chars().take(64).collect();
        Mismatch::Shape(format!(
            "a header's value is no base64: \"{shown}\" ({error})"
        ))
    })
}

/// Reads `timestamp`; `null` and empty text are none.
pub(super) fn timestamp(body: &[u8], scanner: &mut Scanner<'_>) -> Result<Option<i64>, Mismatch> {
    const TIMESTAMP: &str =
        "timestamp must be epoch milliseconds or an instant like \"2026-01-31T12:00:00Z\"";
    let text = match scanner.peek() {
        Some(b'"') => scanner.string()?.decode().into_owned(),
        Some(b'n') => return Ok(scanner.skip().map(|()| None)?),
        Some(b'-' | b'0'..=b'9') => {
            let start = scanner.position();
            scanner.skip()?;
            let raw = body.get(start..scanner.position()).unwrap_or_default();
            String::from_utf8_lossy(raw).into_owned()
        }
        _ => return wrong(scanner, TIMESTAMP),
    };
    if text.trim().is_empty() {
        return Ok(None);
    }
    time_of_text(&text).map(Some).map_err(Mismatch::Shape)
}

/// JSON that is wrong in itself says so; well-formed JSON of another shape is told what is wanted.
fn wrong<T>(scanner: &mut Scanner<'_>, wanted: &str) -> Result<T, Mismatch> {
    scanner.skip()?;
    Err(Mismatch::Shape(wanted.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::envelope::{EnvelopeError, decode, decode_extended};

    fn extras(record: &str) -> Result<Vec<Indexed>, String> {
        let body = format!("{{\"records\":[{{\"value\":0}},{record}]}}");
        decode_extended(body.as_bytes(), "produceJson", true)
            .map(|envelope| envelope.extras)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn headers_and_times() {
        let record = r#"{"value":1,"headers":[{"name":"a","value":"YWI="},{"key":"b","value":null},{"name":"a"}],"timestamp":1600000000000}"#;
        let header = |name: &str, value: Option<&[u8]>| Header {
            name: name.into(),
            value: value.map(<[u8]>::to_vec),
        };
        let expected = Extras {
            headers: vec![
                header("a", Some(b"ab")),
                header("b", None),
                header("a", None),
            ],
            timestamp: Some(1_600_000_000_000),
        };
        let list = extras(record).unwrap();
        assert_eq!(list, [(1, expected.clone())]);
        assert_eq!((find(&list, 0), find(&list, 1)), (None, Some(&expected)));
        for (text, millis) in [
            ("\"1600000000000\"", Some(1_600_000_000_000)),
            ("\"2020-09-13T12:26:40Z\"", Some(1_600_000_000_000)),
            ("0", Some(1)),
            ("null", None),
            ("\"\"", None),
        ] {
            let list = extras(&format!("{{\"timestamp\":{text}}}")).unwrap();
            let found = find(&list, 1).and_then(|extras| extras.timestamp);
            assert_eq!(found, millis, "{text}");
        }
        assert_eq!(extras(r#"{"headers":null}"#), Ok(vec![]));
    }

    #[test]
    fn refusals_say_what_is_wanted() {
        for (record, words) in [
            (r#"{"headers":{"a":"b"}}"#, "headers must be a list"),
            (
                r#"{"headers":[{"value":"YQ=="}]}"#,
                "headers must be a list",
            ),
            (
                r#"{"headers":[{"name":"a","value":7}]}"#,
                "headers must be a list",
            ),
            (r#"{"headers":[{"name":"a","value":"?"}]}"#, "is no base64"),
            (r#"{"timestamp":-5}"#, "before 1970"),
            (r#"{"timestamp":1.5}"#, "is no time"),
            (r#"{"timestamp":[1]}"#, "timestamp must be"),
            (r#"{"timestamp":"soon"}"#, "is no time"),
            (r#"{"extra":1}"#, "Unrecognized field: extra"),
        ] {
            let error = extras(record).unwrap_err();
            assert!(error.contains(words), "{record}: {error}");
        }
    }

    #[test]
    fn they_are_unknown_unless_asked_for() {
        for record in [r#"{"headers":[]}"#, r#"{"timestamp":1}"#] {
            let body = format!("{{\"records\":[{record}]}}");
            let error = decode(body.as_bytes(), "produceJson").unwrap_err();
            assert!(matches!(error, EnvelopeError::UnknownField(_)), "{error}");
        }
    }
}
