//! Strings of the input: as they were written, and what they say.

use std::borrow::Cow;

/// A string of the input, between its quotes, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    pub(super) raw: &'a [u8],
    pub(super) escaped: bool,
}

impl<'a> Text<'a> {
    /// The bytes between the quotes, escapes included.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether the raw bytes hold an escape sequence.
    #[must_use]
    pub fn is_escaped(&self) -> bool {
        self.escaped
    }

    /// The text's bytes, to be compared with names that are known. Of text that was written without escapes they are
    /// [raw](Text::raw), and nothing is looked at.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        match self.escaped {
            true => Cow::Owned(unescape(self.raw).into_bytes()),
            false => Cow::Borrowed(self.raw),
        }
    }

    /// The text itself. A lone surrogate becomes U+FFFD.
    #[must_use]
    pub fn decode(&self) -> Cow<'a, str> {
        if self.escaped {
            return Cow::Owned(unescape(self.raw));
        }
        String::from_utf8_lossy(self.raw)
    }
}

fn unescape(raw: &[u8]) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(slash) = memchr::memchr(b'\\', rest) {
        if slash > 0 {
            flush(&mut units, &mut text);
            text.push_str(&String::from_utf8_lossy(&rest[..slash]));
        }
        let (unit, len) = escaped_unit(&rest[slash..]);
        units.push(unit);
        rest = &rest[slash + len..];
    }
    flush(&mut units, &mut text);
    text.push_str(&String::from_utf8_lossy(rest));
    text
}

fn flush(units: &mut Vec<u16>, text: &mut String) {
    text.extend(
        char::decode_utf16(units.drain(..)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)),
    );
}

/// The UTF-16 unit of a (validated) escape sequence, and the sequence's length.
fn escaped_unit(sequence: &[u8]) -> (u16, usize) {
    let plain = match sequence.get(1) {
        Some(b'b') => 0x08,
        Some(b'f') => 0x0C,
        Some(b'n') => 0x0A,
        Some(b'r') => 0x0D,
        Some(b't') => 0x09,
        Some(b'u') => {
            let digits = sequence.iter().skip(2).take(4);
            let unit = digits.fold(0, |unit, &d| {
                unit << 4 | (d as char).to_digit(16).unwrap_or(0) as u16
            });
            return (unit, 6.min(sequence.len()));
        }
        Some(&other) => u16::from(other),
        None => u16::from(b'\\'),
    };
    (plain, 2.min(sequence.len()))
}
