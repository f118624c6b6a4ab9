//! What takes its turn: the records of a request, or those of a stream that had arrived together.

use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode;

use super::Turn;
use crate::produce::batch::format::RecordBatch;

/// Records of one request that may go to any partition.
pub(crate) trait Parcel: Send + Sync {
    /// Bytes of its records, what they take in a batch beside their contents included, roughly.
    fn bytes(&self) -> usize;

    /// How many records it has.
    fn records(&self) -> usize;

    /// Appends them to a batch.
    fn write(&self, batch: &mut RecordBatch);

    /// The batch has landed: the first of its records has this offset. `appended`: when, if the topic keeps that time.
    fn landed(self: Box<Self>, partition: i32, offset: i64, appended: Option<i64>);

    /// Nobody knows whether they were written, and nothing can be done about it any more.
    fn failed(self: Box<Self>, code: RDKafkaErrorCode);

    /// Hands them to the client, which chooses a partition if none is given. `turn` is to be held until each has its
    /// report.
    fn hand_over(self: Box<Self>, partition: Option<i32>, turn: Option<Arc<Turn>>);
}
