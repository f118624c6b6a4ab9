//! What an instance reads, how far that was answered, and its client while there is one. Held by one request at a time.
//!
//! ```text
//! librdkafka ─ poll(0) ─▶ drain ─▶ pending (JSON) ─▶ take ─▶ the body of GET …/records
//!      └─ wakes the read when its queue is no longer empty
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Client, Recipe};
use super::error::ConsumerError;
use super::include::Include;
use super::java_order::{self, TopicPartition};
use super::partitions::{Mark, Partitions};
use super::pending::{Limit, Pending, Taken};
use super::record_json::{Held, append};
use super::subscription::Selection;
use crate::admin_client::AdminClient;
use crate::format::deserialize::{DeserializeError, Deserializer};
use crate::kafka_error::{FaultClass, KafkaFault, fault};

/// Bytes after which a drain lets others have the thread.
const STEP_BYTES: usize = 256 * 1024;

/// See the module.
pub(crate) struct Reader {
    pub(super) client: Client,
    pub(super) admin: Arc<AdminClient>,
    pub(super) selection: Selection,
    pub(super) parts: Partitions,
    pub(super) pending: Pending,
    /// A record whose schema is not there yet.
    pub(super) held: Option<Held>,
    /// Why reading does not go on until someone seeks.
    pub(super) stuck: Option<KafkaFault>,
    /// What went wrong while the next read was made ready.
    pub(super) failed: Option<ConsumerError>,
    /// When the client told an error after which it may have [given up](super::unheard) partitions.
    pub(super) refused: Option<Instant>,
    /// Bytes up to which the next read is made ready, if the last one left more than it took.
    pub(super) ahead: Option<usize>,
    pub(super) deserializer: Arc<dyn Deserializer>,
    changes: u64,
    /// How often the group had said what is read before the last choice, and when that choice was made.
    pub(super) before_join: u64,
    pub(super) chosen: Instant,
    auto_commit: bool,
    /// Whether partitions without a committed offset are read from their end.
    pub(super) from_end: bool,
    include: Include,
}

/// How far a drain came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drained {
    /// To the end of the client's queue.
    Empty,
    /// To the limit.
    Full,
    /// To the end of its turn.
    Busy,
    /// To a record whose schema has to be fetched.
    Held,
}

impl Reader {
    /// Reads nothing yet, and has no client: one is made from `recipe` when it is needed.
    pub(crate) fn new(
        recipe: Recipe,
        deserializer: Arc<dyn Deserializer>,
        admin: Arc<AdminClient>,
        include: Include,
    ) -> Self {
        let setting = |name: &str| recipe.config.get(name);
        let auto_commit = setting("enable.auto.commit") != Some("false");
        let from_end = setting("auto.offset.reset") == Some("latest");
        Self {
            client: Client::new(recipe),
            admin,
            selection: Selection::None,
            parts: Partitions::default(),
            pending: Pending::default(),
            held: None,
            stuck: None,
            failed: None,
            refused: None,
            ahead: None,
            deserializer,
            changes: 0,
            before_join: 0,
            chosen: Instant::now(),
            auto_commit,
            from_end,
            include,
        }
    }

    /// Reads one partition from an offset on, and nothing else.
    ///
    /// # Errors
    /// Something is subscribed to.
    pub(super) fn begin(
        &mut self,
        place: TopicPartition,
        start: Offset,
        deserializer: Arc<dyn Deserializer>,
        include: Include,
    ) -> Result<(), ConsumerError> {
        (self.deserializer, self.include) = (deserializer, include);
        self.assign(vec![place.clone()])?;
        if let Some(part) = self.parts.assigned_mut(&place.0, place.1) {
            part.mark = Mark::Unknown;
            part.position = None;
            part.start = Some(start);
        }
        Ok(())
    }

    /// Takes what the client has, without waiting, until `limit` bytes are pending.
    ///
    /// # Errors
    /// The client cannot go on: it may not read, or has no offset to begin at.
    pub(super) fn drain(&mut self, limit: usize) -> Result<Drained, ConsumerError> {
        let (begun, mut nothing) = (self.pending.size(), 0);
        loop {
            let size = self.pending.size();
            if self.held.is_some() {
                return Ok(Drained::Held);
            }
            if size >= limit {
                return Ok(Drained::Full);
            }
            if size - begun.min(size) >= STEP_BYTES {
                return Ok(Drained::Busy);
            }
            let polled = self
                .client
                .get()
                .and_then(|client| client.poll(Duration::ZERO));
            let came = match polled {
                Some(Ok(message)) => {
                    let (pending, parts) = (&mut self.pending, &mut self.parts);
                    let extras = self.include.json(&message);
                    self.held = append(pending, parts, &*self.deserializer, &message, extras);
                    true
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.parts.end(partition);
                    true
                }
                Some(Err(error)) => {
                    self.client_error(&error)?;
                    true
                }
                None => self.keep_up(),
            };
            // An event that is no record also looks like nothing: only twice nothing is the end.
            nothing = if came { 0 } else { nothing + 1 };
            if nothing == 2 {
                return Ok(Drained::Empty);
            }
        }
    }

