//! What a partition remembers of idempotent producers: the last five batches of each, so that a batch sent again
//! is answered with its first offset and a gap is noticed. In: headers of arriving batches (and, at recovery, of
//! stored ones); out: append, duplicate, or the error that Kafka gives.

use std::collections::{HashMap, VecDeque};

use kafka_protocol::ResponseError;

use super::batch::{BatchHeader, add_sequence};

/// Batches remembered per producer, as in Kafka: the most that a producer may have in flight.
const REMEMBERED: usize = 5;
/// Producers remembered per partition; the one that wrote longest ago is forgotten first.
const MAX_PRODUCERS: usize = 10_000;

#[derive(Debug)]
struct Remembered {
    base_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
    timestamp: i64,
}

#[derive(Debug, Default)]
struct Producer {
    epoch: i16,
    batches: VecDeque<Remembered>,
}

/// The idempotent producers of one partition.
#[derive(Debug, Default)]
pub(crate) struct Producers {
    by_id: HashMap<i64, Producer>,
}

/// What to do with a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Append,
    /// The batch is in the log already.
    Duplicate {
        base_offset: i64,
        timestamp: i64,
    },
}

impl Producers {
    /// Judges a batch before it is appended.
    ///
    /// # Errors
    /// `INVALID_PRODUCER_EPOCH` from a producer that was replaced, `OUT_OF_ORDER_SEQUENCE_NUMBER` for a gap.
    pub(crate) fn judge(&self, header: &BatchHeader) -> Result<Verdict, ResponseError> {
        let Some(producer) = self
            .by_id
            .get(&header.producer_id)
            .filter(|_| header.has_producer())
        else {
            return Ok(Verdict::Append);
        };
        if header.producer_epoch < producer.epoch {
            return Err(ResponseError::InvalidProducerEpoch);
        }
        let same_epoch = header.producer_epoch == producer.epoch;
        if let Some(batch) = producer
            .batches
            .iter()
            .find(|batch| same_epoch && batch.is(header))
        {
            let (base_offset, timestamp) = (batch.base_offset, batch.timestamp);
            return Ok(Verdict::Duplicate {
                base_offset,
                timestamp,
            });
        }
        let expected = match producer.batches.back() {
            Some(last) if same_epoch => add_sequence(last.last_sequence, 1),
            _ => 0,
        };
        if header.base_sequence != expected {
            return Err(ResponseError::OutOfOrderSequenceNumber);
        }
        Ok(Verdict::Append)
    }

    /// Notes a batch that is in the log now, with its offset set.
    pub(crate) fn note(&mut self, header: &BatchHeader) {
        if !header.has_producer() {
            return;
        }
        if self.by_id.len() >= MAX_PRODUCERS && !self.by_id.contains_key(&header.producer_id) {
            self.forget_oldest();
        }
        let producer = self.by_id.entry(header.producer_id).or_default();
        if producer.epoch != header.producer_epoch {
            *producer = Producer {
                epoch: header.producer_epoch,
                batches: VecDeque::new(),
            };
        }
        if producer.batches.len() == REMEMBERED {
            producer.batches.pop_front();
        }
        producer.batches.push_back(Remembered {
            base_sequence: header.base_sequence,
            last_sequence: header.last_sequence(),
            base_offset: header.base_offset,
            timestamp: header.max_timestamp,
        });
    }

    fn forget_oldest(&mut self) {
        let written = |producer: &Producer| {
            producer
                .batches
                .back()
                .map_or(i64::MIN, |last| last.base_offset)
        };
        let oldest = self
            .by_id
            .iter()
            .min_by_key(|(_, producer)| written(producer))
            .map(|(id, _)| *id);
        if let Some(id) = oldest {
            self.by_id.remove(&id);
        }
    }
}

impl Remembered {
    fn is(&self, header: &BatchHeader) -> bool {
        self.base_sequence == header.base_sequence && self.last_sequence == header.last_sequence()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::super::batch::tests::idempotent_batch;
    use super::*;

    fn header(epoch: i16, sequence: i32, records: usize, base_offset: i64) -> BatchHeader {
        let values = vec!["v"; records];
        let mut header =
            BatchHeader::parse(&idempotent_batch(&values, 0, 9, epoch, sequence)).unwrap();
        header.base_offset = base_offset;
        header
    }

    #[test]
    fn a_batch_sent_again_is_found_among_the_last_five() {
        let mut producers = Producers::default();
        for batch in 0..6 {
            producers.note(&header(0, batch * 2, 2, 100 + i64::from(batch) * 2));
        }
        let found = producers.judge(&header(0, 2, 2, 0)).unwrap();
        assert_eq!(
            found,
            Verdict::Duplicate {
                base_offset: 102,
                timestamp: 1
            }
        );
        let forgotten = producers.judge(&header(0, 0, 2, 0)).unwrap_err();
        assert_eq!(forgotten, ResponseError::OutOfOrderSequenceNumber);
        assert_eq!(
            producers.judge(&header(0, 12, 1, 0)).unwrap(),
            Verdict::Append
        );
    }

    #[test]
    fn gaps_and_old_epochs_are_refused_and_a_new_epoch_starts_at_zero() {
        let mut producers = Producers::default();
        assert_eq!(
            producers.judge(&header(0, 17, 1, 0)).unwrap(),
            Verdict::Append
        ); // unknown producer
        producers.note(&header(3, 0, 1, 0));
        let judge = |epoch, sequence| producers.judge(&header(epoch, sequence, 1, 0));
        assert_eq!(
            judge(3, 2).unwrap_err(),
            ResponseError::OutOfOrderSequenceNumber
        );
        assert_eq!(
            judge(2, 1).unwrap_err(),
            ResponseError::InvalidProducerEpoch
        );
        assert_eq!(
            judge(4, 1).unwrap_err(),
            ResponseError::OutOfOrderSequenceNumber
        );
        assert_eq!(judge(4, 0).unwrap(), Verdict::Append);
    }
}
