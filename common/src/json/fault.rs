//! What the walk found → why the text is not JSON, off the hot path.
//!
//! In: a [`Fault`] (an offset and a cause, small and `Copy`). Out: a [`JsonError`] with line, column and text.

use super::error::{Container, End, JsonError, JsonErrorKind, place};

/// What the walk found, cheap to hand up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    offset: usize,
    kind: FaultKind,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum FaultKind {
    Value,
    Token,
    Name,
    Colon,
    Comma {
        object: bool,
    },
    RootSpace,
    Escape,
    HexDigit,
    ControlCharacter {
        name: bool,
    },
    Utf8Start,
    Utf8Middle,
    DigitAfterMinus,
    DigitAfterPoint,
    DigitInExponent,
    LeadingZero,
    TooDeep {
        limit: usize,
    },
    NumberTooLong {
        len: usize,
        limit: usize,
    },
    TextTooLong {
        name: bool,
        len: usize,
        limit: usize,
    },
    EndInContainer,
    EndBetween,
    EndInString,
    EndInName,
    EndInEscape,
}

const EXPECTED_VALUE: &str = "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

impl Fault {
    #[cold]
    pub(super) fn new(offset: usize, kind: FaultKind) -> Self {
        Self { offset, kind }
    }

    /// The error, with everything that only an error needs.
    pub(super) fn describe(self, input: &[u8]) -> JsonError {
        JsonError::at(input, self.offset, self.kind(input))
    }

    fn kind(self, input: &[u8]) -> JsonErrorKind {
        use JsonErrorKind as K;
        let at = self.offset;
        let byte = input.get(at).copied();
        let code = u32::from(byte.unwrap_or(0));
        let unexpected = |expected| misplaced(byte, expected);
        match self.kind {
            FaultKind::Value => bad_value(input, at),
            FaultKind::Token => K::UnrecognizedToken(word(input, at)),
            FaultKind::Name if byte == Some(b']') && !behind_comma(input, at) => {
                mismatch(input, at)
            }
            FaultKind::Comma { .. } if matches!(byte, Some(b']' | b'}')) => mismatch(input, at),
            FaultKind::Name => unexpected("was expecting double-quote to start field name"),
            FaultKind::Colon => {
                unexpected("was expecting a colon to separate field name and value")
            }
            FaultKind::Comma { object: true } => {
                unexpected("was expecting comma to separate Object entries")
            }
            FaultKind::Comma { object: false } => {
                unexpected("was expecting comma to separate Array entries")
            }
            FaultKind::RootSpace => unexpected("Expected space separating root-level values"),
            FaultKind::Escape => K::UnrecognizedEscape(character(input, at)),
            FaultKind::HexDigit => K::UnexpectedCharacter {
                code,
                expected: "expected a hex-digit for character escape sequence",
            },
            FaultKind::ControlCharacter { name: true } => K::ControlCharacter {
                code,
                within: "name",
            },
            FaultKind::ControlCharacter { name: false } => K::ControlCharacter {
                code,
                within: "string value",
            },
            FaultKind::Utf8Start => K::InvalidUtf8Start(byte.unwrap_or(0)),
            FaultKind::Utf8Middle => K::InvalidUtf8Middle(byte.unwrap_or(0)),
            FaultKind::DigitAfterMinus => after_minus(input, at),
            FaultKind::DigitAfterPoint => {
                in_number(input, at, "Decimal point not followed by a digit")
            }
            FaultKind::DigitInExponent => {
                in_number(input, at, "Exponent indicator not followed by a digit")
            }
            FaultKind::LeadingZero => K::LeadingZero,
            FaultKind::TooDeep { limit } => K::TooDeep { limit },
            FaultKind::NumberTooLong { len, limit } => K::NumberTooLong { len, limit },
            FaultKind::TextTooLong {
                name: true,
                len,
                limit,
            } => K::NameTooLong { len, limit },
            FaultKind::TextTooLong {
                name: false,
                len,
                limit,
            } => K::StringTooLong { len, limit },
            FaultKind::EndInContainer => K::UnexpectedEnd(end_in_container(input, at)),
            FaultKind::EndBetween => K::UnexpectedEnd(End::Between(open_at(input, at).0)),
            FaultKind::EndInString => K::UnexpectedEnd(End::Within(" in VALUE_STRING")),
            FaultKind::EndInName => {
                K::UnexpectedEnd(End::Within(": was expecting closing '\"' for name"))
            }
            FaultKind::EndInEscape => {
                K::UnexpectedEnd(End::Within(" in character escape sequence"))
            }
        }
    }
}

fn misplaced(byte: Option<u8>, expected: &'static str) -> JsonErrorKind {
    match byte {
        Some(code @ 0..0x20) => JsonErrorKind::IllegalSpace(code.into()),
        Some(b'/') => JsonErrorKind::UnexpectedCharacter {
            code: b'/'.into(),
            expected: "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)",
        },
        Some(code) => JsonErrorKind::UnexpectedCharacter {
            code: code.into(),
            expected,
        },
        None => JsonErrorKind::UnexpectedEnd(End::Within("")),
    }
}

