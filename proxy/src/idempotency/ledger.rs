//! The ledger of one partition of the topic of notes: requests whose keys belong there, a transaction after the other.
//!
//! ```text
//! jobs wait ─▶ whoever has the turn takes all ─▶ known? answered ─▶ the others: one transaction ─▶ answered
//! ```
//!
//! While its producer is not fenced, nobody else writes notes to the partition, so what the ledger has read and written
//! is all there is. Whatever goes wrong in a transaction ends the producer: a new one is initialised, which settles what
//! became of the transaction, the partition is read on from where it was known, and the keys are looked up again.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::HeaderValue;
use parking_lot::Mutex as Quick;
use tokio::sync::{Mutex, oneshot};

use super::config::IdempotencyConfig;
use super::job::{Answer, Job, Outcome, Pen};
use super::note::Note;
use super::notes::Notes;
use super::transaction::{Failure, Transactions, read_committed};
use super::{IdempotencyError, Work};
use crate::app::App;
use crate::error::Error;
use crate::producer_pool::Outgoing;
use crate::tracker::Delivery;

/// How often requests are tried: each time that another replica takes the partition costs one.
const TRIES: u32 = 6;
/// Pause before the next try, times the tries so far; up to as much again by chance.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a refusal of transactions is believed.
const REFUSED: Duration = Duration::from_secs(5);
/// Requests in one transaction.
const TOGETHER: usize = 100;

