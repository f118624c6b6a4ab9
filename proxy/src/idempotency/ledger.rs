//! The ledger of one partition of the topic of notes: requests whose keys belong there, one after the other.
//!
//! While its producer is not fenced, nobody else writes notes to the partition, so what the ledger has read and written
//! is all there is. Whatever goes wrong in a transaction ends the producer: a new one is initialised, which settles what
//! became of the transaction, the partition is read on from where it was known, and the key is looked up again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::HeaderValue;
use parking_lot::Mutex as Quick;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::Mutex;

use super::config::IdempotencyConfig;
use super::note::Note;
use super::notes::Notes;
use super::transaction::{Failure, Transactions, read_committed};
use super::{Done, IdempotencyError, Work};
use crate::app::App;
use crate::error::Error;
use crate::kafka_error::fault;
use crate::producer_pool::Outgoing;
use crate::stream::now;
use crate::tracker::Delivery;

/// How often a request is tried: each time that another replica takes the partition costs one.
const TRIES: u32 = 6;
/// Pause before the next try, times the tries so far; up to as much again by chance.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a refusal of transactions is believed.
const REFUSED: Duration = Duration::from_secs(5);

/// See the module.
pub(super) struct Ledger {
    config: IdempotencyConfig,
    partition: i32,
    held: Arc<AtomicUsize>,
    state: Mutex<State>,
}

struct State {
    producer: Option<Transactions>,
    notes: Notes,
    /// The offset of the next note to be read.
    next: i64,
    /// Why Kafka refused transactions, and when.
    refused: Option<(Instant, String)>,
}

/// What became of a transaction.
enum Outcome {
    /// It holds.
    Noted(Note),
    /// There was nothing to write: the answer is not kept.
    Unnoted(Note),
    /// The work failed, and nothing was written.
    Failed(Error),
}

impl Ledger {
    pub(super) fn new(config: &IdempotencyConfig, partition: i32, held: Arc<AtomicUsize>) -> Self {
        let state = State {
            producer: None,
            notes: Notes::new(config.retention, Arc::clone(&held)),
            next: 0,
            refused: None,
        };
        Self {
            config: config.clone(),
            partition,
            held,
            state: Mutex::new(state),
        }
    }

    /// The answer to a request: the one that is noted (`true`), or the work's.
    pub(super) async fn once(
        &self,
        app: &Arc<App>,
        key: &str,
        request: &str,
        media: &HeaderValue,
        work: &impl Work,
    ) -> Result<(Note, bool), Error> {
        let mut state = self.state.lock().await;
        if let Some((when, reason)) = &state.refused
            && when.elapsed() < REFUSED
        {
            return Err(IdempotencyError::NoTransactions(reason.clone()).into());
        }
        let mut reason = String::new();
        for number in 0..TRIES {
            if number > 0 {
                tracing::debug!(
                    partition = self.partition,
                    reason,
                    "a keyed request is tried again"
                );
                let chance = f64::from(u32::from(uuid::Uuid::new_v4().as_bytes()[0])) / 255.0;
                tokio::time::sleep((PAUSE * number).mul_f64(1.0 + chance)).await;
            }
            // Out of the state while it is used: a request that is given up in the middle leaves none behind.
            let producer = match state.producer.take() {
                Some(producer) => producer,
                None => match self.open(app, &mut state).await {
                    Ok(producer) => producer,
                    Err(Failure::Refused(reason)) => {
                        state.refused = Some((Instant::now(), reason.clone()));
                        return Err(IdempotencyError::NoTransactions(reason).into());
                    }
                    Err(Failure::Again(why)) => {
                        reason = why;
                        continue;
                    }
                },
            };
            if let Some(note) = state.notes.get(key) {
                let known = if note.request == request {
                    Ok((note.clone(), true))
                } else {
                    Err(IdempotencyError::Reused.into())
                };
                state.producer = Some(producer);
                return known;
            }
            state.notes.forget();
            let held = self.held.load(Ordering::Relaxed);
            if held > self.config.max_bytes {
                state.producer = Some(producer);
                return Err(IdempotencyError::TooMany(held).into());
            }
            match self
                .transact(app, &producer, (key, request, media), work)
                .await
            {
                Ok(outcome) => {
                    state.producer = Some(producer);
                    return match outcome {
                        Outcome::Noted(note) => {
                            state.notes.put(key.to_owned(), note.clone());
                            Ok((note, false))
                        }
                        Outcome::Unnoted(note) => Ok((note, false)),
                        Outcome::Failed(error) => Err(error),
                    };
                }
                Err(Failure::Refused(reason)) => {
                    return Err(IdempotencyError::NoTransactions(reason).into());
                }
                Err(Failure::Again(why)) => reason = why,
            }
        }
        Err(IdempotencyError::Unknown(reason).into())
    }

