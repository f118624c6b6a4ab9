//! `…/reassignment`: partitions that are moving between brokers.

use crate::api::Request;
use crate::cluster_admin::Reassignment;
use crate::entity::v3::{self, Resource};
use crate::error::Error;
use crate::respond::{self, Response};

use super::links::Links;
use super::scope::{int_param, param, scope};

/// `GET …/topics/-/partitions/-/reassignment`
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    answer(request, "-", |_| true).await
}

/// `GET …/topics/{topic}/partitions/-/reassignment`
pub(super) async fn of_topic(request: &Request<'_>) -> Result<Response, Error> {
    let name = param(request, 1)?;
    answer(request, &name, |moving| moving.topic == name).await
}

async fn answer(
    request: &Request<'_>,
    topic: &str,
    wanted: impl Fn(&Reassignment) -> bool,
) -> Result<Response, Error> {
    let links = scope(request).await?.links;
    let moving = request.app.cluster.reassignments().await?;
    let data = moving
        .into_iter()
        .filter(wanted)
        .map(|one| resource(&links, one));
    // The list calls itself by another name than its path has: that is how the original does it.
    let tail = format!("/topics/{topic}/partitions/-/reassignments");
    let list = links.list("KafkaReassignmentList", &tail, data.collect());
    respond::json(request.negotiated, &list)
}

/// `GET …/topics/{topic}/partitions/{partition}/reassignment`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let (name, id) = (param(request, 1)?, int_param(request, 2)?);
    let links = scope(request).await?.links;
    let moving = request.app.cluster.reassignments().await?;
    let mut moving = moving.into_iter();
    let one = moving.find(|one| one.topic == name && one.partition == id);
    let one = one.ok_or(Error::NotFound)?;
    respond::json(request.negotiated, &resource(&links, one))
}

fn resource(links: &Links, moving: Reassignment) -> Resource<v3::Reassignment> {
    let (topic, id) = (moving.topic, moving.partition);
    let tail = format!("/topics/{topic}/partitions/{id}");
    let name = format!("/topic={topic}/partition={id}/reassignment");
    let fields = v3::Reassignment {
        cluster_id: links.cluster.clone(),
        topic_name: topic,
        partition_id: id,
        adding_replicas: moving.adding,
        removing_replicas: moving.removing,
        replicas: links.related(&format!("{tail}/replicas")),
    };
    links.resource(
        "KafkaReassignment",
        &format!("{tail}/reassignment"),
        &name,
        fields,
    )
}
