//! `…/positions`: where reading goes on.
//!
//! In: offsets, times, or an end. Out: the next record that a read answers with. What fails: partitions that are not
//! assigned, and partitions with two times (40903); offsets below zero and times before 1970 (500, as Java's client fails
//! on them).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::{Offset, TopicPartitionList};

use super::error::ConsumerError;
use super::partitions::Mark;
use super::reader::Reader;
use super::requests::{Place, Seek, SeekRequest};
use super::subscription::Selection;
use crate::admin_client::kafka_fault;
use crate::kafka_error::{FaultClass, KafkaFault};

/// How long the client may take to seek, and to look up times.
const WAIT: Duration = Duration::from_secs(10);
/// Pause before trying again a seek that came too early.
const PAUSE: Duration = Duration::from_millis(20);

impl Reader {
    /// `POST …/positions/beginning` and `…/end`; without places for all partitions that are assigned. Blocks.
    ///
    /// # Errors
    /// A place has no partition, or its partition is not assigned.
    pub(crate) fn seek_to(
        &mut self,
        places: &[Place],
        offset: Offset,
    ) -> Result<(), ConsumerError> {
        let numbered: Vec<_> = places
            .iter()
            .map(Place::numbered)
            .collect::<Result<_, _>>()?;
        let mut places = Vec::with_capacity(numbered.len());
        for (topic, partition) in numbered {
            let topic = topic.ok_or_else(|| unassigned("null", partition))?;
            self.check_assigned(topic, partition)?;
            places.push((topic.to_owned(), partition));
        }
        if places.is_empty() {
            // As Java's client understands it.
            places = self.assignment();
        }
        for (topic, partition) in &places {
            self.seek(topic, *partition, offset)?;
        }
        Ok(())
    }

    /// `POST …/positions`. Blocks.
    ///
    /// # Errors
    /// A partition is not assigned, a number is below zero, or Kafka does not answer.
    pub(crate) fn seek_all(&mut self, request: &SeekRequest) -> Result<(), ConsumerError> {
        for Seek {
            topic,
            partition,
            at,
            ..
        } in &request.offsets
        {
            if *at < 0 {
                return Err(ConsumerError::Unforeseen("an offset below zero"));
            }
            self.check_assigned(topic, *partition)?;
            self.seek(topic, *partition, Offset::Offset(*at))?;
        }
        if request.timestamps.is_empty() {
            return Ok(());
        }
        if let Some(twice) = twice(&request.timestamps) {
            return Err(twice);
        }
        if request.timestamps.iter().any(|seek| seek.at < 0) {
            return Err(ConsumerError::Unforeseen("a time before 1970"));
        }
        let mut times = TopicPartitionList::new();
        for Seek {
            topic,
            partition,
            at,
            ..
        } in &request.timestamps
        {
            self.check_assigned(topic, *partition)?;
            let _listed = times.add_partition_offset(topic, *partition, Offset::Offset(*at));
        }
        let found = self.client.need()?.offsets_for_times(times, WAIT);
        let found = found.map_err(|error| kafka_fault(&error, ""))?;
        for element in found.elements() {
            element
                .error()
                .map_err(|error| kafka_fault(&error, element.topic()))?;
            // Later than every record: the end.
            let offset = match element.offset() {
                Offset::Offset(offset) if offset >= 0 => Offset::Offset(offset),
                _ => Offset::End,
            };
            self.seek(element.topic(), element.partition(), offset)?;
        }
        Ok(())
    }

    /// The first record of a time or later; the end if there is none. Blocks.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub(super) fn offset_at(
        &mut self,
        topic: &str,
        partition: i32,
        millis: i64,
    ) -> Result<Offset, ConsumerError> {
        let mut times = TopicPartitionList::new();
        let _listed = times.add_partition_offset(topic, partition, Offset::Offset(millis));
        let found = self.client.need()?.offsets_for_times(times, WAIT);
        let found = found.map_err(|error| kafka_fault(&error, topic))?;
        let offset = found.elements().first().map(|element| element.offset());
        Ok(match offset {
            Some(Offset::Offset(offset)) if offset >= 0 => Offset::Offset(offset),
            _ => Offset::End,
        })
    }

    fn check_assigned(&mut self, topic: &str, partition: i32) -> Result<(), ConsumerError> {
        match self.parts.assigned_mut(topic, partition) {
            Some(_) => Ok(()),
            None => Err(unassigned(topic, partition)),
        }
    }

    fn seek(&mut self, topic: &str, partition: i32, offset: Offset) -> Result<(), ConsumerError> {
        let index = self.parts.index(topic, partition);
        self.forget(index);
        let stopped = self.stuck.take().is_some();
        if let Some(part) = self.parts.get_mut(index) {
            part.mark = Mark::Unknown;
            part.position = match offset {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            };
            part.start = Some(offset);
        }
        if matches!(self.selection, Selection::Assigned { active: false }) {
            return Ok(());
        }
        if stopped {
            return self.restart();
        }
        self.seek_client(topic, partition, offset)
    }

    /// The client has given partitions up for want of an offset: all are assigned once more, each where its answers
    /// ended.
    fn restart(&mut self) -> Result<(), ConsumerError> {
        self.pending.retain(|_| false);
        self.held = None;
        self.parts.forget_marks();
        self.assign_client()
    }

    /// The client refuses to seek where it has not begun to fetch, which it does soon after an assignment.
    fn seek_client(
        &mut self,
        topic: &str,
        partition: i32,
        offset: Offset,
    ) -> Result<(), ConsumerError> {
        let client = self.client.need()?;
        let started = Instant::now();
        loop {
            let mut list = TopicPartitionList::new();
            let _listed = list.add_partition_offset(topic, partition, offset);
            let result = client.seek_partitions(list, WAIT).and_then(|list| {
                let refused = list.elements().iter().find_map(|one| one.error().err());
                refused.map_or(Ok(()), Err)
            });
            match result {
                Ok(()) => return Ok(()),
                Err(error) if started.elapsed() >= WAIT => {
                    let text = format!("Timed out while seeking in {topic}-{partition}: {error}");
                    return Err(KafkaFault::new(FaultClass::Retriable, text).into());
                }
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }
}

/// Two times for one partition, in the words of the Java map that refuses them; the offsets have been sought by then.
fn twice(timestamps: &[Seek]) -> Option<ConsumerError> {
    let mut seen = HashMap::new();
    timestamps.iter().find_map(|seek| {
        let place = (&seek.topic, seek.partition);
        let first = seen.insert(place, seek)?;
        let shown = |seek: &Seek| match &seek.metadata {
            Some(metadata) => format!("Optional[{metadata}]"),
            None => "Optional.empty".to_owned(),
        };
        Some(ConsumerError::IllegalState(format!(
            "Duplicate key {}-{} (attempted merging values {} and {})",
            seek.topic,
            seek.partition,
            shown(first),
            shown(seek)
        )))
    })
}

fn unassigned(topic: &str, partition: i32) -> ConsumerError {
    ConsumerError::IllegalState(format!(
        "No current assignment for partition {topic}-{partition}"
    ))
}