/// See the module.
pub(super) struct Ledger {
    config: IdempotencyConfig,
    partition: i32,
    held: Arc<AtomicUsize>,
    waiting: Quick<VecDeque<Job>>,
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

/// How a transaction ended.
enum Step {
    /// As it should.
    Done,
    /// Kafka refused a record: nothing was written. If there was one job, it is answered; of several it is not clear
    /// whose fault it was. The producer is not used any more: the client drops what is sent soon after.
    Spoilt,
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
            waiting: Quick::default(),
            state: Mutex::new(state),
        }
    }

    /// The answer to a request: the one that is noted (`true`), or the work's.
    pub(super) async fn once(
        &self,
        app: &Arc<App>,
        (key, request): (String, String),
        media: HeaderValue,
        work: Arc<dyn Work>,
    ) -> Answer {
        let (reply, mut answer) = oneshot::channel();
        self.waiting.lock().push_back(Job {
            key,
            request,
            media,
            work,
            reply,
        });
        // Whoever has the turn answers all that wait by then.
        let mut state = tokio::select! {
            biased;
            answered = &mut answer => return answered.unwrap_or_else(|_| Err(given_up())),
            state = self.state.lock() => state,
        };
        loop {
            match answer.try_recv() {
                Ok(answer) => return answer,
                Err(oneshot::error::TryRecvError::Closed) => return Err(given_up()),
                Err(oneshot::error::TryRecvError::Empty) => {}
            }
            let jobs = self.take();
            self.settle(app, &mut state, jobs).await;
        }
    }

    /// The jobs that wait, but for those that nobody waits for any longer, and those whose key another of them has: that
    /// one's answer is theirs.
    fn take(&self) -> Vec<Job> {
        let mut waiting = self.waiting.lock();
        waiting.retain(|job| !job.reply.is_closed());
        let (mut keys, mut jobs, mut later) = (HashSet::new(), Vec::new(), VecDeque::new());
        while let Some(job) = waiting.pop_front() {
            if jobs.len() < TOGETHER && keys.insert(job.key.clone()) {
                jobs.push(job);
            } else {
                later.push_back(job);
            }
        }
        *waiting = later;
        jobs
    }

    /// Answers jobs.
    async fn settle(&self, app: &Arc<App>, state: &mut State, mut jobs: Vec<Job>) {
        if let Some((when, reason)) = &state.refused
            && when.elapsed() < REFUSED
        {
            return refuse(jobs, reason);
        }
        let (mut reason, mut together, mut tries) = (String::new(), true, 0);
        while tries < TRIES && !jobs.is_empty() {
            if tries > 0 {
                let partition = self.partition;
                tracing::debug!(partition, reason, "keyed requests are tried again");
                let chance = f64::from(u32::from(uuid::Uuid::new_v4().as_bytes()[0])) / 255.0;
                tokio::time::sleep((PAUSE * tries).mul_f64(1.0 + chance)).await;
            }
            // Out of the state while it is used: whoever is given up in the middle leaves none behind.
            let opened = match state.producer.take() {
                Some(producer) => Ok(producer),
                None => self.open(app, state).await,
            };
            let tried = match opened {
                Ok(producer) => {
                    self.attempt(app, state, producer, &mut jobs, together)
                        .await
                }
                Err(failure) => Err(failure),
            };
            match tried {
                Ok(Step::Done) => return,
                Ok(Step::Spoilt) => together = false,
                Err(Failure::Again(why)) => {
                    reason = why;
                    tries += 1;
                }
                Err(Failure::Refused(why)) => {
                    refuse(jobs, &why);
                    state.refused = Some((Instant::now(), why));
                    return;
                }
            }
        }
        for job in jobs {
            job.answer(Err(IdempotencyError::Unknown(reason.clone()).into()));
        }
    }

    /// Answers jobs with what is known, and the others by a transaction, or one each. Those that are not answered stay.
    async fn attempt(
        &self,
        app: &Arc<App>,
        state: &mut State,
        producer: Transactions,
        jobs: &mut Vec<Job>,
        together: bool,
    ) -> Result<Step, Failure> {
        state.notes.forget();
        let held = self.held.load(Ordering::Relaxed);
        for job in std::mem::take(jobs) {
            match state.notes.get(&job.key) {
                Some(note) if note.request == job.request => {
                    let note = note.clone();
                    job.answer(Ok((note, true)));
                }
                Some(_) => job.answer(Err(IdempotencyError::Reused.into())),
                None if held > self.config.max_bytes => {
                    let next_end = state.notes.next_end();
                    job.answer(Err(IdempotencyError::TooMany { held, next_end }.into()));
                }
                None => jobs.push(job),
            }
        }
        while let Some(job) = jobs.pop() {
            let mut now = vec![job];
            if together {
                now.append(jobs);
            }
            let step = self.transact(app, state, &producer, &mut now).await;
            jobs.append(&mut now);
            if matches!(step?, Step::Spoilt) {
                return Ok(Step::Spoilt);
            }
        }
        state.producer = Some(producer);
        Ok(Step::Done)
    }

    /// Writes the records of jobs and their notes in one transaction, and answers them.
    async fn transact(
        &self,
        app: &Arc<App>,
        state: &mut State,
        producer: &Transactions,
        jobs: &mut Vec<Job>,
    ) -> Result<Step, Failure> {
        producer.begin()?;
        let outcomes = write(app, producer, jobs).await;
        if let Some(reason) = producer.is_lost() {
            return Err(Failure::Again(reason));
        }
        let spoilt = |outcome: &Outcome| matches!(outcome, Outcome::Spoilt(_));
        let written = |outcome: &Outcome| matches!(outcome, Outcome::Written(_));
        let step = if outcomes.iter().any(spoilt) {
            Step::Spoilt
        } else {
            Step::Done
        };
        if matches!(step, Step::Spoilt) {
            producer.abort().await?;
            if jobs.len() > 1 {
                return Ok(step);
            }
        } else if outcomes.iter().any(written) {
            let next = self.note(app, producer, jobs, &outcomes).await?;
            producer.commit().await?;
            state.next = state.next.max(next);
        } else {
            producer.abort().await?;
        }
        for (job, outcome) in jobs.drain(..).zip(outcomes) {
            match outcome {
                Outcome::Written(note) => {
                    state.notes.put(job.key.clone(), note.clone());
                    job.answer(Ok((note, false)));
                }
                Outcome::Unnoted(note) => job.answer(Ok((note, false))),
                Outcome::Failed(error) | Outcome::Spoilt(error) => job.answer(Err(error)),
            }
        }
        Ok(step)
    }

    /// Adds the notes of what was written to the transaction: the offset behind them.
    async fn note(
        &self,
        app: &App,
        producer: &Transactions,
        jobs: &[Job],
        outcomes: &[Outcome],
    ) -> Result<i64, Failure> {
        let notes: Vec<(&str, &Note)> = jobs
            .iter()
            .zip(outcomes)
            .filter_map(|(job, outcome)| match outcome {
                Outcome::Written(note) => Some((job.key.as_str(), note)),
                _ => None,
            })
            .collect();
        let registered = app.deliveries.register(notes.len(), app.admission.empty());
        for (index, (key, note)) in notes.iter().enumerate() {
            let value = serde_json::to_vec(note).unwrap_or_default();
            let sent = producer.send(&Outgoing {
                topic: &self.config.topic,
                partition: Some(self.partition),
                key: Some(key.as_bytes()),
                value: Some(&value),
                timestamp: Some(note.time),
                headers: None,
                opaque: registered.opaque(index),
            });
            if let Err(code) = sent {
                app.deliveries.refuse(&registered, index, code);
            }
        }
        app.deliveries.handed_over(&registered);
        registered.tracker.done().await;
        let mut next = 0;
        for index in 0..notes.len() {
            match registered.tracker.get(index) {
                Delivery::Stored { offset, .. } => next = next.max(offset + 1),
                Delivery::Failed(code) => {
                    return Err(Failure::Again(format!("a note was not written: {code}")));
                }
                Delivery::Pending => {
                    return Err(Failure::Again("a note's delivery was not reported".into()));
                }
            }
        }
        Ok(next)
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
}

/// Has all jobs write at the same time.
async fn write(app: &Arc<App>, producer: &Transactions, jobs: &[Job]) -> Vec<Outcome> {
    let pens: Vec<Pen<'_>> = jobs.iter().map(|_| Pen::new(producer)).collect();
    let works = jobs.iter().zip(&pens).map(async |(job, pen)| {
        let hand = |record: &Outgoing<'_>| pen.hand(record);
        let done = job.work.write(app, &hand).await;
        job.outcome(done, pen)
    });
    join_all(works).await
}

fn refuse(jobs: Vec<Job>, reason: &str) {
    for job in jobs {
        job.answer(Err(
            IdempotencyError::NoTransactions(reason.to_owned()).into()
        ));
    }
}

fn given_up() -> Error {
    IdempotencyError::Unknown("whoever wrote it was given up".into()).into()
}
