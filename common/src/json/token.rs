//! Single JSON tokens: strings, numbers, literals, whitespace.
//!
//! In: the input and the offset of the token's first byte. Out: the offset behind the token.
//! What fails: a [`Fault`], small and `Copy`; [`super::fault`] turns it into a [`super::JsonError`] off the hot path.

use super::Options;
use super::fault::{Fault, FaultKind};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// What a string holds besides plain ASCII.
#[derive(Debug, Clone, Copy)]
pub(super) struct StringEnd {
    /// Offset of the closing quote.
    pub(super) quote: usize,
    /// Whether a backslash occurred.
    pub(super) escaped: bool,
}

/// Offset of the first byte at or after `pos` that is not JSON whitespace.
#[inline]
pub(super) fn space(input: &[u8], mut pos: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = input.get(pos) {
        pos += 1;
    }
    pos
}

/// Walks a string whose opening quote stands at `open`. Most are plain ASCII without escapes, and end in the first step.
#[inline]
pub(super) fn string(
    input: &[u8],
    open: usize,
    name: bool,
    options: &Options,
) -> Result<StringEnd, Fault> {
    let pos = plain_ascii(input, open + 1);
    let limit = if name {
        options.max_name_len
    } else {
        options.max_string_len
    };
    if input.get(pos) == Some(&b'"') && pos - open - 1 <= limit {
        return Ok(StringEnd {
            quote: pos,
            escaped: false,
        });
    }
    any_string(input, open, pos, (name, limit))
}

/// Walks any other string from `pos` on, before which it is plain ASCII.
#[inline(never)]
fn any_string(
    input: &[u8],
    open: usize,
    mut pos: usize,
    (name, limit): (bool, usize),
) -> Result<StringEnd, Fault> {
    let start = open + 1;
    let mut high = 0;
    let mut escaped = false;
    loop {
        pos = plain(input, pos, &mut high);
        match input.get(pos) {
            Some(b'"') => break,
            Some(b'\\') => match escape(input, pos) {
                Ok(next) => {
                    escaped = true;
                    pos = next;
                }
                Err(fault) => return Err(utf8_first(input, start, pos, high).unwrap_or(fault)),
            },
            other => return Err(broken_string(input, start, pos, high, other.copied(), name)),
        }
    }
    let len = pos - start;
    if high != 0
        && let Err(error) = std::str::from_utf8(&input[start..pos])
    {
        return Err(bad_utf8(input, start, error));
    }
    if len > limit {
        return Err(Fault::new(
            open,
            FaultKind::TextTooLong { name, len, limit },
        ));
    }
    Ok(StringEnd {
        quote: pos,
        escaped,
    })
}

/// Offset of the first quote, backslash, control character or byte that is not ASCII at or after `pos`, eight bytes at a
/// step.
#[inline]
fn plain_ascii(input: &[u8], mut pos: usize) -> usize {
    while let Some(chunk) = input.get(pos..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let slash = word ^ (ONES * b'\\' as u64);
        // A byte that is not ASCII is found by its own top bit. What is subtracted may borrow from the byte above one that
        // is found, and only from there: the lowest mark is right.
        let found = quote.wrapping_sub(ONES)
            | slash.wrapping_sub(ONES)
            | word.wrapping_sub(ONES * 0x20)
            | word;
        let found = found & HIGHS;
        if found != 0 {
            return pos + found.trailing_zeros() as usize / 8;
        }
        pos += 8;
    }
    while let Some(&byte) = input.get(pos) {
        if byte == b'"' || byte == b'\\' || !(0x20..0x80).contains(&byte) {
            break;
        }
        pos += 1;
    }
    pos
}

/// Offset of the first quote, backslash or control character at or after `pos`, eight bytes at a step.
/// `high` collects the bytes passed, so that its top bits tell whether any was not ASCII.
#[inline]
fn plain(input: &[u8], mut pos: usize, high: &mut u64) -> usize {
    while let Some(chunk) = input.get(pos..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let slash = word ^ (ONES * b'\\' as u64);
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let found = found & HIGHS;
        if found != 0 {
            let shift = found.trailing_zeros() & !7;
            *high |= word & ((1 << shift) - 1) & HIGHS;
            return pos + shift as usize / 8;
        }
        *high |= word & HIGHS;
        pos += 8;
    }
    while let Some(&byte) = input.get(pos) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            break;
        }
        *high |= u64::from(byte & 0x80);
        pos += 1;
    }
    pos
}

