//! A consumer group as Kafka's coordinator keeps it (the classic protocol): its members, its generation, and the
//! two phases of a rebalance, in which all members join and then receive what the leader assigned. In: requests and
//! the time; out: answers, at once or when the phase ends, through channels. Nothing here waits or does I/O.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{JoinGroupResponse, SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::member::{Join, Member, elect_protocol, refused_join, refused_sync};

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

    /// A member joins, or joins again. The answer comes when all have joined.
    pub(crate) fn join(
        &mut self,
        join: Join,
        now: Instant,
    ) -> oneshot::Receiver<JoinGroupResponse> {
        let (reply, answer) = oneshot::channel();
        let id = join.member_id.clone();
        let refuse = |reply: oneshot::Sender<_>, error| drop(reply.send(refused_join(error, id)));
        if self.phase == Phase::Dead {
            refuse(reply, ResponseError::CoordinatorNotAvailable);
        } else if !self.accepts(&join) {
            refuse(reply, ResponseError::InconsistentGroupProtocol);
        } else if join.member_id.is_empty() {
            self.join_first(join, reply, now);
        } else if self.pending.remove(&join.member_id).is_some() {
            self.add(join.member_id.clone(), join, reply, now);
        } else {
            let claim = Claim {
                member_id: &join.member_id,
                instance_id: join.instance_id.as_ref(),
                generation: 0,
            };
            match self.position(claim) {
                Ok(at) => self.join_again(at, join, reply, now),
                Err(error) => refuse(reply, error),
            }
        }
        answer
    }

    /// Whether a member with these protocols fits to the others.
    fn accepts(&self, join: &Join) -> bool {
        if self.members.is_empty() {
            return !join.protocol_type.is_empty() && !join.protocols.is_empty();
        }
        let shared = |name: &StrBytes| self.members.iter().all(|member| member.supports(name));
        join.protocol_type == self.protocol_type
            && join.protocols.iter().any(|(name, _)| shared(name))
    }

    fn join_first(&mut self, join: Join, reply: oneshot::Sender<JoinGroupResponse>, now: Instant) {
        let stem = join.instance_id.as_ref().unwrap_or(&join.client_id);
        let id = StrBytes::from_string(format!("{stem}-{}", Uuid::new_v4()));
        let same_instance =
            |member: &Member| join.instance_id.is_some() && member.instance_id == join.instance_id;
        if let Some(at) = self.members.iter().position(same_instance) {
            self.replace_static(at, id, join, reply, now);
        } else if join.id_first && join.instance_id.is_none() {
            self.pending.insert(id.clone(), now + join.session_timeout);
            let _ = reply.send(refused_join(ResponseError::MemberIdRequired, id));
        } else {
            self.add(id, join, reply, now);
        }
    }

    fn add(
        &mut self,
        id: StrBytes,
        join: Join,
        reply: oneshot::Sender<JoinGroupResponse>,
        now: Instant,
    ) {
        if self.members.is_empty() {
            self.protocol_type = join.protocol_type.clone();
        }
        let mut member = Member::new(id, join, now);
        member.join = Some(reply);
        self.members.push(member);
        self.rebalance(now);
    }

    fn join_again(
        &mut self,
        at: usize,
        join: Join,
        reply: oneshot::Sender<JoinGroupResponse>,
        now: Instant,
    ) {
        let changed = self.members[at].protocols != join.protocols;
        let leads = self.members[at].id == self.leader;
        let keeps_generation = match self.phase {
            Phase::CompletingRebalance => !changed, // the answer to its first request was lost
            Phase::Stable => !changed && !leads,
            _ => false,
        };
        self.members[at].update(join);
        self.members[at].touch(now);
        if keeps_generation {
            let _ = reply.send(self.joined(&self.members[at]));
            return;
        }
        self.members[at].join = Some(reply);
        self.rebalance(now);
    }

    /// A static member has started again: it takes its predecessor's place, and usually its assignment.
    fn replace_static(
        &mut self,
        at: usize,
        id: StrBytes,
        join: Join,
        reply: oneshot::Sender<JoinGroupResponse>,
        now: Instant,
    ) {
        let can_skip = join.can_skip_assignment;
        let former_leader = self.leader.clone();
        let member = &mut self.members[at];
        member.refuse_waiting(ResponseError::FencedInstanceId);
        if member.id == self.leader {
            self.leader = id.clone();
        }
        member.id = id;
        member.update(join);
        member.touch(now);
        if self.phase != Phase::Stable || elect_protocol(&self.members) != self.protocol {
            self.members[at].join = Some(reply);
            return self.rebalance(now);
        }
        let mut joined = self.joined(&self.members[at]);
        joined.skip_assignment = can_skip && self.members[at].id == self.leader;
        if !can_skip {
            joined.members.clear();
            joined.leader = former_leader;
        }
        let _ = reply.send(joined);
    }

    /// Starts a rebalance, unless one waits for joins already, and ends it if everybody is there.
    fn rebalance(&mut self, now: Instant) {
        match self.phase {
            Phase::PreparingRebalance | Phase::Dead => {}
            Phase::Empty => {
                self.gathering = !self.initial_delay.is_zero();
                let wait = if self.gathering {
                    self.initial_delay
                } else {
                    self.phase_timeout()
                };
                self.deadline = Some(now + wait);
            }
            Phase::CompletingRebalance | Phase::Stable => {
                self.deadline = Some(now + self.phase_timeout());
                for member in &mut self.members {
                    if let Some(sync) = member.sync.take() {
                        let _ = sync.send(refused_sync(ResponseError::RebalanceInProgress));
                        member.touch(now);
                    }
                }
            }
        }
        if self.phase != Phase::Dead {
            self.phase = Phase::PreparingRebalance;
        }
        self.complete_join_if_all_joined(now);
    }

    /// The longest time that a member asked for.
    fn phase_timeout(&self) -> Duration {
        self.members
            .iter()
            .map(|member| member.rebalance_timeout)
            .max()
            .unwrap_or_default()
    }

    fn complete_join_if_all_joined(&mut self, now: Instant) {
        let all =
            self.members.iter().all(|member| member.join.is_some()) && self.pending.is_empty();
        if self.phase == Phase::PreparingRebalance && !self.gathering && all {
            self.complete_join(now);
        }
    }

    /// Begins the next generation with those who have joined; static members may be late.
    fn complete_join(&mut self, now: Instant) {
        self.gathering = false;
        self.members
            .retain(|member| member.join.is_some() || member.instance_id.is_some());
        if self.members.is_empty() {
            return self.become_empty();
        }
        let Some(first) = self.members.iter().find(|member| member.join.is_some()) else {
            self.deadline = Some(now + self.phase_timeout());
            return;
        };
        let leads = |member: &Member| member.id == self.leader && member.join.is_some();
        if !self.members.iter().any(leads) {
            self.leader = first.id.clone();
        }
        self.generation += 1;
        self.protocol = elect_protocol(&self.members);
        self.phase = Phase::CompletingRebalance;
        self.deadline = Some(now + self.phase_timeout());
        self.answer_joins(now);
    }

    fn answer_joins(&mut self, now: Instant) {
        let answers: Vec<_> = self
            .members
            .iter()
            .map(|member| self.joined(member))
            .collect();
        for (member, answer) in self.members.iter_mut().zip(answers) {
            if let Some(join) = member.join.take() {
                let _ = join.send(answer);
                member.touch(now);
            }
        }
    }

    fn become_empty(&mut self) {
        self.generation += 1;
        self.phase = Phase::Empty;
        self.protocol = None;
        self.leader = StrBytes::new();
        self.deadline = None;
    }

    /// The answer to a member that belongs to the current generation.
    fn joined(&self, member: &Member) -> JoinGroupResponse {
        let protocol = self.protocol.clone().unwrap_or_default();
        let members = match member.id == self.leader {
            true => self
                .members
                .iter()
                .map(|member| member.described(&protocol))
                .collect(),
            false => Vec::new(),
        };
        JoinGroupResponse::default()
            .with_generation_id(self.generation)
            .with_protocol_type(Some(self.protocol_type.clone()))
            .with_protocol_name(Some(protocol))
            .with_leader(self.leader.clone())
            .with_member_id(member.id.clone())
            .with_members(members)
    }

    /// A member asks for its assignment; the leader's request brings those of all.
    pub(crate) fn sync(
        &mut self,
        request: &SyncGroupRequest,
        now: Instant,
    ) -> oneshot::Receiver<SyncGroupResponse> {
        let (reply, answer) = oneshot::channel();
        match self.check_sync(request) {
            Ok(at) if self.phase == Phase::Stable => {
                self.members[at].touch(now);
                let _ = reply.send(self.synced(&self.members[at]));
            }
            Ok(at) => {
                self.members[at].sync = Some(reply);
                if self.members[at].id == self.leader {
                    self.assign(request, now);
                }
            }
            Err(error) => drop(reply.send(refused_sync(error))),
        }
        answer
    }

    fn check_sync(&self, request: &SyncGroupRequest) -> Result<usize, ResponseError> {
        let claim = Claim {
            member_id: &request.member_id,
            instance_id: request.group_instance_id.as_ref(),
            generation: request.generation_id,
        };
        let at = self.current(claim)?;
        let other = |theirs: &Option<StrBytes>, ours: Option<&StrBytes>| {
            theirs.as_ref().is_some_and(|theirs| Some(theirs) != ours)
        };
        if other(&request.protocol_type, Some(&self.protocol_type))
            || other(&request.protocol_name, self.protocol.as_ref())
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        match self.phase {
            Phase::PreparingRebalance => Err(ResponseError::RebalanceInProgress),
            _ => Ok(at),
        }
    }

    fn assign(&mut self, request: &SyncGroupRequest, now: Instant) {
        for member in &mut self.members {
            let given = request
                .assignments
                .iter()
                .find(|given| given.member_id == member.id);
            member.assignment = given.map_or_else(Bytes::new, |given| given.assignment.clone());
        }
        self.phase = Phase::Stable;
        self.deadline = None;
        let answers: Vec<_> = self
            .members
            .iter()
            .map(|member| self.synced(member))
            .collect();
        for (member, answer) in self.members.iter_mut().zip(answers) {
            if let Some(sync) = member.sync.take() {
                let _ = sync.send(answer);
                member.touch(now);
            }
        }
    }

    fn synced(&self, member: &Member) -> SyncGroupResponse {
        SyncGroupResponse::default()
            .with_protocol_type(Some(self.protocol_type.clone()))
            .with_protocol_name(self.protocol.clone())
            .with_assignment(member.assignment.clone())
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
#[path = "group_tests.rs"]
mod tests;
