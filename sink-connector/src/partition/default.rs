//! `DefaultPartitioner`: one folder a Kafka partition.

use std::fmt::Write as _;

use super::Partitioner;
use crate::error::RecordError;
use crate::record::SinkRecord;

/// `partition=<kafka partition>`.
#[derive(Debug, Default)]
pub struct DefaultPartitioner;

impl Partitioner for DefaultPartitioner {
    fn encode(&mut self, record: &SinkRecord<'_>, out: &mut String) -> Result<(), RecordError> {
        // Writing to a String does not fail.
        let _ = write!(out, "partition={}", record.partition);
        Ok(())
    }
}
