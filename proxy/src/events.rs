//! Things worth both a log line and a count, together.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{Method, StatusCode};
use rdkafka::types::RDKafkaErrorCode;

use crate::auth::authenticate::Failure;
use crate::auth::principal::Principal;
use crate::consumer::ConsumerError;
use crate::consumer::metrics::ConsumerMetrics;
use crate::error::Error;
use crate::layer::Call;
use crate::metrics::Metrics;
use crate::peers::PeerMetrics;
use crate::produce::RecordError;

/// A producer failed for good and was replaced.
pub fn producer_replaced(metrics: &Metrics, reason: &str) {
    metrics.replacements.inc();
    tracing::warn!(reason, "the producer failed for good and was replaced");
}

/// A batch was not taken by its partition's leader: librdkafka writes its records.
pub(crate) fn batch_handed_over(metrics: &Metrics, topic: &str, partition: i32, reason: &str) {
    metrics.batches("handed_over");
    tracing::debug!(topic, partition, reason, "librdkafka takes a batch over");
}

/// A broker will not append a batch: its records fail, or are tried in smaller ones.
pub(crate) fn batch_refused(
    metrics: &Metrics,
    topic: &str,
    partition: i32,
    code: RDKafkaErrorCode,
) {
    metrics.batches("failed");
    tracing::debug!(topic, partition, %code, "a batch was refused");
}

/// Nobody knows whether a batch was appended: it is sent again.
pub(crate) fn batch_repeated(metrics: &Metrics, topic: &str, partition: i32, reason: &str) {
    metrics.batches("repeated");
    tracing::debug!(topic, partition, reason, "a batch is sent again");
}

/// The same, until the time was over.
pub(crate) fn batch_lost(
    metrics: &Metrics,
    topic: &str,
    partition: i32,
    records: i32,
    reason: &str,
) {
    metrics.batches("failed");
    tracing::warn!(
        topic,
        partition,
        records,
        reason,
        "a batch could not be delivered in time"
    );
}

/// A client could not shake hands on an https listener.
pub fn handshake_failed(metrics: &Metrics, peer: SocketAddr, error: &std::io::Error) {
    metrics.handshakes_failed.inc();
    tracing::warn!(%peer, %error, "a TLS handshake failed");
}

/// The audit log.
pub const AUDIT_LOG: &str = "sluiceway_proxy::audit";

/// A request had no credentials, or wrong ones.
pub fn not_authenticated(metrics: &Metrics, address: IpAddr, failure: &Failure) {
    let (method, reason) = match failure {
        Failure::Nothing => {
            metrics.not_authenticated("none");
            tracing::debug!(%address, "a request without credentials was refused");
            return;
        }
        Failure::Wrong(method, reason) => (method.name(), reason.as_str()),
        Failure::NotLetIn(name) => ("roles", &**name),
        Failure::Unavailable(reason) | Failure::KafkaAway(reason) => {
            ("unavailable", reason.as_str())
        }
        Failure::TooManyCallers(_) => ("too_many", "as many principals as there may be are in use"),
    };
    metrics.not_authenticated(method);
    tracing::warn!(%address, method, reason, "credentials were refused");
}

/// A principal has Kafka clients of its own now.
pub(crate) fn caller_came(metrics: &Metrics, principal: &str) {
    metrics.callers_came.inc();
    tracing::info!(principal, "a caller has Kafka clients of its own");
}

/// Such clients end.
pub(crate) fn caller_went(metrics: &Metrics, principal: &str, reason: &str) {
    metrics.callers_went.with_label_values(&[reason]).inc();
    tracing::info!(principal, reason, "a caller's Kafka clients end");
}

/// A call of Kinesis was answered with an error of this name.
pub(crate) fn kinesis_refused(metrics: &Metrics, name: &str, message: &str) {
    metrics.kinesis_errors(name);
    tracing::debug!(name, message, "a Kinesis call was refused");
}

