//! The consumer of a task: its settings, and how it is made.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use parking_lot::Mutex;
use rdkafka::config::ClientConfig;

use crate::assignment::Assignment;
use crate::commit::Committer;
use crate::consume::{TaskConsumer, consumer_config};
use crate::error::{CONNECT_EXCEPTION, Exception};
use crate::rebalance::TaskConsumerContext;
use crate::task::TaskContext;
use crate::task_gauges::TaskGauges;
use crate::topic_partition::Tools;

/// Bytes of the fetch queue of a task's consumer, a sixteenth of the byte budget between these.
const FETCH_QUEUE_LEAST: usize = 1024 * 1024;
const FETCH_QUEUE_MOST: usize = 16 * 1024 * 1024;

/// Its settings: the worker's and the connector's, with a fetch queue that the byte budget allows.
///
/// # Errors
/// Settings that the client library does not take.
pub(super) fn settings(context: &TaskContext) -> Result<ClientConfig, Exception> {
    let mut config = consumer_config(&context.worker, &context.connector, context.task_id)
        .map_err(|errors| Exception::new(CONNECT_EXCEPTION, errors.to_string()))?;
    // With a small budget the fetch queue is small, too.
    let queue = (context.budget.total() / 16).clamp(FETCH_QUEUE_LEAST, FETCH_QUEUE_MOST);
    config.default_to("queued.max.messages.kbytes", (queue / 1024).to_string());
    Ok(config.client_config())
}

/// The consumer with the parts that its rebalance callbacks work on.
///
/// # Errors
/// The client library refuses its settings.
pub(super) fn create(
    context: &TaskContext,
    settings: &ClientConfig,
    assignment: &Arc<Mutex<Assignment>>,
    committer: &Arc<Committer>,
    tools: &Arc<Tools>,
) -> Result<Arc<TaskConsumer>, Exception> {
    let consumer_context = TaskConsumerContext {
        assignment: Arc::clone(assignment),
        committer: Arc::clone(committer),
        tools: Arc::clone(tools),
        gauges: TaskGauges::begin(&tools.metrics, &committer.connector, &committer.task),
        changed: AtomicBool::new(false),
        shared: context.worker.distributed.is_some(),
        stopping: Arc::clone(&context.stopping),
        closing: AtomicBool::new(false),
        joining: Mutex::new(None),
        rebalances: AtomicU64::new(0),
    };
    let consumer: TaskConsumer = settings
        .create_with_context(consumer_context)
        .map_err(|error| Exception::new(CONNECT_EXCEPTION, format!("no consumer: {error}")))?;
    sluiceway_kafka_tokens::log_in(settings, &consumer);
    Ok(Arc::new(consumer))
}
