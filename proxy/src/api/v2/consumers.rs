//! `/consumers` but records (those are in [`super::consumer_records`]).

use std::sync::Arc;

use hyper::body::Incoming;
use rdkafka::Offset;

use crate::api::Request;
use crate::auth::rights::Operation;
use crate::consumer::java_order::TopicPartition;
use crate::consumer::options::Options;
use crate::consumer::requests::{Place, SeekRequest, SubscriptionRequest, partitions, places};
use crate::consumer::{ConsumerError, Instance};
use crate::entity::v2::consumers as entity;
use crate::error::Error;
use crate::peers::{self, Created};
use crate::respond::{self, Response};

/// The instance that the path names.
pub(crate) fn instance(request: &Request<'_>) -> Result<Arc<Instance>, Error> {
    let (group, name) = names(request)?;
    let instance = request.app.consumers.find(&group, &name)?;
    let asking = request.caller.principal.map(|principal| &*principal.name);
    match &instance.principal {
        // To others it is not there.
        Some(owner) if Some(&**owner) != asking => Err(ConsumerError::NotFound.into()),
        _ => Ok(instance),
    }
}

/// Refuses topics that the caller may not read.
fn check_topics<'t>(
    request: &Request<'_>,
    topics: impl IntoIterator<Item = &'t str>,
) -> Result<(), Error> {
    let mut topics = topics.into_iter();
    topics.try_for_each(|topic| request.check(Operation::Consume, topic))
}

fn check_places(request: &Request<'_>, places: &[Place]) -> Result<(), Error> {
    let topics = places.iter().filter_map(|place| place.topic.as_deref());
    check_topics(request, topics)
}

fn names(request: &Request<'_>) -> Result<(String, String), Error> {
    let param = |number| request.matched.param(request.path, number);
    Ok((param(0)?, param(1)?))
}

/// `POST /consumers/{group}`
///
/// # Errors
/// Bad options, a name that is taken, too many instances.
pub async fn create(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let group = request.matched.param(request.path, 0)?;
    let (body, _permit) = request.body(body).await?;
    let mut options = Options::read(&body)?;
    options.principal = request
        .caller
        .principal
        .map(|principal| Arc::clone(&principal.name));
    let instance = match &request.app.peers {
        None => request.app.consumers.create(&group, options).await?,
        Some(peers) => match peers::create(request, peers, &group, options, &body).await? {
            Created::Here(instance) => instance,
            Created::There(response) => return Ok(response),
        },
    };
    let base_uri = address(&request.base_url(), &group, &instance.name);
    let instance_id = instance.name.clone();
    let created = entity::CreateConsumer {
        instance_id,
        base_uri,
    };
    respond::json(request.negotiated, &created)
}

/// An instance's URL: as in the original without slashes around a name, and without a name that has nothing else.
fn address(base: &str, group: &str, name: &str) -> String {
    let segments = ["consumers", group, "instances", name];
    let named = segments.map(|segment| segment.trim_matches('/'));
    let named = named.into_iter().filter(|segment| !segment.is_empty());
    named.fold(base.to_owned(), |url, segment| format!("{url}/{segment}"))
}

/// `DELETE …/instances/{instance}`
///
/// # Errors
/// There is none.
pub async fn delete(request: &Request<'_>) -> Result<Response, Error> {
    let (group, name) = names(request)?;
    instance(request)?;
    request.app.consumers.delete(&group, &name).await?;
    Ok(respond::no_content())
}

/// `POST …/subscription`: `topics` go before `topic_pattern`; neither changes nothing.
///
/// # Errors
/// No such instance, a bad body, something else is chosen already.
pub async fn subscribe(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (body, _permit) = request.body(body).await?;
    let wanted = SubscriptionRequest::read(&body)?;
    let instance = instance(request)?;
    match wanted {
        SubscriptionRequest {
            topics: Some(topics),
            ..
        } => {
            for topic in topics.iter().flatten() {
                request.check(Operation::Consume, topic)?;
            }
            instance
                .call(move |reader| reader.subscribe(topics))
                .await?
        }
        SubscriptionRequest {
            pattern: Some(pattern),
            ..
        } => {
            // Which topics it will fit is not known now.
            request.check(Operation::Consume, "*")?;
            let subscribe = move |reader: &mut _| subscribe_pattern(reader, &pattern);
            instance.call(subscribe).await?;
        }
        SubscriptionRequest { .. } => {}
    }
    Ok(respond::no_content())
}

fn subscribe_pattern(
    reader: &mut crate::consumer::Reader,
    pattern: &str,
) -> Result<(), ConsumerError> {
    reader.subscribe_pattern(pattern)
}

/// `GET …/subscription`
///
/// # Errors
/// No such instance.
pub async fn subscription(request: &Request<'_>) -> Result<Response, Error> {
    let topics = instance(request)?
        .look(|reader| reader.subscription())
        .await?;
    respond::json(request.negotiated, &entity::Subscription { topics })
}

