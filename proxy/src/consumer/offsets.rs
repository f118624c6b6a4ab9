//! `…/offsets`: committing, and what is committed.
//!
//! In: offsets of the last records that were dealt with, or nothing: then all that was answered. Out: committed
//! positions. What fails: partitions that do not exist (50003, at once), Kafka's refusals.

use std::time::Duration;

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;

use super::error::ConsumerError;
use super::reader::Reader;
use super::requests::Place;
use crate::admin_client::kafka_fault;
use crate::entity::v2::consumers::CommittedOffset;
use crate::kafka_error::{FaultClass, KafkaFault};

/// How long Kafka may take to tell committed offsets.
const WAIT: Duration = Duration::from_secs(10);

impl Reader {
    /// Commits the positions behind what was answered. Blocks.
    ///
    /// # Errors
    /// Kafka refuses.
    pub(crate) fn commit_answered(&mut self) -> Result<(), ConsumerError> {
        let mut list = TopicPartitionList::new();
        for part in self.parts.assigned() {
            if let Some(position) = part.position {
                let offset = Offset::Offset(position);
                let _listed = list.add_partition_offset(&part.topic, part.partition, offset);
            }
        }
        if list.count() == 0 {
            return Ok(());
        }
        self.commit(&list)
    }

    /// Commits these offsets, each plus one. Blocks.
    ///
    /// # Errors
    /// A field is missing, a partition does not exist, or Kafka refuses.
    pub(crate) fn commit_places(&mut self, places: &[Place]) -> Result<(), ConsumerError> {
        let mut list = TopicPartitionList::new();
        let mut unknown = false;
        for place in places {
            let (topic, partition) = place.required()?;
            let next = place
                .offset
                .and_then(|offset| offset.checked_add(1))
                .filter(|next| *next >= 0)
                .ok_or(ConsumerError::Unforeseen("no offset, or one below zero"))?;
            unknown |= partition < 0 || !self.exists(&topic, partition)?;
            let mut element = list.add_partition(&topic, partition);
            let _number = element.set_offset(Offset::Offset(next));
            if let Some(metadata) = place.metadata.as_deref().filter(|text| !text.is_empty()) {
                element.set_metadata(metadata);
            }
        }
        if unknown {
            return Err(never_committed(places).into());
        }
        if list.count() == 0 {
            return Ok(());
        }
        self.commit(&list)
    }

    fn commit(&mut self, list: &TopicPartitionList) -> Result<(), ConsumerError> {
        match self.client.need()?.commit(list, CommitMode::Sync) {
            Ok(()) => Ok(()),
            // The same offsets are committed already.
            Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
            Err(error) => Err(kafka_fault(&error, "").into()),
        }
    }

    /// Whether there is such a partition. Those assigned are not asked for.
    fn exists(&mut self, topic: &str, partition: i32) -> Result<bool, ConsumerError> {
        if self.parts.assigned_mut(topic, partition).is_some() {
            return Ok(true);
        }
        // Not by this instance's client, which would have the topic created.
        match Handle::current().block_on(self.admin.partitions(topic)) {
            Ok(found) => Ok(found.iter().any(|found| found.id == partition)),
            Err(fault) if fault.class == FaultClass::UnknownTopicOrPartition => Ok(false),
            Err(fault) if fault.class == FaultClass::BadRequest => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }

    /// What is committed for these partitions; those without are left out. Blocks.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub(crate) fn committed(
        &mut self,
        places: &[Place],
    ) -> Result<Vec<CommittedOffset>, ConsumerError> {
        let mut list = TopicPartitionList::new();
        for place in places {
            let (topic, partition) = place.required()?;
            list.add_partition(&topic, partition);
        }
        if list.count() == 0 {
            return Ok(Vec::new());
        }
        let found = self.client.need()?.committed_offsets(list, WAIT);
        let found = found.map_err(|error| kafka_fault(&error, ""))?;
        let mut offsets = Vec::new();
        for element in found.elements() {
            if let Offset::Offset(offset) = element.offset() {
                offsets.push(CommittedOffset {
                    topic: element.topic().to_owned(),
                    partition: element.partition(),
                    offset,
                    metadata: element.metadata().to_owned(),
                });
            }
        }
        Ok(offsets)
    }
}

/// The original's words after a minute of trying; here they come at once.
fn never_committed(places: &[Place]) -> KafkaFault {
    let entry = |place: &Place| {
        let (topic, partition) = (place.topic.as_deref()?, place.partition?);
        let next = place.offset? + 1;
        let metadata = place.metadata.as_deref().unwrap_or_default();
        Some(format!(
            "{topic}-{partition}=OffsetAndMetadata{{offset={next}, leaderEpoch=null, metadata='{metadata}'}}"
        ))
    };
    let entries: Vec<String> = places.iter().filter_map(entry).collect();
    let text = format!(
        "Timeout of 60000ms expired before successfully committing offsets {{{}}}",
        entries.join(", ")
    );
    KafkaFault::new(FaultClass::Retriable, text)
}
