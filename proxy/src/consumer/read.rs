//! `GET …/records`: gathering, waiting, answering.
//!
//! ```text
//! drain ─▶ enough? ─▶ take ─▶ answer
//!   ▲         │ no
//!   └─ woken ─┘ (or the time is over)
//! ```
//!
//! A read answers as soon as nothing can be gained by waiting: when `max_bytes` or `fetch.min.bytes` are reached, when
//! every partition was read to its end, or, when every partition was heard of, when nothing came for a short while: Kafka
//! tells an end only half a second (`fetch.max.wait.ms`) after the last record, and an end that an earlier read reached
//! may have moved, but what lies ready comes at once. Without records it waits its whole time, as the original does. What was gathered and not
//! answered stays for the next read, and behind a read that left more, some of the next is [made ready](Reader::step_ahead); a client that goes away loses nothing that was not taken yet.

use std::time::{Duration, Instant};

use super::error::ConsumerError;
use super::partitions::Mark;
use super::pending::{Limit, Taken};
use super::reader::{Drained, Reader};

/// Bytes that may be gathered beyond `max_bytes`, so that small reads go through partitions in order.
const LOOKAHEAD: usize = 64 * 1024;
/// Bytes that are made ready for the next read, at most.
const AHEAD: usize = 1024 * 1024;
/// Longest sleep: the client tells when its queue is no longer empty, but not every event of its own counts.
const TICK: Duration = Duration::from_millis(250);

/// Time that a schema has at least, however little is left of the read's.
const LEAST_FETCH: Duration = Duration::from_secs(1);

/// What a read asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Want {
    /// Longest wait.
    pub(crate) wait: Duration,
    /// Bytes of keys and values, which the answer stays below (if it has more than one record).
    pub(crate) max_bytes: usize,
    /// Bytes above which it answers at once.
    pub(crate) min_bytes: Option<usize>,
    /// Silence that counts as the end.
    pub(crate) linger: Duration,
    /// Time that the group has from the choice of what is read to its word on partitions. It does not count as waiting.
    pub(crate) join: Duration,
    /// Records, of which the answer has at most so many.
    pub(crate) max_records: usize,
    /// Whether the end of everything is an answer, too, when there is no record.
    pub(crate) until_end: bool,
    /// Whether the answer says where its records are.
    pub(crate) events: bool,
}

impl Reader {
    /// Reads records.
    ///
    /// # Errors
    /// Nothing is subscribed to, a record cannot be decoded, or Kafka refuses.
    pub(crate) async fn read(&mut self, want: Want) -> Result<Taken, ConsumerError> {
        if let Some(fault) = &self.stuck {
            return Err(fault.clone().into());
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.activate(want.wait).await?;
        let joining = want.join.saturating_sub(self.chosen.elapsed());
        if !joining.is_zero() && self.selection.is_subscription() && !self.joined() {
            self.join(joining).await?;
        }
        let started = Instant::now();
        self.parts.begin_read();
        let (mut heard, mut size) = (started, self.pending.size());
        let limit = want.max_bytes.saturating_add(LOOKAHEAD);
        self.ahead = None;
        loop {
            let drained = self.drain(limit)?;
            if self.pending.size() != size {
                (heard, size) = (Instant::now(), self.pending.size());
            }
            let left = want.wait.saturating_sub(started.elapsed());
            match drained {
                Drained::Held => match self.fetch_schema(left).await {
                    Err(error) if self.pending.is_empty() => return Err(error),
                    Err(_) => break,
                    Ok(()) => {}
                },
                Drained::Busy if !left.is_zero() && self.pending.len() < want.max_records => {
                    tokio::task::yield_now().await;
                }
                _ if left.is_zero() || self.enough(&want, drained, heard) => {
                    self.ahead = (drained == Drained::Full).then_some(limit.min(AHEAD));
                    break;
                }
                _ => {
                    self.assign_unheard_again();
                    self.match_topics(left).await?;
                    let pause = self.pause(&want, heard).min(left).min(TICK);
                    let _woken = tokio::time::timeout(pause, self.client.wake().notified()).await;
                }
            }
        }
        self.take(Limit {
            bytes: want.max_bytes,
            records: want.max_records,
            events: want.events,
        })
    }

    /// A step of making records ready for the next read, behind one that left more than it took: while the client is busy with
    /// that answer, the next one is written. `true`: there is more to do.
    pub(super) fn step_ahead(&mut self) -> bool {
        let Some(limit) = self.ahead else {
            return false;
        };
        match self.drain(limit) {
            Ok(drained) => drained == Drained::Busy,
            Err(error) => {
                // The next read tells it, as it does what has to be sought past.
                self.failed = self.stuck.is_none().then_some(error);
                false
            }
        }
    }

    /// Whether waiting would gain nothing.
    fn enough(&self, want: &Want, drained: Drained, heard: Instant) -> bool {
        if self.pending.is_empty() {
            return want.until_end && self.parts.ends() == Mark::End;
        }
        if self.pending.len() >= want.max_records {
            return true;
        }
        let (size, ends) = (self.pending.size(), self.parts.ends());
        let silent = || heard.elapsed() >= want.linger;
        if self.pending.has_fault() || want.min_bytes.is_some_and(|min| size > min) {
            return true;
        }
        if size >= want.max_bytes {
            return drained == Drained::Full || ends != Mark::Unknown || silent();
        }
        match ends {
            Mark::End => true,
            Mark::EndBefore | Mark::Open => silent(),
            Mark::Unknown => false,
        }
    }

    /// How long to sleep unless woken: until silence would count, if there is something to answer.
    fn pause(&self, want: &Want, heard: Instant) -> Duration {
        if self.pending.is_empty() {
            return want.wait;
        }
        want.linger
            .saturating_sub(heard.elapsed())
            .max(Duration::from_millis(1))
    }

    /// Fetches the schema that the held record waits for.
    ///
    /// # Errors
    /// It cannot be had. The record stays where it is, and the next read tries again.
    async fn fetch_schema(&mut self, left: Duration) -> Result<(), ConsumerError> {
        let Some(held) = &self.held else {
            return Ok(());
        };
        let wait = left.max(LEAST_FETCH);
        let reason = match tokio::time::timeout(wait, self.deserializer.prepare(held.schema)).await
        {
            Ok(Ok(())) => {
                self.release();
                return Ok(());
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the registry does not answer in time".to_owned(),
        };
        let place = self.parts.get(held.part);
        let name = place.map(|part| format!("{}-{}", part.topic, part.partition));
        let (name, offset, schema) = (name.unwrap_or_default(), held.offset, held.schema);
        tracing::warn!(
            partition = name,
            offset,
            schema,
            reason,
            "a schema cannot be fetched"
        );
        Err(ConsumerError::Undecodable(format!(
            "Error deserializing VALUE for partition {name} at offset {offset}. If needed, please seek past the record \
             to continue consumption."
        )))
    }
}
