//! The requests of group members: `JoinGroup`, `SyncGroup`, `Heartbeat`, `LeaveGroup`. Versions are levelled out
//! here; the rules are the group's.

use std::time::{Duration, Instant};

use kafka_protocol::ResponseError;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};

use super::connection::Client;
use super::error::code;
use super::group::Claim;
use super::groups::SharedGroup;
use super::member::{Join, refused_join, refused_sync};
use super::node::Node;

/// Answers `JoinGroup`, when the group's members have joined.
pub(crate) async fn join_group(
    node: &Node,
    client: &Client,
    version: i16,
    request: JoinGroupRequest,
) -> JoinGroupResponse {
    let (group_id, member_id) = (request.group_id.clone(), request.member_id.clone());
    let mut response = match to_join(node, client, version, request) {
        Ok(join) => {
            let group = node.groups.get_or_create(&group_id);
            let answer = group.lock().join(join, Instant::now());
            let gone = |_| refused_join(ResponseError::CoordinatorNotAvailable, member_id);
            answer.await.unwrap_or_else(gone)
        }
        Err(error) => refused_join(error, member_id),
    };
    if version < 7 {
        response.protocol_name.get_or_insert_default(); // null is not allowed yet
    }
    response
}

fn to_join(
    node: &Node,
    client: &Client,
    version: i16,
    request: JoinGroupRequest,
) -> Result<Join, ResponseError> {
    let millis = |ms: i32| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    let session_timeout = millis(request.session_timeout_ms);
    let options = &node.options;
    let allowed = options.group_min_session_timeout..=options.group_max_session_timeout;
    if request.group_id.is_empty() {
        return Err(ResponseError::InvalidGroupId);
    }
    if !allowed.contains(&session_timeout) {
        return Err(ResponseError::InvalidSessionTimeout);
    }
    let rebalance_timeout = if version == 0 {
        session_timeout
    } else {
        millis(request.rebalance_timeout_ms)
    };
    Ok(Join {
        member_id: request.member_id,
        instance_id: request.group_instance_id,
        protocol_type: request.protocol_type,
        protocols: request
            .protocols
            .into_iter()
            .map(|protocol| (protocol.name, protocol.metadata))
            .collect(),
        session_timeout,
        rebalance_timeout,
        client_id: client.id.clone(),
        client_host: client.host.clone(),
        id_first: version >= 4,
        can_skip_assignment: version >= 9,
    })
}

fn find(node: &Node, id: &str) -> Result<SharedGroup, ResponseError> {
    if id.is_empty() {
        return Err(ResponseError::InvalidGroupId);
    }
    node.groups.get(id).ok_or(ResponseError::UnknownMemberId)
}

/// Answers `SyncGroup`, when the leader has assigned.
pub(crate) async fn sync_group(node: &Node, request: &SyncGroupRequest) -> SyncGroupResponse {
    let answer = match find(node, &request.group_id) {
        Ok(group) => group.lock().sync(request, Instant::now()),
        Err(error) => return refused_sync(error),
    };
    answer
        .await
        .unwrap_or_else(|_| refused_sync(ResponseError::CoordinatorNotAvailable))
}

/// Answers `Heartbeat`.
pub(crate) fn heartbeat(node: &Node, request: &HeartbeatRequest) -> HeartbeatResponse {
    let claim = Claim {
        member_id: &request.member_id,
        instance_id: request.group_instance_id.as_ref(),
        generation: request.generation_id,
    };
    let beat = find(node, &request.group_id)
        .and_then(|group| group.lock().heartbeat(claim, Instant::now()));
    HeartbeatResponse::default().with_error_code(code(&beat))
}

/// Answers `LeaveGroup`: one member, from version 3 on a list.
pub(crate) fn leave_group(
    node: &Node,
    version: i16,
    request: &LeaveGroupRequest,
) -> LeaveGroupResponse {
    let group = match find(node, &request.group_id) {
        Ok(group) => group,
        Err(ResponseError::InvalidGroupId) => {
            return LeaveGroupResponse::default()
                .with_error_code(ResponseError::InvalidGroupId.code());
        }
        // Nobody is a member of a group that does not exist.
        Err(_) => node.groups.get_or_create(&request.group_id),
    };
    let mut state = group.lock();
    let now = Instant::now();
    if version < 3 {
        let left = state.leave(&request.member_id, None, now);
        return LeaveGroupResponse::default().with_error_code(code(&left));
    }
    let members = request.members.iter().map(|member| {
        let left = state.leave(&member.member_id, member.group_instance_id.as_ref(), now);
        MemberResponse::default()
            .with_member_id(member.member_id.clone())
            .with_group_instance_id(member.group_instance_id.clone())
            .with_error_code(code(&left))
    });
    LeaveGroupResponse::default().with_members(members.collect())
}
