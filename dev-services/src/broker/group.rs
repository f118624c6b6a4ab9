//! A consumer group as Kafka's coordinator keeps it (the classic protocol): its members, its generation, and the
//! two phases of a rebalance, in which all members join and then receive what the leader assigned. In: requests and
//! the time; out: answers, at once or when the phase ends, through channels. Nothing here waits or does I/O.

mod rebalance;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;

use super::member::Member;

/// Where a group is between two generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No members; offsets may be committed without membership.
    Empty,
    /// Waits for all members to join.
    PreparingRebalance,
    /// All have joined; waits for the leader's assignment.
    CompletingRebalance,
    /// Everybody has an assignment.
    Stable,
    /// Deleted.
    Dead,
}

impl Phase {
    /// Kafka's name of the phase.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

/// Who claims to be a member, in requests other than join.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) member_id: &'a StrBytes,
    pub(crate) instance_id: Option<&'a StrBytes>,
    pub(crate) generation: i32,
}

/// The state of a group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) phase: Phase,
    pub(crate) generation: i32,
    pub(crate) protocol_type: StrBytes,
    /// The protocol in use; `None` while there are no members.
    pub(crate) protocol: Option<StrBytes>,
    pub(crate) members: Vec<Member>,
    leader: StrBytes,
    /// Ids that were given to new members which have not joined with them yet, and until when they may.
    pending: HashMap<StrBytes, Instant>,
    /// When the current phase of a rebalance goes on without those who are missing.
    deadline: Option<Instant>,
    /// Whether the first rebalance still waits for more members, however many have joined.
    gathering: bool,
    initial_delay: Duration,
}

impl Group {
    /// A group without members, whose first rebalance takes at least `initial_delay`.
    pub(crate) fn new(initial_delay: Duration) -> Self {
        Self {
            phase: Phase::Empty,
            generation: 0,
            protocol_type: StrBytes::new(),
            protocol: None,
            members: Vec::new(),
            leader: StrBytes::new(),
            pending: HashMap::new(),
            deadline: None,
            gathering: false,
            initial_delay,
        }
    }

    /// A sign of life.
    ///
    /// # Errors
    /// `REBALANCE_IN_PROGRESS` when the member should join again; see [`Group::current`] for strangers.
    pub(crate) fn heartbeat(
        &mut self,
        claim: Claim<'_>,
        now: Instant,
    ) -> Result<(), ResponseError> {
        let at = self.current(claim)?;
        self.members[at].touch(now);
        match self.phase {
            Phase::PreparingRebalance => Err(ResponseError::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// Whether offsets may be committed: by members of the current generation, and by anybody without a member id
    /// (a client that assigns partitions by itself, an administrator) while the group is empty.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID`, `ILLEGAL_GENERATION`, `FENCED_INSTANCE_ID`; `REBALANCE_IN_PROGRESS` between the two
    /// phases of a rebalance.
    pub(crate) fn check_commit(
        &mut self,
        claim: Claim<'_>,
        now: Instant,
    ) -> Result<(), ResponseError> {
        let anonymous =
            claim.generation < 0 && claim.member_id.is_empty() && claim.instance_id.is_none();
        if claim.generation < 0 && self.phase == Phase::Empty {
            return Ok(());
        }
        if self.phase == Phase::Dead {
            return Err(ResponseError::CoordinatorNotAvailable);
        }
        if anonymous {
            return Err(ResponseError::UnknownMemberId);
        }
        let at = self.current(claim)?;
        if self.phase == Phase::CompletingRebalance {
            return Err(ResponseError::RebalanceInProgress);
        }
        self.members[at].touch(now);
        Ok(())
    }

    /// A member leaves; the others are rebalanced.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID`, `FENCED_INSTANCE_ID`.
    pub(crate) fn leave(
        &mut self,
        member_id: &StrBytes,
        instance_id: Option<&StrBytes>,
        now: Instant,
    ) -> Result<(), ResponseError> {
        if self.pending.remove(member_id).is_some() {
            self.complete_join_if_all_joined(now);
            return Ok(());
        }
        let at = match instance_id.filter(|_| member_id.is_empty()) {
            Some(instance) => self.position_of_instance(instance)?,
            None => self.position(Claim {
                member_id,
                instance_id,
                generation: 0,
            })?,
        };
        self.remove(at, now);
        Ok(())
    }

    fn remove(&mut self, at: usize, now: Instant) {
        let mut member = self.members.remove(at);
        member.refuse_waiting(ResponseError::UnknownMemberId);
        if member.id == self.leader {
            self.leader = self
                .members
                .first()
                .map(|member| member.id.clone())
                .unwrap_or_default();
        }
        self.rebalance(now);
    }

    /// Goes on without those whose time is over. To be called every few ten milliseconds.
    pub(crate) fn expire(&mut self, now: Instant) {
        let pending = self.pending.len();
        self.pending.retain(|_, until| *until > now);
        if self.pending.len() < pending {
            self.complete_join_if_all_joined(now);
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.end_phase(now);
        }
        while let Some(at) = self.members.iter().position(|member| member.expired(now)) {
            tracing::info!(member = %self.members[at].id, "member's session timed out");
            self.remove(at, now);
        }
    }

    fn end_phase(&mut self, now: Instant) {
        match self.phase {
            Phase::PreparingRebalance => self.complete_join(now),
            Phase::CompletingRebalance => {
                self.members.retain(|member| member.sync.is_some());
                self.rebalance(now);
            }
            _ => self.deadline = None,
        }
    }

    /// Ends the group. Only for groups without members.
    pub(crate) fn kill(&mut self) {
        self.phase = Phase::Dead;
    }

    /// The position of a member of the current generation.
    fn current(&self, claim: Claim<'_>) -> Result<usize, ResponseError> {
        let at = self.position(claim)?;
        match claim.generation == self.generation {
            true => Ok(at),
            false => Err(ResponseError::IllegalGeneration),
        }
    }

    fn position(&self, claim: Claim<'_>) -> Result<usize, ResponseError> {
        if let Some(instance) = claim.instance_id {
            let at = self.position_of_instance(instance)?;
            let same = self.members[at].id == *claim.member_id;
            return if same {
                Ok(at)
            } else {
                Err(ResponseError::FencedInstanceId)
            };
        }
        let same = |member: &Member| member.id == *claim.member_id;
        self.members
            .iter()
            .position(same)
            .ok_or(ResponseError::UnknownMemberId)
    }

    fn position_of_instance(&self, instance: &StrBytes) -> Result<usize, ResponseError> {
        let same = |member: &Member| member.instance_id.as_ref() == Some(instance);
        self.members
            .iter()
            .position(same)
            .ok_or(ResponseError::UnknownMemberId)
    }
}

#[cfg(test)]
mod tests;
