//! The herder of a worker that shares its connectors with others.
//!
//! In: the worker's configuration, Kafka. Out: answers to the REST API, tasks of the slots that this worker holds.
//! There is no leader and no consensus of our own: Kafka's group coordinator says who holds which slot, and the order
//! of the config topic says which change came first.
//!
//! ```text
//!             config topic ──▶ topic_log ─▶ cluster (config_store) ─┐
//!   writes ──▶                                                      ├─▶ work ─▶ Connector ─▶ tasks
//!             slot topic ─ membership ─▶ slots ─ claims ────────────┘              │
//!                     └──▶ topic_log ─▶ cluster (members) ─┐                       │ shows
//!             status topic ──▶ topic_log ─▶ (status_store) ┴─▶ answers   publish ◀─┘
//!                    ▲───────────────────────────────────────────────────────┘
//! ```

mod answers;
mod catch_up;
mod claims;
mod cluster;
mod config_record;
mod config_store;
mod fence;
mod members;
mod membership;
mod own_signs;
mod publish;
mod slot;
mod slots;
mod speaker;
mod status_record;
mod status_store;
mod topic_log;
mod topics;
mod work;
mod writes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use sluiceway_common::config_def::ConfigErrors;
use sluiceway_common::kafka_config::{KafkaConfig, Role};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::claims::Claims;
use self::cluster::{Cluster, Feed, Request, Topic};
use self::members::WorkerRun;
use self::publish::Publisher;
use self::slots::Slots;
use self::speaker::Speaker;
use self::topic_log::Appender;
use self::topics::TopicError;
use self::work::Work;
use super::cluster::ClusterId;
use crate::connector::Host;
use crate::worker::DistributedConfig;

/// Pause between two tries to make or check the topics.
const PAUSE: Duration = Duration::from_secs(1);
/// A worker that was silent for less is relied on, however short its heartbeats are.
const SHORTEST_SILENCE: Duration = Duration::from_secs(2);

/// Why the herder does not start.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct NotStarted(#[from] Reason);

