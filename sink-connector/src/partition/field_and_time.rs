//! Fields, then time: `country=IT/year=2024/month=01`. Our own class; the original has no such partitioner.

use super::Partitioner;
use super::extractor::FailedAtStart;
use super::field::FieldPartitioner;
use super::time_based::TimeBasedPartitioner;
use crate::config::PartitionerConfig;
use crate::error::RecordError;
use crate::record::SinkRecord;

/// The folders of a [`FieldPartitioner`] with those of a [`TimeBasedPartitioner`] beneath.
#[derive(Debug)]
pub(super) struct FieldAndTimePartitioner {
    fields: FieldPartitioner,
    delim: String,
    time: TimeBasedPartitioner,
}

impl FieldAndTimePartitioner {
    /// Both as configured.
    ///
    /// # Errors
    /// As for the time-based one.
    pub(super) fn new(config: &PartitionerConfig) -> Result<Self, FailedAtStart> {
        Ok(Self {
            fields: FieldPartitioner::new(config),
            delim: config.delim.clone(),
            time: TimeBasedPartitioner::new(config)?,
        })
    }
}

impl Partitioner for FieldAndTimePartitioner {
    fn time(&mut self, record: &SinkRecord<'_>, clock_ms: i64) -> Result<Option<i64>, RecordError> {
        self.time.time(record, clock_ms)
    }

    fn encode(&mut self, record: &SinkRecord<'_>, out: &mut String) -> Result<(), RecordError> {
        self.fields.encode(record, out)?;
        out.push_str(&self.delim);
        self.time.encode(record, out)
    }

    fn clock_bucket(&self, clock_ms: i64) -> Option<i64> {
        self.time.clock_bucket(clock_ms)
    }
}
