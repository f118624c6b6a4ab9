//! What happens, told once: each function here writes the log line and raises the counter that belong together.

use std::time::Duration;

use crate::config::ConnectorConfig;
use crate::error::RecordError;
use crate::metrics::SinkMetrics;
use crate::rotate::CloseReason;
use crate::upload::S3Error;

/// A file that was closed, as its log line shows it.
#[derive(Clone, Debug)]
pub(crate) struct ClosedObject {
    pub(crate) key: String,
    pub(crate) first_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) reason: CloseReason,
    /// It holds keys or headers beside an object of values.
    pub(crate) sidecar: bool,
}

pub(crate) fn file_opened(metrics: &SinkMetrics, connector: &str, key: &str) {
    metrics.files_opened.with_label_values(&[connector]).inc();
    metrics.files_open.with_label_values(&[connector]).inc();
    tracing::debug!(connector, key, "file opened");
}

/// A file left the open ones: closed at a boundary, or dropped (`reason` is `None`) to be read again.
pub(crate) fn file_closed(
    metrics: &SinkMetrics,
    connector: &str,
    key: &str,
    reason: Option<CloseReason>,
) {
    let reason = reason.map_or("dropped", CloseReason::name);
    metrics.files_open.with_label_values(&[connector]).dec();
    metrics
        .files_closed
        .with_label_values(&[connector, reason])
        .inc();
    tracing::debug!(connector, key, reason, "file closed");
}

/// Memory pressure sent what a file held as a part, before it was full.
pub(crate) fn part_sent_early(metrics: &SinkMetrics, connector: &str, key: &str, bytes: usize) {
    metrics.early_parts.with_label_values(&[connector]).inc();
    tracing::debug!(connector, key, bytes, "part sent early, for want of memory");
}

/// The one log line of each object.
pub(crate) fn object_completed(metrics: &SinkMetrics, connector: &str, object: &ClosedObject) {
    metrics.objects.with_label_values(&[connector]).inc();
    metrics
        .object_bytes
        .with_label_values(&[connector])
        .inc_by(object.bytes);
    metrics
        .object_records
        .with_label_values(&[connector])
        .inc_by(object.records);
    metrics.written.add(connector, object);
    tracing::info!(
        connector,
        key = object.key,
        first_offset = object.first_offset,
        last_offset = object.last_offset,
        records = object.records,
        bytes = object.bytes,
        reason = object.reason.name(),
        "object written"
    );
}

pub(crate) fn upload_retried(
    metrics: &SinkMetrics,
    connector: &str,
    key: &str,
    error: &S3Error,
    pause: Duration,
) {
    metrics
        .upload_retries
        .with_label_values(&[error.operation])
        .inc();
    tracing::warn!(connector, key, %error, retry_in_ms = pause.as_millis() as u64, "S3 request failed, trying again");
}

pub(crate) fn tagging_failed(metrics: &SinkMetrics, connector: &str, key: &str, error: &S3Error) {
    metrics
        .tagging_failures
        .with_label_values(&[connector])
        .inc();
    tracing::warn!(connector, key, %error, "object cannot be tagged");
}

pub(crate) fn upload_lost(metrics: &SinkMetrics, connector: &str, topic: &str, partition: i32) {
    metrics.upload_retries.with_label_values(&["rewind"]).inc();
    tracing::warn!(
        connector,
        topic,
        partition,
        "a multipart upload is gone: reading its records again"
    );
}

pub(crate) fn orphan_aborted(connector: &str, key: &str) {
    tracing::info!(
        connector,
        key,
        "unfinished multipart upload of an earlier run aborted"
    );
}

pub(crate) fn record_skipped(metrics: &SinkMetrics, connector: &str, reason: &str) {
    metrics
        .skipped
        .with_label_values(&[connector, reason])
        .inc();
}

/// Slots came to this worker or left it; it holds `now`.
pub(crate) fn slots_changed(metrics: &SinkMetrics, kind: &str, changed: usize, now: usize) {
    metrics
        .worker_slots
        .set(i64::try_from(now).unwrap_or(i64::MAX));
    metrics.worker_rebalances.with_label_values(&[kind]).inc();
    tracing::info!(kind, changed, now, "slots of this worker");
}

/// The worker has lost touch with its group, or found it again.
pub(crate) fn fenced(metrics: &SinkMetrics, fenced: bool, silent: Duration) {
    metrics.worker_fenced.set(i64::from(fenced));
    if fenced {
        let silent_ms = silent.as_millis();
        tracing::error!(
            silent_ms,
            "the workers' group has not answered: tasks are ended before others may start them"
        );
    } else {
        tracing::info!("the workers' group answers again");
    }
}

