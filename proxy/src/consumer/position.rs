//! `…/positions`: where reading goes on.
//!
//! In: offsets, times, or an end. Out: the next record that a read answers with. What fails: partitions that are not
//! assigned (40903), offsets below zero.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::{Offset, TopicPartitionList};

use super::error::ConsumerError;
use super::partitions::Mark;
use super::reader::Reader;
use super::requests::{Place, SeekRequest};
use super::subscription::Selection;
use crate::admin_client::kafka_fault;
use crate::kafka_error::{FaultClass, KafkaFault};

/// How long the client may take to seek, and to look up times.
const WAIT: Duration = Duration::from_secs(10);
/// Pause before trying again a seek that came too early.
const PAUSE: Duration = Duration::from_millis(20);

impl Reader {
    /// `POST …/positions/beginning` and `…/end`. Blocks.
    ///
    /// # Errors
    /// A partition is not assigned.
    pub(crate) fn seek_to(
        &mut self,
        places: &[Place],
        offset: Offset,
    ) -> Result<(), ConsumerError> {
        let places: Vec<_> = places
            .iter()
            .map(Place::required)
            .collect::<Result<_, _>>()?;
        for (topic, partition) in &places {
            self.check_assigned(topic, *partition)?;
        }
        for (topic, partition) in &places {
            self.seek(topic, *partition, offset)?;
        }
        Ok(())
    }

    /// `POST …/positions`. Blocks.
    ///
    /// # Errors
    /// A partition is not assigned, a time is none, or Kafka does not answer.
    pub(crate) fn seek_all(&mut self, request: &SeekRequest) -> Result<(), ConsumerError> {
        check_numbers(&request.offsets, "offsets")?;
        check_numbers(&request.timestamps, "timestamps")?;
        for place in &request.offsets {
            let (topic, partition) = named(place);
            self.check_assigned(&topic, partition)?;
            self.seek(&topic, partition, Offset::Offset(place.offset.unwrap_or(0)))?;
        }
        if request.timestamps.is_empty() {
            return Ok(());
        }
        let mut times = TopicPartitionList::new();
        for place in &request.timestamps {
            let (topic, partition) = named(place);
            self.check_assigned(&topic, partition)?;
            let millis = millis(place.timestamp.as_deref())?;
            let _listed = times.add_partition_offset(&topic, partition, Offset::Offset(millis));
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
            None => Err(ConsumerError::IllegalState(format!(
                "No current assignment for partition {topic}-{partition}"
            ))),
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

/// Missing numbers are 0 here, as the original reads them.
fn named(place: &Place) -> (String, i32) {
    let topic = place.topic.clone().unwrap_or_default();
    (topic, place.partition.unwrap_or(0))
}

fn check_numbers(places: &[Place], list: &str) -> Result<(), ConsumerError> {
    for (index, place) in places.iter().enumerate() {
        let at = |field: &str, rule: &str, was: String| {
            Err(ConsumerError::Rule(format!(
                "seekToOffset.request.{list}[{index}].{field} must {rule} (was {was})"
            )))
        };
        if let Some(partition @ ..0) = place.partition {
            return at(
                "partition",
                "be greater than or equal to 0",
                partition.to_string(),
            );
        }
        if let Some(offset @ ..0) = place.offset {
            return at(
                "offset",
                "be greater than or equal to 0",
                offset.to_string(),
            );
        }
        if place.topic.as_deref().is_none_or(str::is_empty) {
            let was = place.topic.as_ref().map_or("null", |_| "");
            return at("topic", "not be empty", was.to_owned());
        }
    }
    Ok(())
}

/// An instant as ISO 8601 writes it, or in seconds with a fraction, in milliseconds since 1970.
fn millis(text: Option<&str>) -> Result<i64, ConsumerError> {
    let text = text.ok_or(ConsumerError::Unforeseen("a timestamp is missing"))?;
    if let Ok(timestamp) = text.trim().parse::<jiff::Timestamp>() {
        return Ok(timestamp.as_millisecond());
    }
    #[allow(clippy::cast_possible_truncation)]
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => Ok((seconds * 1000.0) as i64),
        _ => Err(ConsumerError::Malformed(format!(
            "Cannot deserialize value of type `Instant` from String \"{text}\": Failed to deserialize \
             java.time.Instant: Text '{text}' could not be parsed"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(millis(Some("1970-01-01T00:00:01.5Z")), Ok(1500));
        assert_eq!(millis(Some("1.5")), Ok(1500));
        assert!(millis(Some("yesterday")).is_err_and(|error| error.code().number == 400));
        assert!(millis(None).is_err_and(|error| error.code().number == 500));
    }

    #[test]
    fn numbers_below_zero() {
        let place = Place {
            topic: Some("t".into()),
            partition: Some(0),
            offset: Some(-1),
            ..Place::default()
        };
        let error = check_numbers(&[place], "offsets").map_err(|error| error.to_string());
        assert_eq!(
            error,
            Err("seekToOffset.request.offsets[0].offset must be greater than or equal to 0 (was -1)".into())
        );
    }
}
