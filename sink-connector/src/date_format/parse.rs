//! Text → milliseconds, as leniently as `SimpleDateFormat` is by default.
//!
//! Blanks before a field are passed over, numbers take as many digits as there are (or as the pattern has letters,
//! when another field follows at once), names are found in any case, two-digit years lie within 80 years before and
//! 20 after now, fields out of range roll over, and what follows the pattern's end is not looked at.

use std::time::{SystemTime, UNIX_EPOCH};

use super::calendar::{Fields, Moment};
use super::names::{DAYS, ERAS, HALVES, MONTHS, ZONES};
use super::pattern::Item;

const MINUTE: i64 = 60_000;
const YEAR_MILLIS: i64 = 31_556_952_000;

/// The milliseconds of the epoch; `None` when the text does not begin as the pattern says.
pub(super) fn parse(items: &[Item], text: &str) -> Option<i64> {
    let mut parser = Parser {
        rest: text,
        fields: Fields::default(),
        ambiguous_year: false,
    };
    let mut items = items.iter().peekable();
    while let Some(item) = items.next() {
        match item {
            Item::Literal(literal) => parser.rest = parser.rest.strip_prefix(literal.as_str())?,
            Item::Field(letter, count) => {
                let adjacent = matches!(items.peek(), Some(Item::Field(..)));
                parser.field(*letter, *count, adjacent)?;
            }
        }
    }
    let millis = parser.fields.millis();
    if parser.ambiguous_year && millis < century_start() {
        let year = two_digit_year_base() + 100;
        parser.fields.set(|fields| &mut fields.year, year);
        return Some(parser.fields.millis());
    }
    Some(millis)
}

/// Eighty years ago.
fn century_start() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX) - 80 * YEAR_MILLIS
}

fn two_digit_year_base() -> i64 {
    Moment::of(century_start()).year_of_era()
}

struct Parser<'t> {
    rest: &'t str,
    fields: Fields,
    ambiguous_year: bool,
}

