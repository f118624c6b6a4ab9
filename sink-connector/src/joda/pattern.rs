//! Joda-Time's patterns: letters in runs, quoted text, everything else as it stands.

use std::fmt::Write as _;

use super::calendar::Fields;
use super::locale::Texts;
use super::zone::{Zone, offset_text};

/// A letter that is none of the pattern's, or no pattern at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    /// Nothing to format.
    #[error("Invalid pattern specification")]
    Empty,
    /// A run of a letter without a meaning.
    #[error("Illegal pattern component: {0}")]
    Letter(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Letters(char, usize),
}

/// A pattern, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Part>);

const LETTERS: &str = "GCxwYyDeEMdaKhHkmsSzZ";

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It is empty, or has an unquoted letter that means nothing. A quote that is not closed ends with the pattern.
    pub(crate) fn new(text: &str) -> Result<Self, PatternError> {
        let mut parts = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(first) = rest.peek().copied() {
            if first.is_ascii_alphabetic() {
                let mut run = 0;
                while rest.next_if_eq(&first).is_some() {
                    run += 1;
                }
                if !LETTERS.contains(first) {
                    return Err(PatternError::Letter(String::from(first).repeat(run)));
                }
                parts.push(Part::Letters(first, run));
            } else {
                parts.push(Part::Text(literal(&mut rest)));
            }
        }
        if parts.is_empty() {
            return Err(PatternError::Empty);
        }
        Ok(Self(parts))
    }

    /// Appends `millis` (of the epoch), shown in `zone`, to `out`.
    pub(super) fn write(&self, millis: i64, texts: &Texts, zone: &Zone, out: &mut String) {
        let fields = Fields::of(millis.saturating_add(zone.offset(millis)));
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Letters('z', run) => out.push_str(&zone.name(millis, *run >= 4)),
                Part::Letters('Z', run @ (1 | 2)) => {
                    // Hours and minutes only.
                    let offset = zone.offset(millis);
                    out.push_str(&offset_text(offset - offset % 60_000, *run == 2));
                }
                Part::Letters('Z', _) => out.push_str(zone.id()),
                Part::Letters(letter, run) => letters(*letter, *run, &fields, texts, out),
            }
        }
    }
}

/// Text up to the next unquoted letter. Two quotes are one.
fn literal(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut text = String::new();
    let mut quoted = false;
    while let Some(next) = rest.peek().copied() {
        if next.is_ascii_alphabetic() && !quoted {
            break;
        }
        rest.next();
        match next {
            '\'' if rest.next_if_eq(&'\'').is_some() => text.push('\''),
            '\'' => quoted = !quoted,
            other => text.push(other),
        }
    }
    text
}

fn letters(letter: char, run: usize, fields: &Fields, texts: &Texts, out: &mut String) {
    let year_of_era = if fields.year > 0 {
        fields.year
    } else {
        1 - fields.year
    };
    match letter {
        'G' => out.push_str(texts.era(fields.year)),
        'a' => out.push_str(texts.half(fields.hour >= 12)),
        'E' => out.push_str(texts.day(fields.day_of_week, run < 4)),
        'M' if run >= 3 => out.push_str(texts.month(fields.month, run < 4)),
        'S' => fraction(fields.milli, run, out),
        'x' => year(fields.week_year, run, out),
        'y' => year(fields.year, run, out),
        'Y' if run == 2 => year(fields.year, run, out),
        'Y' => year(year_of_era, run, out),
        'C' => number(year_of_era / 100, run, out),
        'w' => number(fields.week, run, out),
        'e' => number(fields.day_of_week, run, out),
        'D' => number(fields.day_of_year, run, out),
        'M' => number(fields.month, run, out),
        'd' => number(fields.day, run, out),
        'H' => number(fields.hour, run, out),
        'K' => number(fields.hour % 12, run, out),
        'h' => number((fields.hour + 11) % 12 + 1, run, out),
        'k' => number((fields.hour + 23) % 24 + 1, run, out),
        'm' => number(fields.minute, run, out),
        's' => number(fields.second, run, out),
        // Patterns hold no other letters.
        _ => {}
    }
}

