//! Instants as Java writes and reads them: `2021-02-05T19:14:42.123Z`.
//!
//! In: text or epoch seconds. Out: epoch milliseconds. What fails: text that `java.time` would not parse, with the
//! index at which it stops; years beyond ±999999999.

use std::fmt::{self, Write};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Why a text is no instant, in the words of `java.time`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAnInstant {
    /// Something unexpected at this character.
    At(usize),
    /// Well-formed, with more behind it from this character.
    Trailing(usize),
}

impl fmt::Display for NotAnInstant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(index) => write!(f, "could not be parsed at index {index}"),
            Self::Trailing(index) => {
                write!(
                    f,
                    "could not be parsed, unparsed text found at index {index}"
                )
            }
        }
    }
}

/// Reads an instant: a date, `T`, a time with seconds, and `Z` or an offset. Returns epoch milliseconds.
///
/// # Errors
/// See [`NotAnInstant`].
pub fn parse(text: &str) -> Result<i64, NotAnInstant> {
    let mut cursor = Cursor {
        bytes: text.as_bytes(),
        at: 0,
    };
    let year = cursor.year()?;
    cursor.literal(b'-')?;
    let month = cursor.two()?;
    cursor.literal(b'-')?;
    let day = cursor.two()?;
    cursor.literal(b'T')?;
    let hour = cursor.two()?;
    cursor.literal(b':')?;
    let minute = cursor.two()?;
    cursor.literal(b':')?;
    let second = cursor.two()?;
    let nanos = cursor.fraction();
    let offset = cursor.offset()?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && (hour < 24 || (hour == 24 && minute == 0 && second == 0 && nanos == 0))
        && minute < 60
        && second <= 60;
    if !in_range {
        return Err(NotAnInstant::At(0));
    }
    if cursor.at < text.len() {
        return Err(NotAnInstant::Trailing(cursor.at));
    }
    let seconds = hour * 3600 + minute * 60 + second.min(59) - offset;
    Ok(days_from_epoch(year, month, day) * DAY + seconds * 1000 + nanos / 1_000_000)
}

struct Cursor<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Cursor<'_> {
    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn literal(&mut self, expected: u8) -> Result<(), NotAnInstant> {
        if self.byte().map(|b| b.to_ascii_uppercase()) == Some(expected) {
            self.at += 1;
            return Ok(());
        }
        Err(NotAnInstant::At(self.at))
    }

    fn digits(&mut self, most: usize) -> (i64, usize) {
        let (mut number, mut count) = (0, 0);
        while let Some(digit @ b'0'..=b'9') = self.byte() {
            if count == most {
                break;
            }
            number = number * 10 + i64::from(digit - b'0');
            count += 1;
            self.at += 1;
        }
        (number, count)
    }

    fn two(&mut self) -> Result<i64, NotAnInstant> {
        let start = self.at;
        match self.digits(2) {
            (number, 2) => Ok(number),
            _ => Err(NotAnInstant::At(start)),
        }
    }

    /// Four digits, or more (at most nine) behind a sign.
    fn year(&mut self) -> Result<i64, NotAnInstant> {
        let start = self.at;
        let sign = match self.byte() {
            Some(b'-') => -1,
            Some(b'+') => 1,
            _ => 0,
        };
        self.at += usize::from(sign != 0);
        match (sign, self.digits(9)) {
            (0 | -1, (number, 4)) => Ok(if sign < 0 { -number } else { number }),
            (1 | -1, (number, 5..)) => Ok(sign * number),
            _ => Err(NotAnInstant::At(start)),
        }
    }

    /// Nanoseconds.
    fn fraction(&mut self) -> i64 {
        if self.byte() != Some(b'.') {
            return 0;
        }
        self.at += 1;
        let (number, count) = self.digits(9);
        number * 10_i64.pow(9 - u32::try_from(count).unwrap_or(9))
    }

    /// Seconds east of Greenwich.
    fn offset(&mut self) -> Result<i64, NotAnInstant> {
        let start = self.at;
        let sign = match self.byte() {
            Some(b'Z' | b'z') => {
                self.at += 1;
                return Ok(0);
            }
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(NotAnInstant::At(start)),
        };
        self.at += 1;
        let mut parts = [0; 3];
        for (place, part) in parts.iter_mut().enumerate() {
            let (before, colon) = (self.at, place > 0 && self.byte() == Some(b':'));
            self.at += usize::from(colon);
            match self.digits(2) {
                (number, 2) => *part = number,
                _ if place == 0 => return Err(NotAnInstant::At(start)),
                _ => {
                    self.at = before;
                    break;
                }
            }
        }
        let seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
        if seconds > 18 * 3600 || parts[1] > 59 || parts[2] > 59 {
            return Err(NotAnInstant::At(start));
        }
        Ok(sign * seconds)
    }
}

