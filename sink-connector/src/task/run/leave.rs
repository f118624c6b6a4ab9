//! How a task's consumer leaves its group.
//!
//! In: a consumer that may be anywhere in a join. Out: it has closed, or time was up; the group goes on at once and does
//! not wait for a session to end.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;

use super::BUSY_WAIT;
use crate::consume::{Subscription, TaskConsumer};

/// How long leaving the group may take.
const CLOSE_WAIT: Duration = Duration::from_secs(6);
/// How long a join that is under way may take when the task ends; how long it may take to begin, that is to bring a
/// member id; and how soon its end is heard of.
const JOIN_LIMIT: Duration = Duration::from_millis(4500);
const JOIN_BEGIN: Duration = Duration::from_secs(1);
const JOIN_SETTLE: Duration = Duration::from_millis(40);

/// Leaves the group: the partitions are revoked in this thread and the consumer closes. Not by `unsubscribe`: a
/// close that meets an unfinished unassignment leaves the member in the group until its session times out.
pub(super) fn leave(consumer: &TaskConsumer, subscription: &Subscription, connector: &str) {
    // It may be closing already, see `TaskConsumerContext::end_if_told`.
    if !consumer.context().closing.load(Ordering::Relaxed) {
        finish_joining(consumer, subscription);
        if consumer.context().assignment.lock().is_empty() {
            leave_empty_handed(consumer, subscription);
        }
        if let Err(error) = consumer.close_queue() {
            tracing::warn!(connector, %error, "the consumer cannot close");
            return;
        }
    }
    let by = Instant::now() + CLOSE_WAIT;
    while !consumer.closed() && Instant::now() < by {
        // Records that still come are not taken: they are read again by the next owner.
        drop(consumer.poll(BUSY_WAIT));
    }
}

/// Leaves as a member that has no partition: there are more tasks than partitions, or it has just joined. The client library
/// closes such a member of a cooperative group without telling the group, which then waits for its session to end.
/// Giving up the subscription tells it at once; in the middle of a rebalance, when that is over.
fn leave_empty_handed(consumer: &TaskConsumer, subscription: &Subscription) {
    consumer.unsubscribe();
    finish_joining(consumer, subscription);
}

/// Waits, for a bounded time, until a join that is under way is over. The client library leaves the group only as a
/// member that has its assignment; one that closes earlier stays in the group until its session times out, and all
/// others wait for it.
fn finish_joining(consumer: &TaskConsumer, subscription: &Subscription) {
    let until = Instant::now() + JOIN_LIMIT;
    let begun = || {
        let since = *consumer.context().joining.lock();
        since.is_some_and(|since| since.elapsed() < JOIN_BEGIN)
    };
    while begun() {
        drop(consumer.poll(BUSY_WAIT));
    }
    let Some(topic) = subscription.topic() else {
        return;
    };
    let mut asked = TopicPartitionList::new();
    asked.add_partition(topic, 0);
    let rebalances = || consumer.context().rebalances.load(Ordering::Relaxed);
    loop {
        let (before, began) = (rebalances(), Instant::now());
        let left = until.saturating_duration_since(began);
        // The coordinator answers it behind a request to join that it has not answered yet.
        let answered = consumer.committed_offsets(asked.clone(), left);
        if left.is_zero() || answered.is_err() {
            return;
        }
        let at_once = began.elapsed() < JOIN_SETTLE;
        let settled = Instant::now() + JOIN_SETTLE;
        while Instant::now() < settled {
            drop(consumer.poll(BUSY_WAIT));
        }
        if at_once && rebalances() == before {
            return;
        }
    }
}
