//! What an X.509 certificate says of itself: subject and validity.
//!
//! In: DER. Out: [`Facts`]. Only the few fields that are needed are walked to; everything that is trusted is checked
//! by rustls, which reads certificates by its own means.

use std::fmt::Write as _;

/// Subject and validity of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The subject as RFC 2253 writes it, most specific part first: `CN=alice,OU=team,O=example`.
    pub subject: String,
    /// Seconds since 1970 from which it is valid.
    pub not_before: i64,
    /// Seconds since 1970 until which it is valid.
    pub not_after: i64,
    /// The same, for people: `2030-01-31 23:59:59 UTC`.
    pub not_after_text: String,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BMP_STRING: u8 = 0x1e;
const LATIN1_STRING: u8 = 0x14;

impl Facts {
    /// Reads them; `None` when the bytes are no certificate.
    #[must_use]
    pub fn read(certificate: &[u8]) -> Option<Self> {
        let (outer, _) = take(certificate, SEQUENCE)?;
        let (mut rest, _) = take(outer, SEQUENCE)?;
        if rest.first() == Some(&0xa0) {
            rest = any(rest)?.2;
        }
        for _serial_algorithm_issuer in 0..3 {
            rest = any(rest)?.2;
        }
        let (validity, rest) = take(rest, SEQUENCE)?;
        let (subject, _) = take(rest, SEQUENCE)?;
        let (kind, from, rest) = any(validity)?;
        let (not_before, _) = time(kind, from)?;
        let (kind, until, _) = any(rest)?;
        let (not_after, not_after_text) = time(kind, until)?;
        Some(Self {
            subject: name(subject)?,
            not_before,
            not_after,
            not_after_text,
        })
    }
}

/// Tag, content and what follows.
pub(super) fn any(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = input.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let bytes = rest.get(..count)?;
        let length = bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        (length, rest.get(count..)?)
    };
    Some((*tag, rest.get(..length)?, rest.get(length..)?))
}

/// Content of an element that must have this tag, and what follows.
fn take(input: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = any(input)?;
    (tag == wanted).then_some((content, rest))
}

/// Seconds since 1970, and the time for people.
fn time(kind: u8, text: &[u8]) -> Option<(i64, String)> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match kind {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    // Days since 1970 of the proleptic Gregorian calendar, the year taken to begin in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * shifted + shifted.div_euclid(4) - shifted.div_euclid(100)
        + shifted.div_euclid(400)
        + of_year
        - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    let shown = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC");
    Some((seconds, shown))
}

/// A distinguished name as Java's `getName(RFC2253)` has it.
fn name(mut rest: &[u8]) -> Option<String> {
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (mut attributes, after) = take(rest, SET)?;
        let mut several = Vec::new();
        while !attributes.is_empty() {
            let (attribute, next) = take(attributes, SEQUENCE)?;
            let (oid, value) = take(attribute, OID)?;
            several.push(attribute_text(oid, value)?);
            attributes = next;
        }
        parts.push(several.join("+"));
        rest = after;
    }
    parts.reverse();
    Some(parts.join(","))
}

fn attribute_text(oid: &[u8], value: &[u8]) -> Option<String> {
    let keyword = match oid {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 9] => "STREET",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1] => "UID",
        _ => {
            // Unknown ones are written as their number and the value's DER.
            let mut text = format!("{}=#", dotted(oid)?);
            for byte in value {
                let _ = write!(text, "{byte:02x}");
            }
            return Some(text);
        }
    };
    let (tag, bytes, _) = any(value)?;
    let text = match tag {
        BMP_STRING => {
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16(&units).ok()?
        }
        LATIN1_STRING => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => std::str::from_utf8(bytes).ok()?.to_owned(),
    };
    Some(format!("{keyword}={}", escaped(&text)))
}

fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        let special = matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';')
            || (at == 0 && matches!(c, '#' | ' '))
            || (at == last && c == ' ');
        if special {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn dotted(oid: &[u8]) -> Option<String> {
    let first = u32::from(*oid.first()?);
    let mut text = format!(
        "{}.{}",
        (first / 40).min(2),
        first - 40 * (first / 40).min(2)
    );
    let mut number: u64 = 0;
    for byte in &oid[1..] {
        number = number.checked_mul(128)? + u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            let _ = write!(text, ".{number}");
            number = 0;
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        let (seconds, shown) = time(UTC_TIME, b"700101000001Z").unwrap();
        assert_eq!((seconds, shown.as_str()), (1, "1970-01-01 00:00:01 UTC"));
        assert_eq!(
            time(GENERALIZED_TIME, b"20240229120000Z").unwrap().0,
            1_709_208_000
        );
        assert!(time(UTC_TIME, b"7001").is_none());
    }

    #[test]
    fn names_are_written_backwards_and_escaped() {
        let attribute = |oid: &[u8], text: &[u8]| {
            let mut inner = vec![OID, u8::try_from(oid.len()).unwrap()];
            inner.extend_from_slice(oid);
            inner.extend_from_slice(&[0x0c, u8::try_from(text.len()).unwrap()]);
            inner.extend_from_slice(text);
            let length = u8::try_from(inner.len()).unwrap();
            [vec![SET, length + 2, SEQUENCE, length], inner].concat()
        };
        let subject = [
            attribute(&[0x55, 4, 10], b"A, B"),
            attribute(&[0x55, 4, 3], b"alice"),
            attribute(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 9, 1], b"a@b"),
        ]
        .concat();
        assert_eq!(
            name(&subject).unwrap(),
            "1.2.840.113549.1.9.1=#0c03614062,CN=alice,O=A\\, B"
        );
    }

    #[test]
    fn other_bytes_are_no_certificate() {
        assert_eq!(Facts::read(b"hello"), None);
        assert_eq!(Facts::read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
