//! `TimeBasedPartitioner`, `DailyPartitioner`, `HourlyPartitioner`: a folder a stretch of time.

use super::Partitioner;
use super::bucket::Buckets;
use super::extractor::{Extractor, FailedAtStart};
use crate::config::{PartitionerClass, PartitionerConfig};
use crate::error::{CONFIG_EXCEPTION, Exception, PARTITION_EXCEPTION, RecordError};
use crate::joda::{Formatter, Pattern, Texts, Zone};
use crate::record::SinkRecord;

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// The start of a record's stretch of time, as text.
#[derive(Debug)]
pub(super) struct TimeBasedPartitioner {
    buckets: Buckets,
    formatter: Formatter,
    extractor: Extractor,
    /// The last bucket and its text: most records fall into the same one.
    last: Option<(i64, String)>,
}

impl TimeBasedPartitioner {
    /// The configured one.
    ///
    /// # Errors
    /// What the original finds when its tasks start: no length, pattern, language or zone, or a bad pattern or extractor.
    pub(super) fn new(config: &PartitionerConfig) -> Result<Self, FailedAtStart> {
        let (duration_ms, path_format) = stretch(config)?;
        let timezone = config.timezone.as_ref();
        not_blank("locale", &config.locale, "Locale cannot be empty.")?;
        let timezone =
            timezone.ok_or_else(|| invalid("timezone", "", "Timezone cannot be empty."))?;
        let pattern = Pattern::new(&path_format).map_err(|error| {
            let cause = Exception::new("java.lang.IllegalArgumentException", error.to_string());
            invalid("path.format", &path_format, &error.to_string()).caused_by(cause)
        })?;
        let zone = Zone::new(&config.timezone_id, timezone.clone());
        Ok(Self {
            buckets: Buckets { duration_ms },
            formatter: Formatter::new(pattern, Texts::of(&config.locale), zone),
            extractor: Extractor::new(config)?,
            last: None,
        })
    }
}

/// Length and pattern: configured, or the class's own.
fn stretch(config: &PartitionerConfig) -> Result<(i64, String), FailedAtStart> {
    let delim = &config.delim;
    match config.class {
        PartitionerClass::Daily => Ok((
            DAY_MS,
            format!("'year'=YYYY{delim}'month'=MM{delim}'day'=dd"),
        )),
        PartitionerClass::Hourly => Ok((
            HOUR_MS,
            format!("'year'=YYYY{delim}'month'=MM{delim}'day'=dd{delim}'hour'=HH"),
        )),
        _ => {
            if config.duration_ms <= 0 {
                let text = "Partition duration needs to be a positive.";
                return Err(invalid(
                    "partition.duration.ms",
                    &config.duration_ms.to_string(),
                    text,
                ));
            }
            let format = &config.path_format;
            // A lone delimiter is no format either.
            let told = if format == delim { "" } else { format };
            if told.trim().is_empty() {
                return Err(invalid(
                    "path.format",
                    format,
                    "Path format cannot be empty.",
                ));
            }
            let format = format.strip_suffix(delim.as_str()).unwrap_or(format);
            Ok((config.duration_ms, format.to_owned()))
        }
    }
}

fn not_blank(key: &str, value: &str, text: &str) -> Result<(), FailedAtStart> {
    match value.trim() {
        "" => Err(invalid(key, value, text)),
        _ => Ok(()),
    }
}

fn invalid(key: &str, value: &str, reason: &str) -> Exception {
    let text = format!("Invalid value {value} for configuration {key}: {reason}");
    Exception::new(CONFIG_EXCEPTION, text)
}

impl Partitioner for TimeBasedPartitioner {
    fn time(&mut self, record: &SinkRecord<'_>, clock_ms: i64) -> Result<Option<i64>, RecordError> {
        self.extractor.extract(record, clock_ms)
    }

    fn encode(&mut self, record: &SinkRecord<'_>, out: &mut String) -> Result<(), RecordError> {
        let Some(time) = record.time else {
            return Err(self.no_time(record));
        };
        let bucket = self.buckets.number(time, self.formatter.zone());
        if !matches!(&self.last, Some((last, _)) if *last == bucket) {
            let mut text = String::new();
            let start = self.buckets.start(bucket, self.formatter.zone());
            self.formatter.format(start, &mut text);
            self.last = Some((bucket, text));
        }
        if let Some((_, text)) = &self.last {
            out.push_str(text);
        }
        Ok(())
    }

    fn clock_bucket(&self, clock_ms: i64) -> Option<i64> {
        let by_clock = self.extractor == Extractor::Wallclock;
        by_clock.then(|| self.buckets.number(clock_ms, self.formatter.zone()))
    }
}

impl TimeBasedPartitioner {
    /// The original goes on with the record's key and value; they do not belong into logs.
    fn no_time(&self, record: &SinkRecord<'_>) -> RecordError {
        let (topic, partition, offset) = (record.source_topic, record.partition, record.offset);
        let text = format!(
            "Unable to determine timestamp using timestamp.extractor {} for record: SinkRecord{{kafkaOffset={offset}, \
             timestampType=CreateTime, originalTopic={topic}, originalKafkaPartition={partition}, \
             originalKafkaOffset={offset}}}",
            self.extractor.class()
        );
        RecordError::put(Exception::new(PARTITION_EXCEPTION, text))
    }
}

#[cfg(test)]
#[path = "time_based_tests.rs"]
mod tests;
