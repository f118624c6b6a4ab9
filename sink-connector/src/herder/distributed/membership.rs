//! This worker as a member of the workers' group.
//!
//! In: the slot topic, shared by the group's coordinator (cooperative-sticky: only slots that move stop). Out: slots
//! that come and go. A slot that is taken is given up inside the callback, after its tasks have ended, so that the
//! next owner finds nobody at work. What the client tells of its coordinator goes to the watch ([`super::fence`]).

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::client::OAuthToken;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};

use super::fence::{Contact, Watch};
use super::slots::{Held, Slots};
use crate::events;
use crate::metrics::SinkMetrics;
use crate::worker::DistributedConfig;

const POLL: Duration = Duration::from_millis(50);
/// How often the same hindrance is told.
const TOLD: Duration = Duration::from_secs(10);
/// How long leaving the group may take, and the end of a join that is under way before it.
const CLOSE_WAIT: Duration = Duration::from_secs(6);
const JOIN_LIMIT: Duration = Duration::from_secs(3);

/// States of librdkafka in which the coordinator has a request that it answers when others have done their part.
const JOINING: [&str; 4] = ["init", "wait-join", "wait-metadata", "wait-sync"];

/// What the group's doings mean for the rest of the worker.
pub(super) trait Duties: Send + Sync + 'static {
    /// Slots came, or the fence was set or ended.
    fn slots_changed(&self);
    /// Slots are gone: returns once nothing of them runs here, or after a bounded time.
    fn end_tasks(&self, slots: &[u32]);
    /// Slots were given up in order: tells the others. Called after [`Duties::end_tasks`].
    fn released(&self, slots: &Held);
}

struct Context {
    slots: Arc<Slots>,
    duties: Arc<dyn Duties>,
    metrics: Arc<SinkMetrics>,
    contact: Arc<Contact>,
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn StdError>> {
        sluiceway_kafka_tokens::answer(config)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        crate::consume::log_client(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "Kafka client of the workers' group");
    }

    fn stats(&self, statistics: Statistics) {
        let joining = statistics
            .cgrp
            .as_ref()
            .is_some_and(|group| JOINING.contains(&group.join_state.as_str()));
        let coordinator = statistics
            .brokers
            .values()
            .find(|broker| broker.name.starts_with("GroupCoordinator") && broker.state == "UP");
        // From when they were made, not from now: they may have waited, as after SIGSTOP. -1: it has not answered yet.
        let answered = coordinator.map(|coordinator| match coordinator.rxidle {
            0.. => u64::try_from(statistics.age - coordinator.rxidle).unwrap_or(0),
            _ => 0,
        });
        self.contact
            .told(joining, answered.map(Duration::from_micros));
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        err: RDKafkaRespErr,
        tpl: &mut TopicPartitionList,
    ) {
        let _rebalancing = self.contact.rebalancing();
        let slots: Vec<u32> = tpl
            .elements()
            .iter()
            .filter_map(|element| u32::try_from(element.partition()).ok())
            .collect();
        let result = if err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            self.contact.assigned();
            self.slots.gain(&slots);
            self.duties.slots_changed();
            events::slots_changed(&self.metrics, "assigned", slots.len(), self.slots.count());
            // Nothing is read by way of the group.
            consumer
                .incremental_assign(tpl)
                .and_then(|()| consumer.pause(tpl))
        } else {
            let lost = consumer.assignment_lost();
            let held = self.slots.lose(&slots);
            self.duties.end_tasks(&slots);
            if !lost {
                self.duties.released(&held);
            }
            let kind = if lost { "lost" } else { "revoked" };
            events::slots_changed(&self.metrics, kind, slots.len(), self.slots.count());
            consumer.incremental_unassign(tpl)
        };
        if let Err(error) = result {
            tracing::error!(%error, "a rebalance of the workers cannot be carried out");
        }
    }
}

/// The settings of the group's consumer.
pub(super) fn settings(mut client: ClientConfig, config: &DistributedConfig) -> ClientConfig {
    let millis = |duration: Duration| duration.as_millis().to_string();
    let poll_interval = config.rebalance_timeout.max(config.session_timeout);
    client
        .set("group.id", &config.group_id)
        .set("session.timeout.ms", millis(config.session_timeout))
        .set("heartbeat.interval.ms", millis(config.heartbeat_interval))
        .set("max.poll.interval.ms", millis(poll_interval))
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "latest")
        .set("allow.auto.create.topics", "false")
        .set("queued.max.messages.kbytes", "1024")
        .set("topic.metadata.refresh.interval.ms", "10000")
        .set("statistics.interval.ms", "250");
    client
}

/// Starts the member's thread. It leaves the group when `stop` is set.
pub(super) fn start(
    client: ClientConfig,
    config: &DistributedConfig,
    slots: Arc<Slots>,
    duties: Arc<dyn Duties>,
    metrics: Arc<SinkMetrics>,
    stop: Arc<AtomicBool>,
) -> Result<std::thread::JoinHandle<()>, KafkaError> {
    let contact = Arc::new(Contact::new(Arc::clone(&slots)));
    let watch = Watch::new(
        Arc::clone(&contact),
        config,
        Arc::clone(&duties),
        Arc::clone(&metrics),
    );
    let context = Context {
        slots,
        duties,
        metrics,
        contact,
    };
    let consumer: BaseConsumer<Context> = client.create_with_context(context)?;
    consumer.subscribe(&[&config.slot_topic.name])?;
    let not_started = |error: std::io::Error| KafkaError::ClientCreation(error.to_string());
    watch.start(Arc::clone(&stop)).map_err(not_started)?;
    let group = config.group_id.clone();
    std::thread::Builder::new()
        .name("workers-group".to_owned())
        .spawn(move || run(&consumer, &group, &stop))
        .map_err(not_started)
}

fn run(consumer: &BaseConsumer<Context>, group: &str, stop: &AtomicBool) {
    let mut told = None;
    while !stop.load(Ordering::Relaxed) {
        if let Some(Err(error)) = consumer.poll(POLL)
            && told.is_none_or(|told: Instant| told.elapsed() > TOLD)
        {
            told = Some(Instant::now());
            tell(group, &error);
        }
    }
    leave(consumer);
    consumer.context().slots.left();
}

fn tell(group: &str, error: &KafkaError) {
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::InconsistentGroupProtocol) {
        tracing::error!(
            group,
            "the group has members of another kind: workers of Kafka Connect are still running. This worker waits \
             until they have ended; until then it runs nothing and changes nothing"
        );
    } else {
        tracing::warn!(group, %error, "the workers' group, going on");
    }
}

/// Not while a join is under way: the client library leaves only as a member that has its assignment, and the group would
/// wait for one that closed earlier until its session times out.
fn leave(consumer: &BaseConsumer<Context>) {
    let began = Instant::now();
    let joins = || consumer.context().contact.may_be_joining(began);
    while joins() && began.elapsed() < JOIN_LIMIT {
        drop(consumer.poll(Duration::from_millis(5)));
    }
    if consumer.context().slots.count() == 0 {
        // Closing alone, a member that was given nothing would leave nobody told, see `task::run::leave`.
        consumer.unsubscribe();
    }
    if let Err(error) = consumer.close_queue() {
        tracing::warn!(%error, "the workers' group cannot be left");
        return;
    }
    let by = Instant::now() + CLOSE_WAIT;
    while !consumer.closed() && Instant::now() < by {
        drop(consumer.poll(Duration::from_millis(5)));
    }
}
