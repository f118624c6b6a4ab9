//! When files are closed: `flush.size`, `rotate.*`, and the keys declared beside them.

use std::time::Duration;

use jiff::tz::{Offset, TimeZone};
use sluiceway_common::config_def::{Importance, Key, Kind, Values};

use super::partitioner::PartitionerConfig;
use crate::error::{CONFIG_EXCEPTION, Exception};
use crate::joda::IsoError;

/// When the open files of a topic-partition are closed.
#[derive(Clone, Debug, PartialEq)]
pub struct RotationConfig {
    /// Records of one topic-partition, over all its open files. At least 1: lower values act like 1.
    pub flush_size: u64,
    /// `flush.bytes`: encoded bytes of one topic-partition, over all its open files.
    pub flush_bytes: Option<u64>,
    /// `rotate.interval.ms`: how much later than the first one's a record's time may be, in milliseconds. `None` when
    /// the partitioner knows no time.
    pub interval_ms: Option<i64>,
    /// `rotate.file.on.partition.change`: with an interval, a record of another encoded partition closes files.
    pub on_partition_change: bool,
    /// `rotate.file.on.schema.change`: a record whose schema does not fit the open files closes them; else it gets a
    /// file beside them.
    pub on_schema_change: bool,
    /// `rotate.file.on.late.record`: with an interval, a record whose time lies before the latest one so far counts
    /// like any other; else it closes nothing.
    pub on_late_record: bool,
    /// `partitioner.max.open.files`: open files of one topic-partition.
    pub max_open_files: Option<usize>,
    /// `rotate.idle.interval.ms`: how long after its last record a topic-partition's files are closed, in milliseconds.
    pub idle_ms: Option<i64>,
    /// `rotate.schedule.interval.ms` with its `timezone`.
    pub schedule: Option<Schedule>,
}

/// Closing by the clock: at multiples of the interval counted from local midnight.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// More than zero.
    pub interval: Duration,
    /// Whose midnight counts.
    pub timezone: TimeZone,
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::required(
            "flush.size",
            Kind::Int,
            "Records of one topic-partition, over all its open files together, after which they are closed. Values below 1 \
             act like 1.",
        ),
        Key::with(
            "rotate.interval.ms",
            Kind::Long,
            "-1",
            "Closes files when a record's time is so much later than the first one's. Needs a time-based partitioner, \
             without effect otherwise.",
        )
        .importance(Importance::High),
        Key::with(
            "rotate.schedule.interval.ms",
            Kind::Long,
            "-1",
            "Closes files by the clock, at multiples of this interval counted from local midnight. Needs `timezone`.",
        ),
        Key::with(
            "rotate.file.on.partition.change",
            Kind::Boolean,
            "true",
            "With `rotate.interval.ms`: whether a change of the encoded partition closes files.",
        )
        .importance(Importance::Low),
        Key::with(
            "rotate.file.on.schema.change",
            Kind::Boolean,
            "true",
            "Not in the original when false: a record whose schema does not fit the open file gets a file of its own beside \
             it instead of closing all of them; interleaved versions then fill one file each.",
        )
        .importance(Importance::Low),
        Key::with(
            "rotate.file.on.late.record",
            Kind::Boolean,
            "true",
            "Not in the original when false, with `rotate.interval.ms`: a record whose time lies before the latest one of \
             its topic-partition closes nothing; it goes into its own encoded partition's file beside the others.",
        )
        .importance(Importance::Low),
        Key::with(
            "flush.bytes",
            Kind::Long,
            "-1",
            "Not in the original: encoded bytes of one topic-partition, over all its open files together, after which \
             they are closed; -1 for no limit.",
        )
        .importance(Importance::Low),
        Key::with(
            "rotate.idle.interval.ms",
            Kind::Long,
            "-1",
            "Not in the original: closes the files of a topic-partition that has had no record for so many \
             milliseconds; -1 for never.",
        )
        .importance(Importance::Low),
        Key::with(
            "retry.backoff.ms",
            Kind::Long,
            "5000",
            "Wait before a failed upload is tried again as a whole; less than 0 is none.",
        )
        .importance(Importance::Low),
        Key::with("max.write.duration.ms", Kind::Long, "9223372036854775807", "Accepted; writing never blocks polling here.")
            .importance(Importance::Low),
        Key::with("shutdown.timeout.ms", Kind::Long, "3000", "Accepted; the worker's own limit counts.")
            .importance(Importance::Low),
    ]
}

pub(super) fn schema_keys() -> Vec<Key> {
    vec![
        Key::with(
            "schema.compatibility",
            Kind::String,
            "NONE",
            "What a changed schema does. `NONE` starts a new file at every difference. `BACKWARD` and `FULL` make older \
             records fit the newer schema, `FORWARD` newer ones the older; they need schemas with versions.",
        )
        .importance(Importance::High),
    ]
}

/// Reads what is set; a schedule without a usable zone is left out, see [`start_error`].
pub(super) fn read(values: &Values, partitioner: Option<&PartitionerConfig>) -> RotationConfig {
    let positive = |key: &str| Some(values.number(key)).filter(|number| *number > 0);
    let schedule = interval(values)
        .zip(timezone(values.text("timezone")).ok())
        .map(|(interval, timezone)| Schedule { interval, timezone });
    RotationConfig {
        flush_size: u64::try_from(values.number("flush.size"))
            .unwrap_or(1)
            .max(1),
        flush_bytes: positive("flush.bytes").and_then(|bytes| u64::try_from(bytes).ok()),
        interval_ms: positive("rotate.interval.ms")
            .filter(|_| partitioner.is_some_and(PartitionerConfig::has_time)),
        on_partition_change: values.boolean("rotate.file.on.partition.change"),
        on_schema_change: values.boolean("rotate.file.on.schema.change"),
        on_late_record: values.boolean("rotate.file.on.late.record"),
        max_open_files: positive("partitioner.max.open.files")
            .and_then(|files| usize::try_from(files).ok()),
        idle_ms: positive("rotate.idle.interval.ms"),
        schedule,
    }
}

