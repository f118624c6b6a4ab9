//! `…/brokers`

use crate::api::Request;
use crate::cluster_admin::Broker;
use crate::entity::v3::{self, Resource};
use crate::error::Error;
use crate::respond::{self, Response};

use super::links::Links;
use super::scope::{int_param, scope};

/// `GET …/brokers`
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let scope = scope(request).await?;
    let brokers = scope.cluster.brokers.iter();
    let data = brokers.map(|broker| resource(&scope.links, broker));
    let list = scope
        .links
        .list("KafkaBrokerList", "/brokers", data.collect());
    respond::json(request.negotiated, &list)
}

/// `GET …/brokers/{broker}`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let id = int_param(request, 1)?;
    let scope = scope(request).await?;
    let mut brokers = scope.cluster.brokers.iter();
    let broker = brokers
        .find(|broker| broker.id == id)
        .ok_or(Error::NotFound)?;
    respond::json(request.negotiated, &resource(&scope.links, broker))
}

fn resource(links: &Links, broker: &Broker) -> Resource<v3::Broker> {
    let id = broker.id;
    let tail = format!("/brokers/{id}");
    let fields = v3::Broker {
        cluster_id: links.cluster.clone(),
        broker_id: id,
        host: Some(broker.host.clone()),
        port: Some(broker.port),
        rack: broker.rack.clone(),
        configs: links.related(&format!("{tail}/configs")),
        partition_replicas: links.related(&format!("{tail}/partition-replicas")),
    };
    links.resource("KafkaBroker", &tail, &format!("/broker={id}"), fields)
}
