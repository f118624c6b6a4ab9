//! Consumer groups of both protocols, their members and what they have committed.

use bytes::{Buf, Bytes};
use kafka_protocol::messages::consumer_protocol_assignment::ConsumerProtocolAssignment;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribeGroupsRequest,
    DescribeGroupsResponse, GroupId, LeaveGroupRequest, ListGroupsRequest, OffsetFetchRequest,
    consumer_group_describe_response as modern, describe_groups_response as classic,
};
use kafka_protocol::protocol::{Decodable, Request};

use super::{NEWEST, WireAdmin, incomplete, text};
use crate::cluster_admin::{Group, Member, PartitionOffset};
use crate::kafka_error::{FaultClass, KafkaFault};
use crate::kafka_wire::error::WireError;
use crate::kafka_wire::fault::{check, check_moved};
use crate::kafka_wire::pool::To;

/// Newest `OffsetFetch` for one group; later ones take several.
const OFFSET_FETCH: i16 = 7;
const GROUP_ID_NOT_FOUND: i16 = 69;
const UNKNOWN_MEMBER_ID: i16 = 25;
/// The answer of a broker that knows the newer protocol, but has it switched off.
const UNSUPPORTED_VERSION: i16 = 35;
/// What the protocol calls the kind of group whose members consume.
const CONSUMER: &str = "consumer";

