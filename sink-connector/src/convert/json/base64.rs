//! Base64 as Jackson reads it, and what it says of text that is none.
//!
//! White space may stand between units of four characters, not inside one; padding is required; bits left over do not
//! count; another unit may follow a padded one.

use crate::error::Exception;

const INVALID_FORMAT: &str = "com.fasterxml.jackson.databind.exc.InvalidFormatException";

/// The bytes of `text`.
///
/// # Errors
/// Jackson's exception: a character that is none of the alphabet, or one at the wrong place.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, Exception> {
    units(text).map_err(|fault| {
        let message = format!(
            "Cannot access contents of TextNode as binary due to broken Base64 encoding: {fault}"
        );
        Exception::new(INVALID_FORMAT, message)
    })
}

fn units(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut rest = text.chars();
    while let Some(first) = rest.by_ref().find(|character| *character > ' ') {
        let mut bits = sextet(first, 1)?;
        bits = (bits << 6) | sextet(next(&mut rest)?, 2)?;
        let third = next(&mut rest)?;
        if third == '=' {
            match next(&mut rest)? {
                '=' => out.push((bits >> 4) as u8),
                other => {
                    let fault = illegal(other, 4);
                    return Err(format!("{fault}: expected padding character '='"));
                }
            }
            continue;
        }
        bits = (bits << 6) | sextet(third, 3)?;
        match next(&mut rest)? {
            '=' => out.extend_from_slice(&(bits >> 2).to_be_bytes()[2..]),
            fourth => {
                bits = (bits << 6) | sextet(fourth, 4)?;
                out.extend_from_slice(&bits.to_be_bytes()[1..]);
            }
        }
    }
    Ok(out)
}

fn next(rest: &mut std::str::Chars<'_>) -> Result<char, String> {
    rest.next().ok_or_else(|| {
        "Unexpected end of base64-encoded String: base64 variant 'MIME-NO-LINEFEEDS' expects padding (one or more '=' \
         characters) at the end. This Base64Variant might have been incorrectly configured"
            .to_owned()
    })
}

/// The six bits of a character, the `place`th of its unit (from 1).
fn sextet(character: char, place: usize) -> Result<u32, String> {
    let base = |from: char| character as u32 - from as u32;
    match character {
        'A'..='Z' => Ok(base('A')),
        'a'..='z' => Ok(base('a') + 26),
        '0'..='9' => Ok(base('0') + 52),
        '+' => Ok(62),
        '/' => Ok(63),
        other => Err(illegal(other, place)),
    }
}

fn illegal(character: char, place: usize) -> String {
    let code = character as u32;
    match character {
        '\0'..=' ' => format!(
            "Illegal white space character (code 0x{code:x}) as character #{place} of 4-char base64 unit: can only used between units"
        ),
        '=' => format!(
            "Unexpected padding character ('=') as character #{place} of 4-char base64 unit: padding only legal as 3rd or 4th character"
        ),
        control if control.is_control() => {
            format!("Illegal character (code 0x{code:x}) in base64 content")
        }
        other => format!("Illegal character '{other}' (code 0x{code:x}) in base64 content"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn units_of_four_with_white_space_between() {
        for (text, bytes) in [
            ("", &[][..]),
            ("AQI=", &[1, 2]),
            ("AR==", &[1]),
            ("AAH/ \nAAH/", &[0, 1, 0xff, 0, 1, 0xff]),
            ("AQ==AQI=", &[1, 1, 2]),
        ] {
            assert_eq!(decode(text).unwrap(), bytes, "{text}");
        }
    }

    #[test]
    fn what_is_none_is_told_as_jackson_tells_it() {
        for (text, fault) in [
            (
                "not base64!",
                "Illegal white space character (code 0x20) as character #4 of 4-char base64 unit: can only used between units",
            ),
            (
                "2024-01-01",
                "Illegal character '-' (code 0x2d) in base64 content",
            ),
            (
                "=A==",
                "Unexpected padding character ('=') as character #1 of 4-char base64 unit: padding only legal as 3rd or 4th character",
            ),
            (
                "AQ=A",
                "Illegal character 'A' (code 0x41) in base64 content: expected padding character '='",
            ),
        ] {
            let message = decode(text).unwrap_err().message;
            assert!(message.ends_with(fault), "{text}: {message}");
        }
        let cut = decode("AQ").unwrap_err().message;
        assert!(cut.contains("encoding: Unexpected end of base64"), "{cut}");
    }
}
