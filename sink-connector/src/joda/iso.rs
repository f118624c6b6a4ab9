//! ISO 8601 texts → milliseconds of the epoch, as Joda-Time's general date-time parser reads them.
//!
//! In: `2024`, `2024-03-10`, `2024-W10-7`, `2024-070`, `2024-03-10T06:59:59.5Z`, `T10:15`. A text without an offset is
//! UTC. What is left out is the start of what is there; fractions may stand on seconds, minutes or hours.

use super::calendar::days_of;

/// Milliseconds of the epoch of `text`; `None` when it is no date-time.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let days = match date {
        "" => time.map(|_| 0)?,
        date => date_days(date)?,
    };
    let (time, offset_ms) = match time {
        Some(time) => split_offset(time)?,
        None => ("", 0),
    };
    let in_day = if time.is_empty() { 0 } else { time_ms(time)? };
    days.checked_mul(86_400_000)?
        .checked_add(in_day)?
        .checked_sub(offset_ms)
}

/// `yyyy`, `yyyy-MM`, `yyyy-MM-dd`, `yyyy-DDD`, `yyyy-Www`, `yyyy-Www-d`; a sign may stand before.
fn date_days(text: &str) -> Option<i64> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let mut parts = rest.split('-');
    let year = sign * number(parts.next()?, 1, 9)?;
    let days = match (parts.next(), parts.next()) {
        (None, _) => days_of(year, 1, 1),
        (Some(week), day) if week.starts_with('W') => week_days(year, &week[1..], day)?,
        (Some(day_of_year), None) if day_of_year.len() == 3 => {
            ordinal(year, number(day_of_year, 3, 3)?)?
        }
        (Some(month), day) => {
            let month = within(number(month, 1, 2)?, 1, 12)?;
            let day = day.map_or(Some(1), |day| number(day, 1, 2))?;
            days_of(year, month, within(day, 1, days_in(year, month))?)
        }
    };
    parts.next().is_none().then_some(days)
}

fn ordinal(year: i64, day: i64) -> Option<i64> {
    let first = days_of(year, 1, 1);
    let length = days_of(year + 1, 1, 1) - first;
    Some(first + within(day, 1, length)? - 1)
}

fn week_days(year: i64, week: &str, day: Option<&str>) -> Option<i64> {
    let monday_of = |year: i64| {
        let fourth = days_of(year, 1, 4);
        fourth - (fourth + 3).rem_euclid(7)
    };
    let first = monday_of(year);
    let weeks = (monday_of(year + 1) - first) / 7;
    let week = within(number(week, 1, 2)?, 1, weeks)?;
    let day = within(day.map_or(Some(1), |day| number(day, 1, 1))?, 1, 7)?;
    Some(first + (week - 1) * 7 + day - 1)
}

fn days_in(year: i64, month: i64) -> i64 {
    let next = if month == 12 {
        days_of(year + 1, 1, 1)
    } else {
        days_of(year, month + 1, 1)
    };
    next - days_of(year, month, 1)
}

/// Splits `Z`, `+02:00`, `-0500`, `+02` off; answers it in milliseconds.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, 0));
    }
    let Some(at) = time.find(['+', '-']) else {
        return Some((time, 0));
    };
    let sign = if time.as_bytes()[at] == b'-' { -1 } else { 1 };
    let digits = time[at + 1..].replace(':', "");
    let part = |from: usize| match digits.get(from..from + 2) {
        Some(text) => number(text, 2, 2),
        None => (digits.len() == from || digits.len() < from).then_some(0),
    };
    let known = matches!(digits.len(), 2 | 4 | 6);
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    let offset =
        sign * (hours * 3_600 + within(minutes, 0, 59)? * 60 + within(seconds, 0, 59)?) * 1_000;
    known.then_some((&time[..at], offset))
}

/// `HH`, `HH:mm`, `HH:mm:ss`; the last may have a fraction after a point or comma.
fn time_ms(text: &str) -> Option<i64> {
    let (whole, fraction) = match text.find(['.', ',']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut total = 0;
    let mut unit = 3_600_000;
    let mut last_unit = unit;
    for (index, part) in whole.split(':').enumerate() {
        let limit = match index {
            0 => 23,
            1 | 2 => 59,
            _ => return None,
        };
        total += within(number(part, 1, 2)?, 0, limit)? * unit;
        last_unit = unit;
        unit = if index == 0 { 60_000 } else { 1_000 };
    }
    Some(total + fraction.map_or(Some(0), |digits| fraction_ms(digits, last_unit))?)
}

fn fraction_ms(digits: &str, unit: i64) -> Option<i64> {
    let value = number(digits.get(..digits.len().min(9))?, 1, 9)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    let scale = 10_i64.checked_pow(u32::try_from(digits.len().min(9)).ok()?)?;
    all.then(|| value * unit / scale)
}

fn number(text: &str, min: usize, max: usize) -> Option<i64> {
    let fits = (min..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

fn within(value: i64, min: i64, max: i64) -> Option<i64> {
    (min..=max).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
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
            assert_eq!(parse(text), Some(millis), "{text}");
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
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
