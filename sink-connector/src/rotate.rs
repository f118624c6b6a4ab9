//! When a topic-partition's files are closed: pure decisions, each with its reason.
//!
//! In: how many records are open, the clock, the next record. Out: whether to close, and why. As in the original a
//! rotation closes **all** open files of the topic-partition at one offset.

use jiff::{Timestamp, ToSpan as _};

use crate::config::Schedule;

/// Why files were closed; a label of metrics and a field of the log line of each object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// `flush.size` records are open.
    FlushSize,
    /// `rotate.schedule.interval.ms` has passed by the clock.
    Schedule,
    /// The schema of the next record differs.
    SchemaChange,
    /// The boundary of a plan that a former owner committed.
    Plan,
    /// The byte budget of the process is used up.
    Memory,
}

impl CloseReason {
    /// All reasons, for metrics that show every label from the start.
    pub const ALL: [Self; 5] = [
        Self::FlushSize,
        Self::Schedule,
        Self::SchemaChange,
        Self::Plan,
        Self::Memory,
    ];

    /// The reason as a metric label.
    pub fn name(self) -> &'static str {
        match self {
            Self::FlushSize => "flush_size",
            Self::Schedule => "schedule",
            Self::SchemaChange => "schema_change",
            Self::Plan => "plan",
            Self::Memory => "memory",
        }
    }
}

/// Whether the records open over all files of a topic-partition reach `flush.size`.
pub fn flush_size_reached(open_records: u64, flush_size: u64) -> bool {
    open_records >= flush_size
}

/// The first closing time of `schedule` after `now_ms` (milliseconds since 1970): multiples of the interval counted
/// from local midnight, and midnight itself.
pub fn next_scheduled(schedule: &Schedule, now_ms: i64) -> i64 {
    let interval_ms = i64::try_from(schedule.interval.as_millis())
        .unwrap_or(i64::MAX)
        .max(1);
    next_in_day(interval_ms, schedule, now_ms).unwrap_or(now_ms.saturating_add(interval_ms))
}

fn next_in_day(interval_ms: i64, schedule: &Schedule, now_ms: i64) -> Option<i64> {
    let now = Timestamp::from_millisecond(now_ms)
        .ok()?
        .to_zoned(schedule.timezone.clone());
    let midnight = now.start_of_day().ok()?;
    let next_midnight = midnight.checked_add(1.day()).ok()?.start_of_day().ok()?;
    let midnight_ms = midnight.timestamp().as_millisecond();
    let passed = (now_ms - midnight_ms) / interval_ms;
    let next = midnight_ms.saturating_add((passed + 1).saturating_mul(interval_ms));
    Some(next.min(next_midnight.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use jiff::tz::TimeZone;
    use std::time::Duration;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn schedule(seconds: u64, zone: &str) -> Schedule {
        Schedule {
            interval: Duration::from_secs(seconds),
            timezone: TimeZone::get(zone).unwrap(),
        }
    }

    #[test]
    fn closing_times_count_from_local_midnight() {
        let seven_hours = schedule(7 * 3600, "Europe/Paris");
        // Midnight in Paris is 22:00 UTC in summer.
        assert_eq!(
            next_scheduled(&seven_hours, ms("2024-06-30T22:00:00Z")),
            ms("2024-07-01T05:00:00Z")
        );
        assert_eq!(
            next_scheduled(&seven_hours, ms("2024-07-01T12:30:00Z")),
            ms("2024-07-01T19:00:00Z")
        );
        // The last one of a day is midnight, not 28 hours after the day's start.
        assert_eq!(
            next_scheduled(&seven_hours, ms("2024-07-01T19:00:00Z")),
            ms("2024-07-01T22:00:00Z")
        );
        let minute = schedule(60, "UTC");
        assert_eq!(
            next_scheduled(&minute, ms("2024-07-01T12:30:59.999Z")),
            ms("2024-07-01T12:31:00Z")
        );
    }
}