/// `DELETE …/subscription`
///
/// # Errors
/// No such instance.
pub async fn unsubscribe(request: &Request<'_>) -> Result<Response, Error> {
    let instance = instance(request)?;
    instance
        .call(|reader| {
            reader.give_up();
            Ok(())
        })
        .await?;
    Ok(respond::no_content())
}

/// `POST …/assignments`
///
/// # Errors
/// No such instance, a bad body, there is a subscription.
pub async fn assign(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (body, _permit) = request.body(body).await?;
    let class = "ConsumerAssignmentRequest";
    let wanted = partitions(&body, class, "assign.assignmentRequest");
    let instance = instance(request);
    let (wanted, instance) = after_the_instance(wanted, instance)?;
    check_places(request, &wanted)?;
    let list: Result<Vec<TopicPartition>, _> = wanted.iter().map(Place::required).collect();
    let list = list?;
    instance.call(move |reader| reader.assign(list)).await?;
    Ok(respond::no_content())
}

/// What is wrong inside of a well-formed body is only noticed when the instance is there.
fn after_the_instance<T>(
    wanted: Result<T, Error>,
    instance: Result<Arc<Instance>, Error>,
) -> Result<(T, Arc<Instance>), Error> {
    match wanted {
        Err(error @ Error::Consumer(ConsumerError::Unforeseen(_))) => instance.and(Err(error)),
        Err(error) => Err(error),
        Ok(wanted) => Ok((wanted, instance?)),
    }
}

/// `GET …/assignments`
///
/// # Errors
/// No such instance.
pub async fn assignments(request: &Request<'_>) -> Result<Response, Error> {
    let list = instance(request)?
        .look(|reader| reader.assignment())
        .await?;
    let named = |(topic, partition)| entity::TopicPartition { topic, partition };
    let partitions = list.into_iter().map(named).collect();
    respond::json(request.negotiated, &entity::Assignment { partitions })
}

/// `POST …/positions`
///
/// # Errors
/// No such instance, a bad body, a partition that is not assigned.
pub async fn seek(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (body, _permit) = request.body(body).await?;
    let wanted = SeekRequest::read(&body)?;
    let instance = instance(request)?;
    let seeks = wanted.offsets.iter().chain(&wanted.timestamps);
    check_topics(request, seeks.map(|seek| seek.topic.as_str()))?;
    instance
        .call(move |reader| reader.seek_all(&wanted))
        .await?;
    Ok(respond::no_content())
}

/// `POST …/positions/beginning`
///
/// # Errors
/// As [`seek`].
pub async fn seek_to_beginning(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    seek_to(
        request,
        body,
        Offset::Beginning,
        "seekToBeginning.seekToRequest",
    )
    .await
}

/// `POST …/positions/end`
///
/// # Errors
/// As [`seek`].
pub async fn seek_to_end(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    seek_to(request, body, Offset::End, "seekToEnd.seekToRequest").await
}

async fn seek_to(
    request: &Request<'_>,
    body: Incoming,
    offset: Offset,
    method: &'static str,
) -> Result<Response, Error> {
    let (body, _permit) = request.body(body).await?;
    let wanted = partitions(&body, "ConsumerSeekToRequest", method);
    let (wanted, instance) = after_the_instance(wanted, instance(request))?;
    check_places(request, &wanted)?;
    instance
        .call(move |reader| reader.seek_to(&wanted, offset))
        .await?;
    Ok(respond::no_content())
}

const COMMITS: (&str, &str, &str) = (
    "ConsumerOffsetCommitRequest",
    "offsets",
    "TopicPartitionOffsetMetadata",
);

/// `POST …/offsets`: without a body, all that was answered.
///
/// # Errors
/// No such instance, a bad body, Kafka refuses.
pub async fn commit(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (body, _permit) = request.body(body).await?;
    let (class, list, item) = COMMITS;
    let wanted = places(&body, class, list, item)?;
    let instance = instance(request)?;
    match wanted {
        None => instance.call(|reader| reader.commit_answered()).await?,
        Some(None) => return Err(ConsumerError::Unforeseen("no offsets").into()),
        Some(Some(wanted)) => {
            check_places(request, &wanted)?;
            instance
                .call(move |reader| reader.commit_places(&wanted))
                .await?;
        }
    }
    let nothing: [(); 0] = [];
    respond::json(request.negotiated, &nothing)
}

/// `GET …/offsets`: what is committed for the partitions in its body.
///
/// # Errors
/// No such instance, no body, Kafka does not answer.
pub async fn committed(request: &Request<'_>, body: Incoming) -> Result<Response, Error> {
    let (body, _permit) = request.body(body).await?;
    let wanted = places(
        &body,
        "ConsumerCommittedRequest",
        "partitions",
        "TopicPartition",
    )?;
    let Some(wanted) = wanted else {
        return Err(Error::PartitionNotFound);
    };
    let instance = instance(request)?;
    let wanted = wanted.ok_or(ConsumerError::Unforeseen("no partitions"))?;
    check_places(request, &wanted)?;
    let offsets = instance
        .call(move |reader| reader.committed(&wanted))
        .await?;
    respond::json(request.negotiated, &entity::CommittedOffsets { offsets })
}
