//! When a topic-partition's files are closed: pure decisions, each with its reason.
//!
//! In: what is open ([`OpenSet`]), the clock, the next record. Out: whether to close, and why. As in the original a
//! rotation closes **all** open files of the topic-partition at one offset, and what decides it before a record is
//! written leaves that record for the next files.

use jiff::{Timestamp, ToSpan as _};

use crate::config::{RotationConfig, Schedule};

/// Why files were closed; a label of metrics and a field of the log line of each object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// `flush.size` records are open.
    FlushSize,
    /// `flush.bytes` encoded bytes are open.
    FlushBytes,
    /// The next record's time is `rotate.interval.ms` later than the first one's.
    Interval,
    /// The next record belongs to another encoded partition.
    PartitionChange,
    /// One more file than `partitioner.max.open.files` would be open.
    OpenFiles,
    /// No record has come for `rotate.idle.interval.ms`.
    Idle,
    /// The plan of these files has no room for another change of a wall-clock partition.
    ClockChanges,
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
    pub const ALL: [Self; 11] = [
        Self::FlushSize,
        Self::FlushBytes,
        Self::Interval,
        Self::PartitionChange,
        Self::OpenFiles,
        Self::Idle,
        Self::ClockChanges,
        Self::Schedule,
        Self::SchemaChange,
        Self::Plan,
        Self::Memory,
    ];

    /// The reason as a metric label.
    pub fn name(self) -> &'static str {
        match self {
            Self::FlushSize => "flush_size",
            Self::FlushBytes => "flush_bytes",
            Self::Interval => "rotate_interval",
            Self::PartitionChange => "partition_change",
            Self::OpenFiles => "max_open_files",
            Self::Idle => "idle",
            Self::ClockChanges => "clock_changes",
            Self::Schedule => "schedule",
            Self::SchemaChange => "schema_change",
            Self::Plan => "plan",
            Self::Memory => "memory",
        }
    }
}

/// What is open of one topic-partition, as the rules see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenSet {
    records: u64,
    bytes: u64,
    /// Time from which the interval counts: the first record's, or the latest so far where late ones don't count.
    base: Option<i64>,
    /// Latest time of any record, also of those in files closed before.
    latest: Option<i64>,
    /// Encoded partition of the last record (that was not late, where late ones don't count).
    partition: String,
    /// When the last record was written, by the clock.
    written_ms: i64,
}

impl OpenSet {
    /// Records in all open files.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Whether files are to be closed before a record of this time and encoded partition is written.
    pub fn before(
        &self,
        rules: &RotationConfig,
        time: Option<i64>,
        partition: &str,
    ) -> Option<CloseReason> {
        let interval = rules.interval_ms.filter(|_| self.records > 0)?;
        if self.is_late(rules, time) {
            return None;
        }
        let passed = time
            .unwrap_or(i64::MIN)
            .saturating_sub(self.base.unwrap_or(i64::MAX));
        if passed >= interval {
            return Some(CloseReason::Interval);
        }
        let changed = rules.on_partition_change && partition != self.partition;
        changed.then_some(CloseReason::PartitionChange)
    }

    /// Whether a record of this time lies before the latest one, and such records close nothing.
    fn is_late(&self, rules: &RotationConfig, time: Option<i64>) -> bool {
        !rules.on_late_record && time < self.latest
    }

    /// Whether files are to be closed before another one is opened beside `open_files`.
    pub fn before_file(rules: &RotationConfig, open_files: usize) -> Option<CloseReason> {
        let limit = rules.max_open_files?;
        (open_files >= limit).then_some(CloseReason::OpenFiles)
    }

    /// A record of this time is about to be written. The interval counts from the first one even when its file then
    /// refuses it.
    pub fn begin(&mut self, rules: &RotationConfig, time: Option<i64>) {
        let late = self.is_late(rules, time);
        self.base = self.base.or(if late { self.latest } else { time });
    }

    /// A record was written at `clock_ms`; the files grew by `bytes`.
    pub fn add(
        &mut self,
        rules: &RotationConfig,
        time: Option<i64>,
        partition: &str,
        bytes: u64,
        clock_ms: i64,
    ) {
        self.begin(rules, time);
        let late = self.is_late(rules, time);
        self.records += 1;
        self.bytes += bytes;
        self.latest = self.latest.max(time);
        self.written_ms = clock_ms;
        if !late && self.partition != partition {
            partition.clone_into(&mut self.partition);
        }
    }

    /// Whether files are to be closed after what was written last.
    pub fn after(&self, rules: &RotationConfig) -> Option<CloseReason> {
        if self.records >= rules.flush_size {
            return Some(CloseReason::FlushSize);
        }
        let full = rules.flush_bytes.is_some_and(|limit| self.bytes >= limit);
        full.then_some(CloseReason::FlushBytes)
    }

    /// Whether files are to be closed because nothing has come for long.
    pub fn idle(&self, rules: &RotationConfig, clock_ms: i64) -> Option<CloseReason> {
        let limit = rules.idle_ms.filter(|_| self.records > 0)?;
        (clock_ms.saturating_sub(self.written_ms) >= limit).then_some(CloseReason::Idle)
    }

    /// All files were closed.
    pub fn clear(&mut self) {
        (self.records, self.bytes, self.base) = (0, 0, None);
    }
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