/// A stream was made.
pub(crate) fn stream_made(stream: &str, shards: i32, principal: &str) {
    tracing::info!(target: AUDIT_LOG, stream, shards, principal, "a stream was made");
}

/// A stream was removed, with all that is in it.
pub(crate) fn stream_removed(stream: &str, principal: &str) {
    tracing::info!(target: AUDIT_LOG, stream, principal, "a stream was removed");
}

/// A request was denied.
pub fn denied(call: &Call, status: StatusCode, error: &Error) {
    let (peer, method) = (call.peer.address, call.request.method());
    let (path, status) = (call.request.uri().path(), status.as_u16());
    let principal = call.principal.as_ref().map(|principal| &*principal.name);
    tracing::warn!(target: AUDIT_LOG, %peer, principal, %method, path, status, %error, "denied");
}

/// A request of which the audit log tells once it is done.
pub struct Audited {
    peer: SocketAddr,
    principal: Option<Arc<Principal>>,
    method: Method,
    path: String,
}

impl Audited {
    /// This one.
    #[must_use]
    pub fn of(call: &Call) -> Self {
        Self {
            peer: call.peer.address,
            principal: call.principal.clone(),
            method: call.request.method().clone(),
            path: call.request.uri().path().to_owned(),
        }
    }

    /// It was answered.
    pub fn done(self, status: StatusCode) {
        let Self {
            peer,
            principal,
            method,
            path,
        } = self;
        let (name, how) = principal.as_ref().map_or(("", ""), |principal| {
            (&*principal.name, principal.method.name())
        });
        let status = status.as_u16();
        tracing::info!(target: AUDIT_LOG, %peer, principal = name, how, %method, path, status, "done");
    }
}

/// A consumer instance was made.
pub fn consumer_created(metrics: &ConsumerMetrics, group: &str, instance: &str) {
    metrics.created.inc();
    tracing::info!(group, instance, "a consumer instance was created");
}

/// A client deleted a consumer instance.
pub fn consumer_deleted(metrics: &ConsumerMetrics, group: &str, instance: &str) {
    metrics.deleted.inc();
    tracing::info!(group, instance, "a consumer instance was deleted");
}

/// A deleted consumer instance's client has not left its group yet; it goes on trying.
pub fn consumer_still_leaving(group: &str, instance: &str) {
    tracing::info!(
        group,
        instance,
        "a deleted consumer instance is still leaving its group: the group is busy with a rebalance"
    );
}

/// Nobody used a consumer instance for `consumer.instance.timeout.ms`.
pub fn consumer_expired(metrics: &ConsumerMetrics, group: &str, instance: &str) {
    metrics.expired.inc();
    tracing::info!(
        group,
        instance,
        "a consumer instance that nobody used was closed"
    );
}

/// Another replica answers.
pub(crate) fn peer_found(address: &SocketAddr, id: &str) {
    tracing::info!(%address, id, "another replica of the proxy was found");
}

/// Another replica does not answer any longer, or is another one now.
pub(crate) fn peer_lost(metrics: &PeerMetrics, address: &SocketAddr, id: &str, reason: &str) {
    metrics.lost.inc();
    tracing::warn!(%address, id, reason, "another replica of the proxy is gone");
}

/// A consumer instance of another replica is ours now.
pub(crate) fn instance_taken_over(metrics: &PeerMetrics, group: &str, instance: &str) {
    metrics.taken_over.inc();
    tracing::info!(group, instance, "a consumer instance was taken over");
}

/// Another replica took a consumer instance of ours.
pub(crate) fn instance_given_up(metrics: &PeerMetrics, group: &str, instance: &str) {
    metrics.given_up.inc();
    tracing::warn!(
        group,
        instance,
        "a consumer instance was given up: another replica has it"
    );
}

/// A consumer instance was left to other replicas.
pub(crate) fn instance_handed_over(metrics: &PeerMetrics, group: &str, instance: &str) {
    metrics.handed_over.inc();
    tracing::info!(group, instance, "a consumer instance was handed over");
}