impl Parser<'_> {
    fn field(&mut self, letter: char, count: usize, adjacent: bool) -> Option<()> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        if self.rest.is_empty() {
            return None;
        }
        match letter {
            'G' => {
                let era = self.name(&ERAS, false)?;
                self.fields.set(|fields| &mut fields.era, era);
            }
            'y' | 'Y' => self.year(letter, count, adjacent)?,
            'M' | 'L' if count >= 3 => {
                let month = self.name(&MONTHS, true)?;
                self.fields.set(|fields| &mut fields.month, month);
            }
            'E' => {
                let day = self.name(&DAYS, true)?;
                self.fields.set(|fields| &mut fields.weekday, day + 1);
            }
            'a' => {
                let half = self.name(&HALVES, false)?;
                self.fields.set(|fields| &mut fields.half, half);
            }
            'z' | 'Z' => self.zone()?,
            'X' => self.iso_zone(count)?,
            _ => self.numeric(letter, count, adjacent)?,
        }
        Some(())
    }

    fn numeric(&mut self, letter: char, count: usize, adjacent: bool) -> Option<()> {
        let number = self.number(adjacent.then_some(count))?;
        let fields = &mut self.fields;
        match letter {
            'M' | 'L' => fields.set(|f| &mut f.month, number - 1),
            'd' => fields.set(|f| &mut f.day, number),
            'D' => fields.set(|f| &mut f.day_of_year, number),
            'F' => fields.set(|f| &mut f.weekday_in_month, number),
            'w' => fields.set(|f| &mut f.week_of_year, number),
            'W' => fields.set(|f| &mut f.week_of_month, number),
            // 1 is Monday in the text, Sunday in the calendar; what is out of range stays for the calendar to roll.
            'u' if (1..=7).contains(&number) => fields.set(|f| &mut f.weekday, number % 7 + 1),
            'u' => fields.set(|f| &mut f.weekday, number),
            'H' => fields.set(|f| &mut f.hour, number),
            'k' => fields.set(|f| &mut f.hour, if number == 24 { 0 } else { number }),
            'K' => fields.set(|f| &mut f.hour12, number),
            'h' => fields.set(|f| &mut f.hour12, if number == 12 { 0 } else { number }),
            'm' => fields.set(|f| &mut f.minute, number),
            's' => fields.set(|f| &mut f.second, number),
            _ => fields.set(|f| &mut f.milli, number),
        }
        Some(())
    }

    fn year(&mut self, letter: char, count: usize, adjacent: bool) -> Option<()> {
        let before = self.rest;
        let mut year = self.number(adjacent.then_some(count))?;
        let text = &before[..before.len() - self.rest.len()];
        if count <= 2 && text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let base = two_digit_year_base();
            self.ambiguous_year = year == base % 100;
            year += base / 100 * 100 + if year < base % 100 { 100 } else { 0 };
        }
        match letter {
            'y' => self.fields.set(|f| &mut f.year, year),
            _ => self.fields.set(|f| &mut f.week_year, year),
        }
        Some(())
    }

    /// A whole number, negative with `-`, of at most `width` characters.
    fn number(&mut self, width: Option<usize>) -> Option<i64> {
        let available = match width {
            Some(width) => self.rest.get(..width)?,
            None => self.rest,
        };
        let sign = usize::from(available.starts_with('-'));
        let digits = available[sign..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        if digits == 0 {
            return None;
        }
        let (number, rest) = self.rest.split_at(sign + digits);
        self.rest = rest;
        // Java takes the low 32 bits of what fits into 64, and the nearest 32-bit number of what does not.
        Some(match number.parse::<i64>() {
            Ok(number) => i64::from(number as i32),
            Err(_) if sign == 1 => i64::from(i32::MIN),
            Err(_) => i64::from(i32::MAX),
        })
    }

    /// The position of the longest name that comes next; `short` takes its first three letters too.
    fn name(&mut self, names: &[&str], short: bool) -> Option<i64> {
        let begins = |name: &str| {
            let start = self.rest.get(..name.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        let matched = |name: &&str| match name {
            name if begins(name) => name.len(),
            name if short && begins(&name[..3]) => 3,
            _ => 0,
        };
        let (at, length) = names
            .iter()
            .map(matched)
            .enumerate()
            .filter(|(_, length)| *length > 0)
            .max_by_key(|(at, length)| (*length, usize::MAX - at))?;
        self.rest = &self.rest[length..];
        i64::try_from(at).ok()
    }

    /// `+hhmm`, `GMT`, `GMT+h:mm`, or a zone's name.
    fn zone(&mut self) -> Option<()> {
        if let Some(sign) = self.sign() {
            return self.offset(sign, 2, false);
        }
        let gmt = self.rest.get(..3)?;
        if gmt.eq_ignore_ascii_case("GMT") {
            self.rest = &self.rest[3..];
            return match self.sign() {
                Some(sign) => self.offset(sign, 0, true),
                None => {
                    self.fields.set(|fields| &mut fields.zone, 0);
                    Some(())
                }
            };
        }
        let names: Vec<&str> = ZONES.iter().map(|(name, _)| *name).collect();
        let at = usize::try_from(self.name(&names, false)?).ok()?;
        let minutes = i64::from(ZONES[at].1);
        self.fields.set(|fields| &mut fields.zone, minutes * MINUTE);
        Some(())
    }

    /// `Z`, `+hh`, `+hhmm`, `+hh:mm`, by the number of letters.
    fn iso_zone(&mut self, count: usize) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            self.fields.set(|fields| &mut fields.zone, 0);
            return Some(());
        }
        let sign = self.sign()?;
        self.offset(sign, count, count == 3)
    }

    fn sign(&mut self) -> Option<i64> {
        let sign = match self.rest.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.rest = &self.rest[1..];
        Some(sign)
    }

    /// Hours, and unless `letters` is 1 minutes: `hh`, `hhmm`, with `colon` `hh:mm` (and with no letters `h:mm`).
    fn offset(&mut self, sign: i64, letters: usize, colon: bool) -> Option<()> {
        let bytes = self.rest.as_bytes();
        let digit = |at: usize| match bytes.get(at) {
            Some(byte) if byte.is_ascii_digit() => Some(i64::from(byte - b'0')),
            _ => None,
        };
        let mut hours = digit(0)?;
        let mut at = 1;
        match digit(1) {
            Some(second) => {
                hours = hours * 10 + second;
                at = 2;
            }
            None if letters == 0 && colon => {}
            None => return None,
        }
        if hours > 23 {
            return None;
        }
        let mut minutes = 0;
        if letters != 1 {
            if colon {
                if bytes.get(at) != Some(&b':') {
                    return None;
                }
                at += 1;
            }
            minutes = digit(at)? * 10 + digit(at + 1)?;
            at += 2;
            if minutes > 59 {
                return None;
            }
        }
        self.rest = &self.rest[at..];
        let offset = sign * (hours * 60 + minutes) * MINUTE;
        self.fields.set(|fields| &mut fields.zone, offset);
        Some(())
    }
}
