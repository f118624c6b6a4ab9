//! Where a stream's records come from.

use std::sync::Arc;
use std::time::Duration;

use super::Positions;
use crate::consumer::partition_read::PartitionRead;
use crate::consumer::read::Want;
use crate::consumer::requests::{Seek, SeekRequest};
use crate::consumer::{ConsumerError, Instance, Taken};
use crate::format::Format;

/// How long a stream that goes on somewhere waits for the group to say what it reads.
const ASSIGNMENT: Duration = Duration::from_secs(15);

/// See the module.
pub(crate) enum Source {
    /// A consumer instance.
    Instance(Arc<Instance>),
    /// A partition, without a group.
    Partition(Box<PartitionRead>),
}

impl Source {
    /// The format of its records.
    pub(super) fn format(&self) -> Format {
        match self {
            Self::Instance(instance) => instance.format,
            Self::Partition(read) => read.format(),
        }
    }

    pub(super) async fn read(&mut self, want: Want) -> Result<Taken, ConsumerError> {
        match self {
            Self::Instance(instance) => instance.read(want).await,
            Self::Partition(read) => read.read(want).await,
        }
    }
}

/// Makes an instance go on behind what an event's id says. Partitions that are not this instance's are passed over: their
/// reader knows where they stand.
///
/// # Errors
/// No such instance, nothing chosen, or Kafka refuses.
pub(crate) async fn resume(
    instance: &Arc<Instance>,
    positions: &Positions,
) -> Result<(), ConsumerError> {
    if positions.list().is_empty() {
        return Ok(());
    }
    instance.join(ASSIGNMENT).await?;
    let positions = positions.clone();
    let seek = move |reader: &mut crate::consumer::Reader| {
        let assigned = reader.assignment();
        let behind = |(topic, partition, offset): &(String, i32, i64)| Seek {
            topic: topic.clone(),
            partition: *partition,
            at: offset + 1,
            metadata: None,
        };
        let ours = positions.list().iter().filter(|(topic, partition, _)| {
            assigned
                .iter()
                .any(|(known, number)| number == partition && known == topic)
        });
        let offsets = ours.map(behind).collect();
        reader.seek_all(&SeekRequest {
            offsets,
            timestamps: Vec::new(),
        })
    };
    instance.call(seek).await
}