/// Nobody asked for an instance of a dead replica for `consumer.instance.timeout.ms`.
pub(crate) fn orphan_expired(group: &str, instance: &str) {
    tracing::info!(
        group,
        instance,
        "a consumer instance of a dead replica was forgotten"
    );
}

/// What the original answers with 500, a mistake of the client's, is told in the log.
pub fn unforeseen(reason: &str) {
    tracing::debug!(reason, "a request on consumers was answered with 500");
}

/// Why an event stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamEnd {
    /// The client went away.
    Client,
    /// It did not read what was sent.
    Stalled,
    /// It was as old as streams may be.
    Lifetime,
    /// Its records cannot be read on.
    Failed,
    /// The proxy stops.
    Shutdown,
}

impl StreamEnd {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::Client,
        Self::Stalled,
        Self::Lifetime,
        Self::Failed,
        Self::Shutdown,
    ];

    /// Its label in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Stalled => "stalled",
            Self::Lifetime => "lifetime",
            Self::Failed => "failed",
            Self::Shutdown => "shutdown",
        }
    }
}

/// An event stream ended.
pub fn stream_ended(metrics: &Metrics, end: StreamEnd) {
    metrics.streams_ended(end);
    let reason = end.name();
    match end {
        StreamEnd::Stalled | StreamEnd::Failed => {
            tracing::warn!(reason, "an event stream was ended");
        }
        _ => tracing::debug!(reason, "an event stream ended"),
    }
}

/// Records of a request failed. One line a request, whatever their number.
pub fn records_failed<'e>(
    metrics: &Metrics,
    topic: &str,
    errors: impl IntoIterator<Item = &'e RecordError>,
) {
    let (mut first, mut failed) = (None, 0_u64);
    for error in errors {
        metrics.delivery_errors(error.code.number, 1);
        first.get_or_insert(error);
        failed += 1;
    }
    if let Some(first) = first {
        let (code, error) = (first.code.number, first.message.as_ref());
        tracing::warn!(
            topic,
            records = failed,
            code,
            error,
            "records were not written"
        );
    }
}

/// A request was refused by a limit, or failed inside the proxy.
pub fn refused(metrics: &Metrics, error: &Error) {
    let rejected = &metrics.rejected;
    match error {
        Error::Backpressure { in_flight, .. } => {
            rejected.backpressure.inc();
            tracing::warn!(
                in_flight,
                "a request was refused: too much is on its way to Kafka"
            );
        }
        Error::Overloaded { .. } => {
            rejected.concurrency.inc();
            tracing::warn!("a request was refused: too many are being served");
        }
        Error::BodyTooLarge(limit) | Error::RecordTooLarge(limit) => {
            rejected.body_size.inc();
            tracing::debug!(limit, "a request was refused: its body is too large");
        }
        Error::RateLimited(_) => {
            rejected.rate.inc();
            tracing::debug!("a request was refused: beyond a limit on rates");
        }
        Error::GatewayThrottled | Error::GatewayQuota => {
            rejected.plan.inc();
            tracing::debug!(%error, "a request was refused: beyond its usage plan");
        }
        Error::Forbidden(reason) => {
            rejected.forbidden.inc();
            tracing::debug!(
                reason,
                "a request was refused: its principal may not do this"
            );
        }
        Error::HeaderTooLarge => {
            rejected.header_size.inc();
            tracing::debug!("a request was refused: its header is too large");
        }
        Error::BodyTimeout => {
            rejected.body_timeout.inc();
            tracing::debug!("a request was refused: its body did not arrive in time");
        }
        Error::Consumer(ConsumerError::TooMany { limit, .. }) => {
            rejected.instances.inc();
            tracing::warn!(limit, "a consumer instance was refused: there are too many");
        }
        Error::Consumer(ConsumerError::Unforeseen(reason)) => unforeseen(reason),
        _ => {}
    }
}
