//! Partitioners: record → encoded partition, the folder under the topic.
//!
//! In: a converted record. Out: `partition=0`, `country=IT`, `year=2024/month=01`, written into a buffer that is used
//! again. Fails with a [`RecordError`] when the record has not what the partitioner needs.

mod default;

pub use default::DefaultPartitioner;

use crate::error::RecordError;
use crate::record::SinkRecord;

/// `partitioner.class` with its options.
pub trait Partitioner: Send {
    /// Appends the encoded partition of `record` to `out`, which is empty.
    ///
    /// # Errors
    /// The record has no value, or none of the right type, for it.
    fn encode(&mut self, record: &SinkRecord<'_>, out: &mut String) -> Result<(), RecordError>;
}
