//! ISO 8601 texts → milliseconds of the epoch, as Joda-Time's general date-time parser reads them.
//!
//! In: `2024`, `2024-03-10`, `2024-W10-7`, `2024-070`, `2024-03-10T06:59:59.5Z`, `T10:15`. A text without an offset is
//! UTC. What is left out is the start of what is there; fractions may stand on seconds, minutes or hours. Fails with an
//! [`IsoError`] in Joda-Time's words: where the text stops being one, or which field is out of its range.

mod reader;

use super::calendar::days_of;
use reader::{Reader, Year};

/// Why a text is no date-time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IsoError {
    /// It ends or goes on in another way than a date-time at this character.
    Malformed(usize),
    /// A field has a value that it cannot have.
    OutOfRange {
        /// Joda-Time's name of the field.
        field: &'static str,
        /// Its value.
        value: i64,
        /// The least and the most that it can have.
        range: (i64, i64),
    },
}

impl IsoError {
    /// The exception that Joda-Time throws for `text`: its class and message.
    pub(crate) fn exception(&self, text: &str) -> (&'static str, String) {
        match self {
            Self::Malformed(at) => (
                "java.lang.IllegalArgumentException",
                format!(
                    "Invalid format: \"{}\"{}",
                    sample(text, *at),
                    told(text, *at)
                ),
            ),
            Self::OutOfRange {
                field,
                value,
                range: (least, most),
            } => (
                "org.joda.time.IllegalFieldValueException",
                format!(
                    "Cannot parse \"{text}\": Value {value} for {field} must be in the range [{least},{most}]"
                ),
            ),
        }
    }
}

/// The text, cut some way behind the mistake.
fn sample(text: &str, at: usize) -> String {
    let length = text.chars().count();
    match at + 32 {
        end if length <= end + 3 => text.to_owned(),
        end => text.chars().take(end).chain("...".chars()).collect(),
    }
}

fn told(text: &str, at: usize) -> String {
    match at {
        0 => String::new(),
        at if at >= text.chars().count() => " is too short".to_owned(),
        at => {
            let rest: String = sample(text, at).chars().skip(at).collect();
            format!(" is malformed at \"{rest}\"")
        }
    }
}

/// Milliseconds of the epoch of `text`.
///
/// # Errors
/// It is no date-time.
pub(crate) fn parse(text: &str) -> Result<i64, IsoError> {
    let mut reader = Reader::new(text);
    let date = match reader.is_at('T') {
        true => None,
        false => Some(reader.date().map_err(IsoError::Malformed)?),
    };
    let time = match date {
        None => Some(reader.time_alone().map_err(IsoError::Malformed)?),
        Some(_) => reader.time(),
    };
    reader.end().map_err(IsoError::Malformed)?;
    let days = date.map_or(Ok(0), date_days)?;
    let (in_day, offset_ms) = match time {
        Some(time) => (time.millis()?, time.offset_ms),
        None => (0, 0),
    };
    let millis = days.checked_mul(86_400_000);
    let millis = millis.and_then(|millis| millis.checked_add(in_day)?.checked_sub(offset_ms));
    millis.ok_or(IsoError::Malformed(0))
}

/// The day that a date names; what it leaves out is the first.
fn date_days(date: Year) -> Result<i64, IsoError> {
    match date {
        Year::Days { year, day } => {
            let length = days_of(year + 1, 1, 1) - days_of(year, 1, 1);
            within("dayOfYear", day, 1, length)?;
            Ok(days_of(year, 1, 1) + day - 1)
        }
        Year::Weeks { year, week, day } => week_days(year, week, day),
        Year::Months { year, month, day } => {
            within("monthOfYear", month, 1, 12)?;
            within("dayOfMonth", day, 1, days_in(year, month))?;
            Ok(days_of(year, month, day))
        }
    }
}

fn week_days(year: i64, week: i64, day: i64) -> Result<i64, IsoError> {
    let monday_of = |year: i64| {
        let fourth = days_of(year, 1, 4);
        fourth - (fourth + 3).rem_euclid(7)
    };
    let first = monday_of(year);
    within("weekOfWeekyear", week, 1, (monday_of(year + 1) - first) / 7)?;
    within("dayOfWeek", day, 1, 7)?;
    Ok(first + (week - 1) * 7 + day - 1)
}

fn days_in(year: i64, month: i64) -> i64 {
    let next = if month == 12 {
        days_of(year + 1, 1, 1)
    } else {
        days_of(year, month + 1, 1)
    };
    next - days_of(year, month, 1)
}

fn within(field: &'static str, value: i64, least: i64, most: i64) -> Result<(), IsoError> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(IsoError::OutOfRange {
            field,
            value,
            range: (least, most),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn texts_are_read_as_iso_8601_has_them() {
        for (text, millis) in [
            ("2024-03-10T06:59:59Z", 1_710_053_999_000),
            ("2024-03-10T02:30:00-05:00", 1_710_055_800_000),
            ("2024-03-10T02:30:00.123456-0500", 1_710_055_800_123),
            ("2024-03-10T02:30", 1_710_037_800_000),
            ("2024-03-10T02,5", 1_710_037_800_000),
            ("2024-03-10", 1_710_028_800_000),
            ("2024-03-10T", 1_710_028_800_000),
            ("2024-03", 1_709_251_200_000),
            ("2024", 1_704_067_200_000),
            ("2024-070", 1_710_028_800_000),
            ("2024-W10-7", 1_710_028_800_000),
            ("1969-12-31T23:59:59.999Z", -1),
            ("T10:15:30", 36_930_000),
            ("2024-03-10T06:59:59+02", 1_710_046_799_000),
        ] {
            assert_eq!(parse(text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "rubbish",
            "2024-13-01",
            "2023-02-29",
            "2024-03-10 06:59",
            "24-03-10x",
            "2024-03-10T25:00",
            "2024-03-10T06:59:59X",
            "2024-03-10T06:61",
            "2024-366x",
            "2023-366",
            "2024-W54",
            "2024-03-10T06:59:59+5",
            "2024-03-10T10:15:30.",
            "2024-03-10-01",
            "2024-03-10T1:2:3:4",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    /// What Joda-Time says of them.
    #[test]
    fn mistakes_are_told_as_joda_time_tells_them() {
        for (text, told) in [
            ("rubbish", "Invalid format: \"rubbish\""),
            (
                "2024-03-10 06:59",
                "Invalid format: \"2024-03-10 06:59\" is malformed at \" 06:59\"",
            ),
            (
                "2024-03-10T06:59:59X",
                "Invalid format: \"2024-03-10T06:59:59X\" is malformed at \"X\"",
            ),
            (
                "2024-13-01",
                "Cannot parse \"2024-13-01\": Value 13 for monthOfYear must be in the range [1,12]",
            ),
            (
                "2023-02-29T10:00",
                "Cannot parse \"2023-02-29T10:00\": Value 29 for dayOfMonth must be in the range [1,28]",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().exception(text).1, told, "{text}");
        }
    }
}
