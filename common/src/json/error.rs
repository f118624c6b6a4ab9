//! Why a text is not JSON, told as Jackson tells it.
//!
//! The types that callers see; what the walk finds is turned into them in `fault.rs`.

use std::fmt;

use thiserror::Error;

/// An offence against JSON, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct JsonError {
    /// Offset of the offending byte.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in that line, in bytes, from 1.
    pub column: usize,
    /// What is wrong.
    pub kind: JsonErrorKind,
}

impl JsonError {
    /// An error at `offset` of `input`, for callers that walk an envelope themselves.
    #[must_use]
    pub fn at(input: &[u8], offset: usize, kind: JsonErrorKind) -> Self {
        let (line, column) = place(input, offset);
        Self {
            offset,
            line,
            column,
            kind,
        }
    }
}

/// What is wrong with a text. The texts are Jackson's (2.16), since users know and grep them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JsonErrorKind {
    /// The text ends too early.
    #[error("Unexpected end-of-input{0}")]
    UnexpectedEnd(End),
    /// A byte (or character) that may not stand there.
    #[error("Unexpected character ({}): {expected}", Described(*.code))]
    UnexpectedCharacter {
        /// The character's code.
        code: u32,
        /// What was expected instead.
        expected: &'static str,
    },
    /// A closing bracket of the wrong kind.
    #[error(
        "Unexpected close marker '{found}': expected '{}' (for {container} starting at {})",
        if *.found == ']' { '}' } else { ']' }, Place(*.line, *.column)
    )]
    MismatchedClose {
        /// The bracket found.
        found: char,
        /// What is open instead.
        container: Container,
        /// Line of its opening bracket, from 1.
        line: usize,
        /// Column of its opening bracket, from 1 (0 when nothing is open).
        column: usize,
    },
    /// A number that goes on wrongly.
    #[error("Unexpected character ({}) in numeric value: {expected}", Described(*.code))]
    UnexpectedInNumber {
        /// The character's code.
        code: u32,
        /// What was expected instead.
        expected: &'static str,
    },
    /// `01`.
    #[error("Invalid numeric value: Leading zeroes not allowed")]
    LeadingZero,
    /// A bare word.
    #[error(
        "Unrecognized token '{0}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    )]
    UnrecognizedToken(String),
    /// `NaN`, `Infinity`, `-Infinity`, `-INF`.
    #[error(
        "Non-standard token '{0}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
    )]
    NonStandardToken(&'static str),
    /// A control character between tokens.
    #[error("Illegal character ({}): only regular white space (\\r, \\n, \\t) is allowed between tokens", Described(*.0))]
    IllegalSpace(u32),
    /// A control character inside a string or name.
    #[error("Illegal unquoted character ({}): has to be escaped using backslash to be included in {within}", Described(*.code))]
    ControlCharacter {
        /// Its code.
        code: u32,
        /// `name` or `string value`.
        within: &'static str,
    },
    /// `\x`.
    #[error("Unrecognized character escape {}", Described(*.0))]
    UnrecognizedEscape(u32),
    /// A byte that begins no UTF-8 sequence.
    #[error("Invalid UTF-8 start byte 0x{0:x}")]
    InvalidUtf8Start(u8),
    /// A byte that continues no UTF-8 sequence.
    #[error("Invalid UTF-8 middle byte 0x{0:x}")]
    InvalidUtf8Middle(u8),
    /// More arrays and objects inside one another than allowed.
    #[error(
        "Document nesting depth ({}) exceeds the maximum allowed ({limit}, from `StreamReadConstraints.getMaxNestingDepth()`)",
        limit + 1
    )]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A number with too many characters.
    #[error(
        "Number value length ({len}) exceeds the maximum allowed ({limit}, from `StreamReadConstraints.getMaxNumberLength()`)"
    )]
    NumberTooLong {
        /// Its length.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// A string with too many bytes.
    #[error(
        "String value length ({len}) exceeds the maximum allowed ({limit}, from `StreamReadConstraints.getMaxStringLength()`)"
    )]
    StringTooLong {
        /// Its length.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// A member name with too many bytes.
    #[error(
        "Name length ({len}) exceeds the maximum allowed ({limit}, from `StreamReadConstraints.getMaxNameLength()`)"
    )]
    NameTooLong {
        /// Its length.
        len: usize,
        /// The limit.
        limit: usize,
    },
}

/// Where a text ended too early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Inside an array or object, whose opening bracket stands at line and column.
    Container {
        /// What was open.
        container: Container,
        /// Line of the opening bracket, from 1.
        line: usize,
        /// Column of the opening bracket, from 1.
        column: usize,
    },
    /// Behind a comma or before a colon.
    Between(Container),
    /// Inside a token.
    Within(&'static str),
}

/// An array, an object, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// `[`
    Array,
    /// `{`
    Object,
    /// Nothing is open.
    Root,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Array => "Array",
            Self::Object => "Object",
            Self::Root => "root",
        })
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container {
                container,
                line,
                column,
            } => write!(
                f,
                ": expected close marker for {container} (start marker at {})",
                Place(*line, *column)
            ),
            Self::Between(container) => write!(f, " within/between {container} entries"),
            Self::Within(what) => f.write_str(what),
        }
    }
}

/// A character as Jackson names it: `'x' (code 120)`.
struct Described(u32);

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.0;
        let shown = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        match code {
            0..=0x1F | 0x7F..=0x9F => write!(f, "(CTRL-CHAR, code {code})"),
            0..=0xFF => write!(f, "'{shown}' (code {code})"),
            _ => write!(f, "'{shown}' (code {code} / 0x{code:x})"),
        }
    }
}

/// A line and a column as Jackson tells them, with the source itself hidden.
struct Place(usize, usize);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(line, column) = self;
        f.write_str(
            "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); ",
        )?;
        write!(f, "line: {line}, column: {column}]")
    }
}

/// Line and column of an offset, both from 1, columns in bytes.
pub(super) fn place(input: &[u8], offset: usize) -> (usize, usize) {
    let before = input.get(..offset).unwrap_or(input);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let column = before.len() - memchr::memrchr(b'\n', before).map_or(0, |at| at + 1) + 1;
    (line, column)
}