    /// The client is another one, or none: its changes are counted from the beginning.
    pub(super) fn follow_anew(&mut self) {
        self.changes = 0;
    }

    /// Follows the group's assignment. `true`: it had changed.
    pub(super) fn keep_up(&mut self) -> bool {
        let changes = self.client.assignments.changes();
        if changes == self.changes {
            return false;
        }
        self.changes = changes;
        if self.selection.is_subscription() {
            let assigned = java_order::partitions(self.client.assignments.current(), true);
            self.parts.assign(&assigned);
            self.forget_unassigned();
        }
        true
    }

    /// Drops what came of partitions that are not assigned any longer.
    pub(super) fn forget_unassigned(&mut self) {
        let parts = &self.parts;
        let assigned = |part: usize| parts.get(part).is_some_and(|part| part.rank.is_some());
        self.pending.retain(assigned);
        self.held.take_if(|held| !assigned(held.part));
    }

    /// Drops what came of one partition.
    pub(super) fn forget(&mut self, index: usize) {
        self.pending.retain(|part| part != index);
        self.held.take_if(|held| held.part == index);
    }

    /// Tries the held record again, now that its schema is there.
    pub(super) fn release(&mut self) {
        let Some(mut held) = self.held.take() else {
            return;
        };
        let (pending, parts) = (&mut self.pending, &self.parts);
        let fault = match held.write(pending, parts, &*self.deserializer) {
            Ok(()) => return,
            Err(DeserializeError::Undecodable(reason)) => reason,
            // The other side has a schema of its own.
            Err(DeserializeError::NeedsSchema(schema)) if schema != held.schema => {
                held.schema = schema;
                self.held = Some(held);
                return;
            }
            Err(error @ DeserializeError::NeedsSchema(_)) => error.to_string(),
        };
        let start = self.pending.json().len();
        self.pending
            .push(held.part, held.offset, start, 0, Some(fault));
    }

    /// Takes what is to be answered; the offsets behind it become the positions, and are stored to be committed.
    ///
    /// # Errors
    /// The first record cannot be decoded.
    pub(super) fn take(&mut self, limit: Limit) -> Result<Taken, ConsumerError> {
        let parts = &self.parts;
        let rank = |part: usize| {
            let part = parts.get(part);
            part.and_then(|part| part.rank).unwrap_or(usize::MAX)
        };
        let mut taken = self.pending.take(limit, rank)?;
        let mut list = TopicPartitionList::new();
        for (index, next) in &taken.answered {
            if let Some(part) = self.parts.get_mut(*index) {
                part.position = Some(*next);
                part.start = None;
            }
        }
        let mut indexes: Vec<usize> = taken.answered.iter().map(|(index, _)| *index).collect();
        indexes.sort_unstable();
        indexes.dedup();
        if limit.events {
            let name = |index: &usize| {
                let part = self.parts.get(*index)?;
                Some((*index, part.topic.clone(), part.partition))
            };
            taken.names = indexes.iter().filter_map(name).collect();
        }
        for part in indexes.iter().filter_map(|index| self.parts.get(*index)) {
            if let Some(position) = part.position {
                let offset = rdkafka::Offset::Offset(position);
                let _known = list.add_partition_offset(&part.topic, part.partition, offset);
            }
        }
        if self.auto_commit
            && list.count() > 0
            && let Some(Err(error)) = self.client.get().map(|client| client.store_offsets(&list))
        {
            // The partition was lost meanwhile; its next owner reads these records again.
            tracing::debug!(%error, "offsets of answered records are not stored");
        }
        Ok(taken)
    }

    fn client_error(&mut self, error: &KafkaError) -> Result<(), ConsumerError> {
        let (code, fatal) = match error {
            KafkaError::MessageConsumption(code) => (*code, false),
            KafkaError::MessageConsumptionFatal(code) => (*code, true),
            other => {
                tracing::debug!(error = %other, "a consumer instance's client says");
                return Ok(());
            }
        };
        let last = self
            .client
            .get()
            .and_then(|client| client.client().fatal_error());
        if code == RDKafkaErrorCode::FencedInstanceId
            || last.is_some_and(|(code, _)| code == RDKafkaErrorCode::FencedInstanceId)
        {
            return Err(ConsumerError::Fenced);
        }
        if matches!(
            code,
            RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::NoOffset
        ) {
            let fault = self.no_reset_policy();
            self.stuck = Some(fault.clone());
            return Err(fault.into());
        }
        let fault = fault(code, &self.selection.topics().join(", "));
        let forbidden = matches!(
            fault.class,
            FaultClass::Authentication | FaultClass::Authorization
        );
        if forbidden || fatal {
            return Err(fault.into());
        }
        tracing::debug!(%error, "a consumer instance's client says");
        self.may_be_unheard();
        Ok(())
    }

    fn no_reset_policy(&self) -> KafkaFault {
        let without: Vec<String> = self
            .parts
            .assigned()
            .filter(|part| part.position.is_none())
            .map(|part| format!("{}-{}", part.topic, part.partition))
            .collect();
        let list = without.join(", ");
        let text = format!("Undefined offset with no reset policy for partitions: [{list}]");
        KafkaFault::new(FaultClass::Fatal, text)
    }
}
