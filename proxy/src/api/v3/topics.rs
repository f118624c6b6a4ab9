//! `…/topics`: list, make, show, remove, give more partitions.

use http::{HeaderValue, StatusCode, header};
use hyper::body::Incoming;

use crate::admin_client::check_topic_name;
use crate::api::Request;
use crate::auth::rights::Operation;
use crate::cluster_admin::{NewTopic, Topic};
use crate::entity::v3::{self, Resource};
use crate::error::Error;
use crate::respond::{self, Response};

use super::body::topic::{read_new_topic, read_partitions_count};
use super::links::Links;
use super::scope::{flag, param, scope, settle};

/// `GET …/topics`
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let asked = flag(request, "includeAuthorizedOperations");
    let scope = scope(request).await?;
    let topics = request.app.cluster.topics(None, asked).await?;
    let seen = |topic: &Topic| !topic.internal && request.may_see(&topic.name);
    let data = topics.into_iter().filter(seen);
    let data = data.map(|topic| resource(&scope.links, topic));
    let list = scope
        .links
        .list("KafkaTopicList", "/topics", data.collect());
    respond::json(request.negotiated, &list)
}

/// `GET …/topics/{topic}`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let name = param(request, 1)?;
    let asked = flag(request, "include_authorized_operations");
    let scope = scope(request).await?;
    let topic = find(request, &name, asked).await?;
    respond::json(request.negotiated, &resource(&scope.links, topic))
}

/// The topic of this name.
pub(super) async fn find(request: &Request<'_>, name: &str, asked: bool) -> Result<Topic, Error> {
    check_topic_name(name)?;
    let topics = request
        .app
        .cluster
        .topics(Some(vec![name.to_owned()]), asked);
    topics.await?.pop().ok_or(Error::NotFound)
}

/// `POST …/topics`
pub(super) async fn create(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (bytes, _permit) = request.body(body).await?;
    let new = read_new_topic(&bytes)?;
    request.check(Operation::Admin, &new.name)?;
    if check_topic_name(&new.name).is_err() {
        return Err(Error::InvalidPayload("Invalid topic name."));
    }
    let scope = scope(request).await?;
    let created = request.app.cluster.create_topic(new.clone()).await?;
    if !new.validate_only {
        settle(|| async { find(request, &new.name, false).await.is_ok() }).await;
    }
    let mut fields = fields(&scope.links, &new.name);
    let (partitions, replicas) = counts_asked_for(&new);
    fields.partitions_count = known(created.partitions, partitions);
    fields.replication_factor = known(i32::from(created.replication_factor), replicas);
    let status = match new.validate_only {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    let resource = named(&scope.links, fields);
    let mut response = respond::json(request.negotiated, &resource)?;
    *response.status_mut() = status;
    if let Ok(url) = HeaderValue::from_str(&resource.metadata.url) {
        response.headers_mut().insert(header::LOCATION, url);
    }
    Ok(response)
}

/// What the broker says, or, if it does not, what was asked for.
fn known(told: i32, asked: i32) -> i32 {
    if told >= 0 { told } else { asked }
}

fn counts_asked_for(new: &NewTopic) -> (i32, i32) {
    if let Some((_, brokers)) = new.assignments.first() {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        return (count(new.assignments.len()), count(brokers.len()));
    }
    (
        new.partitions.unwrap_or_default(),
        i32::from(new.replication_factor.unwrap_or_default()),
    )
}

/// `PATCH …/topics/{topic}`: more partitions, never fewer.
pub(super) async fn grow(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let name = param(request, 1)?;
    let (bytes, _permit) = request.body(body).await?;
    let count = read_partitions_count(&bytes)?;
    let scope = scope(request).await?;
    request.app.cluster.grow_topic(&name, count).await?;
    let has_all =
        |topic: &Topic| i32::try_from(topic.partitions.len()).is_ok_and(|have| have >= count);
    let found = || async {
        find(request, &name, false)
            .await
            .is_ok_and(|topic| has_all(&topic))
    };
    settle(found).await;
    let topic = find(request, &name, false).await?;
    respond::json(request.negotiated, &resource(&scope.links, topic))
}

/// `DELETE …/topics/{topic}`
pub(super) async fn delete(request: &Request<'_>) -> Result<Response, Error> {
    let name = param(request, 1)?;
    scope(request).await?;
    request.app.cluster.delete_topic(&name).await?;
    settle(|| async { find(request, &name, false).await.is_err() }).await;
    request.app.topics.forget(&name);
    Ok(respond::no_content())
}

fn resource(links: &Links, topic: Topic) -> Resource<v3::Topic> {
    let mut fields = fields(links, &topic.name);
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let replicas = topic.partitions.first().map(|first| first.replicas.len());
    fields.is_internal = topic.internal;
    fields.replication_factor = count(replicas.unwrap_or_default());
    fields.partitions_count = count(topic.partitions.len());
    fields.authorized_operations = topic.authorized_operations;
    named(links, fields)
}

fn fields(links: &Links, name: &str) -> v3::Topic {
    let tail = format!("/topics/{name}");
    v3::Topic {
        cluster_id: links.cluster.clone(),
        topic_name: name.to_owned(),
        is_internal: false,
        replication_factor: 0,
        partitions_count: 0,
        partitions: links.related(&format!("{tail}/partitions")),
        configs: links.related(&format!("{tail}/configs")),
        partition_reassignments: links.related(&format!("{tail}/partitions/-/reassignment")),
        authorized_operations: Vec::new(),
    }
}

fn named(links: &Links, fields: v3::Topic) -> Resource<v3::Topic> {
    let name = fields.topic_name.clone();
    let tail = format!("/topics/{name}");
    links.resource("KafkaTopic", &tail, &format!("/topic={name}"), fields)
}
