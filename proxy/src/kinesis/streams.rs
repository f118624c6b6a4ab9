//! Streams: made, removed, listed, described. A stream is a topic, its shards are the partitions.

use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Fault;
use super::front::Front;
use super::shards::{first_after, shards_from};
use super::token::Kind;
use super::which::{Which, check_name};
use crate::auth::rights::Operation;
use crate::cluster_admin::{ConfigResource, NewTopic};
use crate::events;
use crate::kafka_error::FaultClass;

/// Names of streams that one answer lists, unless it says.
const LIST: usize = 100;
/// Streams or shards that one answer lists at most.
const LIST_MAX: usize = 10_000;
/// What batches of a stream that is made here may have: a record of a whole MiB, its key and what Kafka adds.
const MAX_BATCH: &str = "2097152";
const HOUR: i64 = 3_600_000;

/// `CreateStream`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Create {
    #[serde(flatten)]
    pub(crate) stream: Which,
    pub(crate) shard_count: Option<i64>,
    pub(crate) stream_mode_details: Option<Mode>,
}

/// `StreamModeDetails`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Mode {
    stream_mode: String,
}

/// Makes a stream. It is there when this answers.
///
/// # Errors
/// It is there already, or may not be made so.
pub(crate) async fn create(front: &Front<'_>, input: &Create) -> Result<(), Fault> {
    let name = front.visible(input.stream.name()?)?;
    let on_demand = input
        .stream_mode_details
        .as_ref()
        .is_some_and(|mode| mode.stream_mode == "ON_DEMAND");
    let shards = match input.shard_count {
        Some(_) if on_demand => {
            return Err(Fault::client(
                "ValidationException",
                "ShardCount is not for streams that are ON_DEMAND.",
            ));
        }
        Some(count) if count < 1 => {
            return Err(Fault::invalid(
                "shardCount",
                "Member must have value greater than or equal to 1",
            ));
        }
        Some(count) => i32::try_from(count).unwrap_or(i32::MAX),
        None => front.config().on_demand_shards,
    };
    front.request.check(Operation::Admin, name)?;
    let most = front.config().max_shards;
    if shards > most {
        let message = format!(
            "A stream may have {most} shards here (sluiceway.kinesis.shards.max), not {shards}."
        );
        return Err(Fault::client("LimitExceededException", message));
    }
    let new = NewTopic {
        name: name.to_owned(),
        partitions: Some(shards),
        replication_factor: front.config().replication_factor,
        configs: vec![("max.message.bytes".to_owned(), Some(MAX_BATCH.to_owned()))],
        ..NewTopic::default()
    };
    let cluster = &front.app().cluster;
    if let Err(fault) = cluster.create_topic(new).await {
        if fault.class == FaultClass::BadRequest && front.app().admin.partitions(name).await.is_ok()
        {
            let message = format!(
                "Stream {name} under account {} already exists.",
                front.config().account
            );
            return Err(Fault::client("ResourceInUseException", message));
        }
        return Err(fault.into());
    }
    front.settle(name, true).await;
    events::stream_made(name, shards, front.principal());
    Ok(())
}

/// `DeleteStream`
///
/// # Errors
/// It is not there, or may not be removed.
pub(crate) async fn delete(front: &Front<'_>, which: &Which) -> Result<(), Fault> {
    let name = front.visible(which.name()?)?;
    front.request.check(Operation::Admin, name)?;
    let deleted = front.app().cluster.delete_topic(name).await;
    deleted.map_err(|fault| front.fault(name, fault))?;
    front.app().topics.forget(name);
    front.settle(name, false).await;
    front.app().topics.forget(name);
    events::stream_removed(name, front.principal());
    Ok(())
}

/// `ListStreams`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct List {
    limit: Option<i64>,
    exclusive_start_stream_name: Option<String>,
    next_token: Option<String>,
}

