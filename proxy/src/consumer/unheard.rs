//! Assigned partitions that the client gave up before it read anything of them.
//!
//! Before it reads a partition from the committed offset, the client asks the group's coordinator for that offset. If the coordinator
//! refuses (it has just moved, or the first group of a cluster is making its topic), librdkafka tells the error, finds the new
//! coordinator, and does not ask again: the partition is read when it is assigned anew. Members of a group have spoken to their
//! coordinator a moment before; this is for partitions that an instance chose itself.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::{Offset, TopicPartitionList};

use super::partitions::{Mark, Part};
use super::reader::Reader;

/// Time that the client has to find the coordinator.
const AGAIN: Duration = Duration::from_millis(200);

impl Reader {
    /// The client has told an error that may have meant such partitions.
    pub(super) fn may_be_unheard(&mut self) {
        self.refused.get_or_insert_with(Instant::now);
    }

    /// A while after such an error: assigns partitions again of which nothing was heard.
    ///
    /// Nothing of them is lost: what is known of their begin is the committed offset, and no record of them was given out.
    pub(super) fn assign_unheard_again(&mut self) {
        if self.refused.is_none_or(|since| since.elapsed() < AGAIN) {
            return;
        }
        self.refused = None;
        if self.selection.is_subscription() {
            return;
        }
        let unheard = |part: &&Part| {
            part.mark == Mark::Unknown && part.position.is_none() && part.start.is_none()
        };
        let mut list = TopicPartitionList::new();
        for part in self.parts.assigned().filter(unheard) {
            let _listed = list.add_partition_offset(&part.topic, part.partition, Offset::Invalid);
        }
        if list.count() == 0 {
            return;
        }
        let Some(client) = self.client.get() else {
            return;
        };
        let assigned = client.incremental_unassign(&list);
        match assigned.and_then(|()| client.incremental_assign(&list)) {
            Ok(()) => tracing::info!(
                partitions = list.count(),
                "nothing was heard of partitions after an error; they are assigned again"
            ),
            Err(error) => tracing::warn!(%error, "partitions cannot be assigned again"),
        }
    }
}
