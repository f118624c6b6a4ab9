//! What became of a request's records: a partition and an offset each, or why there is none.

use std::borrow::Cow;
use std::sync::Arc;

use rdkafka::types::RDKafkaErrorCode;

use crate::error::Code;
use crate::kafka_error::{FaultClass, KafkaFault, fault};
use crate::tracker::{Delivery, Tracker};

/// Why a record was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    /// Confluent's code.
    pub code: Code,
    /// What the client is told.
    pub message: Cow<'static, str>,
    /// The code for clients that ask for the [strict](crate::prefer) truth.
    pub strict: Code,
}

impl RecordError {
    /// A failure whose code tells all.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
            strict: code,
        }
    }
}

impl From<KafkaFault> for RecordError {
    fn from(fault: KafkaFault) -> Self {
        Self {
            code: fault.record_code(),
            strict: fault.strict_code(),
            message: fault.message,
        }
    }
}

/// The results of a request's records.
#[derive(Debug)]
pub struct Produced {
    pub(super) tracker: Arc<Tracker>,
    /// Records that were not handed over, by index, in order.
    pub(super) refused: Vec<(usize, RecordError)>,
    /// How many records there are.
    pub records: usize,
    pub(super) topic: String,
}

impl Produced {
    /// The results, in the records' order.
    pub fn results(&self) -> impl Iterator<Item = Result<(i32, i64), RecordError>> {
        let mut refused = self.refused.iter().peekable();
        (0..self.records).map(move |index| {
            if let Some((_, error)) = refused.next_if(|(at, _)| *at == index) {
                return Err(error.clone());
            }
            match self.tracker.get(index) {
                Delivery::Stored {
                    partition, offset, ..
                } => Ok((partition, offset)),
                Delivery::Failed(code) => Err(fault(code, &self.topic).into()),
                Delivery::Pending => Err(KafkaFault::new(
                    FaultClass::Retriable,
                    "The record's delivery was not reported.",
                )
                .into()),
            }
        })
    }

    /// How many records Kafka took, and why one that was handed over was not taken.
    pub(crate) fn outcome(&self) -> (usize, Option<RecordError>) {
        let results = || (0..self.records).map(|index| self.tracker.get(index));
        let refused =
            |index: usize| (self.refused.binary_search_by_key(&index, |(at, _)| *at)).is_ok();
        let stored = results().filter(|result| matches!(result, Delivery::Stored { .. }));
        let lost = results()
            .enumerate()
            .filter_map(|(index, result)| match result {
                Delivery::Failed(code) if !refused(index) => Some(code),
                _ => None,
            });
        let lost = cause(lost).map(|code| fault(code, &self.topic).into());
        (stored.count(), lost)
    }
}

/// Of the codes that records failed with the one that tells why: those that were dropped because of another say nothing.
pub(crate) fn cause(codes: impl Iterator<Item = RDKafkaErrorCode>) -> Option<RDKafkaErrorCode> {
    let dropped = |code: &RDKafkaErrorCode| {
        matches!(
            code,
            RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight
        )
    };
    codes.min_by_key(dropped)
}