/// The genuine connector is created without a zone and fails when it starts.
pub(super) fn start_error(values: &Values) -> Option<Exception> {
    (interval(values).is_some() && values.text("timezone").is_empty()).then(|| {
        let reason = "Invalid value  for configuration timezone: Timezone cannot be empty when using scheduled file rotation.";
        Exception::new(CONFIG_EXCEPTION, reason)
    })
}

fn interval(values: &Values) -> Option<Duration> {
    values
        .millis("rotate.schedule.interval.ms")
        .filter(|interval| !interval.is_zero())
}

/// Validator of `timezone`.
pub(super) fn check_timezone(text: &str) -> Result<(), String> {
    match text {
        "" => Ok(()),
        text => timezone(text).map(drop),
    }
}

/// The zone of an id as Joda-Time takes it: `Europe/Paris`, `UTC`, `+02:00`, `GMT+02:00`.
pub(super) fn timezone(id: &str) -> Result<TimeZone, String> {
    if let "UTC" | "UT" | "Z" = id {
        return Ok(TimeZone::UTC);
    }
    let named = TimeZone::get(id).ok();
    // Names are told from others by their case, too.
    if let Some(zone) = named.filter(|zone| zone.iana_name() == Some(id)) {
        return Ok(zone);
    }
    let mut shorter = ["UTC", "GMT", "UT"]
        .iter()
        .filter_map(|name| id.strip_prefix(name));
    let offset = shorter.next().unwrap_or(id);
    if !offset.starts_with(['+', '-']) {
        return Err(format!("The datetime zone id '{id}' is not recognised"));
    }
    let seconds =
        offset_seconds(offset).map_err(|at| IsoError::Malformed(at).exception(offset).1)?;
    let offset = Offset::from_seconds(seconds).map_err(|error| error.to_string())?;
    Ok(TimeZone::fixed(offset))
}

/// Seconds of `+hh`, `+hh:mm`, `+hhmm`, `+hh:mm:ss`, or at which character it is none of these.
fn offset_seconds(text: &str) -> Result<i32, usize> {
    let two = |at: usize, most: i32| {
        let digits = text.get(at..at + 2);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number = digits.and_then(|digits| digits.parse::<i32>().ok());
        number.filter(|number| *number <= most).ok_or(at)
    };
    if text.len() == 1 {
        return Err(0);
    }
    let mut seconds = two(1, 23)? * 3600;
    let mut at = 3;
    let colon = usize::from(text[at.min(text.len())..].starts_with(':'));
    for unit in [60, 1] {
        let separated = text
            .get(at..at + colon)
            .is_some_and(|text| text.ends_with(':'));
        if at == text.len() || (colon == 1 && !separated) {
            break;
        }
        seconds += two(at + colon, 59)? * unit;
        at += colon + 2;
    }
    if at < text.len() {
        return Err(at);
    }
    Ok(if text.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_named_or_offsets() {
        for id in [
            "UTC",
            "UT",
            "Z",
            "Europe/Paris",
            "America/New_York",
            "Asia/Kolkata",
            "GMT",
            "+02:00",
            "-0330",
            "+05",
            "UTC+02:00",
            "GMT-0330",
            "+01:02:03",
        ] {
            assert!(timezone(id).is_ok(), "{id}");
        }
        for id in ["Mars/Base", "", "x", "utc", "europe/paris", "UTC2"] {
            assert_eq!(
                timezone(id),
                Err(format!("The datetime zone id '{id}' is not recognised"))
            );
        }
        let seconds =
            |id| timezone(id).map(|zone| zone.to_fixed_offset().map(Offset::seconds).ok());
        assert_eq!(seconds("+02:00"), Ok(Some(7200)));
        assert_eq!(seconds("UT-03:30"), Ok(Some(-12_600)));
        assert_eq!(seconds("+010203"), Ok(Some(3723)));
        assert_eq!(check_timezone(""), Ok(()));
    }

    /// In Joda-Time's words.
    #[test]
    fn an_offset_that_is_none_is_told_where_it_goes_wrong() {
        for (id, reason) in [
            ("+2", "Invalid format: \"+2\" is malformed at \"2\""),
            ("UTC+8", "Invalid format: \"+8\" is malformed at \"8\""),
            (
                "+99:00",
                "Invalid format: \"+99:00\" is malformed at \"99:00\"",
            ),
            ("+02:", "Invalid format: \"+02:\" is too short"),
            (
                "+02:60",
                "Invalid format: \"+02:60\" is malformed at \"60\"",
            ),
            ("+02h", "Invalid format: \"+02h\" is malformed at \"h\""),
            (
                "+02:30x",
                "Invalid format: \"+02:30x\" is malformed at \"x\"",
            ),
            ("-", "Invalid format: \"-\""),
            ("+ä", "Invalid format: \"+ä\" is malformed at \"ä\""),
        ] {
            assert_eq!(timezone(id), Err(reason.to_owned()), "{id}");
        }
    }
}
