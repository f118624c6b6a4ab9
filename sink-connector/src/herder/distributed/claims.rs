//! Claims of slots, and signs of life.
//!
//! In: the slots that the group has given to this worker. Out: a claim for each in the slot topic, repeated when
//! somebody else wrote over it; every `heartbeat.interval.ms` a sign that this worker lives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::Notify;

use super::members::MemberRecord;
use super::membership::Duties;
use super::slots::{Held, Slots, Ticket};
use super::speaker::Speaker;
use crate::herder::HerderError;

/// The partition of the signs of life.
const SIGNS: i32 = 0;
/// How long the last words before leaving may take.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(2);
/// How often a namesake is told of.
const TOLD: Duration = Duration::from_secs(30);

/// Speaks for this worker in the slot topic.
pub(super) struct Claims {
    speaker: Speaker,
    slots: Arc<Slots>,
    topic: String,
    wanted: Notify,
}

impl Claims {
    /// Nothing is claimed yet.
    pub(super) fn new(speaker: Speaker, slots: Arc<Slots>, topic: String) -> Self {
        Self {
            speaker,
            slots,
            topic,
            wanted: Notify::new(),
        }
    }

    /// Claims what is to be claimed and shows that this worker lives, for ever.
    pub(super) async fn run(self: Arc<Self>, interval: Duration) {
        let signs = async {
            let mut told = None;
            loop {
                if self.slots.has_joined() {
                    self.sign().await;
                }
                self.look_for_disputes(&mut told);
                self.speaker.cluster.tidy();
                tokio::time::sleep(interval).await;
            }
        };
        let claims = async {
            loop {
                // A time-out is as good: it finds claims that were not taken.
                let _ = tokio::time::timeout(interval, self.wanted.notified()).await;
                self.claim().await;
            }
        };
        tokio::join!(signs, claims);
    }

    /// Says that this worker has left.
    pub(super) async fn leave(&self) {
        let left = MemberRecord::Alive {
            worker_id: self.speaker.cluster.me.worker_id.clone(),
            run: None,
        };
        let written = self.append(SIGNS, left);
        match tokio::time::timeout(LAST_WORDS, written).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the other workers are not told of the end"),
            Err(_) => tracing::warn!("the other workers are not told of the end: no answer"),
        }
    }

    async fn sign(&self) {
        let me = self.speaker.cluster.me.clone();
        let alive = MemberRecord::Alive {
            worker_id: me.worker_id.clone(),
            run: Some(me),
        };
        let sent = Instant::now();
        match self.append(SIGNS, alive).await {
            Ok(offset) => {
                self.slots.signed(sent);
                self.speaker.cluster.signed(offset, sent);
            }
            Err(error) => tracing::warn!(%error, "the worker cannot show that it lives"),
        }
    }

    async fn claim(&self) {
        if self.slots.is_fenced() {
            return;
        }
        let claims = self.slots.unclaimed().into_iter();
        let claimed = join_all(claims.map(|(slot, ticket)| self.claim_one(slot, ticket))).await;
        if claimed.contains(&true) {
            self.speaker.cluster.work.notify_one();
            self.speaker.host.changed.notify_one();
        }
    }

    async fn claim_one(&self, slot: u32, ticket: Ticket) -> bool {
        let claim = MemberRecord::Claim {
            slot,
            by: Some(self.speaker.cluster.me.clone()),
        };
        match self.append(partition(slot), claim).await {
            Ok(generation) => self.slots.claimed(slot, ticket, generation),
            Err(error) => {
                tracing::warn!(slot, %error, "a slot is not claimed, trying again");
                false
            }
        }
    }

    /// Looks whether another worker claims what this one holds. Both may think so for a moment, when one has not yet
    /// heard that it lost the slot; who holds it claims it again, who lost it stops doing so.
    fn look_for_disputes(&self, told: &mut Option<Instant>) {
        for (slot, generation) in self.slots.held() {
            if self
                .speaker
                .cluster
                .look(|view| view.members.is_disputed(slot, generation))
            {
                self.slots.dispute(slot, generation);
                self.wanted.notify_one();
            }
        }
        let now = Instant::now();
        let namesake = self.speaker.cluster.look(|view| {
            view.members
                .namesake(&self.speaker.cluster.me, now)
                .is_some()
        });
        if namesake && told.is_none_or(|told| told.elapsed() > TOLD) {
            *told = Some(now);
            tracing::warn!(
                worker = self.speaker.cluster.me.worker_id,
                "another process shows itself under this worker's id: if it has not just ended, set \
                 rest.advertised.host.name and rest.advertised.port so that they differ"
            );
        }
    }

    async fn append(&self, partition: i32, record: MemberRecord) -> Result<i64, HerderError> {
        self.speaker
            .appender
            .append(&self.topic, Some(partition), &[record.write()])
            .await
    }
}

fn partition(slot: u32) -> i32 {
    i32::try_from(slot).unwrap_or(i32::MAX)
}

impl Duties for Claims {
    fn slots_changed(&self) {
        self.wanted.notify_one();
        self.speaker.cluster.work.notify_one();
    }

    fn end_tasks(&self, slots: &[u32]) {
        self.speaker.work.wait_for_end(slots);
        self.speaker.host.changed.notify_one();
    }

    fn released(&self, slots: &Held) {
        let releases = slots.keys().map(|slot| {
            let release = MemberRecord::Claim {
                slot: *slot,
                by: None,
            };
            self.append(partition(*slot), release)
        });
        let releases = join_all(releases);
        // On the group's thread, which belongs to no runtime.
        let written = async { tokio::time::timeout(LAST_WORDS, releases).await };
        match self.speaker.host.runtime.block_on(written) {
            Ok(written) => {
                for error in written.into_iter().filter_map(Result::err) {
                    tracing::warn!(%error, "a slot's release is not written down");
                }
            }
            Err(_) => tracing::warn!("slots' releases are not written down: no answer"),
        }
    }
}
