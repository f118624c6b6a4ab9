//! Everything the handlers share, made once at start.

use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use rdkafka::error::KafkaError;
use sluiceway_common::traces::{TraceError, Traces};
use sluiceway_schemas::Registry as SchemaRegistry;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::admin_client::AdminClient;
use crate::admission::Admission;
use crate::auth::gate::{Gate, GateError};
use crate::body::Limits;
use crate::client_context::Context;
use crate::cluster_admin::ClusterAdmin;
use crate::config::Config;
use crate::consumer::Consumers;
use crate::consumer::manager::{SchemaFormats, Shared};
use crate::consumer::metrics::ConsumerMetrics;
use crate::format::Format;
use crate::format::registered::Registered;
use crate::health::Health;
use crate::idempotency::Idempotency;
use crate::kafka_wire::WireAdmin;
use crate::kinesis::{Kinesis, KinesisError};
use crate::metrics::{Metrics, ProducedMetrics, Reading, RouteMetrics};
use crate::openapi::Document;
use crate::peers::config::PeersConfig;
use crate::peers::{self, Peers, Pen};
use crate::produce::turn::Turns;
use crate::producer_pool::ProducerPool;
use crate::rate_limit::RateLimits;
use crate::router::{Router, Target};
use crate::sse::Streams;
use crate::topics::Topics;
use crate::tracker::Deliveries;

