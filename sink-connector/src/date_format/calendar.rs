//! The calendar of `java.util.GregorianCalendar` in UTC: Julian before 15 October 1582, weeks from Sunday, the week of
//! 1 January is the first.
//!
//! In: milliseconds of the epoch, or fields as a text gave them. Out: fields, or milliseconds. Fields out of range
//! roll over (month 13 is January of the next year), as Java's lenient calendar has it.

const DAY: i64 = 86_400_000;
/// 1582-10-15, in days of the epoch: the first day of the Gregorian calendar.
const CUTOVER: i64 = -141_427;

/// A moment, split.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Day of the epoch.
    days: i64,
    /// Year, astronomical: 0 is 1 BC.
    year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
    /// Milliseconds of the day.
    time: i64,
}

impl Moment {
    pub(super) fn of(millis: i64) -> Self {
        let days = millis.div_euclid(DAY);
        let (year, month, day) = if days >= CUTOVER {
            gregorian_date(days)
        } else {
            julian_date(days)
        };
        Self {
            days,
            year,
            month,
            day,
            time: millis.rem_euclid(DAY),
        }
    }

    pub(super) fn common_era(&self) -> bool {
        self.year > 0
    }

    pub(super) fn year_of_era(&self) -> i64 {
        if self.year > 0 {
            self.year
        } else {
            1 - self.year
        }
    }

    pub(super) fn month_index(&self) -> usize {
        usize::try_from(self.month - 1).unwrap_or(0)
    }

    /// 1 is Sunday.
    pub(super) fn weekday(&self) -> i64 {
        weekday(self.days)
    }

    pub(super) fn weekday_index(&self) -> usize {
        usize::try_from(self.weekday() - 1).unwrap_or(0)
    }

    pub(super) fn day_of_year(&self) -> i64 {
        self.days - first_of_month(self.year, 1) + 1
    }

    pub(super) fn week_of_year(&self) -> i64 {
        let next = first_week(self.year + 1);
        if self.days >= next {
            return 1;
        }
        (self.days - first_week(self.year)) / 7 + 1
    }

    pub(super) fn week_year(&self) -> i64 {
        self.year + i64::from(self.days >= first_week(self.year + 1))
    }

    pub(super) fn week_of_month(&self) -> i64 {
        let first = first_of_month(self.year, self.month);
        (self.days - week_start(first)) / 7 + 1
    }

    pub(super) fn hour(&self) -> i64 {
        self.time / 3_600_000
    }

    pub(super) fn minute(&self) -> i64 {
        self.time / 60_000 % 60
    }

    pub(super) fn second(&self) -> i64 {
        self.time / 1000 % 60
    }

    pub(super) fn milli(&self) -> i64 {
        self.time % 1000
    }
}

/// Fields that a text gave, each with the turn at which it did: of fields that say the same, the later counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    turn: u32,
    pub(super) era: Given,
    pub(super) year: Given,
    pub(super) week_year: Given,
    /// From 0.
    pub(super) month: Given,
    pub(super) day: Given,
    pub(super) day_of_year: Given,
    pub(super) week_of_year: Given,
    pub(super) week_of_month: Given,
    pub(super) weekday_in_month: Given,
    /// 1 is Sunday.
    pub(super) weekday: Given,
    pub(super) half: Given,
    /// Of twelve.
    pub(super) hour12: Given,
    pub(super) hour: Given,
    pub(super) minute: Given,
    pub(super) second: Given,
    pub(super) milli: Given,
    /// Milliseconds.
    pub(super) zone: Given,
}

/// A field's value and the turn at which it was given; turn 0 is never.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given {
    value: i64,
    turn: u32,
}

impl Given {
    fn or(self, default: i64) -> i64 {
        if self.turn == 0 { default } else { self.value }
    }
}

/// The later of two fields that only count together.
fn both(a: Given, b: Given) -> u32 {
    if a.turn == 0 || b.turn == 0 {
        0
    } else {
        a.turn.max(b.turn)
    }
}

impl Fields {
    /// Notes a field's value.
    pub(super) fn set(&mut self, field: fn(&mut Self) -> &mut Given, value: i64) {
        self.turn += 1;
        let turn = self.turn;
        *field(self) = Given { value, turn };
    }

