//! `…/topics/{topic}/partitions`

use crate::admin_client::PartitionInfo;
use crate::api::Request;
use crate::cluster_admin::OffsetSpec;
use crate::entity::v3::{self, Resource};
use crate::error::Error;
use crate::respond::{self, Response};

use super::links::Links;
use super::scope::{int_param, param, scope};
use super::topics;

/// The only kind of offsets that can be asked for.
const BOTH_ENDS: &str = "earliest_and_latest";

/// `GET …/partitions`
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let name = param(request, 1)?;
    let scope = scope(request).await?;
    let topic = topics::find(request, &name, false).await?;
    let data = topic
        .partitions
        .iter()
        .map(|info| resource(&scope.links, &name, info));
    let tail = format!("/topics/{name}/partitions");
    let list = scope
        .links
        .list("KafkaPartitionList", &tail, data.collect());
    respond::json(request.negotiated, &list)
}

/// `GET …/partitions/{partition}`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let (name, id) = (param(request, 1)?, int_param(request, 2)?);
    let scope = scope(request).await?;
    let info = find(request, &name, id).await?.ok_or(Error::NotFound)?;
    respond::json(request.negotiated, &resource(&scope.links, &name, &info))
}

/// `GET …/partitions/{partition}/offset`
pub(super) async fn offsets(request: &Request<'_>) -> Result<Response, Error> {
    let (name, id) = (param(request, 1)?, int_param(request, 2)?);
    let kind = request.query("offset_type");
    if let Some(kind) = kind.filter(|kind| !kind.eq_ignore_ascii_case(BOTH_ENDS)) {
        let message = format!("Bad Request: offset_type:{kind} is invalid");
        return Err(Error::BadRequest(message));
    }
    let links = scope(request).await?.links;
    if find(request, &name, id).await?.is_none() {
        return Err(Error::PartitionNotFound);
    }
    let fields = v3::PartitionWithOffsets {
        cluster_id: links.cluster.clone(),
        topic_name: name.clone(),
        partition_id: id,
        earliest_offset: offset(request, &name, id, OffsetSpec::Earliest).await?,
        latest_offset: offset(request, &name, id, OffsetSpec::Latest).await?,
    };
    let tail = format!("/topics/{name}/partitions/{id}/offset");
    let own = format!("/topic={name}/partition={id}/offset_type={BOTH_ENDS}");
    let resource = links.resource("KafkaPartitionWithOffsets", &tail, &own, fields);
    respond::json(request.negotiated, &resource)
}

async fn offset(
    request: &Request<'_>,
    topic: &str,
    id: i32,
    spec: OffsetSpec,
) -> Result<i64, Error> {
    let partition = vec![(topic.to_owned(), id)];
    let offsets = request.app.cluster.offsets(partition, spec).await?;
    offsets
        .first()
        .map(|found| found.offset)
        .ok_or(Error::Internal)
}

/// The partition of this number.
pub(super) async fn find(
    request: &Request<'_>,
    topic: &str,
    id: i32,
) -> Result<Option<PartitionInfo>, Error> {
    let topic = topics::find(request, topic, false).await?;
    Ok(topic.partitions.into_iter().find(|info| info.id == id))
}

fn resource(links: &Links, topic: &str, info: &PartitionInfo) -> Resource<v3::Partition> {
    let id = info.id;
    let tail = format!("/topics/{topic}/partitions/{id}");
    let leader = (info.leader >= 0).then(|| format!("{tail}/replicas/{}", info.leader));
    let fields = v3::Partition {
        cluster_id: links.cluster.clone(),
        topic_name: topic.to_owned(),
        partition_id: id,
        leader: leader.map(|tail| links.related(&tail)),
        replicas: links.related(&format!("{tail}/replicas")),
        reassignment: links.related(&format!("{tail}/reassignment")),
    };
    let name = format!("/topic={topic}/partition={id}");
    links.resource("KafkaPartition", &tail, &name, fields)
}