    fn rules() -> RotationConfig {
        RotationConfig {
            flush_size: 3,
            flush_bytes: None,
            interval_ms: Some(10_000),
            on_partition_change: true,
            on_schema_change: true,
            on_late_record: true,
            max_open_files: Some(2),
            idle_ms: Some(500),
            schedule: None,
        }
    }

    /// Offsets before which, or after which (+1), the original closed its files, as recorded.
    fn boundaries(rules: &RotationConfig, records: &[(i64, &str)]) -> Vec<usize> {
        let mut open = OpenSet::default();
        let mut found = Vec::new();
        for (offset, (time, partition)) in records.iter().enumerate() {
            if open.before(rules, Some(*time), partition).is_some() {
                found.push(offset);
                open.clear();
            }
            open.add(rules, Some(*time), partition, 10, 0);
            if open.after(rules).is_some() {
                found.push(offset + 1);
                open.clear();
            }
        }
        found
    }

    #[test]
    fn the_interval_is_counted_from_the_first_records_time() {
        let rules = RotationConfig {
            flush_size: 100,
            ..rules()
        };
        let base = 1_700_002_200_000;
        let records = [
            0, 1_000, 9_999, 10_000, 10_001, 15_000, 20_000, 40_000, 40_001,
        ]
        .map(|after| (base + after, "hour=22"));
        assert_eq!(boundaries(&rules, &records), [3, 6, 7]);
        let late = [(20_000, "a"), (5_000, "a"), (29_999, "a"), (30_000, "a")];
        assert_eq!(boundaries(&rules, &late), [3]);
    }

    #[test]
    fn a_change_of_partition_closes_only_with_an_interval() {
        let records = [(0, "a"), (1, "a"), (2, "b"), (3, "a"), (4, "b"), (5, "b")];
        let long = RotationConfig {
            flush_size: 100,
            interval_ms: Some(86_400_000),
            ..rules()
        };
        assert_eq!(boundaries(&long, &records), [2, 3, 4]);
        let without = RotationConfig {
            interval_ms: None,
            ..long.clone()
        };
        assert_eq!(boundaries(&without, &records), [0; 0]);
        let off = RotationConfig {
            on_partition_change: false,
            ..long
        };
        assert_eq!(boundaries(&off, &records), [0; 0]);
    }

    #[test]
    fn late_records_close_nothing_where_they_do_not_count() {
        // Two late ones among those of their time, one of them the first after a rotation.
        let records = [
            (3_600, "hour=1"),
            (100, "hour=0"),
            (3_700, "hour=1"),
            (7_200, "hour=2"),
            (3_900, "hour=1"),
            (7_300, "hour=2"),
            (90_000, "hour=25"),
        ];
        let by_original = RotationConfig {
            flush_size: 100,
            interval_ms: Some(3_600),
            ..rules()
        };
        assert_eq!(boundaries(&by_original, &records), [1, 2, 3, 4, 5, 6]);
        let without_late = RotationConfig {
            on_late_record: false,
            ..by_original.clone()
        };
        assert_eq!(boundaries(&without_late, &records), [3, 6]);
        // A late record that begins a set of files does not make the next one look an hour older.
        let begins_late = [7_200, 7_300, 100, 7_400].map(|time| (time, "all"));
        let two = |rules: &RotationConfig| RotationConfig {
            flush_size: 2,
            ..rules.clone()
        };
        assert_eq!(boundaries(&two(&by_original), &begins_late), [2, 3]);
        assert_eq!(boundaries(&two(&without_late), &begins_late), [2, 4]);
    }

    #[test]
    fn a_record_that_its_file_refuses_still_begins_the_interval() {
        let (rules, mut open) = (rules(), OpenSet::default());
        open.begin(&rules, Some(0));
        open.add(&rules, Some(9_000), "a", 10, 0);
        assert_eq!(open.before(&rules, Some(9_999), "a"), None);
        let closed = open.before(&rules, Some(10_000), "a");
        assert_eq!(closed, Some(CloseReason::Interval));
    }

    #[test]
    fn sizes_files_and_silence_close_too() {
        let records = [(0, "a"); 7];
        assert_eq!(boundaries(&rules(), &records), [3, 6]);
        let bytes = RotationConfig {
            flush_size: 100,
            flush_bytes: Some(25),
            ..rules()
        };
        assert_eq!(boundaries(&bytes, &records), [3, 6]);
        assert_eq!(OpenSet::before_file(&rules(), 1), None);
        assert_eq!(
            OpenSet::before_file(&rules(), 2),
            Some(CloseReason::OpenFiles)
        );
        let mut open = OpenSet::default();
        assert_eq!(open.idle(&rules(), 10_000), None);
        open.add(&rules(), None, "a", 1, 10_000);
        assert_eq!(open.idle(&rules(), 10_499), None);
        assert_eq!(open.idle(&rules(), 10_500), Some(CloseReason::Idle));
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
        // A day of 25 hours, and one that begins at one o'clock.
        let hour = schedule(3600, "Europe/Paris");
        assert_eq!(
            next_scheduled(&hour, ms("2024-10-27T22:30:00Z")),
            ms("2024-10-27T23:00:00Z")
        );
        assert_eq!(
            next_scheduled(
                &schedule(7 * 3600, "Africa/Cairo"),
                ms("2024-04-26T01:00:00Z")
            ),
            ms("2024-04-26T05:00:00Z")
        );
        let minute = schedule(60, "UTC");
        assert_eq!(
            next_scheduled(&minute, ms("2024-07-01T12:30:59.999Z")),
            ms("2024-07-01T12:31:00Z")
        );
    }
}
