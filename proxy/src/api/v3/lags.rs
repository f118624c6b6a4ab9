//! `…/lags` and `…/lag-summary`: how far what a group has committed is behind the ends of its partitions.

use crate::api::Request;
use crate::cluster_admin::{Group, OffsetSpec};
use crate::entity::v3::Resource;
use crate::entity::v3::group::{ConsumerLag, LagSummary};
use crate::error::Error;
use crate::respond::{self, Response};

use super::consumer_groups;
use super::links::Links;
use super::scope::{int_param, param};

/// `GET …/lags`: the largest first.
pub(super) async fn list(request: &Request<'_>) -> Result<Response, Error> {
    let (links, group, mut lags) = lags(request).await?;
    lags.sort_by(|a, b| {
        let key = |lag: &ConsumerLag| (lag.topic_name.clone(), lag.partition_id);
        b.lag.cmp(&a.lag).then_with(|| key(a).cmp(&key(b)))
    });
    let data = lags.into_iter().map(|lag| resource(&links, lag)).collect();
    let tail = format!("/consumer-groups/{}/lags", group.id);
    respond::json(
        request.negotiated,
        &links.list("KafkaConsumerLagList", &tail, data),
    )
}

/// `GET …/lags/{topic}/partitions/{partition}`
pub(super) async fn get(request: &Request<'_>) -> Result<Response, Error> {
    let (topic, partition) = (param(request, 2)?, int_param(request, 3)?);
    let (links, _, lags) = lags(request).await?;
    let mut lags = lags.into_iter();
    let lag = lags.find(|lag| lag.topic_name == topic && lag.partition_id == partition);
    let resource = resource(&links, lag.ok_or(Error::NotFound)?);
    respond::json(request.negotiated, &resource)
}

/// `GET …/lag-summary`
pub(super) async fn summary(request: &Request<'_>) -> Result<Response, Error> {
    let (links, group, mut lags) = lags(request).await?;
    in_java_order(&mut lags);
    // Of equal ones the first counts.
    let largest = lags
        .iter()
        .rev()
        .max_by_key(|lag| lag.lag)
        .ok_or(Error::NotFound)?;
    let tail = format!("/consumer-groups/{}", group.id);
    let consumer = match largest.consumer_id.as_str() {
        "" => format!("{tail}/consumers"),
        id => format!("{tail}/consumers/{id}"),
    };
    let (topic, partition) = (&largest.topic_name, largest.partition_id);
    let fields = LagSummary {
        cluster_id: links.cluster.clone(),
        consumer_group_id: group.id.clone(),
        max_lag: largest.lag,
        total_lag: lags.iter().map(|lag| lag.lag).sum(),
        max_lag_consumer_id: largest.consumer_id.clone(),
        max_lag_consumer: links.related(&consumer),
        max_lag_client_id: largest.client_id.clone(),
        max_lag_instance_id: largest.instance_id.clone(),
        max_lag_topic_name: topic.clone(),
        max_lag_partition_id: partition,
        max_lag_partition: links.related(&format!("/topics/{topic}/partitions/{partition}")),
    };
    let name = format!("/consumer-group={}/lag-summary", group.id);
    let tail = format!("{tail}/lag-summary");
    let resource = links.resource("KafkaConsumerGroupLagSummary", &tail, &name, fields);
    respond::json(request.negotiated, &resource)
}

/// One entry a partition that has a committed offset.
async fn lags(request: &Request<'_>) -> Result<(Links, Group, Vec<ConsumerLag>), Error> {
    let id = param(request, 1)?;
    let (scope, group) = consumer_groups::find(request).await?;
    let missing = || Error::NotFoundAs(format!("Consumer Group {id} could not be found."));
    let group = group.ok_or_else(missing)?;
    let admin = &request.app.cluster;
    let committed = admin.committed(&id).await?;
    if committed.is_empty() {
        let message = "Consumer group offsets could not be found.".to_owned();
        return Err(Error::NotFoundAs(message));
    }
    let places = committed
        .iter()
        .map(|one| (one.topic.clone(), one.partition));
    let ends = admin
        .offsets(places.collect(), OffsetSpec::LatestStable)
        .await?;
    let lag = |(current, end): (_, _)| lag(&scope.links.cluster, &group, current, end);
    let offsets = committed.iter().map(|one| one.offset);
    let lags = offsets.zip(&ends).map(lag).collect();
    Ok((scope.links, group, lags))
}

fn lag(
    cluster: &str,
    group: &Group,
    current: i64,
    end: &crate::cluster_admin::PartitionOffset,
) -> ConsumerLag {
    let place = (end.topic.clone(), end.partition);
    let mut members = group.members.iter();
    let reader = members.find(|member| member.assignment.contains(&place));
    ConsumerLag {
        cluster_id: cluster.to_owned(),
        consumer_group_id: group.id.clone(),
        topic_name: place.0,
        partition_id: place.1,
        consumer_id: reader.map(|member| member.id.clone()).unwrap_or_default(),
        instance_id: reader.and_then(|member| member.instance_id.clone()),
        client_id: reader
            .map(|member| member.client_id.clone())
            .unwrap_or_default(),
        current_offset: current,
        log_end_offset: end.offset,
        lag: (end.offset - current).max(0),
    }
}

fn resource(links: &Links, lag: ConsumerLag) -> Resource<ConsumerLag> {
    let (group, topic, id) = (&lag.consumer_group_id, &lag.topic_name, lag.partition_id);
    let tail = format!("/consumer-groups/{group}/lags/{topic}/partitions/{id}");
    let name = format!("/consumer-group={group}/lag={topic}/partition={id}");
    links.resource("KafkaConsumerLag", &tail, &name, lag)
}

/// The order of a Java hash map whose keys are the partitions: it decides which of several largest lags the original
/// tells.
fn in_java_order(lags: &mut [ConsumerLag]) {
    let mut buckets = 16;
    while lags.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    lags.sort_by_cached_key(|lag| {
        let hash = java_hash(&lag.topic_name, lag.partition_id);
        (hash ^ (hash >> 16)) as usize & (buckets - 1)
    });
}

/// The hash code of Kafka's `TopicPartition`.
fn java_hash(topic: &str, partition: i32) -> u32 {
    let step = |hash: u32, unit: u16| hash.wrapping_mul(31).wrapping_add(u32::from(unit));
    let name = topic.encode_utf16().fold(0, step);
    let number = 31_u32.wrapping_add_signed(partition);
    number.wrapping_mul(31).wrapping_add(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lags(topic: &str, partitions: i32) -> Vec<ConsumerLag> {
        let lag = |partition_id| ConsumerLag {
            cluster_id: String::new(),
            consumer_group_id: String::new(),
            topic_name: topic.to_owned(),
            partition_id,
            consumer_id: String::new(),
            instance_id: None,
            client_id: String::new(),
            current_offset: 0,
            log_end_offset: 0,
            lag: 0,
        };
        (0..partitions).map(lag).collect()
    }

    /// Both orders as recorded.
    #[test]
    fn the_first_of_equal_lags() {
        for (topic, first) in [("gt-na1-cons", 1), ("gt-cfa-cons", 0)] {
            let mut lags = lags(topic, 2);
            in_java_order(&mut lags);
            assert_eq!(lags[0].partition_id, first, "{topic}");
        }
    }
}
