//! `…/broker-configs`: settings of all brokers of the cluster, those that are set. Which names there are is not checked.

use hyper::body::Incoming;

use crate::api::Request;
use crate::cluster_admin::{Config, ConfigChange, ConfigOperation, ConfigResource};
use crate::entity::v3::Resource;
use crate::entity::v3::config::{self, Owner};
use crate::error::Error;
use crate::respond::{self, Response};
use crate::router;

use super::body::config::{read_batch, read_value};
use super::configs;
use super::links::Links;
use super::scope::{param, scope};

const ALL: ConfigResource = ConfigResource::AllBrokers;
const TAIL: &str = "/broker-configs";

/// `GET …/broker-configs`
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    check_type(request)?;
    let links = scope(request).await?.links;
    let found = configs::describe(request, &ALL).await?;
    let data = found.into_iter().map(|config| resource(&links, config));
    let list = links.list("KafkaClusterConfigList", TAIL, data.collect());
    respond::json(request.negotiated, &list)
}

/// `GET …/broker-configs/{name}`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    check_type(request)?;
    let name = param(request, 1)?;
    let links = scope(request).await?.links;
    let found = configs::find(request, &ALL, &name).await?;
    respond::json(request.negotiated, &resource(&links, found))
}

/// `PUT …/broker-configs/{name}`
pub(super) async fn set(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    check_type(request)?;
    let (bytes, _permit) = request.body(body).await?;
    let value = read_value(&bytes, "UpdateClusterConfigRequest")?;
    let name = param(request, 1)?;
    let operation = ConfigOperation::Set(value);
    change(request, vec![ConfigChange { name, operation }], false).await
}

/// `DELETE …/broker-configs/{name}`
pub(super) async fn reset(request: &Request<'_>) -> Result<Response, Error> {
    check_type(request)?;
    let name = param(request, 1)?;
    let operation = ConfigOperation::Reset;
    change(request, vec![ConfigChange { name, operation }], false).await
}

/// `POST …/broker-configs:alter`
pub(super) async fn alter(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    check_type(request)?;
    let (bytes, _permit) = request.body(body).await?;
    let batch = read_batch(&bytes)?;
    change(request, batch.changes, batch.validate_only).await
}

/// There are configurations of brokers only; others are refused before anything else is looked at.
fn check_type(request: &Request<'_>) -> Result<(), Error> {
    match router::config_type(request.path) {
        Some(kind) if !router::is_config_type(kind) => Err(Error::NotFoundAs(format!(
            "The valid values for Type do not include '{kind}'"
        ))),
        _ => Ok(()),
    }
}

async fn change(
    request: &Request<'_>,
    changes: Vec<ConfigChange>,
    validate_only: bool,
) -> Result<Response, Error> {
    scope(request).await?;
    configs::alter(request, ALL, changes, validate_only).await?;
    Ok(respond::no_content())
}

fn resource(links: &Links, config: Config) -> Resource<config::Config> {
    let owner = Owner::Cluster {
        config_type: "BROKER",
    };
    configs::resource(
        links,
        "KafkaClusterConfig",
        TAIL,
        "/broker-config",
        owner,
        config,
    )
}
