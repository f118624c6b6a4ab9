//! Java's `SimpleDateFormat` in UTC with English names: patterns, formatting, lenient parsing.
//!
//! In: a pattern and milliseconds of the epoch, or a text. Out: the text, or the milliseconds. Fails with the texts
//! of the Java classes. Used by the timestamp transforms and for the text form of header values.
//!
//! | module | what it is |
//! |---|---|
//! | [`calendar`] | days ↔ year, month, day; lenient field resolution, as `GregorianCalendar` has it |
//! | [`pattern`] | pattern → items |
//! | [`format`] | milliseconds → text |
//! | [`parse`] | text → milliseconds |
//! | [`names`] | names of months, days, eras and zones |

mod calendar;
mod format;
mod names;
mod parse;
mod pattern;

use pattern::Item;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct DateFormat {
    pattern: String,
    items: Vec<Item>,
}

impl DateFormat {
    /// Compiles a pattern such as `yyyy-MM-dd'T'HH:mm:ss.SSSXXX`.
    ///
    /// # Errors
    /// The message of Java's `IllegalArgumentException`.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        Ok(Self {
            pattern: pattern.to_owned(),
            items: pattern::compile(pattern)?,
        })
    }

    /// A format that writes nothing.
    pub(crate) fn empty() -> Self {
        Self {
            pattern: String::new(),
            items: Vec::new(),
        }
    }

    /// The pattern as given.
    pub(crate) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The text of a time in milliseconds of the epoch, in UTC.
    pub(crate) fn format(&self, millis: i64) -> String {
        format::format(&self.items, millis)
    }

    /// The milliseconds of the epoch that the beginning of `text` stands for; what follows is not looked at. `None`
    /// where Java throws a `ParseException`.
    pub(crate) fn parse(&self, text: &str) -> Option<i64> {
        parse::parse(&self.items, text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// 2023-11-14T22:13:20.123Z, a Tuesday.
    const MOMENT: i64 = 1_700_000_000_123;

    /// Patterns, times and texts as Java 17 has them.
    #[test]
    fn formats_as_java_does() {
        for (pattern, millis, text) in [
            (
                "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
                MOMENT,
                "2023-11-14T22:13:20.123Z",
            ),
            (
                "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
                MOMENT,
                "2023-11-14T22:13:20.123Z",
            ),
            ("YYYY-ww u", MOMENT, "2023-46 2"),
            ("YYYY-ww u", 0, "1970-01 4"),
            ("YYYY-ww u", 1_704_067_199_999, "2024-01 7"),
            (
                "EEE, d MMM yy hh:mm a z Z",
                MOMENT,
                "Tue, 14 Nov 23 10:13 PM UTC +0000",
            ),
            (
                "EEEE MMMM G DDD W F k K",
                MOMENT,
                "Tuesday November AD 318 3 2 22 10",
            ),
            ("h k H K", 0, "12 24 0 0"),
            ("yyyyMMdd", -1, "19691231"),
            ("yyyy-MM-dd", -12_219_292_800_001, "1582-10-04"),
            ("yyyy G", -62_198_755_200_000, "0002 BC"),
            ("'it''s' y", MOMENT, "it's 2023"),
            (
                "GGGG zzzz LLL LL MM M MMMMM EE X XX XXX Y YY y yy S SS SSSS",
                MOMENT,
                "AD Coordinated Universal Time Nov 11 11 11 November Tue Z Z Z 2023 23 2023 23 123 123 0123",
            ),
            (
                "yyyy-MM-dd DDD w W F",
                -14_000_000_000_000,
                "1526-05-01 121 18 1 1",
            ),
            ("yyyy", 253_402_300_800_000, "10000"),
        ] {
            assert_eq!(
                DateFormat::new(pattern).unwrap().format(millis),
                text,
                "{pattern}"
            );
        }
    }

    #[test]
    fn parses_as_leniently_as_java() {
        for (pattern, text, millis) in [
            ("yyyy-MM-dd", "2023-11-14trailing", Some(1_699_920_000_000)),
            ("yyyy-MM-dd", "2023-13-45", Some(1_707_868_800_000)),
            ("yyyyMMddHHmmss", "20231114221320", Some(1_700_000_000_000)),
            (
                "EEE, d MMM yyyy hh:mm:ss a z",
                "Tue, 14 nov 2023 10:13:20 PM UTC",
                Some(1_700_000_000_000),
            ),
            (
                "EEE, d MMM yyyy hh:mm:ss a z",
                "Tue, 14 Nov 2023 10:13:20 PM PST",
                Some(1_700_028_800_000),
            ),
            (
                "yyyy-MM-dd HH:mm:ssX",
                "2023-11-14 22:13:20+0130",
                Some(1_699_996_400_000),
            ),
            (
                "yyyy-MM-dd HH:mm:ssXX",
                "2023-11-14 22:13:20+0130",
                Some(1_699_994_600_000),
            ),
            (
                "yyyy-MM-dd HH:mm:ssXXX",
                "2023-11-14 22:13:20-01:30",
                Some(1_700_005_400_000),
            ),
            (
                "yyyy-MM-dd HH:mm:ssZ",
                "2023-11-14 22:13:20 +0100",
                Some(1_699_996_400_000),
            ),
            (
                "yyyy-MM-dd HH:mm:ss z",
                "2023-11-14 22:13:20 GMT+1:00",
                Some(1_699_996_400_000),
            ),
            ("YYYY-'W'ww-u", "2023-W46-2", Some(1_699_920_000_000)),
            ("YYYY-ww", "2024-01", Some(1_703_980_800_000)),
            ("HH:mm", "01:02", Some(3_720_000)),
            ("yyyy DDD", "2023 318", Some(1_699_920_000_000)),
            ("yy-MM-dd", "23-01-02", Some(1_672_617_600_000)),
            ("yy-MM-dd", "99-01-02", Some(915_235_200_000)),
            ("yy-MM-dd", "123-01-02", Some(-58_285_699_200_000)),
            ("yyyy-MM-dd", "-5-01-02", Some(-62_325_072_000_000)),
            ("G yyyy", "BC 0002", Some(-62_198_928_000_000)),
            ("E", "Tue", Some(432_000_000)),
            ("yyyy-MM F E", "2023-11 2 Tue", Some(1_699_920_000_000)),
            ("yyyy-MM W u", "2023-11 2 9", Some(1_699_228_800_000)),
            ("h a", "12 AM", Some(0)),
            ("h", "13", Some(46_800_000)),
            ("k", "24", Some(0)),
            ("a", "PM", Some(43_200_000)),
            ("yyyy ww E", "2023 46 Tue", Some(1_699_920_000_000)),
            ("dd.MM.yy", "1.2.03", Some(1_044_057_600_000)),
            (
                "yyyy-MM-dd HH:mm",
                "2023-01-02 -3:04",
                Some(1_672_607_040_000),
            ),
            ("SSS", "1234567", Some(1_234_567)),
            ("yyyyMM", "2023", None),
            ("MMM d", "Sept 5", None),
            ("MMM d", "sep 5", Some(21_340_800_000)),
            ("YYYY u", "2024 0", Some(1_703_376_000_000)),
            ("YYYY u", "2024 9", Some(1_704_758_400_000)),
            ("yyyy-MM-dd", "  2023-  1-2", Some(1_672_617_600_000)),
            ("X", "+1:00", None),
            ("z", "Z", None),
            ("yyyy-MM-dd", "1500-02-29", Some(-14_825_894_400_000)),
            ("yyyy-MM-dd", "0000-01-01", Some(-62_167_392_000_000)),
            ("S", "1.5", Some(1)),
            ("L", "3", Some(5_097_600_000)),
            ("LLL", "Mar", Some(5_097_600_000)),
            ("Z", "GMT+01:00", Some(-3_600_000)),
            ("Z", "+1:00", None),
            ("Z", "CET", Some(-3_600_000)),
            ("yyyy-MM-dd", "2023/11/14", None),
            ("yyyy-MM-dd", "", None),
        ] {
            assert_eq!(
                DateFormat::new(pattern).unwrap().parse(text),
                millis,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn bad_patterns_are_told_in_javas_words() {
        for (pattern, message) in [
            ("yyyy-bb", "Illegal pattern character 'b'"),
            ("'open", "Unterminated quote"),
            ("XXXX", "invalid ISO 8601 format: length=4"),
        ] {
            assert_eq!(DateFormat::new(pattern).unwrap_err(), message);
        }
    }
}
