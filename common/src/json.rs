//! A validating walk over JSON that builds no tree.
//!
//! ```text
//! bytes ──▶ Scanner ──▶ minify: the same value without insignificant whitespace, appended to a buffer
//!                  └──▶ skip:   only where the value ends
//! ```
//!
//! In: UTF-8 bytes. Out: the value as it was written (number text, key order, escapes and duplicate keys are kept),
//! only without the whitespace between its tokens. What fails: everything that RFC 8259 forbids, invalid UTF-8,
//! control characters in strings, and the limits of [`Options`], which are those of Jackson 2.16 because both
//! originals read JSON with it. The error texts are shaped as Jackson's, too: clients and dead letters show them.
//!
//! Nothing here allocates, except the caller's buffer and the texts of errors.

mod error;
mod fault;
mod open;
mod scanner;
mod sink;
mod text;
mod token;

#[cfg(test)]
mod tests;

pub use error::{Container, End, JsonError, JsonErrorKind};
pub use scanner::Scanner;
pub use text::Text;

/// Limits and leniencies of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How many arrays and objects may stand inside one another, at most [`Options::DEPTH_CEILING`].
    pub max_depth: usize,
    /// Longest number, in bytes.
    pub max_number_len: usize,
    /// Longest string value, in bytes.
    pub max_string_len: usize,
    /// Longest member name, in bytes.
    pub max_name_len: usize,
    /// Accept `01`, written as `1` (Connect's JSON converter does).
    pub leading_zeros: bool,
    /// Know `NaN` and infinities, which are no JSON: see [`Scanner::non_number`].
    pub non_numbers: bool,
}

impl Options {
    /// The deepest nesting that a walk can follow, whatever `max_depth` says.
    pub const DEPTH_CEILING: usize = 1024;

    /// RFC 8259 with Jackson's limits.
    pub const STRICT: Self = Self {
        max_depth: 1000,
        max_number_len: 1000,
        max_string_len: 20_000_000,
        max_name_len: 50_000,
        leading_zeros: false,
        non_numbers: false,
    };

    /// As [`Options::STRICT`], but with leading zeros, as Connect's JSON converter reads.
    pub const LENIENT: Self = Self {
        leading_zeros: true,
        ..Self::STRICT
    };

    /// As [`Options::STRICT`], but with `NaN` and infinities, as the JSON Schema converter reads.
    pub const NON_NUMBERS: Self = Self {
        non_numbers: true,
        ..Self::STRICT
    };
}

impl Default for Options {
    fn default() -> Self {
        Self::STRICT
    }
}

/// Validates the value that begins at `start` (whitespace before it is allowed) and appends it to `out` without
/// insignificant whitespace. Returns the offset behind it; what follows there is not looked at.
///
/// # Errors
/// The first offence against JSON or `options`. `out` may then hold a part of the value.
pub fn minify(
    input: &[u8],
    start: usize,
    out: &mut Vec<u8>,
    options: &Options,
) -> Result<usize, JsonError> {
    let mut scanner = Scanner::new(input, start, options);
    scanner.minify(out)?;
    Ok(scanner.position())
}

/// Validates the value that begins at `start` and returns the offset behind it.
///
/// # Errors
/// As [`minify`].
pub fn skip(input: &[u8], start: usize, options: &Options) -> Result<usize, JsonError> {
    let mut scanner = Scanner::new(input, start, options);
    scanner.skip()?;
    Ok(scanner.position())
}
