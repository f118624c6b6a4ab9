//! A record's `headers`: names, and values in base64 (padding required) or `null`.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use sluiceway_common::json::Scanner;

use super::{STRING, cannot_construct, unrecognized};
use crate::coerce::{self, Mismatch};

/// A header of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Option<Vec<u8>>,
}

const HEADER: &str = "io.confluent.kafkarest.entities.v3.ProduceRequest$ProduceRequestHeader";
const STRICT_HEADER: (&str, &str) = (
    "io.confluent.kafkarest.entities.v3.AutoValue_ProduceRequest_ProduceRequestHeader",
    "0 known properties: ",
);
const BYTES: &str = "byte[]";
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Reads the list. `record` is the class it belongs to.
pub(super) fn list(
    input: &[u8],
    scanner: &mut Scanner<'_>,
    record: &str,
) -> Result<Vec<Header>, Mismatch> {
    match scanner.peek() {
        Some(b'[') => scanner.enter()?,
        Some(b'n') => return Ok(scanner.skip().map(|()| Vec::new())?),
        _ => {
            let class = format!("java.util.ArrayList<{HEADER}>");
            return Err(coerce::unexpected(scanner, input, &class));
        }
    }
    let (mut headers, mut first, mut null) = (Vec::new(), true, None);
    while scanner.element(&mut first)? {
        match header(input, scanner)? {
            Some(header) => headers.push(header),
            None => {
                null.get_or_insert(headers.len());
            }
        }
    }
    null.map_or(Ok(headers), |index| {
        Err(cannot_construct(record, &format!("at index {index}")))
    })
}

fn header(input: &[u8], scanner: &mut Scanner<'_>) -> Result<Option<Header>, Mismatch> {
    match scanner.peek() {
        Some(b'{') => scanner.enter()?,
        Some(b'n') => return Ok(scanner.skip().map(|()| None)?),
        _ => return Err(coerce::not_an_object(scanner, input, HEADER)),
    }
    let (mut name, mut value, mut unknown, mut first) = (None, None, None, true);
    while let Some(field) = scanner.member(&mut first)? {
        match field.bytes().as_ref() {
            b"name" => name = coerce::text_named(input, scanner, STRING)?,
            b"value" => value = bytes(input, scanner)?,
            _ => {
                unknown.get_or_insert_with(|| field.decode().into_owned());
                scanner.skip()?;
            }
        }
    }
    let name = name.ok_or_else(|| cannot_construct(HEADER, "Null name"))?;
    unknown.map_or(Ok(Some(Header { name, value })), |field| {
        Err(unrecognized(&field, STRICT_HEADER))
    })
}

fn bytes(input: &[u8], scanner: &mut Scanner<'_>) -> Result<Option<Vec<u8>>, Mismatch> {
    match scanner.peek() {
        Some(b'"') => {
            let text = scanner.string()?;
            let text = text.decode();
            ENGINE
                .decode(text.as_bytes())
                .map(Some)
                .map_err(|error| refused(&text, &error))
        }
        Some(b'n') => Ok(scanner.skip().map(|()| None)?),
        _ => Err(coerce::unexpected(scanner, input, BYTES)),
    }
}

/// The original shows what it had not yet read when it gave up.
fn refused(text: &str, error: &base64::DecodeError) -> Mismatch {
    let alien = |c: char| !(c.is_ascii_alphanumeric() || "+/".contains(c));
    let (rest, why) = match (text.find(alien), error) {
        (Some(at), _) if !text[at..].starts_with('=') => {
            let c = text[at..].chars().next().unwrap_or('?');
            let shown = format!(
                "Illegal character '{c}' (code 0x{:x}) in base64 content",
                u32::from(c)
            );
            (&text[at + c.len_utf8()..], shown)
        }
        (Some(at), _) if at % 4 < 2 => (
            &text[at + 1..],
            format!(
                "Unexpected padding character ('=') as character #{} of 4-char base64 unit: padding only legal as 3rd or 4th character",
                at % 4 + 1
            ),
        ),
        _ => (
            "",
            "Unexpected end of base64-encoded String: base64 variant 'MIME-NO-LINEFEEDS' expects padding (one or more '=' characters) at the end. This Base64Variant might have been incorrectly configured".to_owned(),
        ),
    };
    Mismatch::Shape(format!(
        "Cannot deserialize value of type `{BYTES}` from String \"{rest}\": Failed to decode VALUE_STRING as base64 (MIME-NO-LINEFEEDS): {why}"
    ))
}
