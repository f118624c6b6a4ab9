//! `ListGroups`, `DescribeGroups`, `DeleteGroups`.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse,
    GroupId, ListGroupsRequest, ListGroupsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::error::code;
use super::group::{Group, Phase};
use super::member::Member;
use super::metadata::{GROUP_OPERATIONS, NOT_ASKED_FOR};
use super::node::Node;

/// Kafka's name for the groups of this protocol.
const CLASSIC: &str = "classic";

/// Answers `ListGroups`.
pub(crate) fn list_groups(node: &Node, request: &ListGroupsRequest) -> ListGroupsResponse {
    let fits = |filter: &[StrBytes], value: &str| {
        filter.is_empty()
            || filter
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    let list = |(id, group): (String, super::groups::SharedGroup)| {
        let state = group.lock();
        let phase = state.phase.name();
        let listed = fits(&request.states_filter, phase) && fits(&request.types_filter, CLASSIC);
        listed.then(|| {
            ListedGroup::default()
                .with_group_id(GroupId(StrBytes::from_string(id)))
                .with_protocol_type(state.protocol_type.clone())
                .with_group_state(StrBytes::from_static_str(phase))
                .with_group_type(StrBytes::from_static_str(CLASSIC))
        })
    };
    ListGroupsResponse::default()
        .with_groups(node.groups.all().into_iter().filter_map(list).collect())
}

/// Answers `DescribeGroups`. A group that does not exist is described as dead.
pub(crate) fn describe_groups(
    node: &Node,
    request: &DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    let operations = if request.include_authorized_operations {
        GROUP_OPERATIONS
    } else {
        NOT_ASKED_FOR
    };
    let describe = |id: &GroupId| {
        let described = match node.groups.get(id) {
            Some(group) => described(&group.lock()),
            None => DescribedGroup::default().with_group_state(Phase::Dead.name().into()),
        };
        described
            .with_group_id(id.clone())
            .with_authorized_operations(operations)
    };
    DescribeGroupsResponse::default().with_groups(request.groups.iter().map(describe).collect())
}

/// Subscriptions and assignments are told of stable groups only, as by Kafka.
fn described(group: &Group) -> DescribedGroup {
    let protocol = group
        .protocol
        .clone()
        .filter(|_| group.phase == Phase::Stable);
    let member = |member: &Member| {
        let described = DescribedGroupMember::default()
            .with_member_id(member.id.clone())
            .with_group_instance_id(member.instance_id.clone())
            .with_client_id(member.client_id.clone())
            .with_client_host(member.client_host.clone());
        match &protocol {
            Some(protocol) => described
                .with_member_metadata(member.metadata(protocol))
                .with_member_assignment(member.assignment.clone()),
            None => described,
        }
    };
    DescribedGroup::default()
        .with_group_state(group.phase.name().into())
        .with_protocol_type(group.protocol_type.clone())
        .with_members(group.members.iter().map(member).collect())
        .with_protocol_data(protocol.unwrap_or_default())
}

/// Answers `DeleteGroups`.
pub(crate) fn delete_groups(node: &Node, request: &DeleteGroupsRequest) -> DeleteGroupsResponse {
    let delete = |id: &GroupId| {
        let deleted = node.groups.delete(id).and_then(|()| {
            node.offsets
                .remove_group(id)
                .map_err(|_| ResponseError::UnknownServerError)
        });
        DeletableGroupResult::default()
            .with_group_id(id.clone())
            .with_error_code(code(&deleted))
    };
    DeleteGroupsResponse::default().with_results(request.groups_names.iter().map(delete).collect())
}