/// Offset behind the escape sequence whose backslash stands at `pos`.
fn escape(input: &[u8], pos: usize) -> Result<usize, Fault> {
    match input.get(pos + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(pos + 2),
        Some(b'u') => {
            for at in pos + 2..pos + 6 {
                match input.get(at) {
                    Some(byte) if byte.is_ascii_hexdigit() => {}
                    Some(_) => return Err(Fault::new(at, FaultKind::HexDigit)),
                    None => return Err(Fault::new(at, FaultKind::EndInEscape)),
                }
            }
            Ok(pos + 6)
        }
        Some(_) => Err(Fault::new(pos + 1, FaultKind::Escape)),
        None => Err(Fault::new(pos + 1, FaultKind::EndInEscape)),
    }
}

#[cold]
fn broken_string(
    input: &[u8],
    start: usize,
    pos: usize,
    high: u64,
    byte: Option<u8>,
    name: bool,
) -> Fault {
    let kind = match byte {
        Some(_) => FaultKind::ControlCharacter { name },
        None if name => FaultKind::EndInName,
        None => FaultKind::EndInString,
    };
    utf8_first(input, start, pos, high).unwrap_or(Fault::new(pos, kind))
}

/// Invalid UTF-8 before another offence is reported instead of it.
#[cold]
fn utf8_first(input: &[u8], start: usize, end: usize, high: u64) -> Option<Fault> {
    if high == 0 {
        return None;
    }
    let error = std::str::from_utf8(&input[start..end]).err()?;
    Some(bad_utf8(input, start, error))
}

#[cold]
fn bad_utf8(input: &[u8], start: usize, error: std::str::Utf8Error) -> Fault {
    let lead = start + error.valid_up_to();
    if matches!(input[lead], 0x80..=0xC1 | 0xF5..) {
        return Fault::new(lead, FaultKind::Utf8Start);
    }
    let mut at = lead + 1;
    while at < lead + error.error_len().unwrap_or(4) && matches!(input.get(at), Some(0x80..=0xBF)) {
        at += 1;
    }
    Fault::new(at.min(input.len().saturating_sub(1)), FaultKind::Utf8Middle)
}

/// A number's extent and, for one with leading zeros, where its significant part begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    /// Offset behind the last byte.
    pub(super) end: usize,
    /// Leading zeros to leave out: from, to. Equal when there are none.
    pub(super) zeros: (usize, usize),
}

/// Walks a number that begins at `start` with a digit or `-`.
#[inline]
pub(super) fn number(input: &[u8], start: usize, options: &Options) -> Result<Number, Fault> {
    let first = start + usize::from(input.get(start) == Some(&b'-'));
    let mut pos = digits(input, first);
    if pos == first {
        return Err(Fault::new(pos, FaultKind::DigitAfterMinus));
    }
    let mut zeros = (first, first);
    if input[first] == b'0' && pos - first > 1 {
        if !options.leading_zeros {
            return Err(Fault::new(first, FaultKind::LeadingZero));
        }
        let significant = input[first..pos - 1]
            .iter()
            .take_while(|&&b| b == b'0')
            .count();
        zeros = (first, first + significant);
    }
    if input.get(pos) == Some(&b'.') {
        let fraction = pos + 1;
        pos = digits(input, fraction);
        if pos == fraction {
            return Err(Fault::new(pos, FaultKind::DigitAfterPoint));
        }
    }
    if let Some(b'e' | b'E') = input.get(pos) {
        let exponent = pos + 1 + usize::from(matches!(input.get(pos + 1), Some(b'+' | b'-')));
        pos = digits(input, exponent);
        if pos == exponent {
            return Err(Fault::new(pos, FaultKind::DigitInExponent));
        }
    }
    let len = pos - start;
    if len > options.max_number_len {
        let limit = options.max_number_len;
        return Err(Fault::new(start, FaultKind::NumberTooLong { len, limit }));
    }
    Ok(Number { end: pos, zeros })
}

#[inline]
fn digits(input: &[u8], mut pos: usize) -> usize {
    while let Some(b'0'..=b'9') = input.get(pos) {
        pos += 1;
    }
    pos
}

/// Walks `true`, `false` or `null`, whose first letter stands at `start`.
#[inline]
pub(super) fn literal(input: &[u8], start: usize, word: &'static [u8]) -> Result<usize, Fault> {
    let end = start + word.len();
    if input.get(start..end) != Some(word) {
        return Err(Fault::new(start, FaultKind::Token));
    }
    match input.get(end) {
        Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..) => {
            Err(Fault::new(start, FaultKind::Token))
        }
        _ => Ok(end),
    }
}
