//! `DefaultPartitioner`: one folder a Kafka partition.

use std::fmt::Write as _;

use super::Partitioner;
use crate::error::RecordError;
use crate::record::SinkRecord;

/// `partition=<kafka partition>`.
#[derive(Debug, Default)]
pub struct DefaultPartitioner {
    /// The last partition and its folder: the next record is often of the same one.
    last: Option<(i32, String)>,
}

impl Partitioner for DefaultPartitioner {
    fn encode(&mut self, record: &SinkRecord<'_>, out: &mut String) -> Result<(), RecordError> {
        let (partition, folder) = self.last.get_or_insert_default();
        if *partition != record.partition || folder.is_empty() {
            *partition = record.partition;
            folder.clear();
            // Writing to a String does not fail.
            let _ = write!(folder, "partition={partition}");
        }
        out.push_str(folder);
        Ok(())
    }
}
