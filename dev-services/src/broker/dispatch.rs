//! From a request's bytes to its answer's: which requests are answered, in which versions, and by whom.
//! A version is listed in [`APIS`] only when it is handled; the list is what clients are told, and nothing else is
//! let through.

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{
    AlterConfigsRequest, ApiKey, ApiVersionsRequest, ApiVersionsResponse, CreateAclsRequest,
    CreatePartitionsRequest, CreateTopicsRequest, DeleteAclsRequest, DeleteGroupsRequest,
    DeleteRecordsRequest, DeleteTopicsRequest, DescribeAclsRequest, DescribeClusterRequest,
    DescribeConfigsRequest, DescribeGroupsRequest, FetchRequest, FindCoordinatorRequest,
    HeartbeatRequest, IncrementalAlterConfigsRequest, InitProducerIdRequest, JoinGroupRequest,
    LeaveGroupRequest, ListGroupsRequest, ListOffsetsRequest, ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse, MetadataRequest, OffsetCommitRequest, OffsetDeleteRequest,
    OffsetFetchRequest, OffsetForLeaderEpochRequest, ProduceRequest, RequestHeader, ResponseHeader,
    SyncGroupRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable};

use super::connection::Client;
use super::node::Node;
use super::{
    commits, configs, fetch, group_admin, list_offsets, membership, metadata, produce, topic_admin,
};

/// The requests that are answered, with the first and last version.
#[rustfmt::skip]
pub(crate) const APIS: &[(ApiKey, i16, i16)] = &[
    (ApiKey::Produce, 3, 11),
    (ApiKey::Fetch, 4, 17),
    (ApiKey::ListOffsets, 1, 9),
    (ApiKey::Metadata, 0, 12),
    (ApiKey::OffsetCommit, 2, 9),
    (ApiKey::OffsetFetch, 1, 9),
    (ApiKey::FindCoordinator, 0, 5),
    (ApiKey::JoinGroup, 0, 9),
    (ApiKey::Heartbeat, 0, 4),
    (ApiKey::LeaveGroup, 0, 5),
    (ApiKey::SyncGroup, 0, 5),
    (ApiKey::DescribeGroups, 0, 5),
    (ApiKey::ListGroups, 0, 5),
    (ApiKey::ApiVersions, 0, 4),
    (ApiKey::CreateTopics, 2, 7),
    (ApiKey::DeleteTopics, 1, 6),
    (ApiKey::DeleteRecords, 0, 2),
    (ApiKey::InitProducerId, 0, 5),
    (ApiKey::OffsetForLeaderEpoch, 2, 4),
    (ApiKey::DescribeAcls, 1, 3),
    (ApiKey::CreateAcls, 1, 3),
    (ApiKey::DeleteAcls, 1, 3),
    (ApiKey::DescribeConfigs, 1, 4),
    (ApiKey::AlterConfigs, 0, 2),
    (ApiKey::CreatePartitions, 0, 3),
    (ApiKey::DeleteGroups, 0, 2),
    (ApiKey::IncrementalAlterConfigs, 0, 1),
    (ApiKey::ListPartitionReassignments, 0, 0),
    (ApiKey::OffsetDelete, 0, 0),
    (ApiKey::DescribeCluster, 0, 1),
];

/// What to do after a request.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Send this.
    Send(BytesMut),
    /// Send nothing (a producer that asked for no answer).
    Nothing,
    /// Close the connection (such a producer's request has failed).
    Close,
}

/// Why a request cannot be answered at all; its connection is closed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DispatchError {
    #[error("a request of {0} bytes is too short")]
    Short(usize),
    #[error("request key {0} version {1} is not supported")]
    Unsupported(i16, i16),
    #[error("a request of key {0} version {1} cannot be decoded: {2}")]
    Decode(i16, i16, String),
    #[error("an answer cannot be encoded: {0}")]
    Encode(String),
}

/// A request that has been found in [`APIS`].
struct Call {
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    body: Bytes,
}

