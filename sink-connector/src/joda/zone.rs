//! Time zones: offsets, local arithmetic at the edges of summer time, names.
//!
//! In: the id of a zone as Joda-Time takes it. Out: local time of an instant and back. Years that the zone database's
//! library cannot hold are answered as the same day of a year 400 (or a multiple) nearer to ours.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Zones with English names: short and long, standard and summer time, then the ids they belong to. What Java 17 has.
const NAMES: &str = include_str!("zone/names.tsv");
/// 400 years, after which the calendar repeats.
const CYCLE_MS: i64 = 146_097 * 86_400_000;
/// First and last time at which the zone library is asked: 8000 BC to 9000.
const FIRST_MS: i64 = -315_000_000_000_000;
const LAST_MS: i64 = 221_000_000_000_000;

/// A zone and what it is called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Zone {
    id: String,
    tz: TimeZone,
}

impl Zone {
    /// The zone `tz` under the id it was configured by; an offset's id is the offset, however it was written.
    pub(crate) fn new(id: &str, tz: TimeZone) -> Self {
        let by_offset = tz.iana_name().is_none();
        let id = match offset_ms(&tz, 0) {
            0 if by_offset || tz == TimeZone::UTC => "UTC".to_owned(),
            offset if by_offset => offset_text(offset, true),
            _ => id.to_owned(),
        };
        Self { id, tz }
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Milliseconds that local time is ahead of UTC at `millis`.
    pub(crate) fn offset(&self, millis: i64) -> i64 {
        offset_ms(&self.tz, millis)
    }

    /// The instant of a local time. Of two, where clocks are set back, the one that Joda-Time gives for the hour's
    /// local start; where clocks skip it, the time moves by the size of the gap.
    pub(crate) fn to_utc(&self, local_ms: i64) -> i64 {
        let guess = self.offset(local_ms);
        let offset = self.offset(local_ms.saturating_sub(guess));
        let keep_guess = guess != offset && guess < 0 && self.skipped(local_ms, guess, offset);
        local_ms.saturating_sub(if keep_guess { guess } else { offset })
    }

    /// Whether no instant has this local time: neither offset holds at the time it leads to.
    fn skipped(&self, local_ms: i64, one: i64, other: i64) -> bool {
        [one, other]
            .into_iter()
            .all(|offset| self.offset(local_ms.saturating_sub(offset)) != offset)
    }

    /// `EST`, or `Eastern Standard Time`; the offset where the zone has no name.
    pub(super) fn name(&self, millis: i64, long: bool) -> String {
        let summer = Timestamp::from_millisecond(nearer(millis))
            .is_ok_and(|time| self.tz.to_offset_info(time).dst().is_dst());
        let column = usize::from(long) * 2 + usize::from(summer);
        let line = NAMES.lines().find(|line| {
            line.rsplit('\t')
                .next()
                .is_some_and(|ids| ids.split(' ').any(|id| id == self.id))
        });
        match line.and_then(|line| line.split('\t').nth(column)) {
            Some(name) => name.to_owned(),
            None => offset_text(self.offset(millis), true),
        }
    }
}

fn offset_ms(tz: &TimeZone, millis: i64) -> i64 {
    match Timestamp::from_millisecond(nearer(millis)) {
        Ok(time) => i64::from(tz.to_offset(time).seconds()) * 1_000,
        Err(_) => 0,
    }
}

fn nearer(millis: i64) -> i64 {
    if millis > LAST_MS {
        millis - ((millis - LAST_MS) / CYCLE_MS + 1) * CYCLE_MS
    } else if millis < FIRST_MS {
        millis + ((FIRST_MS - millis) / CYCLE_MS + 1) * CYCLE_MS
    } else {
        millis
    }
}

/// `+0530`, or `+05:30` with `colon`; seconds only where the offset has some.
pub(super) fn offset_text(offset_ms: i64, colon: bool) -> String {
    let sign = if offset_ms < 0 { '-' } else { '+' };
    let seconds = offset_ms.abs() / 1_000;
    let delim = if colon { ":" } else { "" };
    let mut text = format!(
        "{sign}{:02}{delim}{:02}",
        seconds / 3_600,
        seconds / 60 % 60
    );
    if seconds % 60 != 0 {
        text.push_str(&format!("{delim}{:02}", seconds % 60));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn zone(id: &str) -> Zone {
        Zone::new(id, TimeZone::get(id).unwrap())
    }

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn every_local_hour_leads_to_an_instant_that_shows_it_unless_it_is_skipped() {
        for id in [
            "America/New_York",
            "Europe/Paris",
            "Australia/Lord_Howe",
            "UTC",
            "Asia/Kolkata",
        ] {
            let zone = zone(id);
            let mut local = ms("2023-01-01T00:00:00Z");
            while local < ms("2025-01-01T00:00:00Z") {
                let utc = zone.to_utc(local);
                let shown = utc + zone.offset(utc);
                let distance = (shown - local).abs();
                assert!(
                    distance == 0 || distance == 3_600_000 || distance == 1_800_000,
                    "{id} {local}"
                );
                local += 1_800_000;
            }
        }
    }

    #[test]
    fn an_hour_that_clocks_skip_moves_on() {
        let new_york = zone("America/New_York");
        // 02:30 does not exist on this day; it becomes 03:30 summer time.
        let utc = new_york.to_utc(ms("2024-03-10T02:30:00Z"));
        assert_eq!(utc, ms("2024-03-10T07:30:00Z"));
        assert_eq!(
            new_york.to_utc(ms("2024-03-10T03:00:00Z")),
            ms("2024-03-10T07:00:00Z")
        );
    }

    #[test]
    fn names_go_by_the_season() {
        let new_york = zone("America/New_York");
        let (winter, summer) = (ms("2024-01-01T00:00:00Z"), ms("2024-07-01T00:00:00Z"));
        assert_eq!(new_york.name(winter, false), "EST");
        assert_eq!(new_york.name(summer, true), "Eastern Daylight Time");
        let fixed = Zone::new(
            "+05:30",
            TimeZone::fixed(jiff::tz::Offset::from_seconds(19_800).unwrap()),
        );
        assert_eq!(fixed.name(winter, false), "+05:30");
        assert_eq!(Zone::new("GMT+0530", fixed.tz).id(), "+05:30");
        assert_eq!(
            (offset_text(-12_600_000, false), offset_text(1_000, true)),
            ("-0330".into(), "+00:00:01".into())
        );
    }

    #[test]
    fn far_years_have_an_offset() {
        let new_york = zone("America/New_York");
        assert_eq!(new_york.offset(1_709_251_200_000_000).abs() % 3_600_000, 0);
        for extreme in [i64::MIN, i64::MAX] {
            let _ = new_york.offset(extreme);
        }
    }
}
