//! `Fetch`: waits until there is enough to send or the client's time is over. Fetch sessions are declined (session
//! id 0), so every request names all of its partitions.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::log::{Fetched, Log};
use super::node::Node;

/// Longest wait that a client may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// A partition that is asked for, and its log if it exists.
struct Target {
    wanted: FetchPartition,
    log: Result<Arc<Log>, ResponseError>,
}

/// One round of reading: what was found, and whether it may be sent at once.
struct Round {
    topics: Vec<FetchableTopicResponse>,
    bytes: usize,
    failed: bool,
}

/// Answers `Fetch`.
pub(crate) async fn fetch(node: &Node, version: i16, request: FetchRequest) -> FetchResponse {
    if request.session_id != 0 {
        return FetchResponse::default()
            .with_error_code(ResponseError::FetchSessionIdNotFound.code());
    }
    let wait =
        Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).min(LONGEST_WAIT);
    let deadline = Instant::now() + wait;
    let enough = usize::try_from(request.min_bytes).unwrap_or(0);
    let max_bytes =
        usize::try_from(request.max_bytes.min(node.options.fetch_max_bytes)).unwrap_or(0);
    let topics: Vec<_> = request
        .topics
        .iter()
        .map(|topic| (topic, targets(node, version, topic)))
        .collect();
    let watch = Watch::new(topics.iter().flat_map(|(_, targets)| targets));
    loop {
        let round = read_all(&topics, max_bytes);
        let news = watch.notify.notified();
        if round.bytes >= enough || round.failed || timeout_at(deadline, news).await.is_err() {
            return FetchResponse::default().with_responses(round.topics);
        }
    }
}

/// The logs of one topic's partitions; from version 13 on topics come by id.
fn targets(node: &Node, version: i16, topic: &FetchTopic) -> Vec<Target> {
    let (found, unknown) = if version >= 13 {
        (
            node.topics.get_by_id(topic.topic_id),
            ResponseError::UnknownTopicId,
        )
    } else {
        (
            node.topics.get(&topic.topic),
            ResponseError::UnknownTopicOrPartition,
        )
    };
    let log = |index: i32| {
        let topic = found.as_ref().ok_or(unknown)?;
        topic
            .log(index)
            .ok_or(ResponseError::UnknownTopicOrPartition)
    };
    let target = |wanted: &FetchPartition| Target {
        wanted: wanted.clone(),
        log: log(wanted.partition),
    };
    topic.partitions.iter().map(target).collect()
}

fn read_all(topics: &[(&FetchTopic, Vec<Target>)], max_bytes: usize) -> Round {
    let mut round = Round {
        topics: Vec::with_capacity(topics.len()),
        bytes: 0,
        failed: false,
    };
    for (topic, targets) in topics {
        let partitions = targets
            .iter()
            .map(|target| read(target, max_bytes, &mut round))
            .collect();
        round.topics.push(
            FetchableTopicResponse::default()
                .with_topic(topic.topic.clone())
                .with_topic_id(topic.topic_id)
                .with_partitions(partitions),
        );
    }
    round
}

fn read(target: &Target, max_bytes: usize, round: &mut Round) -> PartitionData {
    let data = PartitionData::default()
        .with_partition_index(target.wanted.partition)
        .with_preferred_read_replica(BrokerId(-1));
    match read_log(target, max_bytes, round.bytes) {
        Ok(fetched) => {
            round.bytes += fetched.records.len();
            data.with_high_watermark(fetched.end_offset)
                .with_last_stable_offset(fetched.end_offset)
                .with_log_start_offset(fetched.start_offset)
                .with_records(Some(fetched.records))
        }
        Err(error) => {
            round.failed = true;
            data.with_error_code(error.code())
                .with_high_watermark(-1)
                .with_last_stable_offset(-1)
                .with_log_start_offset(-1)
                .with_records(Some(Default::default()))
        }
    }
}

/// Reads a partition within what is left of the request's limit. The first batch of an answer is sent whole even
/// when it exceeds the limits, so that a consumer cannot get stuck behind it.
fn read_log(target: &Target, max_bytes: usize, sent: usize) -> Result<Fetched, ResponseError> {
    let log = target.log.as_ref().map_err(|error| *error)?;
    if target.wanted.current_leader_epoch > 0 {
        return Err(ResponseError::UnknownLeaderEpoch); // the epoch is always 0
    }
    let partition_max = usize::try_from(target.wanted.partition_max_bytes).unwrap_or(0);
    let limit = partition_max.min(max_bytes.saturating_sub(sent));
    log.read(target.wanted.fetch_offset, limit, sent == 0)
}

/// Has the logs of a fetch tell of new batches, as long as the fetch lasts.
struct Watch<'a> {
    notify: Arc<Notify>,
    logs: Vec<&'a Arc<Log>>,
}

impl<'a> Watch<'a> {
    fn new(targets: impl Iterator<Item = &'a Target>) -> Self {
        let notify = Arc::new(Notify::new());
        let logs: Vec<_> = targets
            .filter_map(|target| target.log.as_ref().ok())
            .collect();
        for log in &logs {
            log.watch(&notify);
        }
        Self { notify, logs }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        for log in &self.logs {
            log.forget(&self.notify);
        }
    }
}