/// Handles one request. Waits for as long as a fetch, join or sync does.
pub(crate) async fn dispatch(
    node: &Node,
    client: &mut Client,
    request: Bytes,
) -> Result<Reply, DispatchError> {
    let (key, version) = peek(&request)?;
    let range = APIS.iter().find(|(api, _, _)| *api as i16 == key);
    let Some((key, ..)) = range.filter(|(_, first, last)| (*first..=*last).contains(&version))
    else {
        return unsupported(key, version, &request);
    };
    let mut body = request;
    let header = RequestHeader::decode(&mut body, key.request_header_version(version))
        .map_err(|error| DispatchError::Decode(*key as i16, version, error.to_string()))?;
    client.id = header.client_id.unwrap_or_default();
    let call = Call {
        key: *key,
        version,
        correlation_id: header.correlation_id,
        body,
    };
    answer(node, client, call).await
}

fn peek(request: &Bytes) -> Result<(i16, i16), DispatchError> {
    let mut start = request.as_ref();
    if start.len() < 8 {
        return Err(DispatchError::Short(request.len()));
    }
    Ok((start.get_i16(), start.get_i16()))
}

/// Clients ask with the newest `ApiVersions` that they know; the answer to one that is too new is the list in the
/// oldest format. Everything else that is not listed is a mistake of the client.
fn unsupported(key: i16, version: i16, request: &Bytes) -> Result<Reply, DispatchError> {
    if key != ApiKey::ApiVersions as i16 {
        return Err(DispatchError::Unsupported(key, version));
    }
    let call = Call {
        key: ApiKey::ApiVersions,
        version: 0,
        correlation_id: (&request[4..]).get_i32(),
        body: Bytes::new(),
    };
    let response = api_versions().with_error_code(ResponseError::UnsupportedVersion.code());
    encode(&call, &response)
}

fn api_versions() -> ApiVersionsResponse {
    let range = |(key, first, last): &(ApiKey, i16, i16)| {
        ApiVersion::default()
            .with_api_key(*key as i16)
            .with_min_version(*first)
            .with_max_version(*last)
    };
    ApiVersionsResponse::default().with_api_keys(APIS.iter().map(range).collect())
}

fn decode<R: Decodable>(call: &mut Call) -> Result<R, DispatchError> {
    R::decode(&mut call.body, call.version)
        .map_err(|error| DispatchError::Decode(call.key as i16, call.version, error.to_string()))
}

/// The answer with its length and header in front.
fn encode<R: Encodable>(call: &Call, response: &R) -> Result<Reply, DispatchError> {
    let failed =
        |error: &dyn std::fmt::Display| DispatchError::Encode(format!("{:?}: {error}", call.key));
    let size = response
        .compute_size(call.version)
        .map_err(|error| failed(&error))?;
    let mut out = BytesMut::with_capacity(size + 16);
    out.extend_from_slice(&[0; 4]);
    ResponseHeader::default()
        .with_correlation_id(call.correlation_id)
        .encode(&mut out, call.key.response_header_version(call.version))
        .map_err(|error| failed(&error))?;
    response
        .encode(&mut out, call.version)
        .map_err(|error| failed(&error))?;
    let length = u32::try_from(out.len() - 4).map_err(|error| failed(&error))?;
    out[..4].copy_from_slice(&length.to_be_bytes());
    Ok(Reply::Send(out))
}

/// Decodes, calls the handler, encodes.
macro_rules! call {
    ($call:ident, |$request:ident: $Request:ty| $answer:expr) => {{
        let $request: $Request = decode(&mut $call)?;
        let response = $answer;
        encode(&$call, &response)
    }};
}

