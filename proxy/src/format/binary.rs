//! The `binary` format: base64 in JSON, bytes in Kafka.
//!
//! The alphabet is RFC 4648's with `+` and `/`; padding may be left out. What fails: other characters, JSON that is
//! no string.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sluiceway_common::json::{Options, Scanner};

use super::{SerializeError, Serializer, Side, Written, quoted};

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes base64.
#[derive(Debug, Clone, Copy, Default)]
pub struct Binary;

impl Serializer for Binary {
    fn serialize(
        &self,
        _: Side,
        json: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<Written, SerializeError> {
        let Some(json) = json else {
            return Ok(Written::Null);
        };
        let text = text_of(json).ok_or_else(|| refused(json, "is not a base64 string."))?;
        let digits = text.trim_end_matches('=');
        ENGINE
            .decode_vec(digits, out)
            .map_err(|_| refused(json, "is not a valid base64 string."))?;
        Ok(Written::Bytes)
    }
}

fn text_of(json: &[u8]) -> Option<Cow<'_, str>> {
    let text = Scanner::new(
        json,
        0,
        &Options {
            max_string_len: usize::MAX,
            ..Options::STRICT
        },
    )
    .string()
    .ok()?;
    Some(text.decode())
}

fn refused(json: &[u8], why: &str) -> SerializeError {
    SerializeError(format!("data={} {why}", quoted(json)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decode(json: &str) -> Result<Vec<u8>, String> {
        let mut out = b"before ".to_vec();
        Binary
            .serialize(Side::Value, Some(json.as_bytes()), &mut out)
            .map_err(|error| error.to_string())?;
        Ok(out.split_off(7))
    }

    #[test]
    fn base64_with_and_without_padding() {
        for (json, expected) in [
            ("\"aGVsbG8=\"", &b"hello"[..]),
            ("\"aGVsbG8\"", b"hello"),
            ("\"AP8=\"", b"\x00\xff"),
            ("\"\"", b""),
            ("\"\\/\\/8=\"", b"\xff\xff"),
            ("\"QR==\"", b"A"),
        ] {
            assert_eq!(decode(json).as_deref(), Ok(expected), "{json}");
        }
        assert_eq!(
            Binary.serialize(Side::Key, None, &mut Vec::new()),
            Ok(Written::Null)
        );
    }

    #[test]
    fn refusals_repeat_the_data() {
        for (json, why) in [
            ("\"!!!\"", "is not a valid base64 string."),
            ("\"-_-_\"", "is not a valid base64 string."),
            ("\"aGVs bG8=\"", "is not a valid base64 string."),
            ("\"aGVs\\nbG8=\"", "is not a valid base64 string."),
            ("\"a\"", "is not a valid base64 string."),
            ("123", "is not a base64 string."),
            ("{\"a\":1}", "is not a base64 string."),
            ("true", "is not a base64 string."),
        ] {
            assert_eq!(decode(json), Err(format!("Bad Request: data={json} {why}")));
        }
        let long = format!("\"{}\"", "!".repeat(5000));
        assert!(decode(&long).unwrap_err().len() < 1200);
    }
}