    /// Fences everyone else, and reads what they have noted meanwhile.
    async fn open(&self, app: &Arc<App>, state: &mut State) -> Result<Transactions, Failure> {
        let (topic, timeout) = (self.config.topic.clone(), self.config.timeout);
        let (partition, from) = (self.partition, state.next);
        let name = format!("{topic}-{partition}");
        let producer = Transactions::open(app, &name, timeout).await?;
        let config = app.config.consumer.client_config();
        let read = move || read_committed(config, &topic, partition, from, timeout);
        let read = tokio::task::spawn_blocking(read).await;
        let read = read.map_err(|_| Failure::Again("reading notes panicked".into()))?;
        let (notes, next) = read?;
        tracing::debug!(
            partition,
            notes = notes.len(),
            "a partition of idempotency keys was taken"
        );
        for (key, note) in notes {
            state.notes.put(key, note);
        }
        state.next = next;
        Ok(producer)
    }

    /// Writes the records and their note together.
    async fn transact(
        &self,
        app: &Arc<App>,
        producer: &Transactions,
        (key, request, media): (&str, &str, &HeaderValue),
        work: &impl Work,
    ) -> Result<Outcome, Failure> {
        producer.begin()?;
        let refused: Quick<Option<RDKafkaErrorCode>> = Quick::default();
        let hand = |record: &Outgoing<'_>| {
            let handed = producer.send(record);
            handed.inspect_err(|code| *refused.lock() = Some(*code))
        };
        let done = work.write(app, &hand).await;
        if let Some(reason) = producer.is_lost() {
            return Err(Failure::Again(reason));
        }
        let Done {
            status,
            body,
            stored,
            lost,
        } = match done {
            Ok(done) => done,
            Err(error) => return failed(producer, error).await,
        };
        if let Some(lost) = lost {
            return failed(producer, Error::Lost(lost)).await;
        }
        let refused = *refused.lock();
        if let Some(code) = refused {
            return failed(producer, Error::Kafka(fault(code, ""))).await;
        }
        let note = Note {
            request: request.to_owned(),
            status: status.as_u16(),
            media: media.to_str().unwrap_or_default().to_owned(),
            body: String::from_utf8(body).unwrap_or_default(),
            time: now(),
        };
        if stored == 0 {
            producer.abort().await?;
            return Ok(Outcome::Unnoted(note));
        }
        self.write_down(app, producer, key, &note).await?;
        producer.commit().await?;
        Ok(Outcome::Noted(note))
    }

    async fn write_down(
        &self,
        app: &App,
        producer: &Transactions,
        key: &str,
        note: &Note,
    ) -> Result<(), Failure> {
        let value = serde_json::to_vec(note).unwrap_or_default();
        let registered = app.deliveries.register(1, app.admission.empty());
        let sent = producer.send(&Outgoing {
            topic: &self.config.topic,
            partition: Some(self.partition),
            key: Some(key.as_bytes()),
            value: Some(&value),
            timestamp: Some(note.time),
            headers: None,
            opaque: registered.opaque(0),
        });
        if let Err(code) = sent {
            app.deliveries.refuse(&registered, 0, code);
        }
        app.deliveries.handed_over(&registered);
        registered.tracker.done().await;
        match registered.tracker.get(0) {
            Delivery::Stored { .. } => Ok(()),
            Delivery::Failed(code) => {
                Err(Failure::Again(format!("the note was not written: {code}")))
            }
            Delivery::Pending => Err(Failure::Again(
                "the note's delivery was not reported".into(),
            )),
        }
    }
}

/// Gives a transaction up. Only when that worked nothing else can have become of it.
async fn failed(producer: &Transactions, error: Error) -> Result<Outcome, Failure> {
    producer.abort().await?;
    Ok(Outcome::Failed(error))
}