async fn answer(node: &Node, client: &Client, mut call: Call) -> Result<Reply, DispatchError> {
    let v = call.version;
    match call.key {
        ApiKey::Produce => produce(node, call),
        ApiKey::Fetch => call!(call, |r: FetchRequest| fetch::fetch(node, v, r).await),
        ApiKey::JoinGroup => {
            call!(call, |r: JoinGroupRequest| membership::join_group(
                node, client, v, r
            )
            .await)
        }
        ApiKey::SyncGroup => call!(call, |r: SyncGroupRequest| membership::sync_group(node, &r)
            .await),
        ApiKey::Heartbeat => call!(call, |r: HeartbeatRequest| membership::heartbeat(node, &r)),
        ApiKey::LeaveGroup => call!(call, |r: LeaveGroupRequest| membership::leave_group(
            node, v, &r
        )),
        ApiKey::OffsetCommit => call!(call, |r: OffsetCommitRequest| commits::offset_commit(
            node, &r
        )),
        ApiKey::OffsetFetch => call!(call, |r: OffsetFetchRequest| commits::offset_fetch(
            node, v, r
        )),
        ApiKey::OffsetDelete => call!(call, |r: OffsetDeleteRequest| commits::offset_delete(
            node, &r
        )),
        ApiKey::ApiVersions => call!(call, |_r: ApiVersionsRequest| api_versions()),
        ApiKey::Metadata => call!(call, |r: MetadataRequest| metadata::metadata(node, v, r)),
        ApiKey::FindCoordinator => {
            call!(
                call,
                |r: FindCoordinatorRequest| metadata::find_coordinator(node, v, &r)
            )
        }
        ApiKey::ListOffsets => call!(call, |r: ListOffsetsRequest| list_offsets::list_offsets(
            node, &r
        )),
        ApiKey::InitProducerId => {
            call!(call, |r: InitProducerIdRequest| produce::init_producer_id(
                node, &r
            ))
        }
        _ => answer_admin(node, call),
    }
}

fn answer_admin(node: &Node, mut call: Call) -> Result<Reply, DispatchError> {
    let v = call.version;
    match call.key {
        ApiKey::DescribeCluster => {
            call!(
                call,
                |r: DescribeClusterRequest| metadata::describe_cluster(node, &r)
            )
        }
        ApiKey::OffsetForLeaderEpoch => {
            call!(call, |r: OffsetForLeaderEpochRequest| {
                list_offsets::offset_for_leader_epoch(node, &r)
            })
        }
        ApiKey::CreateTopics => call!(call, |r: CreateTopicsRequest| topic_admin::create_topics(
            node, &r
        )),
        ApiKey::DeleteTopics => call!(call, |r: DeleteTopicsRequest| topic_admin::delete_topics(
            node, v, &r
        )),
        ApiKey::DeleteRecords => call!(
            call,
            |r: DeleteRecordsRequest| topic_admin::delete_records(node, &r)
        ),
        ApiKey::CreatePartitions => {
            call!(call, |r: CreatePartitionsRequest| {
                topic_admin::create_partitions(node, &r)
            })
        }
        ApiKey::DescribeConfigs => call!(call, |r: DescribeConfigsRequest| configs::describe(
            node, &r
        )),
        ApiKey::AlterConfigs => call!(call, |r: AlterConfigsRequest| configs::alter(node, &r)),
        ApiKey::IncrementalAlterConfigs => {
            call!(call, |r: IncrementalAlterConfigsRequest| {
                configs::alter_incrementally(node, &r)
            })
        }
        ApiKey::ListGroups => call!(call, |r: ListGroupsRequest| group_admin::list_groups(
            node, &r
        )),
        ApiKey::DescribeGroups => call!(call, |r: DescribeGroupsRequest| {
            group_admin::describe_groups(node, &r)
        }),
        ApiKey::DeleteGroups => call!(call, |r: DeleteGroupsRequest| group_admin::delete_groups(
            node, &r
        )),
        ApiKey::DescribeAcls => call!(call, |_r: DescribeAclsRequest| metadata::describe_acls()),
        ApiKey::CreateAcls => call!(call, |r: CreateAclsRequest| metadata::create_acls(&r)),
        ApiKey::DeleteAcls => call!(call, |r: DeleteAclsRequest| metadata::delete_acls(&r)),
        ApiKey::ListPartitionReassignments => {
            call!(call, |_r: ListPartitionReassignmentsRequest| {
                ListPartitionReassignmentsResponse::default()
            })
        }
        _ => Err(DispatchError::Unsupported(call.key as i16, call.version)),
    }
}

fn produce(node: &Node, mut call: Call) -> Result<Reply, DispatchError> {
    let request: ProduceRequest = decode(&mut call)?;
    let response = produce::produce(node, &request);
    match request.acks {
        0 if produce::failed(&response) => Ok(Reply::Close),
        0 => Ok(Reply::Nothing),
        _ => encode(&call, &response),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_version_can_be_decoded() {
        for (key, first, last) in APIS {
            let known = key.valid_versions();
            assert!(known.min <= *first && *last <= known.max, "{key:?}");
        }
    }
}