/// A record that was refused. One that is passed over is told as `errors.log.enable` and
/// `errors.log.include.messages` say.
pub(crate) fn record_failed(
    metrics: &SinkMetrics,
    config: &ConnectorConfig,
    place: (&str, i32, i64),
    error: &RecordError,
    tolerated: bool,
) {
    let connector = config.name.as_str();
    metrics
        .record_errors
        .with_label_values(&[connector, error.stage.name()])
        .inc();
    let (topic, partition, offset) = place;
    match (tolerated, config.errors.log_enable) {
        (false, _) => {
            tracing::error!(connector, topic, partition, offset, %error, "record cannot be processed: the task fails");
        }
        (true, true) if config.errors.log_include_messages => {
            tracing::error!(connector, topic, partition, offset, %error, "record skipped: errors.tolerance=all");
        }
        (true, true) => {
            tracing::error!(connector, %error, "record skipped: errors.tolerance=all")
        }
        (true, false) => {
            tracing::debug!(connector, topic, partition, offset, %error, "record skipped: errors.tolerance=all");
        }
    }
}

/// A record was sent to the dead-letter topic.
pub(crate) fn dead_letter(metrics: &SinkMetrics, connector: &str, error: &RecordError) {
    let stage = error.stage.name();
    metrics
        .dead_letters
        .with_label_values(&[connector, stage])
        .inc();
    tracing::debug!(connector, stage, "dead letter");
}

pub(crate) fn committed(metrics: &SinkMetrics, connector: &str, task: &str, now_seconds: i64) {
    metrics.commits.with_label_values(&[connector, "ok"]).inc();
    metrics
        .last_commit
        .with_label_values(&[connector, task])
        .set(now_seconds);
}

pub(crate) fn commit_failed(
    metrics: &SinkMetrics,
    connector: &str,
    error: &str,
    partitions: usize,
) {
    metrics
        .commits
        .with_label_values(&[connector, "failed"])
        .inc();
    tracing::warn!(connector, error, partitions, "offset commit failed");
}

pub(crate) fn commit_postponed(metrics: &SinkMetrics, connector: &str, partitions: usize) {
    metrics
        .commits
        .with_label_values(&[connector, "postponed"])
        .inc();
    tracing::info!(
        connector,
        partitions,
        "offset commit postponed: the group is rebalancing"
    );
}

pub(crate) fn rebalanced(
    metrics: &SinkMetrics,
    connector: &str,
    task: &str,
    kind: &str,
    changed: usize,
    now: usize,
) {
    metrics
        .rebalances
        .with_label_values(&[connector, kind])
        .inc();
    metrics
        .partitions
        .with_label_values(&[connector, task])
        .set(i64::try_from(now).unwrap_or(i64::MAX));
    tracing::info!(
        connector,
        task,
        kind,
        changed,
        partitions = now,
        "assignment changed"
    );
}

pub(crate) fn offset_reset(
    connector: &str,
    topic: &str,
    partition: i32,
    offset: i64,
    expected: i64,
) {
    tracing::warn!(
        connector,
        topic,
        partition,
        offset,
        expected,
        "the offset went back: the log was cut or the topic made anew; reading starts afresh here"
    );
}

pub(crate) fn read_again(connector: &str, topic: &str, partition: i32, offset: i64, expected: i64) {
    tracing::warn!(
        connector,
        topic,
        partition,
        offset,
        expected,
        "records that are in objects already came again; they are left out"
    );
}

pub(crate) fn session_too_short(connector: &str, partitions: usize, session: Duration) {
    tracing::warn!(
        connector,
        partitions,
        session_ms = session.as_millis() as u64,
        "a rebalance of so many partitions may outlast the session, and then does not end: set consumer.session.timeout.ms=45000"
    );
}

pub(crate) fn gap_passed(connector: &str, topic: &str, partition: i32, from: i64, boundary: i64) {
    tracing::info!(
        connector,
        topic,
        partition,
        from,
        boundary,
        "no record is left below a planned boundary; its objects are completed without it"
    );
}

pub(crate) fn held_back(metrics: &SinkMetrics, connector: &str, task: &str, held: bool) {
    metrics
        .held_back
        .with_label_values(&[connector, task])
        .set(i64::from(held));
    if held {
        tracing::info!(
            connector,
            task,
            "taking no more records until uploads have caught up"
        );
    } else {
        tracing::info!(connector, task, "taking records again");
    }
}

pub(crate) fn task_failed(metrics: &SinkMetrics, connector: &str, task: &str, trace: &str) {
    metrics.task_failures.with_label_values(&[connector]).inc();
    tracing::error!(connector, task, trace, "task failed");
}
