//! `…/topics/{topic}/configs`, of one topic or of all (`-`).

use http::StatusCode;
use hyper::body::Incoming;

use crate::api::Request;
use crate::cluster_admin::{Config, ConfigChange, ConfigOperation, ConfigResource};
use crate::entity::v3::Resource;
use crate::entity::v3::config::{self, AlterFailure, AlterFailures, Owner};
use crate::error::Error;
use crate::respond::{self, Response};

use super::body::config::{read_batch, read_topics_batch, read_value};
use super::configs;
use super::links::Links;
use super::scope::{param, scope};

/// `GET …/topics/-/configs`
pub(super) async fn list_all(request: &Request<'_>) -> Result<Response, Error> {
    let links = scope(request).await?.links;
    let admin = &request.app.cluster;
    let topics = admin.topics(None, false).await?.into_iter();
    let names: Vec<String> = topics
        .filter(|topic| !topic.internal)
        .map(|topic| topic.name)
        .collect();
    let wanted = names.iter().cloned().map(ConfigResource::Topic);
    let found = admin.configs(wanted.collect()).await?;
    let mut data = Vec::new();
    for (name, mut configs) in names.iter().zip(found) {
        configs.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        data.extend(
            configs
                .into_iter()
                .map(|config| resource(&links, name, config)),
        );
    }
    let list = links.list("KafkaTopicConfigList", "/topics/-/configs", data);
    respond::json(request.negotiated, &list)
}

/// `GET …/topics/{topic}/configs`
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let name = param(request, 1)?;
    let links = scope(request).await?.links;
    let found = configs::describe(request, &ConfigResource::Topic(name.clone())).await?;
    let data = found
        .into_iter()
        .map(|config| resource(&links, &name, config));
    let tail = format!("/topics/{name}/configs");
    let list = links.list("KafkaTopicConfigList", &tail, data.collect());
    respond::json(request.negotiated, &list)
}

/// `GET …/topics/{topic}/configs/{name}`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let (topic, name) = (param(request, 1)?, param(request, 2)?);
    let links = scope(request).await?.links;
    let found = configs::find(request, &ConfigResource::Topic(topic.clone()), &name).await?;
    respond::json(request.negotiated, &resource(&links, &topic, found))
}

/// `PUT …/topics/{topic}/configs/{name}`
pub(super) async fn set(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (bytes, _permit) = request.body(body).await?;
    let value = read_value(&bytes, "UpdateTopicConfigRequest")?;
    change(request, ConfigOperation::Set(value)).await
}

/// `DELETE …/topics/{topic}/configs/{name}`
pub(super) async fn reset(request: &Request<'_>) -> Result<Response, Error> {
    change(request, ConfigOperation::Reset).await
}

async fn change(request: &Request<'_>, operation: ConfigOperation) -> Result<Response, Error> {
    let (topic, name) = (param(request, 1)?, param(request, 2)?);
    let links = scope(request).await?.links;
    let change = ConfigChange { name, operation };
    let topic = ConfigResource::Topic(topic);
    configs::change_existing(request, &links.cluster, topic, change).await?;
    Ok(respond::no_content())
}

/// `POST …/topics/{topic}/configs:alter`
pub(super) async fn alter(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let topic = param(request, 1)?;
    let (bytes, _permit) = request.body(body).await?;
    let batch = read_batch(&bytes)?;
    scope(request).await?;
    let topic = ConfigResource::Topic(topic);
    configs::change_all_existing(request, topic, batch.changes, batch.validate_only).await?;
    Ok(respond::no_content())
}

/// `POST …/topics/-/configs:alter`: each topic on its own, once all names are known to exist.
pub(super) async fn alter_many(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (bytes, _permit) = request.body(body).await?;
    let batch = read_topics_batch(&bytes)?;
    scope(request).await?;
    let (mut failures, mut ready) = (Vec::new(), Vec::new());
    for (topic, changes) in batch.topics {
        let resource = ConfigResource::Topic(topic.clone());
        match configs::describe(request, &resource).await {
            Ok(found) if !all_known(&changes, &found) => return Err(Error::NotFound),
            Ok(_) => ready.push((topic, changes)),
            Err(error) => failures.push(failure(topic, &error)),
        }
    }
    for (topic, changes) in ready {
        let resource = ConfigResource::Topic(topic.clone());
        let altered = configs::alter(request, resource, changes, batch.validate_only).await;
        failures.extend(altered.err().map(|error| failure(topic, &error)));
    }
    if failures.is_empty() {
        return Ok(respond::no_content());
    }
    let mut response = respond::json(request.negotiated, &AlterFailures { failures })?;
    *response.status_mut() = StatusCode::MULTI_STATUS;
    Ok(response)
}

fn all_known(changes: &[ConfigChange], configs: &[Config]) -> bool {
    let mut changes = changes.iter();
    changes.all(|change| configs.iter().any(|config| config.name == change.name))
}

fn failure(topic_name: String, error: &Error) -> AlterFailure {
    AlterFailure {
        topic_name,
        error_code: error.code().number,
        message: error.to_string(),
    }
}

fn resource(links: &Links, topic: &str, config: Config) -> Resource<config::Config> {
    let tail = format!("/topics/{topic}/configs");
    let name = format!("/topic={topic}/config");
    let owner = Owner::Topic {
        topic_name: topic.to_owned(),
    };
    configs::resource(links, "KafkaTopicConfig", &tail, &name, owner, config)
}