    /// Milliseconds of the epoch. Fields that were not given are those of 1970-01-01T00:00Z.
    pub(super) fn millis(&self) -> i64 {
        let day = if self.week_year.turn > self.year.turn {
            self.day_of_week_year()
        } else {
            self.resolve_day()
        };
        let parts = [
            (day, DAY),
            (self.resolve_hour(), 3_600_000),
            (self.minute.or(0), 60_000),
            (self.second.or(0), 1000),
            (self.milli.or(0) - self.zone.or(0), 1),
        ];
        parts.iter().fold(0i64, |sum, (count, unit)| {
            sum.wrapping_add(count.wrapping_mul(*unit))
        })
    }

    fn resolve_hour(&self) -> i64 {
        let by_half = both(self.hour12, self.half);
        let best = by_half.max(self.hour.turn);
        if best != 0 && best == self.hour.turn {
            return self.hour.value;
        }
        self.hour12.or(0) + 12 * self.half.or(0)
    }

    /// The astronomical year.
    fn resolve_year(&self) -> i64 {
        let year = self.year.or(1970);
        if self.era.or(1) == 0 { 1 - year } else { year }
    }

    fn day_of_week_year(&self) -> i64 {
        let week = self.week_of_year.or(1);
        let weekday = match self.weekday.or(1) {
            valid @ 1..=7 => valid,
            // Counted from Monday and rolled into other weeks, where Sunday is the first day again.
            8.. => {
                let (weeks, iso) = (
                    (self.weekday.value - 1) / 7,
                    (self.weekday.value - 1) % 7 + 1,
                );
                7 * weeks + iso % 7 + 1
            }
            _ => {
                let iso = (self.weekday.value - 1).rem_euclid(7) + 1;
                self.weekday.value - iso + iso % 7 + 1
            }
        };
        first_week(self.week_year.value) + 7 * (week - 1) + weekday - 1
    }

    /// The day by the group of fields that was completed last, as `Calendar.selectFields` chooses.
    fn resolve_day(&self) -> i64 {
        let year = self.resolve_year();
        let mut day = self.day.turn;
        let mut in_month = both(self.week_of_month, self.weekday);
        let mut weekday_in_month = both(self.weekday_in_month, self.weekday);
        let of_year = self.day_of_year.turn;
        let mut week = both(self.week_of_year, self.weekday);
        let mut best = day
            .max(in_month)
            .max(weekday_in_month)
            .max(of_year)
            .max(week);
        if best == 0 {
            in_month = self.week_of_month.turn;
            weekday_in_month = self.weekday_in_month.turn.max(self.weekday.turn);
            week = self.week_of_year.turn;
            best = in_month.max(weekday_in_month).max(week);
            if best == 0 {
                day = self.month.turn;
                best = day;
            }
        }
        let first = first_of_month(year, self.month.or(0) + 1);
        if best == day {
            return day_counted(year, self.month.or(0) + 1, self.day.or(1));
        }
        if best == in_month && self.week_of_month.turn >= self.week_of_year.turn {
            return self.in_week(week_start(first), self.week_of_month.or(1));
        }
        if best == weekday_in_month && self.weekday_in_month.turn >= self.week_of_year.turn {
            return self.nth_weekday(first, year);
        }
        if best == of_year {
            return first_of_month(year, 1) + self.day_of_year.value - 1;
        }
        self.in_week(first_week(year), self.week_of_year.or(1))
    }

    fn in_week(&self, first: i64, week: i64) -> i64 {
        on_or_before(first + 6, self.weekday.or(1)) + 7 * (week - 1)
    }

    fn nth_weekday(&self, first: i64, year: i64) -> i64 {
        let (nth, weekday) = (self.weekday_in_month.or(1), self.weekday.or(1));
        if nth >= 0 {
            return on_or_before(first + 7 * nth - 1, weekday);
        }
        let length = first_of_month(year, self.month.or(0) + 2) - first;
        on_or_before(first + length + 7 * (nth + 1) - 1, weekday)
    }
}

/// 1 is Sunday. Day 0 was a Thursday.
fn weekday(days: i64) -> i64 {
    (days + 4).rem_euclid(7) + 1
}