/// Why the proxy's parts could not be made.
#[derive(Debug, Error)]
pub enum AppError {
    /// A Kafka client refuses its settings.
    #[error("the Kafka {client} cannot be made: {source}")]
    Client {
        /// Which client.
        client: &'static str,
        /// What it says.
        source: KafkaError,
    },
    /// The registry has a metric of this name.
    #[error("metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The trust or key store of the schema registry cannot be read.
    #[error("the schema registry's client cannot be made: {0}")]
    Schemas(#[from] sluiceway_schemas::ConfigProblem),
    /// A file of users or keys cannot be used.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The Kinesis front cannot be made.
    #[error(transparent)]
    Kinesis(#[from] KinesisError),
    /// Spans cannot be sent.
    #[error(transparent)]
    Traces(#[from] TraceError),
    /// Two paths of the routing table exclude one another.
    #[error("the routing table is wrong: {0}")]
    Routes(#[from] matchit::InsertError),
}

/// What handlers share.
pub struct App {
    /// Settings.
    pub config: Config,
    /// Routes.
    pub router: Router,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The way to Kafka.
    pub health: Arc<Health>,
    /// Bytes on their way.
    pub admission: Arc<Admission>,
    /// Requests whose records are on their way.
    pub deliveries: Arc<Deliveries>,
    /// Which partition records go to that may go to any.
    pub turns: Arc<Turns>,
    /// The producer.
    pub producer: Arc<ProducerPool>,
    /// Look-ups.
    pub admin: Arc<AdminClient>,
    /// The schema registry, if there is one.
    pub schemas: Option<SchemaRegistry>,
    /// Consumer instances.
    pub consumers: Arc<Consumers>,
    /// The replicas that share them; `None`: there is only this one.
    pub peers: Option<Arc<Peers>>,
    /// Keys of requests that are written once; `None`: they have no effect.
    pub idempotency: Option<Idempotency>,
    /// The Kinesis front; `None`: it is off.
    pub kinesis: Option<Kinesis>,
    /// What v3 asks of Kafka.
    pub cluster: Arc<dyn ClusterAdmin>,
    /// Topics that are written to.
    pub topics: Arc<Topics>,
    /// Limits on the rates of v3's records, when they are on.
    pub rate_limits: Option<RateLimits>,
    /// Who may do what, and how often; `None` when no setting asks.
    pub gate: Option<Arc<Gate>>,
    /// The API's description.
    pub document: Document,
    /// Where spans go.
    pub traces: Traces,
    /// Places for event streams.
    pub streams: Arc<Streams>,
    /// Told when the proxy is to stop: streams end then.
    pub stopping: CancellationToken,
    produced: [ProducedMetrics; Format::ALL.len()],
    /// By route, then by resource, then one for the rest.
    observed: Vec<RouteMetrics>,
}

impl App {
    /// Makes everything. Clients connect in the background.
    ///
    /// # Errors
    /// See [`AppError`].
    pub fn new(config: Config, registry: &Registry) -> Result<Arc<Self>, AppError> {
        let metrics = Arc::new(Metrics::new(registry)?);
        let health = Arc::new(Health::new(metrics.kafka_up.clone()));
        let deliveries = Arc::new(Deliveries::default());
        let context = |client| Context {
            client,
            deliveries: Arc::clone(&deliveries),
            health: Arc::clone(&health),
        };
        let producer = ProducerPool::new(
            config.producer.client_config(),
            context("producer"),
            Arc::clone(&metrics),
        );
        let producer = Arc::new(producer.map_err(|source| AppError::Client {
            client: "producer",
            source,
        })?);
        let (concurrency, timeout) = (
            config.delivery.metadata_concurrency,
            config.delivery.metadata_timeout,
        );
        let admin = AdminClient::new(
            config.admin.client_config(),
            context("admin client"),
            concurrency,
            timeout,
        );
        let admin = admin.map_err(|source| AppError::Client {
            client: "admin client",
            source,
        })?;
        let (topic_admin, topic_producer) = (Arc::clone(&admin), Arc::clone(&producer));
        let topics = Topics::new(
            topic_admin,
            topic_producer,
            Arc::clone(&health),
            config.delivery.clone(),
        );
        let schemas = config.schema_registry.clone().map(SchemaRegistry::new);
        let schemas = schemas.transpose()?;
        let cluster: Arc<dyn ClusterAdmin> = Arc::new(WireAdmin::new(
            &config.admin,
            concurrency,
            timeout,
            Arc::clone(&health),
        ));
        let turns = Turns::new(config.delivery.longest_turn_wait);
        admin.describe_through(&cluster);
        let admission = Admission::new(config.delivery.max_in_flight_bytes);
        let (expired, expirations) = mpsc::unbounded_channel();
        let consumers = Consumers::new(
            config.consumers.clone(),
            config.consumer.clone(),
            context("consumer"),
            Arc::clone(&admin),
            schema_formats(schemas.clone()),
            ConsumerMetrics::new(registry)?,
            config.peers.is_some().then(|| Shared {
                cluster: Arc::clone(&cluster),
                expired,
            }),
        );
        let with_peers = |peers: &PeersConfig| {
            let pen = Pen {
                producer: Arc::clone(&producer),
                deliveries: Arc::clone(&deliveries),
                admission: Arc::clone(&admission),
            };
            let parts = peers::Parts {
                pen,
                cluster: Arc::clone(&cluster),
                admin: Arc::clone(&admin),
                consumers: Arc::clone(&consumers),
                reader: config.consumer.client_config(),
                expired: expirations,
            };
            Peers::new(peers.clone(), parts, registry)
        };
        let keys = config.idempotency.clone();
        let keys = keys.map(|config| Idempotency::new(config, registry));
        let idempotency = keys.transpose()?;
        let peers = config.peers.as_ref().map(with_peers).transpose()?;
        let router = Router::new(&config.endpoints, config.http.media)?;
        let kinesis = config.kinesis.clone();
        let kinesis = kinesis.map(|config| Kinesis::new(config, &router));
        let kinesis = kinesis.transpose()?;
        let signed_calls = config
            .kinesis
            .as_ref()
            .is_some_and(|c| c.keys_file.is_some());
        let app = Self {
            observed: observed(&router, &metrics),
            produced: Format::ALL.map(|format| metrics.produced(format)),
            rate_limits: config.stream.rates.map(RateLimits::new),
            gate: Gate::new(&config.security, &router, signed_calls, &metrics)?,
            document: Document::default(),
            traces: Traces::start(&config.traces, "sluiceway-proxy", registry)?,
            streams: Streams::new(config.sse.max_streams, config.sse.max_duration),
            stopping: CancellationToken::new(),
            admission,
            config,
            router,
            metrics,
            health,
            deliveries,
            turns,
            producer,
            admin,
            schemas,
            consumers,
            peers,
            idempotency,
            kinesis,
            cluster,
            topics,
        };
        let app = Arc::new(app);
        app.register_readings(registry)?;
        Ok(app)
    }

    fn register_readings(self: &Arc<Self>, registry: &Registry) -> prometheus::Result<()> {
        let wide = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let producer = Arc::downgrade(&self.producer);
        let records = move || {
            producer
                .upgrade()
                .map_or(0, |producer| i64::from(producer.queued()))
        };
        Reading::register(
            registry,
            "queued_records",
            "Records on their way to Kafka.",
            records,
        )?;
        let admission = Arc::clone(&self.admission);
        let bytes = move || wide(admission.used());
        Reading::register(
            registry,
            "queued_bytes",
            "Bytes of bodies and records on their way to Kafka.",
            bytes,
        )?;
        let limit = wide(self.admission.limit());
        let help = "Bytes that may be on their way to Kafka at once; above, requests are answered with 429.";
        Reading::register(registry, "queue_limit_bytes", help, move || limit)?;
        let consumers = Arc::clone(&self.consumers);
        let instances = move || wide(consumers.count());
        Reading::register(
            registry,
            "consumer_instances",
            "Consumer instances.",
            instances,
        )?;
        let streams = Arc::clone(self);
        let streams = Arc::downgrade(&streams);
        let open = move || streams.upgrade().map_or(0, |app| wide(app.streams.open()));
        let help = "Server-sent event streams that are open.";
        Reading::register(registry, "open_event_streams", help, open)?;
        let reads = Arc::clone(&self.consumers.partition_reads);
        let help = "Partitions that are being read without a group.";
        Reading::register(registry, "partition_reads", help, move || {
            wide(reads.open())
        })?;
        let deliveries = Arc::clone(&self.deliveries);
        let waiting = move || wide(deliveries.requests());
        Reading::register(
            registry,
            "awaiting_delivery_requests",
            "Requests that wait for the delivery of their records.",
            waiting,
        )
    }

    /// Counters of records of a format.
    #[must_use]
    pub fn produced(&self, format: Format) -> &ProducedMetrics {
        &self.produced[format as usize]
    }

    /// Counters of what a request was matched with.
    #[must_use]
    pub fn observed(&self, target: Target) -> Option<&RouteMetrics> {
        let (routes, resources) = (self.router.routes().len(), self.router.resources().len());
        self.observed.get(match target {
            Target::Route(route) => route,
            Target::Options(resource) | Target::NoMethod(resource) => routes + resource,
            Target::NoPath => routes + resources,
        })
    }

    /// Bounds on request bodies.
    #[must_use]
    pub fn body_limits(&self) -> Limits {
        Limits {
            max_bytes: self.config.http.max_body_bytes,
            timeout: self.config.http.body_timeout,
            min_rate: self.config.http.body_min_rate,
        }
    }

    /// Asks Kafka for a sign of life, for `/readyz`: every second while it is away, seldom otherwise.
    pub async fn watch_kafka(self: Arc<Self>) {
        const TICK: Duration = Duration::from_secs(1);
        const TICKS_WHEN_UP: u32 = 15;
        let mut ticks = TICKS_WHEN_UP;
        loop {
            if ticks >= TICKS_WHEN_UP || self.health.check().is_err() {
                ticks = 0;
                if let Err(fault) = self.admin.look_for_brokers().await {
                    self.health.down(&fault.message);
                }
            }
            tokio::time::sleep(TICK).await;
            ticks += 1;
        }
    }
}

fn schema_formats(schemas: Option<SchemaRegistry>) -> SchemaFormats {
    Box::new(move |format| {
        let registered = Registered::of(format, schemas.as_ref()?)?;
        Some(Arc::new(registered))
    })
}

fn observed(router: &Router, metrics: &Arc<Metrics>) -> Vec<RouteMetrics> {
    let routes = router.routes().iter().map(|route| {
        let method = match route.method {
            http::Method::POST => "POST",
            http::Method::PUT => "PUT",
            http::Method::PATCH => "PATCH",
            http::Method::DELETE => "DELETE",
            _ => "GET",
        };
        metrics.route(route.template, method)
    });
    let resources = router
        .resources()
        .iter()
        .map(|resource| metrics.route(resource.template, "other"));
    let rest = std::iter::once_with(|| metrics.route("none", "other"));
    routes.chain(resources).chain(rest).collect()
}
