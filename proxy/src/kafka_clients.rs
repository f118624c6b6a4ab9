//! The Kafka clients of one identity: the proxy's own, or a caller's (`authentication.method=KAFKA`).
//!
//! In: as whom to log in, and what all identities share: limits, counters, the table of requests that wait for reports.
//! Out: a producer, what looks things up, consumers. They connect in the background. What fails: settings that contradict one
//! another.

use std::sync::Arc;
use std::time::Duration;

use sluiceway_common::kafka_config::KafkaConfig;
use sluiceway_kafka_tokens::Given;
use sluiceway_schemas::Registry as SchemaRegistry;
use tokio::sync::mpsc;

use crate::admin_client::AdminClient;
use crate::app::AppError;
use crate::client_context::Context;
use crate::cluster_admin::ClusterAdmin;
use crate::config::Config;
use crate::consumer::Consumers;
use crate::consumer::manager::Shared;
use crate::consumer::metrics::ConsumerMetrics;
use crate::consumer::places::Places;
use crate::consumer::readers::{Readers, SchemaFormats};
use crate::format::registered::Registered;
use crate::health::Health;
use crate::kafka_wire::WireAdmin;
use crate::metrics::Metrics;
use crate::produce::batch::settings::WriterSettings;
use crate::produce::batch::writer::BatchWriter;
use crate::produce::turn::Turns;
use crate::producer_pool::ProducerPool;
use crate::topic_creation::TopicCreation;
use crate::topics::Topics;
use crate::tracker::Deliveries;

/// Limit on connecting for a batch, and on looking its leader up: librdkafka takes it over then.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);

/// As whom clients log in: the settings of each kind, and the token of those that log in with one that was brought.
pub(crate) struct Login {
    pub(crate) producer: KafkaConfig,
    pub(crate) consumer: KafkaConfig,
    pub(crate) admin: KafkaConfig,
    pub(crate) token: Option<Given>,
}

impl Login {
    /// As the proxy.
    pub(crate) fn own(config: &Config) -> Self {
        Self {
            producer: config.producer.clone(),
            consumer: config.consumer.clone(),
            admin: config.admin.clone(),
            token: None,
        }
    }
}

/// What the clients of all identities share.
pub(crate) struct Common<'a> {
    pub(crate) config: &'a Config,
    pub(crate) metrics: &'a Arc<Metrics>,
    pub(crate) consumer_metrics: Arc<ConsumerMetrics>,
    pub(crate) places: Arc<Places>,
    pub(crate) deliveries: &'a Arc<Deliveries>,
    pub(crate) schemas: Option<SchemaRegistry>,
}

/// See the module.
pub(crate) struct KafkaClients {
    pub(crate) health: Arc<Health>,
    pub(crate) producer: Arc<ProducerPool>,
    pub(crate) admin: Arc<AdminClient>,
    pub(crate) cluster: Arc<dyn ClusterAdmin>,
    pub(crate) topics: Arc<Topics>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) consumers: Arc<Consumers>,
}

impl KafkaClients {
    /// Makes them. `expired` is told of instances that expire, when replicas share them.
    ///
    /// # Errors
    /// A client refuses its settings.
    pub(crate) fn make(
        common: Common<'_>,
        login: Login,
        health: Arc<Health>,
        expired: Option<mpsc::UnboundedSender<(String, String)>>,
    ) -> Result<Self, AppError> {
        let Common { config, .. } = common;
        let context = |client| Context {
            client,
            deliveries: Arc::clone(common.deliveries),
            health: Arc::clone(&health),
            token: login.token.clone(),
        };
        let refused = |client| move |source| AppError::Client { client, source };
        let producer = ProducerPool::new(
            login.producer.client_config(),
            context("producer"),
            Arc::clone(common.metrics),
        );
        let producer = Arc::new(producer.map_err(refused("producer"))?);
        let (concurrency, timeout) = (
            config.delivery.metadata_concurrency,
            config.delivery.metadata_timeout,
        );
        let admin = AdminClient::new(
            login.admin.client_config(),
            context("admin client"),
            concurrency,
            timeout,
        );
        let admin = admin.map_err(refused("admin client"))?;
        let wire = |config| {
            let limits = (concurrency, timeout);
            WireAdmin::new(config, limits, Arc::clone(&health), login.token.clone())
        };
        let topics = Topics::new(
            Arc::clone(&admin),
            Arc::clone(&producer),
            TopicCreation::new(Arc::clone(&admin), wire(&login.producer)),
            Arc::clone(&health),
            config.delivery.clone(),
        );
        let cluster: Arc<dyn ClusterAdmin> = Arc::new(wire(&login.admin));
        admin.describe_through(&cluster);
        let readers = Readers::new(
            login.consumer.clone(),
            context("consumer"),
            Arc::clone(&admin),
            schema_formats(common.schemas),
            common.consumer_metrics.clients.clone(),
        );
        let consumers = Consumers::new(
            config.consumers.clone(),
            readers,
            (common.consumer_metrics, common.places),
            expired.map(|expired| Shared {
                cluster: Arc::clone(&cluster),
                expired,
            }),
        );
        Ok(Self {
            turns: Turns::new(
                config.delivery.longest_turn_wait,
                batch_writer(config, &login, common.metrics),
            ),
            health,
            producer,
            admin,
            cluster,
            topics,
            consumers,
        })
    }
}

/// What writes batches; `None`: the settings of the producer are librdkafka's to honour.
fn batch_writer(
    config: &Config,
    login: &Login,
    metrics: &Arc<Metrics>,
) -> Option<Arc<BatchWriter>> {
    let connections = config.delivery.batch_connections;
    if connections == 0 {
        return None;
    }
    let limits = (
        connections,
        config.delivery.metadata_timeout.min(LONGEST_CONNECT),
    );
    match WriterSettings::read(&login.producer, limits, login.token.clone()) {
        Ok(settings) => Some(BatchWriter::new(settings, Arc::clone(metrics))),
        Err(reason) => {
            tracing::info!(reason, "librdkafka writes all records");
            None
        }
    }
}

fn schema_formats(schemas: Option<SchemaRegistry>) -> SchemaFormats {
    Box::new(move |format| {
        let registered = Registered::of(format, schemas.as_ref()?)?;
        Some(Arc::new(registered))
    })
}
