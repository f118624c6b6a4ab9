//! `StringConverter`: bytes in a character encoding → text.

use std::borrow::Cow;
use std::sync::Arc;

use super::Converter;
use crate::config::Encoding;
use crate::error::RecordError;
use crate::record::{Datum, Payload};
use crate::value::{Schema, SchemaRef, Type};

/// Decodes text under the schema optional STRING. Bytes that are no text become U+FFFD, as Java's decoders have it, so
/// nothing ever fails.
pub(super) struct StringConverter {
    encoding: Encoding,
    schema: SchemaRef,
}

impl StringConverter {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            schema: Schema::of(Type::String).optional().build(),
        }
    }
}

impl Converter for StringConverter {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.storage.StringConverter"
    }

    fn convert<'a>(
        &'a mut self,
        _: &str,
        bytes: Option<&'a [u8]>,
    ) -> Result<Datum<'a>, RecordError> {
        let payload = bytes.map_or(Payload::Null, |bytes| {
            Payload::Text(decode(self.encoding, bytes))
        });
        Ok(Datum {
            schema: Some(Arc::clone(&self.schema)),
            payload,
        })
    }

    fn check(&mut self, _: &str, _: Option<&[u8]>) -> Result<(), RecordError> {
        Ok(())
    }
}

fn decode(encoding: Encoding, bytes: &[u8]) -> Cow<'_, str> {
    match encoding {
        Encoding::Utf8 => utf8(bytes),
        Encoding::Ascii if bytes.is_ascii() => utf8(bytes),
        Encoding::Ascii => {
            let character = |byte: &u8| {
                if byte.is_ascii() {
                    char::from(*byte)
                } else {
                    char::REPLACEMENT_CHARACTER
                }
            };
            Cow::Owned(bytes.iter().map(character).collect())
        }
        Encoding::Latin1 => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Encoding::Utf16 => match bytes {
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            bytes => utf16(bytes, u16::from_be_bytes),
        },
        Encoding::Utf16Be => utf16(bytes, u16::from_be_bytes),
        Encoding::Utf16Le => utf16(bytes, u16::from_le_bytes),
    }
}

/// As Rust's lossy decoding, but a surrogate written as three bytes is one U+FFFD, not three.
fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() + 8);
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(chunk) = rest.utf8_chunks().next() else {
            break;
        };
        text.push_str(chunk.valid());
        rest = &rest[chunk.valid().len()..];
        let bad = match rest {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            _ => chunk.invalid().len(),
        };
        if bad > 0 {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        rest = &rest[bad..];
    }
    Cow::Owned(text)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'_, str> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let mut text: String = char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    if !odd.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_utf8_is_replaced_as_java_does() {
        for (bytes, text) in [
            (&b"plain"[..], "plain"),
            (b"", ""),
            (b"a\xffb", "a\u{fffd}b"),
            (b"\xe2\x82", "\u{fffd}"),
            (b"x\xed\xa0\x80y", "x\u{fffd}y"),
            (b"\xf0\x9f\x98", "\u{fffd}"),
            (b"\xc0\x80", "\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(decode(Encoding::Utf8, bytes), text, "{bytes:x?}");
        }
    }

    #[test]
    fn other_encodings() {
        assert_eq!(decode(Encoding::Latin1, b"\xe9t\xe9"), "été");
        assert_eq!(decode(Encoding::Ascii, b"a\xe9"), "a\u{fffd}");
        assert_eq!(decode(Encoding::Utf16, b"\xff\xfea\0"), "a");
        assert_eq!(decode(Encoding::Utf16, b"\0a\0b"), "ab");
        assert_eq!(decode(Encoding::Utf16Le, b"a\0b"), "a\u{fffd}");
        assert_eq!(decode(Encoding::Utf16Be, b"\xd8\x3d\xde\0"), "😀");
    }
}
