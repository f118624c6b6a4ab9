//! `…/replicas`: copies of a partition, and all that a broker holds.

use crate::admin_client::PartitionInfo;
use crate::api::Request;
use crate::entity::v3::{Replica, Resource};
use crate::error::Error;
use crate::respond::{self, Response};

use super::links::Links;
use super::partitions;
use super::scope::{Scope, int_param, param, scope};

/// `GET …/partitions/{partition}/replicas`
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let (name, id) = (param(request, 1)?, int_param(request, 2)?);
    let (scope, info) = find(request, &name, id).await?;
    let mut brokers = info.replicas.clone();
    brokers.sort_unstable();
    let data = brokers
        .iter()
        .map(|broker| resource(&scope.links, &name, &info, *broker));
    let tail = format!("/topics/{name}/partitions/{id}/replicas");
    let list = scope.links.list("KafkaReplicaList", &tail, data.collect());
    respond::json(request.negotiated, &list)
}

/// `GET …/partitions/{partition}/replicas/{broker}`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let (name, id) = (param(request, 1)?, int_param(request, 2)?);
    let broker = int_param(request, 3)?;
    let (scope, info) = find(request, &name, id).await?;
    if !info.replicas.contains(&broker) {
        return Err(Error::NotFound);
    }
    respond::json(
        request.negotiated,
        &resource(&scope.links, &name, &info, broker),
    )
}

/// `GET …/brokers/{broker}/partition-replicas`
pub(super) async fn of_broker(request: &Request<'_>) -> Result<Response, Error> {
    let broker = int_param(request, 1)?;
    let scope = scope(request).await?;
    if scope.cluster.brokers.iter().all(|known| known.id != broker) {
        return Err(Error::NotFoundAs(format!(
            "Broker {broker} cannot be found."
        )));
    }
    let topics = request.app.cluster.topics(None, false).await?;
    let held = topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        let held = partitions.filter(|info| info.replicas.contains(&broker));
        held.map(|info| resource(&scope.links, &topic.name, info, broker))
    });
    let tail = format!("/brokers/{broker}/partition-replicas");
    let list = scope.links.list("KafkaReplicaList", &tail, held.collect());
    respond::json(request.negotiated, &list)
}

async fn find(
    request: &Request<'_>,
    topic: &str,
    id: i32,
) -> Result<(Scope, PartitionInfo), Error> {
    let scope = scope(request).await?;
    let info = partitions::find(request, topic, id).await?;
    let missing = || {
        let cluster = &scope.links.cluster;
        format!("Partition {id} of topic {topic} could not be found on cluster {cluster}.")
    };
    let info = info.ok_or_else(|| Error::NotFoundAs(missing()))?;
    Ok((scope, info))
}

fn resource(links: &Links, topic: &str, info: &PartitionInfo, broker: i32) -> Resource<Replica> {
    let id = info.id;
    let fields = Replica {
        cluster_id: links.cluster.clone(),
        topic_name: topic.to_owned(),
        partition_id: id,
        broker_id: broker,
        is_leader: info.leader == broker,
        is_in_sync: info.in_sync.contains(&broker),
        broker: links.related(&format!("/brokers/{broker}")),
    };
    let tail = format!("/topics/{topic}/partitions/{id}/replicas/{broker}");
    let name = format!("/topic={topic}/partition={id}/replica={broker}");
    links.resource("KafkaReplica", &tail, &name, fields)
}