/// The streams that the caller may see, by name.
///
/// # Errors
/// Kafka does not answer; a limit or a token that is none.
pub(crate) async fn list(front: &Front<'_>, input: &List) -> Result<Value, Fault> {
    let limit = limit("limit", input.limit, LIST)?;
    let after = match (&input.next_token, &input.exclusive_start_stream_name) {
        (Some(token), None) => Some(front.open_text(Kind::Streams, token)?),
        (None, after) => after.clone(),
        (Some(_), Some(_)) => {
            return Err(Fault::argument(
                "NextToken and ExclusiveStartStreamName cannot be used together.",
            ));
        }
    };
    let mut names = front.app().admin.topics().await?;
    names.retain(|name| {
        check_name(name).is_ok() && front.visible(name).is_ok() && front.request.may_see(name)
    });
    names.sort_unstable();
    let from = after.map_or(0, |after| names.partition_point(|name| *name <= after));
    names.drain(..from);
    let more = names.len() > limit;
    names.truncate(limit);
    let summary = |name: &String| {
        json!({
            "StreamName": name,
            "StreamARN": front.arn(name),
            "StreamStatus": "ACTIVE",
            "StreamModeDetails": {"StreamMode": "PROVISIONED"},
            "StreamCreationTimestamp": CREATED,
        })
    };
    let summaries: Vec<Value> = names.iter().map(summary).collect();
    let mut answer =
        json!({"StreamNames": names, "HasMoreStreams": more, "StreamSummaries": summaries});
    if let (true, Some(last)) = (more, names.last()) {
        answer["NextToken"] = front.seal_text(Kind::Streams, last).into();
    }
    Ok(answer)
}

/// Kafka does not remember when a topic was made.
const CREATED: i64 = 0;

/// `DescribeStream`
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Describe {
    #[serde(flatten)]
    pub(crate) stream: Which,
    pub(crate) limit: Option<i64>,
    pub(crate) exclusive_start_shard_id: Option<String>,
}

/// A stream and its shards.
///
/// # Errors
/// It is not there, or may not be seen.
pub(crate) async fn describe(front: &Front<'_>, input: &Describe) -> Result<Value, Fault> {
    let limit = limit("limit", input.limit, LIST)?;
    let (name, shards) = front.stream(&input.stream, Operation::Describe).await?;
    let from = first_after(input.exclusive_start_shard_id.as_deref())?;
    let (listed, more) = shards_from(from, shards, limit);
    let mut description = common(front, name).await?;
    description["Shards"] = listed.into();
    description["HasMoreShards"] = more.into();
    Ok(json!({ "StreamDescription": description }))
}

/// `DescribeStreamSummary`
///
/// # Errors
/// It is not there, or may not be seen.
pub(crate) async fn summarize(front: &Front<'_>, which: &Which) -> Result<Value, Fault> {
    let (name, shards) = front.stream(which, Operation::Describe).await?;
    let mut description = common(front, name).await?;
    description["OpenShardCount"] = shards.into();
    description["ConsumerCount"] = 0.into();
    Ok(json!({ "StreamDescriptionSummary": description }))
}

async fn common(front: &Front<'_>, name: &str) -> Result<Value, Fault> {
    let resource = vec![ConfigResource::Topic(name.to_owned())];
    let configs = front.app().cluster.configs(resource).await?;
    let retention = configs.first().and_then(|configs| {
        let found = configs
            .iter()
            .find(|config| config.name == "retention.ms")?;
        found.value.as_deref()?.parse::<i64>().ok()
    });
    // A year is the longest that Kinesis knows.
    let hours = retention
        .filter(|millis| *millis >= 0)
        .map_or(8760, |millis| (millis / HOUR).clamp(1, 8760));
    Ok(json!({
        "StreamName": name,
        "StreamARN": front.arn(name),
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "RetentionPeriodHours": hours,
        "StreamCreationTimestamp": CREATED,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
    }))
}

/// How many an answer lists: `asked`, or `otherwise`.
///
/// # Errors
/// Fewer than one or too many are asked for.
pub(super) fn limit(place: &str, asked: Option<i64>, otherwise: usize) -> Result<usize, Fault> {
    match asked {
        None => Ok(otherwise),
        Some(number) if number < 1 => Err(Fault::invalid(
            place,
            "Member must have value greater than or equal to 1",
        )),
        Some(number) => match usize::try_from(number) {
            Ok(number) if number <= LIST_MAX => Ok(number),
            _ => Err(Fault::invalid(
                place,
                "Member must have value less than or equal to 10000",
            )),
        },
    }
}
