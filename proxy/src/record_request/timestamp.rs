//! The `timestamp` of a record or position: an instant as text, or epoch seconds as a number (or digits), as the original reads it.

use sluiceway_common::json::Scanner;

use crate::coerce::{self, Mismatch};
use crate::instant;

const INSTANT: &str = "java.time.Instant";
/// Java's instants end here, in either direction.
const MAX_SECONDS: f64 = 31_556_889_864_403_199.0;

/// Epoch milliseconds, `None` for `null` and for empty text.
pub(crate) fn read(input: &[u8], scanner: &mut Scanner<'_>) -> Result<Option<i64>, Mismatch> {
    match scanner.peek() {
        Some(b'"') => of_text(scanner.string()?.decode().trim()),
        Some(b'n') => Ok(scanner.skip().map(|()| None)?),
        Some(b'-' | b'0'..=b'9') => {
            let start = scanner.position();
            scanner.skip()?;
            of_number(&String::from_utf8_lossy(&input[start..scanner.position()])).map(Some)
        }
        _ => Err(coerce::unexpected(scanner, input, INSTANT)),
    }
}

fn of_text(text: &str) -> Result<Option<i64>, Mismatch> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if number.split('.').all(digits) && number.split('.').count() <= 2 {
        return of_number(text).map(Some);
    }
    instant::parse(text).map(Some).map_err(|error| {
        Mismatch::Shape(format!(
            "Cannot deserialize value of type `{INSTANT}` from String \"{text}\": Failed to deserialize {INSTANT}: \
             (java.time.format.DateTimeParseException) Text '{text}' {error}"
        ))
    })
}

fn of_number(text: &str) -> Result<i64, Mismatch> {
    if let Some(millis) = text
        .parse::<i64>()
        .ok()
        .and_then(|seconds| seconds.checked_mul(1000))
    {
        return Ok(millis);
    }
    let seconds: f64 = text.parse().unwrap_or(f64::INFINITY);
    if seconds.abs() > MAX_SECONDS || seconds.abs() * 1000.0 >= 9.2e18 {
        return Err(Mismatch::Shape(
            "Instant exceeds minimum or maximum instant".to_owned(),
        ));
    }
    #[allow(clippy::cast_possible_truncation)]
    Ok((seconds * 1000.0).floor() as i64)
}
