//! JSON's scalars: strings, numbers as Java prints them, base64.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::value::java_float::{self, DOUBLE_BITS, FLOAT_BITS};

/// Appends a quoted string. Escaped are the quote, the backslash and control characters; all else is UTF-8.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_length(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else {
            break;
        };
        escape(*byte, out);
        rest = after;
    }
    out.push(b'"');
}

/// How many bytes come before the first that has to be escaped: eight at a time, then one by one.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // The high bit of each byte that is less than `limit`; may also mark bytes behind a marked one.
    let less = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let special = |chunk: &[u8; 8]| {
        let word = u64::from_ne_bytes(*chunk);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        less(word, 0x20) | less(quote, 1) | less(backslash, 1) != 0
    };
    let (chunks, _) = bytes.as_chunks::<8>();
    let start = 8 * chunks.iter().take_while(|chunk| !special(chunk)).count();
    let tail = &bytes[start..];
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    start + tail.iter().position(special).unwrap_or(tail.len())
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        b'"' | b'\\' => byte,
        _ => {
            // Writing to a Vec does not fail.
            let _ = write!(out, "\\u{byte:04X}");
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends quoted base64, padded.
pub(crate) fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    // The room is exactly what the text needs.
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
    out.push(b'"');
}

/// Appends an integer.
pub(crate) fn integer(value: i64, out: &mut Vec<u8>) {
    let _ = write!(out, "{value}");
}

/// Appends a double as `Double.toString` prints it; NaN and infinities, which JSON has not, as strings.
pub(crate) fn double(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return not_finite(value, out);
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        let _ = write!(out, "{value:?}");
    } else if let Some(whole) = java_float::whole(value, DOUBLE_BITS) {
        out.extend_from_slice(whole.as_bytes());
    } else {
        scientific(&format!("{value:e}"), out);
    }
}

/// Appends a float as `Float.toString` prints it.
pub(crate) fn float(value: f32, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return not_finite(value.into(), out);
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        let _ = write!(out, "{value:?}");
    } else if let Some(whole) = java_float::whole(value.into(), FLOAT_BITS) {
        out.extend_from_slice(whole.as_bytes());
    } else {
        scientific(&format!("{value:e}"), out);
    }
}

fn not_finite(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(match value {
        value if value.is_nan() => b"\"NaN\"",
        f64::INFINITY => b"\"Infinity\"",
        _ => b"\"-Infinity\"",
    });
}

/// `1.5e10` → `1.5E10`, `1e-4` → `1.0E-4`.
fn scientific(text: &str, out: &mut Vec<u8>) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    out.extend_from_slice(mantissa.as_bytes());
    if !mantissa.contains('.') {
        out.extend_from_slice(b".0");
    }
    out.push(b'E');
    out.extend_from_slice(exponent.as_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn printed(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_print_as_java_prints_them() {
        for (value, text) in [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1e5, "100000.0"),
            (1234567.0, "1234567.0"),
            (12345678.0, "1.2345678E7"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (3.0e-7, "3.0E-7"),
            (1e20, "1.0E20"),
            (123456789012345678.0, "1.2345678901234568E17"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (9999999.999999998, "9999999.999999998"),
            (f64::NAN, "\"NaN\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            assert_eq!(printed(|out| double(value, out)), text);
        }
        assert_eq!(printed(|out| float(0.1, out)), "0.1");
        assert_eq!(printed(|out| float(1e10, out)), "1.0E10");
        assert_eq!(printed(|out| float(f32::INFINITY, out)), "\"Infinity\"");
    }

    #[test]
    fn strings_escape_what_json_demands() {
        let text = "q\" b\\ s/ \u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}é\u{2028}😀";
        let json = "\"q\\\" b\\\\ s/ \\b\\f\\n\\r\\t\\u0001\\u001F\u{7f}é\u{2028}😀\"";
        assert_eq!(printed(|out| string(text, out)), json);
        assert_eq!(printed(|out| string("", out)), "\"\"");
    }

    #[test]
    fn escapes_are_found_at_every_place() {
        for length in 0..40 {
            let plain: String = std::iter::repeat_n("é~ !", length).collect();
            assert_eq!(plain_length(plain.as_bytes()), plain.len());
            for special in ['"', '\\', '\u{1f}', '\0'] {
                for at in (0..plain.len()).filter(|at| plain.is_char_boundary(*at)) {
                    let text = format!("{}{special}{}", &plain[..at], &plain[at..]);
                    assert_eq!(plain_length(text.as_bytes()), at);
                    let read: String =
                        serde_json::from_str(&printed(|out| string(&text, out))).unwrap();
                    assert_eq!(read, text);
                }
            }
        }
    }

    #[test]
    fn base64_is_padded() {
        for (bytes, text) in [
            (&b""[..], "\"\""),
            (b"x", "\"eA==\""),
            (b"\x00\x01\xff", "\"AAH/\""),
        ] {
            assert_eq!(printed(|out| base64(bytes, out)), text);
        }
    }
}
