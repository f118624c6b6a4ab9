//! Texts of a language: months, days, halves of the day, eras.
//!
//! In: `locale` as it is configured. As in the original it is taken for a bare language (`fr`): `fr-FR` or `de_DE` name
//! no language, and get the texts of the root locale, which look English. Languages that are not in the table get them
//! too. The table holds what Java 17 has from the Unicode CLDR.

const TABLE: &str = include_str!("locale/texts.tsv");

/// The texts of one language, in the order of the calendar; weeks begin on Sunday.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    months: Vec<&'static str>,
    short_months: Vec<&'static str>,
    days: Vec<&'static str>,
    short_days: Vec<&'static str>,
    halves: Vec<&'static str>,
    eras: Vec<&'static str>,
}

impl Texts {
    /// The texts for a `locale`.
    pub(crate) fn of(locale: &str) -> Self {
        let language = locale.to_lowercase();
        let line = |wanted: &str| {
            TABLE
                .lines()
                .find(|line| line.split('\t').next() == Some(wanted))
        };
        let mut columns = line(&language)
            .or_else(|| line(""))
            .unwrap_or_default()
            .split('\t')
            .skip(1)
            .map(|column| column.split('|').collect());
        let mut next = || columns.next().unwrap_or_default();
        Self {
            months: next(),
            short_months: next(),
            days: next(),
            short_days: next(),
            halves: next(),
            eras: next(),
        }
    }

    /// Name of a month (from 1).
    pub(super) fn month(&self, month: i64, short: bool) -> &'static str {
        let names = if short {
            &self.short_months
        } else {
            &self.months
        };
        at(names, month - 1)
    }

    /// Name of a day of the week (1 is Monday).
    pub(super) fn day(&self, day: i64, short: bool) -> &'static str {
        let names = if short { &self.short_days } else { &self.days };
        at(names, day % 7)
    }

    /// Before or after noon.
    pub(super) fn half(&self, afternoon: bool) -> &'static str {
        at(&self.halves, i64::from(afternoon))
    }

    /// Before Christ or after.
    pub(super) fn era(&self, year: i64) -> &'static str {
        at(&self.eras, i64::from(year > 0))
    }
}

fn at(names: &[&'static str], index: i64) -> &'static str {
    usize::try_from(index)
        .ok()
        .and_then(|index| names.get(index))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_of_the_table_is_complete() {
        for line in TABLE.lines() {
            let language = line.split('\t').next().unwrap_or_default();
            let texts = Texts::of(language);
            let lengths = [
                texts.months.len(),
                texts.short_months.len(),
                texts.days.len(),
                texts.short_days.len(),
                texts.halves.len(),
                texts.eras.len(),
            ];
            assert_eq!(lengths, [12, 12, 7, 7, 2, 2], "{language}");
        }
    }

    /// As recorded: only a bare language is one.
    #[test]
    fn regions_make_a_locale_unknown() {
        let root = Texts::of("");
        for locale in ["en-US", "fr-FR", "de_DE", "US", "zz"] {
            assert_eq!(Texts::of(locale), root, "{locale}");
        }
        assert_eq!((root.month(12, false), root.day(7, false)), ("Dec", "Sun"));
        let french = Texts::of("fr");
        assert_eq!(
            (french.month(12, false), french.day(7, true)),
            ("décembre", "dim.")
        );
        assert_eq!(Texts::of("FR"), french);
        assert_eq!(
            (Texts::of("ja").half(true), Texts::of("en").era(0)),
            ("午後", "BC")
        );
    }
}
