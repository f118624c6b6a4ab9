//! `…/brokers/{broker}/configs`, of one broker or of all (`-`).

use hyper::body::Incoming;

use crate::api::Request;
use crate::cluster_admin::{Config, ConfigChange, ConfigOperation, ConfigResource};
use crate::entity::v3::Resource;
use crate::entity::v3::config::{self, Owner};
use crate::error::Error;
use crate::respond::{self, Response};

use super::body::config::{read_batch, read_value};
use super::configs;
use super::links::Links;
use super::scope::{int_param, param, scope};

/// `GET …/brokers/-/configs`
pub(super) async fn list_all(request: &Request<'_>) -> Result<Response, Error> {
    let scope = scope(request).await?;
    let mut data = Vec::new();
    for broker in &scope.cluster.brokers {
        let found = configs::describe(request, &ConfigResource::Broker(broker.id)).await?;
        data.extend(
            found
                .into_iter()
                .map(|config| resource(&scope.links, broker.id, config)),
        );
    }
    let list = scope
        .links
        .list("KafkaBrokerConfigList", "/brokers/-/configs", data);
    respond::json(request.negotiated, &list)
}

/// `GET …/brokers/{broker}/configs`
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let broker = int_param(request, 1)?;
    let links = scope(request).await?.links;
    let found = configs::describe(request, &ConfigResource::Broker(broker)).await?;
    let data = found
        .into_iter()
        .map(|config| resource(&links, broker, config));
    let tail = format!("/brokers/{broker}/configs");
    let list = links.list("KafkaBrokerConfigList", &tail, data.collect());
    respond::json(request.negotiated, &list)
}

/// `GET …/brokers/{broker}/configs/{name}`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let (broker, name) = (int_param(request, 1)?, param(request, 2)?);
    let links = scope(request).await?.links;
    let found = configs::find(request, &ConfigResource::Broker(broker), &name).await?;
    respond::json(request.negotiated, &resource(&links, broker, found))
}

/// `PUT …/brokers/{broker}/configs/{name}`
pub(super) async fn set(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let broker = int_param(request, 1)?;
    let (bytes, _permit) = request.body(body).await?;
    let value = read_value(&bytes, "UpdateBrokerConfigRequest")?;
    change(request, broker, ConfigOperation::Set(value)).await
}

/// `DELETE …/brokers/{broker}/configs/{name}`
pub(super) async fn reset(request: &Request<'_>) -> Result<Response, Error> {
    let broker = int_param(request, 1)?;
    change(request, broker, ConfigOperation::Reset).await
}

async fn change(
    request: &Request<'_>,
    broker: i32,
    operation: ConfigOperation,
) -> Result<Response, Error> {
    let name = param(request, 2)?;
    let links = scope(request).await?.links;
    let change = ConfigChange { name, operation };
    let broker = ConfigResource::Broker(broker);
    configs::change_existing(request, &links.cluster, broker, change).await?;
    Ok(respond::no_content())
}

/// `POST …/brokers/{broker}/configs:alter`
pub(super) async fn alter(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let broker = int_param(request, 1)?;
    let (bytes, _permit) = request.body(body).await?;
    let batch = read_batch(&bytes)?;
    scope(request).await?;
    let broker = ConfigResource::Broker(broker);
    configs::change_all_existing(request, broker, batch.changes, batch.validate_only).await?;
    Ok(respond::no_content())
}

fn resource(links: &Links, broker: i32, config: Config) -> Resource<config::Config> {
    let tail = format!("/brokers/{broker}/configs");
    let name = format!("/broker={broker}/config");
    let owner = Owner::Broker { broker_id: broker };
    configs::resource(links, "KafkaBrokerConfig", &tail, &name, owner, config)
}
