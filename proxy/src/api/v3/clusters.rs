//! `/v3/clusters`: the one cluster that the proxy is connected to.

use crate::api::Request;
use crate::cluster_admin::Cluster;
use crate::entity::v3::{self, Resource};
use crate::error::Error;
use crate::respond::{self, Response};

use super::links::{self, Links};
use super::scope;

/// `GET /v3/clusters`
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let cluster = request.app.cluster.cluster().await?;
    let links = scope::links(request, cluster.id.as_deref().unwrap_or_default());
    let data = cluster.id.as_ref().map(|_| resource(&links, &cluster));
    let url = links.clusters().to_owned();
    let list = links::list("KafkaClusterList", url, data.into_iter().collect());
    respond::json(request.negotiated, &list)
}

/// `GET /v3/clusters/{cluster}`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let id = scope::param(request, 0)?;
    let cluster = request.app.cluster.cluster().await?;
    if cluster.id.as_ref() != Some(&id) {
        return Err(Error::NotFound);
    }
    let links = scope::links(request, &id);
    respond::json(request.negotiated, &resource(&links, &cluster))
}

fn resource(links: &Links, cluster: &Cluster) -> Resource<v3::Cluster> {
    let broker = |id: i32| links.related(&format!("/brokers/{id}"));
    let fields = v3::Cluster {
        cluster_id: links.cluster.clone(),
        controller: cluster.controller.map(broker),
        acls: links.related("/acls"),
        brokers: links.related("/brokers"),
        broker_configs: links.related("/broker-configs"),
        consumer_groups: links.related("/consumer-groups"),
        topics: links.related("/topics"),
        partition_reassignments: links.related("/topics/-/partitions/-/reassignment"),
    };
    links.resource("KafkaCluster", "", "", fields)
}
