//! `…/consumer-groups/{group}/consumers`: members of a group, and what they read.

use crate::api::Request;
use crate::cluster_admin::Member;
use crate::entity::v3::Resource;
use crate::entity::v3::group::{Consumer, ConsumerAssignment};
use crate::error::Error;
use crate::respond::{self, Response};

use super::consumer_groups;
use super::links::Links;
use super::scope::{int_param, param};

/// `GET …/consumers`
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let (links, group, members) = members(request).await?;
    let data = members
        .iter()
        .map(|member| resource(&links, &group, member));
    let tail = format!("/consumer-groups/{group}/consumers");
    let list = links.list("KafkaConsumerList", &tail, data.collect());
    respond::json(request.negotiated, &list)
}

/// `GET …/consumers/{consumer}`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let id = param(request, 2)?;
    let (links, group, members) = members(request).await?;
    let mut members = members.iter();
    let member = members
        .find(|member| member.id == id)
        .ok_or(Error::NotFound)?;
    respond::json(request.negotiated, &resource(&links, &group, member))
}

/// `GET …/consumers/{consumer}/assignments`
pub(super) async fn assignments(request: &Request<'_>) -> Result<Response, Error> {
    let (links, group, member) = member(request).await?;
    let assigned = member.assignment.iter();
    let data = assigned.map(|place| assigned_resource(&links, &group, &member.id, place));
    let tail = format!(
        "/consumer-groups/{group}/consumers/{}/assignments",
        member.id
    );
    let list = links.list("KafkaConsumerAssignmentList", &tail, data.collect());
    respond::json(request.negotiated, &list)
}

/// `GET …/consumers/{consumer}/assignments/{topic}/partitions/{partition}`
pub(super) async fn assignment(request: &Request<'_>) -> Result<Response, Error> {
    let wanted = (param(request, 3)?, int_param(request, 4)?);
    let (links, group, member) = member(request).await?;
    if !member.assignment.contains(&wanted) {
        return Err(Error::NotFound);
    }
    let resource = assigned_resource(&links, &group, &member.id, &wanted);
    respond::json(request.negotiated, &resource)
}

async fn members(request: &Request<'_>) -> Result<(Links, String, Vec<Member>), Error> {
    let id = param(request, 1)?;
    let (scope, group) = consumer_groups::find(request).await?;
    let missing = || Error::NotFoundAs(format!("Consumer Group {id} does not exist."));
    let mut members = group.ok_or_else(missing)?.members;
    members.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    for member in &mut members {
        member.assignment.sort_unstable();
    }
    Ok((scope.links, id, members))
}

async fn member(request: &Request<'_>) -> Result<(Links, String, Member), Error> {
    let id = param(request, 2)?;
    let (links, group, members) = members(request).await?;
    let member = members.into_iter().find(|member| member.id == id);
    let missing = || Error::NotFoundAs(format!("Consumer {id} does not exist."));
    Ok((links, group, member.ok_or_else(missing)?))
}

fn resource(links: &Links, group: &str, member: &Member) -> Resource<Consumer> {
    let tail = format!("/consumer-groups/{group}/consumers/{}", member.id);
    let name = format!("/consumer-group={group}/consumer={}", member.id);
    let fields = Consumer {
        cluster_id: links.cluster.clone(),
        consumer_group_id: group.to_owned(),
        consumer_id: member.id.clone(),
        instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        assignments: links.related(&format!("{tail}/assignments")),
    };
    links.resource("KafkaConsumer", &tail, &name, fields)
}

fn assigned_resource(
    links: &Links,
    group: &str,
    consumer: &str,
    (topic, partition): &(String, i32),
) -> Resource<ConsumerAssignment> {
    let place = format!("{topic}/partitions/{partition}");
    let fields = ConsumerAssignment {
        cluster_id: links.cluster.clone(),
        consumer_group_id: group.to_owned(),
        consumer_id: consumer.to_owned(),
        topic_name: topic.clone(),
        partition_id: *partition,
        partition: links.related(&format!("/topics/{place}")),
        lag: links.related(&format!("/consumer-groups/{group}/lags/{place}")),
    };
    let tail = format!("/consumer-groups/{group}/consumers/{consumer}/assignments/{place}");
    let name = format!(
        "/consumer-group={group}/consumer={consumer}/assignment={topic}/partition={partition}"
    );
    links.resource("KafkaConsumerAssignment", &tail, &name, fields)
}
