//! Partitioners: record → encoded partition, the folder under the topic.
//!
//! In: a converted record and what the clock says. Out: `partition=0`, `country=IT`, `year=2024/month=01`, written into
//! a buffer that is used again, and the record's time where the partitioner goes by one. Fails with a [`RecordError`]
//! when the record has not what the partitioner needs; some of these end the task whatever `errors.tolerance` says, as
//! in the original.

mod affix;
mod bucket;
mod default;
mod extractor;
mod field;
mod field_and_time;
mod path;
mod time_based;

pub use default::DefaultPartitioner;

use crate::config::{PartitionerClass, PartitionerConfig, SchemaAffix};
use crate::error::{Exception, RecordError};
use crate::record::SinkRecord;
use affix::AffixPartitioner;
use field::FieldPartitioner;
use field_and_time::FieldAndTimePartitioner;
use time_based::TimeBasedPartitioner;

/// `partitioner.class` with its options.
pub trait Partitioner: Send {
    /// The record's time in milliseconds of the epoch, for partitioners that go by time; `clock_ms` is the time of
    /// processing. `None` when the partitioner knows no time, or the record has none.
    ///
    /// # Errors
    /// The record's time cannot be told; this ends the task.
    fn time(
        &mut self,
        _record: &SinkRecord<'_>,
        _clock_ms: i64,
    ) -> Result<Option<i64>, RecordError> {
        Ok(None)
    }

    /// Appends the encoded partition of `record`, whose time is `record.time`, to `out`, which is empty.
    ///
    /// # Errors
    /// The record has no value, or none of the right type, for it.
    fn encode(&mut self, record: &SinkRecord<'_>, out: &mut String) -> Result<(), RecordError>;

    /// What of the clock decides the encoded partition: equal for two times that lead to the same one. `None` when the
    /// clock has no part in it.
    fn clock_bucket(&self, _clock_ms: i64) -> Option<i64> {
        None
    }
}

/// The partitioner of a configuration.
///
/// # Errors
/// Options that the original accepts and finds wrong when a task starts.
pub fn new(config: &PartitionerConfig) -> Result<Box<dyn Partitioner>, Exception> {
    let partitioner: Box<dyn Partitioner> = match config.class {
        PartitionerClass::Default => Box::new(DefaultPartitioner::default()),
        PartitionerClass::Field => Box::new(FieldPartitioner::new(config)),
        PartitionerClass::TimeBased | PartitionerClass::Daily | PartitionerClass::Hourly => {
            Box::new(TimeBasedPartitioner::new(config)?)
        }
        PartitionerClass::FieldAndTime => Box::new(FieldAndTimePartitioner::new(config)?),
    };
    Ok(match config.affix {
        SchemaAffix::None => partitioner,
        affix => Box::new(AffixPartitioner::new(partitioner, affix, &config.delim)),
    })
}

#[cfg(test)]
mod recorded_tests;
