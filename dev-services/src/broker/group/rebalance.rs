//! The rebalance of a group: the joining of members, the next generation, the handing out of what its leader
//! assigned. Answers go through channels, at once or when the phase ends.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{JoinGroupResponse, SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::super::member::{Join, Member, elect_protocol, refused_join, refused_sync};
use super::{Claim, Group, Phase};

impl Group {
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
    pub(super) fn rebalance(&mut self, now: Instant) {
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

    pub(super) fn complete_join_if_all_joined(&mut self, now: Instant) {
        let all =
            self.members.iter().all(|member| member.join.is_some()) && self.pending.is_empty();
        if self.phase == Phase::PreparingRebalance && !self.gathering && all {
            self.complete_join(now);
        }
    }

    /// Begins the next generation with those who have joined; static members may be late.
    pub(super) fn complete_join(&mut self, now: Instant) {
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
}