/// Appends an instant as Java's `Instant` is written: no fraction for whole seconds, else three digits.
pub fn write(millis: i64, out: &mut String) {
    let (days, rest) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
    let (year, month, day) = date(days);
    match year {
        0..=9999 => push_digits(out, year, [1000, 100, 10, 1]),
        10_000.. => drop(write!(out, "+{year}")),
        _ => drop(write!(out, "-{:04}", -year)),
    }
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    for (mark, number) in [
        ('-', month),
        ('-', day),
        ('T', hour),
        (':', minute),
        (':', second),
    ] {
        out.push(mark);
        push_digits(out, number, [10, 1]);
    }
    if rest % 1000 != 0 {
        out.push('.');
        push_digits(out, rest % 1000, [100, 10, 1]);
    }
    out.push('Z');
}

/// Appends the digits of a number that has no more of them.
fn push_digits<const N: usize>(out: &mut String, number: i64, places: [i64; N]) {
    for place in places {
        let digit = u8::try_from(number / place % 10).unwrap_or_default();
        out.push(char::from(b'0' + digit));
    }
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar: years of 400 begin in March, so that the leap day comes last.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(millis: i64) -> String {
        let mut out = String::new();
        write(millis, &mut out);
        out
    }

    #[test]
    fn read_and_written() {
        for (text, millis, written) in [
            (
                "2021-02-05T19:14:42Z",
                1_612_552_482_000,
                "2021-02-05T19:14:42Z",
            ),
            (
                "2021-02-05T19:14:42.123+02:00",
                1_612_545_282_123,
                "2021-02-05T17:14:42.123Z",
            ),
            (
                "2021-02-05t19:14:42.1z",
                1_612_552_482_100,
                "2021-02-05T19:14:42.100Z",
            ),
            (
                "1970-01-01T00:00:00-0030",
                1_800_000,
                "1970-01-01T00:30:00Z",
            ),
            (
                "1969-12-31T23:59:59.999999Z",
                -1,
                "1969-12-31T23:59:59.999Z",
            ),
            (
                "2000-02-29T24:00:00Z",
                951_868_800_000,
                "2000-03-01T00:00:00Z",
            ),
        ] {
            assert_eq!(parse(text), Ok(millis), "{text}");
            assert_eq!(shown(millis), written);
        }
        assert!(shown(1_600_000_000_000_000).starts_with("+52671-"));
        assert_eq!(
            parse(&shown(1_600_000_000_000_000)),
            Ok(1_600_000_000_000_000)
        );
    }

    #[test]
    fn refusals_name_the_place() {
        for (text, why) in [
            ("x", "could not be parsed at index 0"),
            ("2021-02-05", "could not be parsed at index 10"),
            ("2021-02-05 19:14:42Z", "could not be parsed at index 10"),
            ("2021-02-05T19:14:42", "could not be parsed at index 19"),
            ("2021-13-05T19:14:42Z", "could not be parsed at index 0"),
            (
                "2021-02-05T19:14:42Zx",
                "could not be parsed, unparsed text found at index 20",
            ),
        ] {
            assert_eq!(parse(text).map_err(|e| e.to_string()), Err(why.to_owned()));
        }
    }

    #[test]
    fn every_day_of_some_centuries() {
        for days in -200_000..200_000 {
            let (year, month, day) = date(days);
            assert_eq!(days_from_epoch(year, month, day), days);
        }
    }
}