/// Two letters are the year of the century.
fn year(year: i64, run: usize, out: &mut String) {
    match run {
        2 => number(year.abs() % 100, 2, out),
        _ => number(year, run, out),
    }
}

fn number(value: i64, digits: usize, out: &mut String) {
    if value < 0 {
        out.push('-');
    }
    // Writing to a String does not fail.
    let _ = write!(out, "{:0digits$}", value.unsigned_abs());
}

/// As many digits as letters: a time has three, the rest are zeros.
fn fraction(milli: i64, digits: usize, out: &mut String) {
    let text = format!("{milli:03}");
    out.push_str(&text[..digits.min(3)]);
    out.extend(std::iter::repeat_n('0', digits.saturating_sub(3)));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use jiff::tz::TimeZone;

    fn format(pattern: &str, locale: &str, zone: &str, millis: i64) -> String {
        let zone = Zone::new(zone, TimeZone::get(zone).unwrap());
        let mut out = String::new();
        Pattern::new(pattern)
            .unwrap()
            .write(millis, &Texts::of(locale), &zone, &mut out);
        out
    }

    /// What the genuine connector wrote.
    #[test]
    fn letters_are_shown_as_recorded() {
        const ALL: &str = "xxxx/ww/e/D/EEE/EEEE/MMM/MMMM/a/hh/KK/kk/ss/SSS/Z/ZZ/ZZZ/G/C/yy/y/M/d/H";
        for (millis, text) in [
            (
                1,
                "1970/01/4/1/Thu/Thu/Jan/Jan/AM/12/00/24/00/001/+0000/+00:00/UTC/CE/19/70/1970/1/1/0",
            ),
            (
                1_699_160_400_000,
                "2023/44/7/309/Sun/Sun/Nov/Nov/AM/05/05/05/00/000/+0000/+00:00/UTC/CE/20/23/2023/11/5/5",
            ),
            (
                1_704_067_199_999,
                "2023/52/7/365/Sun/Sun/Dec/Dec/PM/11/11/23/59/999/+0000/+00:00/UTC/CE/20/23/2023/12/31/23",
            ),
            (
                1_719_792_000_000,
                "2024/27/1/183/Mon/Mon/Jul/Jul/AM/12/00/24/00/000/+0000/+00:00/UTC/CE/20/24/2024/7/1/0",
            ),
        ] {
            assert_eq!(format(ALL, "en-US", "UTC", millis), text);
        }
        let french = "yyyy/MMM/MMMM/EEE/EEEE/a";
        assert_eq!(
            format(french, "fr", "UTC", 1_709_164_800_000),
            "2024/févr./février/jeu./jeudi/AM"
        );
    }

    #[test]
    fn quotes_hold_text() {
        let at = 1_704_067_199_999;
        for (pattern, text) in [
            ("'year'=YYYY/'month'=MM", "year=2023/month=12"),
            ("'it''s' yy", "it's 23"),
            ("''yyyy''", "'2023'"),
            ("yyyy'open", "2023open"),
            ("'a'd'b'", "a31b"),
            ("S SS SSSSS", "9 99 99900"),
            ("YYYYYY-D", "002023-365"),
        ] {
            assert_eq!(format(pattern, "en", "UTC", at), text, "{pattern}");
        }
        assert_eq!(
            format("z/zzzz/ZZ", "en", "America/New_York", at),
            "EST/Eastern Standard Time/-05:00"
        );
        assert_eq!(
            format("YYYY/yyyy/y/G/yy/C", "en", "UTC", -62_198_755_200_000),
            "0002/-0001/-1/BC/01/0"
        );
    }

    #[test]
    fn letters_without_a_meaning_are_refused() {
        for (pattern, reason) in [
            ("yyyy/bb", "Illegal pattern component: bb"),
            ("T", "Illegal pattern component: T"),
            ("", "Invalid pattern specification"),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap_err().to_string(), reason);
        }
    }
}
