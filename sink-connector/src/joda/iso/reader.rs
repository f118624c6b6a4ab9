//! The parts of an ISO 8601 text, read one behind the other.
//!
//! In: a text. Out: its date and time as numbers, which may be out of range. Of several ways to read a date the longest
//! counts; what is optional and does not fit is left for [`Reader::end`] to complain of.

use super::{IsoError, within};

/// A date as it is written.
#[derive(Clone, Copy)]
pub(super) enum Year {
    /// `yyyy`, `yyyy-MM`, `yyyy-MM-dd`.
    Months { year: i64, month: i64, day: i64 },
    /// `xxxx-Www`, `xxxx-Www-e`.
    Weeks { year: i64, week: i64, day: i64 },
    /// `yyyy-DDD`.
    Days { year: i64, day: i64 },
}

/// A time as it is written; what it leaves out is zero.
#[derive(Clone, Copy, Default)]
pub(super) struct Time {
    hour: i64,
    minute: i64,
    second: i64,
    fraction_ms: i64,
    /// What local time is ahead of UTC.
    pub(super) offset_ms: i64,
}

impl Time {
    /// Milliseconds since midnight.
    pub(super) fn millis(self) -> Result<i64, IsoError> {
        within("hourOfDay", self.hour, 0, 23)?;
        within("minuteOfHour", self.minute, 0, 59)?;
        within("secondOfMinute", self.second, 0, 59)?;
        let seconds = self.hour * 3_600 + self.minute * 60 + self.second;
        Ok(seconds * 1_000 + self.fraction_ms)
    }
}

pub(super) struct Reader<'t> {
    rest: std::str::Chars<'t>,
    at: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            rest: text.chars(),
            at: 0,
        }
    }

    /// Whether `wanted` comes next, as a capital or small letter.
    pub(super) fn is_at(&self, wanted: char) -> bool {
        let next = self.rest.clone().next();
        next.is_some_and(|next| next.eq_ignore_ascii_case(&wanted))
    }

    fn take(&mut self, wanted: char) -> bool {
        let there = self.is_at(wanted);
        if there {
            self.rest.next();
            self.at += 1;
        }
        there
    }

    /// Runs `read`; what it read counts only when it answers something.
    fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let (rest, at) = (self.rest.clone(), self.at);
        let found = read(self);
        if found.is_none() {
            (self.rest, self.at) = (rest, at);
        }
        found
    }

    /// A number of at most so many digits, at least one.
    fn number(&mut self, most: usize) -> Option<i64> {
        let mut value = None;
        for _ in 0..most {
            let Some(digit) = self.rest.clone().next().and_then(|c| c.to_digit(10)) else {
                break;
            };
            value = Some(value.unwrap_or(0) * 10 + i64::from(digit));
            self.rest.next();
            self.at += 1;
        }
        value
    }

    /// A date. Fails with the place where it is none.
    pub(super) fn date(&mut self) -> Result<Year, usize> {
        let sign = if self.take('-') { -1 } else { 1 };
        if sign == 1 {
            self.take('+');
        }
        let Some(year) = self.number(9).map(|year| sign * year) else {
            return Err(0);
        };
        if let Some(week) = self.maybe(|reader| reader.week(year)) {
            return Ok(week);
        }
        if let Some(days) = self.maybe(|reader| reader.day_of_year(year)) {
            return Ok(days);
        }
        let month = self.maybe(|reader| reader.after('-', 2));
        let day = month.and_then(|_| self.maybe(|reader| reader.after('-', 2)));
        Ok(Year::Months {
            year,
            month: month.unwrap_or(1),
            day: day.unwrap_or(1),
        })
    }

    fn week(&mut self, year: i64) -> Option<Year> {
        let week = (self.take('-') && self.take('W')).then(|| self.number(2))??;
        let day = self.maybe(|reader| reader.after('-', 1));
        Some(Year::Weeks {
            year,
            week,
            day: day.unwrap_or(1),
        })
    }

    /// Three digits: fewer are a month.
    fn day_of_year(&mut self, year: i64) -> Option<Year> {
        let start = self.at;
        let day = self.after('-', 3)?;
        (self.at - start == 4).then_some(Year::Days { year, day })
    }

    fn after(&mut self, delimiter: char, most: usize) -> Option<i64> {
        self.take(delimiter).then(|| self.number(most))?
    }

    /// `T` and a time behind a date, each of its parts optional.
    pub(super) fn time(&mut self) -> Option<Time> {
        self.take('T').then(|| {
            let mut time = self.maybe(Self::clock).unwrap_or_default();
            time.offset_ms = self.maybe(Self::offset).unwrap_or(0);
            time
        })
    }

    /// `T` and a time without a date. Fails with the place where it is none.
    pub(super) fn time_alone(&mut self) -> Result<Time, usize> {
        self.take('T');
        let mut time = self.maybe(Self::clock).ok_or(self.at)?;
        time.offset_ms = self.maybe(Self::offset).unwrap_or(0);
        Ok(time)
    }

    fn clock(&mut self) -> Option<Time> {
        let mut time = Time {
            hour: self.number(2)?,
            ..Time::default()
        };
        let Some(minute) = self.maybe(|reader| reader.after(':', 2)) else {
            time.fraction_ms = self.fraction(3_600_000);
            return Some(time);
        };
        time.minute = minute;
        let Some(second) = self.maybe(|reader| reader.after(':', 2)) else {
            time.fraction_ms = self.fraction(60_000);
            return Some(time);
        };
        time.second = second;
        time.fraction_ms = self.fraction(1_000);
        Some(time)
    }

    /// A fraction of `unit` milliseconds behind a point or comma, nine digits at most; 0 when there is none.
    fn fraction(&mut self, unit: i64) -> i64 {
        let fraction = self.maybe(|reader| {
            let point = reader.take('.') || reader.take(',');
            let start = reader.at;
            let digits = point.then(|| reader.number(9))??;
            let scale = 10_i64.pow(u32::try_from(reader.at - start).ok()?);
            Some(digits * unit / scale)
        });
        fraction.unwrap_or(0)
    }

    /// `Z`, `+02`, `+02:00`, `-0500`, with seconds, too.
    fn offset(&mut self) -> Option<i64> {
        if self.take('Z') {
            return Some(0);
        }
        let sign = if self.take('-') {
            -1
        } else if self.take('+') {
            1
        } else {
            return None;
        };
        let mut seconds = self.two_digits(23)? * 3_600;
        let colons = self.is_at(':');
        for unit in [60, 1] {
            let more = self.maybe(|reader| {
                let delimited = !colons || reader.take(':');
                delimited.then(|| reader.two_digits(59))?
            });
            let Some(more) = more else { break };
            seconds += more * unit;
        }
        Some(sign * seconds * 1_000)
    }

    fn two_digits(&mut self, most: i64) -> Option<i64> {
        let start = self.at;
        let value = self.number(2)?;
        (self.at - start == 2 && value <= most).then_some(value)
    }

    /// Fails with the place of what is left.
    pub(super) fn end(self) -> Result<(), usize> {
        match self.rest.as_str() {
            "" => Ok(()),
            _ => Err(self.at),
        }
    }
}
