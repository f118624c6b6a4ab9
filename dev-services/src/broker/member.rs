//! A member of a consumer group: who it is, what it can do, what it waits for. And the answers that the join and
//! sync phases give.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupResponse, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;
use tokio::sync::oneshot;

/// A request to join, whatever its version.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    /// Empty for a member that is new.
    pub(crate) member_id: StrBytes,
    /// Set by static members.
    pub(crate) instance_id: Option<StrBytes>,
    pub(crate) protocol_type: StrBytes,
    /// Names and subscriptions, preferred first.
    pub(crate) protocols: Vec<(StrBytes, Bytes)>,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) client_id: StrBytes,
    pub(crate) client_host: StrBytes,
    /// Whether a new member is told its id first and joins with it (version 4 on).
    pub(crate) id_first: bool,
    /// Whether a leader can be told to leave the assignment as it is (version 9 on).
    pub(crate) can_skip_assignment: bool,
}

/// A member. It is alive while it waits for an answer, or until its session's deadline.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) id: StrBytes,
    pub(crate) instance_id: Option<StrBytes>,
    pub(crate) client_id: StrBytes,
    pub(crate) client_host: StrBytes,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) protocols: Vec<(StrBytes, Bytes)>,
    pub(crate) assignment: Bytes,
    /// Set while a join request waits for the rebalance to complete.
    pub(crate) join: Option<oneshot::Sender<JoinGroupResponse>>,
    /// Set while a sync request waits for the leader's assignment.
    pub(crate) sync: Option<oneshot::Sender<SyncGroupResponse>>,
    deadline: Instant,
}

impl Member {
    /// A member with this id, from its first request.
    pub(crate) fn new(id: StrBytes, join: Join, now: Instant) -> Self {
        Self {
            id,
            instance_id: join.instance_id,
            client_id: join.client_id,
            client_host: join.client_host,
            session_timeout: join.session_timeout,
            rebalance_timeout: join.rebalance_timeout,
            protocols: join.protocols,
            assignment: Bytes::new(),
            join: None,
            sync: None,
            deadline: now + join.session_timeout,
        }
    }

    /// Takes over what a later join request says.
    pub(crate) fn update(&mut self, join: Join) {
        self.session_timeout = join.session_timeout;
        self.rebalance_timeout = join.rebalance_timeout;
        self.protocols = join.protocols;
        self.client_id = join.client_id;
        self.client_host = join.client_host;
    }

    /// The member has been heard of.
    pub(crate) fn touch(&mut self, now: Instant) {
        self.deadline = now + self.session_timeout;
    }

    /// Whether nothing was heard of the member for its session time-out.
    pub(crate) fn expired(&self, now: Instant) -> bool {
        self.join.is_none() && self.sync.is_none() && self.deadline <= now
    }

    pub(crate) fn supports(&self, protocol: &StrBytes) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }

    /// What the member said with the protocol, usually its subscription.
    pub(crate) fn metadata(&self, protocol: &StrBytes) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| name == protocol);
        found.map_or_else(Bytes::new, |(_, metadata)| metadata.clone())
    }

    /// The member as its leader is told of it.
    pub(crate) fn described(&self, protocol: &StrBytes) -> JoinGroupResponseMember {
        JoinGroupResponseMember::default()
            .with_member_id(self.id.clone())
            .with_group_instance_id(self.instance_id.clone())
            .with_metadata(self.metadata(protocol))
    }

    /// Ends whatever the member waits for.
    pub(crate) fn refuse_waiting(&mut self, error: ResponseError) {
        if let Some(join) = self.join.take() {
            let _ = join.send(refused_join(error, self.id.clone()));
        }
        if let Some(sync) = self.sync.take() {
            let _ = sync.send(refused_sync(error));
        }
    }
}

/// The answer to a join request that is refused.
pub(crate) fn refused_join(error: ResponseError, member_id: StrBytes) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_error_code(error.code())
        .with_generation_id(-1)
        .with_member_id(member_id)
}

/// The answer to a sync request that is refused.
pub(crate) fn refused_sync(error: ResponseError) -> SyncGroupResponse {
    SyncGroupResponse::default().with_error_code(error.code())
}

/// The protocol that all members support and most prefer.
pub(crate) fn elect_protocol(members: &[Member]) -> Option<StrBytes> {
    let first = members.first()?;
    let shared: Vec<&StrBytes> = first
        .protocols
        .iter()
        .map(|(name, _)| name)
        .filter(|name| members.iter().all(|member| member.supports(name)))
        .collect();
    let vote = |member: &Member| {
        member
            .protocols
            .iter()
            .map(|(name, _)| name.clone())
            .find(|name| shared.contains(&name))
    };
    let votes: Vec<StrBytes> = members.iter().filter_map(vote).collect();
    let count = |name: &StrBytes| votes.iter().filter(|vote| *vote == name).count();
    shared
        .into_iter()
        .rev()
        .max_by_key(|name| count(name))
        .cloned()
}