impl WireAdmin {
    pub(super) async fn list_groups(&self) -> Result<Vec<String>, KafkaFault> {
        let mut ids = Vec::new();
        for broker in self.pool.broker_ids().await? {
            let answer = self
                .call(
                    To::Broker(broker),
                    &ListGroupsRequest::default(),
                    NEWEST,
                    "listConsumerGroups",
                    |answer| check_moved(answer.error_code, None),
                )
                .await?;
            let consumers = answer.groups.iter().filter(|group| {
                group.protocol_type.is_empty() || *group.protocol_type == *CONSUMER
            });
            ids.extend(consumers.map(|group| group.group_id.to_string()));
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    pub(super) async fn describe_group(&self, id: &str) -> Result<Option<Group>, KafkaFault> {
        let classic = self.describe_classic(id).await?;
        let missing = classic
            .as_ref()
            .is_none_or(|group| group.is_simple && group.state == "Dead");
        if missing {
            return self.describe_modern(id).await;
        }
        Ok(classic)
    }

    async fn describe_classic(&self, id: &str) -> Result<Option<Group>, KafkaFault> {
        let request = DescribeGroupsRequest::default().with_groups(vec![group_id(id)]);
        let (coordinator, answer) = self
            .ask_coordinator(id, &request, |answer: &DescribeGroupsResponse| {
                answer.groups.iter().map(|group| group.error_code).collect()
            })
            .await?;
        let group = answer.groups.first().ok_or_else(incomplete)?;
        if group.error_code == GROUP_ID_NOT_FOUND {
            return Ok(None);
        }
        check(group.error_code, group.error_message.as_ref())?;
        if !group.protocol_type.is_empty() && *group.protocol_type != *CONSUMER {
            return Err(KafkaFault::new(
                FaultClass::Fatal,
                format!(
                    "GroupId {id} is not a consumer group ({}).",
                    &*group.protocol_type
                ),
            ));
        }
        let members = group.members.iter().map(read_classic);
        Ok(Some(Group {
            id: group.group_id.to_string(),
            is_simple: group.protocol_type.is_empty(),
            assignor: group.protocol_data.to_string(),
            state: group.group_state.to_string(),
            coordinator,
            members: members.collect(),
        }))
    }

    /// Groups of the protocol of KIP-848. Brokers without it know none.
    async fn describe_modern(&self, id: &str) -> Result<Option<Group>, KafkaFault> {
        let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(id)]);
        let codes = |answer: &ConsumerGroupDescribeResponse| {
            answer.groups.iter().map(|group| group.error_code).collect()
        };
        let (coordinator, answer) = match self.ask_coordinator(id, &request, codes).await {
            Ok(found) => found,
            Err(WireError::Unsupported(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let group = answer.groups.first().ok_or_else(incomplete)?;
        Ok((group.error_code == 0).then(|| Group {
            id: group.group_id.to_string(),
            is_simple: false,
            assignor: group.assignor_name.to_string(),
            state: group.group_state.to_string(),
            coordinator,
            members: group.members.iter().map(read_modern).collect(),
        }))
    }

    /// The coordinator's id and its answer. A group that is not there is an answer, not an error.
    async fn ask_coordinator<R: Request>(
        &self,
        id: &str,
        request: &R,
        codes: impl Fn(&R::Response) -> Vec<i16>,
    ) -> Result<(i32, R::Response), WireError> {
        if let Some(fault) = self.health.hopeless() {
            return Err(fault.into());
        }
        let codes = &codes;
        let attempt = || async move {
            let coordinator = self.pool.coordinator(id).await?;
            let to = To::Broker(coordinator);
            let answer = self
                .pool
                .call(to, request, NEWEST, "describeConsumerGroups")
                .await?;
            let mut codes = codes(&answer).into_iter();
            codes
                .find(|code| ![0, GROUP_ID_NOT_FOUND, UNSUPPORTED_VERSION].contains(code))
                .map_or(Ok(()), |code| check_moved(code, None))?;
            Ok((coordinator, answer))
        };
        self.pool.retried(attempt).await
    }

    /// On behalf of a static member, which is named by its instance id alone.
    pub(super) async fn leave_group(
        &self,
        group: &str,
        instance_id: &str,
    ) -> Result<(), KafkaFault> {
        let member = MemberIdentity::default()
            .with_member_id(text(""))
            .with_group_instance_id(Some(text(instance_id)));
        let request = LeaveGroupRequest::default()
            .with_group_id(group_id(group))
            .with_members(vec![member]);
        let gone = |code: &i16| ![UNKNOWN_MEMBER_ID, GROUP_ID_NOT_FOUND].contains(code);
        self.call(
            To::Coordinator(group),
            &request,
            NEWEST,
            "removeMembersFromConsumerGroup",
            |answer| {
                let codes = answer.members.iter().map(|member| member.error_code);
                let mut codes = std::iter::once(answer.error_code).chain(codes).filter(gone);
                codes.try_for_each(|code| check_moved(code, None))
            },
        )
        .await
        .map(drop)
    }

    pub(super) async fn list_committed(
        &self,
        group: &str,
    ) -> Result<Vec<PartitionOffset>, KafkaFault> {
        let request = OffsetFetchRequest::default()
            .with_group_id(group_id(group))
            .with_topics(None);
        let answer = self
            .call(
                To::Coordinator(group),
                &request,
                OFFSET_FETCH,
                "listConsumerGroupOffsets",
                |answer| check_moved(answer.error_code, None),
            )
            .await?;
        let mut committed = Vec::new();
        for topic in &answer.topics {
            for partition in &topic.partitions {
                check(partition.error_code, None)?;
                if partition.committed_offset >= 0 {
                    committed.push(PartitionOffset {
                        topic: topic.name.to_string(),
                        partition: partition.partition_index,
                        offset: partition.committed_offset,
                    });
                }
            }
        }
        committed.sort_unstable_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        Ok(committed)
    }
}

fn group_id(id: &str) -> GroupId {
    GroupId(text(id))
}

fn read_classic(member: &classic::DescribedGroupMember) -> Member {
    Member {
        id: member.member_id.to_string(),
        instance_id: member.group_instance_id.as_ref().map(ToString::to_string),
        client_id: member.client_id.to_string(),
        assignment: read_assignment(member.member_assignment.clone()),
    }
}

fn read_modern(member: &modern::Member) -> Member {
    let assigned = member.assignment.topic_partitions.iter();
    let assigned = assigned.flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|partition| (topic.topic_name.to_string(), *partition))
    });
    Member {
        id: member.member_id.to_string(),
        instance_id: member.instance_id.as_ref().map(ToString::to_string),
        client_id: member.client_id.to_string(),
        assignment: assigned.collect(),
    }
}

/// Reads what the group's leader gave a member: a version, then topics and partitions. Bytes that are no assignment
/// are none.
fn read_assignment(mut bytes: Bytes) -> Vec<(String, i32)> {
    /// Later versions only append fields.
    const NEWEST_KNOWN: i16 = 3;
    if bytes.len() < 2 {
        return Vec::new();
    }
    let version = bytes.get_i16().clamp(0, NEWEST_KNOWN);
    let Ok(assignment) = ConsumerProtocolAssignment::decode(&mut bytes, version) else {
        return Vec::new();
    };
    let topics = assignment.assigned_partitions.iter();
    let partitions = topics.flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|partition| (topic.topic.to_string(), *partition))
    });
    partitions.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments() {
        let bytes = b"\0\0\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\0\0\0\0\x05\xff\xff\xff\xff";
        let read = read_assignment(Bytes::from_static(bytes));
        assert_eq!(read, [("t".to_owned(), 0), ("t".to_owned(), 5)]);
        for broken in [&b""[..], b"\0", b"\0\0", b"\0\0\0\0\0\x09"] {
            assert_eq!(read_assignment(Bytes::from_static(broken)), []);
        }
    }
}
