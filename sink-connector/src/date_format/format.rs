//! Milliseconds → text.

use std::fmt::Write as _;

use super::calendar::Moment;
use super::names::{DAYS, ERAS, HALVES, MONTHS};
use super::pattern::Item;

/// The text of a time in UTC.
pub(super) fn format(items: &[Item], millis: i64) -> String {
    let moment = Moment::of(millis);
    let mut text = String::new();
    for item in items {
        match item {
            Item::Literal(literal) => text.push_str(literal),
            Item::Field(letter, count) => field(&moment, *letter, *count, &mut text),
        }
    }
    text
}

fn field(moment: &Moment, letter: char, count: usize, out: &mut String) {
    let hour = moment.hour();
    let number = match letter {
        'G' => return out.push_str(ERAS[usize::from(moment.common_era())]),
        'y' => return year(moment.year_of_era(), count, out),
        'Y' => return year(moment.week_year(), count, out),
        'M' | 'L' if count >= 3 => return name(MONTHS[moment.month_index()], count, out),
        'M' | 'L' => moment.month,
        'E' => return name(DAYS[moment.weekday_index()], count, out),
        'a' => return out.push_str(HALVES[usize::from(hour >= 12)]),
        'z' if count >= 4 => return out.push_str("Coordinated Universal Time"),
        'z' => return out.push_str("UTC"),
        'Z' => return out.push_str("+0000"),
        'X' => return out.push('Z'),
        'd' => moment.day,
        'D' => moment.day_of_year(),
        'F' => (moment.day - 1) / 7 + 1,
        'w' => moment.week_of_year(),
        'W' => moment.week_of_month(),
        'u' => (moment.weekday() + 5) % 7 + 1,
        'H' => hour,
        'k' if hour == 0 => 24,
        'k' => hour,
        'K' => hour % 12,
        'h' if hour % 12 == 0 => 12,
        'h' => hour % 12,
        'm' => moment.minute(),
        's' => moment.second(),
        _ => moment.milli(),
    };
    // Writing to a String does not fail.
    let _ = write!(out, "{number:0count$}");
}

/// Two letters are two digits, any other number of letters the whole year.
fn year(year: i64, count: usize, out: &mut String) {
    let _ = match count {
        2 => write!(out, "{:02}", year.rem_euclid(100)),
        _ => write!(out, "{year:0count$}"),
    };
}

fn name(name: &str, count: usize, out: &mut String) {
    out.push_str(if count >= 4 { name } else { &name[..3] });
}