#[derive(Debug, Error)]
enum Reason {
    #[error(transparent)]
    Settings(#[from] ConfigErrors),
    #[error("a Kafka client of the worker cannot be made: {0}")]
    Client(#[from] KafkaError),
    #[error(transparent)]
    Topics(#[from] TopicError),
}

/// How log levels for all workers are put into effect: logger, level.
pub(crate) type OnLogger = Box<dyn Fn(&str, &str) + Send + Sync>;

/// The connectors of a cluster of workers, seen from one of them.
pub(crate) struct DistributedHerder {
    host: Arc<Host>,
    config: DistributedConfig,
    cluster: Arc<Cluster>,
    slots: Arc<Slots>,
    appender: Appender,
    work: Arc<Work>,
    publisher: Arc<tokio::sync::Mutex<Publisher>>,
    claims: Arc<Claims>,
    cluster_id: ClusterId,
    /// Held while a connector is written, so that this worker's own writes happen one after the other.
    changes: tokio::sync::Mutex<()>,
    clients: Clients,
    /// Ends the reading threads.
    stop_reading: Arc<AtomicBool>,
    /// Ends membership of the group.
    stop_member: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    member: Mutex<Option<JoinHandle<()>>>,
    ended: CancellationToken,
}

/// librdkafka's settings of the worker's own clients.
struct Clients {
    admin: ClientConfig,
    consumer: ClientConfig,
}

impl DistributedHerder {
    /// Starts the herder. Topics that cannot be used are an error; a Kafka that does not answer yet is not.
    ///
    /// # Errors
    /// The worker's client settings or what is found in Kafka cannot be used.
    pub(crate) async fn start(
        host: Arc<Host>,
        config: DistributedConfig,
        on_logger: OnLogger,
    ) -> Result<Arc<Self>, NotStarted> {
        Self::build(host, config, on_logger)
            .await
            .map_err(NotStarted)
    }

    async fn build(
        host: Arc<Host>,
        config: DistributedConfig,
        on_logger: OnLogger,
    ) -> Result<Arc<Self>, Reason> {
        let own = host.worker.own_client_settings();
        let client = |role| -> Result<ClientConfig, ConfigErrors> {
            let mut config = KafkaConfig::translate(role, &own)?;
            config.default_to("client.id", format!("sluiceway-worker-{}", host.worker_id));
            Ok(config.client_config())
        };
        let clients = Clients {
            admin: client(Role::Admin)?,
            consumer: client(Role::Consumer)?,
        };
        let timeout = host.worker.kafka_timeout;
        let appender = Appender::new(client(Role::Producer)?, timeout)?;
        let (requests, inbox) = mpsc::unbounded_channel();
        let silence = (config.heartbeat_interval * members::SILENCE).max(SHORTEST_SILENCE);
        let me = WorkerRun {
            worker_id: host.worker_id.clone(),
            run: run_id(),
            https: host.worker.rest.advertises_https(),
        };
        let cluster = Arc::new(Cluster::new(me, silence, requests));
        let slots = Arc::new(Slots::default());
        let work = Arc::new(Work::new(
            Arc::clone(&host),
            Arc::clone(&cluster),
            Arc::clone(&slots),
            appender.clone(),
            config.config_topic.name.clone(),
            // After the half that passes before the fence: a quarter is left for what comes late.
            config.session_timeout / 4,
        ));
        let speaker = Speaker {
            host: Arc::clone(&host),
            cluster: Arc::clone(&cluster),
            work: Arc::clone(&work),
            appender: appender.clone(),
        };
        let publisher = Publisher::new(speaker.clone(), config.status_topic.name.clone());
        let claims = Claims::new(speaker, Arc::clone(&slots), config.slot_topic.name.clone());
        let claims = Arc::new(claims);
        let herder = Arc::new(Self {
            cluster_id: ClusterId::start(clients.admin.clone(), timeout),
            host,
            config,
            cluster,
            slots,
            appender,
            work,
            publisher: Arc::new(tokio::sync::Mutex::new(publisher)),
            claims,
            changes: tokio::sync::Mutex::default(),
            clients,
            stop_reading: Arc::default(),
            stop_member: Arc::default(),
            threads: Mutex::default(),
            member: Mutex::default(),
            ended: CancellationToken::new(),
        });
        match herder.prepare().await {
            Ok(()) => herder.open()?,
            Err(TopicError::Kafka(error)) => {
                tracing::warn!(%error, "Kafka cannot be reached yet; the worker goes on trying");
                herder.spawn(Arc::clone(&herder).open_later());
            }
            Err(error) => return Err(error.into()),
        }
        herder.spawn(Arc::clone(&herder.work).run());
        herder.spawn(Publisher::run(
            Arc::clone(&herder.publisher),
            herder.config.heartbeat_interval,
        ));
        herder.spawn(Arc::clone(&herder.claims).run(herder.config.heartbeat_interval));
        herder.spawn(carry_out(inbox, Arc::clone(&herder.work), on_logger));
        Ok(herder)
    }

    /// Runs something until the herder ends.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let ended = self.ended.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = work => {}
            }
        });
    }

    async fn prepare(&self) -> Result<(), TopicError> {
        topics::prepare(
            &self.clients.admin,
            &self.config,
            self.host.worker.kafka_timeout,
        )
        .await
    }

    async fn open_later(self: Arc<Self>) {
        loop {
            tokio::time::sleep(PAUSE).await;
            match self.prepare().await {
                Ok(()) => break,
                Err(error) => tracing::warn!(%error, "the worker waits for its topics"),
            }
        }
        if let Err(error) = self.open() {
            tracing::error!(%error, "the worker cannot join its group");
        }
    }

    /// Begins to read the topics and joins the group.
    fn open(&self) -> Result<(), Reason> {
        let topics = [
            (&self.config.config_topic, Topic::Configs),
            (&self.config.status_topic, Topic::Statuses),
            (&self.config.slot_topic, Topic::Slots),
        ];
        for (topic, kind) in topics {
            // The client library assigns nothing without a group; nothing is committed in it.
            let mut client = self.clients.consumer.clone();
            client.set("group.id", &self.config.group_id);
            let thread = topic_log::read(
                client,
                topic.name.clone(),
                Arc::clone(&self.stop_reading),
                self.host.worker.kafka_timeout,
                Feed(Arc::clone(&self.cluster), kind),
            );
            let thread = thread.map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
            self.threads.lock().push(thread);
        }
        let member = membership::start(
            membership::settings(self.clients.consumer.clone(), &self.config),
            &self.config,
            Arc::clone(&self.slots),
            Arc::clone(&self.claims) as Arc<dyn membership::Duties>,
            Arc::clone(&self.host.metrics),
            Arc::clone(&self.stop_member),
        )?;
        *self.member.lock() = Some(member);
        Ok(())
    }

    /// Ends the tasks, says so, leaves the group.
    async fn end(&self) {
        self.work.close().await;
        // A Kafka that does not answer must not keep the process: the others see that it is silent.
        let said = async { self.publisher.lock().await.publish().await };
        if tokio::time::timeout(claims::LAST_WORDS, said)
            .await
            .is_err()
        {
            tracing::warn!("the other workers are not told what has ended here: no answer");
        }
        self.stop_member.store(true, Ordering::Relaxed);
        let member = self.member.lock().take();
        join(member).await;
        self.claims.leave().await;
        self.ended.cancel();
        self.stop_reading.store(true, Ordering::Relaxed);
        let threads: Vec<JoinHandle<()>> = self.threads.lock().drain(..).collect();
        join(threads).await;
    }
}

impl Drop for DistributedHerder {
    fn drop(&mut self) {
        self.ended.cancel();
        self.stop_reading.store(true, Ordering::Relaxed);
        self.stop_member.store(true, Ordering::Relaxed);
    }
}

async fn join(threads: impl IntoIterator<Item = JoinHandle<()>> + Send + 'static) {
    let joined = tokio::task::spawn_blocking(move || {
        threads.into_iter().for_each(|thread| drop(thread.join()));
    });
    if joined.await.is_err() {
        tracing::error!("a thread of the worker's topics ended abnormally");
    }
}

/// Restarts and log levels that came by way of the topics.
async fn carry_out(
    mut inbox: mpsc::UnboundedReceiver<Request>,
    work: Arc<Work>,
    on_logger: OnLogger,
) {
    while let Some(request) = inbox.recv().await {
        match request {
            Request::Restart(name, restart) => work.restart(&name, &restart),
            Request::LogLevel(logger, level) => on_logger(&logger, &level),
            Request::ForgetTopic(connector, topic) => {
                if let Some(local) = work.local(&connector) {
                    local.connector.forget_topic(&topic);
                }
            }
        }
    }
}

/// Tells one run of a worker from the next: the process and the time.
fn run_id() -> String {
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default();
    format!("{}-{}", std::process::id(), now.as_nanos())
}
