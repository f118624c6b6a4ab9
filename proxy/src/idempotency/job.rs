//! A request with a key that waits for its turn in a ledger, and what becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::HeaderValue;
use parking_lot::Mutex;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::oneshot;

use super::note::Note;
use super::transaction::Transactions;
use super::{Done, Work};
use crate::error::Error;
use crate::kafka_error::fault;
use crate::producer_pool::Outgoing;
use crate::stream::now;

/// The answer, and whether it is the one that was noted before.
pub(super) type Answer = Result<(Note, bool), Error>;

/// See the module.
pub(super) struct Job {
    pub(super) key: String,
    /// The request's fingerprint.
    pub(super) request: String,
    /// `Content-Type` of the answer.
    pub(super) media: HeaderValue,
    pub(super) work: Arc<dyn Work>,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// What became of a job in a transaction.
pub(super) enum Outcome {
    /// It is written with the transaction, and so has its note to be.
    Written(Note),
    /// There was nothing to write: the answer is not kept.
    Unnoted(Note),
    /// It failed before it had written anything.
    Failed(Error),
    /// It failed, and the transaction holds records of it.
    Spoilt(Error),
}

impl Job {
    /// Makes an outcome of what the work says, and of what its records met.
    pub(super) fn outcome(&self, done: Result<Done, Error>, pen: &Pen<'_>) -> Outcome {
        let (handed, refused) = (pen.handed.load(Ordering::Relaxed), *pen.refused.lock());
        let Done {
            status,
            body,
            stored,
            lost,
        } = match done {
            Ok(done) => done,
            Err(error) if handed == 0 => return Outcome::Failed(error),
            Err(error) => return Outcome::Spoilt(error),
        };
        if let Some(lost) = lost {
            return Outcome::Spoilt(Error::Lost(lost));
        }
        if let Some(code) = refused {
            return Outcome::Spoilt(Error::Kafka(fault(code, "")));
        }
        let note = Note {
            request: self.request.clone(),
            status: status.as_u16(),
            media: self.media.to_str().unwrap_or_default().to_owned(),
            body: String::from_utf8(body).unwrap_or_default(),
            time: now(),
        };
        if stored == 0 {
            Outcome::Unnoted(note)
        } else {
            Outcome::Written(note)
        }
    }

    /// Tells whoever waits, if somebody still does.
    pub(super) fn answer(self, answer: Answer) {
        let _waiting = self.reply.send(answer);
    }
}

/// Hands the records of one job to a transaction, and remembers how that went.
pub(super) struct Pen<'t> {
    producer: &'t Transactions,
    handed: AtomicUsize,
    refused: Mutex<Option<RDKafkaErrorCode>>,
}

impl<'t> Pen<'t> {
    pub(super) fn new(producer: &'t Transactions) -> Self {
        Self {
            producer,
            handed: AtomicUsize::new(0),
            refused: Mutex::default(),
        }
    }

    pub(super) fn hand(&self, record: &Outgoing<'_>) -> Result<(), RDKafkaErrorCode> {
        let handed = self.producer.send(record);
        match handed {
            Ok(()) => {
                self.handed.fetch_add(1, Ordering::Relaxed);
            }
            Err(code) => *self.refused.lock() = Some(code),
        }
        handed
    }
}
