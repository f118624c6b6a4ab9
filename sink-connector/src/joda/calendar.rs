//! Milliseconds of local time → year, month, day, week and the rest. Pure arithmetic without bounds on the year.

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// The parts of a local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    /// Year; 0 is 1 BC.
    pub(super) year: i64,
    /// Month, from 1.
    pub(super) month: i64,
    /// Day of the month, from 1.
    pub(super) day: i64,
    /// Day of the year, from 1.
    pub(super) day_of_year: i64,
    /// Day of the week: 1 is Monday, 7 Sunday.
    pub(super) day_of_week: i64,
    /// Year that the ISO week belongs to.
    pub(super) week_year: i64,
    /// ISO week, from 1.
    pub(super) week: i64,
    /// Hour of the day.
    pub(super) hour: i64,
    /// Minute of the hour.
    pub(super) minute: i64,
    /// Second of the minute.
    pub(super) second: i64,
    /// Millisecond of the second.
    pub(super) milli: i64,
}

impl Fields {
    /// The parts of `local_ms`, milliseconds since 1970-01-01T00:00 of local time.
    pub(super) fn of(local_ms: i64) -> Self {
        let days = local_ms.div_euclid(DAY_MS);
        let in_day = local_ms.rem_euclid(DAY_MS);
        let (year, month, day) = date_of(days);
        let day_of_year = days - days_of(year, 1, 1) + 1;
        // 1970-01-01 was a Thursday.
        let day_of_week = (days + 3).rem_euclid(7) + 1;
        // A week belongs to the year of its Thursday.
        let thursday = days + 4 - day_of_week;
        let (week_year, _, _) = date_of(thursday);
        Self {
            year,
            month,
            day,
            day_of_year,
            day_of_week,
            week_year,
            week: (thursday - days_of(week_year, 1, 1)) / 7 + 1,
            hour: in_day / 3_600_000,
            minute: in_day / 60_000 % 60,
            second: in_day / 1_000 % 60,
            milli: in_day % 1_000,
        }
    }
}

/// Days since 1970-01-01 of a date. Years are counted from March, so that the leap day is the last of a year, in cycles
/// of 400 years with 146,097 days.
pub(super) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let cycle = year.div_euclid(400);
    let of_cycle = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    cycle * 146_097 + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let cycle = days.div_euclid(146_097);
    let of_cycle = days.rem_euclid(146_097);
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year + cycle * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_day_of_many_years_is_what_the_time_library_says() {
        let mut date = jiff::civil::date(1890, 1, 1);
        let mut days = days_of(1890, 1, 1);
        while date.year() < 2110 {
            let fields = Fields::of(days * DAY_MS + 3_661_001);
            let week = date.iso_week_date();
            assert_eq!(
                (fields.year, fields.month, fields.day, fields.day_of_year),
                (
                    i64::from(date.year()),
                    i64::from(date.month()),
                    i64::from(date.day()),
                    i64::from(date.day_of_year())
                )
            );
            assert_eq!(
                (fields.week_year, fields.week, fields.day_of_week),
                (
                    i64::from(week.year()),
                    i64::from(week.week()),
                    i64::from(date.weekday().to_monday_one_offset())
                )
            );
            assert_eq!(
                (fields.hour, fields.minute, fields.second, fields.milli),
                (1, 1, 1, 1)
            );
            date = date.tomorrow().unwrap();
            days += 1;
        }
    }

    #[test]
    fn years_beyond_any_calendar_have_a_date() {
        assert_eq!(Fields::of(1_709_251_200_000_000).year, 56_134);
        assert_eq!(Fields::of(-62_167_219_200_001).year, -1);
        for extreme in [i64::MIN, i64::MAX] {
            assert!((1..=12).contains(&Fields::of(extreme).month));
        }
    }
}