/// A closing bracket that does not fit what is open.
fn mismatch(input: &[u8], at: usize) -> JsonErrorKind {
    let (container, start) = open_at(input, at);
    let (line, column) = match container {
        Container::Root => (1, 0),
        _ => place(input, start),
    };
    let found = input.get(at).map_or(' ', |&byte| char::from(byte));
    JsonErrorKind::MismatchedClose {
        found,
        container,
        line,
        column,
    }
}

/// The last byte before `at` that is not whitespace.
fn behind(input: &[u8], at: usize) -> Option<u8> {
    input
        .iter()
        .take(at)
        .rev()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace())
}

/// Whether what stands at `at` follows a comma.
pub(super) fn behind_comma(input: &[u8], at: usize) -> bool {
    behind(input, at) == Some(b',')
}

/// Something stands where a value should begin.
fn bad_value(input: &[u8], at: usize) -> JsonErrorKind {
    let rest = input.get(at..).unwrap_or_default();
    match rest.first() {
        None => JsonErrorKind::UnexpectedEnd(End::Between(open_at(input, at).0)),
        Some(b']' | b'}') if matches!(behind(input, at), None | Some(b'[' | b'{')) => {
            mismatch(input, at)
        }
        Some(b',' | b'}') => misplaced(rest.first().copied(), "expected a value"),
        Some(b']') if open_at(input, at).0 == Container::Array => {
            misplaced(Some(b']'), "expected a value")
        }
        Some(b'N') if rest.starts_with(b"NaN") => JsonErrorKind::NonStandardToken("NaN"),
        Some(b'I') if rest.starts_with(b"Infinity") => JsonErrorKind::NonStandardToken("Infinity"),
        Some(b'+') => match rest.get(1) {
            Some(b'0'..=b'9') => misplaced(Some(b'+'), EXPECTED_VALUE),
            _ => in_number(
                input,
                at + 1,
                "expected digit (0-9) for valid numeric value",
            ),
        },
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' | 0xC0..) => {
            JsonErrorKind::UnrecognizedToken(word(input, at))
        }
        Some(_) => misplaced(rest.first().copied(), EXPECTED_VALUE),
    }
}

fn after_minus(input: &[u8], at: usize) -> JsonErrorKind {
    let rest = input.get(at..).unwrap_or_default();
    if rest.starts_with(b"INF") {
        return JsonErrorKind::NonStandardToken("-INF");
    }
    if rest.starts_with(b"Infinity") {
        return JsonErrorKind::NonStandardToken("-Infinity");
    }
    in_number(
        input,
        at,
        "expected digit (0-9) to follow minus sign, for valid numeric value",
    )
}

fn in_number(input: &[u8], at: usize, expected: &'static str) -> JsonErrorKind {
    match input.get(at) {
        Some(&byte) => JsonErrorKind::UnexpectedInNumber {
            code: byte.into(),
            expected,
        },
        None => JsonErrorKind::UnexpectedEnd(End::Within(" in a Number value")),
    }
}

/// Longest piece of the input that an error quotes, in characters.
const QUOTED_CHARACTERS: usize = 256;

/// The bare word at `at`, as far as Java would take it for an identifier.
fn word(input: &[u8], at: usize) -> String {
    let end = input.len().min(at + 4 * QUOTED_CHARACTERS);
    let text = String::from_utf8_lossy(input.get(at..end).unwrap_or_default());
    let taken = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let mut word: String = text
        .chars()
        .take(QUOTED_CHARACTERS)
        .take_while(taken)
        .collect();
    if word.chars().count() == QUOTED_CHARACTERS {
        word.push_str("...");
    }
    word
}

fn character(input: &[u8], at: usize) -> u32 {
    let end = input.len().min(at + 4);
    let text = String::from_utf8_lossy(input.get(at..end).unwrap_or_default());
    text.chars().next().map_or(0, u32::from)
}

fn end_in_container(input: &[u8], end: usize) -> End {
    let (container, start) = open_at(input, end);
    let (line, column) = place(input, start);
    match container {
        Container::Root => End::Within(""),
        container => End::Container {
            container,
            line,
            column,
        },
    }
}

/// The innermost array or object that is open at `end` of a text valid up to there, and its offset.
fn open_at(input: &[u8], end: usize) -> (Container, usize) {
    let mut open = Vec::new();
    let mut in_string = false;
    let mut bytes = input.iter().enumerate().take(end);
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => drop(bytes.next()),
            b'[' if !in_string => open.push((Container::Array, at)),
            b'{' if !in_string => open.push((Container::Object, at)),
            b']' | b'}' if !in_string => drop(open.pop()),
            _ => {}
        }
    }
    open.pop().unwrap_or((Container::Root, 0))
}
