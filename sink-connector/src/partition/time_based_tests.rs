#![allow(clippy::unwrap_used)]
use jiff::tz::TimeZone;

use super::*;
use crate::config::SchemaAffix;

fn config(class: PartitionerClass) -> PartitionerConfig {
    PartitionerConfig {
        class,
        delim: "_".into(),
        fields: Vec::new(),
        extended: false,
        duration_ms: 1_000,
        path_format: "yyyy_ss_".into(),
        locale: "en".into(),
        timezone_id: "UTC".into(),
        timezone: Some(TimeZone::UTC),
        extractor: "Wallclock".into(),
        timestamp_field: "ts".into(),
        affix: SchemaAffix::None,
    }
}

fn refusal(change: impl Fn(&mut PartitionerConfig)) -> String {
    let mut config = config(PartitionerClass::TimeBased);
    change(&mut config);
    TimeBasedPartitioner::new(&config).unwrap_err().stacktrace()
}

#[test]
fn what_is_missing_fails_a_task_in_the_originals_words() {
    const CONFIG: &str = "org.apache.kafka.common.config.ConfigException: ";
    for (trace, words) in [
        (
            refusal(|c| c.duration_ms = -1),
            "Invalid value -1 for configuration partition.duration.ms: Partition duration needs to be a positive.",
        ),
        (
            refusal(|c| c.timezone = None),
            "Invalid value  for configuration timezone: Timezone cannot be empty.",
        ),
        (
            refusal(|c| c.locale = String::new()),
            "Invalid value  for configuration locale: Locale cannot be empty.",
        ),
        (
            refusal(|c| c.path_format = " ".into()),
            "Invalid value   for configuration path.format: Path format cannot be empty.",
        ),
        (
            refusal(|c| c.extractor = "wallclock".into()),
            "Invalid timestamp extractor: wallclock\nCaused by: java.lang.ClassNotFoundException: wallclock",
        ),
        (
            refusal(|c| c.path_format = "yyyy/b".into()),
            "Invalid value yyyy/b for configuration path.format: Illegal pattern component: b\nCaused by: java.lang.IllegalArgumentException: Illegal pattern component: b",
        ),
    ] {
        assert_eq!(trace, format!("{CONFIG}{words}"));
    }
}

#[test]
fn class_names_of_extractors_are_known() {
    let mut named = config(PartitionerClass::Daily);
    named.extractor =
        "io.confluent.connect.storage.partitioner.TimeBasedPartitioner$RecordTimestampExtractor"
            .into();
    let partitioner = TimeBasedPartitioner::new(&named).unwrap();
    assert_eq!(partitioner.extractor, Extractor::Record);
    assert_eq!(partitioner.clock_bucket(5), None);
}

#[test]
fn the_clock_counts_by_the_bucket_and_delimiters_are_the_connectors() {
    let (length, format) = stretch(&config(PartitionerClass::Hourly)).unwrap();
    assert_eq!(
        (length, format.as_str()),
        (3_600_000, "'year'=YYYY_'month'=MM_'day'=dd_'hour'=HH")
    );
    assert_eq!(
        stretch(&config(PartitionerClass::TimeBased)).unwrap(),
        (1_000, "yyyy_ss".into())
    );
    let partitioner = TimeBasedPartitioner::new(&config(PartitionerClass::TimeBased)).unwrap();
    assert_eq!(partitioner.clock_bucket(5_999), Some(5));
    assert_eq!(partitioner.clock_bucket(6_000), Some(6));
}
