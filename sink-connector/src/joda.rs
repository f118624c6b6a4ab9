//! Dates as Joda-Time writes and reads them: what the genuine connector's time-based partitioners are made of.
//!
//! In: a pattern (`'year'=YYYY/'month'=MM`), a language, a zone, and times in milliseconds of the epoch. Out: text. A bad
//! pattern or zone is refused when it is read; formatting never fails. The calendar is the proleptic Gregorian one with
//! ISO weeks, for every `i64` of milliseconds.

mod calendar;
mod iso;
mod locale;
mod pattern;
mod zone;

pub(crate) use iso::{IsoError, parse as parse_iso};
pub(crate) use locale::Texts;
pub(crate) use pattern::Pattern;
pub(crate) use zone::Zone;

/// A pattern with its language and zone.
#[derive(Debug)]
pub(crate) struct Formatter {
    pattern: Pattern,
    texts: Texts,
    zone: Zone,
}

impl Formatter {
    pub(crate) fn new(pattern: Pattern, texts: Texts, zone: Zone) -> Self {
        Self {
            pattern,
            texts,
            zone,
        }
    }

    /// The zone times are shown in.
    pub(crate) fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Appends the time `millis` (of the epoch) to `out`.
    pub(crate) fn format(&self, millis: i64, out: &mut String) {
        self.pattern.write(millis, &self.texts, &self.zone, out);
    }
}
