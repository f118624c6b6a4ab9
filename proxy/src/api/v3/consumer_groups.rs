//! `…/consumer-groups`

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::api::Request;
use crate::cluster_admin::Group;
use crate::entity::v3::{self, Resource};
use crate::error::Error;
use crate::kafka_error::{FaultClass, KafkaFault};
use crate::respond::{self, Response};

use super::links::Links;
use super::scope::{Scope, group_scope, param};

/// Groups that are described at once for a list.
const AT_ONCE: usize = 8;

/// `GET …/consumer-groups`: those that the proxy may describe.
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let links = group_scope(request).await?.links;
    let admin = &request.app.cluster;
    let ids = admin.group_ids().await?;
    let described: Vec<_> = ids.iter().map(|id| admin.group(id)).collect();
    let described = stream::iter(described).buffered(AT_ONCE);
    let described: Vec<_> = described.map(visible).try_collect().await?;
    let groups = described.into_iter().flatten();
    let data = groups.map(|group| resource(&links, &group)).collect();
    let list = links.list("KafkaConsumerGroupList", "/consumer-groups", data);
    respond::json(request.negotiated, &list)
}

/// What must not be described is as if it were not there.
fn visible(group: Result<Option<Group>, KafkaFault>) -> Result<Option<Group>, KafkaFault> {
    match group {
        Err(fault) if fault.class == FaultClass::Authorization => Ok(None),
        other => other,
    }
}

/// `GET …/consumer-groups/{group}`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let (scope, group) = find(request).await?;
    let group = group.ok_or(Error::NotFound)?;
    respond::json(request.negotiated, &resource(&scope.links, &group))
}

/// The group that the path names.
pub(super) async fn find(request: &Request<'_>) -> Result<(Scope, Option<Group>), Error> {
    let id = param(request, 1)?;
    let scope = group_scope(request).await?;
    let group = visible(request.app.cluster.group(&id).await)?;
    Ok((scope, group))
}

fn resource(links: &Links, group: &Group) -> Resource<v3::group::ConsumerGroup> {
    let tail = format!("/consumer-groups/{}", group.id);
    let fields = v3::group::ConsumerGroup {
        cluster_id: links.cluster.clone(),
        consumer_group_id: group.id.clone(),
        is_simple: group.is_simple,
        partition_assignor: group.assignor.clone(),
        state: upper_snake(&group.state),
        coordinator: links.related(&format!("/brokers/{}", group.coordinator)),
        consumers: links.related(&format!("{tail}/consumers")),
        lag_summary: links.related(&format!("{tail}/lag-summary")),
    };
    let name = format!("/consumer-group={}", group.id);
    links.resource("KafkaConsumerGroup", &tail, &name, fields)
}

/// `PreparingRebalance` → `PREPARING_REBALANCE`.
fn upper_snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        assert_eq!(upper_snake("PreparingRebalance"), "PREPARING_REBALANCE");
        assert_eq!(upper_snake("Stable"), "STABLE");
    }

    #[test]
    fn groups_that_must_not_be_described() {
        let hidden = KafkaFault::new(FaultClass::Authorization, "no");
        assert_eq!(visible(Err(hidden)), Ok(None));
        let broken = KafkaFault::new(FaultClass::Fatal, "no");
        assert!(visible(Err(broken)).is_err());
    }
}