/// The last day of this weekday not after `day`.
fn on_or_before(day: i64, weekday: i64) -> i64 {
    day - (day + 4 - (weekday - 1)).rem_euclid(7)
}

/// The Sunday of a day's week.
fn week_start(day: i64) -> i64 {
    on_or_before(day, 1)
}

/// The Sunday of the week of 1 January.
fn first_week(year: i64) -> i64 {
    week_start(first_of_month(year, 1))
}

/// Day of the epoch of a month's first; the month may be out of range. By the calendar in force on that day.
fn first_of_month(year: i64, month: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    let gregorian = gregorian_days(year, month, 1);
    if gregorian >= CUTOVER {
        gregorian
    } else {
        julian_days(year, month, 1)
    }
}

/// Day of the epoch of the `day`th day counted from a month's first, by the calendar in force on that day. The ten days
/// that October 1582 lacks are counted on in the Julian calendar.
fn day_counted(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    let gregorian = gregorian_days(year, month, 1) + day - 1;
    if gregorian >= CUTOVER {
        gregorian
    } else {
        julian_days(year, month, 1) + day - 1
    }
}

/// Days before a month in a year that begins with March.
fn days_before(month: i64) -> i64 {
    (153 * ((month + 9) % 12) + 2) / 5
}

fn gregorian_days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + days_before(month) + day - 719_469
}

fn julian_days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    year * 365 + year.div_euclid(4) + days_before(month) + day - 719_471
}

fn gregorian_date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let cycle = shifted.div_euclid(146_097);
    let rest = shifted.rem_euclid(146_097);
    let year = (rest - rest / 1460 + rest / 36_524 - rest / 146_096) / 365;
    let day = rest - (365 * year + year / 4 - year / 100);
    month_and_day(cycle * 400 + year, day)
}

fn julian_date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_470;
    let cycle = shifted.div_euclid(1461);
    let rest = shifted.rem_euclid(1461);
    let year = (rest - rest / 1460) / 365;
    month_and_day(cycle * 4 + year, rest - 365 * year)
}

/// From the day of a year that begins with March.
fn month_and_day(year: i64, day: i64) -> (i64, i64, i64) {
    let part = (5 * day + 2) / 153;
    let month = (part + 2) % 12 + 1;
    let year = if month <= 2 { year + 1 } else { year };
    (year, month, day - (153 * part + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_go_both_ways() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (19_782, (2024, 2, 29)),
            (CUTOVER, (1582, 10, 15)),
            (CUTOVER - 1, (1582, 10, 4)),
            (-719_164, (1, 1, 1)),
            (-719_165, (0, 12, 31)),
        ] {
            let moment = Moment::of(days * DAY);
            assert_eq!((moment.year, moment.month, moment.day), date, "{days}");
        }
        for days in (-800_000..200_000).step_by(97) {
            let moment = Moment::of(days * DAY);
            let first = first_of_month(moment.year, moment.month);
            // October 1582 lacks ten days.
            if (moment.year, moment.month) != (1582, 10) {
                assert_eq!(first + moment.day - 1, days);
            }
        }
    }

    /// Days of October 1582 as `GregorianCalendar` counts them: the 5th to the 14th are those ten days later.
    #[test]
    fn the_month_of_the_cutover_has_both_calendars() {
        let days = |month, day| {
            let mut fields = Fields::default();
            fields.set(|f| &mut f.year, 1582);
            fields.set(|f| &mut f.month, month);
            fields.set(|f| &mut f.day, day);
            fields.millis() / DAY - CUTOVER
        };
        let october = [1, 4, 5, 14, 15, 31].map(|day| days(9, day));
        assert_eq!(october, [-4, -1, 0, 9, 0, 16]);
        assert_eq!((days(8, 30), days(10, 1)), (-5, 17));
    }

    #[test]
    fn fields_out_of_range_roll_over() {
        let mut fields = Fields::default();
        fields.set(|f| &mut f.year, 2023);
        fields.set(|f| &mut f.month, 12);
        fields.set(|f| &mut f.day, 45);
        assert_eq!(fields.millis(), 1_707_868_800_000);
    }
}
